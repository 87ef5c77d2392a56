//! A match under way: what is still to be expected of it, from the clock, the score and the red cards.
//!
//! Goals do not fall evenly: their rate grows by about a fifth from half to half, and the minutes that
//! stoppage time is counted to hold several minutes. The profile is fitted to 3,040 English matches of
//! 2012 to 2020 with the closing odds as offset; the effect of a red card to 1,635 matches of 2016 to 2018
//! (pricing fact sheet 4.4). With the score itself the rates do not change: once the odds are known, that
//! effect is small.

use super::Team;
use super::score_grid::{Expectancy, Score, ScoreGrid, Tau};

/// A half, as the minutes of the profile count it: 44 full minutes, and one that lasts until the whistle.
const FULL_MINUTES_S: u32 = 44 * 60;
/// A team that is a player short scores this much less, its opponent this much more; the second card
/// counts again, further ones do not.
const RED_OWN: f64 = 0.645;
const RED_OPPONENT: f64 = 1.571;
const RED_MAX: u8 = 2;

/// `SHARES[m]`: of the match's goals, the share that falls in its first m minutes.
const SHARES: [f64; 91] = shares();

const fn shares() -> [f64; 91] {
    let mut shares = [0.0; 91];
    let mut minute = 1;
    while minute <= 90 {
        shares[minute] = shares[minute - 1]
            + match minute {
                45 => 0.0374,
                90 => 0.0641,
                1..=44 => 0.007776 + 0.0000591 * minute as f64,
                _ => 0.00957 + 0.0000215 * minute as f64,
            };
        minute += 1;
    }
    let all = shares[90];
    minute = 0;
    while minute <= 90 {
        shares[minute] /= all;
        minute += 1;
    }
    shares
}

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

impl Clock {
    /// The share of the match's goals that falls before this moment, 0 to 1.
    pub fn share(self, added: AddedTime) -> f64 {
        match self {
            Clock::BeforeKickOff => SHARES[0],
            Clock::FirstHalf { played_s } => share_of_half(0, played_s, added.first_s),
            Clock::HalfTime => SHARES[45],
            Clock::SecondHalf { played_s } => share_of_half(45, played_s, added.second_s),
            Clock::FullTime => SHARES[90],
        }
    }

    /// The moment before which this share of the goals falls: the inverse of [`Clock::share`], to the
    /// second before.
    pub fn at_share(share: f64, added: AddedTime) -> Clock {
        if share < SHARES[45] {
            Clock::FirstHalf { played_s: second_of_half(0, share, added.first_s) }
        } else {
            Clock::SecondHalf { played_s: second_of_half(45, share, added.second_s) }
        }
    }
}

fn share_of_half(first_minute: usize, played_s: u32, added_s: u32) -> f64 {
    let (minute, second, length_s) = match played_s < FULL_MINUTES_S {
        true => (first_minute + (played_s / 60) as usize, played_s % 60, 60),
        false => (first_minute + 44, played_s - FULL_MINUTES_S, last_minute_s(added_s)),
    };
    let part = (f64::from(second) / f64::from(length_s)).min(1.0);
    SHARES[minute] + part * (SHARES[minute + 1] - SHARES[minute])
}

fn second_of_half(first_minute: usize, share: f64, added_s: u32) -> u32 {
    let minutes = &SHARES[first_minute..=first_minute + 45];
    let minute = minutes.partition_point(|before| *before <= share).clamp(1, 45) - 1;
    let part =
        ((share - minutes[minute]) / (minutes[minute + 1] - minutes[minute])).clamp(0.0, 1.0);
    let length_s = if minute == 44 { last_minute_s(added_s) } else { 60 };
    minute as u32 * 60 + (part * f64::from(length_s)) as u32
}

fn last_minute_s(added_s: u32) -> u32 {
    added_s.saturating_add(60)
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
        let left = 1.0 - self.clock.share(self.added);
        let of = |team| self.expectancy.of(team) * left * self.strength(team);
        Expectancy::new(of(Team::Home), of(Team::Away))
    }

    /// The same, told apart by the half they fall in.
    pub fn remaining_by_half(&self) -> (Expectancy, Expectancy) {
        let now = self.clock.share(self.added);
        let half = SHARES[45];
        let of = |team, share: f64| self.expectancy.of(team) * share * self.strength(team);
        let between = |share: f64| Expectancy::new(of(Team::Home, share), of(Team::Away, share));
        (between((half - now).max(0.0)), between(1.0 - now.max(half)))
    }

    pub fn grid(&self) -> ScoreGrid {
        let tau = Tau::new(self.expectancy, self.rho);
        ScoreGrid::from_score(self.score, self.remaining(), tau)
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
    fn the_profile_is_the_one_measured() {
        let added = AddedTime::default();
        for (clock, share) in [
            (Clock::BeforeKickOff, 0.0),
            (Clock::FirstHalf { played_s: 15 * 60 }, 0.1254),
            (Clock::FirstHalf { played_s: 30 * 60 }, 0.2642),
            (Clock::HalfTime, 0.4439),
            (Clock::SecondHalf { played_s: 0 }, 0.4439),
            (Clock::SecondHalf { played_s: 15 * 60 }, 0.6066),
            (Clock::SecondHalf { played_s: 30 * 60 }, 0.7742),
            (Clock::FullTime, 1.0),
        ] {
            assert!((clock.share(added) - share).abs() < 5e-4, "{clock:?}: {}", clock.share(added));
        }
    }

    #[test]
    fn shares_only_grow_and_lead_back_to_their_moment() {
        let added = AddedTime { first_s: 95, second_s: 340 };
        let mut before = -1.0;
        let halves = [(45 * 60 + 95, true), (45 * 60 + 340, false)];
        for (length_s, first) in halves {
            for played_s in 0..length_s {
                let clock = match first {
                    true => Clock::FirstHalf { played_s },
                    false => Clock::SecondHalf { played_s },
                };
                let share = clock.share(added);
                assert!(share > before, "{clock:?}");
                before = share;
                // Half a second on, so that rounding cannot lead to the second before.
                let next = match first {
                    true => Clock::FirstHalf { played_s: played_s + 1 },
                    false => Clock::SecondHalf { played_s: played_s + 1 },
                };
                let middle = (share + next.share(added)) / 2.0;
                assert_eq!(Clock::at_share(middle, added), clock);
            }
        }
        let late = Clock::SecondHalf { played_s: u32::MAX };
        assert_eq!(late.share(added), 1.0);
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
