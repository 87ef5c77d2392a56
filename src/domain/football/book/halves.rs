//! The two halves of a match, independent but for tau, which weighs the final score of both together.
//!
//! Of a path with i, j more goals in the first half and k, l in the second the weight is
//! `first(i, j) * second(k, l) * tau(final)`. Tau is 1 but for final scores up to 1-1, so every expectation
//! is that of independent halves plus at most nine corrected paths, divided by what all paths weigh. A half
//! that is over is certain: no more goals fall in it.

use super::super::Team;
use super::super::score_grid::{Expectancy, GOALS, Score, Tau, poisson};
use super::Situation;
use super::names::Outcome;

/// Leads from -15 to 15 and totals from 0 to 30, of goals from now on.
const SPREAD: usize = 2 * GOALS - 1;

#[derive(Debug, Clone)]
struct Half {
    /// Goals that have fallen in it.
    scored: Score,
    home: [f64; GOALS],
    away: [f64; GOALS],
    leads: [f64; SPREAD],
    totals: [f64; SPREAD],
}

/// A path whose tau is not 1, and what that adds to its weight.
#[derive(Debug, Clone, Copy)]
struct Corrected {
    first: Score,
    second: Score,
    weight: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Halves {
    first: Half,
    second: Half,
    corrected: [Corrected; CORRECTED_MAX],
    corrections: usize,
    all: f64,
}

/// 1 + 2 + 2 + 4 paths lead from kick-off to 0-0, 0-1, 1-0 and 1-1.
const CORRECTED_MAX: usize = 9;

impl Halves {
    pub(super) fn of(situation: &Situation) -> Self {
        let state = &situation.state;
        let (first_left, second_left) = state.remaining_by_half();
        let at_half_time = situation.half_time.unwrap_or(state.score);
        let since = Score {
            home: state.score.home.saturating_sub(at_half_time.home),
            away: state.score.away.saturating_sub(at_half_time.away),
        };
        let (first, second) = (Half::new(at_half_time, first_left), Half::new(since, second_left));
        let tau = Tau::new(state.expectancy, state.rho);
        let none = Corrected { first: Score::default(), second: Score::default(), weight: 0.0 };
        let mut halves =
            Halves { first, second, corrected: [none; CORRECTED_MAX], corrections: 0, all: 1.0 };
        for home in state.score.home..=1 {
            for away in state.score.away..=1 {
                let extra = tau.of(Score { home, away }) - 1.0;
                let more = (home - state.score.home, away - state.score.away);
                halves.correct(more, extra);
            }
        }
        halves
    }

    fn correct(&mut self, more: (u8, u8), extra: f64) {
        for i in 0..=more.0 {
            for j in 0..=more.1 {
                let first = Score { home: i, away: j };
                let second = Score { home: more.0 - i, away: more.1 - j };
                let weight = extra * self.first.at(first) * self.second.at(second);
                self.corrected[self.corrections] = Corrected { first, second, weight };
                self.corrections += 1;
                self.all += weight;
            }
        }
    }

    /// Adds the corrections that `belongs` says belong, and divides by what all paths weigh.
    fn expect(&self, independent: f64, belongs: impl Fn(Score, Score) -> bool) -> f64 {
        let corrected = &self.corrected[..self.corrections];
        let extra: f64 = corrected
            .iter()
            .filter(|path| belongs(path.first, path.second))
            .map(|path| path.weight)
            .sum();
        ((independent + extra) / self.all).clamp(0.0, 1.0)
    }

    pub(super) fn first_half_is(&self, outcome: Outcome) -> f64 {
        let half = &self.first;
        self.expect(half.ends(outcome), |first, _| half.outcome(first) == outcome)
    }

    pub(super) fn second_half_is(&self, outcome: Outcome) -> f64 {
        let half = &self.second;
        self.expect(half.ends(outcome), |_, second| half.outcome(second) == outcome)
    }

    /// More goals in the first half than `goals`.
    pub(super) fn first_half_over(&self, goals: u8) -> f64 {
        let half = &self.first;
        self.expect(half.over(goals), |first, _| half.total(first) > u32::from(goals))
    }

    pub(super) fn second_half_over(&self, goals: u8) -> f64 {
        let half = &self.second;
        self.expect(half.over(goals), |_, second| half.total(second) > u32::from(goals))
    }

    pub(super) fn half_and_full(&self, half: Outcome, full: Outcome) -> f64 {
        let (first, second) = (&self.first, &self.second);
        let scored = first.scored_lead() + second.scored_lead();
        let mut independent = 0.0;
        for (at, p) in first.leads.iter().enumerate() {
            let lead = at as i32 - (GOALS as i32 - 1);
            if *p > 0.0 && Outcome::of_lead(first.scored_lead() + lead) == half {
                independent += p * second.lead_chance(scored + lead, full);
            }
        }
        self.expect(independent, |i, k| {
            let lead = scored + lead_of(i) + lead_of(k);
            first.outcome(i) == half && Outcome::of_lead(lead) == full
        })
    }

    /// More goals in the first half than in the second, as many, fewer.
    pub(super) fn first_half_against_second(&self, order: std::cmp::Ordering) -> f64 {
        let (first, second) = (&self.first, &self.second);
        let mut independent = 0.0;
        for (goals, p) in first.totals.iter().enumerate() {
            if *p > 0.0 {
                let lead =
                    first.scored_total() as i32 + goals as i32 - second.scored_total() as i32;
                let falls = second.totals.iter().enumerate();
                let with = falls.filter(|(k, _)| lead.cmp(&(*k as i32)) == order);
                independent += p * with.map(|(_, q)| q).sum::<f64>();
            }
        }
        self.expect(independent, |i, k| first.total(i).cmp(&second.total(k)) == order)
    }
}

impl Half {
    fn new(scored: Score, left: Expectancy) -> Self {
        let home = normal(poisson(left.of(Team::Home)));
        let away = normal(poisson(left.of(Team::Away)));
        let (mut leads, mut totals) = ([0.0; SPREAD], [0.0; SPREAD]);
        for (h, p) in home.iter().enumerate() {
            for (a, q) in away.iter().enumerate() {
                leads[GOALS - 1 + h - a] += p * q;
                totals[h + a] += p * q;
            }
        }
        Half { scored, home, away, leads, totals }
    }

    fn at(&self, more: Score) -> f64 {
        self.home[usize::from(more.home)] * self.away[usize::from(more.away)]
    }

    fn scored_lead(&self) -> i32 {
        lead_of(self.scored)
    }

    fn scored_total(&self) -> u32 {
        total_of(self.scored)
    }

    fn outcome(&self, more: Score) -> Outcome {
        Outcome::of_lead(self.scored_lead() + lead_of(more))
    }

    fn total(&self, more: Score) -> u32 {
        self.scored_total() + total_of(more)
    }

    fn ends(&self, outcome: Outcome) -> f64 {
        self.lead_chance(self.scored_lead(), outcome)
    }

    /// That a lead from before, with what this half still adds, is of this kind.
    fn lead_chance(&self, before: i32, outcome: Outcome) -> f64 {
        // The index of the lead that levels.
        let level = (GOALS as i32 - 1 - before).clamp(-1, SPREAD as i32);
        let at = |from: i32, to: i32| -> f64 {
            let (from, to) = (from.clamp(0, SPREAD as i32), to.clamp(0, SPREAD as i32));
            self.leads[from as usize..to.max(from) as usize].iter().sum()
        };
        match outcome {
            Outcome::Away => at(0, level),
            Outcome::Draw => at(level, level + 1),
            Outcome::Home => at(level + 1, SPREAD as i32),
        }
    }

    fn over(&self, goals: u8) -> f64 {
        let needed = (u32::from(goals) + 1).saturating_sub(self.scored_total());
        self.totals.iter().skip(needed as usize).sum()
    }
}

fn lead_of(score: Score) -> i32 {
    i32::from(score.home) - i32::from(score.away)
}

fn total_of(score: Score) -> u32 {
    u32::from(score.home) + u32::from(score.away)
}

/// What lies beyond the grid is spread over it.
fn normal(mut p: [f64; GOALS]) -> [f64; GOALS] {
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
    p
}
