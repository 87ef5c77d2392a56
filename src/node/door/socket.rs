//! The TCP stream under hyper.
//!
//! Owns the stream. It tells the connection's clock of every byte, looks for what hyper drops from a head
//! (a `Content-Length` beside `Transfer-Encoding`), and closes so that the last answer arrives: a socket
//! that is closed with unread bytes sends a reset, and the client may lose the 413 that explains it.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::connection::Connection;

/// How much of what a refused client still sends is read and thrown away before the reset.
const LINGER_BYTES: usize = 1 << 20;

/// The most that is read at once.
const PASSING_BYTES: usize = 16 << 10;

/// A stream that its connection hears of.
pub(super) struct Socket {
    stream: TokioIo<TcpStream>,
    connection: Arc<Connection>,
    head: HeadScan,
    closing: Closing,
}

enum Closing {
    No,
    /// Our side is shut; reads go nowhere until the peer closes, the time is up or enough was read.
    Lingering {
        until: Pin<Box<Sleep>>,
        bytes_left: usize,
    },
}

impl Socket {
    pub(super) fn new(stream: TcpStream, connection: Arc<Connection>) -> Socket {
        Socket {
            stream: TokioIo::new(stream),
            connection,
            head: HeadScan::default(),
            closing: Closing::No,
        }
    }

    /// The bare stream, when HTTP is over.
    pub(super) fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }

    /// Looks at bytes that came.
    fn notice(&mut self, bytes: &[u8]) {
        let phases = &self.connection.phases;
        if phases.is_idle() {
            self.head = HeadScan::default();
        }
        phases.bytes_came();
        if phases.in_head() {
            self.head.feed(bytes);
            self.connection.head_has_length.store(self.head.has_content_length, Relaxed);
        }
    }

    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.closing {
                Closing::No => {
                    ready!(Pin::new(self.stream.inner_mut()).poll_shutdown(cx))?;
                    let until = Box::pin(sleep(self.connection.linger_timeout));
                    self.closing = Closing::Lingering { until, bytes_left: LINGER_BYTES };
                }
                Closing::Lingering { until, bytes_left } => {
                    if until.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                    let mut scrap = [MaybeUninit::uninit(); PASSING_BYTES];
                    let mut buffer = ReadBuf::uninit(&mut scrap);
                    ready!(Pin::new(self.stream.inner_mut()).poll_read(cx, &mut buffer))?;
                    let read = buffer.filled().len();
                    if read == 0 || read >= *bytes_left {
                        return Poll::Ready(Ok(()));
                    }
                    *bytes_left -= read;
                }
            }
        }
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = &mut *self;
        // What was read into hyper's buffer can only be looked at with unsafe code, so bytes pass through
        // one on the stack, which nobody has to fill with zeroes first.
        let mut passing = [MaybeUninit::uninit(); PASSING_BYTES];
        let room = cursor.remaining().min(PASSING_BYTES);
        let mut buffer = ReadBuf::uninit(&mut passing[..room]);
        ready!(Pin::new(socket.stream.inner_mut()).poll_read(cx, &mut buffer))?;
        let bytes = buffer.filled();
        if !bytes.is_empty() {
            socket.notice(bytes);
            cursor.put_slice(bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(self.stream.inner_mut()).poll_write(cx, bytes))?;
        self.connection.phases.bytes_went();
        self.connection.keeping.written();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(self.stream.inner_mut()).poll_write_vectored(cx, slices))?;
        self.connection.phases.bytes_went();
        self.connection.keeping.written();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.inner_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.linger(cx)
    }
}

/// Looks for a `Content-Length` line in a head, over any number of reads.
///
/// hyper drops that header when `Transfer-Encoding` stands beside it, so the gate could not refuse the
/// pair, the classic of request smuggling. Only the first head after an idle moment is looked at; that is
/// enough because a connection is closed after every chunked request.
#[derive(Debug, Default)]
pub(super) struct HeadScan {
    /// Bytes of the current line that match `NAME` so far.
    matched: usize,
    /// The current line differs from `NAME`.
    differs: bool,
    /// The empty line came, what follows is a body.
    over: bool,
    pub(super) has_content_length: bool,
}

const NAME: &[u8] = b"content-length";

impl HeadScan {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.has_content_length && !self.over && !rest.is_empty() {
            if self.differs {
                let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return };
                rest = &rest[end + 1..];
                (self.matched, self.differs) = (0, false);
            } else if self.matched == 0 && matches!(rest[0], b'\r' | b'\n') {
                self.over = true;
            } else if rest[0].to_ascii_lowercase() == NAME[self.matched] {
                self.matched += 1;
                self.has_content_length = self.matched == NAME.len();
                rest = &rest[1..];
            } else {
                self.differs = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_length_is_found_wherever_the_reads_are_cut() {
        let head = b"POST / HTTP/1.1\r\nhost: x\r\nconTent-Length: 5\r\n\r\n";
        for cut in 0..head.len() {
            let mut scan = HeadScan::default();
            scan.feed(&head[..cut]);
            scan.feed(&head[cut..]);
            assert!(scan.has_content_length, "cut at {cut}");
        }
    }

    #[test]
    fn other_lines_and_bodies_are_not_a_content_length() {
        let others = [
            &b"POST /content-length HTTP/1.1\r\nx-content-length: 1\r\ncontent-type: a\r\n\r\n"[..],
            b"POST / HTTP/1.1\r\nhost: x\r\n\r\ncontent-length: 5",
        ];
        for head in others {
            for cut in 0..head.len() {
                let mut scan = HeadScan::default();
                scan.feed(&head[..cut]);
                scan.feed(&head[cut..]);
                assert!(!scan.has_content_length, "cut at {cut}");
            }
        }
    }
}
