//! The collector: how fast every actor works, from two readings of its gauge a second apart.
//!
//! Owns     the last reading of every gauge, and what it made of it. It reads while somebody watches and forgets
//!          everything when nobody does, so that not being watched costs nothing.
//! Never    asks an actor anything: gauges are read from outside, also those of actors that hang.
//!
//! Bounds   one reading for each actor that runs. Who had something to do since the last one is kept by printed id,
//!          so that a page of a branch knows its hottest without asking for the figures of everybody in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::gauge::{Gauge, Waits};
use actors::registry::{Address, Registry};

use super::aside::aside;
use super::row::LoadNow;

/// Between two readings.
const EVERY: Duration = Duration::from_secs(1);
/// Less work is none.
const LIVELY_PCT: f64 = 0.05;
/// Past it a reading says nothing of now, and nobody watches any more.
const STALE: Duration = Duration::from_secs(10);

/// The readings.
#[derive(Debug, Default)]
pub struct Pace {
    kept: Mutex<Kept>,
}

/// What an actor had to do, as of the last reading.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lively {
    /// Messages that waited.
    pub depth: usize,
    /// Share of the time that its handler worked.
    pub busy_pct: f64,
}

/// Those who had anything to do, by printed id.
pub type Livelies = Arc<HashMap<String, Lively>>;

#[derive(Debug, Default)]
struct Kept {
    lively: Livelies,
    read_at: Option<Instant>,
    readings: HashMap<Address, Reading>,
    handled_per_s: f64,
}

#[derive(Debug)]
struct Reading {
    gauge: Arc<Gauge>,
    handled: u64,
    busy_us: u64,
    waits: Waits,
    per_s: f64,
    busy_pct: f64,
    wait_us: [u64; 2],
}

impl Pace {
    /// Reads all gauges if it is time, and says whether there is a pace to tell yet.
    pub fn keep_up(&self, registry: &Registry) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let since = kept.read_at.map(|at| now.saturating_duration_since(at));
        if since.is_some_and(|since| since < EVERY) {
            return true;
        }
        let since = since.filter(|since| *since < STALE);
        if since.is_none() {
            kept.readings.clear();
        }
        aside(|| kept.read(registry, since));
        kept.read_at = Some(now);
        since.is_some()
    }

    /// Nobody watches any more.
    pub fn forget_if_stale(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.read_at.is_some_and(|at| at.elapsed() >= STALE) {
            *kept = Kept::default();
        }
    }

    /// Messages a second, everybody's.
    pub fn handled_per_s(&self) -> f64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).handled_per_s
    }

    /// An actor's figures now; its pace as of the last reading.
    pub fn load(&self, registry: &Registry, address: Address) -> Option<LoadNow> {
        let gauge = registry.gauge(address)?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Some(kept.load(&gauge, address))
    }

    /// Who had something to do, as of the last reading.
    pub fn lively(&self) -> Livelies {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).lively.clone()
    }

    /// Everybody's figures.
    pub fn loads(&self, registry: &Registry) -> HashMap<Address, LoadNow> {
        let gauges = registry.gauges();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        aside(|| gauges.into_iter().map(|(at, gauge)| (at, kept.load(&gauge, at))).collect())
    }
}

impl Kept {
    fn read(&mut self, registry: &Registry, since: Option<Duration>) {
        let before = std::mem::take(&mut self.readings);
        let seconds = since.map_or(0.0, |since| since.as_secs_f64());
        let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let mut handled_in_all = 0;
        let mut lively = HashMap::new();
        for (address, gauge) in registry.gauges() {
            let (load, waits) = (gauge.load(), gauge.waits());
            // Another life has another gauge, which began at nothing.
            let last = before.get(&address).filter(|last| Arc::ptr_eq(&last.gauge, &gauge));
            let handled = load.handled - last.map_or(0, |last| last.handled.min(load.handled));
            let busy = load.busy_us - last.map_or(0, |last| last.busy_us.min(load.busy_us));
            let lately = last.map_or(waits, |last| waits.since(&last.waits));
            handled_in_all += if since.is_some() { handled } else { 0 };
            let reading = Reading {
                handled: load.handled,
                busy_us: load.busy_us,
                waits,
                per_s: rate(handled),
                busy_pct: (rate(busy) / 10_000.0).min(100.0),
                wait_us: [0.5, 0.99].map(|share| lately.quantile_us(share)),
                gauge,
            };
            if load.depth > 0 || reading.busy_pct >= LIVELY_PCT {
                let now = Lively { depth: load.depth, busy_pct: reading.busy_pct };
                lively.insert(address.to_string(), now);
            }
            self.readings.insert(address, reading);
        }
        self.lively = Arc::new(lively);
        self.handled_per_s = rate(handled_in_all);
    }

    fn load(&self, gauge: &Arc<Gauge>, address: Address) -> LoadNow {
        let now = gauge.load();
        let reading = self.readings.get(&address).filter(|it| Arc::ptr_eq(&it.gauge, gauge));
        let waits = gauge.waits();
        let [p50, p99] = reading
            .map_or_else(|| [0.5, 0.99].map(|share| waits.quantile_us(share)), |it| it.wait_us);
        let round = |number: f64| (number * 10.0).round() / 10.0;
        LoadNow {
            depth: now.depth,
            per_s: reading.map_or(0.0, |it| round(it.per_s)),
            wait_p50_us: p50,
            wait_p99_us: p99,
            busy_pct: reading.map_or(0.0, |it| round(it.busy_pct)),
            slowest_us: now.slowest_us,
            handled: now.handled,
        }
    }
}
