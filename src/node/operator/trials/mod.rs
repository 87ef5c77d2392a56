//! How the models that price football do: what the console's models page and whoever asks like it are told.
//!
//! | path below `/v1/operator/` | what it tells |
//! |---|---|
//! | `models` (`?competition=`, `?market=`, `?from=`, `?to=`, `?known=`) | [`report`]: every model on the same matches |
//! | `models/live` (`?competition=`, `?limit=`) | [`listing`]: matches that are played, and those to come |
//! | `models/ended` (as `models`, `?sort=`, `?offset=`, `?limit=`) | [`listing`]: matches with what each model said |
//! | `models/matches/{id}` | [`course`]: what each model said as the match went on |
//! | `models/ratings/{competition}` | strengths and parameters, now and month by month |
//!
//! Owns     the paths and what is gathered for them; what is good is said by `domain::football::judge`.
//! Bounds   `COMPETITIONS_MAX` competitions, those with most matches; the rest of each list pages.
//!
//! Models are tried only since somebody looks: each competition's ratings actor walks a day at a time, and a
//! report says how much is left. Asked again with the version that it said, it says only that nothing is new.

mod course;
mod listing;
mod report;

use std::collections::HashMap;
use std::sync::Arc;

use actors::node::{Child, Node};
use actors::ratings::{RatingsMsg, TrialView};
use actors::registry::Address;
use domain::football::almanac::{CompetitionNo, FixtureId};
use domain::football::judge::Market;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::api::Answer;
use super::observe::pairs;
use super::problem::Problem;
use super::watch::Watch;
use crate::native::pricing::{actor, ask, ask_actor, competition_of, performance, ratings, shape};
use crate::pricing::day::Day;

const COMPETITIONS_MAX: usize = 200;
const PAGE: usize = 50;
const PAGE_MAX: usize = 500;

/// Answers a path of this room; `None` when it is none.
pub async fn look(watch: &Watch, segments: &[&str], query: &str) -> Option<Answer> {
    let (node, query) = (&watch.node, pairs(query));
    let answer = match segments {
        ["models"] => reported(node, &query).await,
        ["models", "live"] => live(node, &query).await,
        ["models", "ended"] => ended(node, &query).await,
        ["models", "matches", id] => match id.parse() {
            Ok(id) => course::of(node, FixtureId(id)).await,
            Err(_) => Err(not_found("no such match")),
        },
        ["models", "ratings", competition] => strengths(node, competition).await,
        _ => return None,
    };
    Some(answer.map(|value| (StatusCode::OK, value)))
}

/// A competition, and the trial of the models there.
struct Ring {
    number: CompetitionNo,
    trial: TrialView,
}

/// What of all matches is looked at.
struct Chosen {
    competition: Option<CompetitionNo>,
    market: Market,
    /// Days since 1970, both included.
    from: i32,
    to: i32,
}

impl Chosen {
    fn takes(&self, day: i32) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

/// A competition as one may choose it.
#[derive(Clone)]
struct Choice {
    number: CompetitionNo,
    name: String,
    matches: usize,
}

async fn reported(node: &Arc<Node>, query: &HashMap<String, String>) -> Result<Value, Problem> {
    let choices = choices(node).await?;
    let chosen = chosen(node, query).await?;
    let rings = rings(node, &choices, &chosen).await?;
    let served = ask(node, performance::gather).await?;
    let version = version(&rings, served.len());
    let left: usize = rings.iter().map(|ring| ring.trial.left).sum();
    if query.get("known") == Some(&version) {
        return Ok(json!({ "version": version, "left": left, "unchanged": true }));
    }
    let names = choices.iter().map(
        |choice| json!({ "id": choice.number, "name": choice.name, "matches": choice.matches }),
    );
    let names: Vec<Value> = names.collect();
    let told = supervision::blocking(move || report::report(&rings, &served, &chosen)).await;
    let mut told = told.map_err(|_| unavailable("the report was not made, try again"))?;
    told["version"] = json!(version);
    told["left"] = json!(left);
    told["competitions"] = json!(names);
    told["markets"] = json!(Market::ALL.map(Market::word));
    Ok(told)
}

async fn live(node: &Arc<Node>, query: &HashMap<String, String>) -> Result<Value, Problem> {
    let chosen = chosen(node, query).await?;
    let (limit, now) = (number(query, "limit", PAGE, PAGE_MAX)?, course::now(node));
    ask(node, move |almanac| listing::live(almanac, chosen.competition, limit, now)).await
}

async fn ended(node: &Arc<Node>, query: &HashMap<String, String>) -> Result<Value, Problem> {
    let chosen = chosen(node, query).await?;
    let rings = rings(node, &choices(node).await?, &chosen).await?;
    let sort = match query.get("sort").map(String::as_str) {
        None | Some("newest") => listing::Sort::Newest,
        Some("worst") => listing::Sort::Worst,
        Some(_) => return Err(Problem::field("bad_word", "sort", "is neither newest nor worst")),
    };
    let limit = number(query, "limit", PAGE, PAGE_MAX)?;
    let offset = number(query, "offset", 0, usize::MAX)?;
    let list = move || listing::ended(&rings, &chosen, sort, offset, limit);
    let told = supervision::blocking(list).await;
    told.map_err(|_| unavailable("the list was not made, try again"))
}

async fn strengths(node: &Arc<Node>, named: &str) -> Result<Value, Problem> {
    let ratings = ratings(node, &super::observe::decoded(named)).await?;
    let view = ask_actor(&ratings, |reply| RatingsMsg::View { reply }).await?;
    let history = ask_actor(&ratings, |reply| RatingsMsg::History { reply }).await?;
    let mut told = shape::ratings(&view);
    told["history"] = shape::ratings_history(&view, &history)["history"].take();
    Ok(told)
}

/// Those with most matches, by name.
async fn choices(node: &Node) -> Result<Vec<Choice>, Problem> {
    ask(node, |almanac| {
        let all = almanac.competitions().map(|(number, known)| Choice {
            number,
            name: known.name.clone(),
            matches: known.matches(),
        });
        let mut all: Vec<Choice> = all.collect();
        all.sort_by_key(|choice| (std::cmp::Reverse(choice.matches), choice.number));
        all.truncate(COMPETITIONS_MAX);
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    })
    .await
}

async fn chosen(node: &Node, query: &HashMap<String, String>) -> Result<Chosen, Problem> {
    let competition = match query.get("competition").cloned() {
        None => None,
        Some(named) => {
            let found = ask(node, move |almanac| competition_of(almanac, &named)).await?;
            Some(found.ok_or_else(|| not_found("no such competition"))?)
        }
    };
    let market = match query.get("market") {
        None => Market::MatchOdds,
        Some(word) => {
            let known = Market::ALL.into_iter().find(|market| market.word() == word);
            known.ok_or_else(|| {
                let known = Market::ALL.map(Market::word).join(", ");
                Problem::field("bad_word", "market", format!("is none of {known}"))
            })?
        }
    };
    let day = |name: &'static str, usual: i32| match query.get(name) {
        None => Ok(usual),
        Some(text) => text
            .parse::<Day>()
            .map(Day::number)
            .map_err(|_| Problem::field("bad_date", name, "is no date such as 2026-11-30")),
    };
    Ok(Chosen { competition, market, from: day("from", i32::MIN)?, to: day("to", i32::MAX)? })
}

/// The trials of what was chosen, each of which goes on by being looked at.
async fn rings(
    node: &Arc<Node>,
    choices: &[Choice],
    chosen: &Chosen,
) -> Result<Vec<Ring>, Problem> {
    let wanted: Vec<CompetitionNo> = match chosen.competition {
        Some(one) => vec![one],
        None => choices.iter().map(|choice| choice.number).collect(),
    };
    let mut rings = Vec::with_capacity(wanted.len());
    for number in wanted {
        rings.push(Ring { number, trial: trial(node, number).await? });
    }
    Ok(rings)
}

async fn trial(node: &Arc<Node>, number: CompetitionNo) -> Result<TrialView, Problem> {
    let ratings = actor(node, Address::Ratings(number), Child::Ratings(number)).await?;
    ask_actor(&ratings, |reply| RatingsMsg::Trial { reply }).await
}

/// Another one when anything that a report is made of is another.
fn version(rings: &[Ring], served: usize) -> String {
    let fold = |sum: u64, part: u64| (sum ^ part).wrapping_mul(0x0000_0100_0000_01b3);
    let parts = rings.iter().flat_map(|ring| [u64::from(ring.number.0), ring.trial.version]);
    let hash = parts.chain([served as u64]).fold(0xcbf2_9ce4_8422_2325, fold);
    format!("{hash:016x}")
}

fn number(
    query: &HashMap<String, String>,
    name: &'static str,
    usual: usize,
    most: usize,
) -> Result<usize, Problem> {
    let Some(text) = query.get(name) else { return Ok(usual) };
    let number = text.parse().ok().filter(|number| *number <= most);
    number.ok_or_else(|| Problem::field("bad_number", name, format!("is not from 0 to {most}")))
}

fn not_found(reason: &'static str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found").reason(reason)
}

fn unavailable(reason: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable").reason(reason)
}
