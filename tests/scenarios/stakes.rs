//! What an order may be worth: prices, sizes, targets, and what all of a market's bets may lose.
//!
//! The numbers in the names are those of the conformance list that these stories hold the exchange to.

use serde_json::{Value, json};

use super::Evening;
use crate::harness::bettor::limit;
use crate::harness::pence;

/// What became of one order: `SUCCESS`, or the code that it was refused with.
fn verdict(report: &Value) -> String {
    let item = &report["instructionReports"][0];
    let verdict = item["errorCode"].as_str().or(item["status"].as_str());
    verdict.unwrap_or_else(|| panic!("neither taken nor refused: {report}")).to_owned()
}

#[test]
fn row_15_prices_stand_on_the_ladder() {
    let mut evening = Evening::begin("row-15");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 100_000);
    for price in [2.02, 4.9, 55.0] {
        let report = bob.place(&market, &[limit(market.runners[0], "BACK", 2.0, price)]);
        assert_eq!(verdict(&report), "SUCCESS", "{price}: {report}");
    }
    for price in [2.01, 4.95, 52.0, 1.005, 1010.0] {
        let report = bob.place(&market, &[limit(market.runners[0], "BACK", 2.0, price)]);
        assert_eq!(report["errorCode"], "BET_ACTION_ERROR", "{price}: {report}");
        assert_eq!(verdict(&report), "INVALID_ODDS", "{price}: {report}");
    }
    assert_eq!(bob.orders().len(), 3);
    evening.square();
}

#[test]
fn row_16_small_stakes_must_return_enough() {
    let mut evening = Evening::begin("row-16");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 100_000);
    let cases = [
        (0.5, 2.0, "INVALID_BET_SIZE"),
        (0.1, 100.0, "SUCCESS"),
        (0.005, 2.0, "INVALID_BET_SIZE"),
        (1.001, 2.0, "INVALID_BET_SIZE"),
        (1.0, 2.0, "SUCCESS"),
    ];
    for (size, price, expected) in cases {
        let report = bob.place(&market, &[limit(market.runners[0], "BACK", size, price)]);
        assert_eq!(verdict(&report), expected, "{size} at {price}: {report}");
    }
    evening.square();
}

#[test]
fn row_21_a_target_says_what_the_stake_is() {
    let mut evening = Evening::begin("row-21");
    let market = evening.match_odds();
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 100_000);
    let target = |kind: &str, amount: f64| {
        let mut order = limit(market.runners[0], "BACK", 0.0, 4.0);
        order["limitOrder"] = json!({
            "price": 4.0, "persistenceType": "LAPSE", "betTargetType": kind, "betTargetSize": amount,
        });
        order
    };
    let (bet, _) = bob.bet(&market, target("PAYOUT", 100.0));
    assert_eq!(bob.order(&bet).size, 2_500);
    bob.await_funds(97_500, -2_500);
    let mut both = target("PAYOUT", 100.0);
    both["limitOrder"]["size"] = json!(10.0);
    let report = bob.place(&market, &[both]);
    assert_eq!(verdict(&report), "INVALID_BET_SIZE", "{report}");
    bob.cancel(&market, &bet, None);

    // 10.00 at 5.0 brings 40.00 of the profit; the other 60.00 needs 20.00 at 4.0.
    alice.lay(&market, 0, 10.0, 5.0);
    let (bet, matched) = bob.bet(&market, target("BACKERS_PROFIT", 100.0));
    assert_eq!(matched, 1_000);
    let order = bob.order(&bet);
    assert_eq!((order.size, order.remaining), (3_000, 2_000), "{order:?}");
    bob.await_funds(97_000, -3_000);
    evening.square();
}

#[test]
fn row_29_the_worst_of_all_outcomes_is_held_and_no_more() {
    let mut evening = Evening::begin("row-29");
    let market = evening.match_odds();
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 3_000);
    alice.back(&market, 0, 10.0, 3.0);
    alice.back(&market, 1, 10.0, 4.0);
    bob.lay(&market, 0, 10.0, 3.0);
    bob.lay(&market, 1, 10.0, 4.0);
    // The second wins: 30.00 is lost on it and 10.00 won on the first.
    bob.await_funds(1_000, -2_000);
    let report = bob.place(&market, &[limit(market.runners[0], "LAY", 20.0, 3.0)]);
    assert_eq!(report["status"], "FAILURE", "{report}");
    let codes = [&report["errorCode"], &report["instructionReports"][0]["errorCode"]];
    assert!(codes.iter().any(|code| **code == "INSUFFICIENT_FUNDS"), "{report}");
    assert_eq!(bob.funds(), (1_000, -2_000));
    evening.square();
}

#[test]
fn orders_of_one_request_may_not_meet_each_other() {
    let mut evening = Evening::begin("combination");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 100_000);
    let orders =
        [limit(market.runners[0], "BACK", 10.0, 3.0), limit(market.runners[0], "LAY", 10.0, 3.0)];
    let report = bob.place(&market, &orders);
    assert_eq!(report["errorCode"], "BET_ACTION_ERROR", "{report}");
    let second = &report["instructionReports"][1];
    assert_eq!(second["errorCode"], "INVALID_BACK_LAY_COMBINATION", "{report}");
    let report = bob.place(&market, &[limit(market.runners[0], "BACK", 0.13, 1.06)]);
    assert_eq!(report["status"], "FAILURE", "{report}");
    assert_eq!(pence(&bob.ask("getAccountFunds", &json!({}))["exposure"]), 0);
    evening.square();
}
