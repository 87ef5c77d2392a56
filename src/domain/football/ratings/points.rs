//! A challenger: attack and defence points that roll on from match to match.
//!
//! In the manner of Statistico's published description: goals are first adjusted for what they say (a goal
//! into a match that is decided says less), then each side's points move by a part K of the surprise. A
//! side that did not score loses the whole of what was expected of it, and so loses more the weaker the
//! defence it met. How large K is, and how many goals are usual, each competition says itself ([`Paced`]).

use super::super::Team;
use super::super::score_grid::Expectancy;
use super::{Played, TeamIndex};

/// A goal, with what makes it worth more or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goal {
    pub team: Team,
    /// The first minute of the match is 1.
    pub minute: u8,
    /// Red cards shown so far.
    pub home_reds: u8,
    pub away_reds: u8,
}

/// From this minute on a goal by a side that leads clearly counts less.
const LATE_MINUTE: u8 = 71;
const CLEAR_LEAD: i32 = 2;
/// Against a side that is a player short; the other way round its inverse.
const AGAINST_TEN: f64 = 0.75;

/// What the goals of a match are worth, home and away, in goals. Goals must be in order.
pub fn adjusted(goals: &[Goal]) -> (f64, f64) {
    let (mut home, mut away, mut lead) = (0.0, 0.0, 0_i32);
    for goal in goals {
        let (side, own_reds, their_reds, sum) = match goal.team {
            Team::Home => (1, goal.home_reds, goal.away_reds, &mut home),
            Team::Away => (-1, goal.away_reds, goal.home_reds, &mut away),
        };
        lead += side;
        let own_lead = lead * side;
        let mut worth = 1.0;
        if goal.minute >= LATE_MINUTE && own_lead >= CLEAR_LEAD {
            worth /= f64::from(own_lead);
        }
        match own_reds.cmp(&their_reds) {
            std::cmp::Ordering::Less => worth *= AGAINST_TEN,
            std::cmp::Ordering::Greater => worth /= AGAINST_TEN,
            std::cmp::Ordering::Equal => {}
        }
        *sum += worth;
    }
    (home, away)
}

/// How fast points move, and what is usual, in one competition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The part of a surprise, in goals, that goes into log strength.
    pub k: f64,
    /// Goals of an average side at home and away.
    pub home_goals: f64,
    pub away_goals: f64,
    /// Log strength of a team that is met for the first time.
    pub newcomer: f64,
}

impl Default for Scale {
    fn default() -> Self {
        Scale { k: 0.035, home_goals: 1.50, away_goals: 1.20, newcomer: -0.15 }
    }
}

/// The points of a competition's teams, as logarithms.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    scale: Scale,
    attack: Vec<f64>,
    defence: Vec<f64>,
}

impl Points {
    pub fn new(scale: Scale) -> Self {
        Points { scale, attack: Vec::new(), defence: Vec::new() }
    }

    /// On neutral ground both are as usual between the two.
    pub fn expectancy(&self, home: TeamIndex, away: TeamIndex, neutral: bool) -> Expectancy {
        let (attack, defence) = (&self.attack, &self.defence);
        let of = |usual: f64, scorer, conceder| {
            usual * (self.of(attack, scorer) - self.of(defence, conceder)).exp()
        };
        let Scale { home_goals, away_goals, .. } = self.scale;
        let (at_home, away_goals) = match neutral {
            true => (f64::midpoint(home_goals, away_goals), f64::midpoint(home_goals, away_goals)),
            false => (home_goals, away_goals),
        };
        Expectancy::new(of(at_home, home, away), of(away_goals, away, home))
    }

    /// A match has ended.
    pub fn played(&mut self, ended: &Played) {
        let Played { home, away, neutral, .. } = *ended;
        let goals = worth(ended);
        let expected = self.expectancy(home, away, neutral);
        let surprise = [goals.0 - expected.of(Team::Home), goals.1 - expected.of(Team::Away)];
        let k = self.scale.k;
        for (scorer, conceder, surprise) in [(home, away, surprise[0]), (away, home, surprise[1])] {
            let attack = self.of(&self.attack, scorer) + k * surprise;
            let defence = self.of(&self.defence, conceder) - k * surprise;
            let newcomer = self.scale.newcomer;
            *place(&mut self.attack, scorer, newcomer) = attack.clamp(-LIMIT, LIMIT);
            *place(&mut self.defence, conceder, newcomer) = defence.clamp(-LIMIT, LIMIT);
        }
    }

    fn of(&self, points: &[f64], team: TeamIndex) -> f64 {
        points.get(usize::from(team.0)).copied().unwrap_or(self.scale.newcomer)
    }
}

/// What the goals of a match were worth; where nobody told of them one by one, one each.
fn worth(ended: &Played) -> (f64, f64) {
    ended.worth.unwrap_or_else(|| (f64::from(ended.home_goals), f64::from(ended.away_goals)))
}

/// Points at several paces side by side: the one that has foretold the competition best so far speaks.
#[derive(Debug, Clone)]
pub struct Paced {
    /// With the loss of each so far.
    paces: Vec<(Points, f64)>,
    /// Matches, and goals at home and away, of those that were not on neutral ground.
    seen: [f64; 3],
}

/// Parts of a surprise that may go into log strength; the second is what is usual.
const PACES: [f64; 4] = [0.02, 0.035, 0.05, 0.075];
/// What is usual of any competition weighs as so many of its own matches.
const USUAL_WEIGHS: f64 = 100.0;

impl Default for Paced {
    fn default() -> Self {
        let paced = PACES.map(|k| (Points::new(Scale { k, ..Scale::default() }), 0.0));
        Paced { paces: paced.to_vec(), seen: [0.0; 3] }
    }
}

impl Paced {
    pub fn expectancy(&self, home: TeamIndex, away: TeamIndex, neutral: bool) -> Expectancy {
        let best = self.paces.iter().min_by(|one, other| one.1.total_cmp(&other.1));
        let (points, _) = best.expect("there are paces");
        points.expectancy(home, away, neutral)
    }

    /// The part of a surprise that goes into strength in this competition.
    pub fn k(&self) -> f64 {
        let best = self.paces.iter().min_by(|one, other| one.1.total_cmp(&other.1));
        best.map_or(Scale::default().k, |(points, _)| points.scale.k)
    }

    pub fn played(&mut self, ended: &Played) {
        let usual = Scale::default();
        if !ended.neutral {
            let more = [1.0, f64::from(ended.home_goals), f64::from(ended.away_goals)];
            self.seen.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        let [matches, at_home, away] = self.seen;
        let of = |usual: f64, goals: f64| (usual * USUAL_WEIGHS + goals) / (USUAL_WEIGHS + matches);
        for (points, loss) in &mut self.paces {
            let said = points.expectancy(ended.home, ended.away, ended.neutral);
            *loss += surprise(said.of(Team::Home), ended.home_goals);
            *loss += surprise(said.of(Team::Away), ended.away_goals);
            points.played(ended);
            points.scale.home_goals = of(usual.home_goals, at_home);
            points.scale.away_goals = of(usual.away_goals, away);
        }
    }
}

/// The Poisson log loss of so many goals, but for what is the same for everybody.
fn surprise(expected: f64, goals: u8) -> f64 {
    expected - f64::from(goals) * expected.max(1e-6).ln()
}

/// Points stay where a score grid can follow, whatever is fed.
const LIMIT: f64 = 1.5;

fn place(points: &mut Vec<f64>, team: TeamIndex, newcomer: f64) -> &mut f64 {
    let at = usize::from(team.0);
    if points.len() <= at {
        points.resize(at + 1, newcomer);
    }
    &mut points[at]
}

#[cfg(test)]
mod tests {
    use super::super::super::SplitMix64;
    use super::*;

    fn ended(home: TeamIndex, away: TeamIndex, goals: (u8, u8)) -> Played {
        Played {
            day: 0,
            home,
            away,
            home_goals: goals.0,
            away_goals: goals.1,
            shots: None,
            neutral: false,
            worth: None,
        }
    }

    fn goal(team: Team, minute: u8) -> Goal {
        Goal { team, minute, home_reds: 0, away_reds: 0 }
    }

    #[test]
    fn goals_count_for_what_they_say() {
        let early = [goal(Team::Home, 10), goal(Team::Home, 20), goal(Team::Away, 80)];
        assert_eq!(adjusted(&early), (2.0, 1.0));
        let late = [goal(Team::Home, 10), goal(Team::Home, 71), goal(Team::Home, 90)];
        let (home, away) = adjusted(&late);
        assert!((home - (1.0 + 1.0 / 2.0 + 1.0 / 3.0)).abs() < 1e-12);
        assert_eq!(away, 0.0);
        let ten = [Goal { away_reds: 1, ..goal(Team::Home, 50) }];
        assert_eq!(adjusted(&ten), (0.75, 0.0));
        let short = [Goal { away_reds: 1, ..goal(Team::Away, 50) }];
        assert_eq!(adjusted(&short), (0.0, 1.0 / 0.75));
    }

    #[test]
    fn a_blank_costs_more_against_a_weak_defence() {
        let (strong, weak, side) = (TeamIndex(0), TeamIndex(1), TeamIndex(2));
        let mut points = Points::new(Scale::default());
        for _ in 0..20 {
            points.played(&ended(strong, weak, (3, 0)));
        }
        let lost = |against| {
            let mut after = points.clone();
            after.played(&ended(side, against, (0, 1)));
            points.of(&points.attack, side) - after.of(&after.attack, side)
        };
        assert!(lost(weak) > 2.0 * lost(strong));
        assert!(lost(strong) > 0.0);
    }

    #[test]
    fn points_stay_in_bounds_and_favour_who_wins() {
        let (a, b) = (TeamIndex(0), TeamIndex(1));
        let mut points = Points::new(Scale::default());
        for _ in 0..500 {
            points.played(&ended(a, b, (12, 0)));
        }
        let expected = points.expectancy(a, b, false);
        assert!(expected.of(Team::Home) > 3.0 && expected.of(Team::Away) < 0.5, "{expected:?}");
    }

    #[test]
    fn a_competition_says_how_fast_its_points_move_and_what_is_usual() {
        // Strengths that never change ask for the slowest pace, those that turn round every month for a fast one.
        let learned = |turns_every: usize| {
            let (mut paced, mut random) = (Paced::default(), SplitMix64::new(5));
            for n in 0..1_500_usize {
                let strong = (n / turns_every) % 2;
                let (home, away) = (TeamIndex((n % 2) as u16), TeamIndex(1 - (n % 2) as u16));
                let chance = |team: TeamIndex| if usize::from(team.0) == strong { 75 } else { 25 };
                let mut goals =
                    |team| (0..4).filter(|_| random.next_below(100) < chance(team)).count() as u8;
                let score = (goals(home), goals(away));
                paced.played(&ended(home, away, score));
            }
            paced
        };
        let (steady, fickle) = (learned(10_000), learned(40));
        assert!(steady.k() < fickle.k(), "{} {}", steady.k(), fickle.k());
        let usual = steady.paces[0].0.scale;
        assert!((usual.home_goals - 2.0).abs() < 0.15, "{usual:?}");
        let level = steady.expectancy(TeamIndex(7), TeamIndex(8), true);
        assert!((level.of(Team::Home) - level.of(Team::Away)).abs() < 1e-12, "neutral ground");
    }

    #[test]
    fn what_goals_were_worth_is_what_counts() {
        let (a, b) = (TeamIndex(0), TeamIndex(1));
        let after = |worth| {
            let mut points = Points::new(Scale::default());
            points.played(&Played { worth, ..ended(a, b, (3, 0)) });
            points.expectancy(a, b, false).of(Team::Home)
        };
        assert!(after(Some((1.5, 0.0))) < after(None));
        assert_eq!(after(Some((3.0, 0.0))), after(None));
    }
}
