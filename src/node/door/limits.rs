//! What one door allows. Values only; the node's configuration fills them.

use std::time::Duration;

/// Times, sizes and counts of one door.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the first byte of a request (or from the accept) to the end of its head.
    pub header_timeout: Duration,
    /// From the end of the head to the last byte of the body.
    pub body_timeout: Duration,
    /// Without a request, and without a byte of the last answer being taken.
    pub idle_timeout: Duration,
    /// What requests in flight get when the door drains.
    pub drain_timeout: Duration,
    /// What a client gets to read the last answer before its unread bytes reset the connection.
    pub linger_timeout: Duration,
    /// Connections of this door at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_address: usize,
    /// Bytes of request line and headers.
    pub head_bytes: usize,
    /// Bytes of path and query.
    pub url_bytes: usize,
    /// Bytes of a body, by path: a login form is small, a batch of orders is not.
    pub body_bytes: fn(&str) -> usize,
}

/// A JSON-RPC or REST body of the Betfair door: 200 instructions of a real client are 59 KB.
pub const BETFAIR_BODY_BYTES: usize = 1 << 20;
/// A login form.
pub const LOGIN_BODY_BYTES: usize = 4 << 10;
/// A body of the native and the operator API.
pub const NATIVE_BODY_BYTES: usize = 64 << 10;
/// Of a provider of football: a thousand fixtures.
pub(super) const FOOTBALL_BODY_BYTES: usize = 1 << 20;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(240),
            drain_timeout: Duration::from_secs(10),
            linger_timeout: Duration::from_secs(1),
            connections: 20_000,
            connections_per_address: 10_000,
            head_bytes: 32 << 10,
            url_bytes: 8 << 10,
            body_bytes: body_bytes_of,
        }
    }
}

/// The body limits of `Laybook`'s paths.
pub fn body_bytes_of(path: &str) -> usize {
    if path.starts_with("/exchange/") {
        BETFAIR_BODY_BYTES
    } else if path.starts_with("/api/") {
        LOGIN_BODY_BYTES
    } else if path.starts_with("/v1/football/") {
        FOOTBALL_BODY_BYTES
    } else {
        NATIVE_BODY_BYTES
    }
}
