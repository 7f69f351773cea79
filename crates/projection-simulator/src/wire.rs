//! Postgres's protocol, as much of it as tells where a statement begins and where it is answered.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::bytes::{Bytes, BytesMut};

/// Of a client: the values of a statement, right before it runs. From then on it holds locks.
pub(crate) const BIND: u8 = b'B';

/// Of a client: ends a statement, and commits it where no transaction is open.
pub(crate) const SYNC: u8 = b'S';

/// Of the server: all up to a [`SYNC`] is done.
pub(crate) const READY: u8 = b'Z';

/// Of the server: which of its processes serves this connection.
const KEY_DATA: u8 = b'K';

/// The kind of the first message of a client, which has none.
const GREETING: u8 = 0;

/// One message, with its head.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) bytes: Bytes,
}

impl Message {
    /// The process that the server says is behind the connection, in the message that says so.
    pub(crate) fn process(&self) -> Option<i32> {
        let number = self.bytes.get(5..9)?.try_into().ok()?;
        (self.kind == KEY_DATA).then(|| i32::from_be_bytes(number))
    }
}

/// One direction of a connection, cut into messages.
#[derive(Debug)]
pub(crate) struct Messages<R> {
    from: R,
    buffer: BytesMut,
    greeted: bool,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    pub(crate) fn of_a_client(from: R) -> Self {
        Self { from, buffer: BytesMut::new(), greeted: false }
    }

    pub(crate) fn of_the_server(from: R) -> Self {
        Self { from, buffer: BytesMut::new(), greeted: true }
    }

    /// Waits for more; whether the other end is still there. Nothing is lost when the wait is
    /// given up.
    pub(crate) async fn fill(&mut self) -> io::Result<bool> {
        Ok(self.from.read_buf(&mut self.buffer).await? > 0)
    }

    /// The next message, if it is here whole.
    pub(crate) fn pop(&mut self) -> Option<Message> {
        let head = usize::from(self.greeted);
        let length = self.buffer.get(head..head + 4)?.try_into().ok()?;
        let whole = head + usize::try_from(u32::from_be_bytes(length)).ok()?;
        if self.buffer.len() < whole {
            return None;
        }
        let kind = if self.greeted { self.buffer[0] } else { GREETING };
        self.greeted = true;
        Some(Message { kind, bytes: self.buffer.split_to(whole).freeze() })
    }

    /// The next message, waited for.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Message>> {
        loop {
            if let Some(message) = self.pop() {
                return Ok(Some(message));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_told_apart_however_they_arrive() -> io::Result<()> {
        let greeting = [0, 0, 0, 8, 0, 3, 0, 0];
        let bind = [BIND, 0, 0, 0, 9, 0, 0, 0, 0, 0];
        let sync = [SYNC, 0, 0, 0, 4];
        let (arrived, kept_back) = (&sync[..3], &sync[3..]);
        let stream = [&greeting[..], &bind, arrived].concat();
        let mut messages = Messages::of_a_client(io::Cursor::new(stream));
        assert!(messages.fill().await?);
        let kinds: Vec<u8> = std::iter::from_fn(|| messages.pop()).map(|m| m.kind).collect();
        assert_eq!(kinds, [GREETING, BIND]);
        messages.from = io::Cursor::new(kept_back.to_vec());
        let last = messages.next().await?.map(|message| (message.kind, message.bytes));
        assert_eq!(last, Some((SYNC, Bytes::copy_from_slice(&sync))));
        assert!(messages.next().await?.is_none(), "the other end is gone");
        Ok(())
    }

    #[test]
    fn the_servers_process_is_read_from_its_greeting() {
        let bytes = Bytes::from_static(&[KEY_DATA, 0, 0, 0, 12, 0, 0, 1, 2, 9, 9, 9, 9]);
        assert_eq!(Message { kind: KEY_DATA, bytes }.process(), Some(258));
        assert_eq!(
            Message { kind: READY, bytes: Bytes::from_static(b"Z123456789") }.process(),
            None
        );
    }
}
