//! The dead man's switch, one story a test.

use super::*;
use crate::order::{CancelledOrder, InstructionFault};

impl Bettor {
    /// A heartbeat as the actor takes it: what is due goes first.
    fn beat(&mut self, wanted_s: u32) -> HeartbeatAnswer {
        self.run_due();
        let (event, answer) = self.account.heartbeat(UtcMillis(self.now), wanted_s);
        if let Some(event) = event {
            self.journal(&event);
        }
        self.checked();
        answer
    }

    /// How many records what was due made.
    fn run_due(&mut self) -> usize {
        let events = self.account.due(UtcMillis(self.now));
        for event in &events {
            self.journal(event);
        }
        self.checked();
        events.len()
    }

    fn cancels(&mut self, market: MarketId, bet: BetId) {
        let size = self.order(market, bet).remaining;
        self.answer(market, Answer::Cancelled([Ok(CancelledOrder { bet, size })].into()));
    }
}

#[test]
fn the_timeout_is_kept_within_its_bounds_and_zero_turns_it_off() {
    let mut ann = Bettor::with(100);
    for (wanted, actual) in [(5, 10), (10, 10), (42, 42), (300, 300), (999, 300), (0, 0)] {
        let answer = ann.beat(wanted);
        assert_eq!((answer.action, answer.timeout_s), (HeartbeatAction::Nothing, actual));
        let due = (actual > 0).then(|| UtcMillis(ann.now + i64::from(actual) * 1_000));
        assert_eq!(ann.account.wake(), due);
    }
    let before = ann.seq;
    ann.beat(0);
    assert_eq!(ann.seq, before, "what is off is not turned off again");
}

#[test]
fn who_falls_silent_has_every_order_cancelled_and_is_told() {
    let mut ann = Bettor::with(100);
    let (home, away) =
        (ann.rests(MATCH_ODDS, back(HOME, 300, 10)), ann.rests(CORRECT_SCORE, lay(AWAY, 200, 5)));
    ann.matched(MATCH_ODDS, back(DRAW, 400, 1));
    ann.beat(10);
    ann.now += 9_999;
    assert_eq!(ann.run_due(), 0, "not yet");
    ann.now += 1;
    assert_eq!(ann.run_due(), 3, "a cancel for each market, and that the beat was missed");
    assert_eq!((ann.account.wake(), ann.run_due()), (None, 0), "it falls once");
    ann.cancels(MATCH_ODDS, home);
    assert_eq!(ann.beat(10).action, HeartbeatAction::Cancelling);
    assert_eq!(ann.beat(10).action, HeartbeatAction::Nothing, "it is told once");
    ann.cancels(CORRECT_SCORE, away);
    assert_eq!(ann.held(), pounds(1), "only the matched bet is held");

    ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    ann.beat(10);
    ann.now += 60_000;
    ann.run_due();
    let bet = ann.last_bet();
    ann.cancels(MATCH_ODDS, bet);
    let answer = ann.beat(20);
    assert_eq!((answer.action, answer.timeout_s), (HeartbeatAction::AllCancelled, 20));
}

#[test]
fn a_beat_in_time_cancels_nothing_and_one_too_late_does_not_help() {
    let mut ann = Bettor::with(100);
    let bet = ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    for _ in 0..5 {
        ann.beat(10);
        ann.now += 9_000;
    }
    assert!(ann.order(MATCH_ODDS, bet).executable);
    ann.now += 1_000;
    assert_eq!(ann.beat(10).action, HeartbeatAction::Cancelling);
    assert!(ann.account.wake().is_some(), "it is set again");
    ann.cancels(MATCH_ODDS, bet);
    assert!(!ann.order(MATCH_ODDS, bet).executable);
}

#[test]
fn an_order_on_its_way_is_given_up_and_one_that_stays_is_told() {
    let mut ann = Bettor::with(100);
    let stuck = ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    ann.beat(10);
    ann.place(CORRECT_SCORE, vec![back(AWAY, 300, 2)]);
    ann.now += 10_000;
    ann.run_due();
    assert!(
        ann.sent.iter().any(|it| matches!(it, Outgoing::Withdraw { market: CORRECT_SCORE, .. }))
    );
    let error = InstructionError::ErrorInOrder;
    ann.answer(MATCH_ODDS, Answer::Cancelled([Err(InstructionFault { bet: stuck, error })].into()));
    // The placement was never seen, and the cancel names nothing of it.
    let refusal = Refusal::whole(ExecutionError::MarketSuspended, 1);
    ann.answer(CORRECT_SCORE, Answer::Refused(refusal));
    ann.answer(CORRECT_SCORE, Answer::Cancelled([].into()));
    assert_eq!(ann.beat(10).action, HeartbeatAction::SomeLeft);
}

#[test]
fn a_bet_that_was_matched_meanwhile_needed_no_cancel() {
    let mut ann = Bettor::with(100);
    let bet = ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    ann.beat(10);
    ann.now += 10_000;
    ann.run_due();
    ann.hear(
        MATCH_ODDS,
        Notice::Filled([(bet, Matched { price: Price(300), size: pounds(10) })].into()),
    );
    let error = InstructionError::BetTakenOrLapsed;
    ann.answer(MATCH_ODDS, Answer::Cancelled([Err(InstructionFault { bet, error })].into()));
    assert_eq!(ann.beat(0).action, HeartbeatAction::AllCancelled);
}
