//! `PUT /v1/football/fixtures`, `/results`, `/events`: what providers tell, under an API key.
//!
//! The key is a token of an operator's making (`POST /v1/operator/tokens`, role `provider` or above), in
//! `Authorization: Bearer …` or `X-Api-Key`. A list that is written wrong is refused whole, by field. What is
//! written right and cannot be so (an id that nobody told of) is refused by its place in the list, and the
//! rest is taken. What is told twice changes nothing, so whoever got no answer tells it again.
//!
//! Owns     the paths, the key and the answer; `word` reads, `domain::football::almanac` decides.

mod word;

use std::sync::Arc;
use std::time::Duration;

use actors::football::{FootballMsg, Taken, Word};
use actors::node::Node;
use actors::partition::deliver;
use bytes::Bytes;
use domain::ids::{EntityId, PartitionId};
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method, header};
use warp::path::FullPath;
use warp::{Filter, Reply};

use crate::operator::Watch;
use crate::operator::json::check_content_type;
use crate::operator::problem::Problem;
use crate::secret;

const PARTITION: PartitionId = PartitionId(0);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The paths of providers.
pub fn routes(watch: Watch) -> BoxedFilter<(warp::reply::Response,)> {
    let watch = Arc::new(watch);
    warp::path!("v1" / "football" / ..)
        .and(warp::path::full())
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::body::bytes())
        .then(move |path: FullPath, method, headers, body| {
            let watch = watch.clone();
            async move {
                match put(&watch, path.as_str(), &method, &headers, &body).await {
                    Ok(value) => warp::reply::json(&value).into_response(),
                    Err(problem) => problem.to_response::<Bytes>().map(Into::into),
                }
            }
        })
        .boxed()
}

async fn put(
    watch: &Watch,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Value, Problem> {
    let what = path.strip_prefix("/v1/football/").unwrap_or_default();
    if !matches!(what, "fixtures" | "results" | "events") {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found"));
    }
    if method != Method::PUT {
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let key = bearer.or_else(|| text("x-api-key"));
    let key = key.ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "unauthorized"))?;
    let who = watch.tokens.to_act(&watch.node, secret::hash(key.trim())).await?;
    if who.role == domain::home::Role::Viewer {
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden"));
    }
    check_content_type(text(header::CONTENT_TYPE.as_str()), body)?;
    let words = words(what, body)?;
    told(tell(&watch.node, words).await?)
}

/// A list of `fixtures`, `results` or `events`, as it is put.
pub fn words(what: &str, body: &[u8]) -> Result<Vec<Word>, Problem> {
    match what {
        "fixtures" => word::list(body, word::fixture),
        "results" => word::list(body, word::result),
        "events" => word::list(body, word::event),
        _ => Err(Problem::new(StatusCode::NOT_FOUND, "not_found")),
    }
}

/// Tells football, and waits until it is durable.
pub async fn tell(node: &Node, words: Vec<Word>) -> Result<Taken, Problem> {
    let (reply, answer) = oneshot::channel();
    deliver(node, PARTITION, EntityId::Football, FootballMsg::Tell { words, reply });
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(Ok(taken))) => Ok(taken),
        Ok(Ok(Err(busy))) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy")
            .reason(format!("{busy}; tell it again later"))),
        Ok(Err(_)) | Err(_) => Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown")
            .reason("no answer in time; tell it again, a repeat changes nothing")),
    }
}

fn told(taken: Taken) -> Result<Value, Problem> {
    if let (0, 0, Some((at, fault))) = (taken.taken, taken.repeated, taken.refused.first()) {
        let field = format!("[{at}].{}", fault.field);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(Problem { status, ..Problem::field("refused", field, fault.reason) });
    }
    let refused = taken.refused.iter().map(
        |(at, fault)| json!({ "field": format!("[{at}].{}", fault.field), "detail": fault.reason }),
    );
    Ok(json!({
        "taken": taken.taken,
        "repeated": taken.repeated,
        "refused": refused.collect::<Vec<_>>(),
    }))
}
