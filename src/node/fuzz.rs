//! What fuzzers call: each parser of bytes from outside, alone, with what must hold whatever comes.
//!
//! Owns     nothing, and nothing of the product calls it. The short runs in `tests/fuzz` do, and any fuzzer may:
//!          each function takes bytes, panics when something is wrong, and says how far they came.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use crate::betfair::exception::{Api, Exception};
use crate::betfair::extensions::Extensions;
use crate::betfair::handler::{Answer, Asked, Exchange, Menu, answer_rpc};
use crate::betfair::limits::Limits;
use crate::betfair::login::{LoginError, LoginForm};
use crate::betfair::request::Request;
use crate::betfair::rpc::{Credentials, Denied, RpcError};

/// How far an input came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It was refused, with words that a client can read.
    Refused,
    /// Something of it was understood.
    Read,
}

impl Reached {
    pub(crate) fn when(read: bool) -> Reached {
        if read { Reached::Read } else { Reached::Refused }
    }
}

/// A JSON-RPC body of any family: it is answered with JSON, every call of a batch once.
pub fn json_rpc(body: &[u8]) -> Reached {
    let nowhere = Nowhere { limits: Limits::open(), asked: AtomicU32::new(0) };
    for api in [Api::Sports, Api::Account, Api::Heartbeat] {
        let asked = Asked {
            credentials: Credentials { app_key: Some("key"), token: Some("token") },
            extensions: None,
            request_id: "fuzz",
        };
        let (status, answer) = at_once(answer_rpc(&nowhere, api, asked, body));
        assert!(status == 200 || status == 400, "HTTP {status}");
        let answer: serde_json::Value = serde_json::from_slice(&answer).expect("an answer is JSON");
        let calls = match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(serde_json::Value::Array(calls)) => calls.len(),
            _ => continue,
        };
        match answer.as_array() {
            Some(answers) => assert_eq!(answers.len(), calls, "every call is answered"),
            None => assert_eq!(status, 400, "a batch is answered as one, or not at all"),
        }
    }
    Reached::when(nowhere.asked.load(Relaxed) > 0)
}

/// A line of the stream: what is refused is a status of one line.
pub fn stream_line(line: &[u8]) -> Reached {
    crate::stream::look_at_line(line)
}

/// What a client sends over a WebSocket: it means the same whole and in pieces.
pub fn websocket(bytes: &[u8]) -> Reached {
    crate::door::websocket::look_at_bytes(bytes)
}

/// A message of the order channel: what is refused is a message too.
pub fn order(bytes: &[u8]) -> Reached {
    crate::native::orders::look_at_message(bytes)
}

/// An exchange where everybody may ask and nothing is.
struct Nowhere {
    limits: Limits,
    asked: AtomicU32,
}

impl Exchange for Nowhere {
    type Session = ();

    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn session(&self, _: Option<&str>, _: &str) -> Result<(), Denied> {
        Ok(())
    }

    async fn answer(&self, (): &(), _: Extensions, _: Request) -> Result<Answer, RpcError> {
        self.asked.fetch_add(1, Relaxed);
        Err(RpcError::Internal)
    }

    async fn menu(&self) -> Result<Menu, Exception> {
        Ok(Menu { body: "{}".into(), etag: "\"\"".into() })
    }

    async fn login(&self, _: &str, _: LoginForm) -> Result<String, LoginError> {
        Err(LoginError::InternalError)
    }

    async fn keep_alive(&self, _: &str, _: bool) -> Result<(), LoginError> {
        Err(LoginError::NoSession)
    }
}

/// Nobody here waits for anything.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("an exchange that is nowhere answers at once"),
    }
}
