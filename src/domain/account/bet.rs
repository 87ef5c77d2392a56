//! One bet: what was asked for, and what became of each part of its stake.
//!
//! ```text
//!   Sent ──▶ Waiting (bet delay) ──▶ Resting ⇄ Replacing ──▶ Done
//!     └────────────┴───────────────────▶ (refused: as if it had never been)
//! ```
//! `size = matched + cancelled + lapsed + remaining` always. A bet that waits for the starting price has no
//! size yet, only a liability: its stake is known when it is matched, and what lapses of it then is counted
//! as it was said, a back's stake or a lay's liability.

use super::exposure::RunnerSums;
use crate::ids::{BetId, Handle};
use crate::money::{Pence, round_half_up};
use crate::order::{LapseReason, OrderType, Persistence, Side};
use crate::price::Price;
use crate::record::RunnerResult;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// On its way: the market has not answered.
    Sent,
    /// The market has it and lets it wait for the bet delay.
    Waiting,
    Resting,
    /// Resting, as far as is known, while a replace is on its way.
    Replacing,
    /// Nothing remains.
    Done,
}

/// The customer's own names for a bet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct References {
    pub order: Option<Box<str>>,
    pub strategy: Option<Box<str>>,
}

impl References {
    /// `None` when there is nothing to keep.
    pub(super) fn boxed(order: Option<&str>, strategy: Option<&str>) -> Option<Box<References>> {
        if order.is_none() && strategy.is_none() {
            return None;
        }
        Some(Box::new(References {
            order: order.map(Into::into),
            strategy: strategy.map(Into::into),
        }))
    }
}

/// 120 bytes: an account may have a million of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bet {
    pub(super) id: BetId,
    pub(super) size: Pence,
    pub(super) matched: Pence,
    /// Sum of price times size over the matches, hundredths of a penny: at most 1000.00 times
    /// `Pence::MAX_ENTERED`, a tenth of what fits.
    pub(super) value: i64,
    pub(super) cancelled: Pence,
    pub(super) lapsed: Pence,
    /// What was brought to the starting price: a back's stake, the most that a lay may lose.
    pub(super) liability: Pence,
    pub(super) placed_at: UtcMillis,
    /// The last match; meaningless while nothing is matched.
    pub(super) matched_at: UtcMillis,
    /// The last cancel or lapse; meaningless while there was none.
    pub(super) ended_at: UtcMillis,
    pub(super) references: Option<Box<References>>,
    pub(super) handle: Option<Handle>,
    pub(super) price: Price,
    /// The price at which the unmatched part is held: the worse of two while a replace is on its way.
    pub(super) held_at: Price,
    /// Index among the position's runners.
    pub(super) runner: u16,
    pub(super) side: Side,
    pub(super) persistence: Persistence,
    pub(super) order_type: OrderType,
    pub(super) fill_or_kill: bool,
    /// It waits for the starting price.
    pub(super) at_close: bool,
    /// Its runner was removed: what is matched is void.
    pub(super) void: bool,
    pub(super) stage: Stage,
    pub(super) lapse_reason: Option<LapseReason>,
}

impl Bet {
    /// What may still be matched.
    pub(super) fn remaining(&self) -> Pence {
        self.size - self.matched - self.cancelled - self.lapsed
    }

    /// What its matched part adds to its runner's sums.
    pub(super) fn matched_sums(&self) -> RunnerSums {
        match self.void {
            true => RunnerSums::default(),
            false => RunnerSums::matched(self.side, i128::from(self.value), self.matched),
        }
    }

    /// What may still be matched of it adds to them.
    pub(super) fn open_sums(&self) -> RunnerSums {
        match self.at_close {
            true => RunnerSums::at_close(self.side, self.liability),
            false => RunnerSums::open(self.side, self.held_at, self.remaining()),
        }
    }

    /// The bet's profit in pence when its runner ended so, rounded half up once. With `S` stakes matched
    /// at a sum of `V` price times stake, a back wins `V - S` and loses `S`; where `places` are shared by
    /// `of` runners it wins that part of its stake and loses the rest: `V places / of - S`.
    pub(super) fn profit(&self, result: RunnerResult) -> Pence {
        let stake = 100 * i128::from(self.matched.0);
        let (of_backer, parts) = match result {
            RunnerResult::Winner { places, of } => {
                let parts = i128::from(of.max(1));
                let won = i128::from(places.min(of.max(1)));
                (i128::from(self.value) * won - stake * parts, parts)
            }
            RunnerResult::Loser => (-stake, 1),
            RunnerResult::Removed => (0, 1),
        };
        let exact = if self.side == Side::Back { of_backer } else { -of_backer };
        let pence = round_half_up(exact, 100 * parts);
        Pence(i64::try_from(pence).expect("a profit is at most a thousand times MAX_ENTERED"))
    }
}

#[cfg(test)]
pub(super) fn example(side: Side, price: u32, matched_pence: i64) -> Bet {
    let matched = Pence(matched_pence);
    let value = Price(price).times(matched);
    Bet {
        id: BetId(1),
        size: matched,
        matched,
        value: i64::try_from(value).unwrap(),
        cancelled: Pence::ZERO,
        lapsed: Pence::ZERO,
        liability: Pence::ZERO,
        placed_at: UtcMillis(0),
        matched_at: UtcMillis(0),
        ended_at: UtcMillis(0),
        references: None,
        handle: None,
        price: Price(price),
        held_at: Price(price),
        runner: 0,
        side,
        persistence: Persistence::Lapse,
        order_type: OrderType::Limit,
        fill_or_kill: false,
        at_close: false,
        void: false,
        stage: Stage::Done,
        lapse_reason: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RunnerResult::{Loser, Removed, Winner};

    #[test]
    fn a_profit_is_exact_and_rounded_once() {
        let full = Winner { places: 1, of: 1 };
        let cases = [
            ("a back wins s(p-1)", Side::Back, 400, 30_000, full, 90_000),
            ("and loses s", Side::Back, 400, 30_000, Loser, -30_000),
            ("a lay is its mirror", Side::Lay, 400, 30_000, full, -90_000),
            ("both ways", Side::Lay, 400, 30_000, Loser, 30_000),
            (
                "three share one place: 100 wins 300 and 200 are lost",
                Side::Back,
                400,
                30_000,
                Winner { places: 1, of: 3 },
                10_000,
            ),
            (
                "two places for two are a full win",
                Side::Back,
                400,
                30_000,
                Winner { places: 2, of: 2 },
                90_000,
            ),
            ("a removed runner's bets are void", Side::Back, 400, 30_000, Removed, 0),
            ("half a penny is rounded up for the backer", Side::Back, 150, 1, full, 1),
            ("and for the layer", Side::Lay, 150, 1, full, 0),
            ("a third of a penny is not", Side::Back, 200, 1, Winner { places: 2, of: 3 }, 0),
        ];
        for (name, side, price, size, result, profit) in cases {
            assert_eq!(example(side, price, size).profit(result), Pence(profit), "{name}");
        }
    }

    #[test]
    fn an_open_bet_is_small() {
        assert!(size_of::<Bet>() <= 120, "{}", size_of::<Bet>());
    }
}
