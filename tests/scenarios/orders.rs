//! Changing one's mind: cancel, replace, update, and asking twice.

use serde_json::json;

use super::Evening;
use crate::harness::bettor::limit;
use crate::harness::pence;

#[test]
fn an_order_is_cancelled_in_part_and_then_whole() {
    let mut evening = Evening::begin("cancel");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 10_000);
    let mut eve = evening.bettor("eve", 10_000);
    let (bet, _) = bob.back(&market, 0, 30.0, 3.0);

    let report = bob.cancel(&market, &bet, Some(10.0));
    assert_eq!(pence(&report["instructionReports"][0]["sizeCancelled"]), 1_000, "{report}");
    let order = bob.order(&bet);
    assert_eq!((order.remaining, order.cancelled), (2_000, 1_000), "{order:?}");
    assert_eq!(bob.funds(), (8_000, -2_000));
    assert_eq!(bob.ladder(&market, 0, "availableToLay"), [(300, 2_000)]);
    evening.square();

    let report = eve.cancel(&market, &bet, None);
    assert_eq!(report["instructionReports"][0]["errorCode"], "INVALID_BET_ID", "{report}");

    let report = bob.cancel(&market, &bet, Some(100.0));
    assert_eq!(pence(&report["instructionReports"][0]["sizeCancelled"]), 2_000, "{report}");
    assert_eq!(bob.order(&bet).status, "EXECUTION_COMPLETE");
    assert_eq!(bob.funds(), (10_000, 0));

    let report = bob.cancel(&market, &bet, None);
    assert_eq!(report["status"], "FAILURE", "{report}");
    let item = &report["instructionReports"][0];
    assert_eq!(item["errorCode"], "BET_TAKEN_OR_LAPSED", "{report}");
    evening.square();
}

#[test]
fn a_replaced_order_is_a_new_bet_that_keeps_its_names() {
    let mut evening = Evening::begin("replace");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 10_000);
    let mut instruction = limit(market.runners[0], "BACK", 10.0, 3.0);
    instruction["customerOrderRef"] = json!("mine-1");
    let report = bob.ask(
        "placeOrders",
        &json!({
            "marketId": market.id, "instructions": [instruction], "customerStrategyRef": "spring",
        }),
    );
    let old = report["instructionReports"][0]["betId"].as_str().unwrap().to_owned();

    let replace = json!({
        "marketId": market.id, "instructions": [{"betId": old, "newPrice": 3.5}],
    });
    let report = bob.ask("replaceOrders", &replace);
    assert_eq!(report["status"], "SUCCESS", "{report}");
    let item = &report["instructionReports"][0];
    assert_eq!(pence(&item["cancelInstructionReport"]["sizeCancelled"]), 1_000, "{report}");
    let new = item["placeInstructionReport"]["betId"].as_str().unwrap().to_owned();
    assert!(new.parse::<u64>().unwrap() > old.parse::<u64>().unwrap(), "{report}");

    let order = bob.order(&new);
    assert_eq!((order.price, order.size, order.remaining), (350, 1_000, 1_000), "{order:?}");
    assert_eq!((order.order_ref.as_str(), order.strategy_ref.as_str()), ("mine-1", "spring"));
    let order = bob.order(&old);
    assert_eq!((order.remaining, order.cancelled), (0, 1_000), "{order:?}");
    assert_eq!(bob.ladder(&market, 0, "availableToLay"), [(350, 1_000)]);
    assert_eq!(bob.funds(), (9_000, -1_000));
    evening.square();
}

#[test]
fn persistence_is_updated_and_the_same_again_is_no_action() {
    let mut evening = Evening::begin("update");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 10_000);
    let (bet, _) = bob.back(&market, 0, 10.0, 3.0);
    let update = json!({
        "marketId": market.id,
        "instructions": [{"betId": bet, "newPersistenceType": "PERSIST"}],
    });
    let report = bob.ask("updateOrders", &update);
    assert_eq!(report["status"], "SUCCESS", "{report}");
    assert_eq!(bob.order(&bet).persistence, "PERSIST");
    let report = bob.ask("updateOrders", &update);
    let item = &report["instructionReports"][0];
    assert_eq!(item["errorCode"], "NO_ACTION_REQUIRED", "{report}");
    evening.square();
}

#[test]
fn the_same_customer_ref_within_a_minute_does_nothing() {
    let mut evening = Evening::begin_with_manual_clock("customer-ref");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 10_000);
    let request = json!({
        "marketId": market.id, "customerRef": "monday-1",
        "instructions": [limit(market.runners[0], "BACK", 10.0, 3.0)],
    });
    let first = bob.ask("placeOrders", &request);
    assert_eq!(first["status"], "SUCCESS", "{first}");
    assert_eq!(first["customerRef"], "monday-1", "{first}");
    let again = bob.ask("placeOrders", &request);
    assert_eq!(again["status"], "FAILURE", "{again}");
    assert_eq!(again["errorCode"], "DUPLICATE_TRANSACTION", "{again}");
    assert_eq!(bob.orders().len(), 1);
    assert_eq!(bob.funds(), (9_000, -1_000));

    evening.operator.advance(61_000);
    let later = bob.ask("placeOrders", &request);
    assert_eq!(later["status"], "SUCCESS", "{later}");
    assert_eq!(bob.orders().len(), 2);
    evening.square();
}
