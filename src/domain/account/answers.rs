//! The market's answer to one command, folded: bets change, holds are freed, and the session's outcome is
//! put together from it.

use super::bet::{Bet, Stage};
use super::position::{Position, Sent};
use super::{Account, Outgoing};
use crate::ids::{BetId, Handle, MarketId};
use crate::money::Pence;
use crate::order::{
    Answer, ExecutionError, InstructionError, InstructionFault, LapseReason, NewOrder,
    OrderCommand, OrderKind, OrderType, PlacedOrder, Refusal, Remainder, ReplaceOrder,
    ReplacedOrder, Ticket, TimeInForce, UpdateOrder,
};
use crate::record::Ordered;
use crate::request::{
    CancelReport, CancelledBet, Execution, Outcome, PlaceReport, PlacedBet, PlacedEnd,
    ReplaceReport, ReplacedBet, UpdateReport,
};
use crate::time::UtcMillis;

impl Account {
    pub(super) fn fold_answer(&mut self, at: UtcMillis, market: MarketId, n: u64, answer: &Answer) {
        let Some(position) = self.positions.get_mut(&market) else { return };
        let Some(sent) = position.commands.settle(n) else { return };
        position.withdrawn.retain(|withdrawn| *withdrawn != n);
        position.waiting.retain(|waiting| *waiting != n);
        let outcome = match (&sent.command, answer) {
            (OrderCommand::Place { orders, .. }, Answer::Placed(placed)) => {
                Outcome::Placed(position.placed_all(at, orders, placed))
            }
            (OrderCommand::Place { orders, .. }, refused) => {
                Outcome::Placed(position.placement_refused(orders, &refusal(refused)))
            }
            (OrderCommand::Cancel { .. }, Answer::Cancelled(results)) => {
                Outcome::Cancelled(position.cancelled_all(at, market, &sent, results))
            }
            (OrderCommand::Cancel { orders, .. }, refused) => {
                let bets = orders.iter().map(|order| order.bet);
                let refused = refusal(refused);
                Outcome::Cancelled(change_refused(&sent, &refused, bets, |bet, error| {
                    CancelReport { market, bet, result: Err(error) }
                }))
            }
            (OrderCommand::Replace { orders, .. }, Answer::Replaced(results)) => {
                Outcome::Replaced(position.replaced_all(at, market, &sent, orders, results))
            }
            (OrderCommand::Replace { orders, .. }, refused) => Outcome::Replaced(
                position.replace_refused(at, market, &sent, orders, &refusal(refused)),
            ),
            (OrderCommand::Update { orders }, Answer::Updated(results)) => {
                Outcome::Updated(position.updated_all(&sent, orders, results))
            }
            (OrderCommand::Update { orders }, refused) => {
                let bets = orders.iter().map(|order| order.bet);
                let refused = refusal(refused);
                Outcome::Updated(change_refused(&sent, &refused, bets, |bet, error| {
                    Err((bet, error))
                }))
            }
        };
        position.tidy();
        self.switch.answered(market, n, &outcome);
        for bet in touched(&sent.command) {
            self.outgoing.push(Outgoing::BetChanged { market, bet });
        }
        let Some(key) = sent.request else { return };
        if let Some(outcome) = self.sessions.answer(key, outcome) {
            self.customer_refs.ended(key, &outcome);
            let (session, n) = (key.session, key.n);
            self.outgoing.push(Outgoing::ToSession { session, n, outcome });
        }
    }
}

impl Account {
    /// How replacements that were just taken end when nothing comes between. `None` when some were not sent on.
    pub fn expected_of(&self, at: UtcMillis, ordered: &Ordered) -> Option<Vec<ReplaceReport>> {
        let OrderCommand::Replace { orders, .. } = &ordered.command else { return None };
        let position = self.positions.get(&ordered.market)?;
        let expected = orders.iter().map(|order| position.expected(at, ordered.market, order));
        ordered.faults.is_empty().then(|| expected.collect())?
    }
}

/// Every bet that a command may have changed.
fn touched(command: &OrderCommand) -> impl Iterator<Item = BetId> {
    let (mut placed, mut cancelled, mut replaced, mut updated) = (None, None, None, None);
    match command {
        OrderCommand::Place { orders, .. } => placed = Some(orders),
        OrderCommand::Cancel { orders, .. } => cancelled = Some(orders),
        OrderCommand::Replace { orders, .. } => replaced = Some(orders),
        OrderCommand::Update { orders } => updated = Some(orders),
    }
    let placed = placed.into_iter().flatten().map(|order| order.bet);
    let cancelled = cancelled.into_iter().flatten().map(|order| order.bet);
    let replaced = replaced.into_iter().flatten().flat_map(|order| [order.bet, order.new_bet]);
    let updated = updated.into_iter().flatten().map(|order| order.bet);
    placed.chain(cancelled).chain(replaced).chain(updated)
}

/// An answer of another kind than the command's is the market's broken promise: nothing was done.
fn refusal(answer: &Answer) -> Refusal {
    match answer {
        Answer::Refused(refusal) => refusal.clone(),
        _ => Refusal { error: ExecutionError::ErrorInMatcher, instructions: Vec::new() },
    }
}

impl Refusal {
    fn of_instruction(&self, at: usize) -> InstructionError {
        self.instructions.get(at).copied().unwrap_or(InstructionError::ErrorInOrder)
    }
}

/// `None` when every line went well; a mixture, or nothing but faults.
fn verdict(failed: usize, all: usize) -> Option<ExecutionError> {
    match failed {
        0 => None,
        failed if failed < all => Some(ExecutionError::ProcessedWithErrors),
        _ => Some(ExecutionError::BetActionError),
    }
}

/// The lines of a whole request: those of the command with the ones that were never sent in their places.
fn with_faults<T>(
    faults: &[(u32, InstructionFault)],
    sent: impl Iterator<Item = T>,
    line: impl Fn(BetId, InstructionError) -> T,
) -> Vec<T> {
    let mut lines: Vec<T> = Vec::with_capacity(faults.len() + sent.size_hint().0);
    let mut faults = faults.iter().peekable();
    let mut due = |lines: &mut Vec<T>| {
        while let Some((_, fault)) = faults.next_if(|(at, _)| *at as usize == lines.len()) {
            lines.push(line(fault.bet, fault.error));
        }
    };
    for next in sent {
        due(&mut lines);
        lines.push(next);
    }
    due(&mut lines);
    lines
}

fn change_refused<T>(
    sent: &Sent,
    refusal: &Refusal,
    bets: impl Iterator<Item = BetId>,
    line: impl Fn(BetId, InstructionError) -> T,
) -> Execution<T> {
    let lines = bets.enumerate().map(|(at, bet)| line(bet, refusal.of_instruction(at)));
    Execution { error: Some(refusal.error), reports: with_faults(&sent.faults, lines, &line) }
}

/// How a placed bet is reported. An order that went for one of these reasons before anything was matched
/// is reported as failed, under the exchange's names.
fn report(bet: &Bet, remainder: Remainder) -> PlaceReport {
    let nothing = bet.matched.is_zero();
    let end = match remainder {
        Remainder::Rests { .. } if bet.at_close => PlacedEnd::ExecutionComplete,
        Remainder::Rests { .. } => PlacedEnd::Executable,
        Remainder::None => PlacedEnd::ExecutionComplete,
        Remainder::Gone { reason, .. } => match reason {
            LapseReason::MarketVersion if nothing => {
                return Err(InstructionError::BetTakenOrLapsed);
            }
            LapseReason::PriceImprovementTooLarge if nothing => {
                return Err(InstructionError::BetLapsedPriceImprovementTooLarge);
            }
            LapseReason::Killed if nothing => PlacedEnd::Expired,
            _ => PlacedEnd::ExecutionComplete,
        },
    };
    Ok(PlacedBet {
        bet: bet.id,
        placed_at: bet.placed_at,
        size_matched: bet.matched,
        matched_times_price: i128::from(bet.value),
        end,
    })
}

impl Position {
    fn placed_all(
        &mut self,
        at: UtcMillis,
        orders: &[NewOrder],
        placed: &[PlacedOrder],
    ) -> Execution<PlaceReport> {
        let mut reports = Vec::with_capacity(orders.len());
        for (position, order) in orders.iter().enumerate() {
            let of = |placed: &&PlacedOrder| placed.bet == order.bet;
            let answer = placed.get(position).filter(of).or_else(|| placed.iter().find(of));
            reports.push(self.place_one(at, order.bet, answer));
        }
        let failed = reports.iter().filter(|report| report.is_err()).count();
        Execution { error: verdict(failed, reports.len()), reports }
    }

    /// An order of which the answer says nothing was taken out while it waited.
    fn place_one(
        &mut self,
        at: UtcMillis,
        bet: BetId,
        placed: Option<&PlacedOrder>,
    ) -> PlaceReport {
        let gone = PlacedOrder {
            bet,
            matched: Vec::new(),
            remainder: Remainder::Gone { size: Pence::ZERO, reason: LapseReason::Withdrawn },
        };
        let placed = placed.unwrap_or(&gone);
        self.placed(at, placed);
        match self.bet(bet) {
            Some(bet) => report(bet, placed.remainder),
            None => Err(InstructionError::InvalidBetId),
        }
    }

    fn placement_refused(
        &mut self,
        orders: &[NewOrder],
        refusal: &Refusal,
    ) -> Execution<PlaceReport> {
        for order in orders {
            self.remove(order.bet);
            self.forget_runner(order.runner);
        }
        let reports = (0..orders.len()).map(|at| Err(refusal.of_instruction(at))).collect();
        Execution { error: Some(refusal.error), reports }
    }

    fn cancelled_all(
        &mut self,
        at: UtcMillis,
        market: MarketId,
        sent: &Sent,
        results: &[Result<crate::order::CancelledOrder, InstructionFault>],
    ) -> Execution<CancelReport> {
        let lines = results.iter().map(|result| match result {
            Ok(cancelled) => {
                self.cancel(at, cancelled.bet, cancelled.size);
                let done = CancelledBet { size: cancelled.size, at };
                CancelReport { market, bet: cancelled.bet, result: Ok(done) }
            }
            Err(fault) => CancelReport { market, bet: fault.bet, result: Err(fault.error) },
        });
        let reports = with_faults(&sent.faults, lines, |bet, error| CancelReport {
            market,
            bet,
            result: Err(error),
        });
        let failed = reports.iter().filter(|report| report.result.is_err()).count();
        Execution { error: verdict(failed, reports.len()), reports }
    }

    fn updated_all(
        &mut self,
        sent: &Sent,
        orders: &[UpdateOrder],
        results: &[Result<BetId, InstructionFault>],
    ) -> Execution<UpdateReport> {
        let lines = results.iter().map(|result| match result {
            Ok(bet) => {
                if let Some(order) = orders.iter().find(|order| order.bet == *bet) {
                    self.persist(*bet, order.persistence);
                }
                Ok(*bet)
            }
            Err(fault) => Err((fault.bet, fault.error)),
        });
        let reports = with_faults(&sent.faults, lines, |bet, error| Err((bet, error)));
        let failed = reports.iter().filter(|report| report.is_err()).count();
        Execution { error: verdict(failed, reports.len()), reports }
    }

    // ------------------------------------------------------------------------------------- replace

    /// The orders of command `n` wait for the bet delay. Of a replace the cancel half is done by now: the
    /// rest of the old bet has become the new one.
    pub(super) fn wait_for_delay(&mut self, at: UtcMillis, n: u64, orders: &[(BetId, Handle)]) {
        if self.commands.get(n).is_none() {
            return;
        }
        self.waiting.push(n);
        let replaced: Vec<ReplaceOrder> = match self.commands.get(n).map(|sent| &sent.command) {
            Some(OrderCommand::Replace { orders, .. }) => orders.clone(),
            _ => Vec::new(),
        };
        for (bet, handle) in orders {
            if let Some(order) = replaced.iter().find(|order| order.new_bet == *bet) {
                self.replaced(order.bet);
                let size = self.cancel(at, order.bet, Pence(i64::MAX));
                self.succeed(at, order.bet, order.new_bet, order.new_price, size);
            }
            self.wait(*bet, *handle);
        }
    }

    fn replaced_all(
        &mut self,
        at: UtcMillis,
        market: MarketId,
        sent: &Sent,
        orders: &[ReplaceOrder],
        results: &[ReplacedOrder],
    ) -> Execution<ReplaceReport> {
        let lines = orders
            .iter()
            .zip(results)
            .map(|(order, result)| self.replace_one(at, market, order, result));
        let reports = with_faults(&sent.faults, lines, |bet, error| ReplaceReport {
            cancel: CancelReport { market, bet, result: Err(error) },
            place: None,
            error: Some(error),
        });
        let failed = reports.iter().filter(|report| report.error.is_some()).count();
        Execution { error: verdict(failed, reports.len()), reports }
    }

    fn replace_one(
        &mut self,
        at: UtcMillis,
        market: MarketId,
        order: &ReplaceOrder,
        result: &ReplacedOrder,
    ) -> ReplaceReport {
        self.replaced(order.bet);
        let cancelled = match &result.cancelled {
            Ok(cancelled) => cancelled.size,
            Err(fault) => {
                let cancel = CancelReport { market, bet: order.bet, result: Err(fault.error) };
                return ReplaceReport { cancel, place: None, error: Some(fault.error) };
            }
        };
        let waited = self.bet(order.new_bet).is_some();
        if !waited {
            self.cancel(at, order.bet, cancelled);
            self.succeed(at, order.bet, order.new_bet, order.new_price, cancelled);
        }
        let ticket = self.ticket(order.new_bet);
        let report = match &result.placed {
            Some(Ok(placed)) => self.place_one(at, order.new_bet, Some(placed)),
            Some(Err(fault)) => Err(fault.error),
            None => Err(InstructionError::CancelledNotPlaced),
        };
        if !matches!(result.placed, Some(Ok(_))) {
            self.remove(order.new_bet);
        }
        let done = CancelledBet { size: cancelled, at };
        ReplaceReport {
            cancel: CancelReport { market, bet: order.bet, result: Ok(done) },
            error: report.is_err().then_some(InstructionError::CancelledNotPlaced),
            place: ticket.map(|ticket| ReplacedBet { ticket, report }),
        }
    }

    /// How replacements end when nothing comes between: for who does not wait for their market.
    fn expected(
        &self,
        at: UtcMillis,
        market: MarketId,
        order: &ReplaceOrder,
    ) -> Option<ReplaceReport> {
        let size = self.bet(order.bet)?.remaining();
        let ticket = Ticket { price: order.new_price, size, ..self.ticket(order.bet)? };
        let report = Ok(PlacedBet {
            bet: order.new_bet,
            placed_at: at,
            size_matched: Pence::ZERO,
            matched_times_price: 0,
            end: PlacedEnd::Executable,
        });
        let cancel = CancelReport { market, bet: order.bet, result: Ok(CancelledBet { size, at }) };
        Some(ReplaceReport { cancel, place: Some(ReplacedBet { ticket, report }), error: None })
    }

    /// Nothing was done, unless the orders waited: then their old bets are gone and nothing came of it.
    fn replace_refused(
        &mut self,
        at: UtcMillis,
        market: MarketId,
        sent: &Sent,
        orders: &[ReplaceOrder],
        refusal: &Refusal,
    ) -> Execution<ReplaceReport> {
        let lines = orders.iter().enumerate().map(|(position, order)| {
            self.replaced(order.bet);
            let error = refusal.of_instruction(position);
            let waited = self.bet(order.new_bet).map(|bet| bet.size);
            let ticket = self.ticket(order.new_bet);
            self.remove(order.new_bet);
            let result = match waited {
                Some(size) => Ok(CancelledBet { size, at }),
                None => Err(error),
            };
            ReplaceReport {
                cancel: CancelReport { market, bet: order.bet, result },
                place: ticket.map(|ticket| ReplacedBet { ticket, report: Err(error) }),
                error: Some(waited.map_or(error, |_| InstructionError::CancelledNotPlaced)),
            }
        });
        let reports = with_faults(&sent.faults, lines, |bet, error| ReplaceReport {
            cancel: CancelReport { market, bet, result: Err(error) },
            place: None,
            error: Some(error),
        });
        Execution { error: Some(refusal.error), reports }
    }

    /// A bet as if its customer had written it.
    fn ticket(&self, bet: BetId) -> Option<Ticket> {
        self.bet(bet).map(|bet| Ticket {
            runner: self.runner(bet),
            side: bet.side,
            kind: match bet.order_type {
                OrderType::Limit => OrderKind::Limit,
                OrderType::LimitOnClose => OrderKind::LimitOnClose,
                OrderType::MarketOnClose => OrderKind::MarketOnClose,
            },
            price: bet.price,
            size: if bet.at_close { bet.liability } else { bet.size },
            persistence: bet.persistence,
            time_in_force: TimeInForce::Rest,
            reference: bet.references.as_ref().and_then(|names| names.order.clone()),
        })
    }

    /// Bets that rest, as far as is known.
    pub(super) fn resting(&self) -> impl Iterator<Item = BetId> {
        let rests = |bet: &&Bet| matches!(bet.stage, Stage::Resting | Stage::Replacing);
        self.live_bets().filter(rests).map(|bet| bet.id)
    }
}
