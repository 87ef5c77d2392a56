//! WebSockets of the node's doors: warp routes the handshake, everything behind it is ours.
//!
//! Owns     the connection from the 101 on: frames both ways, pings, deadlines, the closing handshake.
//! Never    spawns: the socket's work goes on in the task of the connection it came in on, so the door's task
//!          set owns, counts and aborts it like any other connection, and a drain waits for it.
//! Bounds   [`Rules`]: the length of a message, the bytes that wait for a slow reader, the time without a
//!          word, the time without a byte taken. A quiet socket holds no buffer at all.
//!
//! warp's own WebSocket fills 128 KiB with zeroes before every read and keeps them; no setting changes that.
//!
//! A route takes the handshake and answers with what becomes of it; the work is a future that gets the
//! socket, and returns when it has had the last event:
//!
//! ```ignore
//! warp::path!("v1" / "orders").and(websocket::handshake()).map(|handshake: Handshake| {
//!     handshake.accept(Rules::default(), |mut socket| async move {
//!         loop {
//!             tokio::select! {
//!                 event = socket.next() => match event {
//!                     Event::Received(batch) => batch.iter().for_each(|message| ...),
//!                     Event::Unblocked => {}                      // room again for who conflates
//!                     Event::Draining => return socket.close(CloseCode::GOING_AWAY, "").await,
//!                     Event::Ended(_) => return,
//!                 },
//!                 Some(frame) = updates.recv() => socket.push(&frame),  // bytes shared, not copied
//!             }
//!         }
//!     })
//! })
//! ```
//! [`WebSocket::next`] also writes what was queued, answers pings and looks after the deadlines, so whoever
//! serves a socket keeps calling it. It may be dropped half-way (as `select!` does) and loses nothing.
//!
//! ```text
//!   Open ──violation, close(), deadline──▶ Closing ──peer closes or `close_timeout`──▶ Ended
//!     └───────────── peer's close frame: echoed, written ─────────────────────────────▶
//! ```

mod decoder;
mod frame;
mod handshake;
mod outbox;

/// For fuzzers: bytes mean the same whole and in pieces of any size.
pub(crate) fn look_at_bytes(bytes: &[u8]) -> Reached {
    const MESSAGE_BYTES_MAX: usize = 1 << 10;
    let look = |piece: usize| {
        let mut decoder = Decoder::new(MESSAGE_BYTES_MAX);
        let mut messages: Vec<(Kind, Vec<u8>)> = Vec::new();
        let mut broken = None;
        for piece in bytes.chunks(piece) {
            broken = decoder.feed(piece).err();
            let batch = decoder.take();
            messages.extend(batch.iter().map(|it| (it.kind, it.bytes.to_vec())));
            if broken.is_some() {
                break;
            }
        }
        (messages, broken, decoder.closed())
    };
    let whole = look(bytes.len().max(1));
    for piece in [1, 2, 7] {
        assert_eq!(look(piece), whole, "in pieces of {piece}");
    }
    for (kind, message) in &whole.0 {
        assert!(message.len() <= MESSAGE_BYTES_MAX, "{} bytes", message.len());
        assert!(*kind != Kind::Text || std::str::from_utf8(message).is_ok(), "text is UTF-8");
    }
    Reached::when(!whole.0.is_empty())
}

#[cfg(test)]
mod tests;

use std::future::Future;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Drain;
use crate::fuzz::Reached;
use decoder::Decoder;
use frame::{Opcode, put, put_close};
use outbox::Outbox;

pub use decoder::{Batch, Message, Violation};
pub use frame::{CloseCode, Frame, Kind};
pub use handshake::{Handshake, handshake};

/// What is read at once, on the stack.
const READ_BYTES: usize = 16 << 10;

/// What one socket may do, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// A longer message closes the connection, however it is cut into frames.
    pub message_bytes_max: usize,
    /// Bytes that may wait for the client. At half of it nothing more is read from a client that does not
    /// read; past it [`WebSocket::is_full`] says so, and who serves the socket conflates or closes.
    pub queued_bytes_max: usize,
    /// A client that has said nothing for so long is pinged.
    pub ping_every: Duration,
    /// A client that has said nothing for so long, pings included, is gone: half-open connections end here.
    pub silent_timeout: Duration,
    /// A client that takes no byte of what waits for it for so long is cut.
    pub stall_timeout: Duration,
    /// What the closing handshake may take.
    pub close_timeout: Duration,
    /// Pings and pongs of a client within `ping_every`.
    pub control_frames_max: u32,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            message_bytes_max: 64 << 10,
            queued_bytes_max: 1 << 20,
            ping_every: Duration::from_secs(15),
            silent_timeout: Duration::from_secs(45),
            stall_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(1),
            control_frames_max: 1_000,
        }
    }
}

/// What [`WebSocket::next`] has to say.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Whole messages, all that came together.
    Received(Batch),
    /// Everything that was queued is out, after the client had been slower than that.
    Unblocked,
    /// The door drains: finish, then [`WebSocket::close`]. Told once.
    Draining,
    /// It is over; nothing can be sent any more.
    Ended(Ended),
}

/// How a connection came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By the client, with its code.
    ByClient(CloseCode),
    /// By [`WebSocket::close`].
    ByUs(CloseCode),
    /// The client broke the protocol, and was told.
    Violated(Violation),
    /// Nothing was heard, pings included.
    Silent,
    /// The client did not read.
    Stalled,
    /// The TCP connection ended without a word.
    Lost,
}

/// One open WebSocket.
pub struct WebSocket<S> {
    stream: S,
    /// Came behind the handshake.
    ahead: Bytes,
    rules: Rules,
    decoder: Decoder,
    outbox: Outbox,
    drain: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    timer: Pin<Box<Sleep>>,
    /// The client's last byte.
    heard: Instant,
    /// A ping is out that nothing was heard since.
    pinged: bool,
    /// The client has not taken all that was queued, and took the last of it then.
    blocked: Option<Instant>,
    /// It was behind and has caught up, and nobody has been told.
    unblocked: bool,
    /// Since when control frames are counted.
    counting_since: Instant,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Open,
    /// A close frame is queued or out; `until` then it is over in any case.
    Closing {
        until: Instant,
        why: Ended,
    },
    Ended(Ended),
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// A connection whose handshake is done; `ahead` was read behind it.
    pub fn new(stream: S, ahead: Bytes, rules: Rules, drain: Drain) -> WebSocket<S> {
        let now = Instant::now();
        WebSocket {
            stream,
            ahead,
            rules,
            decoder: Decoder::new(rules.message_bytes_max),
            outbox: Outbox::default(),
            drain: Some(Box::pin(drain.begun())),
            timer: Box::pin(sleep_until(now + rules.ping_every)),
            heard: now,
            pinged: false,
            blocked: None,
            unblocked: false,
            counting_since: now,
            state: State::Open,
        }
    }

    /// What happens next. Safe to drop and call again.
    pub async fn next(&mut self) -> Event {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Queues a message whose bytes are shared with others. Dropped when the connection is closing.
    pub fn push(&mut self, frame: &Frame) {
        if let State::Open = self.state {
            self.outbox.push(frame.wire().clone());
        }
    }

    /// Queues a message for this client alone.
    pub fn send(&mut self, kind: Kind, payload: &[u8]) {
        if let State::Open = self.state {
            self.outbox.append(|out| put(kind.into(), payload, out));
        }
    }

    /// Writes what it can of what is queued at once.
    pub async fn flush(&mut self) {
        std::future::poll_fn(|cx| {
            self.unblocked |= self.poll_write(cx);
            Poll::Ready(())
        })
        .await;
    }

    /// Bytes that wait for the client.
    pub fn queued_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    /// Whether more waits for the client than may: conflate, or close it as too slow.
    pub fn is_full(&self) -> bool {
        self.outbox.bytes() > self.rules.queued_bytes_max
    }

    /// Writes what is queued, says why, and waits a moment for the client to agree.
    pub async fn close(mut self, code: CloseCode, reason: &str) {
        self.begin_closing(code, reason, Ended::ByUs(code));
        while !matches!(self.next().await, Event::Ended(_)) {}
    }

    fn begin_closing(&mut self, code: CloseCode, reason: &str, why: Ended) {
        if let State::Open = self.state {
            self.outbox.append(|out| put_close(code, reason, out));
            let until = Instant::now() + self.rules.close_timeout;
            self.state = State::Closing { until, why };
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            if let State::Ended(why) = self.state {
                return Poll::Ready(Event::Ended(why));
            }
            let unblocked = self.poll_write(cx) | std::mem::take(&mut self.unblocked);
            match self.poll_read(cx) {
                Poll::Ready(Some(batch)) => return Poll::Ready(Event::Received(batch)),
                // Something is to be written, or it is over.
                Poll::Ready(None) => continue,
                Poll::Pending if unblocked => return Poll::Ready(Event::Unblocked),
                Poll::Pending => {}
            }
            if self.poll_drain(cx) {
                return Poll::Ready(Event::Draining);
            }
            if self.poll_timer(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Writes what it can. True when a client that was behind has caught up.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        if self.outbox.bytes() == 0 {
            return false;
        }
        let mut progress = false;
        let stream = Pin::new(&mut self.stream);
        let written = self.outbox.poll_write(stream, cx, || progress = true);
        match written {
            Poll::Ready(Ok(())) => self.blocked.take().is_some(),
            Poll::Ready(Err(_)) => {
                self.end(Ended::Lost);
                false
            }
            Poll::Pending => {
                if progress || self.blocked.is_none() {
                    self.blocked = Some(Instant::now());
                }
                false
            }
        }
    }

    /// Messages, or `None` when the loop must be gone through again.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Batch>> {
        if !self.ahead.is_empty() {
            let ahead = std::mem::take(&mut self.ahead);
            return self.take_in(&ahead);
        }
        if self.outbox.bytes() > self.rules.queued_bytes_max / 2 {
            return Poll::Pending;
        }
        let mut passing = [MaybeUninit::uninit(); READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut passing);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.take_in(buffer.filled()),
            Poll::Ready(outcome) => {
                let why = match self.state {
                    State::Closing { why, .. } if outcome.is_ok() => why,
                    _ => Ended::Lost,
                };
                self.end(why);
                Poll::Ready(None)
            }
        }
    }

    /// Looks at bytes that came.
    fn take_in(&mut self, bytes: &[u8]) -> Poll<Option<Batch>> {
        self.heard = Instant::now();
        self.pinged = false;
        if let State::Closing { why: Ended::ByClient(_), .. } = self.state {
            return Poll::Ready(None);
        }
        let fed = self.decoder.feed(bytes);
        if let State::Closing { why, .. } = self.state {
            // What else it had to say comes too late; its close frame is what is waited for.
            drop(self.decoder.take());
            if self.decoder.closed().is_some() || fed.is_err() {
                self.end(why);
            }
            return Poll::Ready(None);
        }
        if let Some(ping) = self.decoder.take_ping() {
            self.outbox.append(|out| put(Opcode::Pong, ping.bytes(), out));
        }
        let broken = fed.err().or(self.is_flooded().then_some(Violation::ControlFlood));
        if let Some(violation) = broken {
            let code = violation.close_code();
            self.begin_closing(code, &violation.to_string(), Ended::Violated(violation));
        } else if let Some(code) = self.decoder.closed() {
            self.begin_closing(code, "", Ended::ByClient(code));
        }
        // What came whole before the end counts.
        match self.decoder.has_messages() {
            true => Poll::Ready(Some(self.decoder.take())),
            false => Poll::Ready(None),
        }
    }

    fn is_flooded(&mut self) -> bool {
        if self.decoder.controls() <= self.rules.control_frames_max {
            return false;
        }
        let flooded = self.heard < self.counting_since + self.rules.ping_every;
        self.counting_since = self.heard;
        self.decoder.forget_controls();
        flooded
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> bool {
        let (State::Open, Some(drain)) = (self.state, &mut self.drain) else { return false };
        let begun = drain.as_mut().poll(cx).is_ready();
        if begun {
            self.drain = None;
        }
        begun
    }

    /// Ready when something was done about a deadline that has passed.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // Its peer has closed and has everything: nothing is left to wait for.
            if let State::Closing { why: why @ Ended::ByClient(_), .. } = self.state
                && self.outbox.bytes() == 0
            {
                self.end(why);
                return Poll::Ready(());
            }
            let deadline = self.deadline();
            // Moved only when it comes closer: an early look costs less than a timer's every message.
            if deadline < self.timer.deadline() {
                self.timer.as_mut().reset(deadline);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if deadline > now {
                self.timer.as_mut().reset(deadline);
                continue;
            }
            self.timer.as_mut().reset(now + self.rules.ping_every);
            self.deadline_passed(now);
            return Poll::Ready(());
        }
    }

    fn deadline(&self) -> Instant {
        let quiet = match self.state {
            State::Closing { until, .. } => until,
            _ if self.pinged => self.heard + self.rules.silent_timeout,
            _ => self.heard + self.rules.ping_every,
        };
        match self.blocked {
            Some(since) => quiet.min(since + self.rules.stall_timeout),
            None => quiet,
        }
    }

    fn deadline_passed(&mut self, now: Instant) {
        if let State::Closing { why, .. } = self.state {
            return self.end(why);
        }
        if self.blocked.is_some_and(|since| since + self.rules.stall_timeout <= now) {
            return self.end(Ended::Stalled);
        }
        if self.pinged {
            return self.end(Ended::Silent);
        }
        self.pinged = true;
        self.outbox.append(|out| put(Opcode::Ping, b"", out));
    }

    fn end(&mut self, why: Ended) {
        self.state = State::Ended(why);
        self.outbox.clear();
    }
}

impl<S> std::fmt::Debug for WebSocket<S> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "WebSocket({:?})", self.state)
    }
}
