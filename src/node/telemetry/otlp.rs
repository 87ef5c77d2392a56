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
//! The same few lines of HTTP as a text command's: a collector is near, or has a proxy that is.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Instant;

use actors::journey::{Journey, Step};
use actors::tracer::{Carrier, PATIENCE};
use serde_json::{Value, json};

/// Of an answer, which says nothing that is needed.
const ANSWER_BYTES: u64 = 4_096;
const SERVER: u8 = 2;
const INTERNAL: u8 = 1;

/// A collector: where it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    /// `host:port`.
    authority: String,
    /// With `/v1/traces` at its end.
    path: String,
}

impl Collector {
    /// Of `http://host:port`, with a path or without.
    pub fn of(url: &str) -> Result<Collector, String> {
        if url.starts_with("https://") {
            return Err("speaks TLS: name a collector or proxy that is near, over http".to_owned());
        }
        let rest = url.strip_prefix("http://").ok_or("does not begin with http://")?;
        let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@".contains(&byte));
        let (authority, base) = rest.split_once('/').unwrap_or((rest, ""));
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if !plain || port.is_none_or(|port| port == 0) {
            return Err("is not a URL such as http://127.0.0.1:4318".to_owned());
        }
        let base = base.trim_end_matches('/');
        let path = match base {
            "" => "/v1/traces".to_owned(),
            base if base.ends_with("v1/traces") => format!("/{base}"),
            base => format!("/{base}/v1/traces"),
        };
        Ok(Collector { authority: authority.to_owned(), path })
    }
}

impl Carrier for Collector {
    fn carry(&self, journeys: &[Journey]) -> Result<(), String> {
        let body = traces(journeys).to_string();
        post(self, &body).map_err(|error| format!("{}: {error}", self.authority))
    }
}

fn post(collector: &Collector, body: &str) -> std::io::Result<()> {
    let other = |why: String| std::io::Error::other(why);
    let until = Instant::now() + PATIENCE;
    let left = || {
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left).ok_or_else(|| other("took too long".to_owned()))
    };
    let address = collector.authority.to_socket_addrs()?.next();
    let address = address.ok_or_else(|| other("has no address".to_owned()))?;
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    write!(
        stream,
        "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        collector.path,
        collector.authority,
        body.len()
    )?;
    stream.set_read_timeout(Some(left()?))?;
    let mut answer = Vec::new();
    let mut stream = stream.take(ANSWER_BYTES);
    // The head is enough; whoever keeps the connection open is not waited for.
    let mut piece = [0; 512];
    while !answer.windows(2).any(|two| two == b"\r\n") {
        left()?;
        match stream.read(&mut piece)? {
            0 => break,
            read => answer.extend_from_slice(&piece[..read]),
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let head = answer.lines().next().unwrap_or_default();
    match head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) {
        true => Ok(()),
        false => Err(other(format!("answered `{head}`"))),
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
    fn a_collector_is_a_plain_url() {
        let of = |url: &str| Collector::of(url).map(|it| (it.authority, it.path));
        let is = |authority: &str, path: &str| Ok((authority.to_owned(), path.to_owned()));
        assert_eq!(of("http://127.0.0.1:4318"), is("127.0.0.1:4318", "/v1/traces"));
        assert_eq!(of("http://tempo:4318/otlp/"), is("tempo:4318", "/otlp/v1/traces"));
        assert_eq!(of("http://[::1]:4318/v1/traces"), is("[::1]:4318", "/v1/traces"));
        for bad in
            ["", "tempo:4318", "http://tempo", "http://tempo:0", "http://a b:1", "https://a:1"]
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
