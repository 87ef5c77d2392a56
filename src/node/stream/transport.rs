//! Lines over whatever carries them: how they are found in what comes, and how chunks are written.
//!
//! Owns     the bytes of a line that has not come whole. Never knows what a line says.
//! Bounds   `LINE_BYTES_MAX` a line.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::request::LINE_BYTES_MAX;

/// Whole lines to be written at once.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) pieces: Vec<Bytes>,
    /// Nothing follows: the connection is closed behind it.
    pub(super) last: bool,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    Line(Bytes),
    TooLong,
    /// The other side has closed, or is gone.
    End,
}

/// What a connection speaks over.
pub(super) trait Transport: Send {
    /// The next line, without its end. Nothing is lost when it is not waited for to the end.
    fn next(&mut self) -> impl Future<Output = Came> + Send;

    /// All of the chunk.
    fn write(&mut self, chunk: &Chunk) -> impl Future<Output = io::Result<()>> + Send;

    /// No more is written.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// Lines that end with CRLF, or LF, over any stream of bytes.
pub(super) struct Lines<S> {
    stream: S,
    came: BytesMut,
    /// So much of it holds no end of a line.
    searched: usize,
}

impl<S> Lines<S> {
    pub(super) fn new(stream: S) -> Lines<S> {
        Lines { stream, came: BytesMut::new(), searched: 0 }
    }

    fn line(&mut self) -> Option<Came> {
        let end = self.came[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(end) = end.map(|at| at + self.searched) else {
            self.searched = self.came.len();
            return (self.came.len() > LINE_BYTES_MAX).then_some(Came::TooLong);
        };
        if end > LINE_BYTES_MAX {
            return Some(Came::TooLong);
        }
        let mut line = self.came.split_to(end + 1).freeze();
        self.searched = 0;
        line.truncate(end);
        if line.last() == Some(&b'\r') {
            line.truncate(end - 1);
        }
        Some(Came::Line(line))
    }
}

/// How much of what a refused client still sends is thrown away before the reset.
const LINGER_BYTES: usize = 1 << 20;
/// Chunks up to this are copied together; larger ones go piece by piece.
const COPIED_BYTES_MAX: usize = 16 << 10;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for Lines<S> {
    async fn next(&mut self) -> Came {
        loop {
            if let Some(came) = self.line() {
                return came;
            }
            self.came.reserve(1024);
            match self.stream.read_buf(&mut self.came).await {
                Ok(0) | Err(_) => return Came::End,
                Ok(_) => {}
            }
        }
    }

    async fn write(&mut self, chunk: &Chunk) -> io::Result<()> {
        let mut copied = Vec::new();
        for piece in &chunk.pieces {
            if chunk.pieces.len() == 1 || piece.len() > COPIED_BYTES_MAX {
                self.stream.write_all(&copied).await?;
                copied.clear();
                self.stream.write_all(piece).await?;
                continue;
            }
            copied.extend_from_slice(piece);
            if copied.len() > COPIED_BYTES_MAX {
                self.stream.write_all(&copied).await?;
                copied.clear();
            }
        }
        self.stream.write_all(&copied).await?;
        self.stream.flush().await
    }

    /// What still comes is read and thrown away, so that no reset overtakes the last words.
    async fn close(&mut self) {
        // A socket that the other side has closed is closed.
        let _ = self.stream.shutdown().await;
        let mut left = LINGER_BYTES;
        while left > 0 {
            self.came.clear();
            self.came.reserve(1024);
            match self.stream.read_buf(&mut self.came).await {
                Ok(0) | Err(_) => return,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_found_wherever_the_bytes_are_cut() {
        let (mut client, server) = tokio::io::duplex(3);
        let mut lines = Lines::new(server);
        let write = async {
            client.write_all(b"{\"a\":1}\r\n\nxy\nhalf").await.unwrap();
            drop(client);
        };
        let read = async {
            for expected in ["{\"a\":1}", "", "xy"] {
                assert_eq!(lines.next().await, Came::Line(Bytes::from_static(expected.as_bytes())));
            }
            assert_eq!(lines.next().await, Came::End);
        };
        tokio::join!(write, read);
    }

    #[tokio::test]
    async fn a_line_without_end_is_refused_at_the_bound() {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(&vec![b'x'; LINE_BYTES_MAX + 1]).await.unwrap();
        assert_eq!(Lines::new(server).next().await, Came::TooLong);
    }
}
