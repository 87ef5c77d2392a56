//! A match under way: what is still to be expected of it, from the clock, the score and the red cards.
//!
//! When the goals fall is the profile's to say (`profile`); the effect of a red card was fitted to 1,635 matches
//! of 2016 to 2018 (pricing fact sheet 4.4). With the score itself the rates do not change: once the odds are
//! known, that effect is small.

use super::Team;
use super::profile::Profile;
use super::score_grid::{Expectancy, Score, ScoreGrid, Tau};
use std::fmt;

/// A team that is a player short scores this much less, its opponent this much more; the second card
/// counts again, further ones do not.
const RED_OWN: f64 = 0.645;
const RED_OPPONENT: f64 = 1.571;
const RED_MAX: u8 = 2;

/// Where a match is. `played_s`: seconds since the half's kick-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Clock {
    #[default]
    BeforeKickOff,
    FirstHalf {
        played_s: u32,
    },
    HalfTime,
    SecondHalf {
        played_s: u32,
    },
    FullTime,
}

/// As it is announced: `23'`, `45+2'`, `HT`.
impl fmt::Display for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base, played_s) = match self {
            Clock::BeforeKickOff => return out.write_str("0'"),
            Clock::HalfTime => return out.write_str("HT"),
            Clock::FullTime => return out.write_str("FT"),
            Clock::FirstHalf { played_s } => (0, played_s),
            Clock::SecondHalf { played_s } => (45, played_s),
        };
        let minute = played_s / 60 + 1;
        match minute.checked_sub(45) {
            Some(added) if added > 0 => write!(out, "{}+{added}'", base + 45),
            _ => write!(out, "{}'", base + minute),
        }
    }
}

/// How long the halves go on after their 45 minutes: as announced, or what is usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddedTime {
    pub first_s: u32,
    pub second_s: u32,
}

impl Default for AddedTime {
    fn default() -> Self {
        AddedTime { first_s: 2 * 60, second_s: 5 * 60 }
    }
}

/// Everything that the prices of a match depend on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchState {
    /// Of the whole match, before it began.
    pub expectancy: Expectancy,
    pub rho: f64,
    pub clock: Clock,
    pub added: AddedTime,
    pub score: Score,
    pub home_reds: u8,
    pub away_reds: u8,
}

impl MatchState {
    pub fn before(expectancy: Expectancy, rho: f64) -> Self {
        MatchState {
            expectancy,
            rho,
            clock: Clock::BeforeKickOff,
            added: AddedTime::default(),
            score: Score::default(),
            home_reds: 0,
            away_reds: 0,
        }
    }

    /// How often the team scores, against what was expected of it in full strength.
    pub fn strength(&self, team: Team) -> f64 {
        let (own, opponent) = match team {
            Team::Home => (self.home_reds, self.away_reds),
            Team::Away => (self.away_reds, self.home_reds),
        };
        RED_OWN.powi(i32::from(own.min(RED_MAX)))
            * RED_OPPONENT.powi(i32::from(opponent.min(RED_MAX)))
    }

    /// Goals still to be expected.
    pub fn remaining(&self) -> Expectancy {
        self.remaining_by(&Profile::ENGLISH)
    }

    fn remaining_by(&self, profile: &Profile) -> Expectancy {
        let left = 1.0 - profile.share(self.clock, self.added);
        let of = |team| self.expectancy.of(team) * left * self.strength(team);
        Expectancy::new(of(Team::Home), of(Team::Away))
    }

    /// The same, told apart by the half they fall in.
    pub fn remaining_by_half(&self) -> (Expectancy, Expectancy) {
        let share = |clock| Profile::ENGLISH.share(clock, self.added);
        let (now, half) = (share(self.clock), share(Clock::HalfTime));
        let of = |team, share: f64| self.expectancy.of(team) * share * self.strength(team);
        let between = |share: f64| Expectancy::new(of(Team::Home, share), of(Team::Away, share));
        (between((half - now).max(0.0)), between(1.0 - now.max(half)))
    }

    pub fn grid(&self) -> ScoreGrid {
        self.grid_by(&Profile::ENGLISH)
    }

    /// The same if goals fell by another profile.
    pub fn grid_by(&self, profile: &Profile) -> ScoreGrid {
        let tau = Tau::new(self.expectancy, self.rho);
        ScoreGrid::from_score(self.score, self.remaining_by(profile), tau)
    }
}

#[cfg(test)]
mod tests {
    use super::super::score_grid::GoalLine;
    use super::*;

    fn level(clock: Clock) -> MatchState {
        MatchState { clock, ..MatchState::before(Expectancy::new(1.53, 1.21), -0.06) }
    }

    #[test]
    fn minutes_are_announced_as_people_do() {
        let at = |clock: Clock| clock.to_string();
        assert_eq!(at(Clock::FirstHalf { played_s: 0 }), "1'");
        assert_eq!(at(Clock::FirstHalf { played_s: 44 * 60 + 59 }), "45'");
        assert_eq!(at(Clock::FirstHalf { played_s: 46 * 60 }), "45+2'");
        assert_eq!(at(Clock::SecondHalf { played_s: 60 }), "47'");
        assert_eq!(at(Clock::SecondHalf { played_s: 45 * 60 }), "90+1'");
        assert_eq!(at(Clock::HalfTime), "HT");
    }

    #[test]
    fn before_kick_off_the_prices_are_those_of_the_grid() {
        let state = level(Clock::BeforeKickOff);
        assert_eq!(state.grid(), ScoreGrid::new(state.expectancy, state.rho));
    }

    #[test]
    fn without_goals_the_draw_and_under_shorten_minute_by_minute() {
        let (mut draw, mut under) = (0.0, 0.0);
        for minute in 0..=45 {
            let grid = level(Clock::SecondHalf { played_s: minute * 60 }).grid();
            let (now_draw, now_under) = (grid.match_odds().draw.win, grid.under(GoalLine(10)).win);
            assert!(now_draw > draw && now_under > under, "minute {minute}");
            (draw, under) = (now_draw, now_under);
        }
    }

    #[test]
    fn a_goal_and_a_red_card_move_the_prices_the_way_they_should() {
        let level = level(Clock::SecondHalf { played_s: 0 });
        let home = |state: MatchState| state.grid().match_odds().home.win;
        let ahead = MatchState { score: Score { home: 1, away: 0 }, ..level };
        assert!(home(ahead) > home(level) + 0.2);
        let short = MatchState { home_reds: 1, ..level };
        let short_opponent = MatchState { away_reds: 1, ..level };
        assert!(home(short) < home(level) && home(level) < home(short_opponent));
        let third = MatchState { home_reds: 3, ..level };
        assert_eq!(third.grid(), MatchState { home_reds: 2, ..level }.grid());
        assert!(
            (short.remaining().of(Team::Home) / level.remaining().of(Team::Home) - 0.645).abs()
                < 1e-12
        );
    }
}
