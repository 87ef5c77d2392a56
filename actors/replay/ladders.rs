//! One runner of a mirror: the recorded ladders, the mirror's own orders in ours, and the volume made of both.
//!
//! Pure, and knows nothing of requests: what to do about a difference is the mirror's.

use super::mirror::Trade;
use super::recorded::HalfPence;
use domain::ids::BetId;
use domain::money::Pence;
use domain::order::Side;
use domain::price::Price;
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug, Default)]
pub(super) struct RunnerMirror {
    /// Recorded ladders, in halves of a penny.
    pub(super) lays: BTreeMap<Price, HalfPence>,
    pub(super) backs: BTreeMap<Price, HalfPence>,
    pub(super) own_lays: BTreeMap<Price, Level>,
    pub(super) own_backs: BTreeMap<Price, Level>,
    pub(super) traded: BTreeMap<Price, Volume>,
}

/// The mirror's own orders at a price, oldest first.
pub(super) type Level = VecDeque<(BetId, Pence)>;

#[derive(Debug, Default)]
pub(super) struct Volume {
    pub(super) recorded: HalfPence,
    /// All recorded rises.
    pub(super) risen: HalfPence,
}

impl RunnerMirror {
    pub(super) fn recorded(&self, side: Side) -> &BTreeMap<Price, HalfPence> {
        match side {
            Side::Lay => &self.lays,
            Side::Back => &self.backs,
        }
    }

    pub(super) fn recorded_mut(&mut self, side: Side) -> &mut BTreeMap<Price, HalfPence> {
        match side {
            Side::Lay => &mut self.lays,
            Side::Back => &mut self.backs,
        }
    }

    pub(super) fn own(&self, side: Side) -> &BTreeMap<Price, Level> {
        match side {
            Side::Lay => &self.own_lays,
            Side::Back => &self.own_backs,
        }
    }

    pub(super) fn own_mut(&mut self, side: Side) -> &mut BTreeMap<Price, Level> {
        match side {
            Side::Lay => &mut self.own_lays,
            Side::Back => &mut self.own_backs,
        }
    }

    pub(super) fn wanted(&self, side: Side, price: Price) -> Pence {
        self.recorded(side).get(&price).map_or(Pence::ZERO, |size| size.whole_pence())
    }

    /// The price that a taker of the other side meets first.
    pub(super) fn best(&self, side: Side) -> Option<Price> {
        match side {
            Side::Lay => self.own_lays.keys().next_back().copied(),
            Side::Back => self.own_backs.keys().next().copied(),
        }
    }

    /// Who crosses at a price: a back where lays rest at it or better, a lay where backs do, and a back
    /// between the two, where nothing rests.
    pub(super) fn taker(&self, price: Price) -> Side {
        match self.best(Side::Back) {
            Some(best) if best <= price => Side::Lay,
            _ => Side::Back,
        }
    }

    /// Own orders that a taker would meet before `price`.
    pub(super) fn better_than(&self, price: Price, side: Side) -> Vec<(Price, BetId)> {
        let better = |other: &Price| match side {
            Side::Lay => *other > price,
            Side::Back => *other < price,
        };
        let levels = self.own(side).iter().filter(|(other, _)| better(other));
        levels.flat_map(|(other, level)| level.iter().map(|(bet, _)| (*other, *bet))).collect()
    }

    /// In the order in which takers eat through the ladders: lays from the highest price down, backs from
    /// the lowest up; what one trade clears away is not in the next one's way.
    pub(super) fn sort_as_eaten(&self, trades: &mut [Trade]) {
        trades.sort_by_key(|trade| match self.taker(trade.price) {
            Side::Back => (0, i64::from(trade.price.0)),
            Side::Lay => (1, i64::from(trade.price.0)),
        });
        let lays = trades.partition_point(|trade| self.taker(trade.price) == Side::Back);
        trades[..lays].reverse();
    }
}

impl Volume {
    /// The stake that a recorded volume asks for, in whole pence; half a penny is carried.
    pub(super) fn rise_to(&mut self, recorded: HalfPence) -> Option<Pence> {
        let rise = recorded.0 - self.recorded.0;
        self.recorded = recorded;
        if rise <= 0 {
            return None;
        }
        let before = self.stake();
        self.risen.0 += rise;
        let stake = self.stake() - before;
        (!stake.is_zero()).then_some(stake)
    }

    /// All of it so far. Both sides, in halves of a penny: four of them are a penny of stake.
    pub(super) fn stake(&self) -> Pence {
        Pence(self.risen.0 / 4)
    }
}

pub(super) fn sum(level: &Level) -> Pence {
    level.iter().map(|(_, size)| *size).sum()
}
