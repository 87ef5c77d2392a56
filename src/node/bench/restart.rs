//! `laybook bench restart`: how long what died is away.
//!
//! *A market's actor* is killed while a client asks its market one request after the other; what counts is
//! the longest time between two good answers in a row, as the client saw it, the request's own time and the
//! supervisor's included. *A node* with a million open bets is stopped and started: to `ready`, and until
//! every market has answered. *The journal* is replayed as a whole by `laybook verify`.

use super::audit::Audit;
use super::bets_flow::{BetsFlow, Crossing};
use super::client::{Connection, head, text_field};
use super::exchange::{Login, OpenMarket, Operator};
use super::filled::{ACCOUNTS, BETS_A_REQUEST, Crowd, Rig, fill};
use super::machine::{self, Machine};
use super::match_flow::Splitmix;
use super::node::{OwnNode, RunningNode};
use super::report::{Cell, Report, Table, thousands};
use super::stats::{Quantiles, Spread};
use super::{Settings, progress};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

const MARKETS: usize = 100;
const BETS_A_MARKET: usize = 10_000;
/// Markets that are killed in turn, so that none uses up its budget of restarts.
const VICTIMS: usize = 10;
const CRASHES: usize = 100;
/// How long a market is asked after it was killed.
const WATCH: Duration = Duration::from_millis(250);

/// How long one kind of request went without a good answer.
#[derive(Debug, Default)]
struct Away {
    gaps_ns: Vec<u64>,
    refused: u64,
}

#[derive(Debug, Default)]
struct Crashes {
    asking: Away,
    betting: Away,
}

/// One start of a node that holds everything.
#[derive(Debug, Clone, Copy)]
struct Start {
    ready: Duration,
    all_markets: Duration,
    resident_bytes: Option<u64>,
}

pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    let rig = Rig::new(settings, "a node that is to be killed")?;
    let mut machine = Machine::observe();
    let node = rig.start()?;
    let filled = rig.runtime.block_on(LocalSet::new().run_until(fill_and_crash(&node)));
    let (crashes, world, grown) = filled?;
    node.stop()?;
    let mut starts = Vec::new();
    let bar = progress::bar(settings.rounds, "starts");
    for _ in 0..settings.rounds {
        let node = rig.start()?;
        starts.push(rig.runtime.block_on(ask_all(&node, &world))?);
        node.stop()?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let audit = Audit::of(&rig.program, &rig.data)?;
    let tables = vec![crash_table(crashes), start_table(&starts), replay_table(&audit)];
    let mut remarks = vec![format!("data on {}", machine::filesystem_of(&rig.data))];
    remarks.extend(grown.map(|bytes| {
        let each = bytes as f64 / (MARKETS * BETS_A_MARKET) as f64;
        format!("the node grew by {each:.0} bytes of memory an open bet, everything included")
    }));
    if world.timed_out > 0 {
        let bets = thousands((world.timed_out * BETS_A_REQUEST) as u64);
        remarks.push(format!("{bets} of the bets were answered TIMEOUT while they were placed"));
    }
    machine.finish();
    Ok(Report { name: "restart", workload: workload(settings), machine, tables, remarks })
}

fn workload(settings: &Settings) -> Vec<String> {
    vec![
        format!(
            "{MARKETS} markets of {} open bets each, from {ACCOUNTS} accounts",
            thousands(BETS_A_MARKET as u64)
        ),
        format!(
            "{CRASHES} kills of a market's actor, {VICTIMS} markets in turn, one client asking its \
             market again and again; half of them watched by listMarketBook, half by placeOrders"
        ),
        format!("{} starts of the node with everything", settings.rounds),
    ]
}

/// What bets are made with and on.
#[derive(Debug)]
struct World {
    login: Login,
    markets: Vec<OpenMarket>,
    /// Requests of the filling whose outcome the node could not tell.
    timed_out: usize,
}

async fn fill_and_crash(node: &OwnNode) -> anyhow::Result<(Crashes, World, Option<u64>)> {
    let Crowd { logins, mut operator, markets } = Crowd::gather(&node.address, MARKETS).await?;
    let before = machine::resident_bytes(node.process());
    let (victims, others) = markets.split_at(VICTIMS);
    let mut timed_out = fill(&node.address, &logins, victims, BETS_A_MARKET).await?;
    let crashes = crash_all(&node.address, &mut operator, &logins, victims).await?;
    timed_out += fill(&node.address, &logins, others, BETS_A_MARKET).await?;
    let after = machine::resident_bytes(node.process());
    let grown = before.zip(after).map(|(before, after)| after.saturating_sub(before));
    let login = logins.first().context("nobody is logged in")?.clone();
    Ok((crashes, World { login, markets, timed_out }, grown))
}

async fn crash_all(
    node: &RunningNode,
    operator: &mut Operator,
    logins: &[Login],
    victims: &[OpenMarket],
) -> anyhow::Result<Crashes> {
    let login = logins.first().context("nobody is logged in")?;
    let mut connection = Connection::open(node.http).await?;
    let mut crashes = Crashes::default();
    let bar = progress::bar(CRASHES, "crashes");
    for crash in 0..CRASHES {
        let victim = &victims[crash % victims.len()];
        // The first half of the crashes asks, the second bets.
        let away = if crash < CRASHES / 2 { &mut crashes.asking } else { &mut crashes.betting };
        let request = if crash < CRASHES / 2 {
            ask_market(login, victim)
        } else {
            let alone = std::slice::from_ref(victim);
            let flow = BetsFlow::new(std::slice::from_ref(login), alone, 1, Crossing::Never);
            let mut request = Vec::new();
            flow.draw(&mut Splitmix(crash as u64), &mut request);
            request
        };
        let kill = json!({"mode": "kill", "reason": "bench restart"});
        operator.post(&format!("/v1/operator/actors/market-{}/kill", victim.id), &kill).await?;
        watch(&mut connection, &request, away).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let restarts = restarts(&operator.get("/v1/operator/tree").await?);
    ensure!(restarts == CRASHES as u64, "{CRASHES} kills, but {restarts} restarts of markets");
    Ok(crashes)
}

/// Sends the same request until the watch is over and notes the longest time between good answers.
async fn watch(connection: &mut Connection, request: &[u8], away: &mut Away) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut good = begun;
    let mut longest = Duration::ZERO;
    loop {
        let answer = connection.exchange(request).await?;
        let answered = Instant::now();
        match text_field(answer.body, "status") {
            Some("SUCCESS" | "OPEN") => {
                longest = longest.max(answered - good);
                good = answered;
                if answered - begun > WATCH {
                    break;
                }
            }
            _ => away.refused += 1,
        }
        ensure!(answered - good < Duration::from_secs(30), "the market did not come back");
    }
    away.gaps_ns.push(u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX));
    Ok(())
}

/// All restarts of market actors that the tree tells of.
fn restarts(line: &Value) -> u64 {
    let own = match line["kind"] == "market" {
        true => line["restarts"].as_u64().unwrap_or_default(),
        false => 0,
    };
    let children = line["children"].as_array().map(Vec::as_slice).unwrap_or_default();
    own + children.iter().map(restarts).sum::<u64>()
}

fn ask_market(login: &Login, market: &OpenMarket) -> Vec<u8> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","method":"SportsAPING/v1.0/listMarketBook","params":{{"marketIds":["{}"]}},"id":1}}"#,
        market.id
    );
    let headers = format!(
        "X-Application: {}\r\nX-Authentication: {}\r\nContent-Type: application/json\r\n",
        login.app_key, login.token
    );
    let mut request = head("POST", "/exchange/betting/json-rpc/v1", &headers, body.len());
    request.extend(body.into_bytes());
    request
}

/// Every market answers once.
async fn ask_all(node: &OwnNode, world: &World) -> anyhow::Result<Start> {
    let begun = Instant::now();
    let mut connection = Connection::open(node.address.http).await?;
    for market in &world.markets {
        let answer = connection.exchange(&ask_market(&world.login, market)).await?;
        ensure!(
            text_field(answer.body, "status") == Some("OPEN"),
            "market {} does not answer: {}",
            market.id,
            String::from_utf8_lossy(answer.body)
        );
    }
    Ok(Start {
        ready: node.ready_after,
        all_markets: node.ready_after + begun.elapsed(),
        resident_bytes: machine::resident_bytes(node.process()),
    })
}

fn crash_table(crashes: Crashes) -> Table {
    let row = |name: &str, mut away: Away| {
        let Quantiles { p50, p99, max, .. } = Quantiles::of(&mut away.gaps_ns);
        let milliseconds = |ns: u64| Cell::Number(ns as f64 / 1e6, 2);
        vec![
            Cell::text_of(name),
            milliseconds(p50),
            milliseconds(p99),
            milliseconds(max),
            Cell::Count(away.gaps_ns.len() as u64),
            Cell::Count(away.refused),
        ]
    };
    Table {
        title: "a market's actor killed: longest time between two good answers".to_owned(),
        columns: &["watched by", "p50 ms", "p99 ms", "max ms", "crashes", "refused meanwhile"],
        rows: vec![
            row("listMarketBook", crashes.asking),
            row("placeOrders, acknowledged", crashes.betting),
        ],
    }
}

fn start_table(starts: &[Start]) -> Table {
    let row = |name: &str, of: fn(&Start) -> Duration| {
        let spread = Spread::of(starts.iter().map(|start| of(start).as_secs_f64()));
        let mut row = vec![Cell::text_of(name)];
        row.extend([spread.median, spread.min, spread.max].map(|time| Cell::Number(time, 3)));
        row
    };
    let resident = starts.iter().filter_map(|start| start.resident_bytes).max();
    let mebibytes = resident.unwrap_or_default() >> 20;
    let bets = thousands((MARKETS * BETS_A_MARKET) as u64);
    Table {
        title: format!("a node with {bets} open bets starts ({mebibytes} MiB resident then)"),
        columns: &["until", "s", "min", "max"],
        rows: vec![
            row("ready", |start| start.ready),
            row("every market has answered", |start| start.all_markets),
        ],
    }
}

fn replay_table(audit: &Audit) -> Table {
    let seconds = audit.verified_in.as_secs_f64();
    Table {
        title: format!(
            "laybook verify: the journal checked and folded into the ledger (up to {BETS_A_REQUEST} \
             bets a record)"
        ),
        columns: &["records", "MiB", "bets", "s", "records/s", "bets/s"],
        rows: vec![vec![
            Cell::Count(audit.records),
            Cell::Count(audit.bytes >> 20),
            Cell::Count(audit.bets),
            Cell::Number(seconds, 2),
            Cell::Number(audit.records as f64 / seconds, 0),
            Cell::Number(audit.bets as f64 / seconds, 0),
        ]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_of_markets_are_counted_wherever_they_stand() {
        let tree = json!({"kind": "supervisor", "restarts": 9, "children": [
            {"kind": "market", "restarts": 2, "children": []},
            {"kind": "supervisor", "restarts": 0, "children": [
                {"kind": "market", "restarts": 3, "children": []},
                {"kind": "account", "restarts": 4, "children": []},
            ]},
        ]});
        assert_eq!(restarts(&tree), 5);
    }
}
