//! What came of pulling the plug: a card for each act of an operator on an actor, filled in as it heals.
//!
//! Owns     what was true just before the act: the state's hash, how many durable records it rested on.
//! Counts   what was lost instead of promising it: records that were durable before and are not there after. What
//!          was acknowledged is durable, so that is an upper bound of acknowledged bets lost.
//!
//! Bounds   [`CARDS_MAX`] cards, the oldest forgotten.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::ids::PartitionId;
use serde::Serialize;
use serde_json::Value;
use supervision::{SupervisionEvent, What};
use tokio::time::Instant;

use super::roster::now_ms;
use crate::operator::watch::Watch;

const CARDS_MAX: usize = 256;
/// How long what was handed over may take to be durable before an act.
const DURABLE_WITHIN: Duration = Duration::from_millis(500);
/// Events behind an act that may belong to it.
const AFTERMATH: usize = 4_096;
const PARTITION: PartitionId = PartitionId(0);

/// The cards of this process.
#[derive(Debug, Default)]
pub struct Recoveries {
    cards: Mutex<BTreeMap<u64, Before>>,
}

/// What was true before an act.
#[derive(Debug, Clone)]
pub struct Before {
    id: String,
    mode: &'static str,
    operator: String,
    reason: String,
    at_ms: u64,
    hash: Option<String>,
    /// Records of the entity, all of them durable when they were counted.
    records: Option<u64>,
    /// Where the partition's log stood, durable.
    durable: u64,
}

/// A card as it is shown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    act_seq: u64,
    id: String,
    mode: &'static str,
    operator: String,
    reason: String,
    at_ms: u64,
    done: bool,
    detected_ms: Option<u64>,
    serving_ms: Option<u64>,
    replayed: Option<u64>,
    acknowledged_lost: Option<u64>,
    hash_before: Option<String>,
    hash_after: Option<String>,
    /// Null when it went on with other records meanwhile: then the two are of different moments.
    same: Option<bool>,
}

impl Recoveries {
    /// Keeps what was true before an act that has this number in the log.
    pub fn keep(&self, act_seq: u64, before: Before) {
        let mut cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        cards.insert(act_seq, before);
        while cards.len() > CARDS_MAX {
            cards.pop_first();
        }
    }

    fn get(&self, act_seq: u64) -> Option<Before> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner).get(&act_seq).cloned()
    }
}

/// Looks at what an act is going to hurt.
pub async fn before(
    watch: &Watch,
    id: &str,
    mode: &'static str,
    operator: &str,
    reason: &str,
) -> Before {
    let state = watch.state_of(id).await;
    // What it rests on is durable once the log has released all that was handed over by now.
    let deadline = Instant::now() + DURABLE_WITHIN;
    while watch.backlog() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let is_durable = watch.backlog() == 0 || state.is_none();
    let (hash, records) = read(state.as_ref());
    Before {
        id: id.to_owned(),
        mode,
        operator: operator.to_owned(),
        reason: reason.to_owned(),
        at_ms: now_ms(),
        hash,
        records: records.filter(|_| is_durable),
        durable: watch.durable(),
    }
}

/// The card of an act; `None` when there is none, or no more.
pub async fn card(watch: &Watch, act_seq: u64) -> Option<Card> {
    let before = watch.recoveries.get(act_seq)?;
    let events = watch.events.since(act_seq, AFTERMATH);
    let of_it = |event: &&SupervisionEvent| *event.child == *before.id;
    let ms = |event: &SupervisionEvent| event.at_ms.saturating_sub(before.at_ms);
    let fell = events
        .iter()
        .filter(of_it)
        .find(|event| matches!(event.what, What::Exited { .. } | What::Stopped { .. }));
    let behind = |event: &&SupervisionEvent| fell.is_some_and(|fell| event.seq > fell.seq);
    let mut after = events.iter().filter(of_it).filter(behind);
    let is_entity = before.records.is_some() || before.hash.is_some();
    let serving = after.clone().find(|event| match event.what {
        What::Ready { .. } => true,
        // Who has nothing to recover serves when it is up.
        What::Spawned { .. } => !is_entity,
        _ => false,
    });
    let replayed = serving.and_then(|event| match event.what {
        What::Ready { replayed, .. } => Some(replayed),
        _ => None,
    });
    let ended = after.any(|event| matches!(event.what, What::Quarantined { .. } | What::GaveUp));
    let hangs_over = before.mode == "hang" && now_ms() > before.at_ms + HANG_MS;
    let is_back = serving.is_some() || hangs_over;
    let state = if is_back { watch.state_of(&before.id).await } else { None };
    let (hash_after, records) = read(state.as_ref());
    let lost = match (before.records, records) {
        (Some(before), Some(after)) => Some(before.saturating_sub(after)),
        (None, _) if is_back => Some(before.durable.saturating_sub(watch.durable())),
        _ => None,
    };
    let same = match (&before.hash, &hash_after) {
        (Some(old), Some(new)) if before.records == records => Some(old == new),
        _ => None,
    };
    Some(Card {
        act_seq,
        done: ended || (is_back && (!is_entity || hash_after.is_some())),
        detected_ms: fell.map(ms),
        serving_ms: serving.map(ms),
        replayed,
        acknowledged_lost: lost,
        hash_before: before.hash,
        hash_after,
        same,
        id: before.id,
        mode: before.mode,
        operator: before.operator,
        reason: before.reason,
        at_ms: before.at_ms,
    })
}

/// As long as chaos holds a handler, and a little more.
const HANG_MS: u64 = 5_500;

/// An entity's hash, and how many records it rests on.
fn read(state: Option<&Value>) -> (Option<String>, Option<u64>) {
    let Some(state) = state else { return (None, None) };
    let hash = match &state["stateHash"] {
        Value::String(hash) => Some(hash.clone()),
        _ => None,
    };
    (hash, state["records"].as_u64())
}

impl Watch {
    /// An actor's own summary, if it answers in time.
    pub async fn state_of(&self, id: &str) -> Option<Value> {
        let seen = self.observation(id).await?;
        Some(seen.state)
    }

    /// What was handed to the log and is not durable yet.
    fn backlog(&self) -> usize {
        self.node.partition(PARTITION).map_or(0, |partition| partition.log.backlog())
    }

    fn durable(&self) -> u64 {
        self.node.partition(PARTITION).map_or(0, |partition| partition.log.stats().released.get())
    }
}
