//! One connection: a task that drives hyper, its clock and its wish to close.
//!
//! Owns the socket's task. Ends when the client closes, when a deadline passes, or when the door drains and
//! the request in flight is answered. A panic in a handler ends at the gate as a 500. A request that became
//! something else than HTTP (a WebSocket) goes on in the same task, in the same seat.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::address_caps::Seat;
use super::keeping::Keeping;
use super::phase::{Phases, Verdict};
use super::socket::Socket;
use super::{ConnectionTask, Drain, Shared, gate};

/// hyper's buffer: a head that is not complete within it is answered 431.
const HYPER_BUFFER_BYTES: usize = 64 << 10;

/// What the socket, the gate and the driver of one connection share.
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) phases: Phases,
    pub(super) keeping: Arc<Keeping>,
    pub(super) linger_timeout: Duration,
    /// The head that was read last carried a `Content-Length`, whatever hyper made of it.
    pub(super) head_has_length: AtomicBool,
    pub(super) drain: Drain,
    /// What goes on here when hyper has let go after a 101.
    successor: Mutex<Option<ConnectionTask>>,
    _seat: Seat,
}

impl Connection {
    /// Called by a handler that answers 101: the task's work from then on.
    pub(super) fn continue_with(&self, successor: ConnectionTask) {
        *self.successor.lock().unwrap_or_else(PoisonError::into_inner) = Some(successor);
    }

    fn take_successor(&self) -> Option<ConnectionTask> {
        self.successor.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Connection({})", self.peer)
    }
}

pub(super) async fn serve_one<S, B>(
    stream: TcpStream,
    peer: SocketAddr,
    seat: Seat,
    shared: Arc<Shared<S>>,
) where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    S: Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    // An answer must not wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let connection = Arc::new(Connection {
        peer,
        phases: Phases::new(&shared.limits),
        keeping: Arc::default(),
        linger_timeout: shared.limits.linger_timeout,
        head_has_length: AtomicBool::new(false),
        drain: shared.drain.clone(),
        successor: Mutex::default(),
        _seat: seat,
    });
    let counts = shared.counts.clone();
    // What HTTP took is let go of before something smaller goes on for hours.
    match Box::pin(speak_http(stream, &connection, shared)).await {
        None => {
            counts.cut.fetch_add(1, Relaxed);
            debug!(%peer, "connection cut at its deadline");
        }
        Some(Err(error)) => debug!(%peer, %error, "connection ended badly"),
        Some(Ok(())) => {
            if let Some(successor) = connection.take_successor() {
                successor.await;
            }
        }
    }
}

/// HTTP until it ends or becomes something else; `None` when the connection is cut at a deadline.
async fn speak_http<S, B>(
    stream: TcpStream,
    connection: &Arc<Connection>,
    shared: Arc<Shared<S>>,
) -> Option<hyper::Result<()>>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    S: Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let socket = Socket::new(stream, connection.clone());
    let drain = shared.drain.clone();
    let head_bytes = shared.limits.head_bytes;
    let service = {
        let connection = connection.clone();
        service_fn(move |request| gate::pass(request, connection.clone(), shared.clone()))
    };
    let http = http1::Builder::new()
        // Its clock would close idle connections too, see the door's header.
        .header_read_timeout(None)
        .max_buf_size(HYPER_BUFFER_BYTES)
        .max_header_size(head_bytes)
        .serve_connection(socket, service)
        .with_upgrades();

    let mut http = pin!(http);
    let mut drained = pin!(drain.begun());
    let mut told = false;
    let first = connection.phases.deadline().unwrap_or_else(Instant::now);
    let mut timer = pin!(sleep_until(first));
    std::future::poll_fn(|cx| {
        if !told && drained.as_mut().poll(cx).is_ready() {
            told = true;
            http.as_mut().graceful_shutdown();
        }
        loop {
            if let Poll::Ready(outcome) = http.as_mut().poll(cx) {
                return Poll::Ready(Some(outcome));
            }
            if let Some(deadline) = connection.phases.deadline()
                && deadline < timer.deadline()
            {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            match connection.phases.timer_fired(Instant::now()) {
                Verdict::Wait(until) => timer.as_mut().reset(until),
                Verdict::AnswerLate => {}
                Verdict::Cut => return Poll::Ready(None),
            }
        }
    })
    .await
}
