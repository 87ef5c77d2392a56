//! From a fair price to the two prices that a market maker shows, on the ladder.
//!
//! The one place where a float becomes a price. Both prices are rounded away from fair, so that rounding
//! never gives an edge away: the price to back down, the price to lay up.

use super::score_grid::Chances;
use crate::price::{LadderIndex, Price};

/// Nothing less likely than this is quoted: its fair price is beyond the ladder.
pub const PROBABILITY_MIN: f64 = 1.0 / 1_000.0;

/// What is offered to others. A side whose price would stand off the ladder is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quote {
    /// Others may back at this price: the maker lays.
    pub to_back: Option<Price>,
    /// Others may lay at this price: the maker backs.
    pub to_lay: Option<Price>,
}

impl Quote {
    /// `spread` widens the odds to one, `price - 1`, by this part to either side: 0.02 is two per cent.
    /// The price to back always stands below the price to lay.
    pub fn around(chances: Chances, spread: f64) -> Self {
        let fair = chances.fair_price();
        let likely = chances.win / (chances.win + chances.lose) >= PROBABILITY_MIN;
        if !likely || !spread.is_finite() || !(0.0..1.0).contains(&spread) {
            return Quote::default();
        }
        let to_back = ladder_down(1.0 + (fair - 1.0) * (1.0 - spread));
        let mut to_lay = ladder_up(1.0 + (fair - 1.0) * (1.0 + spread));
        if to_back.is_some() && to_back == to_lay {
            to_lay = to_lay.and_then(next_up);
        }
        Quote { to_back, to_lay }
    }
}

/// The nearest price of the ladder at or below; `None` under 1.01.
pub fn ladder_down(price: f64) -> Option<Price> {
    let cents = hundredths(price, f64::floor, 1e-9)?;
    (cents >= Price::MIN).then(|| cents.ladder_at_or_below())
}

/// The nearest price of the ladder at or above; `None` over 1000.
pub fn ladder_up(price: f64) -> Option<Price> {
    let cents = hundredths(price, f64::ceil, -1e-9)?;
    (cents <= Price::MAX).then(|| cents.ladder_at_or_above())
}

/// `nudge` keeps a price that stands on a hundredth, but for the last bits of the float, where it is.
fn hundredths(price: f64, round: fn(f64) -> f64, nudge: f64) -> Option<Price> {
    let cents = round(price * 100.0 * (1.0 + nudge));
    // Far above the ladder is as good as infinite, and fits.
    (cents >= 0.0).then(|| Price(cents.min(1e9) as u32))
}

fn next_up(price: Price) -> Option<Price> {
    let index = price.index()?;
    (index < LadderIndex::LAST).then(|| LadderIndex(index.0 + 1).price())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chances(fair: f64) -> Chances {
        Chances { win: 1.0 / fair, lose: 1.0 - 1.0 / fair }
    }

    #[test]
    fn a_quote_stands_around_the_fair_price_on_the_ladder() {
        let cases = [
            (2.0, 0.02, Some(198), Some(202)),
            (2.0, 0.0, Some(200), Some(202)),
            (2.01, 0.0, Some(200), Some(202)),
            (3.33, 0.02, Some(325), Some(340)),
            (1.005, 0.02, None, Some(101)),
            (1.0, 0.02, None, Some(101)),
            (995.0, 0.02, Some(97_000), None),
            (999.0, 0.0, Some(99_000), Some(100_000)),
            (1_100.0, 0.02, None, None),
            (f64::INFINITY, 0.02, None, None),
        ];
        for (fair, spread, to_back, to_lay) in cases {
            let expected = Quote { to_back: to_back.map(Price), to_lay: to_lay.map(Price) };
            assert_eq!(Quote::around(chances(fair), spread), expected, "{fair} {spread}");
        }
        for spread in [f64::NAN, f64::INFINITY, -0.1, 1.0] {
            assert_eq!(Quote::around(chances(2.0), spread), Quote::default(), "{spread}");
        }
        assert_eq!(Quote::around(Chances::default(), 0.02), Quote::default());
        assert_eq!((ladder_down(f64::NAN), ladder_up(f64::NAN)), (None, None));
        assert_eq!((ladder_down(-3.0), ladder_up(f64::INFINITY)), (None, None));
    }

    proptest! {
        #[test]
        fn a_quote_never_gives_an_edge_away(win in 0.0..1.0_f64, spread in 0.0..0.5_f64) {
            let chances = Chances { win, lose: 1.0 - win };
            let quote = Quote::around(chances, spread);
            let fair = chances.fair_price() * 100.0;
            for price in [quote.to_back, quote.to_lay].into_iter().flatten() {
                prop_assert!(price.index().is_some());
            }
            if let Some(price) = quote.to_back {
                prop_assert!(f64::from(price.0) <= fair * (1.0 + 1e-8));
            }
            if let Some(price) = quote.to_lay {
                prop_assert!(f64::from(price.0) >= fair * (1.0 - 1e-8));
            }
            if let (Some(to_back), Some(to_lay)) = (quote.to_back, quote.to_lay) {
                prop_assert!(to_back < to_lay);
            }
        }
    }
}
