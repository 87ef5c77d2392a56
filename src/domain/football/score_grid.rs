//! How a match may end: the probability of every final score, and of what is bet on it.
//!
//! Goals of the two teams are Poisson, but for the four scores up to 1-1, whose probabilities Dixon and
//! Coles (1997, "Modelling Association Football Scores and Inefficiencies in the Football Betting Market",
//! equation 4.2) multiply by a factor tau that `rho` scales. Tau belongs to the *final* score. So in play the
//! same factor weighs the scores that can still be reached, and prices before and during a match come
//! from one measure: on average over what happens next they do not move.

use super::Team;

/// Goals from now on that a grid tells apart, 0..=15 a team; the rest (below 1e-8 for expectancies up to
/// 4) is spread over it.
pub const GOALS: usize = 16;
const SPREAD: usize = 2 * GOALS - 1;
/// Expectancies are clamped to it: nobody scores more in earnest, and the grid would not hold it.
pub const MAX_EXPECTANCY: f64 = 8.0;

/// How many goals each team is expected to score, finite and 0 to [`MAX_EXPECTANCY`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectancy {
    home: f64,
    away: f64,
}

impl Expectancy {
    /// Clamps; a NaN counts as no goals.
    pub fn new(home: f64, away: f64) -> Self {
        let clamped = |goals: f64| if goals > 0.0 { goals.min(MAX_EXPECTANCY) } else { 0.0 };
        Expectancy { home: clamped(home), away: clamped(away) }
    }

    pub fn of(self, team: Team) -> f64 {
        match team {
            Team::Home => self.home,
            Team::Away => self.away,
        }
    }
}

/// Goals scored, home and away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Score {
    pub home: u8,
    pub away: u8,
}

/// The factor on low final scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tau {
    expectancy: Expectancy,
    rho: f64,
}

impl Tau {
    /// Of the whole match's expectancy. `rho` is clamped to -0.2..=0.1 and to where every factor is well
    /// above zero: a match may end in a score of factor zero, and then nothing would be left to weigh.
    pub fn new(expectancy: Expectancy, rho: f64) -> Self {
        let Expectancy { home, away } = expectancy;
        let least = (-0.2_f64).max(-0.9 / home).max(-0.9 / away);
        let most = 0.1_f64.min(0.9 / (home * away));
        Tau { expectancy, rho: rho.max(least).min(most) }
    }

    /// Of a final score; 1 beyond 1-1.
    pub fn of(self, score: Score) -> f64 {
        let Expectancy { home, away } = self.expectancy;
        match (score.home, score.away) {
            (0, 0) => 1.0 - home * away * self.rho,
            (0, 1) => 1.0 + home * self.rho,
            (1, 0) => 1.0 + away * self.rho,
            (1, 1) => 1.0 - self.rho,
            _ => 1.0,
        }
    }

    /// The largest factor there is.
    pub fn most(self) -> f64 {
        let low = [(0, 0), (0, 1), (1, 0), (1, 1)];
        low.map(|(home, away)| self.of(Score { home, away })).into_iter().fold(1.0, f64::max)
    }
}

/// A line in quarter goals: `GoalLine(10)` is 2.5. A quarter line is half a stake on each neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoalLine(pub i32);

/// Of one unit staked: the part that wins, and the part that is lost. What is left is given back.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Chances {
    pub win: f64,
    pub lose: f64,
}

impl Chances {
    fn certain(win: f64) -> Self {
        Chances { win, lose: 1.0 - win }
    }

    pub fn opposite(self) -> Self {
        Chances { win: self.lose, lose: self.win }
    }

    /// The decimal price at which nobody has an edge, 1 + lose / win; infinite when nothing can be won.
    pub fn fair_price(self) -> f64 {
        match self.win > 0.0 {
            true => 1.0 + self.lose / self.win,
            false => f64::INFINITY,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchOdds {
    pub home: Chances,
    pub draw: Chances,
    pub away: Chances,
}

/// `cells[h][a]`: the probability of h more home and a more away goals. They sum to 1 within 1e-12.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreGrid {
    score: Score,
    cells: [[f64; GOALS]; GOALS],
    /// `differences[GOALS - 1 + d]`: home is to score d more than away from now on.
    differences: [f64; SPREAD],
    /// Goals of both from now on.
    totals: [f64; SPREAD],
}

impl ScoreGrid {
    /// Before kick-off.
    pub fn new(expectancy: Expectancy, rho: f64) -> Self {
        ScoreGrid::from_score(Score::default(), expectancy, Tau::new(expectancy, rho))
    }

    /// At `score`, when `remaining` goals are still expected.
    pub fn from_score(score: Score, remaining: Expectancy, tau: Tau) -> Self {
        let (home, away) = (poisson(remaining.home), poisson(remaining.away));
        let mut cells = [[0.0; GOALS]; GOALS];
        let mut sum = 0.0;
        for (h, row) in cells.iter_mut().enumerate() {
            for (a, cell) in row.iter_mut().enumerate() {
                *cell = home[h] * away[a] * tau.of(score.plus(h, a));
                sum += *cell;
            }
        }
        ScoreGrid::normalised(score, cells, sum)
    }

    /// From a probability of every final score, and how much of it is of scores that can still be reached; `None`
    /// when nothing is.
    pub fn of_final_scores(
        score: Score,
        probability: impl Fn(usize, usize) -> f64,
    ) -> Option<(Self, f64)> {
        let mut cells = [[0.0; GOALS]; GOALS];
        let mut sum = 0.0;
        for (h, row) in cells.iter_mut().enumerate() {
            for (a, cell) in row.iter_mut().enumerate() {
                *cell = probability(usize::from(score.home) + h, usize::from(score.away) + a);
                sum += *cell;
            }
        }
        (sum > 0.0).then(|| (ScoreGrid::normalised(score, cells, sum), sum))
    }

    fn normalised(score: Score, mut cells: [[f64; GOALS]; GOALS], sum: f64) -> Self {
        let (mut differences, mut totals) = ([0.0; SPREAD], [0.0; SPREAD]);
        for (h, row) in cells.iter_mut().enumerate() {
            for (a, cell) in row.iter_mut().enumerate() {
                *cell /= sum;
                differences[GOALS - 1 + h - a] += *cell;
                totals[h + a] += *cell;
            }
        }
        ScoreGrid { score, cells, differences, totals }
    }

    /// The score that the cells are counted from.
    pub fn score(&self) -> Score {
        self.score
    }

    /// `cells()[h][a]`: h more home and a more away goals.
    pub fn cells(&self) -> &[[f64; GOALS]; GOALS] {
        &self.cells
    }

    /// Win, draw, win.
    pub fn match_odds(&self) -> MatchOdds {
        let lead = i32::from(self.score.home) - i32::from(self.score.away);
        let mut sums = [0.0; 3];
        for (difference, p) in self.differences() {
            sums[match lead + difference {
                ..0 => 2,
                0 => 1,
                1.. => 0,
            }] += p;
        }
        let [home, draw, away] = sums.map(Chances::certain);
        MatchOdds { home, draw, away }
    }

    /// More goals than the line, by both teams in the whole match.
    pub fn over(&self, line: GoalLine) -> Chances {
        let scored = i32::from(self.score.home) + i32::from(self.score.away);
        let totals = (scored..).zip(self.totals);
        above(totals, line.0)
    }

    pub fn under(&self, line: GoalLine) -> Chances {
        self.over(line).opposite()
    }

    /// Home wins the whole match with the line added to its score.
    pub fn home_handicap(&self, line: GoalLine) -> Chances {
        let lead = i32::from(self.score.home) - i32::from(self.score.away);
        above(self.differences().map(|(difference, p)| (lead + difference, p)), -line.0)
    }

    pub fn correct_score(&self, score: Score) -> Chances {
        let more = |wanted: u8, have: u8| wanted.checked_sub(have).map(usize::from);
        let cell = more(score.home, self.score.home)
            .zip(more(score.away, self.score.away))
            .and_then(|(h, a)| self.cells.get(h)?.get(a));
        Chances::certain(cell.copied().unwrap_or(0.0))
    }

    pub fn both_score(&self) -> Chances {
        let first_needed = |have: u8| usize::from(have == 0);
        let rows = &self.cells[first_needed(self.score.home)..];
        let away = first_needed(self.score.away);
        Chances::certain(rows.iter().flat_map(|row| &row[away..]).sum())
    }

    /// Who scores next: home, away, nobody. Given how many goals are to come, every order of them is as
    /// likely, since both teams' goals fall by the same clock.
    pub fn next_goal(&self) -> [f64; 3] {
        let (mut home, mut away) = (0.0, 0.0);
        for (h, row) in self.cells.iter().enumerate() {
            for (a, p) in row.iter().enumerate().filter(|(a, _)| h + a > 0) {
                let part = p / (h + a) as f64;
                home += part * h as f64;
                away += part * a as f64;
            }
        }
        [home, away, self.cells[0][0]]
    }

    fn differences(&self) -> impl Iterator<Item = (i32, f64)> + Clone + use<> {
        (1 - GOALS as i32..).zip(self.differences)
    }
}

impl Score {
    /// Saturates at 255 goals.
    fn plus(self, home: usize, away: usize) -> Score {
        let add =
            |have: u8, more: usize| have.saturating_add(u8::try_from(more).unwrap_or(u8::MAX));
        Score { home: add(self.home, home), away: add(self.away, away) }
    }

    pub fn after_goal(self, team: Team) -> Score {
        match team {
            Team::Home => self.plus(1, 0),
            Team::Away => self.plus(0, 1),
        }
    }
}

/// By recurrence: p(k + 1) = p(k) * mean / (k + 1).
pub(super) fn poisson(mean: f64) -> [f64; GOALS] {
    let mut p = [0.0; GOALS];
    p[0] = (-mean).exp();
    for k in 1..GOALS {
        p[k] = p[k - 1] * mean / k as f64;
    }
    p
}

/// A bet that the value is above a line of quarters: equal is given back, an odd line is two half bets.
fn above(values: impl Iterator<Item = (i32, f64)> + Clone, quarters: i32) -> Chances {
    let halves = [quarters - quarters.rem_euclid(2), quarters + quarters.rem_euclid(2)];
    let mut chances = Chances::default();
    for line in halves {
        for (value, p) in values.clone() {
            match (4 * value).cmp(&line) {
                std::cmp::Ordering::Greater => chances.win += p / 2.0,
                std::cmp::Ordering::Less => chances.lose += p / 2.0,
                std::cmp::Ordering::Equal => {}
            }
        }
    }
    Chances { win: chances.win.min(1.0), lose: chances.lose.min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(actual: f64, expected: f64, what: &str) {
        assert!((actual - expected).abs() < 1e-9, "{what}: {actual} is not {expected}");
    }

    /// Golden values: 160 of them agreed with another implementation to 2e-9 (pricing fact sheet 4.3).
    #[test]
    fn the_grid_is_that_of_dixon_and_coles() {
        let grid = ScoreGrid::new(Expectancy::new(1.53, 1.21), -0.06);
        let odds = grid.match_odds();
        close(odds.home.win, 0.439666125732, "home");
        close(odds.draw.win, 0.266579802673, "draw");
        close(odds.away.win, 0.293754071595, "away");
        close(grid.both_score().win, 0.557009745138, "both score");
        for (quarters, win, lose) in [
            (2, 0.928257308114, 1.0 - 0.928257308114),
            (6, 0.765679247609, 1.0 - 0.765679247609),
            (10, 0.516122734447, 1.0 - 0.516122734447),
            (9, 0.516122734447, 0.359099008972),
            (12, 0.294745194185, 0.483877265553),
        ] {
            let over = grid.over(GoalLine(quarters));
            close(over.win, win, &format!("over {quarters}/4"));
            close(over.lose, lose, &format!("not over {quarters}/4"));
            assert_eq!(grid.under(GoalLine(quarters)), over.opposite());
        }
        for (quarters, win, lose, fair) in [
            (-1, 0.439666125732, 0.427043972932, 1.971292),
            (-3, 0.331633248313, 0.560333874268, 2.689619),
        ] {
            let home = grid.home_handicap(GoalLine(quarters));
            close(home.win, win, &format!("handicap {quarters}/4"));
            close(home.lose, lose, &format!("handicap {quarters}/4 lost"));
            assert!((home.fair_price() - fair).abs() < 1e-6);
        }
        for (home, away, p) in [
            (0, 0, 0.071742691886),
            (1, 0, 0.091620285755),
            (0, 1, 0.070957774749),
            (1, 1, 0.126711428197),
            (2, 1, 0.091447398652),
        ] {
            close(grid.correct_score(Score { home, away }).win, p, &format!("{home}-{away}"));
        }
    }

    #[test]
    fn what_has_happened_is_certain() {
        let tau = Tau::new(Expectancy::new(1.5, 1.2), -0.06);
        let three_one = Score { home: 3, away: 1 };
        let grid = ScoreGrid::from_score(three_one, Expectancy::new(0.4, 0.3), tau);
        close(grid.over(GoalLine(10)).win, 1.0, "over 2.5 at 3-1");
        close(grid.both_score().win, 1.0, "both scored");
        close(grid.correct_score(Score { home: 2, away: 1 }).win, 0.0, "a score that has passed");
        let over = ScoreGrid::from_score(three_one, Expectancy::new(0.0, 0.0), tau);
        close(over.match_odds().home.win, 1.0, "ended");
        close(over.match_odds().home.fair_price(), 1.0, "ended");
        assert_eq!(over.match_odds().away.fair_price(), f64::INFINITY);
        close(over.correct_score(three_one).win, 1.0, "ended 3-1");
    }

    #[test]
    fn no_input_makes_a_probability_that_is_none() {
        for goals in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e9] {
            for rho in [f64::NAN, f64::NEG_INFINITY, -5.0, 5.0] {
                let odds = ScoreGrid::new(Expectancy::new(goals, 1.0), rho).match_odds();
                for chances in [odds.home, odds.draw, odds.away] {
                    assert!((0.0..=1.0).contains(&chances.win), "{goals} {rho}: {chances:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn grids_sum_to_one_and_lines_are_monotone(
            home in 0.0..8.0_f64, away in 0.0..8.0_f64, rho in -0.5..0.5_f64,
            score in (0..20_u8, 0..20_u8), left in 0.0..1.0_f64,
        ) {
            let score = Score { home: score.0, away: score.1 };
            let whole = Expectancy::new(home, away);
            let remaining = Expectancy::new(home * left, away * left);
            let grid = ScoreGrid::from_score(score, remaining, Tau::new(whole, rho));
            let sum: f64 = grid.cells.iter().flatten().sum();
            prop_assert!((sum - 1.0).abs() < 1e-12);
            prop_assert!(grid.cells.iter().flatten().all(|cell| *cell >= 0.0));
            let odds = grid.match_odds();
            prop_assert!((odds.home.win + odds.draw.win + odds.away.win - 1.0).abs() < 1e-12);
            let (mut over, mut handicap) = (2.0, -1.0);
            for quarters in -80..80 {
                let line = GoalLine(quarters);
                let (o, h) = (grid.over(line), grid.home_handicap(line));
                for chances in [o, h] {
                    prop_assert!(chances.win + chances.lose < 1.0 + 1e-9);
                }
                prop_assert!(o.win - o.lose <= over + 1e-12, "over {}", quarters);
                prop_assert!(h.win - h.lose >= handicap - 1e-12, "handicap {}", quarters);
                (over, handicap) = (o.win - o.lose, h.win - h.lose);
            }
        }
    }
}
