//! `laybook bench orders`: how many bets a second a node acknowledges as durable over `/v1/orders`, beside an
//! Erlang peer that does no more than match and journal.
//!
//! Closed loops keep so many orders open on each connection; the open loop sends by a schedule, whatever is
//! answered, and counts a bet's time from when it was due, so that a stall is paid for by every bet that it
//! delayed. One thread of the same machine sends; node and peer take turns within each round. At the end the
//! node's journal must hold every acknowledged bet.

use super::bets::{Acknowledged, verify};
use super::exchange::{Login, Operator, log_in};
use super::machine::{self, Machine};
use super::match_flow::Splitmix;
use super::node::{Directory, OwnNode, RunningNode};
use super::order_line::{Answer, Order, OrderLine};
use super::peer::Peer;
use super::report::{Cell, Report, Table};
use super::stats::{Quantiles, Spread};
use super::{Settings, progress};
use anyhow::ensure;
use domain::price::LadderIndex;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, LocalSet};

/// Each connection is a customer's.
const ACCOUNTS: usize = 256;
const MARKETS: usize = 64;
const WARM_UP: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(60);
/// The open loop's bets a second: the rate that Betfair has published for the core of its exchange.
const OFFERED: u64 = 25_000;
const OFFERING: usize = 64;
const STAKE_PENCE: u32 = 200;

/// How orders are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    /// So many connections, each with so many orders open.
    Closed { connections: usize, open: usize },
    /// `OFFERED` a second over `OFFERING` connections.
    Open,
}

const LOADS: [Load; 5] = [
    Load::Closed { connections: 1, open: 1 },
    Load::Closed { connections: 16, open: 1 },
    Load::Closed { connections: 256, open: 1 },
    Load::Closed { connections: 16, open: 16 },
    Load::Open,
];

impl Load {
    fn connections(self) -> usize {
        match self {
            Load::Closed { connections, .. } => connections,
            Load::Open => OFFERING,
        }
    }

    fn name(self) -> String {
        match self {
            Load::Closed { connections, open } => format!("{connections} x {open}"),
            Load::Open => format!("{OFFERED}/s offered"),
        }
    }
}

/// Who is measured.
#[derive(Debug, Clone, Copy)]
struct Side {
    address: SocketAddr,
    process: Option<u32>,
    is_peer: bool,
}

#[derive(Debug, Default)]
struct Tally {
    counted: u64,
    acknowledged: u64,
    refused: u64,
    unknown: u64,
    latencies_ns: Vec<u64>,
}

#[derive(Debug, Default)]
struct Measured {
    rates: Vec<f64>,
    quantiles: Vec<Quantiles>,
    cpu_us_a_bet: Vec<f64>,
}

/// When a round is counted.
#[derive(Debug, Clone, Copy)]
struct Clock {
    begun: Instant,
    end: Instant,
}

pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    ensure!(settings.node.is_none(), "this benchmark starts a node of its own");
    let mut machine = Machine::observe();
    let program = settings.program()?;
    let directory = Directory::new(settings.data.as_deref())?;
    let data = directory.path().join("data");
    let own = OwnNode::start(&program, &data)?;
    let peer = Peer::start(&directory.path().join("peer"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut acknowledged = Acknowledged::default();
    let process = own.process();
    let load = load(&own.address, process, peer.as_ref(), settings, &mut acknowledged);
    let table = runtime.block_on(LocalSet::new().run_until(load))?;
    let mut remarks = vec![match peer {
        Some(_) => "peer: Erlang, a process a connection, a gen_server a market, group commit on \
                    disk_log; it has no accounts, sessions, numbers or recovery"
            .to_owned(),
        None => "the peer is absent: Erlang (erlc) is not installed".to_owned(),
    }];
    drop(peer);
    own.stop()?;
    remarks.push(verify(&program, &data, &acknowledged)?);
    machine.finish();
    Ok(Report {
        name: "orders",
        workload: workload(settings),
        machine,
        tables: vec![table],
        remarks,
    })
}

fn workload(settings: &Settings) -> Vec<String> {
    vec![
        format!(
            "/v1/orders (WebSocket, MessagePack), one customer a connection, {MARKETS} markets drawn at \
             random; limit orders of 2.00, backs at index 171 + d, lays at 170 - d, d 0 to 5, 10 % \
             shifted 3 steps to cross"
        ),
        format!(
            "closed loop: connections x orders open on each; open loop: by schedule, latency from when \
             a bet was due; {} rounds of {} s, node and peer taking turns; load generator on one thread \
             of the same machine",
            settings.rounds,
            settings.round.as_secs_f64()
        ),
    ]
}

async fn load(
    node: &RunningNode,
    process: u32,
    peer: Option<&Peer>,
    settings: &Settings,
    acknowledged: &mut Acknowledged,
) -> anyhow::Result<Table> {
    let bar = progress::bar(ACCOUNTS, "users");
    let logins = log_in(node, ACCOUNTS, &bar).await?;
    bar.finish_and_clear();
    let mut operator = Operator::connect(node).await?;
    let mut orders = Vec::new();
    for (place, market) in operator.open_markets(MARKETS).await?.into_iter().enumerate() {
        let id = market.id.trim_start_matches("1.").parse()?;
        orders.extend(orders_of(u16::try_from(place)?, id, market.selection));
    }
    let orders = Rc::new(orders);
    let ours = Side { address: node.http, process: Some(process), is_peer: false };
    let theirs = peer.map(|peer| Side {
        address: peer.address,
        process: Some(peer.process()),
        is_peer: true,
    });
    let mut measured: Vec<_> =
        LOADS.iter().map(|load| (*load, [Measured::default(), Measured::default()])).collect();
    let bar = progress::bar(settings.rounds * measured.len(), "rounds");
    for round in 0..settings.rounds {
        for (load, both) in &mut measured {
            bar.set_message(load.name());
            for side in [Some(ours), theirs].into_iter().flatten() {
                let into = &mut both[usize::from(side.is_peer)];
                let tally = play(side, *load, &logins, &orders, round, settings, into).await?;
                if !side.is_peer {
                    acknowledged.bets += tally.acknowledged;
                    acknowledged.unknown += tally.unknown;
                    if tally.refused > 0 {
                        *acknowledged.errors.entry("refused".to_owned()).or_default() +=
                            tally.refused;
                    }
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(table(&measured))
}

/// Every bet there is on one market, as often as it is to be drawn.
fn orders_of(place: u16, market: u64, selection: u64) -> impl Iterator<Item = Order> {
    let bets = (0..24u16).flat_map(|at| {
        let (backs, d, crosses) = (at % 2 == 0, at / 4, at / 2 % 2 == 0);
        std::iter::repeat_n((backs, d, crosses), if crosses { 1 } else { 9 })
    });
    bets.map(move |(backs, d, crosses)| {
        let shift = if crosses { 3 } else { 0 };
        let index = LadderIndex(if backs { 171 + d - shift } else { 170 - d + shift });
        // Prices around the middle of the ladder fit.
        let price = index.price().0 as u16;
        Order { place, market, selection, backs, price, pence: STAKE_PENCE }
    })
}

/// One round of one load on one side.
async fn play(
    side: Side,
    load: Load,
    logins: &[Login],
    orders: &Rc<Vec<Order>>,
    round: usize,
    settings: &Settings,
    measured: &mut Measured,
) -> anyhow::Result<Tally> {
    let mut lines = Vec::new();
    for login in &logins[..load.connections()] {
        lines.push(match side.is_peer {
            true => OrderLine::to_peer(side.address).await?,
            false => OrderLine::to_node(side.address, login).await?,
        });
    }
    let begun = Instant::now() + WARM_UP;
    let clock = Clock { begun, end: begun + settings.round };
    let mut workers = JoinSet::new();
    for (number, line) in lines.into_iter().enumerate() {
        let random = Splitmix((round * 1_000 + number) as u64);
        let orders = orders.clone();
        match load {
            Load::Closed { open, .. } => {
                workers.spawn_local(closed_loop(line, orders, random, open, clock))
            }
            Load::Open => workers.spawn_local(open_loop(line, orders, random, number, clock)),
        };
    }
    tokio::time::sleep_until(clock.begun.into()).await;
    let before = side.process.and_then(machine::process_cpu);
    let mut all = Tally::default();
    while let Some(ended) = workers.join_next().await {
        all.add(ended?);
    }
    let cpu = before.zip(side.process.and_then(machine::process_cpu));
    let counted = all.counted.max(1) as f64;
    measured.rates.push(all.counted as f64 / settings.round.as_secs_f64());
    measured.quantiles.push(Quantiles::of(&mut all.latencies_ns));
    measured
        .cpu_us_a_bet
        .extend(cpu.map(|(before, after)| (after - before).as_secs_f64() * 1e6 / counted));
    Ok(all)
}

fn drawn<'a>(orders: &'a [Order], random: &mut Splitmix) -> &'a Order {
    &orders[random.below(orders.len() as u64) as usize]
}

async fn closed_loop(
    mut line: OrderLine,
    orders: Rc<Vec<Order>>,
    mut random: Splitmix,
    open: usize,
    clock: Clock,
) -> Tally {
    let mut tally = Tally::default();
    let mut sent = vec![Instant::now(); open];
    let mut answers: Vec<Answer> = Vec::new();
    (0..open).for_each(|slot| line.put(slot as u64, drawn(&orders, &mut random)));
    let mut waiting = open as u64;
    while waiting > 0 {
        if line.flush().await.is_err() {
            return tally.lost(waiting);
        }
        match tokio::time::timeout(PATIENCE, line.answers(&mut answers)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return tally.lost(waiting),
        }
        let now = Instant::now();
        for answer in answers.drain(..) {
            let Some(sent) = sent.get_mut(answer.id as usize) else { continue };
            tally.note(answer, *sent, now, clock);
            waiting -= 1;
            if now < clock.end {
                line.put(answer.id, drawn(&orders, &mut random));
                *sent = now;
                waiting += 1;
            }
        }
    }
    tally
}

/// This connection's share of the schedule: bet n of it is due `n * OFFERING / OFFERED` seconds after the
/// first, and the connections are evenly apart.
async fn open_loop(
    mut line: OrderLine,
    orders: Rc<Vec<Order>>,
    mut random: Splitmix,
    number: usize,
    clock: Clock,
) -> Tally {
    let mut tally = Tally::default();
    let start = clock.begun - WARM_UP / 2;
    let due_of = |n: u64| {
        let nanoseconds = (n * OFFERING as u64 + number as u64) * 1_000_000_000 / OFFERED;
        start + Duration::from_nanos(nanoseconds)
    };
    let (mut next, mut first) = (0u64, 0u64);
    // When each open bet was due, by its number; `None` once it is answered.
    let mut due: VecDeque<Option<Instant>> = VecDeque::new();
    let mut answers: Vec<Answer> = Vec::new();
    loop {
        let now = Instant::now();
        while now < clock.end && due_of(next) <= now {
            line.put(next, drawn(&orders, &mut random));
            due.push_back(Some(due_of(next)));
            next += 1;
        }
        if line.flush().await.is_err() {
            return tally.lost(due.iter().flatten().count() as u64);
        }
        let over = now >= clock.end;
        if over && due.is_empty() {
            return tally;
        }
        let until = if over { now + PATIENCE } else { due_of(next) };
        let answered = tokio::time::timeout_at(until.into(), line.answers(&mut answers)).await;
        match answered {
            Ok(Err(_)) => return tally.lost(due.iter().flatten().count() as u64),
            Err(_) if over => return tally.lost(due.iter().flatten().count() as u64),
            Ok(Ok(())) | Err(_) => {}
        }
        let now = Instant::now();
        for answer in answers.drain(..) {
            let slot = due.get_mut((answer.id - first) as usize).and_then(Option::take);
            if let Some(sent) = slot {
                tally.note(answer, sent, now, clock);
            }
        }
        while let Some(None) = due.front() {
            due.pop_front();
            first += 1;
        }
    }
}

impl Tally {
    fn note(&mut self, answer: Answer, sent: Instant, now: Instant, clock: Clock) {
        if !answer.taken {
            self.refused += 1;
            return;
        }
        self.acknowledged += 1;
        if sent >= clock.begun && sent <= clock.end {
            self.latencies_ns.push(u64::try_from((now - sent).as_nanos()).unwrap_or(u64::MAX));
            if now <= clock.end {
                self.counted += 1;
            }
        }
    }

    fn lost(mut self, waiting: u64) -> Tally {
        self.unknown += waiting;
        self
    }

    fn add(&mut self, other: Tally) {
        self.counted += other.counted;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.latencies_ns.extend(other.latencies_ns);
    }
}

fn table(measured: &[(Load, [Measured; 2])]) -> Table {
    let rows = measured.iter().map(|(load, [ours, theirs])| {
        let rate = |measured: &Measured| Spread::of(measured.rates.iter().copied());
        let quantile = |measured: &Measured, of: fn(&Quantiles) -> u64| {
            let rounds = measured.quantiles.iter().map(|quantiles| of(quantiles) as f64 / 1e6);
            match measured.quantiles.is_empty() {
                true => Cell::None,
                false => Cell::Number(Spread::of(rounds).median, 3),
            }
        };
        let cost = Spread::of(ours.cpu_us_a_bet.iter().copied()).median;
        let (own, other) = (rate(ours), rate(theirs));
        let peer = |cell: Cell| if theirs.rates.is_empty() { Cell::None } else { cell };
        vec![
            Cell::text_of(load.name()),
            Cell::Number(own.median, 0),
            Cell::Number(own.min, 0),
            Cell::Number(own.max, 0),
            quantile(ours, |quantiles| quantiles.p50),
            quantile(ours, |quantiles| quantiles.p99),
            quantile(ours, |quantiles| quantiles.p999),
            Cell::Number(cost, 2),
            peer(Cell::Number(other.median, 0)),
            quantile(theirs, |quantiles| quantiles.p50),
            quantile(theirs, |quantiles| quantiles.p99),
            quantile(theirs, |quantiles| quantiles.p999),
            peer(Cell::Number(own.median / other.median.max(1.0), 2)),
        ]
    });
    Table {
        title: "acknowledged durable bets; latencies in ms, medians of the rounds".to_owned(),
        columns: &[
            "load",
            "bets/s",
            "min",
            "max",
            "p50",
            "p99",
            "p99.9",
            "node CPU us/bet",
            "peer bets/s",
            "peer p50",
            "peer p99",
            "peer p99.9",
            "ratio",
        ],
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_order_in_ten_crosses() {
        let orders: Vec<Order> = orders_of(3, 8, 9).collect();
        let best_back = LadderIndex(171).price().0 as u16;
        let crossing = orders
            .iter()
            .filter(|it| if it.backs { it.price < best_back } else { it.price >= best_back });
        assert_eq!(orders.len(), 120);
        assert!(crossing.count() * 10 <= orders.len());
        assert!(orders.iter().all(|it| (it.place, it.market, it.selection) == (3, 8, 9)));
    }

    #[test]
    fn a_bet_counts_from_when_it_was_sent_or_due_within_the_round() {
        let begun = Instant::now();
        let clock = Clock { begun, end: begun + Duration::from_secs(1) };
        let mut tally = Tally::default();
        let taken = Answer { id: 0, taken: true };
        let ms = Duration::from_millis;
        tally.note(taken, begun - ms(1), begun + ms(1), clock);
        tally.note(taken, begun + ms(1), begun + ms(4), clock);
        tally.note(taken, begun + ms(999), begun + ms(1_004), clock);
        tally.note(Answer { id: 0, taken: false }, begun, begun, clock);
        assert_eq!((tally.acknowledged, tally.counted, tally.refused), (3, 1, 1));
        assert_eq!(tally.latencies_ns, [3_000_000, 5_000_000]);
    }
}
