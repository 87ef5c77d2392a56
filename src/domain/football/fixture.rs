//! A match that has not been played: its whole story, drawn from a seed out of the same model that prices
//! it. Prices of such a match drift with the clock and jump with its events, and never by themselves.
//!
//! How it is drawn. In the time that [`Clock::share`] measures, the goals of each team and the red cards are
//! Poisson streams of constant rates until one of them changes the rates: exponential waiting times until the
//! share reaches 1. That leaves out tau, which weighs final scores; so a story is kept with probability
//! tau(final score) / its maximum, and drawn anew otherwise.

use super::Team;
use super::inplay::{AddedTime, Clock, MatchState};
use super::profile::Profile;
use super::score_grid::{Expectancy, Tau};
use super::split_mix::SplitMix64;

/// Red cards a team is shown, on average, in a match.
const REDS: f64 = 0.06;
const BREAK_S: u32 = 15 * 60;
const HALF_S: u32 = 45 * 60;
/// Nine of ten stories are kept; after so many the last is taken as it is.
const TRIES: u32 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchEvent {
    KickOff,
    Goal(Team),
    RedCard(Team),
    HalfTime,
    SecondHalf,
    FullTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedEvent {
    /// Seconds since kick-off by the wall clock, the break included.
    pub at_s: u32,
    pub clock: Clock,
    pub event: MatchEvent,
}

/// The story of one match, in order, from kick-off to full time.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchScript {
    before: MatchState,
    events: Vec<TimedEvent>,
}

impl MatchScript {
    /// The same seed is the same match.
    pub fn draw(expectancy: Expectancy, rho: f64, seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let added = AddedTime {
            first_s: 60 + random.next_below(180) as u32,
            second_s: 150 + random.next_below(300) as u32,
        };
        let before = MatchState { added, ..MatchState::before(expectancy, rho) };
        let tau = Tau::new(expectancy, rho);
        let mut story = draw_story(before, &mut random);
        for _ in 1..TRIES {
            if random.next_unit() * tau.most() < tau.of(story.1.score) {
                break;
            }
            story = draw_story(before, &mut random);
        }
        MatchScript { before, events: with_whistles(story.0, added) }
    }

    pub fn events(&self) -> &[TimedEvent] {
        &self.events
    }

    pub fn length_s(&self) -> u32 {
        self.events.last().map_or(0, |last| last.at_s)
    }

    /// The match so many seconds after kick-off; `None` before it.
    pub fn state_at(&self, elapsed_s: Option<u32>) -> MatchState {
        let mut state = self.before;
        let Some(elapsed_s) = elapsed_s else { return state };
        let mut last = None;
        for happened in self.events.iter().take_while(|event| event.at_s <= elapsed_s) {
            state.take(happened.event);
            state.clock = happened.clock;
            last = Some(happened);
        }
        if let Some(last) = last {
            state.clock = running(last.clock, elapsed_s - last.at_s);
        }
        state
    }

    pub fn clock_at(&self, elapsed_s: u32) -> Clock {
        self.state_at(Some(elapsed_s)).clock
    }

    pub fn final_state(&self) -> MatchState {
        self.state_at(Some(self.length_s()))
    }
}

impl MatchState {
    /// Folds in what happened; the clock is set by whoever reads it.
    pub fn take(&mut self, event: MatchEvent) {
        match event {
            MatchEvent::Goal(team) => self.score = self.score.after_goal(team),
            MatchEvent::RedCard(Team::Home) => self.home_reds = self.home_reds.saturating_add(1),
            MatchEvent::RedCard(Team::Away) => self.away_reds = self.away_reds.saturating_add(1),
            MatchEvent::KickOff | MatchEvent::HalfTime => {}
            MatchEvent::SecondHalf | MatchEvent::FullTime => {}
        }
    }
}

fn running(clock: Clock, more_s: u32) -> Clock {
    match clock {
        Clock::FirstHalf { played_s } => Clock::FirstHalf { played_s: played_s + more_s },
        Clock::SecondHalf { played_s } => Clock::SecondHalf { played_s: played_s + more_s },
        still => still,
    }
}

/// Goals and cards by the share at which they fall, and the state that they lead to.
fn draw_story(before: MatchState, random: &mut SplitMix64) -> (Vec<(f64, MatchEvent)>, MatchState) {
    let mut state = before;
    let mut story = Vec::new();
    let mut share = 0.0;
    loop {
        let goals = |team: Team| state.expectancy.of(team) * state.strength(team);
        let streams = [
            (goals(Team::Home), MatchEvent::Goal(Team::Home)),
            (goals(Team::Away), MatchEvent::Goal(Team::Away)),
            (REDS, MatchEvent::RedCard(Team::Home)),
            (REDS, MatchEvent::RedCard(Team::Away)),
        ];
        let rate: f64 = streams.iter().map(|(rate, _)| rate).sum();
        share += random.next_exponential() / rate;
        if share >= 1.0 {
            return (story, state);
        }
        let mut which = random.next_unit() * rate;
        let mut event = streams[0].1;
        for (rate, candidate) in streams {
            event = candidate;
            which -= rate;
            if which < 0.0 {
                break;
            }
        }
        state.take(event);
        story.push((share, event));
    }
}

fn with_whistles(story: Vec<(f64, MatchEvent)>, added: AddedTime) -> Vec<TimedEvent> {
    let first_s = HALF_S + added.first_s;
    let second_from_s = first_s + BREAK_S;
    let full_s = second_from_s + HALF_S + added.second_s;
    let timed = |at_s, clock, event| TimedEvent { at_s, clock, event };
    let mut events = vec![timed(0, Clock::FirstHalf { played_s: 0 }, MatchEvent::KickOff)];
    let mut in_first = true;
    let mut to_second = |events: &mut Vec<TimedEvent>| {
        if std::mem::take(&mut in_first) {
            events.push(timed(first_s, Clock::HalfTime, MatchEvent::HalfTime));
            let kick_off = Clock::SecondHalf { played_s: 0 };
            events.push(timed(second_from_s, kick_off, MatchEvent::SecondHalf));
        }
    };
    for (share, event) in story {
        let clock = Profile::ENGLISH.moment(share, added);
        let at_s = match clock {
            Clock::SecondHalf { played_s } => {
                to_second(&mut events);
                second_from_s + played_s.min(HALF_S + added.second_s - 1)
            }
            Clock::FirstHalf { played_s } => played_s.min(first_s - 1),
            _ => continue,
        };
        events.push(timed(at_s, clock, event));
    }
    to_second(&mut events);
    events.push(timed(full_s, Clock::FullTime, MatchEvent::FullTime));
    events
}

#[cfg(test)]
mod tests {
    use super::super::score_grid::{GoalLine, ScoreGrid};
    use super::*;

    const SEEDS: u64 = 20_000;

    fn scripts() -> impl Iterator<Item = MatchScript> {
        (0..SEEDS).map(|seed| MatchScript::draw(Expectancy::new(1.53, 1.21), -0.06, seed))
    }

    #[test]
    fn a_script_is_a_match() {
        for (seed, script) in scripts().enumerate().take(2_000) {
            let events = script.events();
            let whistles: Vec<_> = events
                .iter()
                .map(|timed| timed.event)
                .filter(|event| !matches!(event, MatchEvent::Goal(_) | MatchEvent::RedCard(_)))
                .collect();
            use MatchEvent::{FullTime, HalfTime, KickOff, SecondHalf};
            assert_eq!(whistles, [KickOff, HalfTime, SecondHalf, FullTime], "seed {seed}");
            assert!(events.is_sorted_by_key(|timed| timed.at_s), "seed {seed}: {events:?}");
            assert!(events.is_sorted_by_key(|timed| timed.clock), "seed {seed}: {events:?}");
            assert!((105 * 60..=120 * 60).contains(&script.length_s()), "seed {seed}");
            let half_time = events.iter().position(|timed| timed.event == HalfTime);
            let (first, second) = events.split_at(half_time.unwrap());
            assert!(first.iter().all(|timed| matches!(timed.clock, Clock::FirstHalf { .. })));
            assert!(!second.iter().any(|timed| matches!(timed.clock, Clock::FirstHalf { .. })));
        }
    }

    #[test]
    fn the_same_seed_is_the_same_match() {
        let draw = |seed| MatchScript::draw(Expectancy::new(1.5, 1.2), -0.06, seed);
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7).events(), draw(8).events());
    }

    /// Three standard errors of a frequency of 20,000 are about 0.01, of a rare one 0.005; red cards add a
    /// little. Without tau the goalless would be 0.0646.
    #[test]
    fn matches_end_as_often_as_the_grid_says() {
        let grid = ScoreGrid::new(Expectancy::new(1.53, 1.21), -0.06);
        let (mut home, mut draw, mut over, mut nil, mut first, mut all) = (0, 0, 0, 0, 0, 0);
        for script in scripts() {
            let score = script.final_state().score;
            home += u64::from(score.home > score.away);
            draw += u64::from(score.home == score.away);
            over += u64::from(score.home + score.away > 2);
            nil += u64::from(score.home + score.away == 0);
            for timed in script.events() {
                if let MatchEvent::Goal(_) = timed.event {
                    all += 1;
                    first += u64::from(matches!(timed.clock, Clock::FirstHalf { .. }));
                }
            }
        }
        let near_by = |count: u64, of: u64, p: f64, most: f64| {
            let frequency = count as f64 / of as f64;
            assert!((frequency - p).abs() < most, "{frequency} is not {p}");
        };
        let near = |count, of, p| near_by(count, of, p, 0.012);
        near(home, SEEDS, grid.match_odds().home.win);
        near(draw, SEEDS, grid.match_odds().draw.win);
        near(over, SEEDS, grid.over(GoalLine(10)).win);
        near_by(nil, SEEDS, 0.0717, 0.005);
        near(first, all, 0.4439);
    }

    /// What a model says about its own future it must say now already.
    #[test]
    fn prices_in_play_are_on_average_the_prices_before() {
        let before = ScoreGrid::new(Expectancy::new(1.53, 1.21), -0.06);
        for elapsed_s in [20 * 60, 45 * 60, 80 * 60, 100 * 60] {
            let (mut home, mut over) = (0.0, 0.0);
            let few = 4_000;
            for script in scripts().take(few) {
                let grid = script.state_at(Some(elapsed_s)).grid();
                home += grid.match_odds().home.win / few as f64;
                over += grid.over(GoalLine(10)).win / few as f64;
            }
            assert!((home - before.match_odds().home.win).abs() < 0.02, "{elapsed_s}: {home}");
            assert!((over - before.over(GoalLine(10)).win).abs() < 0.02, "{elapsed_s}: {over}");
        }
    }

    #[test]
    fn the_clock_runs_between_events_and_stands_in_the_break() {
        let script = MatchScript::draw(Expectancy::new(0.0, 0.0), 0.0, 3);
        assert_eq!(script.state_at(None).clock, Clock::BeforeKickOff);
        assert_eq!(script.state_at(Some(90)).clock, Clock::FirstHalf { played_s: 90 });
        let first_s = HALF_S + script.before.added.first_s;
        assert_eq!(script.state_at(Some(first_s + 5)).clock, Clock::HalfTime);
        let second = script.state_at(Some(first_s + BREAK_S + 61)).clock;
        assert_eq!(second, Clock::SecondHalf { played_s: 61 });
        assert_eq!(script.state_at(Some(u32::MAX)).clock, Clock::FullTime);
    }
}
