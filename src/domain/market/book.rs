//! The unmatched orders of a market: for each runner, side and price a first-come-first-served queue.
//!
//! ```text
//!   Levels: which prices hold anything, and what (`levels`)
//!   Level : head ─▶ slot ⇄ slot ⇄ slot ◀─ tail, and the sum of what remains
//! ```
//! The queues run through the slab's slots, so on the classic ladder an order that comes or goes allocates
//! nothing. Never decides who meets whom.

use super::closing::Closing;
use super::levels::{Levels, Volumes};
use super::public::Touched;
use super::slab::{NONE, Newcomer, Place, Slab, Slot};
use crate::ids::Handle;
use crate::ladder::Ladder;
use crate::money::Pence;
use crate::order::Side;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunnerBook {
    backs: Levels,
    lays: Levels,
    pub(super) traded: Volumes,
    pub(super) matched: Pence,
    /// By its index.
    pub(super) last_price: Option<u32>,
    /// Where there is a starting price, from the first order for it on.
    pub(super) closing: Option<Box<Closing>>,
}

impl RunnerBook {
    pub(super) fn new(prices: Ladder) -> RunnerBook {
        RunnerBook {
            backs: Levels::new(prices),
            lays: Levels::new(prices),
            traded: Volumes::new(prices),
            matched: Pence::ZERO,
            last_price: None,
            closing: None,
        }
    }

    pub(super) fn ladder(&self, side: Side) -> &Levels {
        match side {
            Side::Back => &self.backs,
            Side::Lay => &self.lays,
        }
    }

    fn ladder_mut(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Back => &mut self.backs,
            Side::Lay => &mut self.lays,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) orders: Slab,
    pub(super) runners: Vec<RunnerBook>,
    /// What the levels are.
    pub(super) prices: Ladder,
    /// Backers' stakes.
    pub(super) matched: Pence,
    pub(super) last_match: Option<UtcMillis>,
    /// For those who watch; no part of the state.
    #[serde(skip)]
    pub(super) touched: Touched,
}

impl Book {
    pub(super) fn ladder(&self, runner: u16, side: Side) -> &Levels {
        self.runners[usize::from(runner)].ladder(side)
    }

    /// A slot for an order that waits for the bet delay.
    pub(super) fn wait(&mut self, handle: Handle, new: Newcomer) {
        self.orders.insert(handle, new);
    }

    /// A new order joins the end of its queue.
    #[inline]
    pub(super) fn rest(&mut self, handle: Handle, new: Newcomer) {
        self.orders.insert(handle, new);
        self.join(handle.slot);
    }

    /// What is left of an order that has waited joins the end of its queue.
    pub(super) fn rest_after_waiting(&mut self, handle: Handle, left: Pence) {
        self.orders.at_mut(handle.slot).remaining = left;
        self.join(handle.slot);
    }

    #[inline(always)]
    fn join(&mut self, at: u32) {
        let slot = self.orders.at_mut(at);
        slot.place = Place::Resting;
        let (index, side, remaining) = (slot.level(), slot.side, slot.remaining);
        self.touched.offers(slot.runner, side, index);
        let ladder = self.runners[usize::from(slot.runner)].ladder_mut(side);
        let level = ladder.level_mut(index);
        let last = level.tail;
        level.tail = at;
        level.total += remaining;
        if last == NONE {
            level.head = at;
            ladder.set(index);
        } else {
            self.orders.at_mut(last).next = at;
            self.orders.at_mut(at).previous = last;
        }
    }

    /// Takes `size` off an order, waiting or resting; with nothing left it goes.
    pub(super) fn reduce(&mut self, at: u32, size: Pence) {
        let slot = self.orders.at_mut(at);
        slot.remaining -= size;
        debug_assert!(slot.remaining >= Pence::ZERO, "no more is taken off than remains");
        let slot = *slot;
        let gone = slot.remaining.is_zero();
        if slot.place == Place::Resting {
            self.leave_level(&slot, size, gone);
        } else if slot.place == Place::Closing {
            self.leave_closing(&slot, size);
        }
        if gone {
            self.orders.remove(at);
        }
    }

    /// `size` of a resting order does not stand in its level any more; when it is `gone`, nor does the order.
    #[inline(always)]
    fn leave_level(&mut self, slot: &Slot, size: Pence, gone: bool) {
        self.touched.offers(slot.runner, slot.side, slot.level());
        let ladder = self.runners[usize::from(slot.runner)].ladder_mut(slot.side);
        let level = ladder.level_mut(slot.level());
        level.total -= size;
        if gone {
            match slot.previous {
                NONE => level.head = slot.next,
                previous => self.orders.at_mut(previous).next = slot.next,
            }
            match slot.next {
                NONE => level.tail = slot.previous,
                next => self.orders.at_mut(next).previous = slot.previous,
            }
            if level.head == NONE {
                ladder.clear(slot.level());
            }
        }
    }

    /// A resting order goes to the end of another price's queue, on the classic ladder.
    pub(super) fn reprice(&mut self, at: u32, index: u16) {
        let slot = *self.orders.at(at);
        self.leave_level(&slot, slot.remaining, true);
        let slot = self.orders.at_mut(at);
        (slot.index, slot.previous, slot.next) = (index, NONE, NONE);
        self.join(at);
    }

    /// `size` of a resting order is met.
    pub(super) fn fill(&mut self, at: u32, size: Pence) {
        let slot = self.orders.at(at);
        self.trade(slot.runner, slot.level(), size);
        self.reduce(at, size);
    }

    /// `size` was matched at a price.
    pub(super) fn trade(&mut self, runner: u16, index: u32, size: Pence) {
        let book = &mut self.runners[usize::from(runner)];
        book.traded.add(index, size);
        self.touched.traded(runner, index);
        book.matched += size;
        book.last_price = Some(index);
        self.matched += size;
    }

    pub(super) fn check_invariants(&self) {
        self.orders.check_invariants();
        let mut resting = 0;
        for (number, runner) in self.runners.iter().enumerate() {
            let best = (runner.lays.best(Side::Lay), runner.backs.best(Side::Back));
            if let (Some(lay), Some(back)) = best {
                assert!(lay < back, "the book of runner {number} is crossed: {lay} and {back}");
            }
            for side in [Side::Back, Side::Lay] {
                let ladder = runner.ladder(side);
                ladder.check_invariants();
                let levels = ladder.iter(side).map(|(index, _)| index);
                resting +=
                    levels.map(|index| self.check_level(number as u16, side, index)).sum::<usize>();
            }
            assert_eq!(runner.traded.iter().map(|(_, size)| size).sum::<Pence>(), runner.matched);
        }
        let matched: Pence = self.runners.iter().map(|runner| runner.matched).sum();
        assert_eq!(matched, self.matched, "what is matched is matched on a runner");
        let waiting = self.orders.iter().filter(|(_, slot)| slot.place == Place::Waiting).count();
        let queued = resting + waiting + self.check_closing();
        assert_eq!(queued, self.orders.len(), "an order is in no queue");
    }

    /// How many orders queue there.
    fn check_level(&self, runner: u16, side: Side, index: u32) -> usize {
        let ladder = self.ladder(runner, side);
        let level = ladder.level(index);
        let (mut count, mut total, mut before, mut at) = (0, Pence::ZERO, NONE, level.head);
        while at != NONE {
            let slot = self.orders.at(at);
            assert_eq!(slot.place, Place::Resting);
            assert_eq!((slot.runner, slot.side, slot.level()), (runner, side, index));
            assert!(slot.remaining > Pence::ZERO, "nothing of {} remains", slot.bet);
            assert_eq!(slot.previous, before);
            (before, at) = (at, slot.next);
            count += 1;
            total += slot.remaining;
        }
        assert_eq!((level.tail, level.total), (before, total));
        count
    }
}
