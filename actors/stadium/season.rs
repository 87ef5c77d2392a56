//! What the stadium has to say: the past of its teams, and each match as it is played. Pure.

use crate::football::Word;
use crate::trader::playbill::{Match, Season};
use domain::football::almanac::{FinalScore, NewFixture, Source, Stats};
use domain::football::fixture::MatchEvent;
use domain::football::inplay::Clock;
use domain::football::live::{FeedEvent, FeedKind};
use domain::football::weekend::past_season;
use domain::time::UtcMillis;

/// Whose word it is.
pub const SOURCE: &str = "demo";
const SEASONS: u32 = 2;
/// A round of a league every three days.
const ROUND_MS: i64 = 3 * 86_400_000;
/// Goals that are reviewed: one in so many.
const REVIEWED: u64 = 4;
const REVIEW_BEGINS_S: u32 = 8;
const REVIEW_TAKES_S: u32 = 60;

pub(super) fn source(id: String) -> Source {
    Source { source: SOURCE.to_owned(), id }
}

/// The id of a slot's match.
pub fn id_of(slot: u32, round: u64) -> String {
    format!("{slot}-{round}")
}

/// Fixtures and results of the seasons before.
pub(super) fn past(season: &Season) -> Vec<Word> {
    let mut words = Vec::new();
    for year in 0..SEASONS {
        for played in past_season(season.seed.wrapping_add(u64::from(year))) {
            let rounds_ago = i64::from(played.rounds - played.round) + i64::from(year) * 50;
            let kick_off = season.began.plus_ms(-(rounds_ago + 1) * ROUND_MS);
            let id = format!("past-{year}-{}-{}", played.home, played.away);
            words.push(Word::Fixture(NewFixture {
                from: source(id.clone()),
                competition: played.league.name.to_owned(),
                season: format!("{} ago", year + 1),
                kick_off,
                home: played.home.to_owned(),
                away: played.away.to_owned(),
                neutral: false,
            }));
            let score = FinalScore {
                home: played.score.home,
                away: played.score.away,
                half_time: None,
                stats: Stats::default(),
                odds: None,
            };
            words.push(Word::Result(source(id), score));
        }
    }
    words
}

/// What is to be said of a slot's match up to `now`, or to its end: the fixture, then its events.
pub(super) fn words(
    season: &Season,
    slot: u32,
    round: u64,
    now: Option<UtcMillis>,
) -> impl Iterator<Item = Word> {
    let game = season.play(slot, round);
    let id = id_of(slot, round);
    let fixture = Word::Fixture(NewFixture {
        from: source(id.clone()),
        competition: game.fixture.league.name.to_owned(),
        season: "now".to_owned(),
        kick_off: game.kick_off,
        home: game.fixture.home.to_owned(),
        away: game.fixture.away.to_owned(),
        neutral: false,
    });
    let until = now.map_or(Some(u32::MAX), |now| game.elapsed_s(now));
    let told = told(&game, season.clock_every_s());
    let due = told.into_iter().take_while(move |(at_s, _)| Some(*at_s) <= until);
    let events = (1..).zip(due);
    let events = events.map(move |(seq, (_, event))| Word::Event(source(id.clone()), seq, event));
    std::iter::once(fixture).chain(events)
}

/// A match's events with the clock between them, by seconds since kick-off.
fn told(game: &Match, clock_every_s: u32) -> Vec<(u32, FeedEvent)> {
    let script = &game.script;
    let mut told: Vec<(u32, FeedEvent)> = Vec::new();
    let mut goals = 0;
    for timed in script.events() {
        let kind = match timed.event {
            MatchEvent::KickOff => FeedKind::KickOff,
            MatchEvent::Goal(team) => FeedKind::Goal(team),
            MatchEvent::RedCard(team) => FeedKind::Red(team),
            MatchEvent::HalfTime => FeedKind::HalfTime,
            MatchEvent::SecondHalf => FeedKind::SecondHalf,
            MatchEvent::FullTime => FeedKind::FullTime,
        };
        told.push((timed.at_s, at(script.clock_at(timed.at_s), kind)));
        if let MatchEvent::Goal(_) = timed.event {
            goals += 1;
            let begins_s = timed.at_s + REVIEW_BEGINS_S;
            let ends_s = begins_s + REVIEW_TAKES_S;
            // One that would last into a break does not take place.
            let runs = |clock| matches!(clock, Clock::FirstHalf { .. } | Clock::SecondHalf { .. });
            let same = |a: Clock, b: Clock| {
                std::mem::discriminant(&a) == std::mem::discriminant(&b) && runs(a)
            };
            let fits = same(script.clock_at(begins_s), script.clock_at(ends_s));
            if fits && (game.fixture.seed.wrapping_add(goals)) % REVIEWED == 0 {
                told.push((begins_s, at(script.clock_at(begins_s), FeedKind::VarStart)));
                told.push((ends_s, at(script.clock_at(ends_s), FeedKind::VarEnd)));
            }
        }
    }
    for at_s in (0..script.length_s()).step_by(clock_every_s.max(1) as usize).skip(1) {
        let clock = script.clock_at(at_s);
        match clock {
            Clock::FirstHalf { .. } | Clock::SecondHalf { .. } => {
                told.push((at_s, at(clock, FeedKind::Clock)));
            }
            _ => {}
        }
    }
    // Stable, so that what happens in one second stays in its order.
    told.sort_by_key(|(at_s, _)| *at_s);
    told
}

fn at(clock: Clock, kind: FeedKind) -> FeedEvent {
    let played_s = match clock {
        Clock::BeforeKickOff => 0,
        Clock::FirstHalf { played_s } => played_s,
        Clock::HalfTime => 45 * 60,
        Clock::SecondHalf { played_s } => 45 * 60 + played_s,
        Clock::FullTime => 90 * 60,
    };
    FeedEvent::new(kind, (played_s / 60) as u8, (played_s % 60) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::football::live::{Log, Trust};

    #[test]
    fn a_match_told_to_its_end_is_the_match_that_was_drawn() {
        let season = Season::new(7, 12, UtcMillis(1_700_000_000_000), 1.0);
        for slot in 0..12 {
            let game = season.play(slot, 0);
            let mut log = Log::default();
            for word in words(&season, slot, 0, None) {
                let Word::Event(_, seq, event) = word else { continue };
                let elapsed_ms = told(&game, season.clock_every_s())[seq as usize - 1].0 / 15;
                log.hear(seq, event, game.kick_off.plus_ms(i64::from(elapsed_ms) * 1_000));
                let trust = log.story().trust(game.kick_off, game.kick_off);
                assert!(!matches!(trust, Trust::Withheld(_)), "slot {slot}, {seq}: {trust:?}");
            }
            let story = log.story();
            assert_eq!(story.score(), game.script.final_state().score, "slot {slot}");
            assert!(story.phase.is_over(), "slot {slot}");
        }
    }

    #[test]
    fn what_is_due_grows_with_time_and_never_changes() {
        let season = Season::new(3, 12, UtcMillis(1_700_000_000_000), 30.0);
        let game = season.play(0, 0);
        let whole: Vec<Word> = words(&season, 0, 0, None).collect();
        let mut before = 0;
        for second in -5..30 {
            let now = game.kick_off.plus_ms(second * 1_000);
            let due: Vec<Word> = words(&season, 0, 0, Some(now)).collect();
            assert_eq!(due, whole[..due.len()]);
            assert!(due.len() >= before);
            before = due.len();
        }
        assert_eq!(before, whole.len());
        assert!(past(&season).len() > 4_000);
    }
}
