//! The mirror: the orders that make one account's book equal to a recorded one, message after message.
//!
//! Pure. It is told what was recorded and what became of its orders, and says what to ask next:
//!
//! ```text
//!   take(message) ─▶ next() ─▶ request ─▶ outcome ─▶ answered() ─▶ next() ─▶ … ─▶ None: equal
//! ```
//! **Trades first.** A rise of `trd` at a price is twice the stake that was matched there. Where the price is
//! the best of the mirror's own ladder, a crossing order takes what rests there. Where it stands behind better
//! prices, these are cancelled first (the recording lost them in the same message, or they are placed again
//! below). Where nothing rests, or too little, the mirror trades with itself: an order of one side, and one of
//! the other side for it. **Then cancels**, per price, the newest order first and the last of them in part.
//! **Then places**, one order for each price that must grow.
//!
//! **The rule of volume.** At each price the mirror makes twice the whole pence of the stakes recorded so far:
//! half a penny is carried until another joins it. So its volume is the sum of the recorded rises, less at
//! most a penny a price. A recorded *fall* (a void, or the zeros that settlement sends) takes nothing back.
//! Half a penny in a ladder cannot rest and is left out.
//!
//! The mirror manages its own orders only. What others put in its way is matched like anybody's: a customer
//! ahead of it at a price is filled before it when the recording trades there.

use super::ladders::{RunnerMirror, sum};
use super::recorded::RecordedMessage;
use domain::ids::{BetId, Runner};
use domain::money::Pence;
use domain::order::{OrderKind, Persistence, Side, Ticket, TimeInForce};
use domain::price::Price;
use domain::request::{CancelReport, MAX_INSTRUCTIONS, PlaceReport};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What to ask of the exchange next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Place(Vec<Ticket>),
    /// Each bet wholly, or by the reduction.
    Cancel(Vec<(BetId, Option<Pence>)>),
}

/// What became of it, instruction by instruction.
#[derive(Debug, Clone, Copy)]
pub enum Reports<'a> {
    Placed(&'a [PlaceReport]),
    Cancelled(&'a [CancelReport]),
    /// Nothing was done.
    Refused,
}

/// Where the book and the recording differ after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    pub runner: Runner,
    /// Whose orders stand in the ladder: lays can be backed.
    pub side: Side,
    pub price: Price,
    pub recorded: Pence,
    pub ours: Pence,
}

/// An order of the mirror's own that rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resting {
    pub bet: BetId,
    pub runner: Runner,
    pub side: Side,
    pub price: Price,
    pub remaining: Pence,
}

#[derive(Debug)]
pub struct Mirror {
    persistence: Persistence,
    runners: BTreeMap<Runner, RunnerMirror>,
    trades: VecDeque<Trade>,
    /// Levels that may differ from the recording.
    dirty: BTreeSet<(Runner, Side, Price)>,
    asked: Option<Asked>,
    /// Failed answers since the last message.
    failures: u32,
    /// Stakes matched by the mirror's own crossing orders.
    traded: Pence,
}

/// After so many failed answers to one message its differences are left to be reported.
const FAILURES_MAX: u32 = 16;

#[derive(Debug, Clone, Copy)]
pub(super) struct Trade {
    runner: Runner,
    pub(super) price: Price,
    stake: Pence,
    /// The side of the next order, once the first half has been placed.
    meet: Option<Side>,
}

/// Sent and not answered.
#[derive(Debug)]
enum Asked {
    Cancel(Vec<(Runner, Side, Price, BetId, Option<Pence>)>),
    Place(Vec<(Runner, Side, Price, Pence)>),
    /// A half of the first of `trades`.
    Trade(Side),
}

impl Mirror {
    pub fn new(runners: impl IntoIterator<Item = Runner>, persistence: Persistence) -> Self {
        let runners = runners.into_iter().map(|runner| (runner, RunnerMirror::default()));
        Mirror {
            persistence,
            runners: runners.collect(),
            trades: VecDeque::new(),
            dirty: BTreeSet::new(),
            asked: None,
            failures: 0,
            traded: Pence::ZERO,
        }
    }

    /// Folds a message: what it changed is worked off by [`Mirror::next`]. Runners that the mirror was not
    /// made for are left out.
    pub fn take(&mut self, message: &RecordedMessage) {
        self.failures = 0;
        if message.image {
            self.forget_recorded();
        }
        for change in &message.runners {
            let runner = change.runner;
            let Some(mirror) = self.runners.get_mut(&runner) else { continue };
            for (side, changes) in
                [(Side::Lay, &change.available_to_back), (Side::Back, &change.available_to_lay)]
            {
                for (price, size) in changes {
                    let recorded = mirror.recorded_mut(side);
                    match size.0 {
                        0 => drop(recorded.remove(price)),
                        _ => drop(recorded.insert(*price, *size)),
                    }
                    self.dirty.insert((runner, side, *price));
                }
            }
            let mut trades = Vec::new();
            for (price, recorded) in &change.traded {
                if let Some(stake) = mirror.traded.entry(*price).or_default().rise_to(*recorded) {
                    trades.push(Trade { runner, price: *price, stake, meet: None });
                }
            }
            mirror.sort_as_eaten(&mut trades);
            self.trades.extend(trades);
        }
    }

    /// What the mirror wants next; nothing when its book equals the recording or cannot. A market that is
    /// not open only takes cancels; what else is wanted waits.
    pub fn next(&mut self, open: bool) -> Option<Request> {
        if self.failures > FAILURES_MAX {
            return None;
        }
        if open && let Some(trade) = self.trades.front().copied() {
            return Some(self.trade(trade));
        }
        self.cancel().or_else(|| if open { self.place() } else { None })
    }

    /// What became of the last request.
    pub fn answered(&mut self, reports: Reports<'_>) {
        match (self.asked.take(), reports) {
            (Some(Asked::Cancel(cancels)), Reports::Cancelled(reports)) => {
                for (at, (runner, side, price, bet, reduction)) in cancels.into_iter().enumerate() {
                    let cancelled = reports.get(at).and_then(|report| report.result.ok());
                    // An order that could not be cancelled is gone: whoever matched it is seen at the next look.
                    self.failures += u32::from(cancelled.is_none());
                    let all = reduction.is_none() || cancelled.is_none();
                    let size = cancelled.map_or(Pence::ZERO, |cancelled| cancelled.size);
                    self.shrink(runner, side, price, bet, if all { None } else { Some(size) });
                }
            }
            (Some(Asked::Place(orders)), Reports::Placed(reports)) => {
                for (at, (runner, side, price, size)) in orders.into_iter().enumerate() {
                    match reports.get(at) {
                        Some(Ok(placed)) => {
                            self.met(runner, side, price, placed.size_matched);
                            let rests = size - placed.size_matched;
                            self.rest(runner, side, price, placed.bet, rests);
                            // A price that met somebody has not grown as it should.
                            if !placed.size_matched.is_zero() {
                                self.failures += 1;
                                self.dirty.insert((runner, side, price));
                            }
                        }
                        _ => {
                            self.failures += 1;
                            self.dirty.insert((runner, side, price));
                        }
                    }
                }
            }
            (Some(Asked::Trade(side)), Reports::Placed([Ok(placed)])) => {
                self.traded_half(side, placed.bet, placed.size_matched)
            }
            (Some(Asked::Trade(_)), _) => {
                self.failures += 1;
                self.trades.pop_front();
            }
            (Some(Asked::Place(orders)), _) => {
                self.failures += 1;
                let again =
                    orders.into_iter().map(|(runner, side, price, _)| (runner, side, price));
                self.dirty.extend(again);
            }
            (Some(Asked::Cancel(_)), _) => self.failures += 1,
            (None, _) => {}
        }
    }

    /// The whole truth about the mirror's orders, read back after a restart or when others have traded.
    pub fn know(&mut self, resting: &[Resting]) {
        for (runner, mirror) in &mut self.runners {
            for side in [Side::Lay, Side::Back] {
                let own = std::mem::take(mirror.own_mut(side));
                self.dirty.extend(own.into_keys().map(|price| (*runner, side, price)));
            }
        }
        for order in resting {
            self.rest(order.runner, order.side, order.price, order.bet, order.remaining);
        }
    }

    /// The market turned in play, or closed: orders that do not persist are gone.
    pub fn lapsed(&mut self, persisting_too: bool) {
        if persisting_too || self.persistence == Persistence::Lapse {
            self.know(&[]);
            for (runner, mirror) in &self.runners {
                for side in [Side::Lay, Side::Back] {
                    let prices = mirror.recorded(side).keys();
                    self.dirty.extend(prices.map(|price| (*runner, side, *price)));
                }
            }
        }
    }

    /// Trades that the market was not open for are left out for good.
    pub fn forgo_trades(&mut self) {
        self.trades.clear();
    }

    /// Where the mirror's own orders differ from the recording.
    pub fn differences(&self) -> Vec<Difference> {
        let compare = |(runner, mirror): (&Runner, &RunnerMirror)| {
            let both = [Side::Lay, Side::Back].map(|side| {
                let ours = mirror.own(side).iter().map(|(price, level)| (*price, sum(level)));
                self.compare(*runner, side, ours)
            });
            both.concat()
        };
        self.runners.iter().flat_map(compare).collect()
    }

    /// Where one ladder differs from the recording.
    pub fn compare(
        &self,
        runner: Runner,
        side: Side,
        ours: impl Iterator<Item = (Price, Pence)>,
    ) -> Vec<Difference> {
        let ours: BTreeMap<Price, Pence> = ours.collect();
        let Some(mirror) = self.runners.get(&runner) else { return Vec::new() };
        let recorded = mirror.recorded(side);
        let prices: BTreeSet<Price> = recorded.keys().chain(ours.keys()).copied().collect();
        let at = |price| {
            let recorded = recorded.get(&price).map_or(Pence::ZERO, |size| size.whole_pence());
            let ours = ours.get(&price).copied().unwrap_or_default();
            (recorded != ours).then_some(Difference { runner, side, price, recorded, ours })
        };
        prices.into_iter().filter_map(at).collect()
    }

    /// What the rule of volume makes of the recording at each price, both sides, lowest first.
    pub fn volume(&self, runner: Runner) -> impl Iterator<Item = (Price, Pence)> {
        let volumes = self.runners.get(&runner).into_iter().flat_map(|mirror| &mirror.traded);
        let both_sides = volumes.map(|(price, volume)| (*price, volume.stake() + volume.stake()));
        both_sides.filter(|(_, size)| !size.is_zero())
    }

    pub fn runners(&self) -> impl Iterator<Item = Runner> {
        self.runners.keys().copied()
    }

    /// How many of the mirror's orders rest.
    pub fn resting(&self) -> usize {
        let levels = |mirror: &RunnerMirror| -> usize {
            mirror.own_lays.values().chain(mirror.own_backs.values()).map(VecDeque::len).sum()
        };
        self.runners.values().map(levels).sum()
    }

    /// Stakes that the mirror's crossing orders have matched.
    pub fn traded(&self) -> Pence {
        self.traded
    }

    /// Trades of the recording that the market was not open for yet.
    pub fn trades_waiting(&self) -> usize {
        self.trades.len()
    }

    fn forget_recorded(&mut self) {
        for (runner, mirror) in &mut self.runners {
            for side in [Side::Lay, Side::Back] {
                let gone = std::mem::take(mirror.recorded_mut(side));
                self.dirty.extend(gone.into_keys().map(|price| (*runner, side, price)));
            }
        }
    }

    // ------------------------------------------------------------------------------------ trades

    fn trade(&mut self, trade: Trade) -> Request {
        let mirror = self.runners.entry(trade.runner).or_default();
        let side = trade.meet.unwrap_or_else(|| mirror.taker(trade.price));
        let in_the_way = mirror.better_than(trade.price, side.opposite());
        if trade.meet.is_none() && !in_the_way.is_empty() {
            let cancels: Vec<_> = in_the_way
                .into_iter()
                .take(MAX_INSTRUCTIONS)
                .map(|(price, bet)| (trade.runner, side.opposite(), price, bet, None))
                .collect();
            return self.ask_cancel(cancels);
        }
        self.asked = Some(Asked::Trade(side));
        Request::Place(vec![self.ticket(trade.runner, side, trade.price, trade.stake)])
    }

    /// Half a trade is placed: what was matched is done, what rests is met by the other half.
    fn traded_half(&mut self, side: Side, bet: BetId, matched: Pence) {
        let Some(mut trade) = self.trades.pop_front() else { return };
        self.met(trade.runner, side, trade.price, matched);
        self.traded += matched;
        let rests = trade.stake - matched;
        self.rest(trade.runner, side, trade.price, bet, rests);
        if trade.meet.is_none() && !rests.is_zero() {
            trade.stake = rests;
            trade.meet = Some(side.opposite());
            self.trades.push_front(trade);
        }
    }

    // ------------------------------------------------------------------------------------ ladders

    /// Prices that must shrink, newest order first.
    fn cancel(&mut self) -> Option<Request> {
        let mut cancels = Vec::new();
        for (runner, side, price) in &self.dirty {
            let Some(mirror) = self.runners.get(runner) else { continue };
            let Some(level) = mirror.own(*side).get(price) else { continue };
            let mut excess = sum(level) - mirror.wanted(*side, *price);
            for (bet, remaining) in level.iter().rev() {
                if excess <= Pence::ZERO || cancels.len() == MAX_INSTRUCTIONS {
                    break;
                }
                let reduction = (excess < *remaining).then_some(excess);
                cancels.push((*runner, *side, *price, *bet, reduction));
                excess -= reduction.unwrap_or(*remaining);
            }
            if cancels.len() == MAX_INSTRUCTIONS {
                break;
            }
        }
        (!cancels.is_empty()).then(|| self.ask_cancel(cancels))
    }

    /// Prices that must grow. Whatever is still dirty and equal is clean now.
    fn place(&mut self) -> Option<Request> {
        let mut orders = Vec::new();
        while orders.len() < MAX_INSTRUCTIONS
            && let Some((runner, side, price)) = self.dirty.pop_first()
        {
            let Some(mirror) = self.runners.get(&runner) else { continue };
            let have = mirror.own(side).get(&price).map_or(Pence::ZERO, sum);
            let missing = mirror.wanted(side, price) - have;
            if missing > Pence::ZERO {
                orders.push((runner, side, price, missing));
            }
        }
        if orders.is_empty() {
            return None;
        }
        let ticket = |(runner, side, price, size): &_| self.ticket(*runner, *side, *price, *size);
        let tickets = orders.iter().map(ticket).collect();
        self.asked = Some(Asked::Place(orders));
        Some(Request::Place(tickets))
    }

    fn ask_cancel(&mut self, cancels: Vec<(Runner, Side, Price, BetId, Option<Pence>)>) -> Request {
        let request = cancels.iter().map(|(.., bet, reduction)| (*bet, *reduction)).collect();
        self.asked = Some(Asked::Cancel(cancels));
        Request::Cancel(request)
    }

    fn ticket(&self, runner: Runner, side: Side, price: Price, size: Pence) -> Ticket {
        Ticket {
            runner,
            side,
            price,
            size,
            persistence: self.persistence,
            time_in_force: TimeInForce::Rest,
            kind: OrderKind::Limit,
            reference: None,
        }
    }

    // ---------------------------------------------------------------------------------- own orders

    fn rest(&mut self, runner: Runner, side: Side, price: Price, bet: BetId, size: Pence) {
        if size <= Pence::ZERO {
            return;
        }
        let Some(mirror) = self.runners.get_mut(&runner) else { return };
        let level = mirror.own_mut(side).entry(price).or_default();
        level.push_back((bet, size));
        if sum(level) != mirror.wanted(side, price) {
            self.dirty.insert((runner, side, price));
        }
    }

    /// An order of `side` at `limit` matched so much: of the mirror's own as far as they reach, best price
    /// and oldest first.
    fn met(&mut self, runner: Runner, side: Side, limit: Price, mut matched: Pence) {
        let other = side.opposite();
        let Some(mirror) = self.runners.get_mut(&runner) else { return };
        let reaches = |price: &Price| match side {
            Side::Back => *price >= limit,
            Side::Lay => *price <= limit,
        };
        while matched > Pence::ZERO
            && let Some(price) = mirror.best(other).filter(reaches)
        {
            self.dirty.insert((runner, other, price));
            let own = mirror.own_mut(other);
            let Some(level) = own.get_mut(&price) else { break };
            let Some((_, remaining)) = level.front_mut() else {
                own.remove(&price);
                continue;
            };
            let size = matched.min(*remaining);
            matched -= size;
            *remaining -= size;
            if remaining.is_zero() {
                level.pop_front();
            }
            if level.is_empty() {
                own.remove(&price);
            }
        }
    }

    /// `None`: wholly gone.
    fn shrink(&mut self, runner: Runner, side: Side, price: Price, bet: BetId, by: Option<Pence>) {
        self.dirty.insert((runner, side, price));
        let Some(mirror) = self.runners.get_mut(&runner) else { return };
        let own = mirror.own_mut(side);
        let Some(level) = own.get_mut(&price) else { return };
        if let Some(at) = level.iter().position(|(other, _)| *other == bet) {
            match by {
                Some(size) if size < level[at].1 => level[at].1 -= size,
                _ => drop(level.remove(at)),
            }
        }
        if level.is_empty() {
            own.remove(&price);
        }
    }
}
