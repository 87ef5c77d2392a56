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
//! Owns     the questions; the paths are rows of the table, shapes are in `shape`. Asks a match's own actor, which
//!          starts when somebody looks.

mod live;
mod performance;
mod shape;

use std::sync::Arc;
use std::time::Duration;

use actors::entity::EntityMsg;
use actors::fixture::{FixtureMsg, View};
use actors::football::{FootballMsg, question};
use actors::node::{Child, Node};
use actors::partition::deliver;
use actors::ratings::RatingsMsg;
use actors::registry::Address;
use domain::football::almanac::{Almanac, CompetitionNo, FixtureId};
use domain::ids::{EntityId, PartitionId};
use domain::time::UtcMillis;
use hyper::StatusCode;
use serde_json::json;
use tokio::sync::oneshot;
use warp::filters::BoxedFilter;

use super::api::{Call, Done, Refused};
use crate::operator::problem::Problem;

type Handled = Result<Done, Refused>;

const PARTITION: PartitionId = PartitionId(0);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Matches of one list.
const LIST_MAX: usize = 1_000;

/// The path of the stream.
pub fn stream(node: Arc<Node>) -> BoxedFilter<(warp::reply::Response,)> {
    live::routes(node)
}

pub(super) async fn matches(call: Call<'_>) -> Handled {
    let time = |name, other| UtcMillis(call.values.number(name).unwrap_or(other));
    let (from, to) = (time("from", i64::MIN), time("to", i64::MAX));
    let limit = call.values.number("limit").and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(LIST_MAX);
    let competition = call.values.text("competition").map(str::to_owned);
    let listed = ask(&call.api.node, move |almanac| {
        let only = competition.map(|named| competition_of(almanac, &named));
        shape::matches(
            almanac,
            |fixture| {
                only.is_none_or(|only| only == Some(fixture.competition))
                    && (from..=to).contains(&fixture.kick_off)
            },
            limit,
        )
    });
    Ok(Done::json(listed.await?))
}

pub(super) async fn book(call: Call<'_>) -> Handled {
    let view = view(&call.api.node, fixture(call.name())?).await?;
    Ok(Done::json(shape::book(&view, None)))
}

pub(super) async fn market(call: Call<'_>) -> Handled {
    let (id, code) = (fixture(call.name())?, call.nth_name(1));
    let book = shape::book(&*view(&call.api.node, id).await?, Some(code));
    match book["markets"].as_array().is_some_and(Vec::is_empty) {
        true if !shape::is_a_market(code) => Err(not_found("no such market").into()),
        _ => Ok(Done::json(book)),
    }
}

pub(super) async fn parameters(call: Call<'_>) -> Handled {
    let id = fixture(call.name())?;
    let told = ask(&call.api.node, move |almanac| almanac.fixture(id).map(shape::parameters));
    Ok(Done::json(told.await?.ok_or_else(|| not_found("no such match"))?))
}

pub(super) async fn history(call: Call<'_>) -> Handled {
    let id = fixture(call.name())?;
    let told = ask(&call.api.node, move |almanac| almanac.fixture(id).map(shape::history));
    Ok(Done::json(told.await?.ok_or_else(|| not_found("no such match"))?))
}

pub(super) async fn performance(call: Call<'_>) -> Handled {
    let ended = ask(&call.api.node, performance::gather).await?;
    Ok(Done::json(performance::report(&ended)))
}

pub(super) async fn competitions(call: Call<'_>) -> Handled {
    let listed = ask(&call.api.node, |almanac| {
        let all = almanac.competitions().map(|(number, known)| {
            json!({ "id": number, "name": known.name, "teams": known.teams.len() })
        });
        json!({ "competitions": all.collect::<Vec<_>>() })
    });
    Ok(Done::json(listed.await?))
}

pub(super) async fn strengths(call: Call<'_>) -> Handled {
    let ratings = ratings(&call.api.node, call.name()).await?;
    let view = ask_actor(&ratings, |reply| RatingsMsg::View { reply }).await?;
    Ok(Done::json(shape::ratings(&view)))
}

pub(super) async fn strengths_then(call: Call<'_>) -> Handled {
    let ratings = ratings(&call.api.node, call.name()).await?;
    let view = ask_actor(&ratings, |reply| RatingsMsg::View { reply }).await?;
    let history = ask_actor(&ratings, |reply| RatingsMsg::History { reply }).await?;
    Ok(Done::json(shape::ratings_history(&view, &history)))
}

fn competition_of(almanac: &Almanac, named: &str) -> Option<CompetitionNo> {
    let by_number = named.parse().ok().map(CompetitionNo);
    let by_number = by_number.filter(|number| almanac.competition(*number).is_some());
    by_number.or_else(|| almanac.competition_named(named))
}

fn fixture(id: &str) -> Result<FixtureId, Problem> {
    id.parse().map(FixtureId).map_err(|_| not_found("no such match"))
}

/// A match's book; its actor is started when it does not run.
async fn view(node: &Arc<Node>, fixture: FixtureId) -> Result<Arc<View>, Problem> {
    let known = ask(node, move |almanac| almanac.fixture(fixture).is_some()).await?;
    if !known {
        return Err(not_found("no such match"));
    }
    let actor = actor(node, Address::Fixture(fixture), Child::Fixture(fixture)).await?;
    let view = ask_actor(&actor, |reply| FixtureMsg::View { reply }).await?;
    view.ok_or_else(|| not_found("no such match"))
}

async fn ratings(
    node: &Arc<Node>,
    named: &str,
) -> Result<actors::mailbox::Mailbox<RatingsMsg>, Problem> {
    let named = named.to_owned();
    let competition = ask(node, move |almanac| competition_of(almanac, &named)).await?;
    let competition = competition.ok_or_else(|| not_found("no such competition"))?;
    actor(node, Address::Ratings(competition), Child::Ratings(competition)).await
}

/// An actor that runs, or is started now.
async fn actor<M: Send + 'static>(
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

async fn ask_actor<M: Send + 'static, T>(
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
async fn ask<T: Send + 'static>(
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
