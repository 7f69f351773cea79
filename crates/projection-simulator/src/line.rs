//! The line between a projector and its database, with somebody on it who listens and cuts.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixListener, UnixStream},
    sync::{oneshot, watch},
    task::JoinSet,
};
use tokio_util::{bytes::BytesMut, task::AbortOnDropHandle};

use crate::wire::{BIND, Message, Messages, READY, SYNC};

/// The port in the name of the socket. Each line has a folder of its own.
const PORT: u16 = 5432;

/// What happens when the statement that is waited for passes by.
#[derive(Debug)]
pub(crate) enum Spring {
    /// The connection breaks, and the server never sees the statement.
    CutBefore,
    /// The connection breaks in the middle of a message; the server sees half a statement.
    CutMidMessage,
    /// The server has the whole of it, and the connection breaks while it is at work.
    CutWhileRunning,
    /// The server is done, and the connection breaks before the client hears of it.
    AnswerLost,
    /// It is held up, and somebody else decides when it goes on.
    Held(Hold),
    /// It takes its time.
    Slow(Duration),
}

/// The line's end of a statement that is held up.
#[derive(Debug)]
pub(crate) struct Hold {
    /// Told the server's process once the statement is there.
    pub(crate) held: oneshot::Sender<i32>,
    /// Lets it go on; the connection breaks if nobody does.
    pub(crate) release: oneshot::Receiver<()>,
}

#[derive(Debug)]
struct Trap {
    /// How many statements pass before.
    pass: u32,
    spring: Spring,
}

/// A way to the database that can be cut, held up and closed. Its own end is a Unix socket.
///
/// ```no_run
/// # async fn example() -> anyhow::Result<()> {
/// let line = projection_simulator::Line::to("postgres://postgres@127.0.0.1/test")?;
/// let pool = sqlx::PgPool::connect_with(line.options()).await?;
/// line.close(); // every connection is gone, and there is none to be had
/// line.open();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Line {
    options: PgConnectOptions,
    shared: Arc<Shared>,
    _listening: AbortOnDropHandle<()>,
    _folder: TempDir,
}

#[derive(Debug)]
struct Shared {
    server: Server,
    closed: watch::Sender<bool>,
    /// Counts the cuts by hand; a connection ends when it moves.
    cuts: watch::Sender<u64>,
    trap: Mutex<Option<Trap>>,
    /// The server's processes behind connections that broke.
    left_behind: Mutex<Vec<i32>>,
}

#[derive(Debug)]
enum Server {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Line {
    /// A line to the database that a URL names.
    ///
    /// # Errors
    /// When it is no URL of a Postgres, or there is no folder for a socket.
    pub fn to(url: &str) -> anyhow::Result<Self> {
        let options: PgConnectOptions = url.parse().context("the URL of the database")?;
        let folder = TempDir::with_prefix("line-").context("a folder for a socket")?;
        let socket = folder.path().join(format!(".s.PGSQL.{PORT}"));
        let listener = UnixListener::bind(&socket).context("a socket")?;
        let shared = Arc::new(Shared {
            server: Server::of(&options),
            closed: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
            trap: Mutex::default(),
            left_behind: Mutex::default(),
        });
        let listening = tokio::spawn(listen(listener, shared.clone()));
        Ok(Self {
            options: options.socket(folder.path()).port(PORT).ssl_mode(PgSslMode::Disable),
            shared,
            _listening: AbortOnDropHandle::new(listening),
            _folder: folder,
        })
    }

    /// How to connect through it.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Breaks every connection, and every one that is tried from now on.
    pub fn close(&self) {
        self.shared.closed.send_replace(true);
    }

    /// Takes connections again.
    pub fn open(&self) {
        self.shared.closed.send_replace(false);
    }

    /// Breaks every connection, wherever it is; new ones are taken.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Lies in wait for a statement, the first or a later one from now on.
    pub(crate) fn set_trap(&self, statement: u32, spring: Spring) {
        *lock(&self.shared.trap) = Some(Trap { pass: statement.saturating_sub(1), spring });
    }

    /// Waits no longer; whether the trap had sprung.
    pub(crate) fn clear_trap(&self) -> bool {
        lock(&self.shared.trap).take().is_none()
    }

    /// The server's processes behind connections that broke; some of them may still be at work.
    pub(crate) fn left_behind(&self) -> Vec<i32> {
        std::mem::take(&mut lock(&self.shared.left_behind))
    }
}

impl Server {
    fn of(options: &PgConnectOptions) -> Self {
        let (host, port) = (options.get_host(), options.get_port());
        let folder = options.get_socket().cloned();
        match folder.or_else(|| host.starts_with('/').then(|| PathBuf::from(host))) {
            Some(folder) => Self::Unix(folder.join(format!(".s.PGSQL.{port}"))),
            None => Self::Tcp(host.to_owned(), port),
        }
    }
}

impl Shared {
    /// What happens to this message, if anything does.
    fn sprung(&self, message: &Message) -> Option<Spring> {
        if message.kind != BIND {
            return None;
        }
        let mut waiting = lock(&self.trap);
        match waiting.as_mut() {
            Some(trap) if trap.pass > 0 => trap.pass -= 1,
            Some(_) => return waiting.take().map(|trap| trap.spring),
            None => {}
        }
        None
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: UnixListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        connections.spawn(async move {
            // What breaks here breaks for both ends, which is what a line is for.
            drop(serve(client, &shared).await);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(client: UnixStream, shared: &Shared) -> io::Result<()> {
    let mut cuts = shared.cuts.subscribe();
    let mut closed = shared.closed.subscribe();
    let client = client.into_split();
    let relay = async {
        match &shared.server {
            Server::Tcp(host, port) => {
                let server = TcpStream::connect((host.as_str(), *port)).await?;
                server.set_nodelay(true)?;
                relay(client, server.into_split(), shared).await
            }
            Server::Unix(path) => {
                relay(client, UnixStream::connect(path).await?.into_split(), shared).await
            }
        }
    };
    tokio::select! {
        biased;
        _ = closed.wait_for(|closed| *closed) => Ok(()),
        _ = cuts.changed() => Ok(()),
        ended = relay => ended,
    }
}

/// A connection in the hands of the line.
struct Connection<'a, A, B, C, D> {
    from_client: Messages<A>,
    to_client: B,
    from_server: Messages<C>,
    to_server: D,
    process: LeftBehind<'a>,
}

/// The server's process behind a connection; on the list once the connection is gone.
struct LeftBehind<'a> {
    process: Option<i32>,
    list: &'a Mutex<Vec<i32>>,
}

impl Drop for LeftBehind<'_> {
    fn drop(&mut self) {
        lock(self.list).extend(self.process);
    }
}

async fn relay<A, B, C, D>(client: (A, B), server: (C, D), shared: &Shared) -> io::Result<()>
where
    A: AsyncRead + Unpin,
    B: AsyncWrite + Unpin,
    C: AsyncRead + Unpin,
    D: AsyncWrite + Unpin,
{
    let mut connection = Connection {
        from_client: Messages::of_a_client(client.0),
        to_client: client.1,
        from_server: Messages::of_the_server(server.0),
        to_server: server.1,
        process: LeftBehind { process: None, list: &shared.left_behind },
    };
    loop {
        let goes_on = tokio::select! {
            there = connection.from_client.fill() => there? && connection.ask(shared).await?,
            there = connection.from_server.fill() => there? && connection.answer().await?,
        };
        if !goes_on {
            return Ok(());
        }
    }
}

impl<A, B, C, D> Connection<'_, A, B, C, D>
where
    A: AsyncRead + Unpin,
    B: AsyncWrite + Unpin,
    C: AsyncRead + Unpin,
    D: AsyncWrite + Unpin,
{
    /// Hands on what the client said; whether the connection goes on.
    async fn ask(&mut self, shared: &Shared) -> io::Result<bool> {
        let mut together = BytesMut::new();
        while let Some(message) = self.from_client.pop() {
            let Some(spring) = shared.sprung(&message) else {
                together.extend_from_slice(&message.bytes);
                continue;
            };
            self.to_server.write_all(&together.split()).await?;
            match spring {
                Spring::CutBefore => return Ok(false),
                Spring::CutMidMessage => {
                    self.to_server.write_all(&message.bytes[..message.bytes.len() / 2]).await?;
                    return Ok(false);
                }
                Spring::CutWhileRunning => {
                    self.run(&message).await?;
                    return Ok(false);
                }
                Spring::AnswerLost => {
                    self.run(&message).await?;
                    while let Some(answer) = self.from_server.next().await? {
                        if answer.kind == READY {
                            break;
                        }
                    }
                    return Ok(false);
                }
                Spring::Held(hold) => {
                    // Refused when nobody waits any more; then nobody releases it either.
                    let _ = hold.held.send(self.process.process.unwrap_or_default());
                    if hold.release.await.is_err() {
                        return Ok(false);
                    }
                }
                Spring::Slow(pause) => tokio::time::sleep(pause).await,
            }
            together.extend_from_slice(&message.bytes);
        }
        self.to_server.write_all(&together).await?;
        Ok(true)
    }

    /// Hands on a statement with all that belongs to it.
    async fn run(&mut self, bind: &Message) -> io::Result<()> {
        self.to_server.write_all(&bind.bytes).await?;
        while let Some(message) = self.from_client.next().await? {
            self.to_server.write_all(&message.bytes).await?;
            if message.kind == SYNC {
                break;
            }
        }
        Ok(())
    }

    /// Hands on what the server said; whether the connection goes on.
    async fn answer(&mut self) -> io::Result<bool> {
        let mut together = BytesMut::new();
        while let Some(message) = self.from_server.pop() {
            self.process.process = self.process.process.or(message.process());
            together.extend_from_slice(&message.bytes);
        }
        self.to_client.write_all(&together).await?;
        Ok(true)
    }
}
