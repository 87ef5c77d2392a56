//! What a watching console is told: rows whose figures changed, what was logged, and a pulse.
//!
//! Owns     one watcher's memory of what it was told last, so that only changes are sent.
//! Never    runs ahead of who reads: the next look is made when the last was taken, at most four a second.
//!
//! Bounds   [`WINDOWS_MAX`] windows of [`WINDOW_ROWS`] rows; what does not fit is not sent live.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::roster::{self, Class, Page, Sort, now_ms};
use super::row::Row;
use crate::operator::watch::Watch;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(250);
const PULSE_EVERY: Duration = Duration::from_secs(1);
const WINDOWS_MAX: usize = 16;
const WINDOW_ROWS: usize = 400;
/// Events that are sent at once; a stream that begins in the past gets the newest.
const EVENTS_MAX: usize = 500;

/// One console.
#[derive(Debug)]
pub struct Watcher {
    windows: Vec<Page>,
    actor: Option<String>,
    rows: HashMap<String, Row>,
    branches: BTreeMap<String, (usize, Vec<Class>)>,
    seq: u64,
    next_look: Instant,
    next_pulse: Instant,
    begun: bool,
}

#[derive(Serialize)]
struct Branch<'a> {
    id: &'a str,
    total: usize,
    classes: &'a [Class],
}

impl Watcher {
    /// Of what its query says: `open=ID~OFFSET~LIMIT~SORT~KIND,...`, `actor=ID`, `since=SEQ`.
    pub fn new(watch: &Watch, query: &HashMap<String, String>) -> Watcher {
        let open = query.get("open").map(String::as_str).unwrap_or_default();
        let windows = open.split(',').filter(|window| !window.is_empty()).take(WINDOWS_MAX);
        let newest = watch.events.newest();
        let since = query.get("since").and_then(|since| since.parse().ok()).unwrap_or(newest);
        Watcher {
            windows: windows.map(window).collect(),
            actor: query.get("actor").cloned(),
            rows: HashMap::new(),
            branches: BTreeMap::new(),
            seq: newest.saturating_sub(EVENTS_MAX as u64).max(since.min(newest)),
            next_look: Instant::now(),
            next_pulse: Instant::now(),
            begun: false,
        }
    }

    /// The next piece of the stream; `None` when the node is being stopped.
    pub async fn next(&mut self, watch: &Watch) -> Option<String> {
        loop {
            tokio::time::sleep_until(self.next_look).await;
            self.next_look = Instant::now() + EVERY;
            // Doors that drain wait for answers under way, and this one has no end.
            if !watch.node.is_ready() {
                return None;
            }
            watch.pace.keep_up(&watch.node.registry);
            let mut text = String::new();
            self.tell_rows(watch, &mut text).await;
            self.tell_events(watch, &mut text);
            if self.next_pulse <= Instant::now() {
                self.next_pulse = Instant::now() + PULSE_EVERY;
                let pulse = json!({
                    "atMs": now_ms(),
                    "actors": watch.node.registry.count(),
                    "handledPerS": watch.pace.handled_per_s().round(),
                    "seq": watch.events.newest(),
                });
                say(&mut text, "pulse", &pulse);
            }
            if !text.is_empty() {
                return Some(text);
            }
        }
    }

    async fn tell_rows(&mut self, watch: &Watch, text: &mut String) {
        let mut now: HashMap<String, Row> = HashMap::new();
        let mut branches = BTreeMap::new();
        for page in &self.windows {
            let Some(children) = roster::children(watch, page).await else { continue };
            branches.insert(children.of.id.clone(), (children.total_of_all(), children.classes));
            now.insert(children.of.id.clone(), children.of);
            now.extend(children.children.into_iter().map(|row| (row.id.clone(), row)));
        }
        if let Some(id) = &self.actor
            && let Some(found) = roster::find(watch, id).await
        {
            now.insert(found.row.id.clone(), found.row);
        }
        let changed: Vec<&Row> = now
            .values()
            .filter(|row| self.rows.get(&row.id).is_none_or(|old| differs(old, row)))
            .collect();
        // What left a window because others are before it now is not gone.
        let gone: Vec<&String> = self.rows.keys().filter(|id| !now.contains_key(*id)).collect();
        let gone: Vec<&String> = watch.events.look(|history| {
            let there = |id: &str| history.present().place_of(id).is_some();
            gone.into_iter().filter(|id| !there(id)).collect()
        });
        if !changed.is_empty() || !gone.is_empty() || !self.begun {
            say(text, "rows", &json!({ "rows": changed, "gone": gone }));
        }
        if branches != self.branches {
            let told =
                branches.iter().map(|(id, (total, classes))| Branch { id, total: *total, classes });
            let told: Vec<Branch<'_>> = told.collect();
            say(text, "branches", &json!({ "branches": told }));
            self.branches = branches;
        }
        (self.rows, self.begun) = (now, true);
    }

    fn tell_events(&mut self, watch: &Watch, text: &mut String) {
        if watch.events.newest() <= self.seq {
            return;
        }
        let events = watch.events.since(self.seq, EVENTS_MAX);
        let Some(last) = events.last() else { return };
        self.seq = last.seq;
        say(text, "supervision", &json!({ "events": events }));
    }
}

/// Ages go by by themselves: a budget is news when it is used or given back.
fn differs(old: &Row, new: &Row) -> bool {
    let ageless = |row: &Row| {
        let mut row = row.clone();
        if let Some(budget) = &mut row.budget {
            budget.ages_ms.clear();
        }
        row
    };
    ageless(old) != ageless(new)
}

fn window(text: &str) -> Page {
    let mut parts = text.split('~');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let of = part().map(super::decoded).unwrap_or_default();
    let offset = part().and_then(|offset| offset.parse().ok()).unwrap_or(0);
    let limit = part().and_then(|limit| limit.parse().ok()).unwrap_or(200).min(WINDOW_ROWS);
    let sort = part().map_or(Sort::Id, Sort::of);
    let kind = part().map(super::decoded);
    Page { of, offset, limit, kind, sort, around: None }
}

/// One event of the stream.
fn say(text: &mut String, event: &str, data: &Value) {
    // JSON has no line ends of its own here.
    let _ = write!(text, "event: {event}\ndata: {data}\n\n");
}
