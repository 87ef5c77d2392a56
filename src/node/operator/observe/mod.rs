//! Watching the node: what the console and its text twins ask for, all of it read-only.
//!
//! Owns the table of these paths. Everything here looks from outside (gauges, the supervision events) or asks an
//! actor with a deadline, so a node in trouble can be watched best.
//!
//! | file | noun |
//! |---|---|
//! | [`row`], [`roster`], [`labels`] | the tree, list first, with names for people |
//! | [`pace`] | the collector of figures, while somebody watches |
//! | [`aside`] | work that looks at everybody, kept away from the orders |
//! | [`live`] | one console's stream |
//! | [`why`], [`recovery`] | how somebody fell, and what came of pulling the plug |
//! | [`flow`] | message rates between kinds, and the ways of single orders |
//! | [`overview`] | the node at a glance, and the lints |

pub mod aside;
pub mod flow;
pub mod labels;
pub mod live;
pub mod overview;
pub mod pace;
pub mod recovery;
pub mod roster;
pub mod row;
pub mod why;

use std::collections::HashMap;

use actors::registry::Address;
use hyper::StatusCode;
use serde_json::{Value, json};
use supervision::history::Moment;
use supervision::{SupervisionEvent, What};

use super::api::Answer;
use super::problem::Problem;
use super::watch::Watch;
use aside::aside;
use roster::{Page, Sort, now_ms};

/// Buckets of a scrub bar.
const BUCKETS_MAX: usize = 2_000;
/// Events in one answer.
const EVENTS_MAX: usize = 1_000;
/// Sessions that an account's page leads to.
const SESSIONS_LINKED: usize = 20;
/// Figures of `top`.
const TOP_MAX: usize = 200;

/// Answers a path of this room; `None` when it is none.
pub async fn look(watch: &Watch, segments: &[&str], query: &str) -> Option<Answer> {
    let query = pairs(query);
    Some(match segments {
        ["children"] => children(watch, &query).await,
        ["search"] => {
            let text = query.get("q").map(String::as_str).unwrap_or_default();
            let limit = number(&query, "limit").unwrap_or(50);
            let (total, rows) = roster::search(watch, text, limit).await;
            ok(json!({ "total": total, "rows": rows }))
        }
        ["top"] => {
            let sort = query.get("sort").map_or(Sort::Busy, |word| Sort::of(word));
            let limit: usize = number(&query, "limit").unwrap_or(20);
            if !watch.pace.keep_up(&watch.node.registry) {
                tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
            }
            let rows = roster::hottest(watch, limit.min(TOP_MAX), sort).await;
            let handled = watch.pace.handled_per_s().round();
            ok(
                json!({ "actors": watch.node.registry.count(), "handledPerS": handled, "rows": rows }),
            )
        }
        ["supervision"] => events(watch, &query),
        ["history"] => ok(json!(watch.events.look(|history| history.reach()))),
        ["history", "ticks"] => ticks(watch, &query),
        ["history", "tree"] => tree_then(watch, &query).await,
        ["why", id] => {
            let limit = number(&query, "limit").unwrap_or(20);
            match why::deaths(watch, id, limit) {
                Some((kind, deaths)) => ok(json!({ "id": id, "kind": kind, "deaths": deaths })),
                None => Err(gone(watch, id)),
            }
        }
        ["actors", id] => actor(watch, id).await,
        ["recoveries", seq] => {
            let card = match seq.parse() {
                Ok(seq) => recovery::card(watch, seq).await,
                Err(_) => None,
            };
            let none = || not_found("no such act, or it was long ago");
            card.map(|card| (StatusCode::OK, json!(card))).ok_or_else(none)
        }
        ["overview"] => ok(overview::read(watch).await),
        ["lints"] => ok(json!({ "lints": overview::lints(watch).await })),
        ["flow"] => ok(flow::edges(watch).await),
        ["follow", bet] => {
            let none = || not_found("no order of this number was followed lately");
            flow::follow(watch, bet).map(|way| (StatusCode::OK, way)).ok_or_else(none)
        }
        ["audit"] => audit(watch, &query),
        ["journal"] => ok(journal(watch).await),
        _ => return None,
    })
}

async fn children(watch: &Watch, query: &HashMap<String, String>) -> Answer {
    let page = page(query);
    match roster::children(watch, &page).await {
        Some(children) => ok(json!(children)),
        None => Err(gone(watch, &page.of)),
    }
}

fn page(query: &HashMap<String, String>) -> Page {
    Page {
        of: query.get("of").cloned().unwrap_or_default(),
        offset: number(query, "offset").unwrap_or(0),
        limit: number(query, "limit").unwrap_or(200),
        kind: query.get("kind").cloned(),
        sort: query.get("sort").map_or(Sort::Id, |word| Sort::of(word)),
        around: query.get("around").cloned(),
    }
}

/// The tree as it was.
async fn tree_then(watch: &Watch, query: &HashMap<String, String>) -> Answer {
    let moment = match (number(query, "seq"), number(query, "at")) {
        (Some(seq), _) => Moment::Seq(seq),
        (None, Some(at_ms)) => Moment::AtMs(at_ms),
        (None, None) => {
            return Err(Problem::field("bad_moment", "at", "is no number of milliseconds"));
        }
    };
    let page = page(query);
    let (children, seq, then_ms) = aside(|| {
        let (tree, seq, at_ms) = watch.events.look(|history| history.at(moment));
        let then_ms = if let Moment::AtMs(ms) = moment { ms } else { at_ms };
        (roster::pick(&tree, &page, then_ms, &HashMap::new()), seq, then_ms)
    });
    let Some(mut children) = children else {
        if page.of.is_empty() {
            // Before the first process, or between two.
            let none = json!({ "of": null, "total": 0, "offset": 0, "classes": [], "children": [],
                "atMs": then_ms, "seq": seq });
            return ok(none);
        }
        return Err(not_found("it was not there then"));
    };
    labels::fill(&watch.node, &mut children.children).await;
    let mut answer = json!(children);
    answer["atMs"] = json!(then_ms);
    answer["seq"] = json!(seq);
    ok(answer)
}

fn ticks(watch: &Watch, query: &HashMap<String, String>) -> Answer {
    let reach = watch.events.look(|history| history.reach());
    let from = number(query, "from").unwrap_or(reach.first_at_ms);
    let to = number(query, "to").unwrap_or_else(now_ms);
    let buckets = number(query, "buckets").unwrap_or(400).clamp(1, BUCKETS_MAX);
    if to < from {
        return Err(Problem::field("bad_range", "to", "is before from"));
    }
    let counted = aside(|| watch.events.look(|history| history.ticks(from, to, buckets)));
    ok(json!({ "buckets": counted }))
}

/// Events after a number, before one, or from a moment on; of a child, a kind, or with certain words.
fn events(watch: &Watch, query: &HashMap<String, String>) -> Answer {
    let limit = number(query, "limit").unwrap_or(EVENTS_MAX).clamp(1, EVENTS_MAX);
    let words: Vec<&str> =
        query.get("what").map(|words| words.split(',').collect()).unwrap_or_default();
    let is = |key: &str, text: &str| query.get(key).is_none_or(|wanted| wanted == text);
    let wanted = |event: &SupervisionEvent| {
        is("child", &event.child)
            && is("kind", &event.kind)
            && (words.is_empty() || words.contains(&word(&event.what)))
    };
    let log = &watch.events;
    let events = if let Some(before) = number(query, "before") {
        log.last_matching(before, limit, wanted)
    } else if let Some(at_ms) = number::<u64>(query, "atOrAfter") {
        log.first_matching(0, limit, |event| event.at_ms >= at_ms && wanted(event))
    } else {
        let since = number(query, "since").unwrap_or(0);
        log.first_matching(since, limit, wanted)
    };
    ok(json!({ "events": events, "newest": log.newest() }))
}

/// The word of what happened, and `failed` for every failure as the scrub bar counts them.
fn word(what: &What) -> &'static str {
    match what {
        What::Spawned { .. } => "spawned",
        What::Ready { .. } => "ready",
        What::Ignored => "ignored",
        What::StartFailed { .. } => "start_failed",
        What::Exited { .. } => "exited",
        What::Restarting { .. } => "restarting",
        What::Quarantined { .. } => "quarantined",
        What::Stopped { .. } => "stopped",
        What::Forgotten => "forgotten",
        What::GaveUp => "gave_up",
        What::NodeStarted { .. } => "node_started",
        What::NodeStopped { .. } => "node_stopped",
        What::OperatorActed { .. } => "operator_acted",
    }
}

/// One actor, as it says itself and as it is seen.
async fn actor(watch: &Watch, id: &str) -> Answer {
    let Some(roster::Found { row, path }) = roster::find(watch, id).await else {
        return Err(gone(watch, id));
    };
    if row.kind == "supervisor" {
        return ok(json!({ "id": id, "kind": row.kind, "row": row, "path": path }));
    }
    let gauge = watch.node.registry.address_of(id).and_then(|at| watch.node.registry.gauge(at));
    let hand = gauge.as_ref().and_then(|gauge| gauge.in_hand());
    let in_hand = hand
        .map(|hand| json!({ "message": hand.message, "sinceMs": hand.since.as_millis() as u64 }));
    let slowest = gauge.as_ref().and_then(|gauge| gauge.slowest());
    let slowest =
        slowest.map(|(message, took)| json!({ "message": message, "us": took.as_micros() as u64 }));
    let last_messages = gauge.map(|gauge| gauge.last_messages()).unwrap_or_default();
    let seen = watch.observation(id).await;
    let mut state = seen.as_ref().map_or(Value::Null, |seen| seen.state.clone());
    // What an entity says of itself stands beside what its shell says, for whoever looks for either.
    if let Some(Value::Object(own)) = state.get("entity").cloned()
        && let Some(all) = state.as_object_mut()
    {
        for (key, value) in own {
            all.entry(key).or_insert(value);
        }
    }
    name_runners(watch, id, &mut state).await;
    let mut answer = json!({
        "id": id, "kind": row.kind, "row": row, "path": path, "lastMessages": last_messages,
        "inHand": in_hand, "slowest": slowest, "state": state, "mailbox": row.load,
        "links": links(watch, id, &state).await,
    });
    if seen.is_none() {
        answer["note"] = json!("it did not answer in time");
    }
    ok(answer)
}

/// A market's ladder is told by selections; the catalogue knows their names.
async fn name_runners(watch: &Watch, id: &str, state: &mut Value) {
    let Ok(domain::ids::EntityId::Market(market)) = id.parse() else { return };
    let names = crate::catalogue::ask(&watch.node, move |catalogue| {
        let card = catalogue.card(market)?;
        let runners = card.definition.runners.iter();
        let named = runners.map(|runner| (runner.runner.selection.0, runner.name.clone()));
        Some(named.collect::<HashMap<u64, String>>())
    });
    let names = names.await.flatten().unwrap_or_default();
    let Some(Value::Array(runners)) = state.pointer_mut("/ladder/runners") else { return };
    for runner in runners {
        let selection = runner["selectionId"].as_u64().unwrap_or_default();
        runner["name"] = json!(names.get(&selection).cloned().unwrap_or_default());
    }
}

/// Who serves it and whom it serves.
async fn links(watch: &Watch, id: &str, state: &Value) -> Vec<Value> {
    use domain::ids::EntityId;
    let sessions = match id.parse() {
        Ok(EntityId::Account(account)) => {
            labels::sessions(&watch.node, account, SESSIONS_LINKED).await
        }
        _ => Vec::new(),
    };
    let mut links = Vec::new();
    let mut link = |id: &str, what: &str| links.push(json!({ "id": id, "what": what }));
    match id.parse::<EntityId>() {
        Ok(EntityId::Market(_)) => {
            link("journal-0", "writes its records");
            link("directory-0", "starts and wakes it");
            link("board-0", "shows its prices");
        }
        Ok(EntityId::Account(_)) => {
            link("journal-0", "writes its records");
            link("directory-0", "starts and wakes it");
            for session in sessions {
                link(&Address::Session(session).to_string(), "is its session");
            }
            let markets = state["exposures"].as_array().map_or(&[][..], Vec::as_slice);
            for market in markets {
                if let Some(market) = market["marketId"].as_str() {
                    link(&format!("market-{market}"), "has its bets");
                }
            }
        }
        Ok(EntityId::Home | EntityId::Football) => link("journal-0", "writes its records"),
        Err(_) => {
            if let Some(account) = state["account"].as_u64() {
                link(&format!("account-{account}"), "whose session it is");
            }
        }
    }
    let there = |link: &Value| {
        let id = link["id"].as_str().unwrap_or_default();
        watch.node.registry.address_of(id).is_some()
    };
    links.retain(there);
    links
}

/// What operators did, newest first.
fn audit(watch: &Watch, query: &HashMap<String, String>) -> Answer {
    let limit = number(query, "limit").unwrap_or(100).clamp(1, EVENTS_MAX);
    let before = number(query, "before").unwrap_or(u64::MAX);
    let acts = watch
        .events
        .last_matching(before, limit, |event| matches!(event.what, What::OperatorActed { .. }));
    let entry = |event: &SupervisionEvent| match &event.what {
        What::OperatorActed { operator, act, reason } => Some(json!({
            "seq": event.seq, "atMs": event.at_ms, "operator": operator, "act": act,
            "target": event.child, "reason": reason,
        })),
        _ => None,
    };
    let entries: Vec<Value> = acts.iter().rev().filter_map(entry).collect();
    ok(json!({ "entries": entries }))
}

/// The log of each partition: where it stands, its files, how long commits take.
async fn journal(watch: &Watch) -> Value {
    let mut partitions = Vec::new();
    for partition in watch.node.partitions() {
        let stats = partition.log.stats();
        let commits = actors::gauge::Waits::from(stats.commits);
        let home = watch.node.settings.data.join(format!("partition-{}", partition.id));
        let files = supervision::blocking(move || Files::read(&home)).await.unwrap_or_default();
        partitions.push(json!({
            "partition": partition.id,
            "offset": stats.released.get() + stats.backlog as u64,
            "durable": stats.released.get(),
            "writable": stats.writable,
            "frames": stats.frames,
            "writtenBytes": stats.bytes,
            "backlog": stats.backlog,
            "segments": files.segments,
            "syncP50Us": commits.quantile_us(0.5),
            "syncP99Us": commits.quantile_us(0.99),
            "snapshots": { "count": files.snapshots, "bytes": files.snapshot_bytes,
                "newestAtMs": files.newest_ms },
        }));
    }
    json!({ "partitions": partitions })
}

/// What of a partition is on the disk.
#[derive(Default)]
struct Files {
    segments: Vec<Value>,
    snapshots: usize,
    snapshot_bytes: u64,
    newest_ms: Option<u64>,
}

impl Files {
    fn read(home: &std::path::Path) -> Files {
        let mut files = Files::default();
        let listed = |folder: &str| std::fs::read_dir(home.join(folder)).into_iter().flatten();
        for entry in listed("journal").filter_map(Result::ok) {
            let (name, bytes) = (entry.file_name(), entry.metadata().map_or(0, |it| it.len()));
            let name = name.to_string_lossy().into_owned();
            let digits: String = name.chars().filter(char::is_ascii_digit).collect();
            let first: u64 = digits.parse().unwrap_or(0);
            files.segments.push(json!({ "name": name, "first": first, "bytes": bytes }));
        }
        files.segments.sort_by_key(|segment| segment["name"].as_str().map(str::to_owned));
        for entry in listed("snapshots").filter_map(Result::ok) {
            let Ok(about) = entry.metadata() else { continue };
            files.snapshots += 1;
            files.snapshot_bytes += about.len();
            let at = about.modified().ok();
            let at = at.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            let at_ms = at.and_then(|at| u64::try_from(at.as_millis()).ok());
            files.newest_ms = files.newest_ms.max(at_ms);
        }
        files
    }
}

/// 404, with what was there last.
pub fn gone(watch: &Watch, id: &str) -> Problem {
    let known = watch.events.look(|history| {
        let step = history.last_of(id)?;
        let place = match &*step.supervisor {
            "" => step.child.to_string(),
            above => format!("{above}/{}", step.child),
        };
        let path: Vec<&str> = place.split('/').collect();
        Some(json!({ "kind": &*step.kind, "path": path, "atMs": step.at_ms, "seq": step.seq }))
    });
    let known = known.map(|mut known| {
        let seq = known["seq"].as_u64().unwrap_or_default();
        let event = watch.events.since(seq.saturating_sub(1), 1);
        known["what"] = json!(event.first().map_or("", |event| word(&event.what)));
        known
    });
    Problem { last_known: known.map(Box::new), ..not_found("no such actor") }
}

fn not_found(why: &'static str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found").reason(why)
}

fn ok(value: Value) -> Answer {
    Ok((StatusCode::OK, value))
}

/// The query's values, decoded.
pub fn pairs(query: &str) -> HashMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), decoded(value))).collect()
}

fn number<T: std::str::FromStr>(query: &HashMap<String, String>, name: &str) -> Option<T> {
    query.get(name)?.parse().ok()
}

/// Without its percent signs; what is not text after that is left as it came.
pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'+', ..) => {
                out.push(b' ');
                at += 1;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_bad_signs_stay() {
        let query = pairs("q=1.000%20Leeds+v%C3%A9&limit=5&bad=%zz&half=%e2%82");
        assert_eq!(query["q"], "1.000 Leeds vé");
        assert_eq!(number(&query, "limit"), Some(5));
        assert_eq!(number::<u64>(&query, "q"), None);
        assert_eq!((&*query["bad"], &*query["half"]), ("%zz", "%e2%82"));
    }
}
