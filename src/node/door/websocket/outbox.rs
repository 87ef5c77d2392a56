//! What is still to be written to one client.
//!
//! Owns the bytes and their count. Small messages are gathered in a buffer of the connection's own, frames
//! that many subscribers get are kept as references, and all of it goes out in as few writes as possible.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// Pieces written at once.
const SLICES: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Bytes>,
    /// Behind the pieces.
    own: Vec<u8>,
    bytes: usize,
}

impl Outbox {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        self.seal();
        self.bytes += piece.len();
        self.pieces.push_back(piece);
    }

    /// Appends what `write` appends.
    pub(super) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.own.len();
        write(&mut self.own);
        self.bytes += self.own.len() - before;
    }

    pub(super) fn clear(&mut self) {
        *self = Outbox::default();
    }

    fn seal(&mut self) {
        if !self.own.is_empty() {
            self.pieces.push_back(std::mem::take(&mut self.own).into());
        }
    }

    /// Writes until everything is out; `progress` is called whenever the client took something.
    pub(super) fn poll_write(
        &mut self,
        mut stream: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
        mut progress: impl FnMut(),
    ) -> Poll<io::Result<()>> {
        self.seal();
        while !self.pieces.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut filled = 0;
            for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                *slice = IoSlice::new(piece);
                filled += 1;
            }
            let written = ready!(stream.as_mut().poll_write_vectored(cx, &slices[..filled]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            progress();
            self.advance(written);
        }
        stream.as_mut().poll_flush(cx)
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(front) = self.pieces.front_mut() {
            if front.len() > written {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.pieces.pop_front();
        }
        // A subscriber that has caught up keeps nothing of a burst.
        self.pieces.shrink_to(SLICES);
    }
}
