//! One account's bets in a LINE market: what they come to for every result that may be counted.
//!
//! A bet's stake is won or lost whole on one side of its line and comes back on the line itself, so the
//! profit is a staircase over the lines: flat between two of them, and all results are tried by trying
//! each line and each gap. Amounts are pence in i128.

use crate::ids::BetId;
use crate::money::Pence;
use crate::order::{Matched, Side};
use crate::price::Price;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The bets at one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct AtLine {
    /// Matched backs (sold) less matched lays (bought).
    sold: i128,
    open_back: i128,
    open_lay: i128,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Lines {
    at: BTreeMap<Price, AtLine>,
    /// What is matched of each bet, by bet and line.
    matches: Vec<(BetId, Matched)>,
}

impl Lines {
    fn change(&mut self, line: Price, change: impl FnOnce(&mut AtLine)) {
        let at = self.at.entry(line).or_default();
        change(at);
        if *at == AtLine::default() {
            self.at.remove(&line);
        }
    }

    /// `size` more (negative: less) waits to be matched at this line or a better one.
    pub(super) fn open(&mut self, side: Side, line: Price, size: Pence) {
        let size = i128::from(size.0);
        self.change(line, |at| match side {
            Side::Back => at.open_back += size,
            Side::Lay => at.open_lay += size,
        });
    }

    pub(super) fn matched(&mut self, bet: BetId, side: Side, matched: Matched) {
        let size = i128::from(matched.size.0);
        self.change(matched.price, |at| at.sold += if side == Side::Back { size } else { -size });
        let key = (bet, matched.price);
        match self.matches.binary_search_by_key(&key, |(bet, matched)| (*bet, matched.price)) {
            Ok(at) => self.matches[at].1.size += matched.size,
            Err(at) => self.matches.insert(at, (bet, matched)),
        }
    }

    pub(super) fn matches_of(&self, bet: BetId) -> impl Iterator<Item = Matched> {
        let first = self.matches.partition_point(|(other, _)| *other < bet);
        let of_bet = self.matches[first..].iter().take_while(move |(other, _)| *other == bet);
        of_bet.map(|(_, matched)| *matched)
    }

    /// What a bet wins, negative when it loses, after `counted` in hundredths.
    pub(super) fn profit(&self, bet: BetId, side: Side, counted: i32) -> Pence {
        let sold: Pence = self.matches_of(bet).map(|m| seller(m.price, counted, m.size)).sum();
        if side == Side::Back { sold } else { -sold }
    }

    /// The worst result, pence. `open_only`: what was matched is paid.
    pub(super) fn worst(&self, open_only: bool) -> i128 {
        // Before any line is passed everything sold wins, and every open lay may be filled and lose.
        let sold = |at: &AtLine| if open_only { 0 } else { at.sold };
        let mut result: i128 = self.at.values().map(|at| sold(at) - at.open_lay).sum();
        let mut worst = result;
        for at in self.at.values() {
            // On the line its stakes come back; above it what was sold loses.
            result -= sold(at) - at.open_lay;
            worst = worst.min(result);
            result -= sold(at) + at.open_back;
            worst = worst.min(result);
        }
        worst
    }

    /// The matches alone, added up anew.
    pub(super) fn of_matches(&self, side: impl Fn(BetId) -> Option<Side>) -> Lines {
        let mut lines = Lines::default();
        for (bet, matched) in &self.matches {
            if let Some(side) = side(*bet) {
                lines.matched(*bet, side, *matched);
            }
        }
        lines
    }
}

/// What the seller of a line wins.
fn seller(line: Price, counted: i32, size: Pence) -> Pence {
    match i64::from(counted).cmp(&i64::from(line.0)) {
        std::cmp::Ordering::Less => size,
        std::cmp::Ordering::Equal => Pence::ZERO,
        std::cmp::Ordering::Greater => -size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(line: u32, size: i64) -> Matched {
        Matched { price: Price(line), size: Pence(size) }
    }

    #[test]
    fn a_seller_wins_below_the_line_and_a_buyer_above_it() {
        let mut lines = Lines::default();
        let (sold, bought) = (BetId(1), BetId(2));
        lines.matched(sold, Side::Back, at(25_000, 1_000));
        lines.matched(bought, Side::Lay, at(24_000, 400));
        let cases = [
            (23_900, 1_000, -400),
            (24_000, 1_000, 0),
            (24_500, 1_000, 400),
            (25_000, 0, 400),
            (25_100, -1_000, 400),
            (-100, 1_000, -400),
        ];
        for (counted, seller, buyer) in cases {
            assert_eq!(lines.profit(sold, Side::Back, counted), Pence(seller), "{counted}");
            assert_eq!(lines.profit(bought, Side::Lay, counted), Pence(buyer), "{counted}");
        }
        assert_eq!(lines.worst(false), -600, "above both lines 1000 is lost and 400 won");
        assert_eq!(lines.worst(true), 0);
    }

    #[derive(Debug, Clone)]
    struct Bet {
        side: Side,
        line: u32,
        size: i64,
        matched: bool,
    }

    fn bet() -> impl Strategy<Value = Bet> {
        (any::<bool>(), 0_u32..6, 1_i64..500, any::<bool>()).prop_map(
            |(back, line, size, matched)| Bet {
                side: if back { Side::Back } else { Side::Lay },
                line,
                size,
                matched,
            },
        )
    }

    proptest! {
        #[test]
        fn the_worst_is_what_trying_every_result_and_every_fill_finds(
            bets in prop::collection::vec(bet(), 0..9),
        ) {
            let mut lines = Lines::default();
            for (id, bet) in (1..).zip(&bets) {
                match bet.matched {
                    true => lines.matched(BetId(id), bet.side, at(bet.line * 100, bet.size)),
                    false => lines.open(bet.side, Price(bet.line * 100), Pence(bet.size)),
                }
            }
            let open: Vec<usize> = (0..bets.len()).filter(|at| !bets[*at].matched).collect();
            let mut worst = i128::MAX;
            for half in -1_i32..=12 {
                for filled in 0_u32..1 << open.len() {
                    let mut result = 0;
                    for (at, bet) in bets.iter().enumerate() {
                        let place = open.iter().position(|other| *other == at);
                        if place.is_none_or(|place| filled >> place & 1 == 1) {
                            let line = bet.line as i32 * 2;
                            let sold = (line - half).signum() as i128 * i128::from(bet.size);
                            result += if bet.side == Side::Back { sold } else { -sold };
                        }
                    }
                    worst = worst.min(result);
                }
            }
            prop_assert_eq!(lines.worst(false), worst);
        }
    }
}
