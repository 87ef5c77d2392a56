//! What should come of each command, in the order in which the market took them.
//!
//! Owns no state: it carries out on [`NaiveMarket`] what the command says, and compares with the record.

use super::book::{CancelLine, NaiveMarket, NaiveOrder, Wait};
use crate::sim::law::{Check, hold};
use domain::definition::MarketStatus;
use domain::ids::{AccountId, BetId, Handle, Runner};
use domain::money::Pence;
use domain::order::{
    Conditions, ExecutionError, NewOrder, OrderCommand, OrderKind, Persistence, Refusal, Side,
    TimeInForce,
};
use domain::record::{CommandRef, Delayed, MarketEvent, Replaced};
use domain::time::UtcMillis;

impl NaiveMarket {
    pub(super) fn commanded(
        &mut self,
        at: UtcMillis,
        event: &MarketEvent,
        what: &OrderCommand,
    ) -> Check {
        match (event, what) {
            (MarketEvent::Refused { command, refusal }, what) => {
                self.refused(command, refusal, what)
            }
            (
                MarketEvent::Placed { command, orders: taken },
                OrderCommand::Place { orders, conditions },
            ) => {
                let waited = self.end_of_wait(at, command)?.is_some();
                if !waited {
                    self.is_open(conditions, event)?;
                    self.all_run(orders, event)?;
                    hold!(Naive, !self.delays(), "{event:?} should have waited");
                }
                hold!(Naive, orders.len() == taken.len(), "{orders:?} became {taken:?}");
                for (order, taken) in orders.iter().zip(taken) {
                    self.take(command, *order, conditions, waited, taken)?;
                }
                Ok(())
            }
            (
                MarketEvent::Cancelled { command, orders: lines },
                OrderCommand::Cancel { orders, .. },
            ) => {
                hold!(Naive, orders.len() == lines.len(), "{orders:?} became {lines:?}");
                for (order, line) in orders.iter().zip(lines) {
                    self.cancel(command.account, order.bet, order.reduction, line)?;
                }
                Ok(())
            }
            (MarketEvent::Updated { command, orders: lines }, OrderCommand::Update { orders }) => {
                for (order, line) in orders.iter().zip(lines) {
                    let found = self.find(command.account, order.bet).filter(|at| {
                        let old = &self.orders[*at];
                        old.order.persistence != order.persistence
                            && !old.closing
                            && self.may_persist(order.persistence)
                    });
                    hold!(Naive, found.is_some() == line.is_ok(), "{order:?} became {line:?}");
                    if let Some(at) = found {
                        self.orders[at].order.persistence = order.persistence;
                    }
                }
                Ok(())
            }
            (
                MarketEvent::Replaced { command, orders: lines },
                OrderCommand::Replace { orders, conditions },
            ) => self.replaced(at, command, orders, conditions, lines, event),
            (MarketEvent::Delayed { command, until, orders: held, waiting }, what) => {
                hold!(Naive, self.delays(), "{event:?} should not wait");
                hold!(Naive, *until == at.plus_ms(i64::from(self.delay_s) * 1_000), "{event:?}");
                self.delayed(command, *until, held, waiting, what, event)
            }
            _ => {
                hold!(Naive, false, "{what:?} became {event:?}");
                Ok(())
            }
        }
    }

    fn delays(&self) -> bool {
        self.in_play && self.delay_s > 0
    }

    fn is_open(&self, conditions: &Conditions, event: &MarketEvent) -> Check {
        let expected = self.refuses(conditions);
        hold!(Naive, expected.is_none(), "{event:?} should be refused: {expected:?}");
        Ok(())
    }

    fn closed_now(&self) -> Option<ExecutionError> {
        match self.status {
            MarketStatus::Open => None,
            MarketStatus::Suspended => Some(ExecutionError::MarketSuspended),
            _ => Some(ExecutionError::MarketNotOpenForBetting),
        }
    }

    fn closed_for(&self, conditions: &Conditions) -> Option<ExecutionError> {
        let version = conditions.market_version?;
        if version > self.version {
            return Some(ExecutionError::InvalidMarketVersion);
        }
        (version < self.material).then_some(ExecutionError::BetActionError)
    }

    fn refuses(&self, conditions: &Conditions) -> Option<ExecutionError> {
        self.closed_now().or_else(|| self.closed_for(conditions))
    }

    fn refused(&self, command: &CommandRef, refusal: &Refusal, what: &OrderCommand) -> Check {
        // The third attempt of a command is refused unread: the log does not say which attempt it was.
        if refusal.error == ExecutionError::ServiceUnavailable {
            return Ok(());
        }
        let expected = match what {
            OrderCommand::Place { orders, conditions } => self.refuses(conditions).or_else(|| {
                let strange =
                    orders.iter().any(|order| !self.runs(order.runner) || !self.may_wait(order));
                let own = !conditions.self_match
                    && !self.delays()
                    && orders.iter().any(|order| self.stands_against(command.account, order));
                (strange || own).then_some(ExecutionError::BetActionError)
            }),
            OrderCommand::Replace { conditions, .. } => self.refuses(conditions),
            OrderCommand::Cancel { .. } | OrderCommand::Update { .. } => None,
        };
        hold!(
            Naive,
            expected == Some(refusal.error),
            "{what:?} was refused as {refusal:?}, not {expected:?}"
        );
        Ok(())
    }

    pub(super) fn runs(&self, runner: Runner) -> bool {
        let runners = self.definition.iter().flat_map(|definition| &definition.runners);
        runners.into_iter().any(|named| named.runner == runner) && !self.is_removed(runner)
    }

    /// Nothing waits for a starting price that is made already, or never will be.
    fn may_persist(&self, persistence: Persistence) -> bool {
        persistence != Persistence::MarketOnClose || self.awaits_starting_price()
    }

    fn may_wait(&self, order: &NewOrder) -> bool {
        let rests = order.time_in_force == TimeInForce::Rest;
        let on_close = order.kind.is_on_close() && !self.awaits_starting_price();
        !on_close && (!rests || self.may_persist(order.persistence))
    }

    fn all_run(&self, orders: &[NewOrder], event: &MarketEvent) -> Check {
        let all = orders.iter().all(|order| self.runs(order.runner) && self.may_wait(order));
        hold!(Naive, all, "{event:?} is on a runner that does not run");
        Ok(())
    }

    /// The account has an order on the other side.
    fn stands_against(&self, account: AccountId, order: &NewOrder) -> bool {
        let meets = !order.kind.is_on_close();
        meets && self.opposite(order).iter().any(|at| self.orders[*at].account == account)
    }

    fn cancel(
        &mut self,
        account: AccountId,
        bet: BetId,
        reduction: Option<Pence>,
        line: &CancelLine,
    ) -> Check {
        let found = self.find(account, bet).filter(|at| !self.orders[*at].closing);
        let expected = found.map(|at| {
            let remaining = self.orders[at].remaining;
            reduction.map_or(remaining, |size| size.0.min(remaining))
        });
        let real = line.as_ref().ok().map(|(order, _)| order.size.0);
        let named = match line {
            Ok((order, _)) => order.bet,
            Err(fault) => fault.bet,
        };
        hold!(
            Naive,
            expected == real && named == bet,
            "cancel of {bet} by {account} should take {expected:?}: {line:?}"
        );
        if let (Some(at), Some(size)) = (found, expected) {
            self.orders[at].remaining -= size;
            self.orders.retain(|order| order.remaining > 0);
        }
        Ok(())
    }

    /// The cancel half of a replacement; what takes over.
    fn give_way(
        &mut self,
        account: AccountId,
        orders: &[domain::order::ReplaceOrder],
        lines: &[CancelLine],
    ) -> Check<Vec<NewOrder>> {
        hold!(Naive, orders.len() == lines.len(), "{orders:?} became {lines:?}");
        let mut successors = Vec::new();
        for (order, line) in orders.iter().zip(lines) {
            if let Some(at) = self.find(account, order.bet) {
                if self.orders[at].closing {
                    successors.extend(self.edit(at, order, line)?);
                    continue;
                }
                let old = &self.orders[at];
                let (bet, size, price) = (order.new_bet, Pence(old.remaining), order.new_price);
                let kind = OrderKind::Limit;
                successors.push(NewOrder { bet, size, price, kind, ..old.order });
            }
            self.cancel(account, order.bet, None, line)?;
        }
        Ok(successors)
    }

    /// An order on close takes another limit, if it is easier to meet: shown as the cancel of nothing.
    fn edit(
        &mut self,
        at: usize,
        replace: &domain::order::ReplaceOrder,
        line: &CancelLine,
    ) -> Check<Option<NewOrder>> {
        let old = &self.orders[at];
        let (bet, price) = (replace.new_bet, replace.new_price);
        let easier = match old.order.side {
            Side::Back => price < old.order.price,
            Side::Lay => price > old.order.price,
        };
        let edits = easier && price.index().is_some();
        let cancelled = line.as_ref().ok().map(|(order, _)| (order.bet, order.size.0));
        let expected = edits.then_some((replace.bet, 0));
        hold!(Naive, cancelled == expected, "{old:?} edited to {replace:?}: {line:?}");
        if !edits {
            return Ok(None);
        }
        let old = self.orders.remove(at);
        let (size, kind) = (Pence(old.remaining), OrderKind::LimitOnClose);
        let time_in_force = TimeInForce::Rest;
        Ok(Some(NewOrder { bet, size, price, kind, time_in_force, ..old.order }))
    }

    fn replaced(
        &mut self,
        at: UtcMillis,
        command: &CommandRef,
        orders: &[domain::order::ReplaceOrder],
        conditions: &Conditions,
        lines: &[Replaced],
        event: &MarketEvent,
    ) -> Check {
        let waited = self.end_of_wait(at, command)?;
        let was_waiting = waited.is_some();
        let successors = match waited {
            Some(wait) => {
                let cancelled: Vec<CancelLine> = lines.iter().map(|line| line.cancelled).collect();
                hold!(
                    Naive,
                    wait.cancelled.as_ref() == Some(&cancelled),
                    "{event:?} cancelled {wait:?}"
                );
                wait.bets
            }
            None => {
                self.is_open(conditions, event)?;
                let cancelled: Vec<CancelLine> = lines.iter().map(|line| line.cancelled).collect();
                self.give_way(command.account, orders, &cancelled)?
            }
        };
        let placed: Vec<_> = lines.iter().filter_map(|line| line.placed.as_ref()).collect();
        hold!(Naive, placed.len() == successors.len(), "{event:?} of {successors:?}");
        let failed = placed.iter().filter(|placed| placed.is_err()).count();
        let of_book = successors.iter().filter(|order| !order.kind.is_on_close());
        let of_book: Vec<NewOrder> = of_book.copied().collect();
        if failed > 0 {
            let strict = !conditions.self_match && !self.delays();
            let own = strict && of_book.iter().any(|o| self.stands_against(command.account, o));
            hold!(Naive, failed == of_book.len() && (own || crosses(&of_book)), "{event:?}");
        } else if !was_waiting {
            hold!(Naive, !crosses(&of_book), "{event:?} crosses itself");
            hold!(Naive, !self.delays() || of_book.is_empty(), "{event:?} should have waited");
        }
        for (order, placed) in successors.iter().zip(placed) {
            match placed {
                Ok(taken) => self.take(command, *order, conditions, was_waiting, taken)?,
                Err(_) => hold!(Naive, !order.kind.is_on_close(), "{order:?} cannot fail"),
            }
        }
        Ok(())
    }

    fn delayed(
        &mut self,
        command: &CommandRef,
        until: UtcMillis,
        held: &[(NewOrder, Handle)],
        waiting: &Delayed,
        what: &OrderCommand,
        event: &MarketEvent,
    ) -> Check {
        let CommandRef { account, n, .. } = *command;
        let (bets, cancelled) = match (what, waiting) {
            (OrderCommand::Place { orders, conditions }, Delayed::Place(_)) => {
                self.is_open(conditions, event)?;
                self.all_run(orders, event)?;
                (orders.to_vec(), None)
            }
            (OrderCommand::Replace { orders, conditions }, Delayed::Replace(_, lines)) => {
                self.is_open(conditions, event)?;
                let successors = self.give_way(account, orders, lines)?;
                (successors, Some(lines.clone()))
            }
            _ => {
                hold!(Naive, false, "{what:?} became {event:?}");
                return Ok(());
            }
        };
        let real: Vec<NewOrder> = held.iter().map(|(order, _)| *order).collect();
        hold!(Naive, bets == real, "{bets:?} should wait: {event:?}");
        for order in &bets {
            let (order, remaining) = (*order, order.size.0);
            let (waiting, closing) = (true, false);
            self.orders.push(NaiveOrder { account, n, order, remaining, waiting, closing });
        }
        self.waits.push(Wait { account, n, until, bets, cancelled });
        Ok(())
    }

    fn end_of_wait(&mut self, at: UtcMillis, command: &CommandRef) -> Check<Option<Wait>> {
        let same = |wait: &Wait| wait.account == command.account && wait.n == command.n;
        let Some(found) = self.waits.iter().position(same) else { return Ok(None) };
        let wait = self.waits.remove(found);
        hold!(Naive, wait.until <= at, "{wait:?} ended at {at}");
        Ok(Some(wait))
    }
}

/// Two of these orders would meet each other.
fn crosses(orders: &[NewOrder]) -> bool {
    let of = |side: Side| orders.iter().filter(move |order| order.side == side);
    of(Side::Back)
        .any(|back| of(Side::Lay).any(|lay| lay.runner == back.runner && lay.price >= back.price))
}
