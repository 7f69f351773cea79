//! The line between a projector and its database, with somebody on it who listens and cuts.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tempfile::TempDir;
use tokio::{
    net::{TcpStream, UnixListener, UnixStream},
    sync::watch,
    task::JoinSet,
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    conductor::Conductor,
    relay::{Listener, Spring, relay},
    wire::{BIND, Message},
};

/// The port in the name of the socket. Each line has a folder of its own.
const PORT: u16 = 5432;

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
    /// Who says when a statement may go, and to whom.
    conducted: Mutex<Option<Part>>,
}

/// A player's part: who conducts, and which player it is.
pub(crate) type Part = (Arc<Conductor>, usize);

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
            conducted: Mutex::default(),
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

    /// From now on each statement waits for its turn, or none does; gives the part up to now.
    pub(crate) fn set_part(&self, part: Option<Part>) -> Option<Part> {
        std::mem::replace(&mut lock(&self.shared.conducted), part)
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

impl Listener for Shared {
    /// A statement waits for its turn before anything comes of it.
    async fn hears(&self, message: &Message) -> Option<Spring> {
        if message.kind != BIND {
            return None;
        }
        let part = lock(&self.conducted).clone();
        if let Some((conductor, player)) = part {
            conductor.turn(player).await;
        }
        self.sprung()
    }
}

impl Shared {
    /// What happens to the next statement, if anything does.
    fn sprung(&self) -> Option<Spring> {
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
                relay(client, server.into_split(), shared, &shared.left_behind).await
            }
            Server::Unix(path) => {
                let server = UnixStream::connect(path).await?;
                relay(client, server.into_split(), shared, &shared.left_behind).await
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
