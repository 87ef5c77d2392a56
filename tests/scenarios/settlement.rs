//! The whistle: who is paid, what the house keeps, and what happens when the result was wrong.

use serde_json::json;

use super::Evening;
use crate::harness::operator::Ledger;
use crate::harness::{Bettor, Market, eventually, pence};

/// Bob backs 20 at 3.0 on the first runner and 10 at 4.0 on the second; Alice lays both.
fn two_bets(evening: &mut Evening, market: &Market) -> (Bettor, Bettor) {
    let mut alice = evening.bettor("alice", 10_000);
    let mut bob = evening.bettor("bob", 10_000);
    for (runner, size, price) in [(0, 20.0, 3.0), (1, 10.0, 4.0)] {
        alice.lay(market, runner, size, price);
        let (_, matched) = bob.back(market, runner, size, price);
        assert_eq!(pence(&json!(size)), matched);
    }
    // Home +40 -10, away -20 +30, draw -30: and the other way round.
    bob.await_funds(7_000, -3_000);
    alice.await_funds(7_000, -3_000);
    evening.square();
    (alice, bob)
}

fn check_wallets(evening: &mut Evening, alice: i64, bob: i64) -> Ledger {
    let wallets = ["alice", "bob"].map(|name| evening.operator.wallet(name));
    assert_eq!(wallets.clone().map(|wallet| wallet.balance), [alice, bob], "{wallets:?}");
    evening.square()
}

fn no_risk_left(evening: &mut Evening) {
    for name in ["alice", "bob"] {
        let wallet = evening.operator.wallet(name);
        assert_eq!((wallet.exposure, wallet.available), (0, wallet.balance), "{name}: {wallet:?}");
    }
}

#[test]
fn a_winner_pays_commission_on_the_net_of_the_market_less_the_discount() {
    let mut evening = Evening::begin("settle");
    let market = evening.match_odds();
    let (mut alice, mut bob) = two_bets(&mut evening, &market);
    let discount = json!({"discountRate": "20.0"});
    evening.operator.ask("PATCH", "/v1/operator/users/bob", Some(&discount));

    let answer = evening.operator.settle(&market, &[market.runners[0]]);
    assert_eq!(answer["status"], "CLOSED", "{answer}");
    // Bob's net is 40 - 10 = 30; 5 % less a fifth is 1.20.
    let ledger = check_wallets(&mut evening, 7_000, 12_880);
    assert_eq!((ledger.commission, ledger.clearing, ledger.holds), (120, 0, 0), "{ledger:?}");
    no_risk_left(&mut evening);

    let book = bob.book(&market);
    let statuses: Vec<&str> =
        book["runners"].as_array().unwrap().iter().filter_map(|it| it["status"].as_str()).collect();
    assert_eq!(book["status"], "CLOSED", "{book}");
    assert_eq!(statuses, ["WINNER", "LOSER", "LOSER"], "{book}");
    let profits = |bettor: &mut Bettor| {
        let mut rows: Vec<(String, i64)> = bettor
            .cleared(&market, "SETTLED")
            .iter()
            .map(|row| (row["betOutcome"].as_str().unwrap().to_owned(), pence(&row["profit"])))
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(profits(&mut bob), [("LOST".to_owned(), -1_000), ("WON".to_owned(), 4_000)]);
    assert_eq!(profits(&mut alice), [("LOST".to_owned(), -4_000), ("WON".to_owned(), 1_000)]);
    assert_eq!(bob.orders(), [], "a settled market has no current orders");
}

#[test]
fn in_a_dead_heat_the_stake_is_shared() {
    let mut evening = Evening::begin("dead-heat");
    let market = evening.match_odds();
    let (_alice, _bob) = two_bets(&mut evening, &market);
    let winners = [market.runners[0], market.runners[1]];
    let answer =
        evening.operator.act(&market, "settle", &json!({"winners": winners, "deadHeat": true}));
    assert_eq!(answer["status"], "CLOSED", "{answer}");
    // Half of 20 wins at 3.0 and half is lost: +10; half of 10 wins at 4.0: +10; 5 % of 20 is 1.00.
    let ledger = check_wallets(&mut evening, 8_000, 11_900);
    assert_eq!((ledger.commission, ledger.clearing), (100, 0), "{ledger:?}");
    no_risk_left(&mut evening);
}

#[test]
fn odd_pennies_of_a_three_way_dead_heat_stay_in_the_house() {
    let mut evening = Evening::begin("odd-pennies");
    let market = evening.match_odds();
    let mut alice = evening.bettor("alice", 10_000);
    let mut bob = evening.bettor("bob", 10_000);
    for (runner, size, price) in [(0, 10.01, 3.05), (1, 7.77, 4.4), (2, 3.33, 1.23)] {
        alice.lay(&market, runner, size, price);
        bob.back(&market, runner, size, price);
    }
    let ids = market.runners.clone();
    evening.operator.act(&market, "settle", &json!({"winners": ids, "deadHeat": true}));
    let ledger = evening.square();
    assert_eq!(ledger.clearing, 0, "{ledger:?}");
    // Thirds: 10.01 * (3.05/3 - 1) = 0.1668, 7.77 * (4.4/3 - 1) = 3.626, 3.33 * (1.23/3 - 1) = -1.9647.
    let rows = bob.cleared(&market, "SETTLED");
    let mut profits: Vec<i64> = rows.iter().map(|row| pence(&row["profit"])).collect();
    profits.sort_unstable();
    assert_eq!(profits, [-196, 17, 363], "{rows:?}");
}

#[test]
fn a_void_market_gives_everything_back() {
    let mut evening = Evening::begin("void");
    let market = evening.match_odds();
    let (_alice, mut bob) = two_bets(&mut evening, &market);
    let (rests, _) = bob.back(&market, 2, 5.0, 10.0);
    let answer = evening.operator.act(&market, "void", &json!({}));
    assert_eq!(answer["status"], "CLOSED", "{answer}");
    let ledger = check_wallets(&mut evening, 10_000, 10_000);
    assert_eq!((ledger.commission, ledger.clearing, ledger.holds), (0, 0, 0), "{ledger:?}");
    no_risk_left(&mut evening);
    assert_eq!(bob.cleared(&market, "VOIDED").len(), 2);
    let lapsed = bob.cleared(&market, "LAPSED");
    assert_eq!(lapsed.len(), 1, "{lapsed:?}");
    assert_eq!(lapsed[0]["betId"], rests.as_str());
}

#[test]
fn a_wrong_result_is_taken_back_and_settled_again() {
    let mut evening = Evening::begin("unsettle");
    let market = evening.match_odds();
    let (_alice, mut bob) = two_bets(&mut evening, &market);
    evening.operator.settle(&market, &[market.runners[0]]);
    // 5 % of 30.
    check_wallets(&mut evening, 7_000, 12_850);

    evening.operator.act(&market, "unsettle", &json!({}));
    let ledger = check_wallets(&mut evening, 10_000, 10_000);
    assert_eq!((ledger.commission, ledger.clearing), (0, 0), "{ledger:?}");
    bob.await_funds(7_000, -3_000);
    assert_eq!(bob.orders().len(), 2, "the bets are open again");
    assert_eq!(bob.cleared(&market, "SETTLED").len(), 0);

    evening.operator.settle(&market, &[market.runners[1]]);
    // Away: -20 + 30 = 10, and 5 % of it.
    let ledger = check_wallets(&mut evening, 9_000, 10_950);
    assert_eq!((ledger.commission, ledger.clearing, ledger.holds), (50, 0, 0), "{ledger:?}");
    no_risk_left(&mut evening);

    // Once more, over a crash: what was reversed and paid again is folded from the journal alone.
    evening.kill_and_start();
    check_wallets(&mut evening, 9_000, 10_950);
    evening.operator.act(&market, "unsettle", &json!({}));
    check_wallets(&mut evening, 10_000, 10_000);
    evening.operator.act(&market, "void", &json!({}));
    let ledger = check_wallets(&mut evening, 10_000, 10_000);
    assert_eq!((ledger.commission, ledger.holds), (0, 0), "{ledger:?}");
}

#[test]
fn a_market_reopened_after_a_wrong_result_takes_bets_again() {
    let mut evening = Evening::begin("reopen");
    let market = evening.match_odds();
    let (_alice, bob) = two_bets(&mut evening, &market);
    evening.operator.settle(&market, &[market.runners[0]]);
    evening.operator.act(&market, "unsettle", &json!({}));
    let answer = evening.operator.act(&market, "reopen", &json!({}));
    assert_eq!(answer["status"], "SUSPENDED", "{answer}");
    let answer = evening.operator.act(&market, "open", &json!({}));
    assert_eq!(answer["status"], "OPEN", "{answer}");
    let mut bob = evening.come_back(&bob);
    let (bet, _) = bob.back(&market, 0, 5.0, 10.0);
    assert_eq!(bob.order(&bet).remaining, 500);
    evening.operator.settle(&market, &[market.runners[0]]);
    check_wallets(&mut evening, 7_000, 12_850);
    eventually("the unmatched bet lapses", || {
        let lapsed = bob.cleared(&market, "LAPSED");
        if lapsed.iter().any(|row| row["betId"] == bet.as_str()) { Ok(()) } else { Err(lapsed) }
    });
}
