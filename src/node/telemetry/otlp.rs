//! Journeys of orders as traces, in OTLP's JSON over HTTP, to a collector.
//!
//! Owns     what a span is: one for each hop of a journey, named by who took it, below the span of who sent it. The
//!          door's is the root and lasts until the answer. A hop that others follow lasts until the last of them;
//!          one that nothing follows (a sync of the journal) from its sending until it was done.
//! Never    decides what is followed: `actors::journey` does, one request in 64; waits longer than `PATIENCE`.
//!
//! ```text
//!   door ─┬─ session ── account ─┬─ journal   hold durable
//!         │                      └─ market ─── journal   match durable
//! ```

use actors::journey::{Journey, Step};
use actors::tracer::{Carrier, PATIENCE};
use serde_json::{Value, json};
use ureq::Agent;

const SERVER: u8 = 2;
const INTERNAL: u8 = 1;

/// A collector: where it listens, with `/v1/traces` at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector(String);

impl Collector {
    /// Of `http://host:port` or `https://host`, with a path or without.
    pub fn of(url: &str) -> Result<Collector, String> {
        let uri = crate::url::read(url)?;
        if uri.query().is_some() {
            return Err("has a query: name where the collector listens".to_owned());
        }
        let base = url.trim_end_matches('/');
        match base.ends_with("/v1/traces") {
            true => Ok(Collector(base.to_owned())),
            false => Ok(Collector(format!("{base}/v1/traces"))),
        }
    }
}

/// Who hands traces to it.
#[derive(Debug)]
pub struct Exporter {
    collector: Collector,
    agent: Agent,
}

impl Exporter {
    /// To this collector.
    pub fn to(collector: Collector) -> Exporter {
        let agent = Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0).build();
        Exporter { collector, agent: agent.into() }
    }
}

impl Carrier for Exporter {
    fn carry(&self, journeys: &[Journey]) -> Result<(), String> {
        let request = self.agent.post(&self.collector.0).content_type("application/json");
        // The head of the answer is enough.
        let answer = request.send(traces(journeys).to_string());
        answer.map(drop).map_err(|error| format!("{}: {error}", self.collector.0))
    }
}

/// An `ExportTraceServiceRequest`.
fn traces(journeys: &[Journey]) -> Value {
    let spans: Vec<Value> = journeys.iter().flat_map(spans).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": [
            text("service.name", "laybook"),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ] },
        "scopeSpans": [{ "scope": { "name": "laybook.journey" }, "spans": spans }],
    }] })
}

/// One hop as a span.
struct Hop<'a> {
    step: &'a Step,
    /// The hop that led to whoever sent it.
    parent: Option<usize>,
    begins_us: u64,
    ends_us: u64,
}

fn spans(journey: &Journey) -> Vec<Value> {
    let trace = trace_id(journey);
    let span_id =
        |at: usize| format!("{:016x}", mixed(&[journey.key.0.0, journey.key.1, at as u64 + 1]));
    let Some(first) = journey.steps.first() else { return Vec::new() };
    let last_us = journey.steps.last().map_or(first.at_us, |last| last.at_us);
    let answered = journey.steps.iter().filter(|step| step.to == first.from);
    let ends_us = answered.map(|step| step.at_us).max().unwrap_or(last_us);
    let mut attributes = vec![text("laybook.request", &journey.key.1.to_string())];
    if let Some(market) = journey.market {
        attributes.push(text("laybook.market", &market.to_string()));
    }
    if let Some(bet) = journey.bets.first() {
        attributes.push(text("laybook.bet", &bet.to_string()));
        attributes.push(json!({ "key": "laybook.bets",
            "value": { "intValue": journey.bets.len().to_string() } }));
    }
    let root = json!({
        "traceId": trace,
        "spanId": span_id(0),
        "name": first.from,
        "kind": SERVER,
        "startTimeUnixNano": nanos(first.at_us),
        "endTimeUnixNano": nanos(ends_us),
        "attributes": attributes,
        "status": {},
    });
    let hops = hops(journey, first.from);
    let below = hops.iter().enumerate().map(|(at, hop)| {
        let mut attributes = vec![text("laybook.step", hop.step.what)];
        if let Some(offset) = hop.step.offset {
            attributes.push(json!({ "key": "laybook.offset",
                "value": { "intValue": offset.to_string() } }));
        }
        json!({
            "traceId": trace,
            "spanId": span_id(at + 1),
            "parentSpanId": span_id(hop.parent.map_or(0, |parent| parent + 1)),
            "name": hop.step.to,
            "kind": INTERNAL,
            "startTimeUnixNano": nanos(hop.begins_us),
            "endTimeUnixNano": nanos(hop.ends_us),
            "attributes": attributes,
            "status": {},
        })
    });
    std::iter::once(root).chain(below).collect()
}

/// Every hop but the answer, which is the root's end.
fn hops<'a>(journey: &'a Journey, root: &str) -> Vec<Hop<'a>> {
    let mut hops: Vec<Hop<'a>> = Vec::new();
    for step in journey.steps.iter().filter(|step| step.to != root) {
        let parent = hops.iter().rposition(|hop| hop.step.to == step.from);
        // Who sent it was not followed: it follows from what was before it.
        let parent = match step.from == root {
            true => None,
            false => parent.or_else(|| hops.len().checked_sub(1)),
        };
        hops.push(Hop { step, parent, begins_us: step.at_us, ends_us: step.at_us });
    }
    for at in (0..hops.len()).rev() {
        let (parent, ends_us) = (hops[at].parent, hops[at].ends_us);
        if ends_us == hops[at].step.at_us
            && let Some(parent) = parent
            && !hops.iter().any(|other| other.parent == Some(at))
        {
            // Nothing follows from it: it is the wait for what it did.
            hops[at].begins_us = hops[parent].step.at_us.min(hops[at].step.at_us);
        }
        if let Some(parent) = parent {
            hops[parent].ends_us = hops[parent].ends_us.max(ends_us);
        }
    }
    hops
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn nanos(us: u64) -> String {
    (u128::from(us) * 1_000).to_string()
}

/// The same request has the same trace, whoever tells of it.
fn trace_id(journey: &Journey) -> String {
    let (session, n) = journey.key;
    let begun = journey.steps.first().map_or(0, |step| step.at_us);
    format!("{:016x}{:016x}", mixed(&[session.0, n]), mixed(&[n, session.0, begun]))
}

/// FNV over the bytes: ids need only be different, and never zero.
fn mixed(parts: &[u64]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.max(1)
}

#[cfg(test)]
mod tests {
    use actors::journey::Journeys;

    use super::*;

    #[test]
    fn a_collector_is_a_url_without_a_query() {
        let of = |url: &str| Collector::of(url).map(|it| it.0);
        let is = |url: &str| Ok(url.to_owned());
        assert_eq!(of("http://127.0.0.1:4318"), is("http://127.0.0.1:4318/v1/traces"));
        assert_eq!(of("https://tempo/otlp/"), is("https://tempo/otlp/v1/traces"));
        assert_eq!(of("http://[::1]:4318/v1/traces"), is("http://[::1]:4318/v1/traces"));
        for bad in ["", "tempo:4318", "http://tempo:0", "http://a b:1", "http://a:1?b=c", "ftp://a"]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nobody_told_of_no_journeys_is_an_empty_request() {
        assert!(Journeys::default().hand_on(5).is_empty());
        assert_eq!(traces(&[])["resourceSpans"][0]["scopeSpans"][0]["spans"], json!([]));
    }
}
