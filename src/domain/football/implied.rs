//! What a market believes: the goal expectancies that explain its prices.
//!
//! Unknown are the logarithm u of all goals and v of home's share over away's. For match odds with a total
//! they are found so that both the total and home's edge over away are met exactly; for any set of quotes
//! by weighted least squares, in which a quote that fits badly weighs less (Huber). A closing market beats
//! every model that knows results only (pricing fact sheet 1), so where there is a market it drives the book.

use super::Team;
use super::score_grid::{Expectancy, GoalLine, MAX_EXPECTANCY, ScoreGrid};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImpliedError {
    #[error("probabilities must lie between 0 and 1")]
    Probability,
    #[error("too few quotes to tell two teams apart")]
    TooFew,
    #[error("no goal expectancies explain these prices")]
    NoSolution,
}

/// One thing that a market prices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quoted {
    Home,
    Draw,
    Away,
    Over(GoalLine),
    /// The line added to home's goals; of stakes that are won or lost, the part that is won.
    HomeHandicap(GoalLine),
    BothScore,
}

/// A probability without margin, and how far it is trusted: liquidity over the spread squared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarketQuote {
    pub quoted: Quoted,
    pub probability: f64,
    pub weight: f64,
}

/// What may be found: a tenth of a goal to [`MAX_EXPECTANCY`] together, and shares up to e^3 apart.
const LOG_GOALS_MIN: f64 = -2.3;
const LOG_SHARE_MAX: f64 = 3.0;
const STEPS_MAX: u32 = 60;
const DIFFERENCE: f64 = 1e-6;
/// Residuals beyond it, in probability, count linearly and not squared.
const HUBER: f64 = 0.02;

/// Where the search begins: 2.7 goals, evenly.
const BEGIN: [f64; 2] = [1.0, 0.0];

/// From match odds and the chance of more goals than `line`, all without margin. Round trips to 1e-9.
pub fn from_match_odds(
    home: f64,
    away: f64,
    line: GoalLine,
    over: f64,
    rho: f64,
) -> Result<Expectancy, ImpliedError> {
    let inside = |p: f64| p > 0.0 && p < 1.0;
    if !(inside(home) && inside(away) && inside(over) && home + away < 1.0) {
        return Err(ImpliedError::Probability);
    }
    let residual = |at: [f64; 2]| {
        let grid = ScoreGrid::new(expectancy(at), rho);
        let odds = grid.match_odds();
        [effective(grid.over(line)) - over, (odds.home.win - odds.away.win) - (home - away)]
    };
    let mut at = BEGIN;
    for _ in 0..STEPS_MAX {
        let here = residual(at);
        if here.iter().all(|residual| residual.abs() < 1e-13) {
            break;
        }
        let columns = [0, 1].map(|axis| {
            let mut ahead = at;
            ahead[axis] += DIFFERENCE;
            residual(ahead)
        });
        let slope = |row: usize, axis: usize| (columns[axis][row] - here[row]) / DIFFERENCE;
        let matrix = [[slope(0, 0), slope(0, 1)], [slope(1, 0), slope(1, 1)]];
        let step = solve(matrix, here).ok_or(ImpliedError::NoSolution)?;
        at = moved(at, step);
    }
    match residual(at).iter().all(|residual| residual.abs() < 1e-9) {
        true => Ok(expectancy(at)),
        false => Err(ImpliedError::NoSolution),
    }
}

/// The expectancies that fit best. Quotes with no weight, or that are no probabilities, are left out.
pub fn from_quotes(quotes: &[MarketQuote], rho: f64) -> Result<Expectancy, ImpliedError> {
    let usable = |quote: &&MarketQuote| {
        let inside = quote.probability > 0.0 && quote.probability < 1.0;
        inside && quote.weight.is_finite() && quote.weight > 0.0
    };
    let quotes: Vec<&MarketQuote> = quotes.iter().filter(usable).collect();
    if quotes.len() < 2 {
        return Err(ImpliedError::TooFew);
    }
    let largest = quotes.iter().map(|quote| quote.weight).fold(0.0, f64::max);
    let residuals = |at: [f64; 2], into: &mut Vec<f64>| {
        let grid = ScoreGrid::new(expectancy(at), rho);
        into.clear();
        into.extend(quotes.iter().map(|quote| model(&grid, quote.quoted) - quote.probability));
    };
    let (mut here, mut ahead) = (Vec::new(), [Vec::new(), Vec::new()]);
    let mut at = BEGIN;
    for _ in 0..STEPS_MAX {
        residuals(at, &mut here);
        for axis in [0, 1] {
            let mut next = at;
            next[axis] += DIFFERENCE;
            residuals(next, &mut ahead[axis]);
        }
        let (mut normal, mut right) = ([[0.0; 2]; 2], [0.0; 2]);
        for (k, quote) in quotes.iter().enumerate() {
            let bad = here[k].abs().max(HUBER) / HUBER;
            let weight = quote.weight / largest / bad;
            let slope = [0, 1].map(|axis| (ahead[axis][k] - here[k]) / DIFFERENCE);
            for i in 0..2 {
                right[i] += weight * slope[i] * here[k];
                for j in 0..2 {
                    normal[i][j] += weight * slope[i] * slope[j];
                }
            }
        }
        let step = solve(normal, right).ok_or(ImpliedError::TooFew)?;
        at = moved(at, step);
        if step.iter().all(|step| step.abs() < 1e-12) {
            break;
        }
    }
    let found = expectancy(at);
    match found.of(Team::Home).is_finite() && found.of(Team::Away).is_finite() {
        true => Ok(found),
        false => Err(ImpliedError::NoSolution),
    }
}

/// Between a model and a market, on the scale of logarithms; `market` is the market's part, 0 to 1.
pub fn blend(model: Expectancy, by_market: Expectancy, market: f64) -> Expectancy {
    let market = if market > 0.0 { market.min(1.0) } else { 0.0 };
    let between = |team| model.of(team).powf(1.0 - market) * by_market.of(team).powf(market);
    Expectancy::new(between(Team::Home), between(Team::Away))
}

fn expectancy([log_goals, log_share]: [f64; 2]) -> Expectancy {
    let goals = log_goals.exp();
    let home = goals / (1.0 + (-log_share).exp());
    Expectancy::new(home, goals - home)
}

fn model(grid: &ScoreGrid, quoted: Quoted) -> f64 {
    let odds = grid.match_odds();
    match quoted {
        Quoted::Home => odds.home.win,
        Quoted::Draw => odds.draw.win,
        Quoted::Away => odds.away.win,
        Quoted::Over(line) => effective(grid.over(line)),
        Quoted::HomeHandicap(line) => effective(grid.home_handicap(line)),
        Quoted::BothScore => grid.both_score().win,
    }
}

fn effective(chances: super::score_grid::Chances) -> f64 {
    chances.win / (chances.win + chances.lose)
}

fn moved(at: [f64; 2], step: [f64; 2]) -> [f64; 2] {
    let log_goals = at[0] - step[0].clamp(-0.5, 0.5);
    let log_share = at[1] - step[1].clamp(-1.0, 1.0);
    let most = (2.0 * MAX_EXPECTANCY).ln();
    [log_goals.clamp(LOG_GOALS_MIN, most), log_share.clamp(-LOG_SHARE_MAX, LOG_SHARE_MAX)]
}

fn solve([[a, b], [c, d]]: [[f64; 2]; 2], [x, y]: [f64; 2]) -> Option<[f64; 2]> {
    let determinant = a * d - b * c;
    let usable = determinant.is_finite() && determinant.abs() > 1e-18;
    usable.then(|| [(x * d - b * y) / determinant, (a * y - c * x) / determinant])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINE: GoalLine = GoalLine(10);

    proptest! {
        #[test]
        fn expectancies_are_found_again(
            home in 0.3..3.5_f64, away in 0.3..3.5_f64, rho in -0.1..0.03_f64,
        ) {
            let expected = Expectancy::new(home, away);
            let grid = ScoreGrid::new(expected, rho);
            let odds = grid.match_odds();
            let found =
                from_match_odds(odds.home.win, odds.away.win, LINE, grid.over(LINE).win, rho);
            let found = found.expect("its own prices are explained");
            prop_assert!((found.of(Team::Home) - home).abs() < 1e-8, "{:?}", found);
            prop_assert!((found.of(Team::Away) - away).abs() < 1e-8, "{:?}", found);
            let quotes = [
                Quoted::Home, Quoted::Away, Quoted::Over(GoalLine(9)), Quoted::HomeHandicap(GoalLine(-3)),
                Quoted::BothScore,
            ]
            .map(|quoted| MarketQuote { quoted, probability: model(&grid, quoted), weight: 2.0 });
            let found = from_quotes(&quotes, rho).expect("its own quotes are explained");
            prop_assert!((found.of(Team::Home) - home).abs() < 1e-6, "{:?}", found);
            prop_assert!((found.of(Team::Away) - away).abs() < 1e-6, "{:?}", found);
        }

        #[test]
        fn no_price_makes_it_panic(p in prop::array::uniform3(-0.5..1.5_f64)) {
            if let Ok(found) = from_match_odds(p[0], p[1], LINE, p[2], -0.06) {
                prop_assert!(found.of(Team::Home).is_finite());
            }
        }
    }

    #[test]
    fn one_quote_that_lies_moves_little() {
        let grid = ScoreGrid::new(Expectancy::new(1.6, 1.1), -0.06);
        let honest = [Quoted::Home, Quoted::Draw, Quoted::Away, Quoted::Over(LINE)];
        let mut quotes: Vec<_> = honest
            .iter()
            .map(|&quoted| MarketQuote { quoted, probability: model(&grid, quoted), weight: 1.0 })
            .collect();
        quotes.push(MarketQuote { quoted: Quoted::BothScore, probability: 0.9, weight: 1.0 });
        let found = from_quotes(&quotes, -0.06).expect("four of five agree");
        assert!((found.of(Team::Home) - 1.6).abs() < 0.15, "{found:?}");
        assert!((found.of(Team::Away) - 1.1).abs() < 0.15, "{found:?}");
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [f64::NAN, 0.0, 1.0, -1.0, f64::INFINITY] {
            assert_eq!(from_match_odds(bad, 0.3, LINE, 0.5, 0.0), Err(ImpliedError::Probability));
        }
        assert_eq!(from_match_odds(0.6, 0.5, LINE, 0.5, 0.0), Err(ImpliedError::Probability));
        let one = MarketQuote { quoted: Quoted::Home, probability: 0.5, weight: 1.0 };
        assert_eq!(from_quotes(&[one], 0.0), Err(ImpliedError::TooFew));
        assert_eq!(from_quotes(&[one, one], 0.0), Err(ImpliedError::TooFew));
        let weightless = MarketQuote { weight: f64::NAN, ..one };
        assert_eq!(from_quotes(&[one, weightless], 0.0), Err(ImpliedError::TooFew));
    }

    #[test]
    fn a_blend_lies_between() {
        let (model, market) = (Expectancy::new(1.0, 2.0), Expectancy::new(4.0, 2.0));
        let half = blend(model, market, 0.5);
        assert!((half.of(Team::Home) - 2.0).abs() < 1e-12);
        assert!((half.of(Team::Away) - 2.0).abs() < 1e-12);
        assert_eq!(blend(model, market, f64::NAN), model);
        assert_eq!(blend(model, market, 7.0), market);
    }
}
