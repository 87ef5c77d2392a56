//! From an HTTP request to a WebSocket (RFC 6455, 4): what is asked for, whether it may be, and the 101.
//!
//! Owns the checks of the handshake. A page of another site may not open a socket here in its visitor's name:
//! a request that says where it comes from (`Origin`) must come from the host it asks. Programs send none.

use bytes::Bytes;
use headers::{HeaderMapExt, SecWebsocketAccept, SecWebsocketKey};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{Response, StatusCode};
use tokio::net::TcpStream;
use tracing::debug;
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

use super::{Rules, WebSocket};
use crate::door::Caller;
use crate::door::socket::Socket;
use crate::operator::problem::Problem;

/// A key is 16 bytes in base64.
const KEY_TEXT_BYTES: usize = 24;

/// A GET that may become a WebSocket.
pub struct Handshake {
    headers: HeaderMap,
    upgrade: Option<OnUpgrade>,
    caller: Caller,
}

/// Takes every GET; what is wrong with it is answered by [`Handshake::accept`].
pub fn handshake() -> BoxedFilter<(Handshake,)> {
    warp::get()
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ext::get::<Caller>())
        .map(|headers, upgrade, caller| Handshake { headers, upgrade, caller })
        .boxed()
}

impl Handshake {
    /// A header of the request, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Answers 101 and goes on with `serve` in the connection's task, or says what is wrong.
    pub fn accept<F>(
        self,
        rules: Rules,
        serve: impl FnOnce(WebSocket<TcpStream>) -> F + Send + 'static,
    ) -> warp::reply::Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let key = match key_of(&self.headers) {
            Ok(key) => key,
            Err(problem) => return refusal(&problem),
        };
        let Some(upgrade) = self.upgrade else { return refusal(&not_an_upgrade()) };
        let peer = self.caller.peer();
        let drain = self.caller.drain();
        self.caller.continue_with(Box::pin(async move {
            let stream = match upgrade.await.map(|upgraded| upgraded.downcast::<Socket>()) {
                // The little that came behind the head is copied, so that HTTP's buffer can go.
                Ok(Ok(parts)) => (parts.io.into_stream(), Bytes::copy_from_slice(&parts.read_buf)),
                Ok(Err(_)) => return,
                Err(error) => return debug!(%peer, %error, "the upgrade did not come about"),
            };
            serve(WebSocket::new(stream.0, stream.1, rules, drain)).await;
        }));
        let mut response = Response::new(Vec::new()).into_response();
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.typed_insert(SecWebsocketAccept::from(key));
        response
    }
}

fn refusal(problem: &Problem) -> warp::reply::Response {
    let mut response = problem.to_response();
    if problem.status == StatusCode::UPGRADE_REQUIRED {
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}

fn not_an_upgrade() -> Problem {
    let reason = "this path speaks WebSocket: ask with Upgrade: websocket and Connection: upgrade";
    Problem::new(StatusCode::UPGRADE_REQUIRED, "not_a_websocket").reason(reason)
}

/// The key of a handshake that is right in every way.
fn key_of(headers: &HeaderMap) -> Result<SecWebsocketKey, Problem> {
    let bad =
        |code, reason: &'static str| Problem::new(StatusCode::BAD_REQUEST, code).reason(reason);
    if !names(headers, header::UPGRADE, "websocket")
        || !names(headers, header::CONNECTION, "upgrade")
    {
        return Err(not_an_upgrade());
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket_version");
        return Err(problem.reason("only version 13 is spoken (Sec-WebSocket-Version)"));
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let is_key = |key: &HeaderValue| match key.as_bytes().strip_suffix(b"==") {
        Some(text) => text.len() == KEY_TEXT_BYTES - 2 && text.iter().all(plain),
        None => false,
    };
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    if !(keys.next().is_some_and(is_key) && keys.next().is_none()) {
        return Err(bad("websocket_key", "Sec-WebSocket-Key must be 16 bytes in base64, once"));
    }
    if !is_own_origin(headers) {
        let problem = Problem::new(StatusCode::FORBIDDEN, "foreign_origin");
        return Err(problem.reason("a page of another site may not open a socket here (Origin)"));
    }
    headers
        .typed_get::<SecWebsocketKey>()
        .ok_or_else(|| bad("websocket_key", "Sec-WebSocket-Key is not a header value"))
}

/// Whether a comma-separated header holds the word.
fn names(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let texts = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|token| token.trim().eq_ignore_ascii_case(word))
}

/// No `Origin`, or the host that was asked.
fn is_own_origin(headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let (Ok(origin), Some(host), None) = (origin.to_str(), host, origins.next()) else {
        return false;
    };
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right handshake with one header set, or taken away when the value is empty.
    fn with(name: &'static str, value: &'static str) -> Result<SecWebsocketKey, (u16, String)> {
        let mut headers = HeaderMap::new();
        let right = [
            ("host", "exchange.example:8080"),
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in right {
            headers.insert(name, HeaderValue::from_static(value));
        }
        match value {
            "" => drop(headers.remove(name)),
            value => drop(headers.insert(name, HeaderValue::from_static(value))),
        }
        key_of(&headers).map_err(|problem| (problem.status.as_u16(), problem.code.into()))
    }

    #[test]
    fn the_example_of_the_rfc_is_signed_as_it_says() {
        let key = with("x-other", "header").unwrap();
        let mut headers = HeaderMap::new();
        headers.typed_insert(SecWebsocketAccept::from(key));
        assert_eq!(headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_handshake_that_is_wrong_is_told_in_what() {
        let cases = [
            ("upgrade", "", 426, "not_a_websocket"),
            ("upgrade", "h2c", 426, "not_a_websocket"),
            ("connection", "close", 426, "not_a_websocket"),
            ("sec-websocket-version", "8", 426, "websocket_version"),
            ("sec-websocket-version", "", 426, "websocket_version"),
            ("sec-websocket-key", "", 400, "websocket_key"),
            ("sec-websocket-key", "c2hvcnQ=", 400, "websocket_key"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZ!==", 400, "websocket_key"),
            ("origin", "https://evil.example", 403, "foreign_origin"),
            ("origin", "null", 403, "foreign_origin"),
            ("origin", "http://exchange.example:80801", 403, "foreign_origin"),
            ("host", "", 101, ""),
        ];
        for (name, value, status, code) in cases {
            let refused = with(name, value).err().unwrap_or((101, String::new()));
            assert_eq!(refused, (status, code.into()), "{name}: {value}");
        }
    }

    #[test]
    fn a_page_of_this_host_may_open_a_socket() {
        for origin in ["http://exchange.example:8080", "https://EXCHANGE.example:8080"] {
            assert!(with("origin", origin).is_ok(), "{origin}");
        }
    }
}
