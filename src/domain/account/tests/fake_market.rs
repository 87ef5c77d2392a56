//! A market that does whatever the test's dice say, within what a market may do: it takes commands in
//! order, answers each once, matches at the limit or better, and numbers what it tells.
//!
//! It is also the oracle of payments: it keeps every match and adds up what is won from them.

use super::*;
use crate::link::{Inbound, Outbound};
use crate::money::round_half_up;
use crate::order::{CancelledOrder, InstructionFault, LapseReason, NewOrder, ReplacedOrder};
use crate::record::{Resolution, RunnerResult};

#[derive(Debug, Clone)]
struct Standing {
    order: NewOrder,
    left: Pence,
    n: u64,
    waits: bool,
}

/// A command whose orders wait, with the cancel half of a replace.
#[derive(Debug, Clone)]
struct Delayed {
    n: u64,
    bets: Vec<BetId>,
    cancelled: Option<Vec<Result<CancelledOrder, InstructionFault>>>,
}

#[derive(Debug, Default)]
pub(super) struct FakeMarket {
    commands: Inbound,
    pub(super) notices: Outbound<Notice>,
    orders: BTreeMap<BetId, Standing>,
    delayed: Vec<Delayed>,
    matches: Vec<(BetId, Runner, Side, Matched)>,
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
            OrderCommand::Place { orders, .. } => {
                self.admit(n, orders, waits);
                let bets: Vec<BetId> = orders.iter().map(|order| order.bet).collect();
                if waits {
                    return self.delay(n, bets, None);
                }
                let placed = bets.iter().map(|bet| self.take(*bet, dice)).collect();
                self.tell(Notice::Answered { n, answer: Answer::Placed(placed) });
            }
            OrderCommand::Cancel { orders } => {
                let lines = orders.iter().map(|order| self.cancel(order.bet, order.reduction));
                let answer = Answer::Cancelled(lines.collect());
                self.tell(Notice::Answered { n, answer });
            }
            OrderCommand::Update { orders } => {
                let line = |bet: BetId| match self.orders.contains_key(&bet) {
                    true => Ok(bet),
                    false => Err(gone(bet)),
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
                    orders.iter().map(|order| self.cancel(order.bet, None)).collect();
                let new: Vec<NewOrder> = successors.into_iter().flatten().collect();
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
            self.matches.push((bet, order.runner, order.side, Matched { price, size }));
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
    ) -> Result<CancelledOrder, InstructionFault> {
        let standing = self.orders.get_mut(&bet).ok_or(gone(bet))?;
        let size = reduction.unwrap_or(standing.left).min(standing.left);
        standing.left -= size;
        if standing.left.is_zero() {
            self.orders.remove(&bet);
        }
        Ok(CancelledOrder { bet, size })
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
            self.orders.iter().filter(|(_, order)| !order.waits).map(|(bet, _)| *bet).collect();
        let Some(bet) = resting.get(usize::from(which) % resting.len().max(1)) else { return };
        let Some(standing) = self.orders.get_mut(bet) else { return };
        let size = Pence((standing.left.0 / i64::from(dice % 3 + 1)).max(1));
        let matched = Matched { price: standing.order.price, size };
        standing.left -= size;
        let (order, left) = (standing.order, standing.left);
        self.matches.push((*bet, order.runner, order.side, matched));
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

    pub(super) fn settle(&mut self, results: Option<Vec<(Runner, RunnerResult)>>) {
        // Only who ever spoke to the market is told.
        if self.resolved || self.unpaid || self.commands.last() == 0 {
            return;
        }
        self.lapse(LapseReason::MarketClosed);
        (self.resolved, self.unpaid) = (true, true);
        self.generation += 1;
        self.due = results.as_ref().map_or(Pence::ZERO, |results| self.owed(results));
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
    fn owed(&self, results: &[(Runner, RunnerResult)]) -> Pence {
        let mut of_bets: BTreeMap<BetId, i128> = BTreeMap::new();
        const PARTS: i128 = 6;
        for (bet, runner, side, matched) in &self.matches {
            let result = results.iter().find(|(named, _)| named == runner).map(|(_, r)| *r);
            let (size, profit) = (i128::from(matched.size.0), matched.price.profit(matched.size));
            let of_backer = match result {
                Some(RunnerResult::Winner { places, of }) => {
                    let won = PARTS * i128::from(places) / i128::from(of);
                    won * profit - (PARTS - won) * 100 * size
                }
                Some(RunnerResult::Loser) => -PARTS * 100 * size,
                Some(RunnerResult::Removed) | None => 0,
            };
            *of_bets.entry(*bet).or_default() +=
                if *side == Side::Back { of_backer } else { -of_backer };
        }
        let pence = of_bets.values().map(|exact| round_half_up(*exact, 100 * PARTS));
        Pence(i64::try_from(pence.sum::<i128>()).unwrap())
    }
}

fn gone(bet: BetId) -> InstructionFault {
    InstructionFault { bet, error: InstructionError::BetTakenOrLapsed }
}
