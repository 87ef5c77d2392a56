//! Models on trial: each of them forecasts every match of a competition, from earlier days only.
//!
//! ```text
//!   results, by day ─▶ Walk: every model as it stood that morning ─▶ Tried: what each said of each match
//! ```
//! A trial goes a day at a time, so that whoever runs it can do other things in between. Results that come later
//! are walked on from where it stood; what is corrected is walked again from its day. What is good is said by
//! [`super::judge`].

use std::sync::Arc;

use super::Team;
use super::almanac::{FixtureId, Odds};
use super::judge::Forecast;
use super::ratings::points::Paced;
use super::ratings::{self, Played, Ratings, Settings, TeamIndex};
use super::score_grid::{Expectancy, ScoreGrid};
use super::weekend::RHO;

/// The newest matches of a competition that are tried; those before are only learned from.
pub const TRIED_MAX: usize = 4_000;
/// Of any match, while a model has no fit.
const UNKNOWN: (f64, f64) = (1.5, 1.2);

/// A model that is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    Champion,
    Poisson,
    Points,
}

impl Model {
    /// The champion first.
    pub const ALL: [Model; 3] = [Model::Champion, Model::Poisson, Model::Points];

    pub fn word(self) -> &'static str {
        match self {
            Model::Champion => "champion",
            Model::Poisson => "poisson",
            Model::Points => "points",
        }
    }

    /// For people.
    pub fn what(self) -> &'static str {
        match self {
            Model::Champion => "Dixon and Coles, time-weighted, with a prior and shots on target",
            Model::Poisson => "plain Poisson on goals, the same prior and memory",
            Model::Points => "rolling attack and defence points",
        }
    }
}

/// What a model expects of a match: goals, and the factor on low scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    pub expectancy: Expectancy,
    pub rho: f64,
}

impl Line {
    pub fn grid(self) -> ScoreGrid {
        ScoreGrid::new(self.expectancy, self.rho)
    }

    pub fn goals(self, team: Team) -> f64 {
        self.expectancy.of(team)
    }
}

/// Every model as it stands on a morning.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    day: Option<i32>,
    champion: Option<Ratings>,
    poisson: Option<Ratings>,
    points: Paced,
    /// Results that the points have seen.
    seen: usize,
}

impl Walk {
    /// Every model learns what was played before the day, in order of days. A fit that fails leaves the one
    /// before in force.
    pub fn go_to(&mut self, day: i32, played: &[Played]) {
        if self.day == Some(day) {
            return;
        }
        self.day = Some(day);
        for (settings, ratings) in
            [(Settings::CHAMPION, &mut self.champion), (Settings::POISSON, &mut self.poisson)]
        {
            if let Ok(fitted) = ratings::fit(day, played, &settings, ratings.as_ref()) {
                *ratings = Some(fitted);
            }
        }
        while let Some(next) = played.get(self.seen).filter(|next| next.day < day) {
            self.points.played(next);
            self.seen += 1;
        }
    }

    /// What each model says, in the order of [`Model::ALL`].
    pub fn lines(&self, home: TeamIndex, away: TeamIndex, neutral: bool) -> [Line; 3] {
        let by = |ratings: &Option<Ratings>| match ratings {
            Some(ratings) => {
                Line { expectancy: ratings.expectancy(home, away, neutral), rho: ratings.rho }
            }
            None => Line { expectancy: Expectancy::new(UNKNOWN.0, UNKNOWN.1), rho: RHO },
        };
        let points = Line { expectancy: self.points.expectancy(home, away, neutral), rho: RHO };
        [by(&self.champion), by(&self.poisson), points]
    }

    fn is_fitted(&self) -> bool {
        self.champion.is_some() && self.poisson.is_some()
    }
}

/// A match that has ended, and which it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    pub fixture: FixtureId,
    pub played: Played,
    pub odds: Option<Odds>,
}

/// A match that was forecast by every model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    pub fixture: FixtureId,
    pub day: i32,
    pub home: TeamIndex,
    pub away: TeamIndex,
    /// Home's and away's goals.
    pub score: (u8, u8),
    pub odds: Option<Odds>,
    /// In the order of [`Model::ALL`].
    pub lines: [Line; 3],
}

impl Tried {
    /// What a model's line came to.
    pub fn forecast(&self, model: Model) -> Forecast {
        Forecast::of(&self.lines[model as usize].grid(), self.score)
    }
}

/// The trial of one competition.
#[derive(Debug, Default)]
pub struct Trial {
    /// By day, of the same matches.
    ended: Vec<(FixtureId, Option<Odds>)>,
    played: Vec<Played>,
    /// The first that was not tried.
    next: usize,
    walk: Walk,
    /// Every model as it stands now, once all was walked.
    now: Option<Arc<Walk>>,
    tried: Arc<Vec<Tried>>,
}

impl Trial {
    /// All results of the competition as they are now.
    pub fn hear(&mut self, mut all: Vec<Ended>) {
        all.sort_by_key(|one| (one.played.day, one.fixture));
        let before = self.ended.iter().zip(&self.played);
        let same = before
            .zip(&all)
            .take_while(|((ended, played), now)| {
                **ended == (now.fixture, now.odds) && **played == now.played
            })
            .count();
        if same == self.ended.len() && same == all.len() && self.now.is_some() {
            return;
        }
        let changes = [self.played.get(same), all.get(same).map(|one| &one.played)];
        let day = changes.iter().flatten().map(|played| played.day).min().unwrap_or(i32::MAX);
        self.ended = all.iter().map(|one| (one.fixture, one.odds)).collect();
        self.played = all.into_iter().map(|one| one.played).collect();
        self.now = None;
        self.go_back_to(day);
    }

    /// Results from `day` on are others than those that were heard before.
    fn go_back_to(&mut self, day: i32) {
        if self.walk.day.is_none_or(|walked| walked > day) {
            self.walk = Walk::default();
            self.tried = Arc::default();
            self.next = self.played.len().saturating_sub(TRIED_MAX);
            return;
        }
        let from = self.played.partition_point(|played| played.day < day);
        if self.next > from {
            Arc::make_mut(&mut self.tried).retain(|tried| tried.day < day);
            self.next = from;
        }
    }

    /// Walks one day on; says whether there was one.
    pub fn step(&mut self) -> bool {
        let Some(day) = self.played.get(self.next).map(|played| played.day) else {
            if self.now.is_none() {
                let mut now = self.walk.clone();
                let morning = self.played.last().map_or(0, |last| last.day.saturating_add(1));
                now.go_to(morning, &self.played);
                self.now = Some(Arc::new(now));
            }
            return false;
        };
        self.walk.go_to(day, &self.played);
        let tried = Arc::make_mut(&mut self.tried);
        while let Some(played) = self.played.get(self.next).filter(|played| played.day == day) {
            // Before every model has learned something there is nothing to compare.
            if self.walk.is_fitted() {
                let (fixture, odds) = self.ended[self.next];
                tried.push(Tried {
                    fixture,
                    odds,
                    day,
                    home: played.home,
                    away: played.away,
                    score: (played.home_goals, played.away_goals),
                    lines: self.walk.lines(played.home, played.away, played.neutral),
                });
            }
            self.next += 1;
        }
        if tried.len() > TRIED_MAX {
            tried.drain(..tried.len() - TRIED_MAX);
        }
        true
    }

    /// By day.
    pub fn tried(&self) -> Arc<Vec<Tried>> {
        self.tried.clone()
    }

    /// Matches that are still to be walked.
    pub fn left(&self) -> usize {
        self.played.len() - self.next
    }

    /// Every model as it stands now; `None` while there is something left.
    pub fn now(&self) -> Option<Arc<Walk>> {
        self.now.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::SplitMix64;
    use super::*;

    fn results(days: i32, seed: u64) -> Vec<Ended> {
        let mut random = SplitMix64::new(seed);
        let mut ended = Vec::new();
        for day in 0..days {
            for pair in 0..3_u16 {
                let shift = day as u16 % 6;
                let (home, away) = ((pair * 2 + shift) % 6, (pair * 2 + 1 + shift) % 6);
                let goals = |strength: u16, random: &mut SplitMix64| {
                    random.next_below(u64::from(strength) + 2) as u8
                };
                ended.push(Ended {
                    fixture: FixtureId(ended.len() as u32 + 1),
                    played: Played {
                        day,
                        home: TeamIndex(home),
                        away: TeamIndex(away),
                        home_goals: goals(home, &mut random),
                        away_goals: goals(away, &mut random),
                        shots: None,
                        neutral: false,
                        worth: None,
                    },
                    odds: None,
                });
            }
        }
        ended
    }

    fn walked(all: &[Ended]) -> Trial {
        let mut trial = Trial::default();
        trial.hear(all.to_vec());
        while trial.step() {}
        trial
    }

    #[test]
    fn a_match_is_forecast_from_earlier_days_only() {
        let all = results(20, 1);
        let before = walked(&all);
        assert_eq!((before.left(), before.now().is_some()), (0, true));
        let mut other = all.clone();
        for one in other.iter_mut().filter(|one| one.played.day >= 12) {
            one.played.home_goals += 3;
        }
        let after = walked(&other);
        let until = |trial: &Trial, day| -> Vec<[Line; 3]> {
            let early = trial.tried.iter().filter(|tried| tried.day <= day);
            early.map(|tried| tried.lines).collect()
        };
        assert!(until(&before, 12).len() > 20);
        assert_eq!(until(&before, 12), until(&after, 12));
        assert_ne!(until(&before, 13), until(&after, 13));
    }

    #[test]
    fn what_comes_later_ends_where_a_walk_from_scratch_does() {
        let all = results(24, 3);
        let near = |one: &Trial, other: &Trial| {
            assert_eq!(one.tried.len(), other.tried.len());
            for (one, other) in one.tried.iter().zip(other.tried.iter()) {
                assert_eq!(one.fixture, other.fixture);
                for (one, other) in one.lines.iter().zip(&other.lines) {
                    // A fit that begins elsewhere comes to rest in the same place.
                    let apart = (one.goals(Team::Home) - other.goals(Team::Home)).abs();
                    assert!(apart < 1e-6, "{one:?} {other:?}");
                }
            }
        };
        // More days, the rest of a day, one of a day that came late, and one that is corrected.
        for (at, change) in [(60, 0), (58, 0), (70, 1), (30, 2)] {
            let mut early: Vec<Ended> = all[..at].to_vec();
            match change {
                1 => drop(early.remove(20)),
                2 => early[10].played.away_goals += 1,
                _ => {}
            }
            let mut trial = walked(&early);
            trial.hear(all.clone());
            while trial.step() {}
            near(&trial, &walked(&all));
            let tried = trial.tried();
            trial.hear(all.clone());
            assert!(Arc::ptr_eq(&tried, &trial.tried()), "nothing is walked twice");
        }
    }

    #[test]
    fn nothing_ended_is_nothing_tried() {
        let trial = walked(&[]);
        assert!(trial.tried().is_empty());
        assert!(trial.now().is_some());
    }
}
