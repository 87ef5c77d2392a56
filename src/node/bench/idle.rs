//! `laybook bench idle`: what markets cost that nobody asks.
//!
//! A hundred thousand markets are listed and left alone until the last of their actors sleeps; the node's memory
//! is looked at before, then, and again when it was stopped and started. What remains is what the node knows of
//! a market without its actor: its card in the catalogue, home's list, where its records stand.

use super::exchange::{OpenMarket, Operator};
use super::machine::{self, Machine};
use super::node::{Directory, OwnNode, RunningNode};
use super::report::{Cell, Report, Table, thousands};
use super::{Settings, progress};
use anyhow::{Context, ensure};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, LocalSet};

const MARKETS: usize = 100_000;
/// Operators who list them at once, each in an event of its own.
const OPERATORS: usize = 20;
/// A market without mail sleeps after so long, in this run.
const IDLE_AFTER: (&str, &str) = ("LAYBOOK__ENTITIES__IDLE_AFTER_MS", "500");
const ASLEEP_WITHIN: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A node looked at.
#[derive(Debug, Clone, Copy)]
struct Sight {
    resident_bytes: u64,
    awake: u64,
    took: Duration,
}

pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    ensure!(settings.node.is_none(), "a node that is to be measured must be our own");
    let mut machine = Machine::observe();
    let program = settings.program()?;
    let directory = Directory::new(settings.data.as_deref())?;
    let data = directory.path().join("data");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let node = OwnNode::start_with(&program, &data, &[IDLE_AFTER])?;
    let empty = runtime.block_on(look(&node, Duration::ZERO))?;
    let begun = Instant::now();
    let listed = LocalSet::new();
    let market = runtime.block_on(listed.run_until(list(&node.address)))?;
    let busy = runtime.block_on(look(&node, begun.elapsed()))?;
    let asleep = runtime.block_on(until_asleep(&node))?;
    node.stop()?;
    let node = OwnNode::start_with(&program, &data, &[IDLE_AFTER])?;
    let started = runtime.block_on(look(&node, node.ready_after))?;
    runtime.block_on(wake(&node, &market))?;
    node.stop()?;
    let bytes = size_of(&data)?;
    let sights = [
        ("empty", empty),
        ("all listed", busy),
        ("all asleep", asleep),
        ("stopped and started", started),
    ];
    let tables = vec![table(&sights, empty.resident_bytes)];
    let each = bytes / MARKETS as u64;
    let remarks = vec![
        format!("the data directory takes {} MiB, {each} bytes a market", bytes >> 20),
        "one of them was asked after the last start, and answered".to_owned(),
    ];
    machine.finish();
    let workload = vec![format!(
        "{} markets of three runners, in {OPERATORS} events; each sleeps when it was not written to for half \
         a second",
        thousands(MARKETS as u64)
    )];
    Ok(Report { name: "idle", workload, machine, tables, remarks })
}

/// Lists all markets and answers one of them.
async fn list(node: &RunningNode) -> anyhow::Result<OpenMarket> {
    let bar = progress::bar(OPERATORS, "events");
    let mut workers = JoinSet::new();
    for _ in 0..OPERATORS {
        let mut operator = Operator::connect(node).await?;
        let bar = bar.clone();
        workers.spawn_local(async move {
            let markets = operator.open_markets(MARKETS / OPERATORS).await?;
            bar.inc(1);
            anyhow::Ok(markets)
        });
    }
    let mut some = None;
    while let Some(ended) = workers.join_next().await {
        some = ended??.pop();
    }
    bar.finish_and_clear();
    some.context("no market was listed")
}

async fn look(node: &OwnNode, took: Duration) -> anyhow::Result<Sight> {
    let mut operator = Operator::connect(&node.address).await?;
    let metrics = operator.text("/metrics").await?;
    let awake = metrics
        .lines()
        .find_map(|line| line.strip_prefix("laybook_actors{kind=\"market\"} "))
        .map_or(Ok(0.0), |count| count.trim().parse::<f64>())
        .context("the metrics do not tell how many markets are awake")? as u64;
    let resident_bytes = machine::resident_bytes(node.process()).context("the node has gone")?;
    Ok(Sight { resident_bytes, awake, took })
}

async fn until_asleep(node: &OwnNode) -> anyhow::Result<Sight> {
    let begun = Instant::now();
    loop {
        let sight = look(node, begun.elapsed()).await?;
        if sight.awake == 0 {
            return Ok(sight);
        }
        ensure!(begun.elapsed() < ASLEEP_WITHIN, "{} markets do not sleep", sight.awake);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Asks one of them for something that only its actor can say.
async fn wake(node: &OwnNode, market: &OpenMarket) -> anyhow::Result<()> {
    let mut operator = Operator::connect(&node.address).await?;
    let path = format!("/v1/operator/markets/{}/suspend", market.id);
    let answer = operator.post(&path, &serde_json::json!({})).await?;
    ensure!(answer["status"] == "SUSPENDED", "a market that slept answers {answer}");
    Ok(())
}

fn size_of(directory: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => size_of(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}

fn table(sights: &[(&str, Sight)], empty: u64) -> Table {
    let row = |(name, sight): &(&str, Sight)| {
        let grown = sight.resident_bytes.saturating_sub(empty);
        vec![
            Cell::text_of(*name),
            Cell::Count(sight.awake),
            Cell::Count(sight.resident_bytes >> 20),
            Cell::Number(grown as f64 / MARKETS as f64, 0),
            Cell::Number(sight.took.as_secs_f64(), 2),
        ]
    };
    Table {
        title: "memory of a node with many idle markets".to_owned(),
        columns: &["the node", "markets awake", "resident MiB", "bytes a market", "after s"],
        rows: sights.iter().map(row).collect(),
    }
}
