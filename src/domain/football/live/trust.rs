//! How far a story may be priced, and from what.
//!
//! A market is suspended first, priced anew, and opened when the feed confirms. While something is pending
//! both of its ends are priced; what cannot be believed is not priced at all.

use super::super::Team;
use super::super::book::Situation;
use super::super::inplay::MatchState;
use super::super::score_grid::{Expectancy, Score};
use super::story::{Doubt, Pending, Phase, Story};
use crate::time::UtcMillis;
use std::fmt;

/// A match that is played and not told of for so long is not known any more.
const SILENT_MS: i64 = 120_000;
/// A break is longer, and a kick-off may be late.
const BREAK_MS: i64 = 30 * 60_000;
const LATE_MS: i64 = 10 * 60_000;
/// How often a penalty is scored, and how often a goal stands that is reviewed.
const SCORED: f64 = 0.76;
const STANDS: f64 = 0.6;

/// Why a match is not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Goal,
    Decision,
    Penalty,
    Review,
    Silent,
    NotBegun,
    Doubt(Doubt),
    /// Another provider tells another score.
    Contradicted,
    Abandoned,
    FullTime,
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Reason::Goal => "a goal, until the feed goes on",
            Reason::Decision => "a decision, until the feed goes on",
            Reason::Penalty => "a penalty",
            Reason::Review => "a video review",
            Reason::Silent => "the feed is silent",
            Reason::NotBegun => "its kick-off is past and nobody has told of it",
            Reason::Doubt(doubt) => return doubt.fmt(out),
            Reason::Contradicted => "two providers tell different scores",
            Reason::Abandoned => "the match was abandoned",
            Reason::FullTime => "the match is over",
        };
        out.write_str(text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    Open,
    /// Priced, and not to be bet on.
    Suspended(Reason),
    /// Not priced.
    Withheld(Reason),
    Over(Reason),
}

/// One way in which what is pending may end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Branch {
    pub name: &'static str,
    pub chance: f64,
    pub situation: Situation,
}

impl Story {
    pub fn trust(&self, kick_off: UtcMillis, now: UtcMillis) -> Trust {
        match (self.phase, self.doubt) {
            (Phase::Abandoned, _) => return Trust::Over(Reason::Abandoned),
            (_, Some(doubt)) => return Trust::Withheld(Reason::Doubt(doubt)),
            (Phase::FullTime, None) => return Trust::Over(Reason::FullTime),
            _ => {}
        }
        match self.pending {
            Some(Pending::Goal(_)) => return Trust::Suspended(Reason::Goal),
            Some(Pending::Decision) => return Trust::Suspended(Reason::Decision),
            Some(Pending::Penalty(_)) => return Trust::Suspended(Reason::Penalty),
            Some(Pending::Review { .. }) => return Trust::Suspended(Reason::Review),
            None => {}
        }
        let silent_ms = self.heard_at.map_or(0, |at| now.since_ms(at));
        match self.phase {
            Phase::Before if now.since_ms(kick_off) > LATE_MS => Trust::Suspended(Reason::NotBegun),
            Phase::HalfTime if silent_ms > BREAK_MS => Trust::Suspended(Reason::Silent),
            phase if phase.is_running() && silent_ms > SILENT_MS => {
                Trust::Suspended(Reason::Silent)
            }
            _ => Trust::Open,
        }
    }

    /// What is to be priced: one situation, or the two that a pending event may lead to.
    pub fn branches(&self, expectancy: Expectancy, rho: f64, now: UtcMillis) -> Vec<Branch> {
        let state = MatchState {
            expectancy,
            rho,
            clock: self.clock(now),
            added: self.added,
            score: self.score(),
            home_reds: self.home_reds,
            away_reds: self.away_reds,
        };
        let (half_time, first_goal) = (self.half_time(), self.first_goal());
        let now = Situation { state, half_time, first_goal };
        let branch = |name, chance, situation| Branch { name, chance, situation };
        match self.pending {
            Some(Pending::Penalty(team)) => vec![
                branch("scored", SCORED, with_goal(now, team)),
                branch("missed", 1.0 - SCORED, now),
            ],
            Some(Pending::Review { goal: Some(team) }) => vec![
                branch("stands", STANDS, now),
                branch("taken back", 1.0 - STANDS, self.without_goal(now, team)),
            ],
            _ => vec![branch("as told", 1.0, now)],
        }
    }

    fn without_goal(&self, now: Situation, team: Team) -> Situation {
        let mut story = self.clone();
        if let Some(at) = story.goals.iter().rposition(|goal| goal.team == team) {
            story.goals.remove(at);
        }
        let state = MatchState { score: story.score(), ..now.state };
        Situation { state, half_time: story.half_time(), first_goal: story.first_goal() }
    }
}

fn with_goal(now: Situation, team: Team) -> Situation {
    let score: Score = now.state.score.after_goal(team);
    let state = MatchState { score, ..now.state };
    Situation { state, first_goal: now.first_goal.or(Some(team)), ..now }
}
