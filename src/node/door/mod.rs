//! The accept loop under every HTTP door of the node.
//!
//! Owns     a listening socket, the caps on its connections, and what every request has in common:
//!          time limits, size limits, refusals of dangerous requests, request ids, security headers.
//! Never    routes, decodes a body or knows a word of betting: that is warp's service, given to [`serve`].
//! Dies     [`serve`] returns only when it was told to drain, so its owner restarts it otherwise.
//!
//! warp has none of this (`header_read_timeout`, caps, peer address behind its own loop, draining), and
//! hyper's header timeout also closes idle keep-alive connections and allocates a timer a request. So a
//! connection here has one clock (`phase.rs`) and one timer, touched only when a deadline comes closer:
//!
//! ```text
//!   accept -> Head -> Body -> Serving -> Idle -> Head -> ...
//!            5 s     10 s    (handler)  240 s
//! ```
//!
//! Bounds   `Limits::connections` and `connections_per_address`; past them a socket is answered 503 and
//!          closed before any task is made for it.

pub mod actor;
mod address_caps;
mod connection;
mod descriptors;
mod gate;
pub mod gzip;
mod keeping;
mod limits;
mod phase;
mod socket;
pub mod websocket;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::service::Service;
use hyper::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{info, warn};

pub use address_caps::AddressCaps;
pub use descriptors::{OpenFiles, Room};
pub use gate::Caller;
pub(crate) use keeping::keep_until_written;
pub use limits::{BETFAIR_BODY_BYTES, LOGIN_BODY_BYTES, Limits, NATIVE_BODY_BYTES, body_bytes_of};

/// Pauses between tries of `accept` when the process has no file descriptor left for it.
const ACCEPT_BACKOFF_MIN: Duration = Duration::from_millis(10);
const ACCEPT_BACKOFF_MAX: Duration = Duration::from_secs(1);

/// What a socket gets that there is no seat for; written without waiting, so it may be cut.
const NO_SEAT: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\nretry-after: 1\r\n\r\n";

/// The work of one connection, boxed once.
pub type ConnectionTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where connection tasks live: the task set that the door's actor owns, through `supervision`.
///
/// Dropping the set must abort its tasks; that is how connections die with their door.
pub trait Spawn {
    /// Takes the task, or gives it up as [`NoRoom`], and then the connection is refused.
    fn spawn(&mut self, task: ConnectionTask) -> Result<(), NoRoom>;
}

/// The task set holds as many tasks as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// Counts since the door opened, read by `/metrics`.
#[derive(Debug, Default)]
pub struct Counts {
    /// Sockets that `accept` gave us.
    pub accepted: AtomicU64,
    /// Sockets closed at once because a cap was reached.
    pub refused: AtomicU64,
    /// Requests that reached the gate, whatever their answer.
    pub requests: AtomicU64,
    /// Connections cut because a deadline passed.
    pub cut: AtomicU64,
    /// Pauses because `accept` failed.
    pub backoffs: AtomicU64,
}

/// Tells doors to drain; dropping it drains them too.
#[derive(Debug)]
pub struct DrainSwitch(watch::Sender<bool>);

/// Hears of draining.
#[derive(Debug, Clone)]
pub struct Drain(watch::Receiver<bool>);

/// A switch and what hears it.
pub fn drain() -> (DrainSwitch, Drain) {
    let (sender, receiver) = watch::channel(false);
    (DrainSwitch(sender), Drain(receiver))
}

impl DrainSwitch {
    /// Doors stop accepting, requests in flight finish, idle connections close.
    pub fn drain(&self) {
        self.0.send_replace(true);
    }
}

impl Drain {
    /// Resolves when draining has begun.
    pub async fn begun(mut self) {
        // An error means that the switch is gone, and with it whoever wanted this door open.
        let _ = self.0.wait_for(|draining| *draining).await;
    }

    /// Whether draining has begun.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

/// What all connections of one door share.
pub(crate) struct Shared<S> {
    pub(crate) service: S,
    pub(crate) limits: Limits,
    pub(crate) counts: Arc<Counts>,
    pub(crate) drain: Drain,
    pub(crate) ids: gate::RequestIds,
}

/// Accepts connections and serves HTTP/1.1 on them until `drain` begins; then waits for the requests in
/// flight, at most `limits.drain_timeout`, and returns how many connections were still open.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    counts: Arc<Counts>,
    mut tasks: impl Spawn,
    drain: Drain,
) -> usize
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    S: Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let caps = AddressCaps::new(limits.connections, limits.connections_per_address);
    let drain_timeout = limits.drain_timeout;
    let shared = Arc::new(Shared {
        service,
        limits,
        counts: counts.clone(),
        drain: drain.clone(),
        ids: gate::RequestIds::default(),
    });
    let mut backoff = ACCEPT_BACKOFF_MIN;
    let mut begun = std::pin::pin!(drain.begun());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut begun => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                backoff = ACCEPT_BACKOFF_MIN;
                counts.accepted.fetch_add(1, Ordering::Relaxed);
                let Some(seat) = caps.take(peer.ip()) else {
                    turn_away(socket, &counts);
                    continue;
                };
                let task = connection::serve_one(socket, peer, seat, shared.clone());
                if tasks.spawn(Box::pin(task)).is_err() {
                    counts.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
            // The peer gave up between its SYN and our accept: its affair.
            Err(error) if is_about_the_peer(&error) => {}
            Err(error) => {
                counts.backoffs.fetch_add(1, Ordering::Relaxed);
                if backoff == ACCEPT_BACKOFF_MIN {
                    warn!(%error, "accept failed, backing off");
                }
                tokio::select! {
                    () = &mut begun => break,
                    () = tokio::time::sleep(backoff) => {}
                }
                backoff = (backoff * 2).min(ACCEPT_BACKOFF_MAX);
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(drain_timeout, caps.all_free()).await;
    let left = caps.taken();
    info!(left, "door drained");
    left
}

/// Says 503 if the socket takes it without waiting, and closes.
fn turn_away(socket: TcpStream, counts: &Counts) {
    counts.refused.fetch_add(1, Ordering::Relaxed);
    let _ = socket.try_write(NO_SEAT);
}

/// Errors of `accept` that say nothing about this process.
fn is_about_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
