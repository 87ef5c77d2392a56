//! Where orders queue, price by price, on one side of a runner: levels that are found by index, and in order
//! from the best.
//!
//! | kind | for | kept as |
//! |---|---|---|
//! | dense | the classic ladder's 350 prices | an array, allocated with the first order, and a bit for each level that holds anything |
//! | sparse | a hundred thousand prices, or lines | a sorted map of the levels that hold anything: memory for orders, not for prices |
//!
//! Backs are best at the bottom, lays at the top. Never looks at the orders themselves.

use super::slab::NONE;
use crate::ladder::Ladder as Prices;
use crate::money::Pence;
use crate::order::Side;
use crate::price::LADDER_LEN;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One queue: its ends in the slab, and the sum of what remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Level {
    pub(super) head: u32,
    pub(super) tail: u32,
    pub(super) total: Pence,
}

const EMPTY: Level = Level { head: NONE, tail: NONE, total: Pence::ZERO };

const WORDS: usize = LADDER_LEN.div_ceil(64);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Levels {
    #[serde(rename = "d")]
    Dense(Dense),
    #[serde(rename = "s")]
    Sparse(BTreeMap<u32, Level>),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Dense {
    bits: [u64; WORDS],
    levels: Vec<Level>,
}

impl Levels {
    pub(super) fn new(prices: Prices) -> Levels {
        match prices {
            Prices::Classic => Levels::Dense(Dense::default()),
            Prices::Finest | Prices::Lines(_) => Levels::Sparse(BTreeMap::new()),
        }
    }

    #[inline]
    pub(super) fn level(&self, index: u32) -> &Level {
        match self {
            Levels::Dense(dense) => dense.levels.get(index as usize).unwrap_or(&EMPTY),
            Levels::Sparse(levels) => levels.get(&index).unwrap_or(&EMPTY),
        }
    }

    /// A level that is filled must be `set`, one that was emptied `clear`ed.
    #[inline]
    pub(super) fn level_mut(&mut self, index: u32) -> &mut Level {
        match self {
            Levels::Dense(dense) => {
                let at = index as usize;
                if at >= dense.levels.len() {
                    dense.levels.resize(LADDER_LEN, EMPTY);
                }
                &mut dense.levels[at]
            }
            Levels::Sparse(levels) => levels.entry(index).or_insert(EMPTY),
        }
    }

    #[inline]
    pub(super) fn set(&mut self, index: u32) {
        if let Levels::Dense(dense) = self {
            dense.bits[(index / 64) as usize] |= 1 << (index % 64);
        }
    }

    #[inline]
    pub(super) fn clear(&mut self, index: u32) {
        match self {
            Levels::Dense(dense) => dense.bits[(index / 64) as usize] &= !(1 << (index % 64)),
            Levels::Sparse(levels) => {
                levels.remove(&index);
            }
        }
    }

    /// The best price that somebody waits at.
    #[inline]
    pub(super) fn best(&self, side: Side) -> Option<u32> {
        match (self, side) {
            (Levels::Dense(dense), Side::Back) => dense.at_or_above(0),
            (Levels::Dense(dense), Side::Lay) => dense.at_or_below(LADDER_LEN as u32 - 1),
            (Levels::Sparse(levels), Side::Back) => levels.first_key_value().map(|(at, _)| *at),
            (Levels::Sparse(levels), Side::Lay) => levels.last_key_value().map(|(at, _)| *at),
        }
    }

    /// The next best behind `index`.
    #[inline]
    pub(super) fn behind(&self, side: Side, index: u32) -> Option<u32> {
        match (self, side) {
            (Levels::Dense(dense), Side::Back) => dense.at_or_above(index + 1),
            (Levels::Dense(dense), Side::Lay) => dense.at_or_below(index.checked_sub(1)?),
            (Levels::Sparse(levels), Side::Back) => {
                levels.range(index + 1..).next().map(|(at, _)| *at)
            }
            (Levels::Sparse(levels), Side::Lay) => {
                levels.range(..index).next_back().map(|(at, _)| *at)
            }
        }
    }

    /// Every level that holds anything, best first.
    pub(super) fn iter(&self, side: Side) -> impl Iterator<Item = (u32, Pence)> {
        let first = self.best(side);
        let levels = std::iter::successors(first, move |index| self.behind(side, *index));
        levels.map(|index| (index, self.level(index).total))
    }

    /// Panics unless exactly the levels that hold anything are found.
    pub(super) fn check_invariants(&self) {
        match self {
            Levels::Dense(dense) => {
                for index in 0..LADDER_LEN as u32 {
                    let bit = dense.bits[(index / 64) as usize] >> (index % 64) & 1 == 1;
                    assert_eq!(bit, self.level(index).head != NONE, "bit {index} is wrong");
                }
            }
            Levels::Sparse(levels) => {
                assert!(levels.values().all(|level| level.head != NONE), "an empty level is kept");
            }
        }
    }
}

impl Dense {
    fn at_or_above(&self, index: u32) -> Option<u32> {
        let mut word = (index / 64) as usize;
        let mut bits = self.bits.get(word)? & (u64::MAX << (index % 64));
        while bits == 0 {
            word += 1;
            bits = *self.bits.get(word)?;
        }
        Some(word as u32 * 64 + bits.trailing_zeros())
    }

    fn at_or_below(&self, index: u32) -> Option<u32> {
        let mut word = (index / 64) as usize;
        let mut bits = self.bits[word] & (u64::MAX >> (63 - index % 64));
        while bits == 0 {
            word = word.checked_sub(1)?;
            bits = self.bits[word];
        }
        Some(word as u32 * 64 + 63 - bits.leading_zeros())
    }
}

/// Backers' stakes by price; empty until something is matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Volumes {
    #[serde(rename = "d")]
    Dense(Vec<Pence>),
    #[serde(rename = "s")]
    Sparse(BTreeMap<u32, Pence>),
}

impl Volumes {
    pub(super) fn new(prices: Prices) -> Volumes {
        match prices {
            Prices::Classic => Volumes::Dense(Vec::new()),
            Prices::Finest | Prices::Lines(_) => Volumes::Sparse(BTreeMap::new()),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, index: u32, size: Pence) {
        match self {
            Volumes::Dense(volumes) => {
                if volumes.is_empty() {
                    *volumes = vec![Pence::ZERO; LADDER_LEN];
                }
                volumes[index as usize] += size;
            }
            Volumes::Sparse(volumes) => *volumes.entry(index).or_default() += size,
        }
    }

    pub(super) fn at(&self, index: u32) -> Pence {
        let found = match self {
            Volumes::Dense(volumes) => volumes.get(index as usize),
            Volumes::Sparse(volumes) => volumes.get(&index),
        };
        found.copied().unwrap_or_default()
    }

    /// Lowest price first; some may be zero.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Pence)> + use<'_> {
        let (dense, sparse) = match self {
            Volumes::Dense(volumes) => (Some(volumes), None),
            Volumes::Sparse(volumes) => (None, Some(volumes)),
        };
        let dense = dense.into_iter().flat_map(|volumes| (0..).zip(volumes.iter().copied()));
        let sparse = sparse.into_iter().flatten().map(|(index, size)| (*index, *size));
        dense.chain(sparse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(levels: &mut Levels, index: u32) {
        *levels.level_mut(index) = Level { head: 0, tail: 0, total: Pence(1) };
        levels.set(index);
    }

    fn empty(levels: &mut Levels, index: u32) {
        *levels.level_mut(index) = EMPTY;
        levels.clear(index);
    }

    #[test]
    fn the_best_price_and_the_next_are_found_on_every_ladder() {
        for (prices, last) in [(Prices::Classic, 349), (Prices::Finest, 99_899)] {
            let mut levels = Levels::new(prices);
            assert_eq!((levels.best(Side::Back), levels.best(Side::Lay)), (None, None));
            for index in [0, 63, 64, 200, last] {
                fill(&mut levels, index);
            }
            levels.check_invariants();
            let walk = |side| levels.iter(side).map(|(index, _)| index).collect::<Vec<_>>();
            assert_eq!(walk(Side::Back), [0, 63, 64, 200, last]);
            assert_eq!(walk(Side::Lay), [last, 200, 64, 63, 0]);
            empty(&mut levels, 0);
            empty(&mut levels, last);
            levels.check_invariants();
            assert_eq!((levels.best(Side::Back), levels.best(Side::Lay)), (Some(63), Some(200)));
            assert_eq!(levels.level(last), &EMPTY);
        }
    }

    #[test]
    fn a_fine_ladder_takes_memory_for_what_it_holds_only() {
        let mut levels = Levels::new(Prices::Finest);
        for index in 0..99_900 {
            fill(&mut levels, index);
            empty(&mut levels, index);
        }
        assert_eq!(levels, Levels::new(Prices::Finest));
    }
}
