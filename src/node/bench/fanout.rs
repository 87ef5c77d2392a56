//! `laybook bench fanout`: one market's changes to thousands of WebSockets, beside Node's `ws` broadcast.
//!
//! Orders come over HTTP, so that each change has been matched, journaled and synced before it is told; the
//! peer only sends. A message's age is the reader's clock less the message's own time, to a millisecond.

use super::Settings;
use super::client::head;
use super::exchange::{Login, OpenMarket, Operator, connect, log_in};
use super::machine::{Machine, process_cpu, resident_bytes};
use super::node::{Directory, OwnNode};
use super::progress;
use super::report::{Cell, Report, Table};
use super::stats::Quantiles;
use super::web_socket::{Reader, frame, web_socket};
use anyhow::{Context, ensure};
use serde_json::json;
use std::cell::{Cell as Shared, RefCell};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::task::{JoinSet, LocalSet};

const SUBSCRIBERS: [usize; 2] = [1_000, 5_000];
const CHANGES_A_SECOND: u32 = 500;
/// Orders are placed over so many connections, each in its turn.
const PUBLISHERS: u32 = 10;
/// Of each reader's messages every so many'th is timed.
const TIMED_EVERY: u64 = 7;
/// How long after the last change messages may still come.
const TAIL: Duration = Duration::from_secs(5);

/// What all readers of one round have seen.
#[derive(Default)]
struct Seen {
    messages: Shared<u64>,
    ages_ms: RefCell<Vec<u64>>,
}

/// Runs every configuration and says what it came to.
pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    let mut machine = Machine::observe();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rows = Vec::new();
    let subscribers = match settings.only {
        Some((only, _)) => vec![only],
        None => SUBSCRIBERS.to_vec(),
    };
    let mut remarks = Vec::new();
    for count in subscribers {
        rows.push(LocalSet::new().block_on(&runtime, ours(settings, count))?);
        match LocalSet::new().block_on(&runtime, peer(settings, count)) {
            Ok(row) => rows.push(row),
            Err(error) => remarks.push(format!("Node ws was not measured: {error:#}")),
        }
    }
    machine.finish();
    let seconds = settings.round.as_secs();
    Ok(Report {
        name: "fanout",
        workload: vec![
            format!("{CHANGES_A_SECOND} changes a second of one market for {seconds} s, about 200 bytes each, to every subscriber over WebSocket; readers share the machine"),
            "laybook: an order over HTTP for each change, told after the sync; Node ws: the same bytes from a timer".into(),
        ],
        machine,
        tables: vec![Table {
            title: "fan-out".into(),
            columns: &[
                "server", "subscribers", "delivered/s", "delivered %", "age p50 ms", "age p99 ms",
                "CPU % of a core", "KiB a subscriber",
            ],
            rows,
        }],
        remarks,
    })
}

async fn ours(settings: &Settings, count: usize) -> anyhow::Result<Vec<Cell>> {
    let directory = Directory::new(settings.data.as_deref())?;
    let program = settings.program()?;
    let node = OwnNode::start(&program, &directory.path().join("data"))?;
    let bar = progress::bar(1, "users");
    let login = log_in(&node.address, 1, &bar).await?.remove(0);
    bar.finish_and_clear();
    let market = Operator::connect(&node.address).await?.open_markets(1).await?.remove(0);
    let before = resident_bytes(node.process()).unwrap_or_default();
    let seen = Rc::new(Seen::default());
    let mut readers = JoinSet::new();
    for _ in 0..count {
        let mut stream = web_socket(node.address.http, "/stream").await?;
        subscribe(&mut stream, &login, &market).await?;
        readers.spawn_local(read(stream, seen.clone()));
    }
    let after = resident_bytes(node.process()).unwrap_or_default();
    let begun_cpu = process_cpu(node.process()).unwrap_or_default();
    let began = Instant::now();
    let published = publish(&node, &login, &market, settings.round).await?;
    let row = finish(&seen, published, count, began, || {
        process_cpu(node.process()).unwrap_or_default().saturating_sub(begun_cpu)
    })
    .await;
    readers.abort_all();
    node.stop()?;
    let memory = after.saturating_sub(before) as f64 / 1_024.0 / count as f64;
    Ok(row.cells("laybook", count, memory))
}

/// What one round came to.
struct Row {
    delivered_a_second: f64,
    delivered_percent: f64,
    ages: Quantiles,
    cpu_percent: f64,
}

impl Row {
    fn cells(&self, server: &str, count: usize, memory_kib: f64) -> Vec<Cell> {
        vec![
            Cell::text_of(server),
            Cell::Count(count as u64),
            Cell::Number(self.delivered_a_second, 0),
            Cell::Number(self.delivered_percent, 1),
            Cell::Count(self.ages.p50),
            Cell::Count(self.ages.p99),
            Cell::Number(self.cpu_percent, 0),
            Cell::Number(memory_kib, 1),
        ]
    }
}

/// Waits until everything has come, or no longer.
async fn finish(
    seen: &Seen,
    published: u64,
    count: usize,
    began: Instant,
    cpu: impl Fn() -> Duration,
) -> Row {
    let expected = published * count as u64;
    let end = Instant::now() + TAIL;
    while seen.messages.get() < expected && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed().as_secs_f64();
    Row {
        delivered_a_second: seen.messages.get() as f64 / took,
        delivered_percent: 100.0 * seen.messages.get() as f64 / expected.max(1) as f64,
        ages: Quantiles::of(&mut seen.ages_ms.borrow_mut()),
        cpu_percent: 100.0 * cpu().as_secs_f64() / took,
    }
}

pub(super) async fn subscribe(
    stream: &mut Reader,
    login: &Login,
    market: &OpenMarket,
) -> anyhow::Result<()> {
    stream.until(b"connectionId").await?;
    let auth = json!({
        "op": "authentication", "id": 1, "appKey": login.app_key, "session": login.token,
    });
    stream.send(&auth.to_string()).await?;
    stream.until(b"SUCCESS").await?;
    let subscription = json!({
        "op": "marketSubscription", "id": 2, "marketFilter": {"marketIds": [market.id]},
        "marketDataFilter": {"fields": ["EX_ALL_OFFERS", "EX_BEST_OFFERS", "EX_BEST_OFFERS_DISP"]},
    });
    stream.send(&subscription.to_string()).await?;
    stream.until(b"SUB_IMAGE").await
}

/// One order after the other, each at its moment; how many changes that made.
async fn publish(
    node: &OwnNode,
    login: &Login,
    market: &OpenMarket,
    round: Duration,
) -> anyhow::Result<u64> {
    let connections = connect(node.address.http, PUBLISHERS as usize).await?;
    let each = Duration::from_secs(1) * PUBLISHERS / CHANGES_A_SECOND;
    let began = tokio::time::Instant::now();
    let mut publishers = JoinSet::new();
    for (number, mut connection) in (0_u32..).zip(connections) {
        let (login, market) = (login.clone(), market.clone());
        publishers.spawn_local(async move {
            let mut placed = 0_u32;
            loop {
                let moment = each * placed + each * number / PUBLISHERS;
                if moment >= round {
                    return anyhow::Ok(u64::from(placed));
                }
                tokio::time::sleep_until(began + moment).await;
                let body = order(&market, placed);
                let headers = format!(
                    "X-Application: {}\r\nX-Authentication: {}\r\nContent-Type: application/json\r\n",
                    login.app_key, login.token
                );
                let mut request =
                    head("POST", "/exchange/betting/json-rpc/v1", &headers, body.len());
                request.extend(body.into_bytes());
                let answer = connection.exchange(&request).await?;
                let text = String::from_utf8_lossy(answer.body);
                ensure!(text.contains("\"SUCCESS\""), "an order was not taken: {text}");
                placed += 1;
            }
        });
    }
    let mut published = 0;
    while let Some(ended) = publishers.join_next().await {
        published += ended??;
    }
    Ok(published)
}

pub(super) fn order(market: &OpenMarket, n: u32) -> String {
    let price = [2.0, 2.02, 2.04][(n % 3) as usize];
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "SportsAPING/v1.0/placeOrders",
        "params": {"marketId": market.id, "instructions": [{
            "selectionId": market.selection, "side": "BACK", "orderType": "LIMIT",
            "limitOrder": {"size": 2, "price": price, "persistenceType": "LAPSE"},
        }]},
    })
    .to_string()
}

// ----------------------------------------------------------------------------------------- the peer

struct Peer {
    child: Child,
    told: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Gone already, perhaps.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `LAYBOOK_WS_PEER` is a directory where `npm install ws` was run.
async fn peer(settings: &Settings, count: usize) -> anyhow::Result<Vec<Cell>> {
    let place = std::env::var("LAYBOOK_WS_PEER")
        .context("LAYBOOK_WS_PEER does not name a directory with ws in it")?;
    let script = std::path::Path::new(&place).join("ws_broadcast.mjs");
    std::fs::write(&script, include_str!("peer/ws_broadcast.mjs"))?;
    let mut child = Command::new("node")
        .arg(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("node cannot be started")?;
    let told = child.stdin.take().context("its input is piped")?;
    let says = BufReader::new(child.stdout.take().context("its output is piped")?);
    let mut peer = Peer { child, told, says };
    let process = peer.child.id();
    let port: u16 = peer.line()?.parse().context("no port")?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let before = resident_bytes(process).unwrap_or_default();
    let seen = Rc::new(Seen::default());
    let mut readers = JoinSet::new();
    for _ in 0..count {
        readers.spawn_local(read(web_socket(address, "/").await?, seen.clone()));
    }
    let after = resident_bytes(process).unwrap_or_default();
    let begun_cpu = process_cpu(process).unwrap_or_default();
    let began = Instant::now();
    writeln!(peer.told, "{CHANGES_A_SECOND}")?;
    tokio::time::sleep(settings.round).await;
    writeln!(peer.told, "0")?;
    // It answers when its loop comes to it; readers go on meanwhile.
    let published = u64::from(CHANGES_A_SECOND) * settings.round.as_secs();
    let row = finish(&seen, published, count, began, || {
        process_cpu(process).unwrap_or_default().saturating_sub(begun_cpu)
    })
    .await;
    readers.abort_all();
    let memory = after.saturating_sub(before) as f64 / 1_024.0 / count as f64;
    Ok(row.cells("Node ws", count, memory))
}

impl Peer {
    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

async fn read(mut reader: Reader, seen: Rc<Seen>) {
    let mut came = reader.take();
    let mut number = 0_u64;
    loop {
        let mut at = 0;
        while let Some((from, to)) = frame(&came[at..]) {
            let payload = &came[at + from..at + to];
            if super::client::find(payload, b"\"mc\":").is_some() {
                number += 1;
                seen.messages.set(seen.messages.get() + 1);
                if number.is_multiple_of(TIMED_EVERY)
                    && let Some(age) = age_ms(payload)
                {
                    seen.ages_ms.borrow_mut().push(age);
                }
            }
            at += to;
        }
        came.drain(..at);
        if reader.fill_into(&mut came).await.is_err() {
            return;
        }
    }
}

/// How long ago the message says it was made.
fn age_ms(payload: &[u8]) -> Option<u64> {
    let at = super::client::find(payload, b"\"pt\":")? + 5;
    let digits = payload[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let made = digits.fold(0_u64, |all, digit| all * 10 + u64::from(digit - b'0'));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some(u64::try_from(now).ok()?.saturating_sub(made))
}
