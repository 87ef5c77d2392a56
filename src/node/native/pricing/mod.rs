//! `GET /v1/pricing/…`: the books of matches, the ratings behind them, and what they rest on. For everybody.
//!
//! | path | what it tells |
//! |---|---|
//! | `matches` (`?competition=`, `?from=`, `?to=`, `?limit=`) | matches that are not over, by kick-off |
//! | `matches/{id}` | the whole book |
//! | `matches/{id}/markets/{code}` | one market; with lines, all of them |
//! | `matches/{id}/parameters` | what it is priced from, and was |
//! | `matches/{id}/history` | what providers told of it |
//! | `ratings` | competitions |
//! | `ratings/{competition}` (number or name) | how strong its teams are |
//! | `ratings/{competition}/history` | the same, month by month |
//! | `performance` | how the prices at kick-off did, by competition, month and model |
//! | `stream` | a WebSocket: books, and changes as they happen ([`live`]) |
//!
//! Owns     the paths; shapes are in `shape`. Asks a match's own actor, which starts when somebody looks.

mod live;
pub(crate) mod performance;
pub(crate) mod shape;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actors::entity::EntityMsg;
use actors::fixture::{FixtureMsg, View};
use actors::football::{FootballMsg, question};
use actors::node::{Child, Node};
use actors::partition::deliver;
use actors::ratings::RatingsMsg;
use actors::registry::Address;
use bytes::Bytes;
use domain::football::almanac::{Almanac, CompetitionNo, FixtureId};
use domain::ids::{EntityId, PartitionId};
use domain::time::UtcMillis;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::{Filter, Reply};

use crate::operator::problem::Problem;

const PARTITION: PartitionId = PartitionId(0);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Matches of one list.
const LIST_MAX: usize = 1_000;

/// The paths of prices.
pub fn routes(node: Arc<Node>) -> BoxedFilter<(warp::reply::Response,)> {
    let live = live::routes(node.clone());
    let query = warp::query::<HashMap<String, String>>().or(warp::any().map(HashMap::new)).unify();
    let looks = warp::path!("v1" / "pricing" / ..)
        .and(warp::get())
        .and(warp::path::full())
        .and(query)
        .then(move |path: FullPath, query: HashMap<String, String>| {
            let node = node.clone();
            async move {
                match look(&node, path.as_str(), &query).await {
                    Ok(value) => warp::reply::json(&value).into_response(),
                    Err(problem) => problem.to_response::<Bytes>().map(Into::into),
                }
            }
        });
    live.or(looks).unify().boxed()
}

async fn look(
    node: &Arc<Node>,
    path: &str,
    query: &HashMap<String, String>,
) -> Result<Value, Problem> {
    let below = path.strip_prefix("/v1/pricing/").unwrap_or_default();
    let segments: Vec<String> = below.split('/').map(unescaped).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["matches"] => list(node, query).await,
        ["matches", id] => Ok(shape::book(&*view(node, fixture(id)?).await?, None)),
        ["matches", id, "markets", code] => {
            let book = shape::book(&*view(node, fixture(id)?).await?, Some(code));
            match book["markets"].as_array().is_some_and(Vec::is_empty) {
                true if !shape::is_a_market(code) => Err(not_found("no such market")),
                _ => Ok(book),
            }
        }
        ["matches", id, "parameters"] => {
            let id = fixture(id)?;
            let told = ask(node, move |almanac| almanac.fixture(id).map(shape::parameters));
            told.await?.ok_or_else(|| not_found("no such match"))
        }
        ["matches", id, "history"] => {
            let id = fixture(id)?;
            let told = ask(node, move |almanac| almanac.fixture(id).map(shape::history));
            told.await?.ok_or_else(|| not_found("no such match"))
        }
        ["performance"] => {
            let ended = ask(node, performance::gather).await?;
            Ok(performance::report(&ended))
        }
        ["ratings"] => {
            ask(node, |almanac| {
                let all = almanac.competitions().map(|(number, known)| {
                    json!({ "id": number, "name": known.name, "teams": known.teams.len() })
                });
                json!({ "competitions": all.collect::<Vec<_>>() })
            })
            .await
        }
        ["ratings", competition] => {
            let ratings = ratings(node, competition).await?;
            let view = ask_actor(&ratings, |reply| RatingsMsg::View { reply }).await?;
            Ok(shape::ratings(&view))
        }
        ["ratings", competition, "history"] => {
            let ratings = ratings(node, competition).await?;
            let view = ask_actor(&ratings, |reply| RatingsMsg::View { reply }).await?;
            let history = ask_actor(&ratings, |reply| RatingsMsg::History { reply }).await?;
            Ok(shape::ratings_history(&view, &history))
        }
        _ => Err(not_found("no such path")),
    }
}

async fn list(node: &Arc<Node>, query: &HashMap<String, String>) -> Result<Value, Problem> {
    const KNOWN: [&str; 4] = ["competition", "from", "to", "limit"];
    if let Some(other) = query.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        let reason = format!("known are {}", KNOWN.join(", "));
        return Err(Problem::field("unknown_field", other.clone(), reason));
    }
    let time = |name: &str, default: i64| match query.get(name) {
        None => Ok(UtcMillis(default)),
        Some(text) => match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(UtcMillis(time.as_millisecond())),
            Err(_) => Err(Problem::field("bad_time", name, "is not an RFC 3339 time")),
        },
    };
    let (from, to) = (time("from", i64::MIN)?, time("to", i64::MAX)?);
    let limit = match query.get("limit") {
        None => LIST_MAX,
        Some(text) => {
            text.parse().ok().filter(|limit| (1..=LIST_MAX).contains(limit)).ok_or_else(|| {
                Problem::field("bad_number", "limit", format!("is not from 1 to {LIST_MAX}"))
            })?
        }
    };
    let competition = query.get("competition").cloned();
    ask(node, move |almanac| {
        let only = competition.map(|named| competition_of(almanac, &named));
        shape::matches(
            almanac,
            |fixture| {
                only.is_none_or(|only| only == Some(fixture.competition))
                    && (from..=to).contains(&fixture.kick_off)
            },
            limit,
        )
    })
    .await
}

pub(crate) fn competition_of(almanac: &Almanac, named: &str) -> Option<CompetitionNo> {
    let by_number = named.parse().ok().map(CompetitionNo);
    let by_number = by_number.filter(|number| almanac.competition(*number).is_some());
    by_number.or_else(|| almanac.competition_named(named))
}

fn fixture(id: &str) -> Result<FixtureId, Problem> {
    id.parse().map(FixtureId).map_err(|_| not_found("no such match"))
}

/// A match's book; its actor is started when it does not run.
pub(crate) async fn view(node: &Arc<Node>, fixture: FixtureId) -> Result<Arc<View>, Problem> {
    let known = ask(node, move |almanac| almanac.fixture(fixture).is_some()).await?;
    if !known {
        return Err(not_found("no such match"));
    }
    let actor = actor(node, Address::Fixture(fixture), Child::Fixture(fixture)).await?;
    let view = ask_actor(&actor, |reply| FixtureMsg::View { reply }).await?;
    view.ok_or_else(|| not_found("no such match"))
}

pub(crate) async fn ratings(
    node: &Arc<Node>,
    named: &str,
) -> Result<actors::mailbox::Mailbox<RatingsMsg>, Problem> {
    let named = named.to_owned();
    let competition = ask(node, move |almanac| competition_of(almanac, &named)).await?;
    let competition = competition.ok_or_else(|| not_found("no such competition"))?;
    actor(node, Address::Ratings(competition), Child::Ratings(competition)).await
}

/// An actor that runs, or is started now.
pub(crate) async fn actor<M: Send + 'static>(
    node: &Node,
    address: Address,
    child: Child,
) -> Result<actors::mailbox::Mailbox<M>, Problem> {
    if let Some(there) = node.registry.find(address) {
        return Ok(there);
    }
    node.nursery().start(child);
    let came = node.registry.arrival(address, None, ANSWER_WITHIN).await;
    came.ok_or_else(|| unavailable("its actor is being restarted, try again"))
}

pub(crate) async fn ask_actor<M: Send + 'static, T>(
    actor: &actors::mailbox::Mailbox<M>,
    question: impl FnOnce(oneshot::Sender<T>) -> M,
) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    // One that is gone drops the question, and with it the reply.
    let _ = actor.send(question(reply));
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(unavailable("its actor is being restarted, try again")),
    }
}

/// A question to football.
pub(crate) async fn ask<T: Send + 'static>(
    node: &Node,
    read: impl FnOnce(&Almanac) -> T + Send + 'static,
) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    let asked: FootballMsg = question(read, reply);
    let address = Address::Entity(PARTITION, EntityId::Football);
    match node.registry.find::<EntityMsg<FootballMsg>>(address) {
        Some(way) => {
            // One that is gone drops the question, and with it the reply.
            let _ = way.send(EntityMsg::Own(asked));
        }
        None => deliver(node, PARTITION, EntityId::Football, asked),
    }
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(unavailable("football is being restarted, try again")),
    }
}

fn not_found(reason: &'static str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found").reason(reason)
}

fn unavailable(reason: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable").reason(reason)
}

/// A path's segment as it was meant: `Premier%20League`.
fn unescaped(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
