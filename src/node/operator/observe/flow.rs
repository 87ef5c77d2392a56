//! Message rates between kinds of actors, and the ways of single orders.
//!
//! Owns     the last reading of the counters. Counting, and the following of as many orders as can be kept, go on while
//!          somebody asks and a little longer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::ids::BetId;
use serde_json::{Value, json};

use crate::operator::watch::Watch;

/// Counting goes on so long after the last question.
const WATCHED_FOR: Duration = Duration::from_secs(15);
/// Between two readings, at least.
const EVERY: Duration = Duration::from_millis(900);
/// One message in a hundred waits longer.
const SLOW_US: u64 = 10_000;
const NEWEST: usize = 20;

type Counts = HashMap<(&'static str, &'static str), u64>;

/// The readings.
#[derive(Debug, Default)]
pub struct Flow {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    asked: Option<Instant>,
    read: Option<(Instant, Counts)>,
    rates: Vec<(&'static str, &'static str, f64)>,
}

/// The edges of late.
pub async fn edges(watch: &Watch) -> Value {
    watched(watch);
    watch.pace.keep_up(&watch.node.registry);
    if !watch.flow.read() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        watch.pace.keep_up(&watch.node.registry);
        watch.flow.read();
    }
    let mut waits: HashMap<&'static str, u64> = HashMap::new();
    for (address, load) in watch.pace.loads(&watch.node.registry) {
        let worst = waits.entry(address.kind()).or_default();
        *worst = (*worst).max(load.wait_p99_us);
    }
    let rates = watch.flow.kept().rates.clone();
    let edges = rates.into_iter().map(|(from, to, per_s)| {
        let p99_us = waits.get(to).copied().unwrap_or_default();
        json!({ "from": from, "to": to, "perS": (per_s * 10.0).round() / 10.0, "p99Us": p99_us,
            "slow": p99_us >= SLOW_US })
    });
    let bets = watch.node.journeys.newest(NEWEST);
    let bets: Vec<String> = bets.iter().map(ToString::to_string).collect();
    json!({ "edges": edges.collect::<Vec<_>>(), "newestBets": bets })
}

/// A bet's way; `None` when it was not followed, or long ago.
pub fn follow(watch: &Watch, bet: &str) -> Option<Value> {
    watched(watch);
    let journey = watch.node.journeys.of(bet.parse().ok().map(BetId)?)?;
    let mut steps: Vec<Value> = journey.steps.iter().map(|step| json!(step)).collect();
    for (step, pair) in steps.iter_mut().skip(1).zip(journey.steps.windows(2)) {
        step["durationUs"] = json!(pair[1].at_us.saturating_sub(pair[0].at_us));
    }
    let market = journey.market.map(|market| market.to_string());
    Some(json!({ "betId": bet, "marketId": market, "steps": steps }))
}

/// Somebody asks: everything is counted for a while.
fn watched(watch: &Watch) {
    let began = {
        let mut kept = watch.flow.kept();
        kept.asked.replace(Instant::now()).is_none()
    };
    actors::flow::count(true);
    watch.node.journeys.watch(true);
    if began {
        supervision::later(WATCHED_FOR, stop_if_unwatched(watch.clone()));
    }
}

async fn stop_if_unwatched(watch: Watch) {
    loop {
        let idle = watch.flow.kept().asked.map_or(WATCHED_FOR, |asked| asked.elapsed());
        if idle >= WATCHED_FOR {
            break;
        }
        tokio::time::sleep(WATCHED_FOR - idle).await;
    }
    actors::flow::count(false);
    watch.node.journeys.watch(false);
    *watch.flow.kept() = Kept::default();
}

impl Flow {
    /// Makes rates of what was counted since the last reading; false when there was none.
    fn read(&self) -> bool {
        let mut kept = self.kept();
        let now = Instant::now();
        let since = kept.read.as_ref().map(|(at, _)| now.saturating_duration_since(*at));
        if since.is_some_and(|since| since < EVERY) {
            return true;
        }
        let counts = actors::flow::counts();
        if let (Some(since), Some((_, before))) = (since, &kept.read) {
            let rate = |(from, to, count): &(&'static str, &'static str, u64)| {
                let before = before.get(&(*from, *to)).copied().unwrap_or_default();
                let per_s = count.saturating_sub(before) as f64 / since.as_secs_f64();
                (per_s > 0.0).then_some((*from, *to, per_s))
            };
            kept.rates = counts.iter().filter_map(rate).collect();
        }
        let counts = counts.into_iter().map(|(from, to, count)| ((from, to), count)).collect();
        kept.read = Some((now, counts));
        since.is_some()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
