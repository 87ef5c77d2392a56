//! A market that does whatever the test's dice say, within what a market may do: it takes commands in
//! order, answers each once, matches at the limit or better, and numbers what it tells.
//!
//! It is also the oracle of payments: it keeps every match and adds up what is won from them.

use super::*;
use crate::link::{Inbound, Outbound};
use crate::money::round_half_up;
use crate::order::{
    CancelOrder, CancelledOrder, InstructionFault, LapseReason, NewOrder, ReplacedOrder,
};
use crate::price::ExactPrice;
use crate::record::{ClosedBet, Resolution, RunnerResult};
use crate::reduction::{Reduction, ReductionRule};

#[derive(Debug, Clone)]
struct Standing {
    order: NewOrder,
    left: Pence,
    n: u64,
    waits: bool,
}

impl Standing {
    fn in_book(&self) -> bool {
        !self.waits && !self.order.kind.is_on_close()
    }
}

/// A command whose orders wait, with the cancel half of a replace.
#[derive(Debug, Clone)]
struct Delayed {
    n: u64,
    bets: Vec<BetId>,
    cancelled: Option<Vec<Result<CancelledOrder, InstructionFault>>>,
}

/// `value` is price times size in hundredths of a penny.
#[derive(Debug, Clone, Copy)]
struct Match {
    bet: BetId,
    runner: Runner,
    side: Side,
    value: i64,
    size: Pence,
}

impl Match {
    fn of(order: &NewOrder, matched: Matched) -> Match {
        let value = i64::try_from(matched.price.times(matched.size)).unwrap();
        let NewOrder { bet, runner, side, .. } = *order;
        Match { bet, runner, side, value, size: matched.size }
    }
}

#[derive(Debug, Default)]
pub(super) struct FakeMarket {
    commands: Inbound,
    pub(super) notices: Outbound<Notice>,
    orders: BTreeMap<BetId, Standing>,
    delayed: Vec<Delayed>,
    matches: Vec<Match>,
    removed: Vec<Runner>,
    generation: u32,
    pub(super) resolved: bool,
    /// What the last resolution pays.
    pub(super) due: Pence,
    /// The account has not said that it is paid: nothing else can be resolved.
    pub(super) unpaid: bool,
}

/// A price at least as good for the order: a better one when `better`.
fn price_for(order: &NewOrder, better: bool) -> Price {
    match (better, order.side) {
        (false, _) => order.price,
        (true, Side::Back) => Price(order.price.0 + 100),
        (true, Side::Lay) => Price(order.price.0 - (order.price.0 - 100) / 2),
    }
}

impl FakeMarket {
    fn tell(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    /// Takes the next command; `dice` decides what becomes of it.
    pub(super) fn command(&mut self, n: u64, command: &OrderCommand, dice: u8) {
        if self.commands.arrival(n) != Arrival::Next {
            return;
        }
        self.commands.take(n);
        if self.resolved || dice.is_multiple_of(5) {
            let refusal = Refusal::whole(ExecutionError::MarketSuspended, 0);
            return self.tell(Notice::Answered { n, answer: Answer::Refused(refusal) });
        }
        let waits = dice % 5 == 1;
        match command {
            OrderCommand::Place { orders, .. }
                if orders.iter().any(|order| self.removed.contains(&order.runner)) =>
            {
                let error = InstructionError::RunnerRemoved;
                let refusal = Refusal::of(0, error, orders.len());
                self.tell(Notice::Answered { n, answer: Answer::Refused(refusal) });
            }
            OrderCommand::Place { orders, .. } => {
                // What is for the starting price waits for nothing else.
                let waits = waits && orders.iter().all(|order| !order.kind.is_on_close());
                self.admit(n, orders, waits);
                let bets: Vec<BetId> = orders.iter().map(|order| order.bet).collect();
                if waits {
                    return self.delay(n, bets, None);
                }
                let placed = bets.iter().map(|bet| self.take(*bet, dice)).collect();
                self.tell(Notice::Answered { n, answer: Answer::Placed(placed) });
            }
            OrderCommand::Cancel { orders, on_close } => {
                let line = |order: &CancelOrder| self.cancel(order.bet, order.reduction, *on_close);
                let lines = orders.iter().map(line);
                let answer = Answer::Cancelled(lines.collect());
                self.tell(Notice::Answered { n, answer });
            }
            OrderCommand::Update { orders } => {
                let line = |bet: BetId| match self.orders.get(&bet) {
                    Some(standing) if !standing.order.kind.is_on_close() => Ok(bet),
                    _ => Err(gone(bet)),
                };
                let answer = Answer::Updated(orders.iter().map(|order| line(order.bet)).collect());
                self.tell(Notice::Answered { n, answer });
            }
            OrderCommand::Replace { orders, .. } => {
                let successors: Vec<Option<NewOrder>> = orders
                    .iter()
                    .map(|order| {
                        let old = self.orders.get(&order.bet).filter(|old| !old.waits)?;
                        let (bet, price, size) = (order.new_bet, order.new_price, old.left);
                        Some(NewOrder { bet, price, size, ..old.order })
                    })
                    .collect();
                let cancelled: Vec<_> =
                    orders.iter().map(|order| self.cancel_for(order.bet)).collect();
                let new: Vec<NewOrder> = successors.into_iter().flatten().collect();
                let waits = waits && new.iter().all(|order| !order.kind.is_on_close());
                self.admit(n, &new, waits);
                let bets: Vec<BetId> = new.iter().map(|order| order.bet).collect();
                if waits {
                    return self.delay(n, bets, Some(cancelled));
                }
                self.answer_replaced(n, &bets, cancelled, dice);
            }
        }
    }

    fn admit(&mut self, n: u64, orders: &[NewOrder], waits: bool) {
        for order in orders {
            let standing = Standing { order: *order, left: order.size, n, waits };
            self.orders.insert(order.bet, standing);
        }
    }

    fn delay(
        &mut self,
        n: u64,
        bets: Vec<BetId>,
        cancelled: Option<Vec<Result<CancelledOrder, InstructionFault>>>,
    ) {
        let orders = bets.iter().map(|bet| (*bet, handle(*bet))).collect();
        self.tell(Notice::Waiting { n, orders });
        self.delayed.push(Delayed { n, bets, cancelled });
    }

    fn answer_replaced(
        &mut self,
        n: u64,
        bets: &[BetId],
        cancelled: Vec<Result<CancelledOrder, InstructionFault>>,
        dice: u8,
    ) {
        let mut new = bets.iter();
        let lines = cancelled.into_iter().map(|cancelled| {
            let placed = match (&cancelled, new.as_slice().first()) {
                (Ok(_), Some(bet)) => {
                    new.next();
                    Some(Ok(self.take(*bet, dice)))
                }
                _ => None,
            };
            ReplacedOrder { cancelled, placed }
        });
        let answer = Answer::Replaced(lines.collect());
        self.tell(Notice::Answered { n, answer });
    }

    /// Matches all, some or nothing of an order; the rest rests or goes.
    fn take(&mut self, bet: BetId, dice: u8) -> PlacedOrder {
        let Some(standing) = self.orders.get_mut(&bet) else {
            return PlacedOrder { bet, matched: vec![], remainder: Remainder::None };
        };
        standing.waits = false;
        if standing.order.kind.is_on_close() {
            let remainder = Remainder::Rests { handle: handle(bet), size: standing.left };
            return PlacedOrder { bet, matched: vec![], remainder };
        }
        let size = match dice % 3 {
            0 => Pence::ZERO,
            1 => Pence((standing.left.0 / 3).max(1)),
            _ => standing.left,
        };
        let price = price_for(&standing.order, dice.is_multiple_of(2));
        standing.left -= size;
        let (order, left) = (standing.order, standing.left);
        let mut matched = Vec::new();
        if !size.is_zero() {
            matched.push(Matched { price, size });
            self.matches.push(Match::of(&order, Matched { price, size }));
        }
        let kills = order.time_in_force != TimeInForce::Rest;
        let remainder = if left.is_zero() {
            Remainder::None
        } else if kills || dice.is_multiple_of(7) {
            Remainder::Gone { size: left, reason: LapseReason::Killed }
        } else {
            Remainder::Rests { handle: handle(bet), size: left }
        };
        if !matches!(remainder, Remainder::Rests { .. }) {
            self.orders.remove(&bet);
        }
        PlacedOrder { bet, matched, remainder }
    }

    fn cancel(
        &mut self,
        bet: BetId,
        reduction: Option<Pence>,
        on_close: bool,
    ) -> Result<CancelledOrder, InstructionFault> {
        let standing = self.orders.get_mut(&bet).ok_or(gone(bet))?;
        if standing.order.kind.is_on_close() && !on_close {
            return Err(gone(bet));
        }
        let size = reduction.unwrap_or(standing.left).min(standing.left);
        standing.left -= size;
        if standing.left.is_zero() {
            self.orders.remove(&bet);
        }
        Ok(CancelledOrder { bet, size })
    }

    /// The cancel half of a replace: an order on close is edited, and nothing of it cancelled.
    fn cancel_for(&mut self, bet: BetId) -> Result<CancelledOrder, InstructionFault> {
        match self.orders.get(&bet) {
            Some(standing) if standing.order.kind.is_on_close() => {
                self.orders.remove(&bet);
                Ok(CancelledOrder { bet, size: Pence::ZERO })
            }
            _ => self.cancel(bet, None, false),
        }
    }

    /// The starting price is made, somewhere: who waited for it is matched or gone, who converts too, and
    /// some of the book are met at it.
    pub(super) fn close(&mut self, dice: u8) {
        let price = ExactPrice(1_010_000 + u32::from(dice) * 3_700_037);
        let over_one = i128::from(price.0) - 1_000_000;
        let mut told = Vec::new();
        for (bet, standing) in std::mem::take(&mut self.orders) {
            let order = standing.order;
            let waited = order.kind.is_on_close();
            let converts = order.persistence == Persistence::MarketOnClose;
            let limit = ExactPrice::from(order.price);
            let good = match order.side {
                Side::Back => limit <= price,
                Side::Lay => limit >= price,
            };
            if standing.waits || (!waited && !converts && (!good || dice.is_multiple_of(2))) {
                self.orders.insert(bet, standing);
                continue;
            }
            let left = i128::from(standing.left.0);
            let says_liability = order.side == Side::Lay && (waited || converts);
            let exact = match (waited, order.side) {
                (false, Side::Lay) if converts => order.price.profit(standing.left) / 100,
                _ => left,
            };
            // Some are met in part.
            let used = match (waited && !good, dice % 3) {
                (true, _) => 0,
                (_, 0) => exact / 2,
                _ => exact,
            };
            let stake = if says_liability { used * 1_000_000 / over_one } else { used };
            let pence = |exact: i128| Pence(i64::try_from(exact).unwrap());
            let (liability, lapsed) = match waited || converts {
                true => (pence(exact), pence(if stake == 0 { exact } else { exact - used })),
                false => (Pence::ZERO, Pence::ZERO),
            };
            let matched = pence(stake);
            let value = i64::try_from(price.times(matched)).unwrap();
            let reason = LapseReason::StartingPrice;
            told.push(ClosedBet { bet, liability, matched, value, lapsed, reason });
            if !matched.is_zero() {
                let NewOrder { runner, side, .. } = order;
                self.matches.push(Match { bet, runner, side, value, size: matched });
            }
            if !waited && !converts && matched < standing.left {
                let left = standing.left - matched;
                self.orders.insert(bet, Standing { left, ..standing });
            }
        }
        if !told.is_empty() {
            self.tell(Notice::Closed(told));
        }
    }

    /// A runner does not run: what is unmatched on it goes, lays on others go or are worth less, and what
    /// was matched before is void or reduced.
    pub(super) fn remove(&mut self, runner: Runner, factor: u32, rule: ReductionRule) {
        if self.resolved || self.unpaid || self.commands.last() == 0 || self.removed.len() == 2 {
            return;
        }
        if self.removed.contains(&runner) {
            return;
        }
        let reduction = Reduction { runner, factor, rule };
        let (mut adjusted, mut lapsed) = (Vec::new(), Vec::new());
        self.orders.retain(|bet, standing| {
            let order = &mut standing.order;
            let lay = order.side == Side::Lay && !standing.waits;
            if order.runner == runner
                || (lay && order.persistence == Persistence::Lapse && !order.kind.is_on_close())
            {
                lapsed.push((*bet, standing.left, LapseReason::RunnerRemoved));
                return false;
            }
            if lay && order.kind.is_on_close() {
                standing.left = Pence(standing.left.0 / 2 + 1);
                adjusted.push((*bet, order.price, standing.left));
            } else if lay {
                order.price = reduction.price(order.price).ladder_at_or_below();
                adjusted.push((*bet, order.price, standing.left));
            }
            true
        });
        self.matches.retain(|matched| matched.runner != runner);
        for matched in self.matches.iter_mut().filter(|_| reduction.reduces()) {
            let price = reduction.price_of(matched.value, matched.size);
            matched.value = i64::try_from(price.times(matched.size)).unwrap();
        }
        self.removed.push(runner);
        if !adjusted.is_empty() {
            self.tell(Notice::Adjusted(adjusted));
        }
        if !lapsed.is_empty() {
            self.tell(Notice::Lapsed(lapsed));
        }
        (self.unpaid, self.due) = (true, Pence::ZERO);
        self.tell(Notice::RunnerRemoved(reduction));
    }

    /// The oldest orders that wait have waited long enough.
    pub(super) fn release(&mut self, dice: u8) {
        if self.delayed.is_empty() {
            return;
        }
        let Delayed { n, bets, cancelled } = self.delayed.remove(0);
        match cancelled {
            Some(cancelled) => self.answer_replaced(n, &bets, cancelled, dice),
            None => {
                let placed = bets.iter().map(|bet| self.take(*bet, dice)).collect();
                self.tell(Notice::Answered { n, answer: Answer::Placed(placed) });
            }
        }
    }

    /// Somebody meets a resting order.
    pub(super) fn fill(&mut self, which: u8, dice: u8) {
        let resting: Vec<BetId> =
            self.orders.iter().filter(|(_, order)| order.in_book()).map(|(bet, _)| *bet).collect();
        let Some(bet) = resting.get(usize::from(which) % resting.len().max(1)) else { return };
        let Some(standing) = self.orders.get_mut(bet) else { return };
        let size = Pence((standing.left.0 / i64::from(dice % 3 + 1)).max(1));
        let matched = Matched { price: standing.order.price, size };
        standing.left -= size;
        let (order, left) = (standing.order, standing.left);
        self.matches.push(Match::of(&order, matched));
        if left.is_zero() {
            self.orders.remove(bet);
        }
        self.tell(Notice::Filled([(*bet, matched)].into()));
    }

    /// Everything on the book lapses, also what waits.
    pub(super) fn lapse(&mut self, reason: LapseReason) {
        let orders = std::mem::take(&mut self.orders);
        if orders.is_empty() {
            return;
        }
        let lines = orders.into_iter().map(|(bet, order)| (bet, order.left, reason)).collect();
        self.tell(Notice::Lapsed(lines));
    }

    pub(super) fn withdraw(&mut self, n: u64) {
        match self.commands.arrival(n) {
            Arrival::Next => {
                self.commands.take(n);
                let refusal = Refusal { error: ExecutionError::Timeout, instructions: vec![] };
                self.tell(Notice::Answered { n, answer: Answer::Refused(refusal) });
            }
            Arrival::Repeat => {
                let of = |order: &Standing| order.n == n;
                let left: Vec<_> = self
                    .orders
                    .iter()
                    .filter(|(_, order)| of(order))
                    .map(|(bet, order)| (*bet, order.left, LapseReason::Withdrawn))
                    .collect();
                self.orders.retain(|_, order| !of(order));
                if !left.is_empty() {
                    self.tell(Notice::Lapsed(left));
                }
            }
            Arrival::Gap { .. } => {}
        }
    }

    pub(super) fn settle(
        &mut self,
        terms: &MarketTerms,
        results: Option<Vec<(Runner, RunnerResult)>>,
    ) {
        // Only who ever spoke to the market is told.
        if self.resolved || self.unpaid || self.commands.last() == 0 {
            return;
        }
        self.lapse(LapseReason::MarketClosed);
        (self.resolved, self.unpaid) = (true, true);
        self.generation += 1;
        self.due = results.as_ref().map_or(Pence::ZERO, |results| self.owed(terms, results));
        let resolution = results.map_or(Resolution::Voided, Resolution::Settled);
        self.tell(Notice::Resolved { generation: self.generation, resolution });
    }

    pub(super) fn unsettle(&mut self) {
        if self.resolved && !self.unpaid {
            (self.resolved, self.unpaid) = (false, true);
            self.generation += 1;
            self.due = -self.due;
            let resolution = Resolution::Unsettled;
            self.tell(Notice::Resolved { generation: self.generation, resolution });
        }
    }

    /// Each bet's matches added up as fractions and rounded once.
    fn owed(&self, terms: &MarketTerms, results: &[(Runner, RunnerResult)]) -> Pence {
        let divisor = match terms.kind {
            MarketKind::EachWay { divisor } => i128::from(divisor),
            _ => 100,
        };
        let mut of_bets: BTreeMap<BetId, i128> = BTreeMap::new();
        for Match { bet, runner, side, value, size } in &self.matches {
            let result = results.iter().find(|(named, _)| named == runner).map(|(_, r)| *r);
            let result = result.unwrap_or(RunnerResult::Removed);
            let of_backer = of_backer(terms, *value, *size, result);
            *of_bets.entry(*bet).or_default() +=
                if *side == Side::Back { of_backer } else { -of_backer };
        }
        let pence = of_bets.values().map(|exact| round_half_up(*exact, 100 * PARTS * divisor));
        Pence(i64::try_from(pence.sum::<i128>()).unwrap())
    }
}

/// Stakes are shared by as many as divide this.
const PARTS: i128 = 12;

/// What a backer wins, in hundredths of a penny times `PARTS` times the divisor (100 where there is none).
fn of_backer(terms: &MarketTerms, value: i64, size: Pence, result: RunnerResult) -> i128 {
    use RunnerResult::*;
    let (size, value) = (100 * i128::from(size.0), i128::from(value));
    let (gain, line) = (value - size, 100 * value / size.max(1));
    let part = |gain: i128, size: i128, places: u16, of: u16| {
        let won = PARTS * i128::from(places.min(of)) / i128::from(of);
        won * gain - (PARTS - won) * size
    };
    if let MarketKind::EachWay { divisor } = terms.kind {
        let divisor = i128::from(divisor);
        let (win, place) = match result {
            Winner { places, of } => ((places, of), (terms.number_of_winners, of)),
            Placed { places, of } => ((0, 1), (places, of)),
            Loser => ((0, 1), (0, 1)),
            _ => return 0,
        };
        return divisor * part(gain, size, win.0, win.1)
            + part(100 * gain, divisor * size, place.0, place.1);
    }
    100 * match result {
        Winner { places, of } => part(gain, size, places, of),
        Loser => -PARTS * size,
        HalfWinner => PARTS / 2 * gain,
        HalfLoser => -PARTS / 2 * size,
        Removed | Push | Placed { .. } => 0,
        Counted(counted) if i128::from(counted) < line => PARTS * size,
        Counted(counted) if i128::from(counted) > line => -PARTS * size,
        Counted(_) => 0,
    }
}

fn gone(bet: BetId) -> InstructionFault {
    InstructionFault { bet, error: InstructionError::BetTakenOrLapsed }
}
