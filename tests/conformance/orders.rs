//! Orders placed, changed and taken back: the reports, word for word.

use serde_json::{Value, json};

use super::{codes, word};
use crate::harness::bettor::limit;
use crate::harness::{Market, pence};
use crate::scenarios::Evening;

fn place(market: &Market, more: Value, instructions: Vec<Value>) -> Value {
    let mut params = json!({"marketId": market.id, "instructions": instructions});
    for (key, value) in more.as_object().unwrap() {
        params[key] = value.clone();
    }
    params
}

#[test]
fn c11_a_resting_back_is_matched_in_part() {
    let mut evening = Evening::begin("c11");
    let market = evening.match_odds();
    let (mut ann, mut bob) = (evening.bettor("ann", 10_000), evening.bettor("bob", 10_000));
    let (back, _) = ann.back(&market, 0, 10.0, 2.0);
    let (lay, matched) = bob.lay(&market, 0, 4.0, 2.0);
    assert_eq!(matched, 400);
    let back = ann.await_order(&back, |order| order.matched == 400);
    assert_eq!((&*back.status, back.remaining), ("EXECUTABLE", 600));
    assert_eq!(bob.order(&lay).status, "EXECUTION_COMPLETE");
    assert_eq!(ann.ladder(&market, 0, "tradedVolume"), [(200, 800)]);
    evening.square();
}

#[test]
fn c12_a_back_takes_the_best_price_first() {
    let mut evening = Evening::begin("c12");
    let market = evening.match_odds();
    let (mut ann, mut bob) = (evening.bettor("ann", 100_000), evening.bettor("bob", 10_000));
    ann.lay(&market, 0, 10.0, 2.08);
    ann.lay(&market, 0, 10.0, 2.10);
    let report = bob.place(&market, &[limit(market.runners[0], "BACK", 20.0, 2.0)]);
    let line = &report["instructionReports"][0];
    assert_eq!(pence(&line["sizeMatched"]), 2_000, "{report}");
    let average = line["averagePriceMatched"].as_f64().unwrap();
    assert!((average - 2.09).abs() < 1e-9, "{report}");
    assert_eq!(line["orderStatus"], "EXECUTION_COMPLETE");
    evening.square();
}

#[test]
fn c16_a_stake_is_large_enough_or_its_payout_is() {
    let mut evening = Evening::begin("c16");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    for (size, price, expected) in
        [(0.5, 2.0, "INVALID_BET_SIZE"), (0.1, 100.0, ""), (0.005, 100.0, "INVALID_BET_SIZE")]
    {
        let report = ann.place(&market, &[limit(market.runners[0], "BACK", size, price)]);
        let (whole, lines) = codes(&report);
        let of_whole = if expected.is_empty() { "" } else { "BET_ACTION_ERROR" };
        assert_eq!((whole, lines), (of_whole, vec![expected]), "{size} at {price}: {report}");
    }
    evening.square();
}

#[test]
fn c18_a_reference_is_used_once_in_a_minute() {
    let mut evening = Evening::begin_with_manual_clock("c18");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    let order = limit(market.runners[0], "BACK", 2.0, 3.0);
    let params = place(&market, json!({"customerRef": "a-ref"}), vec![order]);
    let first = ann.ask("placeOrders", &params);
    assert_eq!((&first["status"], &first["customerRef"]), (&json!("SUCCESS"), &json!("a-ref")));
    evening.operator().advance(59_000);
    let second = ann.ask("placeOrders", &params);
    assert_eq!(second["errorCode"], "DUPLICATE_TRANSACTION", "{second}");
    assert_eq!(ann.orders().len(), 1);
    evening.operator().advance(1_000);
    assert_eq!(ann.ask("placeOrders", &params)["status"], "SUCCESS");
    assert_eq!(ann.orders().len(), 2);
    evening.square();
}

#[test]
fn c19_fill_or_kill_fills_enough_or_nothing() {
    let mut evening = Evening::begin("c19");
    let market = evening.match_odds();
    let (mut ann, mut bob) = (evening.bettor("ann", 10_000), evening.bettor("bob", 10_000));
    let mut kill = limit(market.runners[0], "BACK", 10.0, 3.0);
    kill["limitOrder"]["timeInForce"] = json!("FILL_OR_KILL");
    kill["limitOrder"]["minFillSize"] = json!(5.0);
    for (available, status, matched) in [(4.0, "EXPIRED", 0), (6.0, "EXECUTION_COMPLETE", 600)] {
        bob.cancel_all();
        bob.lay(&market, 0, available, 3.0);
        let report = ann.place(&market, &[kill.clone()]);
        let line = &report["instructionReports"][0];
        assert_eq!(line["orderStatus"], status, "{available}: {report}");
        assert_eq!(pence(&line["sizeMatched"]), matched, "{report}");
        let order = ann.order(line["betId"].as_str().unwrap());
        assert_eq!((order.remaining, order.cancelled), (0, 1_000 - matched), "{order:?}");
    }
    evening.square();
}

#[test]
fn c21_a_payout_is_a_stake_at_its_price() {
    let mut evening = Evening::begin("c21");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    let mut order = limit(market.runners[0], "BACK", 25.0, 4.0);
    order["limitOrder"]["betTargetType"] = json!("PAYOUT");
    order["limitOrder"]["betTargetSize"] = json!("100");
    let report = ann.place(&market, &[order.clone()]);
    assert_eq!(codes(&report), ("BET_ACTION_ERROR", vec!["INVALID_BET_SIZE"]), "both: {report}");
    order["limitOrder"]["size"] = Value::Null;
    let report = ann.place(&market, &[order]);
    assert_eq!(report["status"], "SUCCESS", "{report}");
    let bet = report["instructionReports"][0]["betId"].as_str().unwrap().to_owned();
    assert_eq!(ann.order(&bet).size, 2_500);
    evening.square();
}

#[test]
fn c22_what_cannot_be_cancelled_says_why() {
    let mut evening = Evening::begin("c22");
    let market = evening.match_odds();
    let (mut ann, mut bob) = (evening.bettor("ann", 10_000), evening.bettor("bob", 10_000));
    let (matched, _) = ann.back(&market, 0, 5.0, 2.0);
    bob.lay(&market, 0, 5.0, 2.0);
    ann.await_order(&matched, |order| order.remaining == 0);
    let (rests, _) = ann.back(&market, 0, 5.0, 3.0);
    let mut cancel = |bets: &[&str]| {
        let bets: Vec<Value> = bets.iter().map(|bet| json!({"betId": bet})).collect();
        ann.call("cancelOrders", &json!({"marketId": market.id, "instructions": bets}))
    };
    let report = cancel(&["999999990000"]).unwrap();
    assert_eq!(codes(&report), ("BET_ACTION_ERROR", vec!["INVALID_BET_ID"]), "{report}");
    let report = cancel(&[&matched]).unwrap();
    assert_eq!(codes(&report), ("BET_ACTION_ERROR", vec!["BET_TAKEN_OR_LAPSED"]), "{report}");
    let report = cancel(&[&rests, &rests]).unwrap();
    assert_eq!(report["errorCode"], "DUPLICATE_BETIDS", "{report}");
    assert_eq!(word(&cancel(&["1"; 61])), "INVALID_INPUT_DATA");
    let report = cancel(&[&matched, &rests]).unwrap();
    assert_eq!(report["status"], "PROCESSED_WITH_ERRORS", "{report}");
    assert_eq!(
        codes(&report),
        ("PROCESSED_WITH_ERRORS", vec!["BET_TAKEN_OR_LAPSED", ""]),
        "{report}"
    );
    evening.square();
}

#[test]
fn c23_without_a_word_everything_of_the_customer_is_cancelled() {
    let mut evening = Evening::begin("c23");
    let markets = [evening.match_odds(), evening.operator().match_odds("Hull", "Bury")];
    let (mut ann, mut bob) = (evening.bettor("ann", 10_000), evening.bettor("bob", 10_000));
    for market in &markets {
        ann.back(market, 0, 5.0, 3.0);
        bob.back(market, 0, 5.0, 3.0);
    }
    let report = ann.ask("cancelOrders", &json!({}));
    assert_eq!(report["status"], "SUCCESS", "{report}");
    assert!(ann.orders().iter().all(|order| order.cancelled == 500));
    assert!(bob.orders().iter().all(|order| order.remaining == 500));
    evening.square();
}

#[test]
fn c24_persistence_is_updated_or_says_why_not() {
    let mut evening = Evening::begin("c24");
    let market = evening.match_odds();
    let plain = json!({"persistence": false});
    let plain = evening.operator().market("Ayr v Fife", &["Ayr", "Fife"], &plain);
    let mut ann = evening.bettor("ann", 10_000);
    let (bet, _) = ann.back(&market, 0, 5.0, 3.0);
    let mut update = |market: &Market, bet: &str| {
        let change = json!({"betId": bet, "newPersistenceType": "PERSIST"});
        ann.ask("updateOrders", &json!({"marketId": market.id, "instructions": [change]}))
    };
    assert_eq!(update(&market, &bet)["status"], "SUCCESS");
    assert_eq!(lines_of(&update(&market, &bet)), ["NO_ACTION_REQUIRED"]);
    let (other, _) = ann.back(&plain, 0, 5.0, 3.0);
    let change = json!({"betId": other, "newPersistenceType": "PERSIST"});
    let report = ann.ask("updateOrders", &json!({"marketId": plain.id, "instructions": [change]}));
    assert_eq!(lines_of(&report), ["INVALID_PERSISTENCE_TYPE"], "{report}");
    assert_eq!(ann.order(&bet).persistence, "PERSIST");
    evening.square();
}

fn lines_of(report: &Value) -> Vec<String> {
    codes(report).1.into_iter().map(str::to_owned).collect()
}

#[test]
fn c25_a_replacement_at_no_price_has_cancelled_all_the_same() {
    let mut evening = Evening::begin("c25");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    let (bet, _) = ann.back(&market, 0, 5.0, 3.0);
    let replace =
        json!({"marketId": market.id, "instructions": [{"betId": bet, "newPrice": 3.01}]});
    let report = ann.ask("replaceOrders", &replace);
    assert_eq!(
        (&report["status"], codes(&report)),
        (&json!("FAILURE"), ("BET_ACTION_ERROR", vec!["CANCELLED_NOT_PLACED"])),
        "{report}"
    );
    let line = &report["instructionReports"][0];
    assert_eq!(line["cancelInstructionReport"]["status"], "SUCCESS", "{report}");
    assert_eq!(line["placeInstructionReport"]["status"], "FAILURE", "{report}");
    let order = ann.order(&bet);
    assert_eq!((order.cancelled, order.remaining), (500, 0));
    evening.square();
}

#[test]
fn an_async_order_is_pending_and_then_there() {
    let mut evening = Evening::begin("async");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    let mut order = limit(market.runners[0], "BACK", 5.0, 3.0);
    order["customerOrderRef"] = json!("mine");
    let report =
        ann.ask("placeOrders", &place(&market, json!({"async": "true"}), vec![order.clone()]));
    assert_eq!(report["status"], "SUCCESS", "{report}");
    let line = &report["instructionReports"][0];
    let expected =
        json!({"status": "SUCCESS", "orderStatus": "PENDING", "instruction": line["instruction"]});
    assert_eq!(line, &expected);
    let listed = crate::harness::eventually("the order is there", || {
        let orders = ann.orders();
        if orders.len() == 1 { Ok(orders) } else { Err(orders) }
    });
    assert_eq!(listed[0].order_ref, "mine");
    order["limitOrder"]["size"] = json!(1_000_000);
    let report = ann.ask("placeOrders", &place(&market, json!({"async": true}), vec![order]));
    assert_eq!(
        report["errorCode"], "INSUFFICIENT_FUNDS",
        "what the account refuses is said at once: {report}"
    );
    evening.square();
}
