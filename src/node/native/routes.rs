//! The native API's paths on the public door. The only file beside the channel's that knows warp.
//!
//! Takes what begins with `/v1/`, the few pages of `page` and the customers' own; everything else is some other
//! route's.

use std::sync::Arc;

use bytes::Bytes;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use warp::path::FullPath;
use warp::{Filter, Rejection, Reply as _};

use super::api::{Asked, Body, Native, Reply};
use super::{document, page};
use crate::door::Caller;
use crate::operator::access::Credentials;
use crate::operator::problem::Problem;
use crate::pages::{Pages, Site};

/// All paths of the API and its pages, before what else is served. Nothing behind it is asked about `/v1` but the
/// streams that the documents name: a route without a row in the table is not there.
pub fn before(
    others: BoxedFilter<(warp::reply::Response,)>,
    native: Arc<Native>,
) -> BoxedFilter<(warp::reply::Response,)> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let pages = Arc::new(Pages::of(Site::Account));
    let answered = ours()
        .and(warp::method())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Caller>())
        .and(warp::body::bytes())
        .then(move |path: FullPath, method, query: String, headers, caller, body| {
            let native = native.clone();
            async move {
                respond(&native, path.as_str(), &method, &query, &headers, &caller, &body).await
            }
        });
    // The path first: what is no page is not found, whatever the method.
    let shown = warp::path::full()
        .and_then(|path: FullPath| async move {
            match page::of_account(path.as_str()) {
                Some(name) => Ok(name.to_owned()),
                None => Err(warp::reject::not_found()),
            }
        })
        .and(warp::get())
        .and(warp::header::headers_cloned())
        .map(move |name: String, headers| shown_page(&pages, &name, &headers));
    shown.or(answered).unify().or(others).unify().boxed()
}

/// Every path that the API answers for, itself or by saying that there is no such path.
fn ours() -> impl Filter<Extract = (FullPath,), Error = Rejection> + Clone {
    warp::path::full().and_then(|path: FullPath| async move {
        match is_ours(path.as_str()) {
            true => Ok(path),
            false => Err(warp::reject::not_found()),
        }
    })
}

fn is_ours(path: &str) -> bool {
    let v1 = path == "/v1" || path.starts_with("/v1/");
    (v1 && !document::is_channel(path)) || page::is_page(path)
}

/// A file of the customers' pages.
fn shown_page(pages: &Pages, name: &str, headers: &HeaderMap) -> warp::reply::Response {
    match pages.answer::<Bytes>(name, headers) {
        Some(file) => file.map(Into::into),
        None => {
            Problem::new(StatusCode::NOT_FOUND, "not_found").to_response::<Bytes>().map(Into::into)
        }
    }
}

async fn respond(
    native: &Native,
    path: &str,
    method: &Method,
    query: &str,
    headers: &HeaderMap,
    caller: &Caller,
    body: &Bytes,
) -> warp::reply::Response {
    if *method == Method::GET
        && let Some(page) = page::get(path)
    {
        let mut response = Response::new(page.body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(page.kind));
        return response;
    }
    let text_of = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let brought = Credentials {
        authorization: text_of(header::AUTHORIZATION),
        cookie: text_of(header::COOKIE),
        origin: text_of(header::ORIGIN),
        fetch_site: headers.get("sec-fetch-site").and_then(|value| value.to_str().ok()),
        host: text_of(header::HOST),
    };
    let asked = Asked {
        method: method.as_str(),
        path,
        query,
        brought,
        content_type: text_of(header::CONTENT_TYPE),
        key: headers.get("idempotency-key").map(HeaderValue::as_bytes),
        api_key: headers.get("x-api-key").and_then(|value| value.to_str().ok()),
        body,
        address: caller.peer().ip(),
        request_id: caller.request_id(),
    };
    response_of(native.answer(asked).await)
}

fn response_of(reply: Reply) -> warp::reply::Response {
    let (kind, body) = match reply.body {
        None => (None, Vec::new()),
        Some(Body::Json(value)) => (Some("application/json"), value.to_string().into_bytes()),
        Some(Body::Csv(text)) => (Some("text/csv; charset=utf-8"), text.into_bytes()),
    };
    let mut response = Response::new(body).into_response();
    *response.status_mut() = reply.status;
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    if reply.status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_under_v1_without_a_row_is_not_there() {
        for planted in ["/v1", "/v1/", "/v1/planted", "/v1/pricing/planted", "/v1/orders/x"] {
            assert!(is_ours(planted), "{planted} could be served without being documented");
        }
        for elsewhere in ["/v1/orders", "/v1/pricing/stream", "/stream", "/exchange/x", "/v11"] {
            assert!(!is_ours(elsewhere), "{elsewhere}");
        }
    }
}
