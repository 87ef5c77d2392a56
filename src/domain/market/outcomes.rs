//! What a command came to: how each record of one changes the market and what its account is answered.
//!
//! The same functions serve the decision that has just been made and the replay; none of them decides.

use super::Market;
use super::delay::Waiting;
use super::orders::{Cancelled, Updated};
use super::slab::{Newcomer, Place, Spot};
use crate::few::Few;
use crate::ids::Handle;
use crate::money::Pence;
use crate::order::{
    Answer, InstructionFault, Matched, NewOrder, PlacedOrder, Refusal, Remainder, ReplacedOrder,
};
use crate::record::{CommandRef, Fill, Notice, Replaced, Taken};
use crate::time::UtcMillis;

impl Market {
    /// The record of a command begins: its number is taken and its acknowledgement heard. The second record
    /// of a command that waited finds what waited.
    #[inline(always)]
    pub(super) fn begin(&mut self, own: u32, command: &CommandRef) -> Option<Waiting> {
        self.acknowledge_through(own, command.account, command.acknowledged);
        if self.links.take(own, command.n) { None } else { self.take_waiting(command) }
    }

    pub(super) fn apply_placed(&mut self, at: UtcMillis, command: &CommandRef, orders: &[Taken]) {
        let own = self.links.number_or_new(command.account);
        let waited = self.begin(own, command);
        if waited.is_none() {
            self.placed += orders.iter().map(|taken| taken.order.size).sum();
        }
        for (position, taken) in orders.iter().enumerate() {
            let held = waited.as_ref().and_then(|waited| waited.handle(position));
            self.apply_taken(at, own, command.n, taken, None, held);
        }
        self.answer_placed(own, command.n, orders);
    }

    pub(super) fn apply_cancelled(&mut self, command: &CommandRef, orders: &[Cancelled]) {
        let own = self.links.number_or_new(command.account);
        self.begin(own, command);
        orders.iter().for_each(|cancelled| self.apply_cancel(cancelled));
        self.answer_cancelled(own, command.n, orders);
    }

    pub(super) fn apply_replaced(
        &mut self,
        at: UtcMillis,
        command: &CommandRef,
        orders: &[Replaced],
    ) {
        let own = self.links.number_or_new(command.account);
        let waited = self.begin(own, command);
        if waited.is_none() {
            orders.iter().for_each(|replaced| self.apply_cancel(&replaced.cancelled));
        }
        let placed = orders.iter().filter_map(|replaced| replaced.placed.as_ref());
        for (position, taken) in placed.filter_map(|placed| placed.as_ref().ok()).enumerate() {
            let held = waited.as_ref().and_then(|waited| waited.handle(position));
            self.apply_taken(at, own, command.n, taken, None, held);
        }
        self.answer_replaced(own, command.n, orders);
    }

    pub(super) fn apply_updated(&mut self, command: &CommandRef, orders: &[Updated]) {
        let own = self.links.number_or_new(command.account);
        self.begin(own, command);
        orders.iter().for_each(|updated| self.apply_update(updated));
        self.answer_updated(own, command.n, orders);
    }

    pub(super) fn apply_refused(&mut self, command: &CommandRef, refusal: &Refusal) {
        let own = self.links.number_or_new(command.account);
        self.begin(own, command);
        self.answer(own, command.n, Answer::Refused(refusal.clone()));
    }

    /// One order of a placement: its rest queues, then its fills leave the book. `spot`: where, if that is
    /// known already. `held`: the slot that was kept for it while it waited.
    #[inline(always)]
    pub(super) fn apply_taken(
        &mut self,
        at: UtcMillis,
        own: u32,
        n: u64,
        taken: &Taken,
        spot: Option<Spot>,
        held: Option<Handle>,
    ) {
        let held = held.filter(|held| self.book.orders.get(*held).is_some());
        if let Some(slot) = held.and_then(|held| self.book.orders.get(held)) {
            // A target met at better prices may need more stake than it seemed.
            self.placed += (taken.order.size - slot.remaining).max(Pence::ZERO);
        }
        if let (Some(handle), Some(left)) = (taken.rests, taken.left()) {
            match held {
                Some(_) => self.book.rest_after_waiting(handle, left),
                None => {
                    if let Some(spot) = spot.or_else(|| self.spot(&taken.order).ok()) {
                        let new = newcomer(own, n, &taken.order, spot, left);
                        match taken.order.kind.is_on_close() {
                            true => self.book.close(handle, new),
                            false => self.book.rest(handle, new),
                        }
                    }
                }
            }
        } else if let Some(held) = held {
            let all = self.book.orders.at(held.slot).remaining;
            self.book.reduce(held.slot, all);
        }
        if !taken.fills.is_empty() {
            self.apply_fills(at, &taken.fills);
        }
        if let Some(crossed) = &taken.crossed {
            self.apply_crossed(&taken.order, crossed);
            self.book.last_match = Some(at);
        }
    }

    /// Those who were met hear of it.
    #[inline(never)]
    fn apply_fills(&mut self, at: UtcMillis, fills: &[Fill]) {
        for fill in fills {
            let Some(slot) = self.book.orders.get(fill.handle) else { continue };
            let account = slot.account;
            self.book.fill(fill.handle.slot, fill.size);
            let matched = Matched { price: fill.price, size: fill.size };
            self.links.filled(account, fill.bet, matched);
        }
        self.book.last_match = Some(at);
    }

    #[inline]
    pub(super) fn apply_cancel(&mut self, cancelled: &Cancelled) {
        if let Ok((order, handle)) = cancelled
            && let Some(slot) = self.book.orders.get(*handle)
        {
            // What waits for the starting price goes whole, or goes on whole in its successor.
            let size = if slot.place == Place::Closing { slot.remaining } else { order.size };
            self.book.reduce(handle.slot, size);
        }
    }

    pub(super) fn apply_update(&mut self, updated: &Updated) {
        if let Ok((_, handle, persistence)) = updated
            && self.book.orders.get(*handle).is_some()
        {
            self.book.orders.at_mut(handle.slot).persistence = *persistence;
        }
    }

    // ------------------------------------------------------------------------------------ answer

    #[inline]
    pub(super) fn answer_placed(&mut self, own: u32, n: u64, orders: &[Taken]) {
        self.answer(own, n, Answer::Placed(Few::each(orders, Taken::placed)));
    }

    #[inline]
    pub(super) fn answer_cancelled(&mut self, own: u32, n: u64, orders: &[Cancelled]) {
        let line = |order: &Cancelled| order.map(|(order, _)| order);
        self.answer(own, n, Answer::Cancelled(Few::each(orders, line)));
    }

    pub(super) fn answer_replaced(&mut self, own: u32, n: u64, orders: &[Replaced]) {
        let line = |replaced: &Replaced| ReplacedOrder {
            cancelled: replaced.cancelled.map(|(order, _)| order),
            placed: replaced.placed.as_ref().map(|placed| match placed {
                Ok(taken) => Ok(taken.placed()),
                Err(fault) => Err(*fault),
            }),
        };
        self.answer(own, n, Answer::Replaced(orders.iter().map(line).collect()));
    }

    pub(super) fn answer_updated(&mut self, own: u32, n: u64, orders: &[Updated]) {
        let lines = orders.iter().map(|order| order.map(|(bet, ..)| bet));
        self.answer(own, n, Answer::Updated(lines.collect()));
    }

    /// The command's own account hears its answer before it hears of its other bets.
    #[inline(always)]
    pub(super) fn answer(&mut self, own: u32, n: u64, answer: Answer) {
        self.links.tell(own, Notice::Answered { n, answer });
        self.links.tell_gathered();
    }
}

impl Taken {
    /// What was not matched, if anything.
    #[inline]
    fn left(&self) -> Option<Pence> {
        let mut left = self.order.size - self.fills.iter().map(|fill| fill.size).sum();
        if let Some(crossed) = &self.crossed {
            left -= crossed.size();
        }
        (!left.is_zero()).then_some(left)
    }

    #[inline(always)]
    fn placed(&self) -> PlacedOrder {
        let remainder = match (self.left(), self.rests, self.gone) {
            (Some(size), Some(handle), _) => Remainder::Rests { handle, size },
            (Some(size), None, Some(reason)) => Remainder::Gone { size, reason },
            _ => Remainder::None,
        };
        // Most orders meet nobody: their path has no vector to move.
        let mut matched = if self.fills.is_empty() { Vec::new() } else { matched_by(&self.fills) };
        if let Some(crossed) = &self.crossed {
            crossed.add_to(self.order.side, &mut matched);
        }
        PlacedOrder { bet: self.order.bet, matched, remainder }
    }
}

/// An order that goes into the book.
#[inline]
pub(super) fn newcomer(
    account: u32,
    n: u64,
    order: &NewOrder,
    spot: Spot,
    size: Pence,
) -> Newcomer {
    Newcomer { bet: order.bet, size, n, account, spot, persistence: order.persistence }
}

/// Fills one after another at the same price are one.
fn matched_by(fills: &[Fill]) -> Vec<Matched> {
    let mut matched: Vec<Matched> = Vec::with_capacity(fills.len());
    for fill in fills {
        match matched.last_mut() {
            Some(last) if last.price == fill.price => last.size += fill.size,
            _ => matched.push(Matched { price: fill.price, size: fill.size }),
        }
    }
    matched
}

/// Each cancelled line gets the next of the placed ones.
pub(super) fn zip_replaced(
    cancelled: Vec<Cancelled>,
    mut placed: impl Iterator<Item = Result<Taken, InstructionFault>>,
) -> Vec<Replaced> {
    let line = |cancelled: Cancelled| {
        let placed = if cancelled.is_ok() { placed.next() } else { None };
        Replaced { cancelled, placed }
    };
    cancelled.into_iter().map(line).collect()
}
