//! The unmatched orders of a market: for each runner and side 350 first-come-first-served queues.
//!
//! ```text
//!   Ladder: 350 bits, one for each level that holds anything
//!   Level : head ─▶ slot ⇄ slot ⇄ slot ◀─ tail, and the sum of what remains
//! ```
//! The queues run through the slab's slots, so an order that comes or goes allocates nothing. A runner's
//! ladders are allocated when the first order arrives. Never decides who meets whom.

use super::closing::Closing;
use super::public::Touched;
use super::slab::{NONE, Newcomer, Place, Slab, Slot};
use crate::ids::Handle;
use crate::money::Pence;
use crate::order::Side;
use crate::price::{LADDER_LEN, LadderIndex};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Level {
    pub(super) head: u32,
    pub(super) tail: u32,
    pub(super) total: Pence,
}

const EMPTY: Level = Level { head: NONE, tail: NONE, total: Pence::ZERO };

const WORDS: usize = LADDER_LEN.div_ceil(64);

/// One side of a runner. Backs are best at the bottom, lays at the top.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Ladder {
    bits: [u64; WORDS],
    levels: Vec<Level>,
}

impl Ladder {
    pub(super) fn level(&self, index: u16) -> &Level {
        self.levels.get(usize::from(index)).unwrap_or(&EMPTY)
    }

    #[inline]
    fn level_mut(&mut self, index: u16) -> &mut Level {
        if usize::from(index) >= self.levels.len() {
            self.levels.resize(LADDER_LEN, EMPTY);
        }
        &mut self.levels[usize::from(index)]
    }

    fn set(&mut self, index: u16) {
        self.bits[usize::from(index / 64)] |= 1 << (index % 64);
    }

    fn clear(&mut self, index: u16) {
        self.bits[usize::from(index / 64)] &= !(1 << (index % 64));
    }

    /// The best price that somebody waits at.
    #[inline]
    pub(super) fn best(&self, side: Side) -> Option<u16> {
        match side {
            Side::Back => self.at_or_above(0),
            Side::Lay => self.at_or_below(LADDER_LEN as u16 - 1),
        }
    }

    /// The next best behind `index`.
    pub(super) fn behind(&self, side: Side, index: u16) -> Option<u16> {
        match side {
            Side::Back => self.at_or_above(index + 1),
            Side::Lay => self.at_or_below(index.checked_sub(1)?),
        }
    }

    #[inline]
    fn at_or_above(&self, index: u16) -> Option<u16> {
        let mut word = usize::from(index / 64);
        let mut bits = self.bits.get(word)? & (u64::MAX << (index % 64));
        while bits == 0 {
            word += 1;
            bits = *self.bits.get(word)?;
        }
        Some(word as u16 * 64 + bits.trailing_zeros() as u16)
    }

    #[inline]
    fn at_or_below(&self, index: u16) -> Option<u16> {
        let mut word = usize::from(index / 64);
        let mut bits = self.bits[word] & (u64::MAX >> (63 - index % 64));
        while bits == 0 {
            word = word.checked_sub(1)?;
            bits = self.bits[word];
        }
        Some(word as u16 * 64 + 63 - bits.leading_zeros() as u16)
    }

    /// Every level that holds anything, best first.
    pub(super) fn levels(&self, side: Side) -> impl Iterator<Item = (LadderIndex, Pence)> {
        let first = self.best(side);
        let levels = std::iter::successors(first, move |index| self.behind(side, *index));
        levels.map(|index| (LadderIndex(index), self.level(index).total))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct RunnerBook {
    backs: Ladder,
    lays: Ladder,
    /// Backers' stakes by price; empty until something is matched.
    pub(super) traded: Vec<Pence>,
    pub(super) matched: Pence,
    pub(super) last_price: Option<LadderIndex>,
    /// Where there is a starting price, from the first order for it on.
    pub(super) closing: Option<Box<Closing>>,
}

impl RunnerBook {
    pub(super) fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Back => &self.backs,
            Side::Lay => &self.lays,
        }
    }

    fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
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
    /// Backers' stakes.
    pub(super) matched: Pence,
    pub(super) last_match: Option<UtcMillis>,
    /// For those who watch; no part of the state.
    #[serde(skip)]
    pub(super) touched: Touched,
}

impl Book {
    pub(super) fn ladder(&self, runner: u16, side: Side) -> &Ladder {
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
        let (index, side, remaining) = (slot.index, slot.side, slot.remaining);
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
        self.touched.offers(slot.runner, slot.side, slot.index);
        let ladder = self.runners[usize::from(slot.runner)].ladder_mut(slot.side);
        let level = ladder.level_mut(slot.index);
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
                ladder.clear(slot.index);
            }
        }
    }

    /// A resting order goes to the end of another price's queue.
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
        let (runner, index) = (usize::from(slot.runner), slot.index);
        let book = &mut self.runners[runner];
        if book.traded.is_empty() {
            book.traded = vec![Pence::ZERO; LADDER_LEN];
        }
        book.traded[usize::from(index)] += size;
        self.touched.traded(slot.runner, index);
        book.matched += size;
        book.last_price = Some(LadderIndex(index));
        self.matched += size;
        self.reduce(at, size);
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
                for index in 0..LADDER_LEN as u16 {
                    resting += self.check_level(number as u16, side, index);
                }
            }
            assert_eq!(runner.traded.iter().copied().sum::<Pence>(), runner.matched);
        }
        let matched: Pence = self.runners.iter().map(|runner| runner.matched).sum();
        assert_eq!(matched, self.matched, "what is matched is matched on a runner");
        let waiting = self.orders.iter().filter(|(_, slot)| slot.place == Place::Waiting).count();
        let queued = resting + waiting + self.check_closing();
        assert_eq!(queued, self.orders.len(), "an order is in no queue");
    }

    /// How many orders queue there.
    fn check_level(&self, runner: u16, side: Side, index: u16) -> usize {
        let ladder = self.ladder(runner, side);
        let level = ladder.level(index);
        let bit = ladder.bits[usize::from(index / 64)] >> (index % 64) & 1 == 1;
        assert_eq!(bit, level.head != NONE, "bit {index} is wrong");
        let (mut count, mut total, mut before, mut at) = (0, Pence::ZERO, NONE, level.head);
        while at != NONE {
            let slot = self.orders.at(at);
            assert_eq!(slot.place, Place::Resting);
            assert_eq!((slot.runner, slot.side, slot.index), (runner, side, index));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_find_the_best_price_and_the_next() {
        let mut ladder = Ladder::default();
        assert_eq!((ladder.best(Side::Back), ladder.best(Side::Lay)), (None, None));
        for index in [0, 63, 64, 200, 349] {
            ladder.set(index);
        }
        let walk = |side| {
            std::iter::successors(ladder.best(side), |index| ladder.behind(side, *index))
                .collect::<Vec<_>>()
        };
        assert_eq!(walk(Side::Back), [0, 63, 64, 200, 349]);
        assert_eq!(walk(Side::Lay), [349, 200, 64, 63, 0]);
        ladder.clear(0);
        ladder.clear(349);
        assert_eq!((ladder.best(Side::Back), ladder.best(Side::Lay)), (Some(63), Some(200)));
    }
}
