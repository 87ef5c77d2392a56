//! Commands of accounts: each is decided order by order, applied as it goes, and yields one record.
//!
//! What is wrong with a whole command is found before anything is done, so that a refused one left no trace
//! but its number. A placement is all or none; cancels and updates fail one by one; a replacement cancels
//! first and then places all or none, and its cancels stand.

use super::outcomes::zip_replaced;
use super::slab::{Place, Spot};
use super::{MAX_ATTEMPTS, MAX_ORDERS, MAX_PLACED, Market};
use crate::definition::MarketStatus;
use crate::few::Few;
use crate::ids::{BetId, Handle, Runner};
use crate::money::Pence;
use crate::order::InstructionError::RelatedActionFailed;
use crate::order::{
    CancelOrder, CancelledOrder, Conditions, ExecutionError, InstructionError, InstructionFault,
    NewOrder, OrderCommand, OrderKind, Persistence, Refusal, ReplaceOrder, Side, TimeInForce,
    UpdateOrder,
};
use crate::record::{CommandRef, Delayed, MarketEvent, Taken};
use crate::time::UtcMillis;

pub(super) type Cancelled = Result<(CancelledOrder, Handle), InstructionFault>;
pub(super) type Updated = Result<(BetId, Handle, Persistence), InstructionFault>;

impl Market {
    pub(super) fn decide(
        &mut self,
        now: UtcMillis,
        own: u32,
        command: &CommandRef,
        attempt: u32,
        what: &OrderCommand,
        records: &mut Vec<MarketEvent>,
    ) {
        let decided = if attempt >= MAX_ATTEMPTS {
            Err(whole(ExecutionError::ServiceUnavailable, what))
        } else if self.definition.is_none() {
            Err(whole(ExecutionError::InvalidMarketId, what))
        } else {
            match what {
                OrderCommand::Place { orders, conditions } => {
                    self.place(now, own, command, orders, conditions, records)
                }
                OrderCommand::Cancel { orders, on_close } => {
                    self.cancel(own, command, orders, *on_close, records)
                }
                OrderCommand::Replace { orders, conditions } => {
                    self.replace(now, own, command, orders, conditions, records)
                }
                OrderCommand::Update { orders } => self.update(own, command, orders, records),
            }
        };
        if let Err(refusal) = decided {
            self.apply_refused(command, &refusal);
            records.push(MarketEvent::Refused { command: *command, refusal });
        }
    }

    // ------------------------------------------------------------------------------------- place

    fn place(
        &mut self,
        now: UtcMillis,
        own: u32,
        command: &CommandRef,
        orders: &[NewOrder],
        conditions: &Conditions,
        records: &mut Vec<MarketEvent>,
    ) -> Result<(), Refusal> {
        self.check_open(conditions, orders.len())?;
        if self.book.orders.len() + orders.len() > MAX_ORDERS {
            return Err(Refusal::whole(ExecutionError::ServiceUnavailable, orders.len()));
        }
        let refused = |(culprit, error)| Refusal::of(culprit, error, orders.len());
        self.check_room(orders).map_err(refused)?;
        self.check(own, orders, conditions).map_err(refused)?;
        self.begin(own, command);
        if self.waits() && !self.passes(own, orders, conditions) {
            self.placed += orders.iter().map(|order| order.size).sum();
            records.push(self.delay(now, own, command, orders, Delayed::Place(*conditions)));
            return Ok(());
        }
        let place = |order: &_| self.place_one(now, own, command.n, order, conditions);
        let orders: Few<Taken> = Few::each(orders, place);
        self.placed += orders.iter().map(|taken| taken.order.size).sum();
        self.answer_placed(own, command.n, &orders);
        records.push(MarketEvent::Placed { command: *command, orders });
        Ok(())
    }

    #[inline(always)]
    fn place_one(
        &mut self,
        now: UtcMillis,
        own: u32,
        n: u64,
        order: &NewOrder,
        conditions: &Conditions,
    ) -> Taken {
        let spot = self.spot(order).expect("checked when the command came");
        let taken = self.take(own, order, spot, conditions, self.book.orders.next_handle());
        self.apply_taken(now, own, n, &taken, Some(spot), None);
        taken
    }

    /// The market takes new orders, and nothing material has passed the version that they name.
    #[inline(always)]
    fn check_open(&self, conditions: &Conditions, orders: usize) -> Result<(), Refusal> {
        let closed = match self.status {
            MarketStatus::Open => None,
            MarketStatus::Suspended => Some(ExecutionError::MarketSuspended),
            MarketStatus::Inactive | MarketStatus::Closed => {
                Some(ExecutionError::MarketNotOpenForBetting)
            }
        };
        if let Some(error) = closed {
            return Err(Refusal::whole(error, orders));
        }
        match conditions.market_version {
            Some(version) if version > self.version => {
                Err(Refusal::whole(ExecutionError::InvalidMarketVersion, orders))
            }
            Some(version) if version < self.last_material => Err(Refusal {
                error: ExecutionError::BetActionError,
                instructions: vec![InstructionError::BetTakenOrLapsed; orders],
            }),
            _ => Ok(()),
        }
    }

    #[inline]
    fn check_room(&self, orders: &[NewOrder]) -> Result<(), (usize, InstructionError)> {
        let mut placed = self.placed;
        for (at, order) in orders.iter().enumerate() {
            if order.size <= Pence::ZERO || order.size > Pence::MAX_ENTERED {
                return Err((at, InstructionError::InvalidBetSize));
            }
            placed += order.largest_stake();
            if placed > MAX_PLACED {
                return Err((at, InstructionError::InvalidBetSize));
            }
        }
        Ok(())
    }

    /// What can be wrong with new orders, their sizes aside: the culprit and its error.
    fn check(
        &self,
        own: u32,
        orders: &[NewOrder],
        conditions: &Conditions,
    ) -> Result<(), (usize, InstructionError)> {
        for (at, order) in orders.iter().enumerate() {
            self.check_one(order).map_err(|error| (at, error))?;
        }
        // One order alone meets none of its batch.
        let crossing = if orders.len() > 1 { first_crossing(orders) } else { None };
        let crossing = crossing.or_else(|| {
            // Orders that wait are held to this when they are matched.
            let strict = !conditions.self_match && !self.waits();
            if strict { self.first_to_meet_own(own, orders) } else { None }
        });
        match crossing {
            Some(at) => Err((at, InstructionError::InvalidBackLayCombination)),
            None => Ok(()),
        }
    }

    #[inline(always)]
    fn check_one(&self, order: &NewOrder) -> Result<(), InstructionError> {
        let number = self.runner(order.runner).ok_or(InstructionError::InvalidRunner)?;
        if self.is_removed(number) {
            return Err(InstructionError::RunnerRemoved);
        }
        if order.kind.is_on_close() {
            return self.check_on_close(order);
        }
        if !self.book.prices.has(order.price) {
            return Err(InstructionError::InvalidOdds);
        }
        match order.time_in_force {
            TimeInForce::Rest => self.check_persistence(order.persistence),
            TimeInForce::FillOrKill { min_fill: Some(least) }
                if least <= Pence::ZERO || least > order.size =>
            {
                Err(InstructionError::InvalidMinFillSize)
            }
            TimeInForce::FillOrKill { .. } => Ok(()),
        }
    }

    /// Where a new order would stand.
    #[inline]
    pub(super) fn spot(&self, order: &NewOrder) -> Result<Spot, InstructionError> {
        let runner = self.runner(order.runner).ok_or(InstructionError::InvalidRunner)?;
        let level = self.book.prices.index(order.price).ok_or(InstructionError::InvalidOdds)?;
        Ok(Spot { level, runner, side: order.side })
    }

    #[inline(always)]
    fn check_persistence(&self, persistence: Persistence) -> Result<(), InstructionError> {
        let allowed = self.definition.as_ref().is_some_and(|definition| match persistence {
            Persistence::Lapse => true,
            Persistence::Persist => definition.orders_may_persist(),
            Persistence::MarketOnClose => self.awaits_starting_price(),
        });
        if allowed { Ok(()) } else { Err(InstructionError::InvalidPersistenceType) }
    }

    // ------------------------------------------------------------------------------------ cancel

    fn cancel(
        &mut self,
        own: u32,
        command: &CommandRef,
        orders: &[CancelOrder],
        on_close: bool,
        records: &mut Vec<MarketEvent>,
    ) -> Result<(), Refusal> {
        check_distinct(orders.iter().map(|order| order.bet))?;
        self.begin(own, command);
        let cancel = |order: &CancelOrder| self.cancel_one(own, order, on_close);
        let orders: Few<Cancelled> = Few::each(orders, cancel);
        self.answer_cancelled(own, command.n, &orders);
        records.push(MarketEvent::Cancelled { command: *command, orders });
        Ok(())
    }

    #[inline]
    fn cancel_one(&mut self, own: u32, order: &CancelOrder, on_close: bool) -> Cancelled {
        let CancelOrder { bet, handle, reduction } = *order;
        let fault = |error| InstructionFault { bet, error };
        let found = match on_close {
            true => self.own_order(own, bet, handle),
            false => self.own_in_book(own, bet, handle),
        };
        let (_, remaining) = found.map_err(fault)?;
        // The account itself leaves nothing behind.
        let size = reduction.filter(|_| !on_close).map_or(remaining, |size| size.min(remaining));
        if size <= Pence::ZERO {
            return Err(fault(InstructionError::InvalidBetSize));
        }
        let cancelled = Ok((CancelledOrder { bet, size }, handle));
        self.apply_cancel(&cancelled);
        cancelled
    }

    /// The persistence and remainder of the account's own order, if the slot still holds it.
    #[inline]
    fn own_order(
        &self,
        own: u32,
        bet: BetId,
        handle: Handle,
    ) -> Result<(Persistence, Pence), InstructionError> {
        match self.book.orders.get(handle) {
            Some(slot) if slot.bet == bet && slot.account == own => {
                Ok((slot.persistence, slot.remaining))
            }
            Some(slot) if slot.bet == bet => Err(InstructionError::InvalidBetId),
            _ => Err(InstructionError::BetTakenOrLapsed),
        }
    }

    /// The same, unless it waits for the starting price: then it is out of the customer's reach.
    #[inline]
    fn own_in_book(
        &self,
        own: u32,
        bet: BetId,
        handle: Handle,
    ) -> Result<(Persistence, Pence), InstructionError> {
        match self.book.orders.get(handle) {
            Some(slot) if slot.place == Place::Closing => Err(InstructionError::BetTakenOrLapsed),
            _ => self.own_order(own, bet, handle),
        }
    }

    // ----------------------------------------------------------------------------------- replace

    fn replace(
        &mut self,
        now: UtcMillis,
        own: u32,
        command: &CommandRef,
        orders: &[ReplaceOrder],
        conditions: &Conditions,
        records: &mut Vec<MarketEvent>,
    ) -> Result<(), Refusal> {
        self.check_open(conditions, orders.len())?;
        check_distinct(orders.iter().map(|order| order.bet))?;
        self.begin(own, command);
        let mut cancelled = Vec::with_capacity(orders.len());
        let mut successors = Vec::with_capacity(orders.len());
        for order in orders {
            let (result, successor) = self.cancel_for(own, order);
            successors.extend(successor);
            cancelled.push(result);
        }
        // What waits for the starting price cannot be cancelled, so its edit never fails with the others.
        let (closing, of_book): (Vec<NewOrder>, Vec<NewOrder>) =
            successors.iter().partition(|order| order.kind.is_on_close());
        let checked = self.check(own, &of_book, conditions);
        let waits = self.waits() && !self.passes(own, &of_book, conditions);
        if checked.is_ok() && waits && closing.is_empty() && !of_book.is_empty() {
            let what = Delayed::Replace(*conditions, cancelled);
            records.push(self.delay(now, own, command, &successors, what));
            return Ok(());
        }
        let culprit = checked.err().map(|(at, error)| (of_book[at].bet, error));
        let mut placed: Vec<Result<Taken, InstructionFault>> = Vec::with_capacity(successors.len());
        for order in &successors {
            let bet = order.bet;
            placed.push(match culprit {
                Some((named, error)) if !order.kind.is_on_close() => {
                    let error = if bet == named { error } else { RelatedActionFailed };
                    Err(InstructionFault { bet, error })
                }
                _ => Ok(self.place_one(now, own, command.n, order, conditions)),
            });
        }
        let orders = zip_replaced(cancelled, placed.into_iter());
        self.answer_replaced(own, command.n, &orders);
        records.push(MarketEvent::Replaced { command: *command, orders });
        Ok(())
    }

    /// Takes the old order away, and says who takes its place.
    fn cancel_for(&mut self, own: u32, order: &ReplaceOrder) -> (Cancelled, Option<NewOrder>) {
        match self.edit(own, order) {
            Some(Err(fault)) => (Err(fault), None),
            Some(Ok((cancelled, successor))) => {
                let cancelled = Ok((cancelled, order.handle));
                self.apply_cancel(&cancelled);
                (cancelled, Some(successor))
            }
            None => {
                let successor = self.successor(order);
                let cancel = CancelOrder { bet: order.bet, handle: order.handle, reduction: None };
                let result = self.cancel_one(own, &cancel, false);
                (result, successor.filter(|_| result.is_ok()))
            }
        }
    }

    /// The order that takes over what remains of another, at its new price.
    fn successor(&self, replace: &ReplaceOrder) -> Option<NewOrder> {
        let slot = self.book.orders.get(replace.handle)?;
        let definition = self.definition.as_ref()?;
        Some(NewOrder {
            bet: replace.new_bet,
            runner: definition.runners[usize::from(slot.runner)].runner,
            side: slot.side,
            price: replace.new_price,
            size: slot.remaining,
            persistence: slot.persistence,
            time_in_force: self.time_in_force(replace.handle),
            kind: OrderKind::Limit,
        })
    }

    // ------------------------------------------------------------------------------------ update

    fn update(
        &mut self,
        own: u32,
        command: &CommandRef,
        orders: &[UpdateOrder],
        records: &mut Vec<MarketEvent>,
    ) -> Result<(), Refusal> {
        check_distinct(orders.iter().map(|order| order.bet))?;
        self.begin(own, command);
        let orders: Vec<Updated> = orders.iter().map(|order| self.update_one(own, order)).collect();
        self.answer_updated(own, command.n, &orders);
        records.push(MarketEvent::Updated { command: *command, orders });
        Ok(())
    }

    fn update_one(&mut self, own: u32, order: &UpdateOrder) -> Updated {
        let UpdateOrder { bet, handle, persistence } = *order;
        let fault = |error| InstructionFault { bet, error };
        let (before, _) = self.own_in_book(own, bet, handle).map_err(fault)?;
        if before == persistence {
            return Err(fault(InstructionError::NoActionRequired));
        }
        self.check_persistence(persistence).map_err(fault)?;
        let updated = Ok((bet, handle, persistence));
        self.apply_update(&updated);
        updated
    }
}

fn whole(error: ExecutionError, command: &OrderCommand) -> Refusal {
    let instructions = match command {
        OrderCommand::Place { orders, .. } => orders.len(),
        OrderCommand::Cancel { orders, .. } => orders.len(),
        OrderCommand::Replace { orders, .. } => orders.len(),
        OrderCommand::Update { orders } => orders.len(),
    };
    Refusal::whole(error, instructions)
}

#[inline]
fn check_distinct(bets: impl ExactSizeIterator<Item = BetId>) -> Result<(), Refusal> {
    let count = bets.len();
    if count < 2 {
        return Ok(());
    }
    let mut bets: Vec<BetId> = bets.collect();
    bets.sort_unstable();
    match bets.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err(Refusal::whole(ExecutionError::DuplicateBetIds, count)),
        false => Ok(()),
    }
}

/// The first order that an earlier one of its batch could meet: a lay at or above a back's price.
fn first_crossing(orders: &[NewOrder]) -> Option<usize> {
    // By runner: the lowest back and the highest lay so far.
    let mut seen: Vec<(Runner, u32, u32)> = Vec::new();
    orders.iter().position(|order| {
        let at = seen.iter().position(|(known, ..)| *known == order.runner).unwrap_or_else(|| {
            seen.push((order.runner, u32::MAX, 0));
            seen.len() - 1
        });
        let (_, back, lay) = &mut seen[at];
        match order.side {
            Side::Back => *back = (*back).min(order.price.0),
            Side::Lay => *lay = (*lay).max(order.price.0),
        }
        lay >= back
    })
}
