//! The Betfair door's paths. The only file here that knows warp.
//!
//! Routes and decodes; the work is in [`super::handler`] and [`super::login`].

use std::sync::Arc;

use bytes::Bytes;
use warp::filters::BoxedFilter;
use warp::http::header::CONTENT_TYPE;
use warp::http::{HeaderValue, Response, StatusCode};
use warp::{Filter, Rejection, Reply};

use super::exception::Api;
use super::handler::{Exchange, answer_rpc};
use super::login::{CertLoginAnswer, LoginAnswer, LoginError, LoginForm};
use super::rpc::Credentials;
use crate::door::Caller;

/// `X-Application` and `X-Authentication`, as they came.
type Headers = (Option<String>, Option<String>);

/// All paths of the door.
pub fn routes<E: Exchange>(exchange: Arc<E>) -> BoxedFilter<(warp::reply::Response,)> {
    let betting = warp::path!("exchange" / "betting" / "json-rpc" / "v1");
    let account = warp::path!("exchange" / "account" / "json-rpc" / "v1");
    rpc(betting, Api::Sports, exchange.clone())
        .or(rpc(account, Api::Account, exchange.clone()))
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
        .then(move |(app_key, token): Headers, caller: Caller, body: Bytes| {
            let exchange = exchange.clone();
            async move {
                let credentials =
                    Credentials { app_key: app_key.as_deref(), token: token.as_deref() };
                let id = caller.request_id();
                let (status, body) = answer_rpc(&*exchange, api, credentials, &body, id).await;
                json(status, body)
            }
        })
        .boxed()
}

/// `POST /api/login` and `/api/certlogin`: the same form, answers of two shapes.
fn login<E: Exchange>(exchange: Arc<E>) -> BoxedFilter<(warp::reply::Response,)> {
    let interactive = warp::path!("api" / "login").map(|| false);
    let by_certificate = warp::path!("api" / "certlogin").map(|| true);
    interactive
        .or(by_certificate)
        .unify()
        .and(warp::post())
        .and(headers())
        .and(warp::body::bytes())
        .then(move |by_certificate: bool, (app_key, _): Headers, body: Bytes| {
            let exchange = exchange.clone();
            async move {
                let app_key = app_key.unwrap_or_default();
                let outcome = match LoginForm::read(&body) {
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
        .then(move |(app_key, token): Headers| {
            let exchange = exchange.clone();
            async move {
                let (app_key, token) = (app_key.unwrap_or_default(), token.unwrap_or_default());
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
        .map(|app_key, token| (app_key, token))
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
