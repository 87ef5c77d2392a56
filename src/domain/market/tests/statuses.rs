//! Stories of an operator's acts before the end: open, suspend, turn in-play, versions.

use super::*;
use crate::definition::BettingType;

const ANN: u64 = 1;
const BOB: u64 = 2;

const SUSPEND: MarketAct = MarketAct::Suspend { lapse: false, reason: None };
const LAPSE: MarketAct = MarketAct::Suspend { lapse: true, reason: None };
const IN_PLAY: MarketAct = MarketAct::TurnInPlay { bet_delay_s: None };

#[test]
fn only_an_open_market_takes_orders_and_a_suspended_one_lets_them_go() {
    let mut table = Table::open();
    table.place(ANN, back(1, 300, 100));
    table.done(SUSPEND);
    let refusal = table.refusal(ANN, &place(&[back(2, 300, 100)]));
    assert_eq!(refusal, Refusal::whole(ExecutionError::MarketSuspended, 1));
    assert_eq!(table.cancel(ANN, 1, None), Ok(100));
    table.done(MarketAct::Open);
    assert_eq!(rests(&table.place(ANN, back(3, 300, 100))), 100);
}

#[test]
fn an_inactive_market_waits_to_be_opened() {
    let mut market = Market::default();
    let create = MarketAct::Create { definition: Box::new(definition()), open: false };
    let mut records = vec![];
    market.act(START, 1, &create, &mut records);
    assert_eq!(market.status(), MarketStatus::Inactive);
    let what = place(&[back(1, 300, 100)]);
    market.command(START, AccountId(ANN), 1, 1, 0, &what, &mut records);
    let Some(MarketEvent::Refused { refusal, .. }) = records.last() else { panic!("{records:?}") };
    assert_eq!(refusal.error, ExecutionError::MarketNotOpenForBetting);
    market.act(START, 2, &MarketAct::Open, &mut records);
    assert_eq!(market.status(), MarketStatus::Open);
}

#[test]
fn a_suspension_with_lapse_takes_what_does_not_persist() {
    let mut table = Table::open();
    table.place(ANN, back(1, 300, 100));
    table.place(ANN, persisting(back(2, 300, 200)));
    let version = table.market.last_material_version();
    table.done(SUSPEND);
    assert_eq!(table.market.last_material_version(), version, "nothing material");
    table.done(LAPSE);
    assert!(table.market.last_material_version() > version);
    assert_eq!(table.lapses_of(ANN), [(1, 100, LapseReason::MarketSuspended)]);
    assert_eq!(table.ladders(), [vec![], vec![(300, 200)]]);
}

#[test]
fn a_market_turns_in_play_once_and_only_what_persists_stays() {
    let mut table = Table::open();
    table.place(ANN, back(1, 300, 100));
    table.place(BOB, persisting(back(2, 300, 200)));
    assert_eq!(table.market.bet_delay_s(), 0);
    table.done(IN_PLAY);
    assert_eq!(table.lapses_of(ANN), [(1, 100, LapseReason::TurnedInPlay)]);
    assert_eq!(table.lapses_of(BOB), []);
    assert!(table.market.in_play());
    assert_eq!(table.market.bet_delay_s(), 5, "as the definition says");
    assert_eq!(table.act_refused(IN_PLAY), ActError::AlreadyInPlay);
    let dull = MarketDefinition { turn_in_play: false, ..definition() };
    assert_eq!(Table::with(dull).act_refused(IN_PLAY), ActError::NotTurnInPlay);
}

#[test]
fn an_order_can_name_the_version_that_it_saw() {
    let mut table = Table::open();
    let seen = table.market.version();
    let at = |version, bet| OrderCommand::Place {
        orders: [back(bet, 300, 100)].into(),
        conditions: Conditions { market_version: Some(version), ..ANY },
    };
    table.done(SUSPEND);
    table.done(MarketAct::Open);
    assert!(table.market.version() > seen);
    assert!(matches!(table.ask(ANN, &at(seen, 1)), Some(Answer::Placed(_))), "nothing material");
    table.done(LAPSE);
    table.done(MarketAct::Open);
    let refusal = table.refusal(ANN, &at(seen, 2));
    assert_eq!(refusal, Refusal::of(0, InstructionError::BetTakenOrLapsed, 1));
    let refusal = table.refusal(ANN, &at(table.market.version() + 1, 3));
    assert_eq!(refusal.error, ExecutionError::InvalidMarketVersion);
    assert!(matches!(table.ask(ANN, &at(table.market.version(), 4)), Some(Answer::Placed(_))));
}

#[test]
fn acts_that_make_no_sense_are_refused() {
    use MarketStatus::*;
    let mut table = Table::open();
    let twice = MarketAct::Create { definition: Box::new(definition()), open: true };
    assert_eq!(table.act_refused(twice), ActError::MarketExists);
    assert_eq!(table.act_refused(MarketAct::Open), ActError::WrongStatus(Open));
    assert_eq!(table.act_refused(MarketAct::Reopen), ActError::WrongStatus(Open));
    assert_eq!(table.act_refused(MarketAct::Unsettle), ActError::NothingToReverse);
    let slow = MarketAct::TurnInPlay { bet_delay_s: Some(MAX_BET_DELAY_S + 1) };
    assert_eq!(table.act_refused(slow), ActError::BetDelayTooLong);
    table.done(MarketAct::Void);
    assert_eq!(table.act_refused(SUSPEND), ActError::WrongStatus(Closed));
    assert_eq!(table.act_refused(IN_PLAY), ActError::WrongStatus(Closed));
    let mut market = Market::default();
    let mut records = vec![];
    market.act(START, 1, &MarketAct::Void, &mut records);
    assert_eq!(records, [MarketEvent::ActRefused { n: 1, error: ActError::NoSuchMarket }]);
}

#[test]
fn why_a_market_is_suspended_is_told_until_it_is_open() {
    let mut table = Table::open();
    let suspend =
        |why: Option<&str>| MarketAct::Suspend { lapse: false, reason: why.map(str::to_owned) };
    table.done(suspend(Some("GOAL")));
    assert_eq!(table.market.suspend_reason(), Some("GOAL"));
    table.done(LAPSE);
    assert_eq!(table.market.suspend_reason(), Some("GOAL"), "nobody says otherwise");
    table.done(suspend(Some("VAR")));
    assert_eq!(table.market.suspend_reason(), Some("VAR"));
    table.done(MarketAct::Open);
    assert_eq!(table.market.suspend_reason(), None);
    table.done(SUSPEND);
    assert_eq!(table.market.suspend_reason(), None);
    table.done(IN_PLAY);
    table.suspend_after_outage();
    assert!(table.market.suspend_reason().is_some());
    table.done(MarketAct::Void);
    assert_eq!(table.market.suspend_reason(), None);
}

#[test]
fn only_a_market_of_handicaps_has_a_key_line_and_of_its_own_runners() {
    let side = |selection, handicap| Runner { selection: SelectionId(selection), handicap };
    let lines = [side(1, -50), side(2, 50), side(1, -100), side(2, 100)];
    let asian = MarketDefinition {
        betting_type: BettingType::AsianHandicapDoubleLine,
        number_of_winners: 0,
        ..MarketDefinition::plain(MarketId(1), lines)
    };
    let mut table = Table::with(asian);
    let key_line = |runners: &[Runner]| MarketAct::KeyLine { runners: runners.to_vec() };
    let version = table.market.version();
    table.done(key_line(&lines[..2]));
    assert_eq!(table.market.key_line(), &lines[..2]);
    assert!(table.market.version() > version);
    for wrong in [vec![lines[0], lines[0]], vec![side(1, -75)]] {
        assert_eq!(table.act_refused(key_line(&wrong)), ActError::NotOnTheLine);
    }
    table.done(key_line(&[]));
    assert_eq!(table.market.key_line(), []);
    assert_eq!(Table::open().act_refused(key_line(&[HOME])), ActError::NoKeyLine);
    table.done(MarketAct::Void);
    let late = table.act_refused(key_line(&lines[..2]));
    assert_eq!(late, ActError::WrongStatus(MarketStatus::Closed));
}

#[test]
fn an_act_is_done_once_and_answered_again() {
    let mut table = Table::open();
    table.done(SUSPEND);
    let (n, answer) = table.acts.last().cloned().unwrap();
    let records = table.records.len();
    table.send_act(n, SUSPEND);
    assert_eq!(table.records.len(), records);
    assert_eq!(table.acts.last(), Some(&(n, answer)));
}

#[test]
fn answers_to_acts_do_not_pile_up() {
    let mut table = Table::open();
    for _ in 0..400 {
        table.done(SUSPEND);
    }
    assert!(table.market.acts.len() <= 256);
}
