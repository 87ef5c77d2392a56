//! Two people who disagree find each other: prices, parts, queues.

use serde_json::json;

use super::Evening;
use crate::harness::bettor::limit;
use crate::harness::pence;

#[test]
fn a_bet_is_matched_in_part_at_a_better_price_and_the_rest_waits() {
    let mut evening = Evening::begin("improvement");
    let market = evening.match_odds();
    let mut alice = evening.bettor("alice", 10_000);
    let mut bob = evening.bettor("bob", 10_000);
    evening.square();

    let (offer, matched) = alice.lay(&market, 0, 20.0, 3.0);
    assert_eq!(matched, 0);
    assert_eq!(alice.funds(), (6_000, -4_000), "a lay of 20 at 3.0 may lose 40");
    assert_eq!(bob.ladder(&market, 0, "availableToBack"), [(300, 2_000)]);
    evening.square();

    let report = bob.place(&market, &[limit(market.runners[0], "BACK", 50.0, 2.9)]);
    let placed = &report["instructionReports"][0];
    assert_eq!(report["status"], "SUCCESS", "{report}");
    assert_eq!(pence(&placed["sizeMatched"]), 2_000, "{report}");
    assert_eq!(placed["averagePriceMatched"], 3.0, "the better price is Bob's: {report}");
    let bet = placed["betId"].as_str().unwrap();

    let order = bob.order(bet);
    assert_eq!((order.matched, order.remaining), (2_000, 3_000), "{order:?}");
    assert_eq!(order.status, "EXECUTABLE");
    assert_eq!(order.matched_payout, 2_000 * 300);
    assert_eq!(bob.funds(), (5_000, -5_000));
    let order = alice.await_order(&offer, |order| order.remaining == 0);
    assert_eq!((order.matched, order.status.as_str()), (2_000, "EXECUTION_COMPLETE"), "{order:?}");

    assert_eq!(bob.ladder(&market, 0, "availableToBack"), []);
    assert_eq!(bob.ladder(&market, 0, "availableToLay"), [(290, 3_000)]);
    assert_eq!(bob.ladder(&market, 0, "tradedVolume"), [(300, 4_000)], "both sides count");
    let book = bob.book(&market);
    assert_eq!(pence(&book["totalMatched"]), 4_000, "{book}");
    evening.square();
}

#[test]
fn who_came_first_at_a_price_is_served_first_and_a_reduced_order_keeps_its_place() {
    let mut evening = Evening::begin("queue");
    let market = evening.match_odds();
    let mut alice = evening.bettor("alice", 100_000);
    let mut carol = evening.bettor("carol", 100_000);
    let mut bob = evening.bettor("bob", 100_000);
    let (first, _) = alice.lay(&market, 0, 10.0, 3.0);
    let (second, _) = carol.lay(&market, 0, 10.0, 3.0);
    let report = alice.cancel(&market, &first, Some(4.0));
    assert_eq!(report["status"], "SUCCESS", "{report}");

    assert_eq!(bob.back(&market, 0, 6.0, 3.0).1, 600);
    alice.await_order(&first, |order| order.matched == 600 && order.remaining == 0);
    assert_eq!(carol.order(&second).matched, 0);
    assert_eq!(bob.back(&market, 0, 6.0, 3.0).1, 600);
    carol.await_order(&second, |order| order.matched == 600 && order.remaining == 400);
    evening.square();
}

#[test]
fn fill_or_kill_looks_at_the_average_price_of_the_whole_fill() {
    let mut evening = Evening::begin("fill-or-kill");
    let market = evening.match_odds();
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 100_000);
    let offers = [(2.0, 5.5), (6.0, 5.4), (2.0, 5.3)];
    for (size, price) in offers {
        alice.lay(&market, 0, size, price);
    }
    let kill = |size: f64, least: Option<f64>| {
        let mut order = limit(market.runners[0], "BACK", size, 5.4);
        order["limitOrder"]["timeInForce"] = json!("FILL_OR_KILL");
        if let Some(least) = least {
            order["limitOrder"]["minFillSize"] = json!(least);
        }
        order
    };
    let report = bob.place(&market, &[kill(11.0, None)]);
    let placed = &report["instructionReports"][0];
    assert_eq!(placed["orderStatus"], "EXPIRED", "eleven are not there: {report}");
    assert_eq!(pence(&placed["sizeMatched"]), 0, "{report}");
    bob.await_funds(100_000, 0);

    let report = bob.place(&market, &[kill(20.0, Some(10.0))]);
    let placed = &report["instructionReports"][0];
    assert_eq!(pence(&placed["sizeMatched"]), 1_000, "ten at 5.4 on average: {report}");
    let order = bob.order(placed["betId"].as_str().unwrap());
    assert_eq!(order.matched_payout, 540_000, "2 at 5.5, 6 at 5.4, 2 at 5.3: {order:?}");
    assert_eq!((order.remaining, order.cancelled + order.lapsed), (0, 1_000), "{order:?}");
    assert_eq!(bob.ladder(&market, 0, "availableToBack"), []);
    evening.square();
}
