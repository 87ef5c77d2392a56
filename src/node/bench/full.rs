//! `laybook bench full`: a market with as many orders as it may have is suspended, and all of them lapse.
//!
//! That is the largest single act there is. It is asked for over the operator API, while a customer bets on
//! another market, one bet after the other: what the others feel of it is the slowest of these.

use super::Settings;
use super::audit::Audit;
use super::bets_flow::{BetsFlow, Crossing};
use super::client::{Connection, text_field};
use super::exchange::{Login, OpenMarket};
use super::filled::{ACCOUNTS, Crowd, Rig, fill};
use super::machine::Machine;
use super::match_flow::Splitmix;
use super::node::OwnNode;
use super::report::{Cell, Report, Table, thousands};
use super::stats::Quantiles;
use anyhow::{Context, ensure};
use serde_json::json;
use std::cell::Cell as Shared;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

const ORDERS: usize = 1_000_000;

/// What was seen of the act.
#[derive(Debug)]
struct Lapse {
    answered: Duration,
    /// The longest that the market's actor took for one message.
    handled: Duration,
    others_ns: Vec<u64>,
}

pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    let rig = Rig::new(settings, "a node that is filled to the brim")?;
    let mut machine = Machine::observe();
    let node = rig.start()?;
    let lapse = rig.runtime.block_on(LocalSet::new().run_until(fill_and_lapse(&node)))?;
    node.stop()?;
    let audit = Audit::of(&rig.program, &rig.data)?;
    machine.finish();
    let bets = thousands(audit.bets);
    Ok(Report {
        name: "full",
        workload: vec![format!(
            "one market of {} unmatched orders, from {ACCOUNTS} accounts, suspended with all of them lapsing; \
             one connection bets on another market meanwhile",
            thousands(ORDERS as u64)
        )],
        machine,
        tables: vec![table(lapse)],
        remarks: vec![format!("laybook verify found {bets} bets, and the books balance")],
    })
}

async fn fill_and_lapse(node: &OwnNode) -> anyhow::Result<Lapse> {
    let Crowd { logins, mut operator, markets } = Crowd::gather(&node.address, 2).await?;
    let (full, other) = (&markets[0], &markets[1]);
    let timed_out = fill(&node.address, &logins, std::slice::from_ref(full), ORDERS).await?;
    ensure!(timed_out == 0, "{timed_out} requests timed out while the market was filled");
    let done = Rc::new(Shared::new(false));
    let login = logins.first().context("nobody is logged in")?;
    let connection = Connection::open(node.address.http).await?;
    let others =
        tokio::task::spawn_local(bet_on(connection, login.clone(), other.clone(), done.clone()));
    let actor = format!("/v1/operator/actors/market-{}", full.id);
    let before = operator.get(&actor).await?;
    ensure!(before["state"]["entity"]["orders"] == ORDERS, "not filled: {before}");
    let begun = Instant::now();
    let path = format!("/v1/operator/markets/{}/suspend", full.id);
    let answer = operator.post(&path, &json!({"lapse": true})).await?;
    let answered = begun.elapsed();
    ensure!(answer["status"] == "SUSPENDED", "not suspended: {answer}");
    let after = operator.get(&actor).await?;
    ensure!(after["state"]["entity"]["orders"] == 0, "orders are left: {after}");
    done.set(true);
    let handled = after["slowest"]["us"].as_u64().context("no slowest message")?;
    Ok(Lapse { answered, handled: Duration::from_micros(handled), others_ns: others.await?? })
}

/// One bet after the other, until it is done; how long each took.
async fn bet_on(
    mut connection: Connection,
    login: Login,
    market: OpenMarket,
    done: Rc<Shared<bool>>,
) -> anyhow::Result<Vec<u64>> {
    let flow = BetsFlow::new(&[login], &[market], 1, Crossing::Never);
    let (mut random, mut request, mut took) = (Splitmix(7), Vec::new(), Vec::new());
    while !done.get() {
        flow.draw(&mut random, &mut request);
        let begun = Instant::now();
        let answer = connection.exchange(&request).await?;
        let status = text_field(answer.body, "status");
        ensure!(status == Some("SUCCESS"), "a bet on the other market: {status:?}");
        took.push(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(took)
}

fn table(mut lapse: Lapse) -> Table {
    let Quantiles { p50, p99, max, .. } = Quantiles::of(&mut lapse.others_ns);
    let milliseconds = |ns: u64| Cell::Number(ns as f64 / 1e6, 2);
    let row = |name: &str, cell| vec![Cell::text_of(name), cell];
    let seconds = |span: Duration| milliseconds(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    Table {
        title: "suspended, with everything lapsed".to_owned(),
        columns: &["what", "ms"],
        rows: vec![
            row("until the operator is answered, durable", seconds(lapse.answered)),
            row("the market's slowest message", seconds(lapse.handled)),
            row("a bet on another market meanwhile, p50", milliseconds(p50)),
            row("p99", milliseconds(p99)),
            row("max", milliseconds(max)),
        ],
    }
}
