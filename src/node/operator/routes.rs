//! The admin listener's paths. The only file here that knows warp.
//!
//! Without a token: `/livez`, `/readyz`, `/metrics`, and the console's pages and signing in. Everything else
//! is the operator API.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::Value;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use warp::path::FullPath;
use warp::{Filter, Reply};

use super::access::{self, Credentials};
use super::api::{Asked, answer};
use super::console;
use super::console::sessions::{Guest, clear_cookie, cookie_of, set_cookie};
use super::json;
use super::metrics;
use super::observe;
use super::observe::live::Watcher;
use super::problem::Problem;
use super::watch::Watch;
use crate::door::gzip;
use crate::secret;

/// All paths of the listener.
pub fn routes(watch: Watch) -> BoxedFilter<(warp::reply::Response,)> {
    let watch = Arc::new(watch);
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::path::full()
        .and(warp::method())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::body::bytes())
        .then(move |path: FullPath, method, query: String, headers, body| {
            let watch = watch.clone();
            async move { respond(&watch, path.as_str(), &method, &query, &headers, &body).await }
        })
        .boxed()
}

async fn respond(
    watch: &Watch,
    path: &str,
    method: &Method,
    query: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> warp::reply::Response {
    let text_of = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let brought = Credentials {
        authorization: text_of(header::AUTHORIZATION),
        cookie: text_of(header::COOKIE),
        origin: text_of(header::ORIGIN),
        fetch_site: text_of(HeaderName::from_static("sec-fetch-site")),
        host: text_of(header::HOST),
    };
    let content_type = text_of(header::CONTENT_TYPE);
    match (method, path) {
        (&Method::GET, "/livez") => return text(StatusCode::OK, "live\n".into()),
        (&Method::GET, "/readyz") => {
            return match watch.node.is_ready() {
                true => text(StatusCode::OK, "ready\n".into()),
                false => text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n".into()),
            };
        }
        (&Method::GET, "/metrics") => {
            let mut response = text(StatusCode::OK, metrics::read(watch));
            let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            return response;
        }
        (&Method::GET, "/" | "/console") => return redirect("/console/"),
        (&Method::GET, "/console/open") => return open(watch, query),
        (&Method::GET, _) if path.starts_with("/console/") => return page(watch, path, headers),
        (&Method::POST, "/v1/operator/session") => {
            return sign_in(watch, content_type, body).await.unwrap_or_else(refused);
        }
        (&Method::DELETE, "/v1/operator/session") => return sign_out(watch, &brought),
        (&Method::GET, "/v1/operator/live") => {
            return live(watch, query, &brought).await.unwrap_or_else(refused);
        }
        _ => {}
    }
    let key = headers.get("idempotency-key").map(HeaderValue::as_bytes);
    let asked = Asked { method, path, query, brought, content_type, key, body };
    match answer(watch, asked).await {
        Some(Ok((status, value))) => {
            let accepts = gzip::is_accepted(text_of(header::ACCEPT_ENCODING));
            data(status, &value, accepts).await
        }
        Some(Err(problem)) => refused(problem),
        None => refused(Problem::new(StatusCode::NOT_FOUND, "not_found")),
    }
}

/// A link from a terminal: spends its code, and lets the browser in.
fn open(watch: &Watch, query: &str) -> warp::reply::Response {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let code = pairs.into_iter().find(|(name, _)| *name == "code").map(|(_, code)| code);
    let Some((name, role)) = code.and_then(|code| watch.console.links.open(code)) else {
        let mut response = text(StatusCode::GONE, console::SPENT.to_owned());
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        return response;
    };
    tracing::info!(operator = name, "console opened by a link");
    let cookie = watch.console.sessions.open(Guest::Linked { name, role });
    with_cookie(redirect("/console/"), &set_cookie(&cookie))
}

/// A file of the console.
fn page(watch: &Watch, path: &str, headers: &HeaderMap) -> warp::reply::Response {
    let path = path.strip_prefix("/console/").unwrap_or_default();
    let pages = &watch.console.pages;
    // A view's own address is the page's, which reads it.
    let is_view = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let file = pages.answer::<Bytes>(path, headers);
    let file = file.or_else(|| if is_view { pages.answer("", headers) } else { None });
    match file {
        Some(file) => file.map(Into::into),
        None => refused(Problem::new(StatusCode::NOT_FOUND, "not_found")),
    }
}

/// A token for a cookie.
async fn sign_in(
    watch: &Watch,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<warp::reply::Response, Problem> {
    // A form of another site cannot say that it is JSON.
    json::check_content_type(content_type, body)?;
    let token = json::read(body, |members| {
        let token = members.text("token")?;
        members.must("token", token)
    })?;
    let token = secret::hash(token.trim());
    watch.tokens.to_look(&watch.node, token).await?;
    let cookie = watch.console.sessions.open(Guest::Token(token));
    Ok(with_cookie(nothing(), &set_cookie(&cookie)))
}

fn sign_out(watch: &Watch, brought: &Credentials<'_>) -> warp::reply::Response {
    if !access::is_own_page(brought) {
        return refused(access::forbidden());
    }
    if let Some(cookie) = brought.cookie.and_then(cookie_of) {
        watch.console.sessions.close(cookie);
    }
    with_cookie(nothing(), &clear_cookie())
}

/// A stream of events for as long as somebody reads it.
async fn live(
    watch: &Watch,
    query: &str,
    brought: &Credentials<'_>,
) -> Result<warp::reply::Response, Problem> {
    access::who(watch, &Method::GET, brought).await?;
    let watcher = Watcher::new(watch, &observe::pairs(query));
    let mut response = warp::reply::stream(Pieces::new(watch.clone(), watcher)).into_response();
    let events = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, events);
    Ok(response)
}

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Watcher)>> + Send>>;

/// What a watcher is told, piece by piece: the next is made when the last was taken.
struct Pieces {
    watch: Watch,
    // Only polled by its owner: the lock is never taken, it makes the future fit to be shared.
    next: Mutex<Next>,
}

impl Pieces {
    fn new(watch: Watch, watcher: Watcher) -> Pieces {
        let next = Mutex::new(Self::piece(watch.clone(), watcher));
        Pieces { watch, next }
    }

    fn piece(watch: Watch, mut watcher: Watcher) -> Next {
        Box::pin(async move {
            let piece = watcher.next(&watch).await?;
            Some((Bytes::from(piece), watcher))
        })
    }
}

impl warp::Stream for Pieces {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pieces = &mut *self;
        let next = pieces.next.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some((piece, watcher)) = ready!(next.as_mut().poll(cx)) else {
            return Poll::Ready(None);
        };
        *next = Pieces::piece(pieces.watch.clone(), watcher);
        Poll::Ready(Some(Ok(piece)))
    }
}

/// JSON, smaller for who asks for it.
async fn data(status: StatusCode, value: &Value, accepts_gzip: bool) -> warp::reply::Response {
    let body = value.to_string().into_bytes();
    let (body, is_packed) = match accepts_gzip {
        true => match gzip::shrink(body).await {
            gzip::Shrunk::Yes(body) => (body, true),
            gzip::Shrunk::No(body) => (body, false),
        },
        false => (body, false),
    };
    let mut response = Response::new(body).into_response();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn refused(problem: Problem) -> warp::reply::Response {
    problem.to_response::<Bytes>().map(Into::into)
}

fn nothing() -> warp::reply::Response {
    let mut response = Response::new("").into_response();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn redirect(to: &'static str) -> warp::reply::Response {
    let mut response = Response::new("").into_response();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(to));
    response
}

fn with_cookie(mut response: warp::reply::Response, cookie: &str) -> warp::reply::Response {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn text(status: StatusCode, body: String) -> warp::reply::Response {
    let mut response = Response::new(body).into_response();
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
