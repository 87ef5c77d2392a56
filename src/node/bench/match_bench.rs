//! `laybook bench match`: how fast one thread matches, through the product's own market.
//!
//! Everything that a market does for a command is in the figure: the numbered link of its account, the
//! checks, the match, the record for the journal, the fold of it into the state, and the notices to every
//! account concerned; the harness plays the accounts, which acknowledge what they are told and keep the
//! handles of their orders. What is not in it: the journal, the actors, the accounts' money.
//!
//! Engines take turns within each round, so that a busy machine is unfair to all alike; single operations
//! are timed in a pass of their own, since the clock costs as much as a fast match.

use super::machine::{self, Machine};
use super::match_flow::{ACCOUNTS, BLOCK, Depth, Flow, OPERATIONS, Operation, SEED, Totals, What};
use super::progress;
use super::report::{Cell, Report, Table, thousands};
use super::stats::{Quantiles, Spread};
use anyhow::{Context, ensure};
use domain::act::MarketAct;
use domain::definition::MarketDefinition;
use domain::few::Few;
use domain::ids::{AccountId, BetId, Handle, MarketId, PartitionId, Runner, SelectionId};
use domain::market::{MAX_ORDERS, Market, Outgoing};
use domain::money::Pence;
use domain::order::{
    Answer, CancelOrder, Conditions, NewOrder, OrderCommand, OrderKind, Persistence, Remainder,
    Side, TimeInForce,
};
use domain::price::{LADDER_LEN, LadderIndex};
use domain::record::{MarketEvent, Notice};
use domain::time::UtcMillis;
use std::time::{Duration, Instant};

/// Something that matches orders: an engine plays one flow and is thrown away.
pub(super) trait Engine {
    /// Plays operations that travel together.
    fn play(&mut self, together: &[Operation]);

    /// What it matched; an error when it refused anything.
    fn totals(&self) -> anyhow::Result<Totals>;
}

/// One round of one engine.
#[derive(Debug, Clone, Copy)]
struct Took {
    by_the_clock: Duration,
    /// What the thread was really given.
    on_the_cpu: Option<Duration>,
}

struct Contender {
    name: &'static str,
    run: fn(&Flow) -> anyhow::Result<Took>,
    time_each: fn(&Flow) -> anyhow::Result<Vec<u64>>,
}

impl Contender {
    const fn of<E: NewEngine>(name: &'static str) -> Self {
        Contender { name, run: run::<E>, time_each: time_each::<E> }
    }
}

/// Apart from [`Engine`] only so that a contender can name its constructor.
pub(super) trait NewEngine: Engine + Sized {
    fn new(flow: &Flow) -> Self;
}

const COLUMNS: &[&str] = &[
    "engine",
    "M orders/s",
    "min",
    "max",
    "by CPU time",
    "p50 ns",
    "p99 ns",
    "p99.9 ns",
    "max ns",
    "trades",
    "volume",
];

/// Plays every flow `rounds` times through every engine.
pub(super) fn run_bench(rounds: usize) -> anyhow::Result<Report> {
    let mut machine = Machine::observe();
    let mut contenders = vec![Contender::of::<ProductMarket>("laybook market")];
    contenders.extend(peers());
    let shapes =
        [(Depth::Shallow, 1), (Depth::Deep, 1), (Depth::Shallow, BLOCK), (Depth::Deep, BLOCK)];
    let bar = progress::bar(shapes.len() * contenders.len() * (rounds + 1), "rounds");
    let mut tables = Vec::new();
    for (depth, together) in shapes {
        let flow = Flow::generate(depth, together, OPERATIONS);
        tables.push(measure(&flow, &contenders, rounds, &bar)?);
    }
    bar.finish_and_clear();
    tables.push(memory()?);
    machine.finish();
    Ok(Report { name: "match", workload: workload(rounds), machine, tables, remarks: remarks() })
}

fn workload(rounds: usize) -> Vec<String> {
    vec![
        format!(
            "{} operations on one runner of 350 prices, seed {SEED:#x}: 60 % orders that rest, 30 % \
             cancels of a random resting order, 10 % orders that cross by up to 5 steps",
            thousands(OPERATIONS as u64)
        ),
        format!(
            "from {ACCOUNTS} accounts, one operation a command; in blocks: {BLOCK} alike a command \
             (engines that know no batches take them one by one)"
        ),
        format!(
            "one thread; {rounds} rounds, engines taking turns; median, min and max of the rounds; \
             quantiles of single commands from a pass of their own"
        ),
    ]
}

fn remarks() -> Vec<String> {
    let pair = clock_cost();
    vec![
        "by CPU time: the median rate while the thread ran; a busy machine interrupts it"
            .to_owned(),
        format!("reading the clock twice adds about {pair} ns to each quantile"),
        "trades and volume of every engine equal those of the generator's own plain book"
            .to_owned(),
    ]
}

/// The median cost of timing nothing.
fn clock_cost() -> u64 {
    let mut samples: Vec<u64> = (0..100_000)
        .map(|_| {
            let begun = Instant::now();
            nanoseconds(begun.elapsed())
        })
        .collect();
    Quantiles::of(&mut samples).p50
}

fn measure(
    flow: &Flow,
    contenders: &[Contender],
    rounds: usize,
    bar: &indicatif::ProgressBar,
) -> anyhow::Result<Table> {
    let mut rates = vec![Vec::with_capacity(rounds); contenders.len()];
    let mut cpu_rates = vec![Vec::with_capacity(rounds); contenders.len()];
    let rate = |took: Duration| flow.operations.len() as f64 / took.as_secs_f64() / 1e6;
    for _ in 0..rounds {
        for (at, contender) in contenders.iter().enumerate() {
            bar.set_message(format!("{}: {}", flow.name, contender.name));
            let took = (contender.run)(flow).with_context(|| contender.name)?;
            rates[at].push(rate(took.by_the_clock));
            cpu_rates[at].extend(took.on_the_cpu.map(rate));
            bar.inc(1);
        }
    }
    let mut rows = Vec::new();
    for ((contender, rates), cpu_rates) in contenders.iter().zip(rates).zip(cpu_rates) {
        bar.set_message(format!("{}: {}, one by one", flow.name, contender.name));
        let mut each = (contender.time_each)(flow)?;
        let quantiles = Quantiles::of(&mut each);
        bar.inc(1);
        let rate = Spread::of(rates);
        let mut row = vec![Cell::text_of(contender.name)];
        row.extend([rate.median, rate.min, rate.max].map(|rate| Cell::Number(rate, 2)));
        row.push(match cpu_rates.is_empty() {
            true => Cell::None,
            false => Cell::Number(Spread::of(cpu_rates).median, 2),
        });
        let Quantiles { p50, p99, p999, max } = quantiles;
        row.extend([p50, p99, p999, max].map(Cell::Count));
        row.extend([flow.totals.trades, flow.totals.volume].map(Cell::Count));
        rows.push(row);
    }
    let title = format!(
        "{}: {} rest on average, {} at the end; quantiles per command of {}",
        flow.name,
        thousands(flow.resting_mean),
        thousands(flow.resting_at_end),
        flow.together,
    );
    Ok(Table { title, columns: COLUMNS, rows })
}

fn run<E: NewEngine>(flow: &Flow) -> anyhow::Result<Took> {
    let mut engine = E::new(flow);
    let (begun, given) = (Instant::now(), machine::thread_nanoseconds());
    for together in flow.commands() {
        engine.play(together);
    }
    let by_the_clock = begun.elapsed();
    let given = given.zip(machine::thread_nanoseconds());
    hold_to(flow, &engine)?;
    let on_the_cpu = given.map(|(before, after)| Duration::from_nanos(after - before));
    Ok(Took { by_the_clock, on_the_cpu })
}

fn time_each<E: NewEngine>(flow: &Flow) -> anyhow::Result<Vec<u64>> {
    let mut engine = E::new(flow);
    let mut each = Vec::with_capacity(flow.operations.len() / flow.together);
    for together in flow.commands() {
        let begun = Instant::now();
        engine.play(together);
        each.push(nanoseconds(begun.elapsed()));
    }
    hold_to(flow, &engine)?;
    Ok(each)
}

fn hold_to(flow: &Flow, engine: &impl Engine) -> anyhow::Result<()> {
    let totals = engine.totals()?;
    ensure!(
        totals == flow.totals,
        "{}: matched {totals:?} where {:?} is right",
        flow.name,
        flow.totals
    );
    Ok(())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(feature = "peers")]
fn peers() -> Vec<Contender> {
    use super::peers::{Lobster, OrderbookRs};
    vec![Contender::of::<Lobster>("lobster 0.7"), Contender::of::<OrderbookRs>("orderbook-rs 0.15")]
}

#[cfg(not(feature = "peers"))]
fn peers() -> Vec<Contender> {
    Vec::new()
}

// ---------------------------------------------------------------------------- the product's market

const NOW: UtcMillis = UtcMillis(1_790_000_000_000);
const RUNNER: Runner = Runner { selection: SelectionId(1), handicap: 0 };
const CONDITIONS: Conditions =
    Conditions { market_version: None, best_execution: true, self_match: true };

/// What an account remembers of its link to the market.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    sent: u64,
    acknowledged: u64,
}

/// An open market and the accounts around it.
#[derive(Debug)]
struct ProductMarket {
    market: Market,
    links: Vec<Link>,
    /// By order: where it rests.
    handles: Vec<Handle>,
    records: Vec<MarketEvent>,
    totals: Totals,
    refused: u64,
}

impl ProductMarket {
    fn with_room_for(orders: usize) -> Self {
        let mut market = Market::default();
        let mut records = Vec::new();
        let runners = (1..=3).map(|number| Runner::plain(SelectionId(number)));
        let definition = Box::new(MarketDefinition::plain(MarketId(1), runners));
        let create = MarketAct::Create { definition, open: true };
        market.act(NOW, 1, &create, &mut records);
        market.send_outgoing(|_| {});
        ProductMarket {
            market,
            links: vec![Link::default(); usize::from(ACCOUNTS)],
            handles: vec![Handle { slot: u32::MAX, generation: 0 }; orders],
            records: Vec::new(),
            totals: Totals::default(),
            refused: 0,
        }
    }

    /// What these operations ask of the market; all are of one kind.
    fn command(&self, together: &[Operation]) -> OrderCommand {
        let cancel = |operation: &Operation| CancelOrder {
            bet: bet(operation.order),
            handle: self.handles[operation.order as usize],
            reduction: None,
        };
        match together[0].what {
            What::Cancel => {
                OrderCommand::Cancel { orders: Few::each(together, cancel), on_close: false }
            }
            What::Place { .. } => {
                let orders = Few::each(together, new_order);
                OrderCommand::Place { orders, conditions: CONDITIONS }
            }
        }
    }

    /// Journal and accounts: the records are read and dropped, the notices heard.
    fn hear(&mut self) {
        for record in &self.records {
            match record {
                MarketEvent::Placed { orders, .. } => {
                    for fill in orders.iter().flat_map(|taken| &taken.fills) {
                        self.totals.trades += 1;
                        self.totals.volume += fill.size.0 as u64;
                    }
                }
                MarketEvent::Cancelled { orders, .. } => {
                    self.refused += orders.iter().filter(|order| order.is_err()).count() as u64;
                }
                _ => self.refused += 1,
            }
        }
        self.records.clear();
        let ProductMarket { market, links, handles, .. } = self;
        market.send_outgoing(|outgoing| {
            let Outgoing::Notice { account, k, notice } = outgoing else { return };
            links[account.0 as usize - 1].acknowledged = k;
            let Notice::Answered { answer: Answer::Placed(placed), .. } = notice else { return };
            for order in placed {
                if let Remainder::Rests { handle, .. } = order.remainder {
                    handles[(order.bet.count() - BetId::FIRST_COUNT) as usize] = handle;
                }
            }
        });
    }
}

impl Engine for ProductMarket {
    fn play(&mut self, together: &[Operation]) {
        let Some(first) = together.first() else { return };
        let command = self.command(together);
        let account = AccountId(u64::from(first.account) + 1);
        let link = &mut self.links[usize::from(first.account)];
        link.sent += 1;
        let (n, heard) = (link.sent, link.acknowledged);
        self.market.command(NOW, account, n, 1, heard, &command, &mut self.records);
        self.hear();
    }

    fn totals(&self) -> anyhow::Result<Totals> {
        ensure!(self.refused == 0, "the market refused {} orders", self.refused);
        Ok(self.totals)
    }
}

impl NewEngine for ProductMarket {
    fn new(flow: &Flow) -> Self {
        ProductMarket::with_room_for(flow.orders as usize)
    }
}

fn bet(order: u32) -> BetId {
    BetId::new(BetId::FIRST_COUNT + u64::from(order), PartitionId(0))
}

fn new_order(operation: &Operation) -> NewOrder {
    let What::Place { side, index, size } = operation.what else {
        unreachable!("the operations of a command are all of one kind")
    };
    NewOrder {
        bet: bet(operation.order),
        runner: RUNNER,
        side,
        price: LadderIndex(index).price(),
        size: Pence(i64::from(size)),
        persistence: Persistence::Lapse,
        time_in_force: TimeInForce::Rest,
        kind: OrderKind::Limit,
    }
}

// ------------------------------------------------------------------------------------------ memory

/// Fills a market to its bound with orders that rest, and looks at what the process has grown by.
fn memory() -> anyhow::Result<Table> {
    let me = std::process::id();
    let mut full = ProductMarket::with_room_for(MAX_ORDERS);
    let before = machine::resident_bytes(me).context("no /proc to read the memory from")?;
    let half = LADDER_LEN as u32 / 2;
    for order in 0..MAX_ORDERS as u32 {
        let step = (order / u32::from(ACCOUNTS)) % half;
        let (side, index) = match order % 2 {
            0 => (Side::Lay, half - 1 - step),
            _ => (Side::Back, half + step),
        };
        let what = What::Place { side, index: index as u16, size: 200 };
        full.play(&[Operation { order, account: (order / 2 % u32::from(ACCOUNTS)) as u8, what }]);
    }
    let after = machine::resident_bytes(me).context("no /proc to read the memory from")?;
    ensure!(full.totals()? == Totals::default(), "an order that was to rest was matched");
    let each = after.saturating_sub(before) as f64 / MAX_ORDERS as f64;
    Ok(Table {
        title: "memory of the market's state (an account's side of a bet is not in it)".to_owned(),
        columns: &["state", "resting orders", "bytes an order"],
        rows: vec![vec![
            Cell::text_of("laybook market"),
            Cell::Count(MAX_ORDERS as u64),
            Cell::Number(each, 1),
        ]],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_market_matches_what_the_plain_book_matches() {
        for together in [1, BLOCK] {
            for depth in [Depth::Shallow, Depth::Deep] {
                let flow = Flow::generate(depth, together, 20_000);
                run::<ProductMarket>(&flow).unwrap();
            }
        }
    }

    #[cfg(feature = "peers")]
    #[test]
    fn the_peers_match_what_the_plain_book_matches() {
        let flow = Flow::generate(Depth::Deep, 1, 20_000);
        for peer in peers() {
            (peer.run)(&flow).unwrap();
        }
    }

    #[test]
    fn an_engine_that_matches_wrongly_is_found_out() {
        let mut flow = Flow::generate(Depth::Shallow, 1, 2_000);
        flow.totals.volume += 1;
        assert!(run::<ProductMarket>(&flow).is_err());
    }
}
