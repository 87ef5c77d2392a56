//! When goals fall: the share of a match's goals that its minutes hold.
//!
//! Goals do not fall evenly: their rate grows by about a fifth from half to half, and the minutes that
//! stoppage time is counted to hold several minutes. The shape has four parts: a line over the full minutes
//! of each half, and the last minute of each. Fitted by maximum likelihood; what is expected of the matches
//! is the same in every minute, so the counts say all.

use super::inplay::{AddedTime, Clock};

pub const MINUTES: usize = 90;
/// The minute that lasts until the whistle, of each half.
const LAST: usize = 45;
/// A half, as a profile counts it: 44 full minutes, and one that lasts until the whistle.
const FULL_MINUTES_S: u32 = 44 * 60;
/// Below so many goals a profile would say more of the matches than of football.
const GOALS_MIN: u32 = 500;
const STEPS: usize = 25;

/// A part of the minutes whose rates lie on a line.
#[derive(Debug, Clone, Copy)]
struct Line {
    at_zero: f64,
    slope: f64,
}

impl Line {
    const fn at(self, minute: usize) -> f64 {
        self.at_zero + self.slope * minute as f64
    }
}

/// `shares[m]`: of the match's goals, the share that falls in its first m minutes.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    shares: [f64; MINUTES + 1],
}

impl Profile {
    /// Of 3,040 English matches of 2012 to 2020, with the closing odds as offset (pricing fact sheet 4.4).
    pub const ENGLISH: Profile = Profile::of(
        [Line { at_zero: 0.007776, slope: 0.0000591 }, Line { at_zero: 0.00957, slope: 0.0000215 }],
        [0.0374, 0.0641],
    );
    /// Every minute like every other: what a profile is measured against.
    pub const EVEN: Profile = Profile::of(
        [Line { at_zero: 1.0, slope: 0.0 }, Line { at_zero: 1.0, slope: 0.0 }],
        [1.0; 2],
    );

    /// `lines` over the full minutes of the halves, `last` the minutes that last until the whistle.
    const fn of(lines: [Line; 2], last: [f64; 2]) -> Profile {
        let mut shares = [0.0; MINUTES + 1];
        let mut minute = 1;
        while minute <= MINUTES {
            let half = (minute > LAST) as usize;
            let rate = if minute % LAST == 0 { last[half] } else { lines[half].at(minute) };
            shares[minute] = shares[minute - 1] + rate;
            minute += 1;
        }
        let all = shares[MINUTES];
        minute = 0;
        while minute <= MINUTES {
            shares[minute] /= all;
            minute += 1;
        }
        Profile { shares }
    }

    /// `goals[m - 1]`: how many fell in minute m, 1 to 90, added time with the 45th and the 90th. `None` when
    /// they are too few, or leave a minute without any rate.
    pub fn fitted(goals: &[u32; MINUTES]) -> Option<Profile> {
        if goals.iter().sum::<u32>() < GOALS_MIN {
            return None;
        }
        let lines = [line_through(goals, 1)?, line_through(goals, LAST + 1)?];
        let last = [goals[LAST - 1], goals[MINUTES - 1]].map(f64::from);
        last.iter().all(|rate| *rate > 0.0).then(|| Profile::of(lines, last))
    }

    /// The share of the match's goals that falls before this moment, 0 to 1.
    pub fn share(&self, clock: Clock, added: AddedTime) -> f64 {
        match clock {
            Clock::BeforeKickOff => self.shares[0],
            Clock::FirstHalf { played_s } => self.share_of_half(0, played_s, added.first_s),
            Clock::HalfTime => self.shares[LAST],
            Clock::SecondHalf { played_s } => self.share_of_half(LAST, played_s, added.second_s),
            Clock::FullTime => self.shares[MINUTES],
        }
    }

    /// The moment before which this share of the goals falls: the inverse of [`Profile::share`], to the
    /// second before.
    pub fn moment(&self, share: f64, added: AddedTime) -> Clock {
        if share < self.shares[LAST] {
            Clock::FirstHalf { played_s: self.second_of_half(0, share, added.first_s) }
        } else {
            Clock::SecondHalf { played_s: self.second_of_half(LAST, share, added.second_s) }
        }
    }

    fn share_of_half(&self, first_minute: usize, played_s: u32, added_s: u32) -> f64 {
        let (minute, second, length_s) = match played_s < FULL_MINUTES_S {
            true => (first_minute + (played_s / 60) as usize, played_s % 60, 60),
            false => (first_minute + 44, played_s - FULL_MINUTES_S, last_minute_s(added_s)),
        };
        let part = (f64::from(second) / f64::from(length_s)).min(1.0);
        self.shares[minute] + part * (self.shares[minute + 1] - self.shares[minute])
    }

    fn second_of_half(&self, first_minute: usize, share: f64, added_s: u32) -> u32 {
        let minutes = &self.shares[first_minute..=first_minute + LAST];
        let minute = minutes.partition_point(|before| *before <= share).clamp(1, LAST) - 1;
        let part =
            ((share - minutes[minute]) / (minutes[minute + 1] - minutes[minute])).clamp(0.0, 1.0);
        let length_s = if minute == 44 { last_minute_s(added_s) } else { 60 };
        minute as u32 * 60 + (part * f64::from(length_s)) as u32
    }
}

fn last_minute_s(added_s: u32) -> u32 {
    added_s.saturating_add(60)
}

/// The line that makes the goals of the 44 full minutes from `first` on likeliest: least squares, weighed again
/// and again by one over the variance, which for counts is the rate itself.
fn line_through(goals: &[u32; MINUTES], first: usize) -> Option<Line> {
    let minutes = || (first..first + 44).map(|minute| (minute, f64::from(goals[minute - 1])));
    let mean = minutes().map(|(_, goals)| goals).sum::<f64>() / 44.0;
    let mut line = Line { at_zero: mean, slope: 0.0 };
    for _ in 0..STEPS {
        let (mut w, mut wm, mut wmm, mut wg, mut wmg) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (minute, goals) in minutes() {
            let (m, weight) = (minute as f64, 1.0 / line.at(minute).max(1e-9));
            w += weight;
            wm += weight * m;
            wmm += weight * m * m;
            wg += weight * goals;
            wmg += weight * m * goals;
        }
        let slope = (w * wmg - wm * wg) / (w * wmm - wm * wm);
        line = Line { at_zero: (wg - slope * wm) / w, slope };
    }
    let rates = [line.at(first), line.at(first + 43)];
    rates.iter().all(|rate| rate.is_finite() && *rate > 0.0).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: u32) -> Clock {
        match minute {
            0..45 => Clock::FirstHalf { played_s: minute * 60 },
            45 => Clock::HalfTime,
            46..90 => Clock::SecondHalf { played_s: (minute - 45) * 60 },
            _ => Clock::FullTime,
        }
    }

    #[test]
    fn the_english_profile_is_the_one_measured() {
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
            let is = Profile::ENGLISH.share(clock, added);
            assert!((is - share).abs() < 5e-4, "{clock:?}: {is}");
        }
    }

    #[test]
    fn shares_only_grow_and_lead_back_to_their_moment() {
        let (profile, added) = (Profile::ENGLISH, AddedTime { first_s: 95, second_s: 340 });
        let mut before = -1.0;
        let halves = [(45 * 60 + 95, true), (45 * 60 + 340, false)];
        for (length_s, first) in halves {
            for played_s in 0..length_s {
                let half = |played_s| match first {
                    true => Clock::FirstHalf { played_s },
                    false => Clock::SecondHalf { played_s },
                };
                let share = profile.share(half(played_s), added);
                assert!(share > before, "{:?}", half(played_s));
                before = share;
                // Half a second on, so that rounding cannot lead to the second before.
                let middle = (share + profile.share(half(played_s + 1), added)) / 2.0;
                assert_eq!(profile.moment(middle, added), half(played_s));
            }
        }
        let late = Clock::SecondHalf { played_s: u32::MAX };
        assert_eq!(profile.share(late, added), 1.0);
    }

    #[test]
    fn every_minute_of_the_even_profile_is_like_every_other() {
        for m in 0..=90 {
            let share = Profile::EVEN.share(minute(m), AddedTime::default());
            assert!((share - f64::from(m) / 90.0).abs() < 1e-12, "minute {m}: {share}");
        }
    }

    #[test]
    fn a_fit_finds_the_profile_that_the_goals_fell_by() {
        for profile in [Profile::ENGLISH, Profile::EVEN] {
            let of = |m: usize| (1e6 * (profile.shares[m] - profile.shares[m - 1])).round() as u32;
            let goals = std::array::from_fn(|at| of(at + 1));
            let fitted = Profile::fitted(&goals).expect("goals in every minute");
            for (m, (is, was)) in fitted.shares.iter().zip(profile.shares).enumerate() {
                assert!((is - was).abs() < 1e-5, "minute {m}: {is}, not {was}");
            }
        }
    }

    #[test]
    fn too_few_goals_and_empty_minutes_make_no_profile() {
        assert_eq!(Profile::fitted(&[5; MINUTES]), None);
        let mut goals = [20; MINUTES];
        goals[MINUTES - 1] = 0;
        assert_eq!(Profile::fitted(&goals), None);
    }
}
