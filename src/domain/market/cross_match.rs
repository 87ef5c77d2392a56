//! Virtual bets: laying every other runner for an equal return is backing this one, and the other way round.
//!
//! ```text
//!   P = 1 / (1 - sum of 1 / best price of each other runner)
//! ```
//! In a complete market of one winner the exchange itself may stand between: it takes the bets that rest on
//! the other runners and gives the taker one bet on theirs. Two things follow from that rule.
//!
//! * **What is shown** ([`offers`]): prices rounded to the ladder against the taker, volumes grown so that
//!   the return is kept, and less than a pound rolled into the next worse price.
//! * **What is matched** ([`step`]): whole pennies, at a price of the ladder, chosen so that the exchange
//!   loses nothing whoever wins. With `T` the sum of all stakes it never owes more than `T` (when it lays)
//!   or never receives less (when it backs); the pennies left over are kept.
//!
//! Pure arithmetic on prices and sizes; who stands in which queue is `matching`'s business. Reciprocals are
//! kept as 80 binary places, so that a sum that is exactly a price is found to be one; what is matched is
//! checked in whole numbers and rests on no rounding.

use crate::money::Pence;
use crate::order::Side;
use crate::price::Price;

/// Less than this at a price is shown, and met, together with the next worse price.
pub(super) const LEAST: Pence = Pence(100);

/// So many returns are tried for one whose pennies come out right at the best price; then a worse price
/// pays for them.
pub(super) const TRIED: i64 = 256;

const PLACES: u32 = 80;
const ONE: i128 = 1 << PLACES;

/// What can be taken of another runner at once: so much at this price or better.
pub(super) type Best = (Price, Pence);

/// One virtual bet: the taker's part, and what is taken of each other runner, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) price: Price,
    pub(super) size: Pence,
    pub(super) others: Vec<Pence>,
}

/// The reciprocal of the virtual price; `None` when the others leave nothing.
fn left(others: impl Iterator<Item = Price>) -> Option<i128> {
    let taken: i128 = others.map(|price| 100 * ONE / i128::from(price.0)).sum();
    (taken < ONE).then_some(ONE - taken)
}

/// The virtual price, on the ladder, rounded against the taker.
fn virtual_price(taker: Side, left: i128) -> Option<Price> {
    // A price that is exactly a hundredth must not fall below it because reciprocals were cut.
    let hundredths = match taker {
        Side::Back => (100 * ONE + (left >> 40)) / left,
        Side::Lay => (100 * ONE + left - 1) / left,
    };
    let price = Price(u32::try_from(hundredths).ok()?);
    let real = (Price::MIN..=Price::MAX).contains(&price);
    real.then(|| against(taker, price))
}

fn against(taker: Side, price: Price) -> Price {
    match taker {
        Side::Back => price.ladder_at_or_below(),
        Side::Lay => price.ladder_at_or_above(),
    }
}

/// The best virtual price for a taker when these are the best prices of all other runners.
pub(super) fn best_price(taker: Side, others: impl Iterator<Item = Price>) -> Option<Price> {
    virtual_price(taker, left(others)?)
}

/// The next virtual bet of a taker who takes at most `most(price)`: as large as the best of the others
/// allow. `None`: nothing can be matched so.
pub(super) fn step(taker: Side, others: &[Best], most: impl Fn(Price) -> Pence) -> Option<Step> {
    let left = left(others.iter().map(|(price, _)| *price))?;
    let price = virtual_price(taker, left)?;
    let wanted = most(price).min(Pence::MAX_ENTERED);
    if wanted <= Pence::ZERO {
        return None;
    }
    let there = others.iter().map(|other| largest_return(taker, other)).min()?;
    let asked = ((i128::from(wanted.0) << PLACES) + (left >> 30)) / left;
    let first = there.min(i64::try_from(asked).unwrap_or(i64::MAX));
    let tried = (first.saturating_sub(TRIED - 1).max(1)..=first).rev();
    let mut affordable = None;
    for total in tried {
        let (size, stakes) = split(taker, total, others);
        if size <= Pence::ZERO || size > wanted {
            continue;
        }
        if is_fair(taker, price, size, total) {
            return Some(Step { price, size, others: stakes });
        }
        affordable.get_or_insert((total, size, stakes));
    }
    // The pennies do not come out: the taker pays for them with a worse price.
    let (total, size, others) = affordable?;
    let (total, stake) = (100 * i128::from(total), i128::from(size.0));
    let hundredths = match taker {
        Side::Back => total.div_euclid(stake),
        Side::Lay => -(-total).div_euclid(stake),
    };
    let exact = Price(u32::try_from(hundredths).ok()?);
    if !(Price::MIN..=Price::MAX).contains(&exact) {
        return None;
    }
    let price = against(taker, exact);
    (size <= most(price)).then_some(Step { price, size, others })
}

/// The largest sum of all stakes with which no more is taken of another runner than is there.
fn largest_return(taker: Side, (price, size): &Best) -> i64 {
    let (price, size) = (i128::from(price.0), i128::from(size.0));
    let total = match taker {
        Side::Back => ((size + 1) * price - 1) / 100,
        Side::Lay => size * price / 100,
    };
    i64::try_from(total).unwrap_or(i64::MAX)
}

/// The taker's stake and the others' when all stakes make `total`: of each other runner as much as returns
/// it, to the penny in the exchange's favour.
fn split(taker: Side, total: i64, others: &[Best]) -> (Pence, Vec<Pence>) {
    let total_hundredths = 100 * i128::from(total);
    let of = |(price, _): &Best| {
        let price = i128::from(price.0);
        let stake = match taker {
            Side::Back => total_hundredths.div_euclid(price),
            Side::Lay => -(-total_hundredths).div_euclid(price),
        };
        Pence(i64::try_from(stake).expect("a stake is no more than what it returns"))
    };
    let stakes: Vec<Pence> = others.iter().map(of).collect();
    let theirs: i128 = stakes.iter().map(|stake| i128::from(stake.0)).sum();
    let size = i128::from(total) - theirs;
    (Pence(i64::try_from(size).unwrap_or(0)), stakes)
}

/// The taker's own bet, if it wins, costs the exchange no more than all stakes (or brings no less).
fn is_fair(taker: Side, price: Price, size: Pence, total: i64) -> bool {
    let total = 100 * i128::from(total);
    match taker {
        Side::Back => price.times(size) <= total,
        Side::Lay => price.times(size) >= total,
    }
}

/// The virtual offers for a taker, best first, at most `count`, from the ladders of all other runners (best
/// first).
fn offers(taker: Side, mut others: Vec<impl Iterator<Item = Best>>, count: usize) -> Vec<Best> {
    let mut shown = Shown { taker, count, offers: Vec::new(), price: None, returns: 0 };
    // Price and return (hundredths of a penny) of the best of each that is left.
    let mut best: Vec<(Price, i128)> = Vec::with_capacity(others.len());
    for ladder in &mut others {
        let Some((price, size)) = ladder.next() else { return Vec::new() };
        best.push((price, price.times(size)));
    }
    while let Some(price) = best_price(taker, best.iter().map(|(price, _)| *price)) {
        let Some(returns) = best.iter().map(|(_, returns)| *returns).min() else { break };
        if !shown.add(price, returns) {
            break;
        }
        let mut is_over = false;
        for ((price, left), ladder) in best.iter_mut().zip(&mut others) {
            *left -= returns;
            if *left == 0 {
                match ladder.next() {
                    Some((next, size)) => (*price, *left) = (next, next.times(size)),
                    None => is_over = true,
                }
            }
        }
        if is_over {
            break;
        }
    }
    shown.end()
}

/// Offers as they are gathered: `returns` at `price` are not shown yet.
struct Shown {
    taker: Side,
    count: usize,
    offers: Vec<Best>,
    price: Option<Price>,
    returns: i128,
}

impl Shown {
    /// Adds a return at a price that is no better than the one before; says whether more is wanted.
    fn add(&mut self, price: Price, returns: i128) -> bool {
        if self.price != Some(price) {
            self.show(Some(price));
        }
        self.price = Some(price);
        self.returns += returns;
        self.offers.len() < self.count
    }

    /// Shows what has been gathered, unless it is too little: that goes to the next worse price at which it
    /// is not, or that something else is offered at.
    fn show(&mut self, next: Option<Price>) {
        let Some(price) = self.price else { return };
        let Some(price) = self.large_enough(price) else { return };
        if next.is_some_and(|next| !self.is_better(price, next)) {
            return;
        }
        let size = self.returns / i128::from(price.0);
        self.offers.push((price, Pence(i64::try_from(size).unwrap_or(i64::MAX))));
        self.returns = 0;
    }

    /// The first price from `price` on at which the return is worth showing.
    fn large_enough(&self, price: Price) -> Option<Price> {
        let least = i128::from(LEAST.0);
        if self.returns >= least * i128::from(price.0) {
            return Some(price);
        }
        match self.taker {
            // At lower odds the same return takes a larger stake.
            Side::Back => {
                let price = Price(u32::try_from(self.returns / least).ok()?);
                (price >= Price::MIN).then(|| price.ladder_at_or_below())
            }
            Side::Lay => None,
        }
    }

    fn is_better(&self, one: Price, other: Price) -> bool {
        match self.taker {
            Side::Back => one > other,
            Side::Lay => one < other,
        }
    }

    fn end(mut self) -> Vec<Best> {
        self.show(None);
        self.offers.truncate(self.count);
        self.offers
    }
}

/// What a taker is offered on a runner of a cross matched market, best first and at most `count` prices: its
/// real offers and those that can be made of the ladders of all other runners (their resting orders of the
/// taker's own side, best first). For who keeps ladders of their own; [`super::Market::offers`] has them.
pub fn displayed(
    taker: Side,
    real: impl Iterator<Item = (Price, Pence)>,
    others: Vec<impl Iterator<Item = (Price, Pence)>>,
    count: usize,
) -> Vec<(Price, Pence)> {
    merged(taker, real, offers(taker, others, count), count)
}

/// Real and virtual offers as one ladder, best first, at most `count`: what stands at the same price is added
/// up.
fn merged(
    taker: Side,
    real: impl Iterator<Item = Best>,
    virtual_offers: Vec<Best>,
    count: usize,
) -> Vec<Best> {
    let (mut real, mut others) = (real.peekable(), virtual_offers.into_iter().peekable());
    let mut ladder = Vec::new();
    while ladder.len() < count {
        let next = match (real.peek(), others.peek()) {
            (None, None) => break,
            (Some(_), None) => real.next(),
            (None, Some(_)) => others.next(),
            (Some((mine, _)), Some((other, _))) if mine == other => {
                let sum = real.next().zip(others.next());
                sum.map(|((price, mine), (_, other))| (price, mine + other))
            }
            (Some((mine, _)), Some((other, _))) => match (taker == Side::Back) == (mine > other) {
                true => real.next(),
                false => others.next(),
            },
        };
        ladder.extend(next);
    }
    ladder
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ladder(levels: &[(u32, i64)]) -> impl Iterator<Item = Best> {
        let levels: Vec<Best> =
            levels.iter().map(|(price, size)| (Price(*price), Pence(*size))).collect();
        levels.into_iter()
    }

    fn shown(taker: Side, others: &[&[(u32, i64)]]) -> Vec<(u32, i64)> {
        let others = others.iter().map(|levels| ladder(levels)).collect();
        let offers = offers(taker, others, usize::MAX);
        offers.into_iter().map(|(price, size)| (price.0, size.0)).collect()
    }

    /// Betfair's own example of what can be backed: (6.0, 40), (3.75, 50), (1.5023, 14.98), (1.0537, 189.80)
    /// before prices are rounded down and volumes grown.
    #[test]
    fn the_published_offers_to_back_are_found() {
        let others: [&[(u32, i64)]; 2] = [
            &[(200, 12_000), (250, 7_500), (100_000, 200)],
            &[(300, 15_000), (2_000, 1_000), (100_000, 200)],
        ];
        let found = shown(Side::Back, &others);
        assert_eq!(found[..2], [(600, 4_000), (375, 5_000)]);
        // 14.98 at 1.5023 returns 22.50, and so does 15.00 at 1.50.
        assert_eq!(found[2], (150, 1_500));
        // 189.80 at 1.0537 returns 200.00: at 1.05 that is 190.47.
        assert_eq!(found[3], (105, 19_047));
    }

    /// And to lay: (6.0, 75), (12.0, 12.5).
    #[test]
    fn the_published_offers_to_lay_are_found() {
        let others: [&[(u32, i64)]; 2] = [
            &[(300, 15_000), (240, 25_000), (101, 99_900)],
            &[(200, 30_000), (150, 20_000), (101, 99_900)],
        ];
        assert_eq!(shown(Side::Lay, &others), [(600, 7_500), (1_200, 1_250)]);
    }

    #[test]
    fn less_than_a_pound_is_shown_at_the_next_worse_price() {
        // 0.99 at 6.0 returns 5.94: at 5.9 that is a pound.
        let few: [&[(u32, i64)]; 2] = [&[(200, 297)], &[(300, 198)]];
        assert_eq!(shown(Side::Back, &few), [(590, 100)]);
        // Or together with what is offered there: 5.94 and 37.50 * 5 at 3.75.
        let more: [&[(u32, i64)]; 2] = [&[(200, 30), (250, 7_500)], &[(300, 20), (300, 6_250)]];
        let found = shown(Side::Back, &more);
        assert_eq!(found, [(375, 5_016)], "0.60 more return at 3.75");
        // A layer's return is worth less at worse odds: it is never shown alone.
        assert_eq!(shown(Side::Lay, &few), []);
    }

    #[test]
    fn one_empty_side_ends_it() {
        assert_eq!(shown(Side::Back, &[&[(200, 10_000)], &[]]), []);
        // Others that leave nothing, or next to nothing.
        assert_eq!(shown(Side::Back, &[&[(150, 10_000)], &[(300, 10_000)]]), []);
        assert_eq!(shown(Side::Back, &[&[(101, 10_000)], &[(10_200, 10_000)]]), []);
    }

    #[test]
    fn real_and_virtual_offers_are_one_ladder() {
        let virtual_offers: Vec<Best> = ladder(&[(600, 4_000), (375, 5_000)]).collect();
        let real = || ladder(&[(500, 100), (375, 1)]);
        let merge = |count| merged(Side::Back, real(), virtual_offers.clone(), count);
        let all: Vec<_> = ladder(&[(600, 4_000), (500, 100), (375, 5_001)]).collect();
        assert_eq!(merge(9), all);
        assert_eq!(merge(2), all[..2]);
    }

    #[test]
    fn the_published_bet_is_matched_to_the_penny() {
        let others = [(Price(200), Pence(12_000)), (Price(300), Pence(15_000))];
        let all = step(Side::Back, &others, |_| Pence(i64::MAX));
        let expected = Step {
            price: Price(600),
            size: Pence(4_000),
            others: vec![Pence(12_000), Pence(8_000)],
        };
        assert_eq!(all, Some(expected));
        let some = step(Side::Back, &others, |_| Pence(1_001)).unwrap();
        assert_eq!((some.price, some.size), (Price(600), Pence(1_001)));
        assert_eq!(step(Side::Back, &others, |price| Pence(i64::from(price.0 < 600))), None);
    }

    proptest! {
        #[test]
        fn the_exchange_never_loses_and_never_takes_more_than_there_is(
            back in any::<bool>(),
            others in prop::collection::vec((0_usize..350, 1_i64..100_000), 1..8),
            wanted in 1_i64..50_000,
        ) {
            let taker = if back { Side::Back } else { Side::Lay };
            let price = |at: usize| crate::price::LadderIndex(at as u16).price();
            let others: Vec<Best> =
                others.into_iter().map(|(at, size)| (price(at), Pence(size))).collect();
            let Some(found) = step(taker, &others, |_| Pence(wanted)) else { return Ok(()) };
            prop_assert!(found.size > Pence::ZERO && found.size <= Pence(wanted));
            prop_assert!(found.price.index().is_some());
            let theirs: Pence = found.others.iter().copied().sum();
            let staked = 100 * i128::from((found.size + theirs).0);
            // Whoever wins: what the exchange has after paying, or after being paid.
            let mut returns = vec![found.price.times(found.size)];
            for ((price, size), taken) in others.iter().zip(&found.others) {
                prop_assert!(*taken >= Pence::ZERO && taken <= size);
                returns.push(price.times(*taken));
            }
            for returned in returns {
                let kept = if back { staked - returned } else { returned - staked };
                prop_assert!(kept >= 0, "{found:?} of {others:?} loses {kept}");
            }
        }
    }
}
