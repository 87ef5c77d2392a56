//! What a market asks for a match before it is played, and the goals that explain it.
//!
//! A source tells all that its market quotes of a match at once: what it tells takes the place of what it told
//! before, and nothing at all withdraws it. From kick-off on the last word stands, and the match is played on from it.
//!
//! The goals are journaled beside the prices ([`Market`]): whoever prices a match again prices it from the same.

use super::super::Team;
use super::super::implied::{self, ImpliedError, MarketQuote, Quoted, blend};
use super::super::margin::{self, MarginError, Method};
use super::super::rater::any_match;
use super::super::score_grid::{Expectancy, GoalLine};
use super::decide::Fault;
use super::item::{Basis, Parameters};
use serde::{Deserialize, Serialize};

/// Lines of one kind that a source may quote.
pub const LINES_MAX: usize = 24;
/// Per cent.
pub const SHARE_MAX: u8 = 100;
/// Prices that add up to less are stale or crossed; to more, no market's.
const ADDS_UP: std::ops::RangeInclusive<f64> = 0.97..=1.6;
/// A spread that weighs as nothing would is taken to be so wide.
const SPREAD_MIN: f64 = 0.005;
/// Expectancies are apart when the logarithm of one over the other is beyond this.
const APART: f64 = 0.35;
const MILLION: f64 = 1e6;

/// Two prices of one line, in hundredths: over and under, or home and away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineQuote {
    /// In quarter goals; of a handicap, what is added to home's.
    pub line: i32,
    pub odds: [u32; 2],
}

/// What a source's market asks, in hundredths, its margin included.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quotes {
    /// Home, draw, away.
    pub match_odds: Option<[u32; 3]>,
    pub totals: Vec<LineQuote>,
    pub handicaps: Vec<LineQuote>,
    /// Yes, no.
    pub both_score: Option<[u32; 2]>,
    /// How much of the price the market makes, per cent; the ratings make the rest.
    pub share: u8,
}

/// What a market expects of a match, in millionths of a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    home: i32,
    away: i32,
    /// Per cent.
    pub share: u8,
}

impl Quotes {
    /// Nothing is quoted.
    pub fn is_empty(&self) -> bool {
        let lines = self.totals.is_empty() && self.handicaps.is_empty();
        lines && self.match_odds.is_none() && self.both_score.is_none()
    }

    /// The field that is complained of when it is the whole that will not do.
    fn first(&self) -> &'static str {
        match self {
            Quotes { match_odds: Some(_), .. } => "matchOdds",
            Quotes { totals, .. } if !totals.is_empty() => "totals",
            Quotes { handicaps, .. } if !handicaps.is_empty() => "handicaps",
            _ => "bothScore",
        }
    }

    /// The goals that explain the prices; `None` of no prices at all.
    pub(super) fn market(&self) -> Result<Option<Market>, Fault> {
        if self.is_empty() {
            return Ok(None);
        }
        let expected = self.expected()?;
        let sound = Parameters::new(
            expected.of(Team::Home),
            expected.of(Team::Away),
            any_match().rho(),
            Basis::Market,
        );
        match sound {
            Some(_) => Ok(Some(Market::of(expected, self.share))),
            None => Err(Fault { field: self.first(), reason: "such goals are never expected" }),
        }
    }

    fn expected(&self) -> Result<Expectancy, Fault> {
        let rho = any_match().rho();
        let mut quotes = Vec::new();
        if let Some(odds) = &self.match_odds {
            let (p, weight) = without_margin("matchOdds", odds)?;
            let all = [Quoted::Home, Quoted::Draw, Quoted::Away];
            quotes.extend(all.into_iter().zip(p).map(|(quoted, p)| quote(quoted, p, weight)));
        }
        let totals = self.totals.iter().map(|line| ("totals", line, Quoted::Over as Line));
        let handicaps = self.handicaps.iter();
        let handicaps = handicaps.map(|line| ("handicaps", line, Quoted::HomeHandicap as Line));
        for (field, line, quoted) in totals.chain(handicaps) {
            let (p, weight) = without_margin(field, &line.odds)?;
            let first = p.first().copied().unwrap_or_default();
            quotes.push(quote(quoted(GoalLine(line.line)), first, weight));
        }
        if let Some(odds) = &self.both_score {
            let (p, weight) = without_margin("bothScore", odds)?;
            let yes = p.first().copied().unwrap_or_default();
            quotes.push(quote(Quoted::BothScore, yes, weight));
        }
        let found = match (&quotes[..], &self.totals[..]) {
            // Met exactly: a total, and home's edge over away.
            ([home, _, away, over], [line]) if self.match_odds.is_some() => {
                let (home, away) = (home.probability, away.probability);
                let line = GoalLine(line.line);
                implied::from_match_odds(home, away, line, over.probability, rho)
            }
            (quotes, _) => implied::from_quotes(quotes, rho),
        };
        found.map_err(|error| {
            let reason = match error {
                ImpliedError::Probability => "has a price that is none",
                ImpliedError::TooFew => "is too little to tell two teams apart",
                ImpliedError::NoSolution => "no goal expectancies explain these prices",
            };
            Fault { field: self.first(), reason }
        })
    }
}

/// What a line of one kind quotes.
type Line = fn(GoalLine) -> Quoted;

fn quote(quoted: Quoted, probability: f64, weight: f64) -> MarketQuote {
    MarketQuote { quoted, probability, weight }
}

/// Probabilities, and how far they are trusted: the narrower the margin, the more.
fn without_margin(field: &'static str, odds: &[u32]) -> Result<(Vec<f64>, f64), Fault> {
    let prices: Vec<f64> = odds.iter().map(|odds| f64::from(*odds) / 100.0).collect();
    let fault = |reason| Fault { field, reason };
    let sum: f64 = prices.iter().map(|price| price.recip()).sum();
    if !ADDS_UP.contains(&sum) {
        return Err(fault("adds up to less than 97 or more than 160 in a hundred"));
    }
    let p = margin::remove(&prices, Method::Power);
    let p = p.map_err(|_: MarginError| fault("has a price that is none"))?;
    let spread = (sum - 1.0).abs().max(SPREAD_MIN);
    Ok((p, (spread * spread).recip()))
}

impl Market {
    fn of(expected: Expectancy, share: u8) -> Market {
        let millionths = |team| (expected.of(team) * MILLION).round() as i32;
        Market { home: millionths(Team::Home), away: millionths(Team::Away), share }
    }

    pub fn expectancy(&self) -> Expectancy {
        Expectancy::new(f64::from(self.home) / MILLION, f64::from(self.away) / MILLION)
    }

    pub fn goals(&self, team: Team) -> f64 {
        self.expectancy().of(team)
    }

    /// What several markets expect together; `None` of none.
    pub(super) fn together(markets: impl Iterator<Item = Market>) -> Option<Market> {
        let (mut n, mut together, mut share) = (0_u32, Expectancy::new(1.0, 1.0), 0_u32);
        for market in markets {
            n += 1;
            share += u32::from(market.share);
            together = blend(together, market.expectancy(), f64::from(n).recip());
        }
        let share = u8::try_from(share.checked_div(n)?).unwrap_or(SHARE_MAX);
        Some(Market::of(together, share))
    }

    /// So far from what the market expects that one of the two is wrong, and the market seldom is.
    pub fn is_far_from(&self, other: Expectancy) -> bool {
        let apart = |team| {
            let (market, other) = (self.expectancy().of(team), other.of(team));
            let apart = (market / other).ln().abs();
            apart > APART || apart.is_nan()
        };
        apart(Team::Home) || apart(Team::Away)
    }

    /// What a match is priced from: the market's part and the ratings'. Ratings that are far off have none.
    pub(super) fn blended(&self, rated: Option<Parameters>) -> Option<Parameters> {
        let heeded = rated.filter(|rated| !self.is_far_from(rated.expectancy()));
        let expected = match heeded {
            Some(rated) => {
                blend(rated.expectancy(), self.expectancy(), f64::from(self.share) / 100.0)
            }
            None => self.expectancy(),
        };
        let rho = rated.unwrap_or_else(any_match).rho();
        Parameters::new(expected.of(Team::Home), expected.of(Team::Away), rho, Basis::Market)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::score_grid::ScoreGrid;
    use super::*;
    use proptest::prelude::*;

    /// Fair prices of a match, with so much margin on every one.
    fn quoted(home: f64, away: f64, margin: f64) -> Quotes {
        let grid = ScoreGrid::new(Expectancy::new(home, away), any_match().rho());
        let odds = grid.match_odds();
        let price = |p: f64| (100.0 / (p * (1.0 + margin))).round() as u32;
        let over = grid.over(GoalLine(10)).win;
        let both = grid.both_score().win;
        Quotes {
            match_odds: Some([odds.home.win, odds.draw.win, odds.away.win].map(price)),
            totals: vec![LineQuote { line: 10, odds: [over, 1.0 - over].map(price) }],
            handicaps: Vec::new(),
            both_score: Some([both, 1.0 - both].map(price)),
            share: 100,
        }
    }

    proptest! {
        #[test]
        fn the_goals_behind_prices_are_found(home in 0.6..2.6_f64, away in 0.6..2.6_f64) {
            let market = quoted(home, away, 0.02).market().expect("sound").expect("quoted");
            // Prices are in hundredths, and a margin is taken off by a rule that did not put it on.
            prop_assert!((market.goals(Team::Home) / home - 1.0).abs() < 0.05, "{market:?}");
            prop_assert!((market.goals(Team::Away) / away - 1.0).abs() < 0.05, "{market:?}");
        }

        #[test]
        fn no_prices_make_it_panic(
            odds in prop::array::uniform3(0_u32..200_000), line in -80..80_i32,
            two in prop::array::uniform2(0_u32..200_000), which in 0..8_u8,
        ) {
            let lines = |on: bool| if on { vec![LineQuote { line, odds: two }] } else { Vec::new() };
            let quotes = Quotes {
                match_odds: (which & 1 > 0).then_some(odds),
                totals: lines(which & 2 > 0),
                handicaps: lines(which & 4 > 0),
                both_score: None,
                share: 50,
            };
            if let Ok(Some(market)) = quotes.market() {
                prop_assert!(market.blended(None).is_some(), "{market:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_field() {
        let good = quoted(1.5, 1.2, 0.02);
        let refused = |change: fn(&mut Quotes)| {
            let mut quotes = good.clone();
            change(&mut quotes);
            quotes.market().map_err(|fault| fault.field)
        };
        assert_eq!(refused(|it| it.match_odds = Some([500, 500, 500])), Err("matchOdds"));
        assert_eq!(refused(|it| it.totals[0].odds = [110, 110]), Err("totals"));
        assert_eq!(refused(|it| it.both_score = Some([0, 200])), Err("bothScore"));
        let alone = Quotes { match_odds: None, both_score: None, ..good.clone() };
        assert_eq!(alone.market().map_err(|fault| fault.field), Err("totals"), "{alone:?}");
        assert_eq!(Quotes::default().market(), Ok(None));
    }

    #[test]
    fn a_market_drives_and_ratings_that_are_far_off_have_no_part() {
        let market = quoted(1.5, 1.2, 0.02).market().expect("sound").expect("quoted");
        let half = Market { share: 50, ..market };
        let rated = |home| Parameters::new(home, 1.2, -0.03, Basis::Ratings);
        let near = half.blended(rated(1.8)).expect("sound");
        let between = market.goals(Team::Home)..1.8;
        assert!(between.contains(&near.goals(Team::Home)), "{near:?}");
        assert_eq!((near.basis, near.rho()), (Basis::Market, -0.03));
        for (market, rated) in [(market, rated(1.8)), (half, rated(2.5)), (half, None)] {
            let goals = market.blended(rated).expect("sound").goals(Team::Home);
            assert!((goals - market.goals(Team::Home)).abs() < 1e-6, "{rated:?}");
        }
        let both = Market::together([market, rated_market(2.0)].into_iter()).expect("two");
        assert!((both.goals(Team::Home) - (market.goals(Team::Home) * 2.0).sqrt()).abs() < 1e-5);
        assert_eq!((both.share, Market::together(std::iter::empty())), (60, None));
    }

    fn rated_market(home: f64) -> Market {
        Market::of(Expectancy::new(home, 1.2), 20)
    }
}
