//! `GET /metrics`: the node in figures, for Prometheus.
//!
//! Read when asked for, so nobody watching costs nothing. Base units, and no id as a label: single actors
//! are looked at through the operator API.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use actors::gauge::Load;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use super::watch::Watch;

/// OpenMetrics, which Prometheus reads.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

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
    let events = ConstCounter::new(watch.events.newest());
    registry.register("supervision_events", "Supervision events since the start", events);
    let mut out = String::new();
    match encode(&mut out, &registry) {
        Ok(()) => out,
        Err(error) => format!("# {error}\n"),
    }
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
