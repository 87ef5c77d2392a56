//! Why somebody was started again: each end of an actor with what was told around it.
//!
//! Owns the joining of supervision events into one account of a death: its cause, what it was at, who fell with it
//! and by which rule, the budget, the backoff, and how it came back.

use serde::Serialize;
use serde_json::{Value, json};
use supervision::{ExitReason, Strategy, SupervisionEvent, What};

use super::row::Budget;
use crate::operator::watch::Watch;

/// Deaths that are told at most.
pub const DEATHS_MAX: usize = 100;
/// Events behind a death that may still belong to it.
const AFTERMATH: usize = 4_096;
/// Companions that are named.
const FELL_MAX: usize = 200;

/// One end.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Death {
    seq: u64,
    at_ms: u64,
    reason: String,
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backtrace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_hand: Option<Value>,
    last_messages: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox_at_death: Option<usize>,
    fell_with: Vec<Fell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<Strategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    served: Option<Served>,
    logs: Vec<String>,
}

/// Somebody who fell with it.
#[derive(Debug, Clone, Serialize)]
struct Fell {
    id: String,
    kind: String,
    why: &'static str,
}

/// How it came back.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    after_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<u64>,
}

/// The last deaths of an actor, newest first, and its kind; `None` when nothing was ever told of it.
pub fn deaths(watch: &Watch, id: &str, limit: usize) -> Option<(String, Vec<Death>)> {
    let events = &watch.events;
    let kind = events.look(|history| history.last_of(id).map(|step| step.kind.to_string()))?;
    let is_end = |event: &SupervisionEvent| {
        let ended = match &event.what {
            What::Exited { exit, .. } => !matches!(exit, ExitReason::Normal),
            What::StartFailed { .. } => true,
            _ => false,
        };
        ended && &*event.child == id
    };
    let ends = events.last_matching(u64::MAX, limit.clamp(1, DEATHS_MAX), is_end);
    let mut deaths: Vec<Death> = ends.iter().map(|end| death(watch, end)).collect();
    deaths.reverse();
    Some((kind, deaths))
}

fn death(watch: &Watch, end: &SupervisionEvent) -> Death {
    let (kind, message, location, backtrace) = cause(&end.what);
    let words = match &end.what {
        What::Exited { last_words, .. } => last_words.as_deref(),
        _ => None,
    };
    let strategy = watch.events.look(|history| history.present().node(&end.supervisor)?.strategy);
    let mut death = Death {
        seq: end.seq,
        at_ms: end.at_ms,
        reason: message.lines().next().unwrap_or_default().to_owned(),
        kind,
        message,
        location,
        backtrace,
        in_hand: words.and_then(|words| {
            let message = words.in_hand.as_ref()?;
            Some(json!({ "message": message, "forUs": words.in_hand_us }))
        }),
        last_messages: words
            .map(|words| words.last_messages.iter().map(|name| name.to_string()).collect())
            .unwrap_or_default(),
        mailbox_at_death: words.map(|words| words.mailbox),
        fell_with: Vec::new(),
        strategy,
        budget: None,
        backoff_ms: None,
        operator: blame(watch, end),
        served: None,
        logs: Vec::new(),
    };
    for event in watch.events.since(end.seq, AFTERMATH) {
        if !goes_on(&mut death, end, &event, strategy) {
            break;
        }
    }
    let place = format!("{}/{}", end.supervisor, end.child);
    let line = format!("supervisor={} child={} reason={}", end.supervisor, end.child, death.reason);
    death.logs = vec![format!("child terminated {line}"), format!("place {place}")];
    death
}

/// Takes in what was told behind the death; false when nothing more can belong to it.
fn goes_on(
    death: &mut Death,
    end: &SupervisionEvent,
    event: &SupervisionEvent,
    strategy: Option<Strategy>,
) -> bool {
    let is_it = event.child == end.child && event.supervisor == end.supervisor;
    let after_ms = event.at_ms.saturating_sub(end.at_ms);
    match &event.what {
        What::Restarting { attempt, of, within_ms, backoff_ms, .. } if is_it => {
            death.budget = Some(Budget {
                used: *attempt,
                of: *of,
                within_ms: *within_ms,
                ages_ms: Vec::new(),
            });
            death.backoff_ms = Some(*backoff_ms);
        }
        What::Spawned { .. } if is_it => {
            death.served = Some(Served { after_ms, snapshot_offset: None, replayed: None });
        }
        What::Ready { snapshot, replayed, .. } if is_it => {
            let (snapshot_offset, replayed) = (*snapshot, Some(*replayed));
            death.served = Some(Served { after_ms, snapshot_offset, replayed });
            return false;
        }
        What::Quarantined { .. } | What::Exited { .. } | What::StartFailed { .. } if is_it => {
            return false;
        }
        What::NodeStarted { .. } | What::NodeStopped { .. } => return false,
        What::Stopped { .. } if death.served.is_none() && death.fell_with.len() < FELL_MAX => {
            let is_sibling = event.supervisor == end.supervisor && event.child != end.child;
            let below = format!("{}/", end.supervisor);
            let shares = matches!(strategy, Some(Strategy::OneForAll | Strategy::RestForOne));
            if shares && (is_sibling || event.supervisor.starts_with(&below)) {
                death.fell_with.push(Fell {
                    id: event.child.to_string(),
                    kind: event.kind.to_string(),
                    why: match (is_sibling, strategy) {
                        (true, Some(Strategy::OneForAll)) => "one for all: all stop together",
                        (true, _) => "rest for one: it was started later",
                        (false, _) => "its supervisor was stopped",
                    },
                });
            }
        }
        _ => {}
    }
    true
}

/// The operator's act that the death answers, if there was one just before it.
fn blame(watch: &Watch, end: &SupervisionEvent) -> Option<Value> {
    let acts = watch.events.last_matching(end.seq, 1, |event| {
        matches!(event.what, What::OperatorActed { .. }) && event.child == end.child
    });
    let act = acts.first().filter(|act| end.at_ms.saturating_sub(act.at_ms) < 10_000)?;
    match &act.what {
        What::OperatorActed { operator, act: word, reason } => Some(json!({
            "name": operator, "act": word, "reason": reason, "actSeq": act.seq,
        })),
        _ => None,
    }
}

type Cause = (&'static str, String, Option<String>, Option<String>);

fn cause(what: &What) -> Cause {
    match what {
        What::Exited { exit, .. } => of_exit(exit),
        What::StartFailed { error } => ("error", error.to_string(), None, None),
        _ => ("lost", String::new(), None, None),
    }
}

fn of_exit(exit: &ExitReason) -> Cause {
    match exit {
        ExitReason::Panicked(panic) => {
            let trace = panic.backtrace.as_ref().map(ToString::to_string);
            ("panic", panic.message.clone(), panic.location.clone(), trace)
        }
        ExitReason::Killed => ("killed", exit.to_string(), None, None),
        ExitReason::Failed(_) => ("error", exit.to_string(), None, None),
        ExitReason::Normal | ExitReason::Shutdown | ExitReason::ShutdownFor(_) => {
            ("stopped", exit.to_string(), None, None)
        }
    }
}
