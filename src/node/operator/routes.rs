//! The admin listener's paths. The only file here that knows warp.
//!
//! Without a token: `/livez`, `/readyz`, `/metrics`. Everything else is the operator API.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, Method, Response, header};
use warp::path::FullPath;
use warp::{Filter, Reply};

use super::api::{Asked, answer};
use super::metrics;
use super::problem::Problem;
use super::watch::Watch;

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
        _ => {}
    }
    let text_of = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let (authorization, content_type) =
        (text_of(header::AUTHORIZATION), text_of(header::CONTENT_TYPE));
    let key = headers.get("idempotency-key").map(HeaderValue::as_bytes);
    let asked = Asked { method, path, query, authorization, content_type, key, body };
    match answer(watch, asked).await {
        Some(Ok((status, value))) => {
            let mut response = Response::new(value.to_string()).into_response();
            *response.status_mut() = status;
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Some(Err(problem)) => problem.to_response::<Bytes>().map(Into::into),
        None => {
            Problem::new(StatusCode::NOT_FOUND, "not_found").to_response::<Bytes>().map(Into::into)
        }
    }
}

fn text(status: StatusCode, body: String) -> warp::reply::Response {
    let mut response = Response::new(body).into_response();
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
