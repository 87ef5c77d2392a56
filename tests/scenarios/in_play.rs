//! The match begins: what stays, what lapses, what has to wait.

use std::sync::mpsc::{TryRecvError, channel};

use serde_json::json;

use super::Evening;
use crate::harness::bettor::limit;
use crate::harness::eventually;

#[test]
fn at_the_kick_off_only_persistent_orders_stay() {
    let mut evening = Evening::begin("kick-off");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 10_000);
    let (lapses, _) = bob.back(&market, 0, 10.0, 3.0);
    let mut order = limit(market.runners[0], "BACK", 20.0, 3.5);
    order["limitOrder"]["persistenceType"] = json!("PERSIST");
    let (stays, _) = bob.bet(&market, order);
    let before = bob.book(&market);

    let answer = evening.operator.act(&market, "turn-in-play", &json!({"betDelay": 0}));
    assert_eq!(answer["status"], "OPEN", "{answer}");
    let book = bob.book(&market);
    assert_eq!(book["inplay"], true, "{book}");
    assert!(book["version"].as_u64() > before["version"].as_u64(), "{before} {book}");
    let order = bob.await_order(&lapses, |order| order.remaining == 0);
    assert_eq!((order.lapsed, order.status.as_str()), (1_000, "EXECUTION_COMPLETE"), "{order:?}");
    let order = bob.order(&stays);
    assert_eq!((order.remaining, order.lapsed), (2_000, 0), "{order:?}");
    assert_eq!(bob.ladder(&market, 0, "availableToLay"), [(350, 2_000)]);
    bob.await_funds(8_000, -2_000);
    evening.square();
}

#[test]
fn a_suspended_market_takes_no_bets_and_lapses_only_when_told() {
    let mut evening = Evening::begin("suspend");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 10_000);
    let (bet, _) = bob.back(&market, 0, 10.0, 3.0);

    let answer = evening.operator.act(&market, "suspend", &json!({}));
    assert_eq!(answer["status"], "SUSPENDED", "{answer}");
    let report = bob.place(&market, &[limit(market.runners[0], "BACK", 10.0, 3.0)]);
    assert_eq!(report["status"], "FAILURE", "{report}");
    assert_eq!(report["errorCode"], "MARKET_SUSPENDED", "{report}");
    assert_eq!(report["instructionReports"][0]["errorCode"], "ERROR_IN_ORDER", "{report}");
    bob.await_funds(9_000, -1_000);

    let answer = evening.operator.act(&market, "open", &json!({}));
    assert_eq!(answer["status"], "OPEN", "{answer}");
    assert_eq!(bob.order(&bet).remaining, 1_000, "a plain suspension keeps what rests");

    evening.operator.act(&market, "suspend", &json!({"lapse": true}));
    let order = bob.await_order(&bet, |order| order.remaining == 0);
    assert_eq!(order.lapsed, 1_000, "{order:?}");
    bob.await_funds(10_000, 0);
    evening.operator.act(&market, "open", &json!({}));
    assert_eq!(bob.ladder(&market, 0, "availableToLay"), []);
    evening.square();
}

#[test]
fn in_play_a_bet_waits_for_the_delay_before_it_is_in_the_book() {
    const DELAY_S: u64 = 5;
    const STEP_MS: u64 = 500;
    let mut evening = Evening::begin_with_manual_clock("bet-delay");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 10_000);
    evening.operator.act(&market, "turn-in-play", &json!({"betDelay": DELAY_S}));

    let (done, answer) = channel();
    let mut waiting = evening.come_back(&bob);
    let place = market.clone();
    let caller = std::thread::spawn(move || {
        done.send(waiting.back(&place, 0, 10.0, 3.0)).unwrap();
    });
    bob.await_funds(9_000, -1_000);
    let mut advanced_ms = 0;
    let (bet, matched) = eventually("the delayed bet is answered", || match answer.try_recv() {
        Ok(bet) => Ok(bet),
        Err(TryRecvError::Empty) => {
            if advanced_ms < DELAY_S * 1_000 {
                assert_eq!(bob.ladder(&market, 0, "availableToLay"), [], "at {advanced_ms} ms");
            }
            advanced_ms += STEP_MS;
            evening.operator.advance(STEP_MS);
            Err("not answered")
        }
        Err(TryRecvError::Disconnected) => panic!("the bet failed"),
    });
    caller.join().unwrap();
    assert!(advanced_ms >= DELAY_S * 1_000, "answered after {advanced_ms} ms of {DELAY_S} s");
    assert_eq!(matched, 0);
    assert_eq!(bob.order(&bet).remaining, 1_000);
    assert_eq!(bob.ladder(&market, 0, "availableToLay"), [(300, 1_000)]);
    let report = bob.cancel(&market, &bet, None);
    assert_eq!(report["status"], "SUCCESS", "cancels are not delayed: {report}");
    evening.square();
}

#[test]
fn a_goal_while_a_bet_waits_takes_the_bet_away() {
    let mut evening = Evening::begin_with_manual_clock("goal");
    let market = evening.match_odds();
    let mut alice = evening.bettor("alice", 10_000);
    let mut bob = evening.bettor("bob", 10_000);
    let mut order = limit(market.runners[0], "LAY", 10.0, 3.0);
    order["limitOrder"]["persistenceType"] = json!("PERSIST");
    let (offer, _) = alice.bet(&market, order);
    evening.operator.act(&market, "turn-in-play", &json!({"betDelay": 5}));

    let mut waiting = evening.come_back(&bob);
    let place = market.clone();
    let order = limit(market.runners[0], "BACK", 10.0, 3.0);
    let caller = std::thread::spawn(move || waiting.place(&place, &[order]));
    bob.await_funds(9_000, -1_000);
    evening.operator.act(&market, "suspend", &json!({"lapse": true}));
    evening.operator.advance(5_000);
    let report = caller.join().unwrap();
    bob.await_funds(10_000, 0);
    let matched = bob.orders().iter().map(|order| order.matched).sum::<i64>();
    assert_eq!(matched, 0, "{report}");
    let order = alice.order(&offer);
    assert_eq!((order.matched, order.remaining), (0, 1_000), "{order:?}");
    evening.square();
}
