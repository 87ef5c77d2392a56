//! What bets in one market may lose: pure arithmetic on four sums for each runner.
//!
//! All amounts are hundredths of a penny in i128, exact (a price in hundredths times a stake in pence);
//! only the hold is rounded, up to whole pence.
//!
//! | `s` at `p` | runner wins | runner loses |
//! |---|---|---|
//! | matched back | `s(p-1)` | `-s` |
//! | matched lay | `-s(p-1)` | `s` |
//! | unmatched back | 0, it may not be filled | `-s` |
//! | unmatched lay | `-s(p-1)` | 0, it may not be filled |
//! | back of stake `s` at the starting price | 0 | `-s` |
//! | lay of liability `l` at it | `-l` | 0 |
//!
//! Each unmatched order may be filled or not, whatever the others do; since an order touches one runner
//! and an outcome says of each runner whether it wins, the worst case of an outcome is the sum of each
//! runner's worst, and the worst of all is found without listing outcomes. A dead heat pays a mean of
//! outcomes, so it is never worse.

use crate::definition::MarketTerms;
use crate::money::Pence;
use crate::order::Side;
use crate::price::Price;
use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, SubAssign};

/// One runner's bets, added up. Hundredths of a penny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct RunnerSums {
    /// Profit of the matched bets if the runner wins.
    pub(super) matched_win: i128,
    /// Profit of the matched bets if it loses.
    pub(super) matched_lose: i128,
    /// Stakes of the unmatched backs.
    pub(super) open_back: i128,
    /// Liabilities of the unmatched lays.
    pub(super) open_lay: i128,
}

impl RunnerSums {
    /// `size` matched, with `value` the sum of price times size over the matches.
    pub(super) fn matched(side: Side, value: i128, size: Pence) -> Self {
        let stake = 100 * i128::from(size.0);
        let (win, lose) = match side {
            Side::Back => (value - stake, -stake),
            Side::Lay => (stake - value, stake),
        };
        RunnerSums { matched_win: win, matched_lose: lose, ..RunnerSums::default() }
    }

    /// `size` waiting to be matched at `price` or better.
    pub(super) fn open(side: Side, price: Price, size: Pence) -> Self {
        match side {
            Side::Back => {
                RunnerSums { open_back: 100 * i128::from(size.0), ..RunnerSums::default() }
            }
            Side::Lay => RunnerSums { open_lay: price.profit(size), ..RunnerSums::default() },
        }
    }

    /// `liability` waiting for the starting price.
    pub(super) fn at_close(side: Side, liability: Pence) -> Self {
        let liability = 100 * i128::from(liability.0);
        match side {
            Side::Back => RunnerSums { open_back: liability, ..RunnerSums::default() },
            Side::Lay => RunnerSums { open_lay: liability, ..RunnerSums::default() },
        }
    }

    /// What is still unmatched, as if nothing had been matched: a resolved market has paid the rest.
    pub(super) fn open_only(self) -> Self {
        RunnerSums { matched_win: 0, matched_lose: 0, ..self }
    }

    fn if_it_wins(&self) -> i128 {
        self.matched_win - self.open_lay
    }

    fn if_it_loses(&self) -> i128 {
        self.matched_lose - self.open_back
    }
}

impl AddAssign for RunnerSums {
    fn add_assign(&mut self, other: RunnerSums) {
        self.matched_win += other.matched_win;
        self.matched_lose += other.matched_lose;
        self.open_back += other.open_back;
        self.open_lay += other.open_lay;
    }
}

impl SubAssign for RunnerSums {
    fn sub_assign(&mut self, other: RunnerSums) {
        self.matched_win -= other.matched_win;
        self.matched_lose -= other.matched_lose;
        self.open_back -= other.open_back;
        self.open_lay -= other.open_lay;
    }
}

/// The worst result of a market, hundredths of a penny; `sums` are the runners with bets, `terms.runners`
/// counts all that may win. Exactly `number_of_winners` of them win; at most so many when the field is not
/// complete. With no number of winners each runner is a question of its own.
pub(super) fn worst(terms: &MarketTerms, sums: impl Iterator<Item = RunnerSums>) -> i128 {
    match terms.number_of_winners {
        0 => sums.map(|sums| sums.if_it_wins().min(sums.if_it_loses())).sum(),
        1 => worst_of_one(terms, sums),
        winners => worst_of_many(terms, usize::from(winners), sums),
    }
}

fn worst_of_one(terms: &MarketTerms, sums: impl Iterator<Item = RunnerSums>) -> i128 {
    let (mut all_lose, mut winner, mut with_bets) = (0, i128::MAX, 0);
    for sums in sums {
        let loses = sums.if_it_loses();
        all_lose += loses;
        winner = winner.min(sums.if_it_wins() - loses);
        with_bets += 1;
    }
    if with_bets < u32::from(terms.runners) || !terms.complete || with_bets == 0 {
        winner = winner.min(0);
    }
    all_lose + winner
}

fn worst_of_many(
    terms: &MarketTerms,
    winners: usize,
    sums: impl Iterator<Item = RunnerSums>,
) -> i128 {
    let mut all_lose = 0;
    let mut by_winning: Vec<i128> = sums
        .map(|sums| {
            let loses = sums.if_it_loses();
            all_lose += loses;
            sums.if_it_wins() - loses
        })
        .collect();
    by_winning.sort_unstable();
    let without_bets = usize::from(terms.runners).saturating_sub(by_winning.len());
    let harmful = by_winning.iter().take(winners).take_while(|change| **change < 0).count();
    let forced = if terms.complete { winners.saturating_sub(harmful + without_bets) } else { 0 };
    all_lose + by_winning.iter().take(harmful + forced).sum::<i128>()
}

/// What must be held against `worst`: pence, rounded up, never negative. In i128 because a customer may
/// ask for anything.
pub(super) fn hold(worst: i128) -> i128 {
    -worst.min(0).div_euclid(100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(number_of_winners: u16, runners: u16, complete: bool) -> MarketTerms {
        MarketTerms {
            number_of_winners,
            runners,
            complete,
            base_rate: 500,
            discount_allowed: true,
            persistence: true,
            bsp_market: false,
        }
    }

    fn back(price: u32, pounds: i64) -> RunnerSums {
        let size = Pence(pounds * 100);
        RunnerSums::matched(Side::Back, Price(price).times(size), size)
    }

    fn lay(price: u32, pounds: i64) -> RunnerSums {
        let size = Pence(pounds * 100);
        RunnerSums::matched(Side::Lay, Price(price).times(size), size)
    }

    fn both(mut one: RunnerSums, other: RunnerSums) -> RunnerSums {
        one += other;
        one
    }

    #[test]
    fn bets_of_one_market_are_netted_over_its_outcomes() {
        let open_lay = RunnerSums::open(Side::Lay, Price(300), Pence(1000));
        let cases: [(&str, MarketTerms, Vec<RunnerSums>, i128); 12] = [
            ("nothing", terms(1, 3, true), vec![], 0),
            ("a back risks its stake", terms(1, 3, true), vec![back(300, 10)], 1000),
            ("a lay risks its liability", terms(1, 3, true), vec![lay(300, 10)], 2000),
            ("one of two lays can lose", terms(1, 3, true), vec![lay(300, 10), lay(300, 10)], 1000),
            ("both can when two win", terms(2, 3, true), vec![lay(300, 10), lay(300, 10)], 4000),
            (
                "backing every runner cannot lose every stake",
                terms(1, 2, true),
                vec![back(200, 10), back(200, 10)],
                0,
            ),
            (
                "unless none of them may win",
                terms(1, 2, false),
                vec![back(200, 10), back(200, 10)],
                2000,
            ),
            ("a trade is free", terms(1, 3, true), vec![both(back(300, 10), lay(250, 10))], 0),
            (
                "an open lay secures nothing yet",
                terms(1, 3, true),
                vec![both(back(300, 10), open_lay)],
                1000,
            ),
            (
                "two must win and one of them has no lay",
                terms(2, 2, true),
                vec![lay(300, 10), back(300, 10)],
                0,
            ),
            ("runners without bets win nothing", terms(2, 9, true), vec![lay(300, 10)], 2000),
            (
                "independent lines add up",
                terms(0, 2, true),
                vec![back(200, 10), lay(150, 10)],
                1500,
            ),
        ];
        for (name, terms, sums, expected) in cases {
            assert_eq!(hold(worst(&terms, sums.into_iter())), expected, "{name}");
        }
    }

    #[test]
    fn a_hold_is_rounded_up_to_the_penny() {
        for (worst, expected) in [(0, 0), (1, 0), (-1, 1), (-100, 1), (-101, 2)] {
            assert_eq!(hold(worst), expected, "{worst}");
        }
    }

    #[derive(Debug, Clone)]
    struct Order {
        runner: usize,
        side: Side,
        price: Price,
        size: Pence,
        matched: bool,
    }

    fn order(runners: usize) -> impl Strategy<Value = Order> {
        (0..runners, any::<bool>(), 101_u32..2_000, 1_i64..5_000, any::<bool>()).prop_map(
            |(runner, back, price, size, matched)| Order {
                runner,
                side: if back { Side::Back } else { Side::Lay },
                price: Price(price),
                size: Pence(size),
                matched,
            },
        )
    }

    fn profit(order: &Order, wins: bool) -> i128 {
        let of_backer =
            if wins { order.price.profit(order.size) } else { -100 * i128::from(order.size.0) };
        if order.side == Side::Back { of_backer } else { -of_backer }
    }

    /// Every set of winners that the terms allow, and in each every set of filled orders.
    fn worst_by_hand(terms: &MarketTerms, orders: &[Order]) -> i128 {
        let open: Vec<_> = orders.iter().filter(|order| !order.matched).collect();
        let winners = u32::from(terms.number_of_winners.min(terms.runners));
        let mut worst = i128::MAX;
        for outcome in 0_u32..1 << terms.runners {
            let named = outcome.count_ones();
            if named > winners || (terms.complete && named < winners) {
                continue;
            }
            let wins = |order: &Order| outcome >> order.runner & 1 == 1;
            let matched: i128 =
                orders.iter().filter(|order| order.matched).map(|o| profit(o, wins(o))).sum();
            for filled in 0_u32..1 << open.len() {
                let fills: i128 = open
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| filled >> at & 1 == 1)
                    .map(|(_, order)| profit(order, wins(order)))
                    .sum();
                worst = worst.min(matched + fills);
            }
        }
        worst
    }

    proptest! {
        #[test]
        fn the_worst_is_what_trying_everything_finds(
            winners in 1_u16..=3,
            complete in any::<bool>(),
            (runners, orders) in (1_usize..=5).prop_flat_map(|runners| {
                (Just(runners), prop::collection::vec(order(runners), 0..8))
            }),
        ) {
            let terms = terms(winners, runners as u16, complete);
            let mut sums = vec![None; runners];
            for order in &orders {
                let value = order.price.times(order.size);
                *sums[order.runner].get_or_insert(RunnerSums::default()) += if order.matched {
                    RunnerSums::matched(order.side, value, order.size)
                } else {
                    RunnerSums::open(order.side, order.price, order.size)
                };
            }
            let found = worst(&terms, sums.into_iter().flatten());
            prop_assert_eq!(found, worst_by_hand(&terms, &orders));
        }
    }
}
