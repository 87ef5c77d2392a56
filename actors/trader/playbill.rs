//! When which match is played.
//!
//! Pure. A slot plays one match after another, for ever, on an accelerated clock; slots begin one after the
//! other. Everything follows from the seed, the slot and the time, so that a trader that was restarted goes on
//! with the match it was in.

use domain::football::fixture::MatchScript;
use domain::football::weekend::{Fixture, RHO, fixtures};
use domain::time::UtcMillis;

/// What every slot of a demo has in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Season {
    pub seed: u64,
    pub slots: u32,
    /// When the demo began.
    pub began: UtcMillis,
    /// How many times faster than usual, 0.1 to 30.
    pub speed: f64,
}

/// Match seconds a second: ninety minutes and their break in seven to eight.
const PACE: f64 = 15.0;
/// From one kick-off of a slot to its next, at usual speed.
const ROUND_MS: f64 = 540_000.0;
/// Until the first match begins.
const LEAD_MS: i64 = 5_000;
/// So many matches begin at once, one after another; the rest are spread over the round.
const EARLY_SLOTS: u32 = 4;
const EARLY_MS: f64 = 7_000.0;

/// One match of a slot.
#[derive(Debug)]
pub struct Match {
    pub round: u64,
    pub fixture: Fixture,
    pub kick_off: UtcMillis,
    pub script: MatchScript,
    pace_per_ms: f64,
}

impl Season {
    pub fn new(seed: u64, slots: u32, began: UtcMillis, speed: f64) -> Season {
        let speed = if speed.is_finite() { speed.clamp(0.1, 30.0) } else { 30.0 };
        Season { seed, slots: slots.max(1), began, speed }
    }

    /// How often a trader looks.
    pub fn tick_ms(&self) -> u64 {
        (1_000.0 / self.speed).clamp(200.0, 1_000.0) as u64
    }

    /// By the match clock, how often its time is told: about once a second.
    pub fn clock_every_s(&self) -> u32 {
        (PACE * self.speed).clamp(5.0, 450.0) as u32
    }

    /// The round that a slot is in, or the first.
    pub fn round_at(&self, slot: u32, now: UtcMillis) -> u64 {
        let since = now.since_ms(self.kick_off(slot, 0)) as f64;
        (since / self.round_ms()).floor().max(0.0) as u64
    }

    pub fn play(&self, slot: u32, round: u64) -> Match {
        let number = round * u64::from(self.slots) + u64::from(slot);
        let weekend = fixtures(self.seed);
        let (week, place) = (number / weekend.len() as u64, number % weekend.len() as u64);
        let weekend = match week {
            0 => weekend,
            week => fixtures(self.seed.wrapping_add(week)),
        };
        // Leagues take turns: the step has no divisor in common with 39 matches.
        let fixture = weekend[(place * 7) as usize % weekend.len()];
        Match {
            round,
            fixture,
            kick_off: self.kick_off(slot, round),
            script: MatchScript::draw(fixture.expectancy, RHO, fixture.seed),
            pace_per_ms: PACE * self.speed / 1_000.0,
        }
    }

    fn kick_off(&self, slot: u32, round: u64) -> UtcMillis {
        let offset = match slot {
            early if early < EARLY_SLOTS => f64::from(early) * EARLY_MS / ROUND_MS,
            late => f64::from(late) / f64::from(self.slots),
        };
        let rounds = round as f64 + offset;
        // Rounded up, so that the round of a kick-off is the one that it begins.
        self.began.plus_ms(LEAD_MS).plus_ms((rounds * self.round_ms()).ceil() as i64)
    }

    fn round_ms(&self) -> f64 {
        ROUND_MS / self.speed
    }
}

impl Match {
    /// Seconds on the match clock; `None` before kick-off.
    pub fn elapsed_s(&self, now: UtcMillis) -> Option<u32> {
        let since = now.since_ms(self.kick_off);
        (since >= 0).then_some((since as f64 * self.pace_per_ms) as u32)
    }

    pub fn name(&self) -> String {
        self.fixture.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_plays_for_ever_and_every_match_ends_before_the_next_begins() {
        let season = Season::new(7, 12, UtcMillis(1_700_000_000_000), 1.0);
        for slot in 0..12 {
            for round in 0..40 {
                let game = season.play(slot, round);
                let next = season.play(slot, round + 1);
                assert_eq!(game.elapsed_s(game.kick_off.plus_ms(-1)), None);
                assert_eq!(game.elapsed_s(game.kick_off), Some(0));
                let minute_before_next = next.kick_off.plus_ms(-60_000);
                let length = Some(game.script.length_s());
                assert!(game.elapsed_s(minute_before_next) >= length, "{slot} {round}");
                assert_eq!(season.round_at(slot, game.kick_off), round);
                assert_eq!(season.round_at(slot, minute_before_next), round);
            }
        }
        assert_eq!(season.round_at(3, season.began), 0);
    }

    #[test]
    fn a_weekend_is_played_before_any_team_plays_again() {
        let season = Season::new(1, 13, UtcMillis(0), 1.0);
        let mut names = std::collections::BTreeSet::new();
        for round in 0..3 {
            for slot in 0..13 {
                assert!(names.insert(season.play(slot, round).name()));
            }
        }
        assert!(names.contains(&season.play(0, 0).name()));
    }

    #[test]
    fn speeds_are_kept_within_what_a_market_can_follow() {
        for (asked, played) in [(f64::INFINITY, 30.0), (0.0, 0.1), (2.0, 2.0), (f64::NAN, 30.0)] {
            assert_eq!(Season::new(1, 0, UtcMillis(0), asked).speed, played);
        }
    }
}
