//! The slots that orders live in: a handle is a slot's number and generation, so finding an order is one
//! step and a handle of an order that has gone finds nothing.
//!
//! Owns the slots and their free list (both are state: handles survive a snapshot). Never decides anything.

use crate::ids::{BetId, Handle};
use crate::money::Pence;
use crate::order::{Persistence, Side};
use serde::{Deserialize, Serialize};

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    /// Nobody is here; `next` is the next free slot.
    Vacant,
    /// For the bet delay: in no level.
    Waiting,
    /// In its level's queue.
    Resting,
    /// For the starting price, in its runner's queue.
    Closing,
}

/// One order in 48 bytes. `runner` and `account` are the market's own small numbers for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) bet: BetId,
    pub(super) remaining: Pence,
    /// The command that brought it.
    pub(super) n: u64,
    pub(super) account: u32,
    pub(super) previous: u32,
    pub(super) next: u32,
    generation: u32,
    pub(super) runner: u16,
    /// Where its price stands on the ladder. Only the finest ladders go beyond the first page.
    pub(super) index: u16,
    page: u8,
    pub(super) side: Side,
    pub(super) persistence: Persistence,
    pub(super) place: Place,
}

/// Where an order stands, or would: the queue of its runner, side and price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) level: u32,
    pub(super) runner: u16,
    pub(super) side: Side,
}

impl Slot {
    /// The level that the order queues at.
    #[inline]
    pub(super) fn level(&self) -> u32 {
        u32::from(self.page) << 16 | u32::from(self.index)
    }

    pub(super) fn spot(&self) -> Spot {
        Spot { level: self.level(), runner: self.runner, side: self.side }
    }
}

/// What a new order brings; the slab and the book fill in the rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newcomer {
    pub(super) bet: BetId,
    pub(super) size: Pence,
    pub(super) n: u64,
    pub(super) account: u32,
    pub(super) spot: Spot,
    pub(super) persistence: Persistence,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slab {
    slots: Vec<Slot>,
    free: u32,
    live: u32,
}

impl Default for Slab {
    fn default() -> Self {
        Slab { slots: Vec::new(), free: NONE, live: 0 }
    }
}

impl Slab {
    /// The handle that the next order is given.
    #[inline]
    pub(super) fn next_handle(&self) -> Handle {
        match self.slots.get(self.free as usize) {
            Some(slot) => Handle { slot: self.free, generation: slot.generation },
            None => Handle { slot: self.slots.len() as u32, generation: 0 },
        }
    }

    /// Puts an order, in no level yet, where its record says. That is the next free slot unless the record
    /// was written when slots were given out by another rule.
    #[inline(always)]
    pub(super) fn insert(&mut self, handle: Handle, new: Newcomer) {
        self.live += 1;
        let taken = Slot {
            bet: new.bet,
            remaining: new.size,
            n: new.n,
            account: new.account,
            previous: NONE,
            next: NONE,
            generation: handle.generation,
            runner: new.spot.runner,
            index: new.spot.level as u16,
            page: (new.spot.level >> 16) as u8,
            side: new.spot.side,
            persistence: new.persistence,
            place: Place::Waiting,
        };
        // A market that grows: a slot is made where it is needed.
        if handle.slot as usize == self.slots.len() && self.free == NONE {
            self.grow_when_full();
            self.slots.push(taken);
            return;
        }
        if handle.slot != self.free {
            self.bring_to_front(handle.slot);
        }
        let slot = &mut self.slots[handle.slot as usize];
        debug_assert_eq!(slot.place, Place::Vacant, "a slot is given to one order at a time");
        self.free = slot.next;
        *slot = taken;
    }

    /// By a quarter: doubling would leave a third of a market's memory unused.
    fn grow_when_full(&mut self) {
        if self.slots.len() == self.slots.capacity() {
            self.slots.reserve_exact(16 + self.slots.len() / 4);
        }
    }

    /// Makes `wanted` the head of the free list, with new slots up to it where there are none.
    #[cold]
    fn bring_to_front(&mut self, wanted: u32) {
        while self.slots.len() <= wanted as usize {
            let added = self.slots.len() as u32;
            self.grow_when_full();
            self.slots.push(VACANT);
            self.slots[added as usize].next = self.free;
            self.free = added;
        }
        let (mut before, mut at) = (NONE, self.free);
        while at != wanted && at != NONE {
            (before, at) = (at, self.slots[at as usize].next);
        }
        if at == wanted && before != NONE {
            self.slots[before as usize].next = self.slots[wanted as usize].next;
            self.slots[wanted as usize].next = self.free;
            self.free = wanted;
        }
    }

    /// The order is in no level any more.
    #[inline]
    pub(super) fn remove(&mut self, at: u32) {
        let slot = &mut self.slots[at as usize];
        debug_assert_ne!(slot.place, Place::Vacant, "an order goes once");
        slot.place = Place::Vacant;
        slot.generation = slot.generation.wrapping_add(1);
        slot.next = self.free;
        self.free = at;
        self.live -= 1;
    }

    #[inline]
    pub(super) fn get(&self, handle: Handle) -> Option<&Slot> {
        let slot = self.slots.get(handle.slot as usize)?;
        (slot.generation == handle.generation && slot.place != Place::Vacant).then_some(slot)
    }

    pub(super) fn at(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Slot {
        &mut self.slots[slot as usize]
    }

    pub(super) fn handle(&self, slot: u32) -> Handle {
        Handle { slot, generation: self.at(slot).generation }
    }

    /// Every order, by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Handle, &Slot)> {
        let handle =
            |at: usize, slot: &Slot| Handle { slot: at as u32, generation: slot.generation };
        let taken = self.slots.iter().enumerate().filter(|(_, slot)| slot.place != Place::Vacant);
        taken.map(move |(at, slot)| (handle(at, slot), slot))
    }

    pub(super) fn len(&self) -> usize {
        self.live as usize
    }

    pub(super) fn check_invariants(&self) {
        let (mut free, mut at) = (0, self.free);
        while at != NONE {
            assert_eq!(self.at(at).place, Place::Vacant, "slot {at} is taken and in the free list");
            free += 1;
            assert!(free <= self.slots.len(), "the free list has a ring in it");
            at = self.at(at).next;
        }
        assert_eq!(free + self.len(), self.slots.len(), "a slot is neither free nor taken");
        assert_eq!(self.iter().count(), self.len());
    }
}

const VACANT: Slot = Slot {
    bet: BetId(0),
    remaining: Pence::ZERO,
    n: 0,
    account: NONE,
    previous: NONE,
    next: NONE,
    generation: 0,
    runner: 0,
    index: 0,
    page: 0,
    side: Side::Back,
    persistence: Persistence::Lapse,
    place: Place::Vacant,
};

#[cfg(test)]
mod tests {
    use super::*;

    fn newcomer(bet: u64) -> Newcomer {
        Newcomer {
            bet: BetId(bet),
            size: Pence(100),
            n: 1,
            account: 0,
            spot: Spot { level: 0, runner: 0, side: Side::Back },
            persistence: Persistence::Lapse,
        }
    }

    #[test]
    fn an_order_is_48_bytes() {
        assert_eq!(size_of::<Slot>(), 48);
    }

    #[test]
    fn a_level_beyond_the_first_page_is_kept() {
        let mut slab = Slab::default();
        let handle = slab.next_handle();
        slab.insert(
            handle,
            Newcomer { spot: Spot { level: 99_899, ..newcomer(1).spot }, ..newcomer(1) },
        );
        assert_eq!(slab.at(handle.slot).level(), 99_899);
    }

    #[test]
    fn a_handle_of_an_order_that_has_gone_finds_nothing() {
        let mut slab = Slab::default();
        let first = slab.next_handle();
        slab.insert(first, newcomer(1));
        slab.remove(first.slot);
        assert_eq!(slab.get(first), None);
        let second = slab.next_handle();
        assert_eq!(second.slot, first.slot, "the slot is used again");
        slab.insert(second, newcomer(2));
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.get(second).map(|slot| slot.bet), Some(BetId(2)));
    }

    #[test]
    fn a_record_may_name_any_free_slot() {
        let mut slab = Slab::default();
        slab.insert(Handle { slot: 3, generation: 0 }, newcomer(1));
        slab.insert(Handle { slot: 1, generation: 0 }, newcomer(2));
        slab.check_invariants();
        for bet in 3..6 {
            slab.insert(slab.next_handle(), newcomer(bet));
            slab.check_invariants();
        }
        assert_eq!(slab.len(), 5);
    }
}
