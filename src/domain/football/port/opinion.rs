//! What a model says of a match, once it is known to be sound, and the book that follows from it.
//!
//! Goals expected price everything and go on with the clock. A grid of final scores prices every market of the
//! final score, and prices those that they name, to the letter; what they leave open (halves, who scores next) comes
//! from the goals that they imply. Both are of a moment: whoever asks must ask again while the match runs.

use super::super::Team;
use super::super::almanac::{Basis, Parameters};
use super::super::book::{self, Kind, MarketLayout, Situation, layout};
use super::super::implied;
use super::super::inplay::MatchState;
use super::super::live::{Phase, Story};
use super::super::score_grid::{Chances, Expectancy, GoalLine, Score, ScoreGrid};
use super::super::weekend::RHO;
use super::Nonsense;
use super::words::{Answer, SaidMarket};
use crate::time::UtcMillis;

/// Probabilities of a grid add up to 1 but for so much, which is taken from all alike.
const GRID_OFF: f64 = 1e-6;
/// Odds are written with two digits behind the point: what they make together may be off by so much.
const ODDS_OFF: f64 = 0.02;
const ODDS_MAX: f64 = 1e6;
/// What is left of a match that a mean can be read from.
const LEFT_MIN: f64 = 0.02;

#[derive(Debug, Clone, PartialEq)]
pub enum Opinion {
    /// Of the whole match.
    Goals(Parameters),
    /// Of the final score, counted from the score at which it was asked.
    Grid(Box<ScoreGrid>),
    Prices {
        /// At which it was asked.
        score: Score,
        markets: Vec<Quoted>,
    },
}

/// A market of the book, with the chance of each of its selections among stakes that are not given back.
#[derive(Debug, Clone, PartialEq)]
pub struct Quoted {
    market: &'static MarketLayout,
    chances: Vec<f64>,
}

fn nonsense<T>(field: &'static str, reason: &'static str) -> Result<T, Nonsense> {
    Err(Nonsense { field, reason })
}

impl Opinion {
    /// `score`: at which it was asked.
    pub fn of(answer: &Answer, score: Score) -> Result<Opinion, Nonsense> {
        match answer {
            Answer::Goals { lambda, mu, rho } => goals(*lambda, *mu, *rho).map(Opinion::Goals),
            Answer::Grid(cells) => grid(cells, score).map(|grid| Opinion::Grid(Box::new(grid))),
            Answer::Prices(markets) => {
                let markets = markets.iter().map(quoted).collect::<Result<_, _>>()?;
                Ok(Opinion::Prices { score, markets })
            }
        }
    }

    /// It is of a moment, and does not go on with the clock.
    pub fn is_of_a_moment(&self) -> bool {
        !matches!(self, Opinion::Goals(_))
    }

    /// It can be priced from at this score.
    pub fn holds_at(&self, score: Score) -> bool {
        match self {
            Opinion::Goals(_) => true,
            Opinion::Grid(grid) => grid.score() == score,
            Opinion::Prices { score: asked, .. } => *asked == score,
        }
    }

    /// Goals expected of the whole match, as far as the opinion says; `otherwise` where it does not.
    pub fn parameters(&self, story: &Story, now: UtcMillis, otherwise: Parameters) -> Parameters {
        let found = match self {
            Opinion::Goals(parameters) => return *parameters,
            Opinion::Grid(grid) => implied_by_grid(grid, story, now),
            Opinion::Prices { markets, .. } if story.phase == Phase::Before => {
                implied_by_prices(markets)
            }
            Opinion::Prices { .. } => None,
        };
        found.unwrap_or(otherwise)
    }

    /// The book of a situation, into a list that is used again. Only of what is not pending.
    pub fn chances(&self, situation: &Situation, into: &mut Vec<Chances>) {
        match self {
            Opinion::Goals(_) => book::chances(situation, into),
            Opinion::Grid(grid) => book::chances_of(situation, grid, into),
            Opinion::Prices { markets, .. } => {
                book::chances(situation, into);
                for quoted in markets {
                    let MarketLayout { first, selections, .. } = *quoted.market;
                    for (chances, chance) in
                        into[first..first + selections].iter_mut().zip(&quoted.chances)
                    {
                        // What is given back is as often as the goals say.
                        let decided = chances.win + chances.lose;
                        let win = (decided * chance).min(decided);
                        *chances = Chances { win, lose: decided - win };
                    }
                }
            }
        }
    }
}

fn goals(lambda: f64, mu: f64, rho: f64) -> Result<Parameters, Nonsense> {
    if !lambda.is_finite() || !mu.is_finite() || !rho.is_finite() {
        let field = if !lambda.is_finite() {
            "lambda"
        } else if !mu.is_finite() {
            "mu"
        } else {
            "rho"
        };
        return nonsense(field, "is not a number");
    }
    // Which of them it is, is found with the others in their place.
    let sound = |lambda, mu, rho| Parameters::new(lambda, mu, rho, Basis::Port);
    match sound(lambda, mu, rho) {
        Some(parameters) => Ok(parameters),
        None if sound(lambda, 1.0, 0.0).is_none() => nonsense("lambda", "is not from 0.05 to 7"),
        None if sound(1.0, mu, 0.0).is_none() => nonsense("mu", "is not from 0.05 to 7"),
        None => nonsense("rho", "is not from -0.2 to 0.1"),
    }
}

fn grid(cells: &[Vec<f64>], score: Score) -> Result<ScoreGrid, Nonsense> {
    let all = || cells.iter().flatten();
    if all().any(|p| !p.is_finite()) {
        return nonsense("grid", "has a probability that is not a number");
    }
    if all().any(|p| *p < 0.0 || *p > 1.0) {
        return nonsense("grid", "has a probability that is not from 0 to 1");
    }
    if (all().sum::<f64>() - 1.0).abs() > GRID_OFF {
        return nonsense("grid", "does not add up to 1");
    }
    let grid = ScoreGrid::of_final_scores(score, |home, away| {
        cells.get(home).and_then(|row| row.get(away)).copied().unwrap_or(0.0)
    });
    match grid {
        Some((grid, reached)) if (reached - 1.0).abs() <= GRID_OFF => Ok(grid),
        _ => nonsense("grid", "gives chances to scores that cannot be reached any more"),
    }
}

fn quoted(said: &SaidMarket) -> Result<Quoted, Nonsense> {
    let line = match said.line {
        None => None,
        Some(line) if line.is_finite() && (line * 4.0).fract() == 0.0 && line.abs() < 100.0 => {
            Some(GoalLine((line * 4.0) as i32))
        }
        Some(_) => return nonsense("line", "is not in quarter goals"),
    };
    let named = |market: &&MarketLayout| market.kind.code() == said.code;
    let mut of_code = layout().markets.iter().filter(named).peekable();
    if of_code.peek().is_none() {
        return nonsense("code", "is no market of the book");
    }
    let Some(market) = of_code.find(|market| market.line == line) else {
        return nonsense("line", "the book has no such line of the market");
    };
    if said.odds.len() != market.selections {
        return nonsense("odds", "are not one for each selection of the market");
    }
    if said.odds.iter().any(|odds| !odds.is_finite()) {
        return nonsense("odds", "have one that is not a number");
    }
    if said.odds.iter().any(|odds| *odds < 1.0 || *odds > ODDS_MAX) {
        return nonsense("odds", "have one that is not from 1 to 1,000,000");
    }
    let winners = f64::from(market.kind.winners());
    let sum: f64 = said.odds.iter().map(|odds| 1.0 / odds).sum();
    if (sum / winners - 1.0).abs() > ODDS_OFF {
        return nonsense("odds", "do not add up: they must be fair, without a margin");
    }
    let chances: Vec<f64> = said.odds.iter().map(|odds| winners / (odds * sum)).collect();
    match chances.iter().all(|chance| *chance <= 1.0) {
        true => Ok(Quoted { market, chances }),
        false => nonsense("odds", "make a selection more than certain"),
    }
}

/// From the goals that are still to come.
fn implied_by_grid(grid: &ScoreGrid, story: &Story, now: UtcMillis) -> Option<Parameters> {
    let (mut home, mut away) = (0.0, 0.0);
    for (h, row) in grid.cells().iter().enumerate() {
        for (a, p) in row.iter().enumerate() {
            home += h as f64 * p;
            away += a as f64 * p;
        }
    }
    let one = story.branches(Expectancy::new(1.0, 1.0), 0.0, now);
    let state: &MatchState = &one.first()?.situation.state;
    let left = state.remaining();
    let whole = |goals: f64, team: Team| {
        (left.of(team) > LEFT_MIN).then(|| (goals / left.of(team)).clamp(0.05, 7.0))
    };
    Parameters::new(whole(home, Team::Home)?, whole(away, Team::Away)?, RHO, Basis::Port)
}

/// From match odds with a total, before the match.
fn implied_by_prices(markets: &[Quoted]) -> Option<Parameters> {
    let find = |kind: Kind| markets.iter().find(|quoted| quoted.market.kind == kind);
    let odds = &find(Kind::MatchOdds)?.chances;
    let totals = find(Kind::OverUnder)?;
    let line = totals.market.line?;
    let found = implied::from_match_odds(odds[0], odds[2], line, totals.chances[0], RHO).ok()?;
    Parameters::new(found.of(Team::Home), found.of(Team::Away), RHO, Basis::Port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn market(code: &str, line: Option<f64>, odds: &[f64]) -> SaidMarket {
        SaidMarket { code: code.to_owned(), line, odds: odds.to_vec() }
    }

    fn refused(answer: Answer) -> &'static str {
        Opinion::of(&answer, Score { home: 1, away: 0 }).expect_err("nonsense").field
    }

    #[test]
    fn nonsense_is_refused_by_field() {
        let goals = |lambda, mu, rho| Answer::Goals { lambda, mu, rho };
        for (answer, field) in [
            (goals(f64::NAN, 1.0, 0.0), "lambda"),
            (goals(-1.0, 1.0, 0.0), "lambda"),
            (goals(1.0, f64::INFINITY, 0.0), "mu"),
            (goals(1.0, 8.0, 0.0), "mu"),
            (goals(1.0, 1.0, 0.5), "rho"),
            (Answer::Grid(vec![vec![0.5, f64::NAN]]), "grid"),
            (Answer::Grid(vec![vec![1.5, -0.5]]), "grid"),
            (Answer::Grid(vec![vec![0.2], vec![0.2]]), "grid"),
            // At 1-0 nothing ends 0-0 any more.
            (Answer::Grid(vec![vec![0.5], vec![0.5]]), "grid"),
            (Answer::Prices(vec![market("WHO_SCORES", None, &[2.0, 2.0])]), "code"),
            (Answer::Prices(vec![market("OVER_UNDER", Some(2.6), &[2.0, 2.0])]), "line"),
            (Answer::Prices(vec![market("OVER_UNDER", None, &[2.0, 2.0])]), "line"),
            (Answer::Prices(vec![market("OVER_UNDER", Some(2.5), &[2.0])]), "odds"),
            (Answer::Prices(vec![market("OVER_UNDER", Some(2.5), &[2.0, 0.5])]), "odds"),
            (Answer::Prices(vec![market("OVER_UNDER", Some(2.5), &[2.0, 1.5])]), "odds"),
            (Answer::Prices(vec![market("OVER_UNDER", Some(2.5), &[f64::NAN, 2.0])]), "odds"),
        ] {
            assert_eq!(refused(answer.clone()), field, "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn the_models_own_grid_prices_as_its_goals_do(
            home in 0.2..3.5_f64, away in 0.2..3.5_f64, rho in -0.15..0.05_f64,
        ) {
            let state = MatchState::before(Expectancy::new(home, away), rho);
            let cells = state.grid().cells().iter().map(|row| row.to_vec()).collect();
            let opinion = Opinion::of(&Answer::Grid(cells), Score::default()).expect("sound");
            let (mut own, mut told) = (Vec::new(), Vec::new());
            book::chances(&Situation::before(state), &mut own);
            opinion.chances(&Situation::before(state), &mut told);
            for (own, told) in own.iter().zip(&told) {
                prop_assert!((own.win - told.win).abs() < 1e-9);
            }
            let story = super::super::super::live::Log::default().story();
            let otherwise = Parameters::new(1.0, 1.0, 0.0, Basis::Ratings).expect("sound");
            let implied = opinion.parameters(&story, UtcMillis(0), otherwise);
            prop_assert!((implied.goals(Team::Home) - home).abs() < 0.02, "{implied:?}");
        }

        #[test]
        fn prices_stand_in_the_book_as_they_were_said(over in 1.3..4.0_f64, home in 1.5..4.0_f64) {
            let said = vec![
                market("OVER_UNDER", Some(2.5), &[over, 1.0 / (1.0 - 1.0 / over)]),
                market("DRAW_NO_BET", None, &[home, 1.0 / (1.0 - 1.0 / home)]),
            ];
            let opinion = Opinion::of(&Answer::Prices(said), Score::default()).expect("fair");
            let state = MatchState::before(Expectancy::new(1.4, 1.1), -0.05);
            let mut chances = Vec::new();
            opinion.chances(&Situation::before(state), &mut chances);
            for (kind, line, odds) in [
                (Kind::OverUnder, Some(GoalLine(10)), over),
                (Kind::DrawNoBet, None, home),
            ] {
                let market = book::market(kind, line).expect("there");
                prop_assert!((chances[market.first].fair_price() - odds).abs() < 1e-6);
            }
        }
    }
}
