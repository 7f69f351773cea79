//! One connection on the line: what is said goes to and fro, until something springs.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::oneshot,
};
use tokio_util::bytes::BytesMut;

use crate::wire::{Message, Messages, READY, SYNC};

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
    /// It takes its time before it commits.
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

/// Who listens on a line.
pub(crate) trait Listener: Sync {
    /// What a message of the client sets off, if anything, in the listener's own time.
    fn hears(&self, message: &Message) -> impl Future<Output = Option<Spring>> + Send;
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
        self.list.lock().unwrap_or_else(PoisonError::into_inner).extend(self.process);
    }
}

/// Hands everything on between a client and the server, until either is gone or something
/// springs. The listener says what a message sets off; the server's process goes on the list when the
/// connection ends.
pub(crate) async fn relay<A, B, C, D>(
    client: (A, B),
    server: (C, D),
    listener: &impl Listener,
    left_behind: &Mutex<Vec<i32>>,
) -> io::Result<()>
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
        process: LeftBehind { process: None, list: left_behind },
    };
    loop {
        let goes_on = tokio::select! {
            there = connection.from_client.fill() => there? && connection.ask(listener).await?,
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
    async fn ask(&mut self, listener: &impl Listener) -> io::Result<bool> {
        let mut together = BytesMut::new();
        while let Some(message) = self.from_client.pop() {
            if let Some(spring) = listener.hears(&message).await {
                self.to_server.write_all(&together.split()).await?;
                if !self.spring(spring, &message).await? {
                    return Ok(false);
                }
                continue;
            }
            together.extend_from_slice(&message.bytes);
        }
        self.to_server.write_all(&together).await?;
        Ok(true)
    }

    /// Does what a message sets off; whether the connection goes on, and then it was handed on.
    async fn spring(&mut self, spring: Spring, bind: &Message) -> io::Result<bool> {
        match spring {
            Spring::CutBefore => Ok(false),
            Spring::CutMidMessage => {
                self.to_server.write_all(&bind.bytes[..bind.bytes.len() / 2]).await?;
                Ok(false)
            }
            Spring::CutWhileRunning => {
                self.run(bind, Duration::ZERO).await?;
                Ok(false)
            }
            Spring::AnswerLost => {
                self.run(bind, Duration::ZERO).await?;
                while self.from_server.next().await?.is_some_and(|answer| answer.kind != READY) {}
                Ok(false)
            }
            Spring::Held(hold) => {
                // Refused when nobody waits any more; then nobody releases it either.
                let _ = hold.held.send(self.process.process.unwrap_or_default());
                let released = hold.release.await.is_ok();
                if released {
                    self.to_server.write_all(&bind.bytes).await?;
                }
                Ok(released)
            }
            Spring::Slow(pause) => {
                self.run(bind, pause).await?;
                Ok(true)
            }
        }
    }

    /// Hands on a statement with all that belongs to it, and takes its time before the last, which
    /// commits: until then the statement is done, keeps its locks, and nobody sees what it did.
    async fn run(&mut self, bind: &Message, pause: Duration) -> io::Result<()> {
        self.to_server.write_all(&bind.bytes).await?;
        while let Some(message) = self.from_client.next().await? {
            let last = message.kind == SYNC;
            if last {
                tokio::time::sleep(pause).await;
            }
            self.to_server.write_all(&message.bytes).await?;
            if last {
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
