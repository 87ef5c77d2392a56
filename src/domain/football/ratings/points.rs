//! A challenger: attack and defence points that roll on from match to match.
//!
//! In the manner of Statistico's published description: goals are first adjusted for what they say (a goal
//! into a match that is decided says less), then each side's points move by a part K of the surprise. A
//! side that did not score loses the whole of what was expected of it, and so loses more the weaker the
//! defence it met.

use super::super::Team;
use super::super::score_grid::Expectancy;
use super::TeamIndex;

/// A goal, with what it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goal {
    pub team: Team,
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

    pub fn expectancy(&self, home: TeamIndex, away: TeamIndex) -> Expectancy {
        let (attack, defence) = (&self.attack, &self.defence);
        let of = |usual: f64, scorer, conceder| {
            usual * (self.of(attack, scorer) - self.of(defence, conceder)).exp()
        };
        Expectancy::new(
            of(self.scale.home_goals, home, away),
            of(self.scale.away_goals, away, home),
        )
    }

    /// A match has ended: `goals` are its adjusted goals, home and away.
    pub fn played(&mut self, home: TeamIndex, away: TeamIndex, goals: (f64, f64)) {
        let expected = self.expectancy(home, away);
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
    use super::*;

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
            points.played(strong, weak, (3.0, 0.0));
        }
        let lost = |against| {
            let mut after = points.clone();
            after.played(side, against, (0.0, 1.0));
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
            points.played(a, b, (12.0, 0.0));
        }
        let expected = points.expectancy(a, b);
        assert!(expected.of(Team::Home) > 3.0 && expected.of(Team::Away) < 0.5, "{expected:?}");
    }
}
