//! `laybook bench bets`: how many bets a second a node acknowledges as durable, over HTTP JSON.
//!
//! A closed loop: each connection sends a request, waits for its answer, sends the next; a bet counts when
//! its request was answered with `SUCCESS`. The load generator runs on one thread of the same machine, and
//! what it and the node take of the processor is printed with the rates. Configurations take turns within
//! each round. At the end the node is stopped and its journal must hold every acknowledged bet: exactly
//! those, unless an answer was lost, and then no more than the lost ones on top.

use super::audit::Audit;
use super::bets_flow::{BetsFlow, Crossing};
use super::client::{Answer, Connection, text_field};
use super::exchange::{Operator, connect, log_in};
use super::machine::{self, Machine};
use super::match_flow::Splitmix;
use super::node::{Directory, OwnNode, RunningNode};
use super::report::{Cell, Report, Table, thousands};
use super::stats::{Quantiles, Spread};
use super::{Settings, progress};
use anyhow::{bail, ensure};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, LocalSet};

const ACCOUNTS: usize = 1_000;
const MARKETS: usize = 64;
/// (connections, bets a request)
const CONFIGURATIONS: [(usize, usize); 6] =
    [(1, 1), (16, 1), (256, 1), (1, 100), (16, 100), (256, 100)];
/// Before each measurement, not in it.
const WARM_UP: Duration = Duration::from_millis(300);
/// A request without an answer for that long ends the benchmark.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all connections of one round came to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Acknowledged while the clock ran, and in all.
    counted: u64,
    pub(super) acknowledged: u64,
    /// In requests whose answer never came.
    pub(super) unknown: u64,
    latencies_ns: Vec<u64>,
    /// Requests that were refused, by the reason given.
    pub(super) errors: BTreeMap<String, u64>,
}

/// One configuration over all rounds.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) rates: Vec<f64>,
    /// Of each round.
    pub(super) quantiles: Vec<Quantiles>,
    pub(super) node_us_a_bet: Vec<f64>,
    client_us_a_bet: Vec<f64>,
}

/// Everything that the journal is held to.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    pub(super) bets: u64,
    pub(super) unknown: u64,
    pub(super) errors: BTreeMap<String, u64>,
}

pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    let mut machine = Machine::observe();
    let program = settings.program()?;
    let (own, directory) = match &settings.node {
        Some(_) => (None, None),
        None => {
            let directory = Directory::new(settings.data.as_deref())?;
            (Some(OwnNode::start(&program, &directory.path().join("data"))?), Some(directory))
        }
    };
    let address = match (&settings.node, &own) {
        (Some(address), _) => address.clone(),
        (None, Some(own)) => own.address.clone(),
        (None, None) => bail!("there is no node"),
    };
    let process = own.as_ref().map(OwnNode::process);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut acknowledged = Acknowledged::default();
    let load = load(&address, process, settings, &mut acknowledged);
    let tables = runtime.block_on(LocalSet::new().run_until(load))?;
    let mut remarks = vec![errors_line(&acknowledged.errors)];
    let resident = process.and_then(machine::resident_bytes);
    remarks.extend(resident.map(|bytes| {
        let (mib, bets) = (bytes >> 20, acknowledged.bets);
        format!("the node's resident memory at the end: {mib} MiB, after {} bets", thousands(bets))
    }));
    if let (Some(own), Some(directory)) = (own, &directory) {
        own.stop()?;
        let data = directory.path().join("data");
        remarks.push(verify(&program, &data, &acknowledged)?);
    }
    machine.finish();
    Ok(Report { name: "bets", workload: workload(settings), machine, tables, remarks })
}

fn workload(settings: &Settings) -> Vec<String> {
    vec![
        format!(
            "{ACCOUNTS} accounts, {MARKETS} markets, drawn at random for each request; placeOrders of \
             limit orders of 2.00, backs at index 171 + d, lays at 170 - d, d 0 to 5, 10 % shifted 3 \
             steps to cross"
        ),
        format!(
            "loopback HTTP/1.1, JSON-RPC, closed loop, one request outstanding a connection; {} rounds \
             of {} s, configurations taking turns; load generator on one thread of the same machine",
            settings.rounds,
            settings.round.as_secs_f64()
        ),
    ]
}

async fn load(
    address: &RunningNode,
    process: Option<u32>,
    settings: &Settings,
    acknowledged: &mut Acknowledged,
) -> anyhow::Result<Vec<Table>> {
    let bar = progress::bar(ACCOUNTS, "users");
    let logins = log_in(address, ACCOUNTS, &bar).await?;
    bar.finish_and_clear();
    let mut operator = Operator::connect(address).await?;
    let markets = operator.open_markets(MARKETS).await?;
    let flow = |bets| Rc::new(BetsFlow::new(&logins, &markets, bets, Crossing::OneInTen));
    let flows = [flow(1), flow(100)];
    let chosen =
        CONFIGURATIONS.into_iter().filter(|it| settings.only.is_none_or(|only| only == *it));
    let mut measured: Vec<_> = chosen.map(|it| (it, Measured::default())).collect();
    ensure!(!measured.is_empty(), "there is no such configuration among {CONFIGURATIONS:?}");
    let bar = progress::bar(settings.rounds * measured.len(), "rounds");
    for round in 0..settings.rounds {
        for ((connections, bets), measured) in &mut measured {
            bar.set_message(format!("{connections} connections, {bets} bets a request"));
            let flow = &flows[usize::from(*bets > 1)];
            let tally = play(address, process, flow, *connections, round, settings, measured);
            let tally = tally.await?;
            acknowledged.bets += tally.acknowledged;
            acknowledged.unknown += tally.unknown;
            for (error, count) in tally.errors {
                *acknowledged.errors.entry(error).or_default() += count;
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(vec![table(&measured)])
}

/// One round of one configuration.
pub(super) async fn play(
    address: &RunningNode,
    process: Option<u32>,
    flow: &Rc<BetsFlow>,
    connections: usize,
    round: usize,
    settings: &Settings,
    measured: &mut Measured,
) -> anyhow::Result<Tally> {
    let opened = connect(address.http, connections).await?;
    let begun = Instant::now() + WARM_UP;
    let end = begun + settings.round;
    let mut workers = JoinSet::new();
    for (number, connection) in opened.into_iter().enumerate() {
        let random = Splitmix((round * 1_000 + number) as u64);
        workers.spawn_local(send_until(connection, flow.clone(), random, begun, end));
    }
    tokio::time::sleep_until(begun.into()).await;
    let node_before = process.and_then(machine::process_cpu);
    let client_before = machine::thread_nanoseconds();
    let mut all = Tally::default();
    while let Some(ended) = workers.join_next().await {
        all.add(ended?);
    }
    let node = node_before.zip(process.and_then(machine::process_cpu));
    let client = client_before.zip(machine::thread_nanoseconds());
    let counted = all.counted.max(1) as f64;
    measured.rates.push(all.counted as f64 / settings.round.as_secs_f64());
    measured.quantiles.push(Quantiles::of(&mut all.latencies_ns));
    measured
        .node_us_a_bet
        .extend(node.map(|(before, after)| (after - before).as_secs_f64() * 1e6 / counted));
    measured
        .client_us_a_bet
        .extend(client.map(|(before, after)| (after - before) as f64 / 1e3 / counted));
    Ok(all)
}

/// One connection's closed loop. An answer that does not come ends it; the connection is then of no use.
async fn send_until(
    mut connection: Connection,
    flow: Rc<BetsFlow>,
    mut random: Splitmix,
    begun: Instant,
    end: Instant,
) -> Tally {
    let mut tally = Tally::default();
    let mut request = Vec::new();
    let bets = flow.bets_a_request as u64;
    let mut sent = Instant::now();
    while sent < end {
        flow.draw(&mut random, &mut request);
        let answer = tokio::time::timeout(PATIENCE, connection.exchange(&request)).await;
        let answered = Instant::now();
        match answer {
            Ok(Ok(answer)) => match refusal(&answer) {
                None => {
                    tally.acknowledged += bets;
                    if sent >= begun && answered <= end {
                        tally.counted += bets;
                        tally.latencies_ns.push(nanoseconds(answered - sent));
                    }
                }
                Some(error) => tally.refused(error, bets),
            },
            Ok(Err(error)) => return tally.lost(format!("connection: {}", error.kind()), bets),
            Err(_) => return tally.lost("no answer".to_owned(), bets),
        }
        sent = answered;
    }
    tally
}

/// Why the request was not done; `None` when all its bets were taken. What a client would read is read:
/// the report's status, else the exception's or the refusal's word.
fn refusal(answer: &Answer<'_>) -> Option<String> {
    match text_field(answer.body, "status") {
        Some("SUCCESS") if answer.status == 200 => None,
        Some(status) => {
            let code = text_field(answer.body, "errorCode").unwrap_or("no code");
            Some(format!("{status}: {code}"))
        }
        None => {
            let code = text_field(answer.body, "errorCode");
            let code = code.or_else(|| text_field(answer.body, "code")).unwrap_or("no code");
            Some(format!("HTTP {}: {code}", answer.status))
        }
    }
}

impl Tally {
    fn refused(&mut self, error: String, bets: u64) {
        // The outcome of a TIMEOUT is not known, as on Betfair.
        if error.starts_with("TIMEOUT") {
            self.unknown += bets;
        }
        *self.errors.entry(error).or_default() += 1;
    }

    fn lost(mut self, error: String, bets: u64) -> Tally {
        self.unknown += bets;
        *self.errors.entry(error).or_default() += 1;
        self
    }

    fn add(&mut self, other: Tally) {
        self.counted += other.counted;
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.latencies_ns.extend(other.latencies_ns);
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn table(measured: &[((usize, usize), Measured)]) -> Table {
    let rows = measured.iter().map(|((connections, bets), measured)| {
        let rate = Spread::of(measured.rates.iter().copied());
        let quantile = |of: fn(&Quantiles) -> u64| {
            let rounds = measured.quantiles.iter().map(|quantiles| of(quantiles) as f64 / 1e6);
            Cell::Number(Spread::of(rounds).median, 3)
        };
        let cost = |rounds: &[f64]| match rounds.is_empty() {
            true => Cell::None,
            false => Cell::Number(Spread::of(rounds.iter().copied()).median, 2),
        };
        vec![
            Cell::text_of(format!("{connections} x {bets}")),
            Cell::Number(rate.median, 0),
            Cell::Number(rate.min, 0),
            Cell::Number(rate.max, 0),
            quantile(|quantiles| quantiles.p50),
            quantile(|quantiles| quantiles.p99),
            quantile(|quantiles| quantiles.p999),
            quantile(|quantiles| quantiles.max),
            cost(&measured.node_us_a_bet),
            cost(&measured.client_us_a_bet),
        ]
    });
    Table {
        title: "acknowledged durable bets; latencies are a request's, medians of the rounds"
            .to_owned(),
        columns: &[
            "connections x bets",
            "bets/s",
            "min",
            "max",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "max ms",
            "node CPU us/bet",
            "client CPU us/bet",
        ],
        rows: rows.collect(),
    }
}

fn errors_line(errors: &BTreeMap<String, u64>) -> String {
    if errors.is_empty() {
        return "every request succeeded".to_owned();
    }
    let kinds: Vec<String> =
        errors.iter().map(|(error, count)| format!("{error} x {}", thousands(*count))).collect();
    format!("requests that did not succeed: {}", kinds.join(", "))
}

/// Stopped, the journal must be whole and hold what was acknowledged.
pub(super) fn verify(
    program: &Path,
    data: &Path,
    acknowledged: &Acknowledged,
) -> anyhow::Result<String> {
    let audit = Audit::of(program, data)?;
    let Acknowledged { bets, unknown, .. } = acknowledged;
    ensure!(
        (*bets..=bets + unknown).contains(&audit.bets),
        "{bets} bets were acknowledged and {unknown} more may have been taken; the journal holds {}",
        audit.bets
    );
    let counted = if audit.behind_checkpoint { " (by their ids)" } else { "" };
    Ok(format!(
        "laybook verify: chain and ledger are whole; {} bets acknowledged, {} in the journal{counted}, \
         {} of unknown outcome; {} records in {} MiB on {}",
        thousands(*bets),
        thousands(audit.bets),
        thousands(*unknown),
        thousands(audit.records),
        audit.bytes >> 20,
        machine::filesystem_of(data)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::exchange::{Login, OpenMarket};
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[test]
    fn what_is_not_a_success_is_named() {
        let check = |status, body: &str, expected: Option<&str>| {
            let answer = Answer { status, body: body.as_bytes() };
            assert_eq!(refusal(&answer).as_deref(), expected, "{body}");
        };
        check(200, r#"{"result":{"status":"SUCCESS"}}"#, None);
        check(
            200,
            r#"{"result":{"status":"FAILURE","errorCode":"INSUFFICIENT_FUNDS"}}"#,
            Some("FAILURE: INSUFFICIENT_FUNDS"),
        );
        check(
            200,
            r#"{"error":{"data":{"APINGException":{"errorCode":"TOO_MANY_REQUESTS"}}}}"#,
            Some("HTTP 200: TOO_MANY_REQUESTS"),
        );
        check(503, "", Some("HTTP 503: no code"));
    }

    /// Answers every third request with a refusal, the others with success.
    async fn stand_in(listener: tokio::net::TcpListener, connections: usize) {
        let mut served = JoinSet::new();
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().await.unwrap();
            served.spawn_local(async move {
                let mut room = vec![0; 64 << 10];
                for number in 1.. {
                    let (mut held, mut whole) = (0, usize::MAX);
                    while held < whole {
                        match stream.read(&mut room[held..]).await {
                            Ok(0) | Err(_) => return,
                            Ok(more) => held += more,
                        }
                        let text = String::from_utf8_lossy(&room[..held]).into_owned();
                        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
                        let length = head.split_once("Content-Length: ").unwrap().1;
                        whole = head.len() + 4 + length.trim().parse::<usize>().unwrap();
                    }
                    let word = if number % 3 == 0 { "FAILURE" } else { "SUCCESS" };
                    let body = format!(r#"{{"result":{{"status":"{word}"}}}}"#);
                    let answer = head_of_answer(body.len()) + &body;
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
        while served.join_next().await.is_some() {}
    }

    fn head_of_answer(length: usize) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n")
    }

    #[test]
    fn a_round_counts_what_was_acknowledged_and_names_what_was_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let work = async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let http = listener.local_addr().unwrap();
            let address = RunningNode { http, admin: http, token: String::new() };
            let server = tokio::task::spawn_local(stand_in(listener, 4));
            let login = Login { app_key: "a".to_owned(), token: "t".to_owned() };
            let market = OpenMarket { id: "1.000000001".to_owned(), selection: 1 };
            let flow = Rc::new(BetsFlow::new(&[login], &[market], 100, Crossing::OneInTen));
            let settings = Settings { round: Duration::from_millis(200), ..Settings::default() };
            let mut measured = Measured::default();
            let played = play(&address, None, &flow, 4, 1, &settings, &mut measured);
            let tally = played.await.unwrap();
            server.await.unwrap();
            (tally, measured)
        };
        let (tally, measured) = runtime.block_on(LocalSet::new().run_until(work));
        let refused = tally.errors["FAILURE: no code"];
        assert!(refused > 0 && tally.unknown == 0);
        // Each connection is refused every third time.
        let succeeded = tally.acknowledged / 100;
        assert!((2 * refused..=2 * refused + 8).contains(&succeeded), "{succeeded} {refused}");
        assert!(tally.counted <= tally.acknowledged && tally.counted % 100 == 0);
        assert_eq!(measured.rates.len(), 1);
    }

    #[test]
    fn bets_of_a_lost_answer_are_of_unknown_outcome() {
        let mut all = Tally { acknowledged: 7, ..Tally::default() };
        all.add(Tally::default().lost("connection: broken pipe".to_owned(), 100));
        all.refused("TIMEOUT: no code".to_owned(), 1);
        all.refused("FAILURE: INVALID_ODDS".to_owned(), 1);
        assert_eq!((all.acknowledged, all.unknown), (7, 101));
        assert_eq!(all.errors.values().sum::<u64>(), 3);
    }
}
