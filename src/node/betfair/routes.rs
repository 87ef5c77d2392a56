//! The Betfair door's paths. The only file here that knows warp.
//!
//! Routes and decodes; the work is in [`super::handler`] and [`super::login`].

use std::sync::Arc;

use bytes::Bytes;
use warp::filters::BoxedFilter;
use warp::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use warp::http::{HeaderValue, Response, StatusCode};
use warp::{Filter, Rejection, Reply};

use super::exception::Api;
use super::handler::{Asked, Exchange, answer_menu, answer_rest, answer_rpc};
use super::login::{CertLoginAnswer, LoginAnswer, LoginError, LoginForm};
use super::rest::{self, RestError};
use super::rpc::Credentials;
use crate::door::Caller;
use crate::door::gzip::{self, Shrunk};

/// The headers that the door reads, as they came.
#[derive(Debug, Default)]
struct Headers {
    app_key: Option<String>,
    token: Option<String>,
    extensions: Option<String>,
    content_type: Option<String>,
    accepts: Option<String>,
}

impl Headers {
    fn asked<'a>(&'a self, caller: &'a Caller) -> Asked<'a> {
        Asked {
            credentials: Credentials {
                app_key: self.app_key.as_deref(),
                token: self.token.as_deref(),
            },
            extensions: self.extensions.as_deref(),
            request_id: caller.request_id(),
        }
    }
}

/// The version of the REST paths.
const REST_VERSION: &str = "v1.0";

/// All paths of the door.
pub fn routes<E: Exchange>(exchange: Arc<E>) -> BoxedFilter<(warp::reply::Response,)> {
    let betting = warp::path!("exchange" / "betting" / "json-rpc" / "v1");
    let account = warp::path!("exchange" / "account" / "json-rpc" / "v1");
    let heartbeat = warp::path!("exchange" / "heartbeat" / "json-rpc" / "v1");
    rpc(betting, Api::Sports, exchange.clone())
        .or(rpc(account, Api::Account, exchange.clone()))
        .unify()
        .or(rpc(heartbeat, Api::Heartbeat, exchange.clone()))
        .unify()
        .or(menu(exchange.clone()))
        .unify()
        .or(rest("betting", Api::Sports, exchange.clone()))
        .unify()
        .or(rest("account", Api::Account, exchange.clone()))
        .unify()
        .or(login(exchange.clone()))
        .unify()
        .or(keep_alive("keepAlive", false, exchange.clone()))
        .unify()
        .or(keep_alive("logout", true, exchange))
        .unify()
        .boxed()
}

/// `POST` of JSON-RPC to one family.
fn rpc<E: Exchange>(
    path: impl Filter<Extract = (), Error = Rejection> + Clone + Send + Sync + 'static,
    api: Api,
    exchange: Arc<E>,
) -> BoxedFilter<(warp::reply::Response,)> {
    path.and(warp::post())
        .and(headers())
        .and(warp::ext::get::<Caller>())
        .and(warp::body::bytes())
        .then(move |headers: Headers, caller: Caller, body: Bytes| {
            let exchange = exchange.clone();
            async move {
                let asked = headers.asked(&caller);
                let (status, body) = answer_rpc(&*exchange, api, asked, &body).await;
                sized(status, body, &headers).await
            }
        })
        .boxed()
}

/// `POST` of parameters to an operation's own path, with or without a slash at its end.
fn rest<E: Exchange>(
    family: &'static str,
    api: Api,
    exchange: Arc<E>,
) -> BoxedFilter<(warp::reply::Response,)> {
    warp::path("exchange")
        .and(warp::path(family))
        .and(warp::path("rest"))
        .and(warp::path::param())
        .and(warp::path::param())
        .and(warp::path::end())
        .and(warp::post())
        .and(headers())
        .and(warp::ext::get::<Caller>())
        .and(warp::body::bytes())
        .then(
            move |version: String, name: String, headers: Headers, caller: Caller, body: Bytes| {
                let exchange = exchange.clone();
                async move {
                    let asked = headers.asked(&caller);
                    let refused = |error: RestError| error.answer(api, asked.request_id);
                    let (status, body) = if version != REST_VERSION {
                        refused(RestError::UnknownService)
                    } else if !rest::is_json(headers.content_type.as_deref()) {
                        refused(RestError::MediaType)
                    } else {
                        answer_rest(&*exchange, api, &name, asked, &body).await
                    };
                    sized(status, body, &headers).await
                }
            },
        )
        .boxed()
}

/// `GET` of the navigation menu, in any locale. A client that has it is told so.
fn menu<E: Exchange>(exchange: Arc<E>) -> BoxedFilter<(warp::reply::Response,)> {
    warp::path!("exchange" / "betting" / "rest" / "v1" / String / "navigation" / "menu.json")
        .and(warp::get())
        .and(headers())
        .and(warp::header::optional(IF_NONE_MATCH.as_str()))
        .and(warp::ext::get::<Caller>())
        .then(move |_locale, headers: Headers, known: Option<String>, caller: Caller| {
            let exchange = exchange.clone();
            async move {
                let menu = match answer_menu(&*exchange, headers.asked(&caller)).await {
                    Ok(menu) => menu,
                    Err((status, body)) => return json(status, body),
                };
                let known = known.unwrap_or_default();
                let has_it = known.split(',').any(|etag| {
                    let etag = etag.trim();
                    etag == "*" || etag.trim_start_matches("W/") == menu.etag
                });
                let mut response = match has_it {
                    true => json(StatusCode::NOT_MODIFIED.as_u16(), Vec::new()),
                    false => sized(200, menu.body.to_vec(), &headers).await,
                };
                if let Ok(etag) = HeaderValue::from_str(&menu.etag) {
                    response.headers_mut().insert(ETAG, etag);
                }
                response
            }
        })
        .boxed()
}

/// `POST /api/login` and `/api/certlogin`: the same form, answers of two shapes. A `GET` would show the
/// password in a URL, so it is answered in the same shapes and refused.
fn login<E: Exchange>(exchange: Arc<E>) -> BoxedFilter<(warp::reply::Response,)> {
    let interactive = warp::path!("api" / "login").map(|| false);
    let by_certificate = warp::path!("api" / "certlogin").map(|| true);
    interactive
        .or(by_certificate)
        .unify()
        .and(warp::get().or(warp::post()).unify())
        .and(headers())
        .and(warp::body::bytes())
        .then(move |by_certificate: bool, headers: Headers, body: Bytes| {
            let exchange = exchange.clone();
            async move {
                let app_key = headers.app_key.unwrap_or_default();
                let outcome = match LoginForm::read(&body, headers.content_type.as_deref()) {
                    Ok(_) if app_key.is_empty() => Err(LoginError::InvalidAppKey),
                    Ok(form) => exchange.login(&app_key, form).await,
                    Err(error) => Err(error),
                };
                let outcome = outcome.as_deref().map_err(|error| *error);
                if by_certificate {
                    return json_of(&CertLoginAnswer::new(outcome));
                }
                json_of(&match outcome {
                    Ok(token) => LoginAnswer::success(token, &app_key),
                    Err(error) => LoginAnswer::failure(&app_key, error),
                })
            }
        })
        .boxed()
}

/// `GET` or `POST` of `/api/keepAlive` and `/api/logout`: real clients use either.
fn keep_alive<E: Exchange>(
    name: &'static str,
    log_out: bool,
    exchange: Arc<E>,
) -> BoxedFilter<(warp::reply::Response,)> {
    warp::path("api")
        .and(warp::path(name))
        .and(warp::path::end())
        .and(warp::get().or(warp::post()).unify())
        .and(headers())
        .then(move |headers: Headers| {
            let exchange = exchange.clone();
            async move {
                let app_key = headers.app_key.unwrap_or_default();
                let token = headers.token.unwrap_or_default();
                let outcome = match token.is_empty() {
                    true => Err(LoginError::NoSession),
                    false => exchange.keep_alive(&token, log_out).await,
                };
                json_of(&match outcome {
                    Ok(()) => LoginAnswer::success(&token, &app_key),
                    Err(error) => LoginAnswer::failure(&app_key, error),
                })
            }
        })
        .boxed()
}

fn headers() -> impl Filter<Extract = (Headers,), Error = Rejection> + Clone {
    warp::header::optional("x-application")
        .and(warp::header::optional("x-authentication"))
        .and(warp::header::optional("x-laybook-extensions"))
        .and(warp::header::optional(CONTENT_TYPE.as_str()))
        .and(warp::header::optional(ACCEPT_ENCODING.as_str()))
        .map(|app_key, token, extensions, content_type, accepts| Headers {
            app_key,
            token,
            extensions,
            content_type,
            accepts,
        })
}

/// An answer as small as the client can take it.
async fn sized(status: u16, body: Vec<u8>, headers: &Headers) -> warp::reply::Response {
    if !gzip::is_accepted(headers.accepts.as_deref()) {
        return json(status, body);
    }
    let (body, packed) = match gzip::shrink(body).await {
        Shrunk::Yes(body) => (body, true),
        Shrunk::No(body) => (body, false),
    };
    let mut response = json(status, body);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if packed {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn json_of(answer: &impl serde::Serialize) -> warp::reply::Response {
    json(200, serde_json::to_vec(answer).expect("texts are always JSON"))
}

fn json(status: u16, body: Vec<u8>) -> warp::reply::Response {
    let mut response = Response::new(body).into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
