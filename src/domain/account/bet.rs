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
use crate::definition::{MarketKind, MarketTerms};
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
    /// Another runner was removed: what was matched by then pays less.
    pub(super) reduced: bool,
    /// A lay whose stake was rounded down to reach a target: until the market answers, another penny is held.
    pub(super) rounded: bool,
    pub(super) stage: Stage,
    pub(super) lapse_reason: Option<LapseReason>,
}

impl Bet {
    /// What may still be matched.
    pub(super) fn remaining(&self) -> Pence {
        self.size - self.matched - self.cancelled - self.lapsed
    }

    /// What may still be lost of it at its price, and no more at better ones.
    fn risked(&self) -> Pence {
        let unanswered = matches!(self.stage, Stage::Sent | Stage::Waiting);
        let more = self.rounded && unanswered && !self.remaining().is_zero();
        self.remaining() + Pence(i64::from(more))
    }

    /// What its matched part adds to its runner's sums.
    pub(super) fn matched_sums(&self) -> RunnerSums {
        match self.void {
            true => RunnerSums::default(),
            false => RunnerSums::matched(self.side, i128::from(self.value), self.matched),
        }
    }

    /// What may still be matched of it adds to them.
    pub(super) fn open_sums(&self, kind: MarketKind) -> RunnerSums {
        match self.at_close {
            true => RunnerSums::at_close(self.side, self.liability),
            false => RunnerSums::open(kind, self.side, self.held_at, self.risked()),
        }
    }

    /// The bet's profit in pence when its runner ended so, rounded half up once. With `S` stakes matched
    /// at a sum of `V` price times stake, a back wins `V - S` and loses `S`; where `places` are shared by
    /// `of` runners it wins that part of its stake and loses the rest: `V places / of - S`.
    pub(super) fn profit(&self, terms: &MarketTerms, result: RunnerResult) -> Pence {
        let (value, stake) = (i128::from(self.value), 100 * i128::from(self.matched.0));
        let (of_backer, parts) = match terms.kind {
            MarketKind::EachWay { divisor } => {
                each_way(value, stake, i128::from(divisor), terms.number_of_winners, result)
            }
            MarketKind::Odds | MarketKind::Asian | MarketKind::Line(_) => {
                plain(value, stake, result)
            }
        };
        let exact = if self.side == Side::Back { of_backer } else { -of_backer };
        let pence = round_half_up(exact, 100 * parts);
        Pence(i64::try_from(pence).expect("a profit is at most a thousand times MAX_ENTERED"))
    }
}

/// A shared place: the part that wins and the whole.
fn shared(places: u16, of: u16) -> (i128, i128) {
    let of = of.max(1);
    (i128::from(places.min(of)), i128::from(of))
}

/// What a backer wins, as hundredths of a penny and what they are to be divided by.
fn plain(value: i128, stake: i128, result: RunnerResult) -> (i128, i128) {
    match result {
        RunnerResult::Winner { places, of } => {
            let (won, parts) = shared(places, of);
            (value * won - stake * parts, parts)
        }
        RunnerResult::HalfWinner => (value - stake, 2),
        RunnerResult::HalfLoser => (-stake, 2),
        RunnerResult::Loser | RunnerResult::Placed { .. } => (-stake, 1),
        // What lines pay is added up line by line.
        RunnerResult::Removed | RunnerResult::Push | RunnerResult::Counted(_) => (0, 1),
    }
}

/// The same for half of the bet on winning and half on being placed. Who shares the win is placed too, and
/// shares the places only when there are not enough for them.
fn each_way(
    value: i128,
    stake: i128,
    divisor: i128,
    all_places: u16,
    result: RunnerResult,
) -> (i128, i128) {
    let gain = value - stake;
    let (win, place) = match result {
        RunnerResult::Winner { places, of } => (shared(places, of), shared(all_places, of)),
        RunnerResult::Placed { places, of } => ((0, shared(places, of).1), shared(places, of)),
        RunnerResult::Loser => ((0, 1), (0, 1)),
        _ => return (0, 1),
    };
    let ((won, parts), (placed, _)) = (win, place);
    let win_half = gain * won - stake * (parts - won);
    let place_half = 100 * gain * placed - divisor * stake * (parts - placed);
    (divisor * win_half + place_half, divisor * parts)
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
        reduced: false,
        rounded: false,
        stage: Stage::Done,
        lapse_reason: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RunnerResult::{HalfLoser, HalfWinner, Loser, Placed, Push, Removed, Winner};

    fn terms(kind: MarketKind, number_of_winners: u16) -> MarketTerms {
        MarketTerms {
            number_of_winners,
            runners: 9,
            complete: true,
            base_rate: 500,
            discount_allowed: true,
            persistence: true,
            bsp_market: false,
            kind,
        }
    }

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
        let terms = terms(MarketKind::Odds, 1);
        for (name, side, price, size, result, profit) in cases {
            assert_eq!(example(side, price, size).profit(&terms, result), Pence(profit), "{name}");
        }
    }

    /// Ten pounds each way at 9.0, three places at a fifth.
    #[test]
    fn an_each_way_bet_is_two_bets() {
        let shared = |places, of| Placed { places, of };
        let cases = [
            ("it wins both halves", Winner { places: 1, of: 1 }, 8_000 + 1_600),
            ("placed it wins one half and loses the other", shared(1, 1), 1_600 - 1_000),
            ("it loses both", Loser, -2_000),
            ("removed it is void", Removed, 0),
            ("two share the win, and both are placed", Winner { places: 1, of: 2 }, 3_500 + 1_600),
            ("two share the last place", shared(1, 2), 800 - 500 - 1_000),
            (
                "four share the win, and the three places",
                Winner { places: 1, of: 4 },
                2_000 - 750 + 1_200 - 250,
            ),
        ];
        let terms = terms(MarketKind::EachWay { divisor: 500 }, 3);
        for (name, result, profit) in cases {
            let bet = |side| example(side, 900, 1_000).profit(&terms, result);
            assert_eq!(bet(Side::Back), Pence(profit), "{name}");
            assert_eq!(bet(Side::Lay), Pence(-profit), "{name}");
        }
    }

    #[test]
    fn a_quarter_line_wins_or_loses_half() {
        let full = Winner { places: 1, of: 1 };
        let cases = [(full, 950), (HalfWinner, 475), (Push, 0), (HalfLoser, -500), (Loser, -1_000)];
        let terms = terms(MarketKind::Asian, 0);
        for (result, profit) in cases {
            let bet = |side| example(side, 195, 1_000).profit(&terms, result);
            assert_eq!(bet(Side::Back), Pence(profit), "{result:?}");
            assert_eq!(bet(Side::Lay), Pence(-profit), "{result:?}");
        }
    }

    #[test]
    fn an_open_bet_is_small() {
        assert!(size_of::<Bet>() <= 120, "{}", size_of::<Bet>());
    }
}
