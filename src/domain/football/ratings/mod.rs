//! How strong teams are, learned from results.
//!
//! ```text
//!   results ─▶ sample (weights, priors) ─▶ fit (Fisher scoring over likelihood) ─▶ Ratings ─▶ expectancy
//! ```
//! Goals of home and away are Poisson with
//!
//! ```text
//!   log home = base + home_advantage + attack(home) - defence(away)      no advantage on neutral ground
//!   log away = base                  + attack(away) - defence(home)
//! ```
//! weighted by age, with Dixon and Coles' factor tau on low scores (1997, equations 4.2 and 4.4) and a ridge
//! that holds every team near what is usual until its own results say otherwise. Without it a team that
//! has not scored yet would never be expected to, and the first goal would cost infinite log loss.
//!
//! A challenger that is cheaper to say than to fit stands beside: [`points`].

mod cholesky;
mod fit;
mod likelihood;
pub mod points;
mod sample;

pub use fit::{FitError, ITERATIONS_MAX, fit};

use super::score_grid::{Expectancy, ScoreGrid};
use serde::{Deserialize, Serialize};

/// A team of one competition, by its place in the competition's own list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TeamIndex(pub u16);

/// A match that has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Played {
    /// Days since 1970-01-01.
    pub day: i32,
    pub home: TeamIndex,
    pub away: TeamIndex,
    pub home_goals: u8,
    pub away_goals: u8,
    /// Shots on target, home and away, where they were counted.
    pub shots: Option<(u8, u8)>,
    pub neutral: bool,
    /// What the goals were worth, home and away ([`points::adjusted`]), where they were told one by one.
    pub worth: Option<(f64, f64)>,
}

/// What a fit believes before it has seen a result, and how fast it forgets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// A match that is `d` days old weighs `exp(-forget_per_day * d)`; 0.002 halves it in 347 days.
    pub forget_per_day: f64,
    /// Older matches are left out.
    pub window_days: i32,
    /// How many goals of information the prior is worth to each strength; 0 is no prior.
    pub ridge: f64,
    /// Prior mean of attack and of defence of a team that came up, as logarithms.
    pub newcomer: f64,
    /// The part of a team's goals that is replaced by the goals its shots on target are usually worth.
    pub shots_share: f64,
    /// Fits the factor on low scores; plain Poisson without.
    pub correlated: bool,
}

impl Settings {
    /// Dixon and Coles with a prior and shots on target: best of those tried on English seasons 2019 to
    /// 2024 (pricing fact sheet 2.3).
    pub const CHAMPION: Settings = Settings {
        forget_per_day: 0.002,
        window_days: 3_000,
        ridge: 3.0,
        newcomer: -0.2,
        shots_share: 0.3,
        correlated: true,
    };

    /// The same prior and memory, on goals alone and without the factor on low scores.
    pub const POISSON: Settings =
        Settings { ridge: 4.0, shots_share: 0.0, correlated: false, ..Settings::CHAMPION };

    /// Every match alike and nothing believed beforehand: the textbook's fit.
    pub const PLAIN: Settings = Settings {
        forget_per_day: 0.0,
        window_days: i32::MAX,
        ridge: 0.0,
        newcomer: 0.0,
        shots_share: 0.0,
        correlated: true,
    };
}

/// What a fit found. Strengths are logarithms; `attack[i]` and `defence[i]` belong to `TeamIndex(i)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratings {
    pub base: f64,
    pub home_advantage: f64,
    pub attack: Vec<f64>,
    pub defence: Vec<f64>,
    pub rho: f64,
    /// Prior means of a team that the fit has not seen.
    pub newcomer: f64,
    /// Of the results under these ratings, weighted, factorials included; without the prior.
    pub log_likelihood: f64,
    pub iterations: u32,
    /// Matches that were in the window.
    pub matches: u32,
}

impl Ratings {
    /// What is expected of a match, before it begins. Teams that the fit has not seen are newcomers.
    pub fn expectancy(&self, home: TeamIndex, away: TeamIndex, neutral: bool) -> Expectancy {
        let advantage = if neutral { 0.0 } else { self.home_advantage };
        let goals = |advantage: f64, attack: TeamIndex, defence: TeamIndex| {
            let strength =
                self.strength(&self.attack, attack) - self.strength(&self.defence, defence);
            (self.base + advantage + strength).exp()
        };
        Expectancy::new(goals(advantage, home, away), goals(0.0, away, home))
    }

    /// The same as probabilities of every score.
    pub fn grid(&self, home: TeamIndex, away: TeamIndex, neutral: bool) -> ScoreGrid {
        ScoreGrid::new(self.expectancy(home, away, neutral), self.rho)
    }

    fn strength(&self, of: &[f64], team: TeamIndex) -> f64 {
        of.get(usize::from(team.0)).copied().unwrap_or(self.newcomer)
    }
}

#[cfg(test)]
mod tests;
