//! Lines over WebSocket: one object a text frame, without line ends.
//!
//! Bounds   `AHEAD_MAX` messages that come while the other side does not read; then it is the end.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::request::LINE_BYTES_MAX;
use super::transport::{Came, Chunk, Transport};
use crate::door::websocket::{CloseCode, Event, Kind, Rules, WebSocket};

/// Mirrors the status that said that the connection is closed.
const CLOSED: CloseCode = CloseCode(4_000);
const AHEAD_MAX: usize = 64;

/// What a stream's socket may do.
pub(super) fn rules() -> Rules {
    Rules { message_bytes_max: LINE_BYTES_MAX, ..Rules::default() }
}

/// A WebSocket as a carrier of lines.
pub(super) struct Frames<S> {
    /// `None` when it has been closed.
    socket: Option<WebSocket<S>>,
    came: VecDeque<Bytes>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    pub(super) fn new(socket: WebSocket<S>) -> Frames<S> {
        Frames { socket: Some(socket), came: VecDeque::new() }
    }

    /// What happens next on the socket; false when it is over.
    async fn step(&mut self) -> bool {
        match &mut self.socket {
            Some(socket) => {
                let event = socket.next().await;
                self.take(event)
            }
            None => false,
        }
    }

    /// Waits until everything that is queued is out; false when it is over before.
    async fn flush(&mut self) -> bool {
        while self.came.len() <= AHEAD_MAX {
            let Some(socket) = &mut self.socket else { return false };
            let next = std::future::poll_fn(|cx| {
                // The socket writes whenever it is asked what is next, and may be asked anew at any time.
                let asked = pin!(socket.next()).poll(cx).map(Some);
                if asked.is_pending() && socket.queued_bytes() == 0 {
                    return Poll::Ready(None);
                }
                asked
            });
            match next.await {
                None => return true,
                Some(event) => {
                    if !self.take(event) {
                        return false;
                    }
                }
            }
        }
        false
    }

    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Received(batch) => {
                for message in batch.iter() {
                    self.came.push_back(Bytes::copy_from_slice(message.bytes.trim_ascii_end()));
                }
                true
            }
            // The connection itself says goodbye when the door drains.
            Event::Unblocked | Event::Draining => true,
            Event::Ended(_) => false,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for Frames<S> {
    async fn next(&mut self) -> Came {
        loop {
            if let Some(line) = self.came.pop_front() {
                return Came::Line(line);
            }
            if !self.step().await {
                return Came::End;
            }
        }
    }

    async fn write(&mut self, chunk: &Chunk) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let mut line: Vec<u8> = Vec::new();
        let socket = self.socket.as_mut().ok_or_else(gone)?;
        for piece in &chunk.pieces {
            let mut rest = &piece[..];
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                line.extend_from_slice(&rest[..end]);
                socket.send(Kind::Text, line.trim_ascii_end());
                line.clear();
                rest = &rest[end + 1..];
            }
            line.extend_from_slice(rest);
        }
        if self.flush().await { Ok(()) } else { Err(gone()) }
    }

    async fn close(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.close(CLOSED, "").await;
        }
    }
}
