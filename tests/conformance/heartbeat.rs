//! The dead man's switch, from outside.

use serde_json::{Value, json};

use super::{details, word};
use crate::harness::Bettor;
use crate::scenarios::Evening;

/// What was done, and the timeout.
fn beat(ann: &mut Bettor, seconds: &Value) -> (String, i64) {
    let answer = ann.ask("heartbeat", &json!({"preferredTimeoutSeconds": seconds}));
    let action = answer["actionPerformed"].as_str().expect("a word").to_owned();
    (action, answer["actualTimeoutSeconds"].as_i64().expect("a number"))
}

fn said(action: &str, seconds: i64) -> (String, i64) {
    (action.to_owned(), seconds)
}

#[test]
fn c53_who_falls_silent_has_every_order_cancelled() {
    let mut evening = Evening::begin_with_manual_clock("c53");
    let (mut ann, mut bob) = (evening.bettor("ann", 100_000), evening.bettor("bob", 100_000));
    let (here, there) = (evening.match_odds(), evening.match_odds());
    for (wanted, actual) in
        [(json!(5), 10), (json!(999), 300), (json!("42"), 42), (json!(0), 0), (json!(10), 10)]
    {
        assert_eq!(beat(&mut ann, &wanted), said("NONE", actual), "{wanted}");
    }
    let mine = [
        ann.back(&here, 0, 10.0, 5.0).0,
        ann.lay(&here, 1, 10.0, 1.5).0,
        ann.back(&there, 0, 10.0, 5.0).0,
    ];
    bob.lay(&there, 2, 10.0, 3.0);
    ann.back(&there, 2, 10.0, 3.0);
    let (theirs, _) = bob.back(&here, 0, 10.0, 5.0);

    evening.operator().advance(9_999);
    assert_eq!(ann.order(&mine[0]).status, "EXECUTABLE", "there is a millisecond left");
    evening.operator().advance(1);
    for bet in &mine {
        let order = ann.await_order(bet, |order| order.status == "EXECUTION_COMPLETE");
        assert_eq!((order.cancelled, order.matched), (1_000, 0), "{order:?}");
    }
    ann.await_funds(100_000 - 1_000, -1_000);
    assert_eq!(bob.order(&theirs).status, "EXECUTABLE", "another's order is left alone");
    assert_eq!(beat(&mut ann, &json!(10)), said("ALL_BETS_CANCELLED", 10));
    assert_eq!(beat(&mut ann, &json!(10)), said("NONE", 10), "it is told once");

    // Beating in time keeps everything, and zero turns it off.
    let (kept, _) = ann.back(&here, 0, 10.0, 5.0);
    for _ in 0..4 {
        evening.operator().advance(9_000);
        assert_eq!(beat(&mut ann, &json!(10)), said("NONE", 10));
    }
    assert_eq!(beat(&mut ann, &json!(0)), said("NONE", 0));
    evening.operator().advance(400_000);
    assert_eq!(ann.order(&kept).status, "EXECUTABLE");
    evening.square();
}

#[test]
fn a_switch_falls_though_the_node_was_down_when_it_was_due() {
    let mut evening = Evening::begin_with_manual_clock("heartbeat-restart");
    let mut ann = evening.bettor("ann", 100_000);
    let market = evening.match_odds();
    // Long enough that a slow machine does not use it up: at a start the clock is never behind the wall's.
    assert_eq!(beat(&mut ann, &json!(300)), said("NONE", 300));
    let (bet, _) = ann.back(&market, 0, 10.0, 5.0);
    evening.kill_and_start();
    let mut ann = evening.come_back(&ann);
    assert_eq!(ann.order(&bet).status, "EXECUTABLE", "it is not due yet");
    evening.operator().advance(300_000);
    ann.await_order(&bet, |order| order.cancelled == 1_000);
    evening.kill_and_start();
    let mut ann = evening.come_back(&ann);
    assert_eq!(beat(&mut ann, &json!(0)), said("ALL_BETS_CANCELLED", 0), "it is told all the same");
    evening.square();
}

/// With the machine's clock: the node is down while the moment passes, and nobody is let in before it was
/// taken care of.
#[test]
fn what_was_due_while_the_node_was_down_is_done_before_its_doors_open() {
    let mut evening = Evening::begin("heartbeat-outage");
    let mut ann = evening.bettor("ann", 100_000);
    let market = evening.match_odds();
    let (bet, _) = ann.back(&market, 0, 10.0, 5.0);
    assert_eq!(beat(&mut ann, &json!(10)), said("NONE", 10));
    evening.kill_and_start_after(std::time::Duration::from_secs(11));
    let mut ann = evening.come_back(&ann);
    ann.await_order(&bet, |order| order.cancelled == 1_000);
    assert_eq!(beat(&mut ann, &json!(10)), said("ALL_BETS_CANCELLED", 10));
}

#[test]
fn a_beat_that_cannot_be_taken_says_why() {
    let mut evening = Evening::begin("heartbeat-refusals");
    let mut ann = evening.bettor("ann", 1_000);
    let answer = ann.call("heartbeat", &json!({"preferredTimeoutSeconds": -1}));
    assert_eq!(word(&answer), "INVALID_INPUT_DATA");
    let error = answer.as_ref().unwrap_err();
    assert_eq!(error["message"], "HBT-0001", "{error}");
    assert!(details(&answer).starts_with("preferredTimeoutSeconds: "), "{error}");
    let missing = ann.call("heartbeat", &json!({})).unwrap_err();
    assert_eq!((&missing["code"], &missing["message"]), (&json!(-32602), &json!("DSC-0018")));
    let text = ann.call("heartbeat", &json!({"preferredTimeoutSeconds": "soon"})).unwrap_err();
    assert_eq!((&text["code"], &text["message"]), (&json!(-32602), &json!("DSC-0044")));
    assert_eq!(beat(&mut ann, &json!(9_000_000_000_000_i64)), said("NONE", 300));
}
