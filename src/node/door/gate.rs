//! What happens to every request before and after the service.
//!
//! Owns the refusals that need no routing (methods, sizes, framing, expectations), the reading of the body
//! within its size and time, request ids and the headers that every answer carries. A service behind the
//! gate gets whole bodies, so no handler can be held by a slow or endless one.

use std::any::Any;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt::Write as _;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::service::Service;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use tracing::error;

use super::connection::Connection;
use super::{ConnectionTask, Drain, Shared};
use crate::operator::problem::Problem;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A request id of a client is kept when it is no longer than this and plain.
const REQUEST_ID_BYTES: usize = 64;
/// The first piece of a body that comes in several is given this much room at least.
const BODY_ROOM_BYTES: usize = 16 << 10;

/// Headers of every answer, unless the service set them: nothing here may be framed, sniffed, cached or
/// reached by a script of another site.
const SECURITY: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What any path behind the doors may take.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// Who sent a request, as an extension of it (`warp::ext::get::<Caller>()`).
#[derive(Debug, Clone)]
pub struct Caller {
    connection: Arc<Connection>,
    request_id: HeaderValue,
}

impl Caller {
    /// The other end of the TCP connection.
    pub fn peer(&self) -> SocketAddr {
        self.connection.peer
    }

    /// The id under which this request is logged and answered.
    pub fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }

    /// Hears of the door's draining.
    pub(super) fn drain(&self) -> Drain {
        self.connection.drain.clone()
    }

    /// What the connection's task does after the 101 that is being answered.
    pub(super) fn continue_with(&self, successor: ConnectionTask) {
        self.connection.continue_with(successor);
    }
}

/// Ids for requests that bring none: the door's start and a count.
#[derive(Debug)]
pub(crate) struct RequestIds {
    start: u64,
    next: AtomicU64,
}

impl Default for RequestIds {
    fn default() -> RequestIds {
        // Randomness only tells two runs apart, so an id without it is still an id.
        RequestIds { start: getrandom::u64().unwrap_or_default(), next: AtomicU64::new(1) }
    }
}

impl RequestIds {
    fn id_of(&self, headers: &HeaderMap) -> HeaderValue {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        if let Some(id) = headers.get(X_REQUEST_ID)
            && (1..=REQUEST_ID_BYTES).contains(&id.len())
            && id.as_bytes().iter().all(plain)
        {
            return id.clone();
        }
        let mut id = String::with_capacity(32);
        let n = self.next.fetch_add(1, Relaxed);
        let _ = write!(id, "{:08x}-{n:x}", self.start as u32);
        HeaderValue::try_from(id).expect("hexadecimal digits are a header value")
    }
}

/// Takes one request through the gate.
pub(super) async fn pass<S, B>(
    request: Request<Incoming>,
    connection: Arc<Connection>,
    shared: Arc<Shared<S>>,
) -> Result<Response<Either<Full<Bytes>, B>>, Infallible>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    S::Future: Send,
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    shared.counts.requests.fetch_add(1, Relaxed);
    let request_id = shared.ids.id_of(request.headers());
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let admitted = admit(request, &connection, &shared).await;
    let mut closes = chunked;
    let mut response = match admitted {
        Ok(mut request) => {
            connection.phases.serving_begins();
            let caller = Caller { connection: connection.clone(), request_id: request_id.clone() };
            request.extensions_mut().insert(caller);
            let answer = connection.keeping.around(answer_of(&shared.service, request));
            match answer.await {
                Ok(response) => response.map(Either::Right),
                Err(panic) => {
                    error!(request = ?request_id, panic = what(&panic), "handler panicked");
                    closes = true;
                    refusal(&Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal"))
                }
            }
        }
        Err(problem) => {
            // Whatever else this client has under way on the connection is not to be trusted or waited for.
            closes = true;
            refusal(&problem)
        }
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // From here on the connection is what its handler said it goes on with.
        return Ok(response);
    }
    connection.phases.answered();
    connection.keeping.answered();
    let wrong_method = response.status() == StatusCode::METHOD_NOT_ALLOWED;
    let headers = response.headers_mut();
    if wrong_method {
        // A path that knows which of them it takes has said so.
        headers.entry(header::ALLOW).or_insert(METHODS);
    }
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(value);
    }
    headers.insert(X_REQUEST_ID, request_id);
    if closes {
        // Nothing after a chunked request is read, so no length trick can smuggle one in behind it.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

fn refusal<B>(problem: &Problem) -> Response<Either<Full<Bytes>, B>> {
    problem.to_response::<Full<Bytes>>().map(Either::Left)
}

/// Refuses what no service should see, and reads the body of the rest.
async fn admit<S>(
    request: Request<Incoming>,
    connection: &Connection,
    shared: &Shared<S>,
) -> Result<Request<Full<Bytes>>, Problem> {
    let limits = &shared.limits;
    let (head, body) = request.into_parts();
    if matches!(head.method, Method::TRACE | Method::CONNECT) {
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
    }
    let url_bytes = head.uri.path_and_query().map_or(0, |path| path.as_str().len());
    if url_bytes > limits.url_bytes {
        let reason = format!("the URL is longer than {} bytes", limits.url_bytes);
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "url_too_long").reason(reason));
    }
    let chunked = head.headers.contains_key(header::TRANSFER_ENCODING);
    if chunked && connection.head_has_length.load(Relaxed) {
        let reason = "Transfer-Encoding and Content-Length exclude each other";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_framing").reason(reason));
    }
    if head.headers.contains_key(header::EXPECT) {
        let reason = "send the body without waiting";
        return Err(Problem::new(StatusCode::EXPECTATION_FAILED, "no_expectations").reason(reason));
    }
    if head.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        let reason = "requests are not decompressed";
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded_body");
        return Err(problem.reason(reason));
    }
    if body.is_end_stream() {
        return Ok(Request::from_parts(head, Full::default()));
    }
    connection.phases.body_begins();
    let bytes = read_body(body, (limits.body_bytes)(head.uri.path()), connection).await?;
    Ok(Request::from_parts(head, Full::new(bytes)))
}

/// The whole body, if it comes in time and is no longer than `limit`.
async fn read_body(
    body: Incoming,
    limit: usize,
    connection: &Connection,
) -> Result<Bytes, Problem> {
    let too_large = || {
        let reason = format!("the body is longer than {limit} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large").reason(reason)
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut body = pin!(body);
    // Most bodies come in one piece and are not copied.
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    loop {
        let frame = std::future::poll_fn(|cx| match body.as_mut().poll_frame(cx) {
            Poll::Pending if connection.phases.body_is_late() => Poll::Ready(Err(())),
            Poll::Pending => Poll::Pending,
            Poll::Ready(frame) => Poll::Ready(Ok(frame)),
        });
        match frame.await {
            Err(()) => {
                let reason = "the body did not come in time";
                let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout");
                return Err(problem.reason(reason));
            }
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                let problem = Problem::new(StatusCode::BAD_REQUEST, "body_unreadable");
                return Err(problem.reason(error.to_string()));
            }
            Ok(Some(Ok(frame))) => {
                let Ok(piece) = frame.into_data() else { continue };
                if first.len() + whole.len() + piece.len() > limit {
                    return Err(too_large());
                }
                if first.is_empty() && whole.is_empty() {
                    first = piece;
                } else {
                    if whole.is_empty() {
                        let expected = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
                        whole.reserve(first.len() + piece.len() + expected.max(BODY_ROOM_BYTES));
                        whole.extend_from_slice(&std::mem::take(&mut first));
                    }
                    whole.extend_from_slice(&piece);
                }
                if body.is_end_stream() {
                    break;
                }
            }
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// The service's answer, or what it panicked with: a door does not lose a connection to one request.
async fn answer_of<S, B>(
    service: &S,
    request: Request<Full<Bytes>>,
) -> Result<Response<B>, Box<dyn Any + Send>>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
{
    let future = catch_unwind(AssertUnwindSafe(|| service.call(request)))?;
    let mut future = pin!(future);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(Ok(response))) => Poll::Ready(Ok(response)),
        Ok(Poll::Ready(Err(never))) => match never {},
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// The message of a panic.
fn what(panic: &Box<dyn Any + Send>) -> &str {
    match panic.downcast_ref::<String>() {
        Some(message) => message,
        None => panic.downcast_ref::<&'static str>().copied().unwrap_or("without a message"),
    }
}
