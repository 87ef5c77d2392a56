//! `GET /metrics`: the node in figures, for Prometheus.
//!
//! Read when asked for, so nobody watching costs nothing. Base units, and no id as a label: single actors
//! are looked at through the operator API.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use actors::gauge::{Load, Waits};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;
use supervision::ChildStatus;

use super::watch::Watch;

/// OpenMetrics, which Prometheus reads.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Quantile {
    quantile: &'static str,
}

const STATUSES: [(ChildStatus, &str); 6] = [
    (ChildStatus::Running, "running"),
    (ChildStatus::Restarting, "restarting"),
    (ChildStatus::Stopped, "stopped"),
    (ChildStatus::Ignored, "ignored"),
    (ChildStatus::Stopping, "stopping"),
    (ChildStatus::Quarantined, "quarantined"),
];

type ConstCount = Gauge<f64, AtomicU64>;
type ByKind = Family<Kind, Gauge<f64, AtomicU64>>;

/// One reading.
pub fn read(watch: &Watch) -> String {
    let mut registry = Registry::with_prefix("laybook");
    let ready = ConstGauge::new(i64::from(watch.node.is_ready()));
    registry.register("ready", "1 when the node serves", ready);
    for partition in watch.node.partitions() {
        let stats = partition.log.stats();
        let journal = registry.sub_registry_with_prefix("journal");
        let released = ConstGauge::new(i64::try_from(stats.released.get()).unwrap_or(i64::MAX));
        journal.register("released_offset", "Last record that is durable", released);
        let backlog = ConstGauge::new(i64::try_from(stats.backlog).unwrap_or(i64::MAX));
        journal.register("backlog_records", "Records and effects that wait", backlog);
        let writable = ConstGauge::new(i64::from(stats.writable));
        journal.register("writable", "0 when the partition is read-only", writable);
        journal.register("frames", "Group commits", ConstCounter::new(stats.frames));
        journal.register("written_bytes", "Bytes appended", ConstCounter::new(stats.bytes));
        journal.register(
            "refused",
            "Hand-overs with an old token",
            ConstCounter::new(stats.refused),
        );
    }
    actors(&mut registry, watch);
    traces(&mut registry, watch);
    exchange(&mut registry, watch);
    tree(&mut registry, watch);
    let mut out = String::new();
    match encode(&mut out, &registry) {
        Ok(()) => out,
        Err(error) => format!("# {error}\n"),
    }
}

/// What the exchange has done, and how long a group commit takes since its journal was opened.
fn exchange(registry: &mut Registry, watch: &Watch) {
    let up = ConstGauge::new(watch.glances.up().as_secs_f64());
    registry.register("up_seconds", "Since the process began", up);
    let commit = Family::<Quantile, Gauge<f64, AtomicU64>>::default();
    let mut bets = 0;
    for partition in watch.node.partitions() {
        bets += partition.bets_numbered();
        let commits = Waits::from(partition.log.stats().commits);
        for (quantile, share) in [("0.5", 0.5), ("0.99", 0.99)] {
            let seconds = commits.quantile_us(share) as f64 / 1e6;
            commit.get_or_create(&Quantile { quantile }).set(seconds);
        }
    }
    let help = "A group commit, write and sync: so many took no longer";
    registry.register("journal_commit_seconds", help, commit);
    registry.register("bets", "Bets that were given a number", ConstCounter::new(bets));
}

/// What became of the traces of orders; all zero where nobody collects them.
fn traces(registry: &mut Registry, watch: &Watch) {
    let counts = &watch.node.traces;
    let taken = ConstCounter::new(counts.taken.load(Relaxed));
    registry.register("traces", "Traces that their collector took", taken);
    let dropped = counts.refused.load(Relaxed) + watch.node.journeys.lost();
    let help = "Traces that it did not take, or that went before their turn";
    registry.register("traces_dropped", help, ConstCounter::new(dropped));
}

/// What the supervision events add up to.
fn tree(registry: &mut Registry, watch: &Watch) {
    let by_status = Family::<Status, ConstCount>::default();
    watch.events.look(|history| {
        for status in STATUSES {
            by_status.get_or_create(&Status { status: status.1 }).set(0.0);
        }
        for (_, _, node) in history.present().all() {
            let word = STATUSES.iter().find(|(status, _)| *status == node.status);
            if let Some((_, status)) = word {
                by_status.get_or_create(&Status { status }).inc();
            }
        }
    });
    registry.register("supervised", "Actors and supervisors, by what they are at", by_status);
    let events = ConstCounter::new(watch.events.newest());
    registry.register("supervision_events", "Supervision events since the start", events);
    let lost = ConstCounter::new(watch.sink.lost());
    registry.register("supervision_events_lost", "Events that the log had no room for", lost);
}

fn actors(registry: &mut Registry, watch: &Watch) {
    let mut kinds: BTreeMap<&'static str, (u64, Load)> = BTreeMap::new();
    for (address, load) in watch.node.registry.loads() {
        let (count, sum) = kinds.entry(address.kind()).or_default();
        *count += 1;
        sum.depth += load.depth;
        sum.handled += load.handled;
        sum.waited_us += load.waited_us;
        sum.busy_us += load.busy_us;
        sum.slowest_us = sum.slowest_us.max(load.slowest_us);
    }
    type Read = fn(u64, &Load) -> f64;
    let families: [(&str, &str, Read); 6] = [
        ("actors", "Actors that run", |count, _| count as f64),
        ("actor_mailbox_depth", "Messages that wait", |_, load| load.depth as f64),
        ("actor_messages_handled", "Messages handled by those that run", |_, load| {
            load.handled as f64
        }),
        ("actor_wait_seconds", "Time messages spent in mailboxes", |_, load| {
            load.waited_us as f64 / 1e6
        }),
        ("actor_busy_seconds", "Time handlers spent", |_, load| load.busy_us as f64 / 1e6),
        ("actor_slowest_seconds", "The slowest handler", |_, load| load.slowest_us as f64 / 1e6),
    ];
    for (name, help, read) in families {
        let family = ByKind::default();
        for (kind, (count, load)) in &kinds {
            family.get_or_create(&Kind { kind }).set(read(*count, load));
        }
        registry.register(name, help, family);
    }
}
