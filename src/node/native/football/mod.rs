//! `PUT /v1/football/fixtures`, `/results`, `/events`, `/quotes`: what providers tell, under an API key.
//!
//! The key is a token of an operator's making (`POST /v1/operator/tokens`, role `provider` or above), in
//! `Authorization: Bearer …` or `X-Api-Key`. A list that is written wrong is refused whole, by field. What is
//! written right and cannot be so (an id that nobody told of) is refused by its place in the list, and the
//! rest is taken. What is told twice changes nothing, so whoever got no answer tells it again.
//!
//! Owns     the key and the answer; `word` reads, `shape` says what for the documents,
//!          `domain::football::almanac` decides.

pub(super) mod shape;
mod word;

use std::time::Duration;

pub use actors::football::WORDS_MAX;
use actors::football::{FootballMsg, Taken, Word};
use actors::node::Node;
use actors::partition::deliver;
use domain::home::Role;
use domain::ids::{EntityId, PartitionId};
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::api::{Asked, Call, Done, Refused};
use crate::operator::access::{forbidden, unauthorized};
use crate::operator::problem::Problem;
use crate::operator::tokens::Tokens;
use crate::secret;

const PARTITION: PartitionId = PartitionId(0);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Lets a provider in: who has a token of an operator's making, but one that only looks.
pub(super) async fn admit(node: &Node, tokens: &Tokens, asked: &Asked<'_>) -> Result<(), Problem> {
    let bearer = asked.brought.authorization.and_then(|value| value.strip_prefix("Bearer "));
    let key = bearer.or(asked.api_key).ok_or_else(unauthorized)?;
    let who = tokens.to_act(node, secret::hash(key.trim())).await?;
    match who.role {
        Role::Viewer => Err(forbidden()),
        Role::Provider | Role::Operator | Role::Admin => Ok(()),
    }
}

pub(super) async fn put(call: Call<'_>, what: &str) -> Result<Done, Refused> {
    let words = words(what, call.asked.body)?;
    Ok(Done::json(told(tell(&call.api.node, words).await?)?))
}

/// Lists that may be put, those that others rest on first.
pub const LISTS: [&str; 4] = ["fixtures", "results", "events", "quotes"];

/// One of the [`LISTS`], as it is put.
pub fn words(what: &str, body: &[u8]) -> Result<Vec<Word>, Problem> {
    match what {
        "fixtures" => word::list(body, word::fixture),
        "results" => word::list(body, word::result),
        "events" => word::list(body, word::event),
        "quotes" => word::list(body, word::quotes),
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
