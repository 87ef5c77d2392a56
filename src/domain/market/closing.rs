//! One runner's orders that wait for the starting price: a queue for each side, in the order of arrival.
//!
//! Owns the queues' ends and their sums by limit; the orders stand in the slab's slots, as those of the book
//! do, so that they are found by handle, withdrawn and lapsed in the same way. What a slot counts is money
//! that may be lost: the stake of a back, the liability of a lay. Never decides who is met.

use super::book::Book;
use super::slab::{NONE, Newcomer, Place, Slot};
use crate::ids::Handle;
use crate::money::Pence;
use crate::order::Side;
use crate::price::StartingPrice;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Closing {
    backs: Queue,
    lays: Queue,
    pub(super) made: Option<Made>,
}

/// The starting price and what was matched at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) price: StartingPrice,
    /// Stakes of the backs that had waited for it.
    pub(super) back_stakes: Pence,
    /// Liabilities of the lays that had.
    pub(super) lay_liabilities: Pence,
    /// All backers' stakes, those of the book included.
    pub(super) matched: Pence,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Queue {
    head: u32,
    tail: u32,
    by_limit: BTreeMap<u16, Pence>,
}

impl Default for Queue {
    fn default() -> Self {
        Queue { head: NONE, tail: NONE, by_limit: BTreeMap::new() }
    }
}

impl Queue {
    /// What waits at each limit, the lowest first.
    pub(super) fn limits(&self) -> impl Iterator<Item = (u16, Pence)> {
        self.by_limit.iter().map(|(index, money)| (*index, *money))
    }

    fn take_off(&mut self, index: u16, money: Pence) {
        let left = self.by_limit.entry(index).or_default();
        *left -= money;
        if left.is_zero() {
            self.by_limit.remove(&index);
        }
    }
}

impl Closing {
    pub(super) fn queue(&self, side: Side) -> &Queue {
        match side {
            Side::Back => &self.backs,
            Side::Lay => &self.lays,
        }
    }

    fn queue_mut(&mut self, side: Side) -> &mut Queue {
        match side {
            Side::Back => &mut self.backs,
            Side::Lay => &mut self.lays,
        }
    }
}

impl Book {
    fn queue_mut(&mut self, runner: u16, side: Side) -> &mut Queue {
        self.runners[usize::from(runner)].closing.get_or_insert_default().queue_mut(side)
    }

    /// A new order waits for the starting price.
    pub(super) fn close(&mut self, handle: Handle, new: Newcomer) {
        self.orders.insert(handle, new);
        self.orders.at_mut(handle.slot).place = Place::Closing;
        let spot = new.spot;
        self.touched.closing(spot.runner);
        let queue = self.queue_mut(spot.runner, spot.side);
        // Only the classic ladder has starting prices.
        *queue.by_limit.entry(spot.level as u16).or_default() += new.size;
        let last = std::mem::replace(&mut queue.tail, handle.slot);
        if last == NONE {
            queue.head = handle.slot;
        } else {
            self.orders.at_mut(last).next = handle.slot;
            self.orders.at_mut(handle.slot).previous = last;
        }
    }

    /// `money` of `slot` does not wait any more; with nothing left it leaves the queue.
    pub(super) fn leave_closing(&mut self, slot: &Slot, money: Pence) {
        self.touched.closing(slot.runner);
        let queue = self.queue_mut(slot.runner, slot.side);
        queue.take_off(slot.index, money);
        if !slot.remaining.is_zero() {
            return;
        }
        if slot.previous == NONE {
            queue.head = slot.next;
        }
        if slot.next == NONE {
            queue.tail = slot.previous;
        }
        if slot.previous != NONE {
            self.orders.at_mut(slot.previous).next = slot.next;
        }
        if slot.next != NONE {
            self.orders.at_mut(slot.next).previous = slot.previous;
        }
    }

    /// Who waits for a runner's starting price, first come first.
    pub(super) fn closing(&self, runner: u16, side: Side) -> impl Iterator<Item = (Handle, &Slot)> {
        let closing = self.runners[usize::from(runner)].closing.as_deref();
        let mut at = closing.map_or(NONE, |closing| closing.queue(side).head);
        std::iter::from_fn(move || {
            let found = (at != NONE).then(|| (self.orders.handle(at), self.orders.at(at)))?;
            at = found.1.next;
            Some(found)
        })
    }

    /// How many wait, having seen that queues and sums agree.
    pub(super) fn check_closing(&self) -> usize {
        let mut waiting = 0;
        for (number, runner) in (0..).zip(&self.runners) {
            let Some(closing) = &runner.closing else { continue };
            for side in [Side::Back, Side::Lay] {
                let mut sums: BTreeMap<u16, Pence> = BTreeMap::new();
                for (_, slot) in self.closing(number, side) {
                    assert_eq!((slot.place, slot.side), (Place::Closing, side));
                    *sums.entry(slot.index).or_default() += slot.remaining;
                    waiting += 1;
                }
                assert_eq!(sums, closing.queue(side).by_limit, "runner {number}");
            }
        }
        waiting
    }
}
