//! A cross matched market: bets on all other runners are a bet on one, and the exchange, which stands
//! between, never loses.

use serde_json::json;

use super::Evening;
use crate::harness::{Bettor, pence};

#[test]
fn bets_on_all_other_runners_meet_a_bet_on_one() {
    let mut evening = Evening::begin("crossed");
    let terms = json!({"crossMatching": true});
    let market = evening.operator.market("Leeds v York", &["Leeds", "York", "The Draw"], &terms);
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 100_000);
    let (york, _) = alice.back(&market, 1, 120.0, 2.0);
    let (draw, _) = alice.back(&market, 2, 150.0, 3.0);
    let best = |bettor: &mut Bettor, virtualise: bool| {
        let projection = json!({"priceData": ["EX_BEST_OFFERS"], "virtualise": virtualise});
        let params = json!({"marketIds": [market.id], "priceProjection": projection});
        let books = bettor.ask("listMarketBook", &params);
        let rows = books[0]["runners"][0]["ex"]["availableToBack"].as_array().expect("a ladder");
        rows.iter().map(|row| (pence(&row["price"]), pence(&row["size"]))).collect::<Vec<_>>()
    };
    assert_eq!(best(&mut bob, false), []);
    assert_eq!(best(&mut bob, true), [(600, 4_000)]);
    // The published example: 40 at 6.0.
    let (_, matched) = bob.back(&market, 0, 50.0, 6.0);
    assert_eq!(matched, 4_000);
    alice.await_order(&york, |order| order.matched == 12_000 && order.matched_payout == 2_400_000);
    alice.await_order(&draw, |order| order.matched == 8_000 && order.remaining == 7_000);
    // Bob's rest of 10 at 6.0 and Alice's of 70 at 3.0 are York at 2.0, but not in these ladders.
    assert_eq!(bob.ladder(&market, 1, "availableToBack"), []);
    let (_, matched) = bob.back(&market, 1, 7.77, 1.5);
    assert_eq!(matched, 777);
    let ledger = evening.square();
    assert_eq!(ledger.cross_matching, 0, "nothing is paid before the end");

    let settled = |evening: &mut Evening, runner: usize| {
        let answer = evening.operator.settle(&market, &[market.runners[runner]]);
        assert_eq!(answer["status"], "CLOSED", "{answer}");
        let ledger = evening.square();
        assert_eq!(ledger.clearing, 0, "{ledger:?}");
        assert!(ledger.cross_matching >= 0, "the exchange loses: {ledger:?}");
        ledger
    };
    for runner in 0..3 {
        settled(&mut evening, runner);
        evening.operator.act(&market, "unsettle", &json!({}));
        let ledger = evening.square();
        assert_eq!((ledger.cross_matching, ledger.rounding), (0, 0), "{ledger:?}");
    }
    evening.kill_and_start();
    settled(&mut evening, 0);
    let mut bob = evening.come_back(&bob);
    let profits: i64 =
        bob.cleared(&market, "SETTLED").iter().map(|row| pence(&row["profit"])).sum();
    // His own rest was met with 2.59: 42.59 at 6.0 win 212.95, 7.77 on York are lost.
    assert_eq!(profits, 21_295 - 777);
}

#[test]
fn a_market_that_somebody_else_may_win_is_not_cross_matched() {
    let mut evening = Evening::begin("not-crossed");
    let event = evening.operator.event("Leeds v York");
    let market = json!({
        "eventId": event, "name": "Winner", "marketType": "WINNER", "crossMatching": true,
        "complete": false, "startTime": "2031-05-03T14:00:00Z",
        "runners": [{"name": "Leeds"}, {"name": "York"}],
    });
    let answer =
        evening.operator.send("POST", "/v1/operator/markets", None, Some(&market)).unwrap();
    assert_eq!((answer.status, answer.json()["field"].as_str()), (422, Some("crossMatching")));
}
