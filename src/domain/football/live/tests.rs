//! Is a match known as it was told, whatever the order, the repeats and the corrections?

use super::super::Team;
use super::super::score_grid::{Expectancy, Score};
use super::*;
use crate::time::UtcMillis;
use FeedKind::*;
use proptest::prelude::*;

const KICK_OFF: UtcMillis = UtcMillis(1_800_000_000_000);

fn at(second: i64) -> UtcMillis {
    KICK_OFF.plus_ms(second * 1_000)
}

/// Events told when they happen, numbered from 1.
fn told(events: &[(FeedKind, u8)]) -> Log {
    let mut log = Log::default();
    for (seq, (kind, minute)) in (1..).zip(events) {
        log.hear(seq, FeedEvent::new(*kind, *minute, 0), at(i64::from(*minute) * 60));
    }
    log
}

fn trust(log: &Log, minute: i64) -> Trust {
    log.story().trust(KICK_OFF, at(minute * 60))
}

#[test]
fn a_match_is_told_from_kick_off_to_full_time() {
    let mut events = vec![(KickOff, 0), (Goal(Team::Home), 10), (Clock, 11), (Red(Team::Away), 30)];
    let story = told(&events).story();
    assert_eq!((story.phase, story.score()), (Phase::FirstHalf, Score { home: 1, away: 0 }));
    assert_eq!((story.away_reds, story.first_goal()), (1, Some(Team::Home)));
    assert_eq!(story.half_time(), None);
    assert_eq!(story.played_s(at(31 * 60 + 5)), 31 * 60 + 5);
    events.extend([(HalfTime, 46), (SecondHalf, 45), (Goal(Team::Away), 60), (FullTime, 94)]);
    let story = told(&events).story();
    assert_eq!((story.phase, story.doubt), (Phase::FullTime, None));
    assert_eq!(story.half_time(), Some(Score { home: 1, away: 0 }));
    assert_eq!(trust(&told(&events), 95), Trust::Over(Reason::FullTime));
}

#[test]
fn a_goal_suspends_until_the_feed_goes_on() {
    let mut log = told(&[(KickOff, 0), (Clock, 9), (Goal(Team::Home), 10)]);
    assert_eq!(trust(&log, 10), Trust::Suspended(Reason::Goal));
    log.hear(4, FeedEvent::new(Clock, 10, 10), at(610));
    assert_eq!(trust(&log, 10), Trust::Suspended(Reason::Goal), "too early to tell");
    log.hear(5, FeedEvent::new(Clock, 10, 21), at(621));
    assert_eq!(trust(&log, 11), Trust::Open);
    log.hear(6, FeedEvent::new(VarStart, 11, 0), at(660));
    assert_eq!(trust(&log, 11), Trust::Suspended(Reason::Review));
    let branches = log.story().branches(Expectancy::new(1.5, 1.2), -0.06, at(660));
    let scores: Vec<_> = branches.iter().map(|branch| branch.situation.state.score.home).collect();
    assert_eq!(scores, [1, 0], "both ends are priced");
    log.hear(7, FeedEvent::new(Clock, 12, 0), at(720));
    assert_eq!(trust(&log, 12), Trust::Suspended(Reason::Review), "only its end ends a review");
    log.hear(8, FeedEvent::new(GoalCancelled(Team::Home), 12, 30), at(750));
    log.hear(9, FeedEvent::new(VarEnd, 12, 40), at(760));
    assert_eq!(trust(&log, 13), Trust::Open);
    assert_eq!(log.story().score(), Score::default());
    log.hear(10, FeedEvent::new(Penalty(Team::Away), 20, 0), at(1_200));
    let branches = log.story().branches(Expectancy::new(1.5, 1.2), -0.06, at(1_200));
    assert_eq!(branches[0].situation.state.score, Score { home: 0, away: 1 });
    assert!((branches.iter().map(|branch| branch.chance).sum::<f64>() - 1.0).abs() < 1e-12);
    log.hear(11, FeedEvent::new(Penalty(Team::Away), 21, 0).with_value(0), at(1_260));
    assert_eq!(trust(&log, 21), Trust::Open);
}

#[test]
fn what_cannot_be_is_doubted_and_a_late_word_resolves_it() {
    let withheld = |log: &Log, minute, doubt| {
        assert_eq!(trust(log, minute), Trust::Withheld(Reason::Doubt(doubt)));
    };
    // A goal is taken back before it is told.
    let mut log = told(&[(KickOff, 0)]);
    log.hear(3, FeedEvent::new(GoalCancelled(Team::Home), 12, 0), at(720));
    withheld(&log, 12, Doubt::Missing(2));
    log.hear(2, FeedEvent::new(Goal(Team::Home), 10, 0), at(730));
    assert_eq!((log.story().doubt, log.story().score()), (None, Score::default()));
    // By a side that has not scored: corrected under the same number.
    log.hear(3, FeedEvent::new(GoalCancelled(Team::Away), 12, 0), at(740));
    withheld(&log, 12, Doubt::NobodyScored(3));
    log.hear(3, FeedEvent::new(GoalCancelled(Team::Home), 12, 0), at(750));
    assert_eq!(log.story().doubt, None);

    withheld(&told(&[(Goal(Team::Home), 3)]), 3, Doubt::NotUnderWay(1));
    withheld(&told(&[(KickOff, 0), (Red(Team::Home), 9), (HalfTime, 45), (KickOff, 46)]), 46, {
        Doubt::OutOfOrder(4)
    });
    assert_eq!(trust(&told(&[(KickOff, 0), (Abandoned, 33)]), 40), Trust::Over(Reason::Abandoned));
    assert_eq!(trust(&told(&[(KickOff, 0)]), 3), Trust::Suspended(Reason::Silent));
    assert_eq!(trust(&Log::default(), 11), Trust::Suspended(Reason::NotBegun));
    assert_eq!(trust(&Log::default(), -60), Trust::Open);
}

#[test]
fn a_clock_that_jumps_is_doubted_until_it_is_confirmed() {
    let mut log = told(&[(KickOff, 0), (Clock, 20)]);
    assert_eq!(trust(&log, 21), Trust::Open);
    log.hear(3, FeedEvent::new(Clock, 60, 0), at(1_210));
    assert_eq!(trust(&log, 20), Trust::Withheld(Reason::Doubt(Doubt::Jumped(3))));
    log.hear(4, FeedEvent::new(Clock, 20, 20), at(1_220));
    assert_eq!(trust(&log, 20), Trust::Withheld(Reason::Doubt(Doubt::Backwards(4))));
    log.hear(5, FeedEvent::new(Clock, 20, 30), at(1_230));
    assert_eq!(trust(&log, 20), Trust::Open);
    assert_eq!(log.story().played_s(at(1_240)), 20 * 60 + 40);
    // A minute told without seconds does not turn it back.
    log.hear(6, FeedEvent::new(Red(Team::Home), 20, 0), at(1_245));
    assert_eq!(log.story().played_s(at(1_245)), 20 * 60 + 45);
}

#[test]
fn a_match_told_every_second_stays_small_and_misses_nothing() {
    let mut log = Log::default();
    log.hear(0, FeedEvent::new(KickOff, 0, 0), at(0));
    for second in 1..=2_700_u32 {
        let event = FeedEvent::new(Clock, (second / 60) as u8, (second % 60) as u8);
        log.hear(second, event, at(i64::from(second)));
    }
    assert!(log.events().count() < 10, "{}", log.events().count());
    assert_eq!(log.missing(), None);
    assert_eq!(log.judge(1_000, &FeedEvent::new(Clock, 16, 40)), Told::Repeat);
    // One of those let go was a goal.
    let goal = FeedEvent::new(Goal(Team::Home), 16, 40);
    assert_eq!(log.judge(1_000, &goal), Told::Correction);
    log.hear(1_000, goal, at(2_701));
    assert_eq!((log.missing(), log.story().score().home), (None, 1));
    log.hear(2_702, FeedEvent::new(Clock, 45, 2), at(2_702));
    assert_eq!(log.missing(), Some(2_701));
}

fn kinds() -> impl Strategy<Value = FeedKind> {
    let team = prop_oneof![Just(Team::Home), Just(Team::Away)];
    prop_oneof![
        4 => Just(Clock),
        2 => team.clone().prop_map(Goal),
        1 => team.clone().prop_map(GoalCancelled),
        1 => team.clone().prop_map(Red),
        1 => team.prop_map(Penalty),
        1 => Just(VarStart),
        1 => Just(VarEnd),
        1 => Just(AddedTime),
        1 => Just(KickOff),
        1 => Just(HalfTime),
        1 => Just(SecondHalf),
        1 => Just(FullTime),
    ]
}

/// A story of anything at all, with the order in which it comes and what comes twice.
fn stories() -> impl Strategy<Value = (Vec<FeedEvent>, Vec<prop::sample::Index>)> {
    let event = (kinds(), 0..95_u8, 0..60_u8, prop::option::of(0..4_i32));
    let event =
        event.prop_map(|(kind, minute, second, value)| FeedEvent { kind, minute, second, value });
    (prop::collection::vec(event, 1..24), prop::collection::vec(any::<prop::sample::Index>(), 60))
}

proptest! {
    #[test]
    fn the_order_in_which_events_come_does_not_matter((events, order) in stories()) {
        // Told when they happened; clocks agree with nobody, so that none is let go.
        let when = |seq: usize| at(seq as i64 * 61);
        let mut replayed = Log::default();
        for (seq, event) in events.iter().enumerate() {
            replayed.hear(seq as u32, *event, when(seq));
        }
        let mut live = Log::default();
        let drawn = order.iter().map(|index| index.index(events.len()));
        for seq in drawn.chain(0..events.len()) {
            if live.judge(seq as u32, &events[seq]) != Told::Repeat {
                live.hear(seq as u32, events[seq], when(seq));
            }
            // Half told, it may be doubted, and never breaks.
            let story = live.story();
            let _ = story.trust(KICK_OFF, at(3_000));
            let branches = story.branches(Expectancy::new(1.5, 1.2), -0.06, at(3_000));
            let sum: f64 = branches.iter().map(|branch| branch.chance).sum();
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }
        prop_assert_eq!(live.story(), replayed.story());
    }

    #[test]
    fn a_correction_ends_where_a_log_without_the_mistake_does(
        (events, order) in stories(), wrong in kinds(),
    ) {
        let mut right = Log::default();
        for (seq, event) in events.iter().enumerate() {
            right.hear(seq as u32, *event, at(seq as i64 * 61));
        }
        let mut live = Log::default();
        let mistaken = order[0].index(events.len());
        for (seq, event) in events.iter().enumerate() {
            let kind = if seq == mistaken { wrong } else { event.kind };
            live.hear(seq as u32, FeedEvent { kind, ..*event }, at(seq as i64 * 61));
        }
        live.hear(mistaken as u32, events[mistaken], at(9_000));
        // Told at the same moment of the match: it was heard when it was.
        prop_assert_eq!(live.story(), right.story());
    }
}
