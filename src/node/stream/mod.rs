//! The Exchange Stream API: one JSON object a line over TLS, plain TCP and WebSocket.
//!
//! Owns     the stream's words and shapes: statuses, subscriptions, change messages, clocks.
//! Never    knows a price before it is public: markets and accounts tell after the sync.
//!
//! ```text
//!   socket ⇄ connection (a task of the door's) ⇄ session (an actor below `sessions`)
//!                                                  ⇅ who is it?       login
//!                                                  ⇅ which markets?   catalogue
//!                                                  ⇅ images, changes  board, account
//! ```
//! Connections and sessions run on the tellers' threads (`supervision::tree::Tree`), apart from whoever bets.
//!
//! | file | noun |
//! |---|---|
//! | `door`, `routes` | the listeners and their certificate (`tls`); the WebSocket's path |
//! | `transport`, `frames`, `connection` | lines in, chunks out, at the pace of a slow reader |
//! | `session` | one connection's talk: who it is, what it follows, what it was told |
//! | `request`, `filter` | what a client says |
//! | `status` | what is answered, and every error's word |
//! | `line` | change messages around their rows |
//! | `market`, `definition`, `number` | rows of markets |
//! | `orders` | rows of orders and positions |
//! | `clk` | where a subscriber was |
//! | `tape` | a recording that is told in place of the markets |

mod clk;
mod connection;
mod definition;
pub mod door;
mod filter;
mod frames;
mod line;
mod market;
mod number;
mod orders;
mod request;
pub mod routes;
mod seats;
pub mod session;
mod status;
mod tape;
mod tls;
mod transport;

pub use door::{StreamActor, StreamDoor};
pub use seats::Seats;
pub use session::{StreamArgs, StreamSession};
pub use tape::TapeFile;
pub use tls::{CertificateFiles, acceptor};

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use actors::node::Node;
use supervision::Executor;

use crate::betfair::exchange::NodeExchange;
use crate::door::Drain;
use crate::fuzz::Reached;
use crate::secret;

/// What all stream connections of a node share.
pub struct Service {
    /// What the actors share.
    pub node: Arc<Node>,
    /// Knows who a token is.
    pub exchange: Arc<NodeExchange>,
    /// What a connection may ask for.
    pub limits: StreamLimits,
    /// Connections by account.
    pub seats: Arc<Seats>,
    /// The recording that is told in place of the exchange's markets, if one is.
    pub tape: OnceLock<TapeFile>,
    /// Tells connections that the node is being stopped.
    pub drain: Drain,
    /// Where connections are served, apart from whoever bets.
    pub tellers: Executor,
    /// Of the node's log: a clock of another node means nothing here.
    pub log: u64,
    connections: AtomicU64,
}

/// What the configuration allows.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Of one subscription.
    pub markets: usize,
    /// Of one account.
    pub connections: usize,
}

impl Service {
    /// For a node with its log's number beside its journal.
    pub fn new(
        node: Arc<Node>,
        exchange: Arc<NodeExchange>,
        limits: StreamLimits,
        drain: Drain,
        tellers: Executor,
        data: &Path,
    ) -> std::io::Result<Arc<Service>> {
        Ok(Arc::new(Service {
            node,
            exchange,
            limits,
            seats: Seats::new(limits.connections),
            tape: OnceLock::new(),
            drain,
            tellers,
            log: log_number(data)?,
            connections: AtomicU64::new(0),
        }))
    }

    fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Relaxed) + 1
    }
}

/// Drawn at the first start; lost with the data that clocks are of.
fn log_number(data: &Path) -> std::io::Result<u64> {
    let path = data.join("stream.log-number");
    if let Ok(known) = std::fs::read_to_string(&path)
        && let Ok(number) = u64::from_str_radix(known.trim(), 16)
    {
        return Ok(number);
    }
    let number = secret::number();
    std::fs::write(&path, format!("{number:016x}\n"))?;
    Ok(number)
}

/// For fuzzers: reads a line as a session does, and the refusal as a client does.
pub(crate) fn look_at_line(line: &[u8]) -> Reached {
    let request::Message { id, request } = request::Message::read(line);
    let Err(failure) = request else { return Reached::Read };
    let told = status::failure(id, "fuzz", &failure);
    let end = told.iter().position(|byte| *byte == b'\n');
    assert_eq!(end, Some(told.len() - 1), "a status is one line");
    let read: serde_json::Value = serde_json::from_slice(&told).expect("a status is JSON");
    assert!(read["errorMessage"].as_str().is_some_and(|text| !text.is_empty()), "{read}");
    Reached::Refused
}
