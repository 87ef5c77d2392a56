//! The node at a glance: is it well, how loaded, what is hot, what fell lately, what needs a person.
//!
//! Owns     the lints: rules about what is seen that name their reason, and what the last glance saw, for those
//!          that go by change.
//! Never    looks by itself: who asks pays for the glance.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use actors::gauge::Waits;
use actors::registry::Address;
use domain::ids::PartitionId;
use serde::Serialize;
use serde_json::{Value, json};
use supervision::{ChildStatus, What};
use tokio::time::Instant;

use super::roster::{self, Sort, now_ms};
use crate::operator::watch::Watch;

const HOT: usize = 8;
const RESTARTED: usize = 12;
/// A mailbox that grew in so many glances, and is this deep, does not get its work done.
const RISING_GLANCES: u32 = 3;
const RISING_DEPTH: usize = 200;
const GLANCE_EVERY: Duration = Duration::from_millis(900);
const FLAPPING_RESTARTS: usize = 3;
const FLAPPING_WITHIN_MS: u64 = 60_000;
const SLOW_HANDLER_US: u64 = 50_000;
const BUSY_PCT: f64 = 90.0;
const SLOW_SYNC_US: u64 = 32_768;
/// The wall clock against the one that only goes forward.
const CLOCK_JUMP_MS: u128 = 1_000;
/// How long ago an accident may be to be told still.
const LATELY_MS: u64 = 15 * 60_000;
const LINTS_MAX: usize = 100;
/// Pulls and makers that are asked how they are.
const HEARD_MAX: usize = 64;

/// Something that needs a person.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lint {
    /// Which rule.
    pub lint: &'static str,
    /// `info`, `warn`, `bad`.
    pub severity: &'static str,
    /// About whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Since when.
    pub since_ms: u64,
    /// What is seen.
    pub text: String,
    /// Why it matters, and what to do.
    pub why: &'static str,
}

/// What glances remember.
#[derive(Debug)]
pub struct Glances {
    began: Instant,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    at: Option<Instant>,
    /// Depth, and in how many glances it grew.
    depths: HashMap<String, (usize, u32, u64)>,
    bets: u64,
    bets_per_s: f64,
    commits: Waits,
    commit_us: [u64; 2],
    /// Both clocks, as of the last glance.
    clocks: (Instant, SystemTime),
    jumped: Option<(u64, i64)>,
}

impl Default for Glances {
    fn default() -> Glances {
        let now = Instant::now();
        let kept = Kept {
            at: None,
            depths: HashMap::new(),
            bets: 0,
            bets_per_s: 0.0,
            commits: Waits::default(),
            commit_us: [0; 2],
            clocks: (now, SystemTime::now()),
            jumped: None,
        };
        Glances { began: now, kept: Mutex::new(kept) }
    }
}

impl Glances {
    /// Since the process began.
    pub fn up(&self) -> Duration {
        self.began.elapsed()
    }

    /// Takes in what is seen now, unless that was done just before.
    fn glance(&self, watch: &Watch) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let since = kept.at.map(|at| now.saturating_duration_since(at));
        if since.is_some_and(|since| since < GLANCE_EVERY) {
            return;
        }
        let (bets, commits) = totals(watch);
        if let Some(since) = since {
            kept.bets_per_s = bets.saturating_sub(kept.bets) as f64 / since.as_secs_f64();
        }
        let lately = commits.since(&kept.commits);
        let told = if lately.count() == 0 { commits } else { lately };
        kept.commit_us = [0.5, 0.99].map(|share| told.quantile_us(share));
        (kept.bets, kept.commits, kept.at) = (bets, commits, Some(now));
        kept.look_at_clocks(now);
        let mut depths = HashMap::new();
        for (address, gauge) in watch.node.registry.gauges() {
            let depth = gauge.depth();
            if depth >= RISING_DEPTH {
                let id = address.to_string();
                let last = kept.depths.get(&id).copied();
                let (grew, since_ms) = match last {
                    Some((before, grew, since)) if depth > before => (grew + 1, since),
                    _ => (0, now_ms()),
                };
                depths.insert(id, (depth, grew, since_ms));
            }
        }
        kept.depths = depths;
    }
}

impl Kept {
    fn look_at_clocks(&mut self, now: Instant) {
        let wall = SystemTime::now();
        let expected = self.clocks.1 + now.saturating_duration_since(self.clocks.0);
        let (ahead, by) = match wall.duration_since(expected) {
            Ok(by) => (1, by),
            Err(error) => (-1, error.duration()),
        };
        if by.as_millis() > CLOCK_JUMP_MS {
            self.jumped =
                Some((now_ms(), ahead * i64::try_from(by.as_millis()).unwrap_or(i64::MAX)));
        }
        self.clocks = (now, wall);
    }
}

/// Bets numbered and commits counted, of all partitions.
fn totals(watch: &Watch) -> (u64, Waits) {
    let mut bets = 0;
    let mut commits = Waits::default();
    for partition in watch.node.partitions() {
        bets += partition.bets_numbered();
        // One partition a node: where there are more, the last one's commits are told.
        commits = Waits::from(partition.log.stats().commits);
    }
    (bets, commits)
}

/// Everything of the overview.
pub async fn read(watch: &Watch) -> Value {
    if !watch.pace.keep_up(&watch.node.registry) {
        // Nobody watched before: a pace takes two readings.
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        watch.pace.keep_up(&watch.node.registry);
    }
    let lints = lints(watch).await;
    let (bets_per_s, commit_us) = {
        let kept = watch.glances.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.bets_per_s, kept.commit_us)
    };
    let hot = roster::hottest(watch, HOT, Sort::Heat).await;
    let stats = watch.node.partition(PartitionId(0)).map(|partition| partition.log.stats());
    let ready = watch.node.is_ready();
    json!({
        "healthy": ready && lints.iter().all(|lint| lint.severity != "bad"),
        "ready": ready,
        "version": env!("CARGO_PKG_VERSION"),
        "upMs": u64::try_from(watch.glances.up().as_millis()).unwrap_or(u64::MAX),
        "actors": watch.node.registry.count(),
        "handledPerS": watch.pace.handled_per_s().round(),
        "betsPerS": bets_per_s.round(),
        "journal": {
            "offset": stats.as_ref().map_or(0, |stats| stats.released.get()),
            "syncP50Us": commit_us[0],
            "syncP99Us": commit_us[1],
            "readOnly": stats.as_ref().is_none_or(|stats| !stats.writable),
        },
        "hot": hot,
        "restarted": restarted(watch),
        "lints": lints,
    })
}

/// Who fell lately, newest first.
fn restarted(watch: &Watch) -> Vec<Value> {
    let is_failure = |what: &What| match what {
        What::Exited { exit, .. } => !exit.is_orderly(),
        What::StartFailed { .. } => true,
        _ => false,
    };
    let fell = watch.events.last_matching(u64::MAX, RESTARTED, |event| is_failure(&event.what));
    let told = fell.iter().rev().map(|event| {
        let reason = match &event.what {
            What::Exited { exit, .. } => exit.to_string(),
            What::StartFailed { error } => error.to_string(),
            _ => String::new(),
        };
        json!({
            "id": event.child, "kind": event.kind, "atMs": event.at_ms, "seq": event.seq,
            "reason": reason.lines().next().unwrap_or_default(),
        })
    });
    told.collect()
}

/// What needs a person now.
pub async fn lints(watch: &Watch) -> Vec<Lint> {
    watch.glances.glance(watch);
    let mut lints = Vec::new();
    of_the_journal(watch, &mut lints);
    of_mailboxes(watch, &mut lints);
    of_restarts(watch, &mut lints);
    of_handlers(watch, &mut lints);
    of_the_process(watch, &mut lints);
    of_the_store(watch, &mut lints).await;
    of_those_who_ask(watch, &mut lints).await;
    let rank = |lint: &Lint| match lint.severity {
        "bad" => 0,
        "warn" => 1,
        _ => 2,
    };
    lints.sort_by_key(rank);
    lints.truncate(LINTS_MAX);
    lints
}

fn of_the_journal(watch: &Watch, lints: &mut Vec<Lint>) {
    let kept = watch.glances.kept.lock().unwrap_or_else(PoisonError::into_inner);
    let [_, p99] = kept.commit_us;
    if p99 > SLOW_SYNC_US {
        lints.push(Lint {
            lint: "slow-sync",
            severity: "warn",
            id: Some("journal-0".to_owned()),
            since_ms: now_ms(),
            text: format!("1 of 100 group commits takes {} ms or more", p99 / 1_000),
            why: "every reply waits for its commit: look at the disk and who else writes to it",
        });
    }
    if let Some((at_ms, by_ms)) = kept.jumped.filter(|(at, _)| now_ms() < at + LATELY_MS) {
        lints.push(Lint {
            lint: "clock-jump",
            severity: "warn",
            id: None,
            since_ms: at_ms,
            text: format!("the wall clock jumped by {by_ms} ms"),
            why: "moments of markets go by this clock: it should be slewed, not set",
        });
    }
    for partition in watch.node.partitions() {
        if !partition.log.stats().writable {
            lints.push(Lint {
                lint: "read-only",
                severity: "bad",
                id: Some(format!("journal-{}", partition.id)),
                since_ms: now_ms(),
                text: "the journal cannot be written: orders are refused".to_owned(),
                why: "the disk is full or failing; it comes back by itself once there is room",
            });
        }
    }
}

fn of_mailboxes(watch: &Watch, lints: &mut Vec<Lint>) {
    let kept = watch.glances.kept.lock().unwrap_or_else(PoisonError::into_inner);
    let rising = kept.depths.iter().filter(|(_, (_, grew, _))| *grew >= RISING_GLANCES);
    lints.extend(rising.map(|(id, (depth, _, since_ms))| Lint {
        lint: "rising-mailbox",
        severity: "warn",
        id: Some(id.clone()),
        since_ms: *since_ms,
        text: format!("{depth} messages wait, and more at every look"),
        why: "it is sent more than it handles; at the bound new requests are refused",
    }));
}

fn of_restarts(watch: &Watch, lints: &mut Vec<Lint>) {
    let now = now_ms();
    let mut failures: HashMap<String, (usize, u64)> = HashMap::new();
    let recent = watch.events.last_matching(u64::MAX, 4_096, |event| {
        now.saturating_sub(event.at_ms) <= FLAPPING_WITHIN_MS
            && matches!(event.what, What::Restarting { .. })
    });
    for event in recent {
        let (count, since_ms) = failures.entry(event.child.to_string()).or_default();
        *count += 1;
        *since_ms = if *count == 1 { event.at_ms } else { *since_ms };
    }
    for (id, (count, since_ms)) in failures {
        if count >= FLAPPING_RESTARTS {
            lints.push(Lint {
                lint: "flapping",
                severity: "warn",
                text: format!("{count} restarts within a minute"),
                id: Some(id),
                since_ms,
                why: "what kills it comes back with it: see why it was restarted",
            });
        }
    }
    let quarantined = watch.events.look(|history| {
        let down =
            history.present().all().filter(|(_, _, node)| node.status == ChildStatus::Quarantined);
        down.map(|(_, id, node)| (id.to_string(), node.since_ms))
            .take(LINTS_MAX)
            .collect::<Vec<_>>()
    });
    lints.extend(quarantined.into_iter().map(|(id, since_ms)| Lint {
        lint: "quarantined",
        severity: "bad",
        id: Some(id),
        since_ms,
        text: "its restarts are used up: it is down until somebody tries it again".to_owned(),
        why: "look why it fell, then try again",
    }));
}

fn of_handlers(watch: &Watch, lints: &mut Vec<Lint>) {
    let registry = &watch.node.registry;
    for (address, gauge) in registry.gauges() {
        if let Some(hand) =
            gauge.in_hand().filter(|hand| hand.since.as_micros() as u64 > SLOW_HANDLER_US)
        {
            lints.push(Lint {
                lint: "slow-handler",
                severity: "warn",
                id: Some(address.to_string()),
                since_ms: now_ms().saturating_sub(hand.since.as_millis() as u64),
                text: format!("has had `{}` in hand for {} ms", hand.message, hand.since.as_millis()),
                why: "nothing else is handled meanwhile; it cannot be interrupted, but it can be killed",
            });
        }
    }
    for (address, load) in watch.pace.loads(registry) {
        if load.busy_pct >= BUSY_PCT {
            lints.push(Lint {
                lint: "busy",
                severity: "warn",
                id: Some(address.to_string()),
                since_ms: now_ms(),
                text: format!("its handler works {:.0} % of the time", load.busy_pct),
                why: "one actor is one core at most: what waits for it will wait longer",
            });
        } else if load.slowest_us >= SLOW_HANDLER_US {
            lints.push(Lint {
                lint: "slow-message",
                severity: "info",
                id: Some(address.to_string()),
                since_ms: now_ms(),
                text: format!("one message took {} ms in this life", load.slowest_us / 1_000),
                why: "all that waited behind it was late by as much",
            });
        }
    }
}

fn of_the_process(watch: &Watch, lints: &mut Vec<Lint>) {
    let now = now_ms();
    let lately = watch.events.last_matching(u64::MAX, 8, |event| {
        now.saturating_sub(event.at_ms) <= LATELY_MS
            && matches!(event.what, What::NodeStarted { after_crash: true, .. } | What::GaveUp)
    });
    for event in lately {
        let (lint, text, why) = match event.what {
            What::NodeStarted { .. } => (
                "after-crash",
                "the process before this one ended without a word".to_owned(),
                "it was killed or lost its power; everything acknowledged was read back",
            ),
            _ => (
                "gave-up",
                format!("the supervisor of {} gave up", event.child),
                "more restarts than it allows: everything below it was started anew",
            ),
        };
        let id = (lint == "gave-up").then(|| event.child.to_string());
        lints.push(Lint { lint, severity: "info", id, since_ms: event.at_ms, text, why });
    }
    if watch.sink.lost() > 0 {
        lints.push(Lint {
            lint: "events-lost",
            severity: "warn",
            id: None,
            since_ms: now,
            text: format!("{} supervision events were dropped", watch.sink.lost()),
            why: "more happened at once than the log holds: the past has gaps",
        });
    }
}

/// Pulls and market makers say themselves what keeps them from their work.
async fn of_those_who_ask(watch: &Watch, lints: &mut Vec<Lint>) {
    let asks = |address: &Address| matches!(address, Address::Pull(_) | Address::Maker(_));
    let loads = watch.node.registry.loads().into_iter();
    let all: Vec<Address> =
        loads.map(|(address, _)| address).filter(asks).take(HEARD_MAX).collect();
    for address in all {
        let id = address.to_string();
        let state = watch.state_of(&id).await.unwrap_or_default();
        let Some(failure) = state["failure"].as_str() else { continue };
        let name = state["name"].as_str().unwrap_or_default();
        let (lint, why) = match address {
            Address::Pull(_) => (
                "pull-fails",
                "what its provider has does not come in; it is tried again, and what was told before stands",
            ),
            _ => (
                "maker-cannot-log-in",
                "its user or application key is unknown here: nothing is quoted",
            ),
        };
        let since_ms = state["failingSince"].as_u64().unwrap_or_else(now_ms);
        let text = format!("{name}: {failure}");
        lints.push(Lint { lint, severity: "warn", id: Some(id), since_ms, text, why });
    }
}

async fn of_the_store(watch: &Watch, lints: &mut Vec<Lint>) {
    let state = watch.state_of("journal-0").await.unwrap_or_default();
    if let Some(why) = state["snapshotsWiped"].as_str() {
        lints.push(Lint {
            lint: "store-rebuilt",
            severity: "warn",
            id: Some("journal-0".to_owned()),
            since_ms: now_ms(),
            text: format!("snapshots could not be read, were wiped and are being rebuilt: {why}"),
            why: "restarts read more of the journal until they are; the disk may be failing",
        });
    }
}
