//! Nobody bets what they do not have, to the penny and however fast they are.

use serde_json::json;

use super::Evening;
use crate::harness::bettor::limit;

#[test]
fn one_penny_short_is_refused_and_exactly_enough_is_taken() {
    let mut evening = Evening::begin("penny");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 999);
    let order = limit(market.runners[0], "BACK", 10.0, 3.0);
    let report = bob.place(&market, std::slice::from_ref(&order));
    assert_eq!(report["status"], "FAILURE", "{report}");
    let code = report["errorCode"].as_str();
    let item = report["instructionReports"][0]["errorCode"].as_str();
    assert!(
        code == Some("INSUFFICIENT_FUNDS") || item == Some("INSUFFICIENT_FUNDS"),
        "one of Betfair's two ways to say it: {report}"
    );
    assert_eq!(bob.funds(), (999, 0));
    evening.deposit("bob", 1);
    bob.bet(&market, order);
    assert_eq!(bob.funds(), (0, -1_000));
    evening.square();
}

#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    let mut evening = Evening::begin("batch");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 10_000);
    let good = limit(market.runners[0], "BACK", 10.0, 3.0);
    let bad = limit(market.runners[0], "BACK", 10.0, 3.01);
    let report = bob.place(&market, &[good.clone(), bad]);
    assert_eq!(report["status"], "FAILURE", "{report}");
    assert_eq!(report["errorCode"], "BET_ACTION_ERROR", "{report}");
    let codes: Vec<&str> = report["instructionReports"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["errorCode"].as_str())
        .collect();
    assert_eq!(codes, ["ERROR_IN_ORDER", "INVALID_ODDS"], "{report}");
    assert_eq!(bob.orders(), []);

    // Each is affordable alone, together they are not.
    let dear = limit(market.runners[0], "BACK", 60.0, 3.0);
    let report = bob.place(&market, &[dear.clone(), dear]);
    assert_eq!(report["status"], "FAILURE", "{report}");
    assert_eq!(bob.orders(), []);
    assert_eq!(bob.funds(), (10_000, 0));

    let report = bob.place(&market, &[good.clone(), good]);
    assert_eq!(report["status"], "SUCCESS", "{report}");
    assert_eq!(bob.orders().len(), 2);
    evening.square();
}

#[test]
fn what_is_won_for_sure_frees_what_was_held() {
    let mut evening = Evening::begin("netting");
    let market = evening.match_odds();
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 1_000);
    alice.lay(&market, 0, 10.0, 3.0);
    assert_eq!(bob.back(&market, 0, 10.0, 3.0).1, 1_000);
    assert_eq!(bob.funds(), (0, -1_000));
    alice.back(&market, 0, 10.0, 2.5);
    assert_eq!(bob.lay(&market, 0, 10.0, 2.5).1, 1_000, "a lay that only lowers the risk");
    assert_eq!(bob.funds(), (1_000, 0), "home +5, else 0");
    evening.square();
}

#[test]
fn money_at_risk_cannot_be_withdrawn() {
    let mut evening = Evening::begin("withdraw");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 10_000);
    bob.back(&market, 0, 40.0, 3.0);
    let body = json!({"amount": "60.01"});
    let path = "/v1/operator/users/bob/withdraw";
    let refused = evening.operator.send("POST", path, None, Some(&body)).unwrap();
    assert!((400..500).contains(&refused.status), "HTTP {} {}", refused.status, refused.text());
    evening.square();
    evening.withdraw("bob", 6_000);
    assert_eq!(bob.funds(), (0, -4_000));
    evening.square();
}

#[test]
fn bets_in_parallel_never_add_up_to_more_than_there_is() {
    const CONNECTIONS: usize = 10;
    const BETS_EACH: usize = 5;
    let mut evening = Evening::begin("parallel");
    let market = evening.match_odds();
    let mut bob = evening.bettor("bob", 20_000);
    let order = limit(market.runners[0], "BACK", 10.0, 3.0);
    let mut threads = Vec::new();
    for _ in 0..CONNECTIONS {
        let (mut hand, market, order) = (evening.come_back(&bob), market.clone(), order.clone());
        threads.push(std::thread::spawn(move || {
            let reports = (0..BETS_EACH).map(|_| hand.place(&market, std::slice::from_ref(&order)));
            reports.filter(|report| report["status"] == "SUCCESS").count()
        }));
    }
    let taken: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(taken, 20, "twenty times 10 is what 200 is good for");
    assert_eq!(bob.orders().len(), 20);
    assert_eq!(bob.funds(), (0, -20_000));
    evening.square();
}

#[test]
fn a_deposit_with_the_same_key_counts_once() {
    let mut evening = Evening::begin("key");
    let mut bob = evening.bettor("bob", 10_000);
    let path = "/v1/operator/users/bob/deposit";
    let mut send = |key: &str, amount: &str| {
        let body = json!({"amount": amount});
        evening.operator.send("POST", path, Some(key), Some(&body)).unwrap()
    };
    let first = send("monday", "5.00");
    assert_eq!(first.status, 200, "{}", first.text());
    let again = send("monday", "5.00");
    assert_eq!((again.status, again.json()), (200, first.json()), "the first answer again");
    let other = send("monday", "6.00");
    assert_eq!(other.status, 422, "{}", other.text());
    evening.deposits += 500;
    bob.await_funds(10_500, 0);
    evening.square();
    evening.kill_and_start();
    let after =
        evening.operator.send("POST", path, Some("monday"), Some(&json!({"amount": "5.00"})));
    assert_eq!(after.unwrap().json(), first.json(), "also after a crash");
    evening.square();
}
