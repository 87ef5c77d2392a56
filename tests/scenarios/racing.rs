//! An afternoon at the races: the starting price, and a runner that does not run.
//!
//! The numbers in the names are those of the conformance list that these stories hold the exchange to.

use serde_json::{Value, json};

use super::Evening;
use crate::harness::bettor::{Bettor, limit};
use crate::harness::operator::Market;
use crate::harness::pence;

const RUNNERS: [&str; 3] = ["Arkle", "Best Mate", "Denman"];

fn race(evening: &mut Evening, terms: &Value) -> Market {
    let mut all = json!({
        "name": "3m Chase", "marketType": "WIN", "bspMarket": true,
        "runners": [
            {"name": RUNNERS[0], "adjustmentFactor": "50"},
            {"name": RUNNERS[1], "adjustmentFactor": "30"},
            {"name": RUNNERS[2], "adjustmentFactor": "20"},
        ],
    });
    for (key, value) in terms.as_object().expect("terms are an object") {
        all[key] = value.clone();
    }
    evening.operator.market("Newbury", &RUNNERS, &all)
}

fn on_close(market: &Market, side: &str, liability: f64, price: Option<f64>) -> Value {
    let mut order = json!({"selectionId": market.runners[0], "handicap": 0, "side": side});
    match price {
        Some(price) => {
            order["orderType"] = json!("LIMIT_ON_CLOSE");
            order["limitOnCloseOrder"] = json!({"liability": liability, "price": price});
        }
        None => {
            order["orderType"] = json!("MARKET_ON_CLOSE");
            order["marketOnCloseOrder"] = json!({"liability": liability});
        }
    }
    order
}

/// A row of `listCurrentOrders` as it is.
fn row(bettor: &mut Bettor, bet: &str) -> Value {
    let result = bettor.ask("listCurrentOrders", &json!({"betIds": [bet]}));
    result["currentOrders"][0].clone()
}

#[test]
fn row_27_at_the_off_orders_lapse_stay_or_go_to_the_starting_price() {
    let mut evening = Evening::begin("row-27");
    let market = race(&mut evening, &json!({}));
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 100_000);
    let kept = |kind: &str, price: f64| {
        let mut order = limit(market.runners[0], "BACK", 20.0, price);
        order["limitOrder"]["persistenceType"] = json!(kind);
        order
    };
    let (lapses, _) = bob.bet(&market, kept("LAPSE", 5.0));
    let (stays, _) = bob.bet(&market, kept("PERSIST", 6.0));
    let (converts, _) = bob.bet(&market, kept("MARKET_ON_CLOSE", 8.0));
    let (laid, matched) = alice.bet(&market, on_close(&market, "LAY", 40.0, None));
    assert_eq!(matched, 0);
    alice.await_funds(96_000, -4_000);

    let answer = evening.operator.act(&market, "turn-in-play", &json!({"betDelay": 0}));
    assert_eq!(answer["status"], "OPEN", "{answer}");
    // 20.00 of stake and 40.00 of liability meet at 3.0.
    let order = bob.await_order(&converts, |order| order.matched > 0);
    assert_eq!((order.matched, order.matched_payout), (2_000, 2_000 * 300), "{order:?}");
    assert_eq!(order.status, "EXECUTION_COMPLETE");
    assert_eq!(bob.order(&lapses).lapsed, 2_000);
    assert_eq!(bob.order(&stays).remaining, 2_000);
    let order = alice.await_order(&laid, |order| order.matched > 0);
    assert_eq!((order.matched, order.matched_payout), (2_000, 2_000 * 300), "{order:?}");
    bob.await_funds(96_000, -4_000);
    evening.square();

    let report = bob.place(&market, &[on_close(&market, "BACK", 10.0, None)]);
    let code = &report["instructionReports"][0]["errorCode"];
    assert_eq!(code, "MARKET_NOT_OPEN_FOR_BSP_BETTING", "{report}");
    evening.operator.settle(&market, &[market.runners[0]]);
    bob.await_funds(103_800, 0);
    evening.square();
}

#[test]
fn row_36_limits_at_the_starting_price_are_met_first_come_first() {
    let mut evening = Evening::begin("row-36");
    let market = race(&mut evening, &json!({}));
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 100_000);
    let (first, _) = bob.bet(&market, on_close(&market, "BACK", 10.0, Some(5.0)));
    let (second, _) = bob.bet(&market, on_close(&market, "BACK", 10.0, Some(5.0)));
    let (better, _) = bob.bet(&market, on_close(&market, "BACK", 5.0, Some(4.0)));
    let (laid, _) = alice.bet(&market, on_close(&market, "LAY", 80.0, None));

    let shown = row(&mut bob, &first);
    assert_eq!(shown["status"], "EXECUTION_COMPLETE", "{shown}");
    assert_eq!(shown["orderType"], "LIMIT_ON_CLOSE", "{shown}");
    assert_eq!(shown["priceSize"], json!({"price": 5.0, "size": 0.0}), "{shown}");
    assert_eq!(pence(&shown["bspLiability"]), 1_000, "{shown}");
    let shown = row(&mut alice, &laid);
    assert_eq!(shown["orderType"], "MARKET_ON_CLOSE", "{shown}");
    assert_eq!(shown["priceSize"], json!({"price": 1.01, "size": 0.0}), "{shown}");
    let report = bob.cancel(&market, &first, None);
    assert_eq!(report["status"], "FAILURE", "{report}");

    let answer = evening.operator.act(&market, "reconcile-sp", &json!({}));
    assert_eq!(answer["status"], "SUSPENDED", "{answer}");
    let met = |bettor: &mut Bettor, bet: &str| {
        let order = bettor.await_order(bet, |order| order.matched + order.lapsed > 0);
        (order.matched, order.lapsed)
    };
    assert_eq!(met(&mut bob, &better), (500, 0));
    assert_eq!(met(&mut bob, &first), (1_000, 0));
    assert_eq!(met(&mut bob, &second), (500, 500));
    assert_eq!(met(&mut alice, &laid), (2_000, 0));
    alice.await_funds(92_000, -8_000);
    bob.await_funds(98_000, -2_000);
    evening.square();
    evening.operator.settle(&market, &[market.runners[1]]);
    alice.await_funds(101_900, 0);
    bob.await_funds(98_000, 0);
    evening.square();
}

#[test]
fn a_limit_on_close_only_becomes_easier_to_meet() {
    let mut evening = Evening::begin("price-edit");
    let market = race(&mut evening, &json!({}));
    let mut bob = evening.bettor("bob", 10_000);
    let (old, _) = bob.bet(&market, on_close(&market, "BACK", 10.0, Some(5.0)));
    let edit = |price: f64| json!({"marketId": market.id, "instructions": [{"betId": old, "newPrice": price}]});
    let report = bob.ask("replaceOrders", &edit(6.0));
    assert_eq!(report["instructionReports"][0]["errorCode"], "INVALID_PRICE_EDIT", "{report}");
    let report = bob.ask("replaceOrders", &edit(4.0));
    assert_eq!(report["status"], "SUCCESS", "{report}");
    let item = &report["instructionReports"][0];
    assert_eq!(pence(&item["cancelInstructionReport"]["sizeCancelled"]), 0, "{report}");
    let new = item["placeInstructionReport"]["betId"].as_str().expect("a bet id").to_owned();
    let shown = row(&mut bob, &new);
    assert_eq!(shown["priceSize"], json!({"price": 4.0, "size": 0.0}), "{shown}");
    assert_eq!(pence(&shown["bspLiability"]), 1_000, "{shown}");
    let shown = row(&mut bob, &old);
    assert!(shown["cancelledDate"].is_string(), "{shown}");
    bob.await_funds(9_000, -1_000);
    evening.square();
}

#[test]
fn a_removed_runner_voids_its_bets_and_reduces_the_others() {
    let mut evening = Evening::begin("removal");
    let market = race(&mut evening, &json!({}));
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 100_000);
    alice.lay(&market, 0, 10.0, 12.0);
    let (reduced, matched) = bob.back(&market, 0, 10.0, 12.0);
    assert_eq!(matched, 1_000);
    alice.lay(&market, 2, 10.0, 4.0);
    let (void, matched) = bob.back(&market, 2, 10.0, 4.0);
    assert_eq!(matched, 1_000);
    let (laid, _) = alice.lay(&market, 1, 10.0, 3.0);
    let (asked, _) = bob.back(&market, 1, 10.0, 9.0);

    let removal = json!({"selectionId": market.runners[2], "adjustmentFactor": "21.05"});
    let answer = evening.operator.act(&market, "remove-runner", &removal);
    assert_eq!(answer["status"], "OPEN", "{answer}");
    let order = bob.await_order(&reduced, |order| order.matched_payout < 1_200_000);
    assert_eq!((order.matched, order.matched_payout), (1_000, 1_000 * 947), "{order:?}");
    let order = bob.order(&void);
    assert_eq!((order.matched, order.voided), (0, 1_000), "{order:?}");
    let order = alice.order(&laid);
    assert_eq!((order.remaining, order.lapsed), (0, 1_000), "a lay would be too good: {order:?}");
    assert_eq!(bob.order(&asked).remaining, 1_000);
    alice.await_funds(100_000 - 8_470, -8_470);
    // Two are left: when the one without a match wins, only the other's stake is lost.
    bob.await_funds(99_000, -1_000);
    let report = bob.place(&market, &[limit(market.runners[2], "BACK", 10.0, 3.0)]);
    let code = &report["instructionReports"][0]["errorCode"];
    assert_eq!(code, "RUNNER_REMOVED", "{report}");
    evening.square();

    evening.operator.settle(&market, &[market.runners[0]]);
    alice.await_funds(100_000 - 8_470, 0);
    assert_eq!(bob.cleared(&market, "VOIDED").len(), 1);
    evening.square();
}
