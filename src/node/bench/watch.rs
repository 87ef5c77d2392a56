//! `laybook bench watch`: what it costs a node to be watched.
//!
//! The load of `bets` on a node of ten thousand actors, in turns within each round: nobody watches, then a console
//! is open on the tree (the crowd of markets, hottest first, and the doors), its overview and its flow asked for
//! every five seconds as the page does.

use super::bets::{Acknowledged, Measured, play, verify};
use super::bets_flow::{BetsFlow, Crossing};
use super::exchange::{Operator, log_in};
use super::machine::Machine;
use super::node::{Directory, OwnNode, RunningNode};
use super::report::{Cell, Report, Table, thousands};
use super::stats::{Quantiles, Spread};
use super::{Settings, progress};
use anyhow::ensure;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

const ACCOUNTS: usize = 500;
const MARKETS: usize = 9_500;
/// Markets that are bet on.
const BUSY: usize = 64;
const CONNECTIONS: usize = 16;
const OPERATORS: usize = 20;
const ASKED_EVERY: Duration = Duration::from_secs(5);
const WINDOWS: &str = "laybook,doors,markets-0~0~200~heat,accounts-0~0~100";

pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    ensure!(settings.node.is_none(), "a node that is to be measured must be our own");
    let mut machine = Machine::observe();
    let program = settings.program()?;
    let directory = Directory::new(settings.data.as_deref())?;
    let data = directory.path().join("data");
    let node = OwnNode::start(&program, &data)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut acknowledged = Acknowledged::default();
    let load = load(&node, settings, &mut acknowledged);
    let (measured, bytes) = runtime.block_on(LocalSet::new().run_until(load))?;
    node.stop()?;
    let remarks = vec![
        format!("the console was sent {} KiB", bytes >> 10),
        verify(&program, &data, &acknowledged)?,
    ];
    machine.finish();
    let workload = vec![format!(
        "{CONNECTIONS} connections, 1 bet a request, {} rounds of {} s, in turns; {} markets, of which {BUSY} are \
         bet on, {ACCOUNTS} accounts; console: live rows of {WINDOWS}, overview and flow every {} s",
        settings.rounds,
        settings.round.as_secs_f64(),
        thousands(MARKETS as u64),
        ASKED_EVERY.as_secs()
    )];
    Ok(Report { name: "watch", workload, machine, tables: vec![table(&measured)], remarks })
}

/// Both measurements, and what consoles were sent.
async fn load(
    node: &OwnNode,
    settings: &Settings,
    acknowledged: &mut Acknowledged,
) -> anyhow::Result<([Measured; 2], u64)> {
    let address = &node.address;
    let bar = progress::bar(ACCOUNTS, "users");
    let logins = log_in(address, ACCOUNTS, &bar).await?;
    bar.finish_and_clear();
    let bar = progress::bar(OPERATORS, "events");
    let mut markets = Vec::new();
    for _ in 0..OPERATORS {
        let mut operator = Operator::connect(address).await?;
        markets.extend(operator.open_markets(MARKETS / OPERATORS).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    markets.truncate(BUSY);
    let flow = Rc::new(BetsFlow::new(&logins, &markets, 1, Crossing::OneInTen));
    let mut measured = [Measured::default(), Measured::default()];
    let mut sent = 0;
    let bar = progress::bar(settings.rounds * 2, "rounds");
    for round in 0..settings.rounds {
        for (watched, measured) in measured.iter_mut().enumerate() {
            let mut console = JoinSet::new();
            if watched == 1 {
                console.spawn_local(watch(address.clone()));
                console.spawn_local(ask(address.clone()));
            }
            let process = Some(node.process());
            let tally = play(address, process, &flow, CONNECTIONS, round, settings, measured);
            let tally = tally.await?;
            acknowledged.bets += tally.acknowledged;
            acknowledged.unknown += tally.unknown;
            for (error, count) in tally.errors {
                *acknowledged.errors.entry(error).or_default() += count;
            }
            if watched == 1 {
                sent += console_bytes();
            }
            console.abort_all();
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok((measured, sent))
}

thread_local! {
    static BYTES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// What came since the last question.
fn console_bytes() -> u64 {
    BYTES.with(std::cell::Cell::take)
}

/// A console's stream, read as it comes.
async fn watch(node: RunningNode) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(node.admin).await?;
    let request = format!(
        "GET /v1/operator/live?open={WINDOWS} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
        node.admin, node.token
    );
    stream.write_all(request.as_bytes()).await?;
    let mut room = vec![0; 64 << 10];
    loop {
        let read = stream.read(&mut room).await?;
        if read == 0 {
            return Ok(());
        }
        BYTES.with(|bytes| bytes.set(bytes.get() + read as u64));
    }
}

/// What the page asks for beside.
async fn ask(node: RunningNode) -> anyhow::Result<()> {
    let mut operator = Operator::connect(&node).await?;
    loop {
        for path in ["/v1/operator/overview", "/v1/operator/flow"] {
            operator.get(path).await?;
        }
        tokio::time::sleep(ASKED_EVERY).await;
    }
}

fn table(measured: &[Measured; 2]) -> Table {
    let median = |rounds: Vec<f64>| match rounds.is_empty() {
        true => 0.0,
        false => Spread::of(rounds).median,
    };
    let figures = measured.each_ref().map(|measured| {
        let of = |of: fn(&Quantiles) -> u64| {
            median(measured.quantiles.iter().map(|it| of(it) as f64 / 1e6).collect())
        };
        [
            median(measured.rates.clone()),
            of(|it| it.p50),
            of(|it| it.p99),
            median(measured.node_us_a_bet.clone()),
        ]
    });
    let row = |name: &str, figures: [f64; 4]| {
        let [rate, p50, p99, cpu] = figures;
        let cells = [
            Cell::Number(rate, 0),
            Cell::Number(p50, 3),
            Cell::Number(p99, 3),
            Cell::Number(cpu, 2),
        ];
        [Cell::text_of(name.to_owned())].into_iter().chain(cells).collect()
    };
    let more = std::array::from_fn(|n| (figures[1][n] / figures[0][n] - 1.0) * 100.0);
    Table {
        title: "acknowledged durable bets; medians of the rounds".to_owned(),
        columns: &["console", "bets/s", "p50 ms", "p99 ms", "node CPU us/bet"],
        rows: vec![
            row("nobody watches", figures[0]),
            row("open", figures[1]),
            row("open, more by %", more),
        ],
    }
}
