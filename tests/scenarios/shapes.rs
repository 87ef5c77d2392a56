//! Markets of other shapes, from creation over settlement to its reversal: each-way and places, Asian
//! handicaps, lines.

use serde_json::{Value, json};

use super::Evening;
use crate::harness::bettor::limit;
use crate::harness::{Bettor, Market, pence};

/// A bet on a runner's handicap.
fn on_handicap(mut order: Value, handicap: f64) -> Value {
    order["handicap"] = json!(handicap);
    order
}

fn outcomes(bettor: &mut Bettor, market: &Market) -> Vec<(String, i64)> {
    let rows = bettor.cleared(market, "SETTLED");
    let row = |row: &Value| {
        (row["betOutcome"].as_str().expect("an outcome").to_owned(), pence(&row["profit"]))
    };
    rows.iter().map(row).collect()
}

/// Settles, looks at Bob's only bet and his balance, and takes it back.
fn settled(
    evening: &mut Evening,
    bob: &mut Bettor,
    market: &Market,
    verdict: &Value,
    (outcome, profit, balance): (&str, i64, i64),
) {
    let answer = evening.operator.act(market, "settle", verdict);
    assert_eq!(answer["status"], "CLOSED", "{answer}");
    assert_eq!(outcomes(bob, market), [(outcome.to_owned(), profit)], "{verdict}");
    assert_eq!(evening.operator.wallet("bob").balance, balance, "{verdict}");
    let ledger = evening.square();
    assert_eq!((ledger.clearing, ledger.holds), (0, 0), "{ledger:?}");
    evening.operator.act(market, "unsettle", &json!({}));
    assert_eq!(evening.operator.wallet("bob").balance, 10_000);
    assert_eq!(evening.square().commission, 0);
}

#[test]
fn an_each_way_bet_is_paid_for_the_win_and_for_the_place() {
    let mut evening = Evening::begin("each-way");
    let terms = json!({
        "numberOfWinners": 3, "eachWayDivisor": "5.00", "marketType": "EACH_WAY",
    });
    let names = ["Ajax", "Bucephalus", "Copenhagen", "Dancer", "Eclipse"];
    let market = evening.operator.market("The 14:00", &names, &terms);
    let mut alice = evening.bettor("alice", 10_000);
    let mut bob = evening.bettor("bob", 10_000);
    alice.lay(&market, 0, 10.0, 9.0);
    let (_, matched) = bob.back(&market, 0, 10.0, 9.0);
    assert_eq!(matched, 1_000);
    // Twice the stake; 10 x 8 and a fifth of it.
    bob.await_funds(8_000, -2_000);
    alice.await_funds(400, -9_600);
    let [a, b, c, d, _] = market.runners[..] else { panic!("five runners") };
    let check = |evening: &mut Evening, bob: &mut Bettor, verdict: Value, expected| {
        settled(evening, bob, &market, &verdict, expected);
    };
    let won = json!({"winners": [a], "placed": [b, c]});
    check(&mut evening, &mut bob, won, ("WON", 9_600, 19_120));
    let placed = json!({"winners": [b], "placed": [a, c]});
    check(&mut evening, &mut bob, placed, ("PLACE", 600, 10_570));
    let lost = json!({"winners": [b], "placed": [c, d]});
    check(&mut evening, &mut bob, lost, ("LOST", -2_000, 8_000));
    // Half of the place half wins 8, half of it loses 5, and the win half loses 10.
    let tied = json!({"winners": [b], "placed": [c, a, d], "tied": [a, d], "deadHeat": true});
    check(&mut evening, &mut bob, tied, ("PLACE", -700, 9_300));
    let refused = json!({"winners": [b], "placed": [c]});
    let path = format!("/v1/operator/markets/{}/settle", market.id);
    let answer = evening.operator.send("POST", &path, None, Some(&refused)).unwrap();
    assert!((400..500).contains(&answer.status), "{}", answer.text());
    evening.operator.act(&market, "void", &json!({}));
    assert_eq!(evening.square().customer_balances, 20_000);
}

#[test]
fn in_a_place_market_only_the_tied_share_the_last_place() {
    let mut evening = Evening::begin("place");
    let terms = json!({"numberOfWinners": 2, "marketType": "PLACE"});
    let market = evening.operator.market("The 14:30", &["Ajax", "Bounty", "Comet", "Dawn"], &terms);
    let mut alice = evening.bettor("alice", 10_000);
    let mut bob = evening.bettor("bob", 10_000);
    alice.lay(&market, 1, 10.0, 3.0);
    bob.back(&market, 1, 10.0, 3.0);
    let [a, b, c, _] = market.runners[..] else { panic!("four runners") };
    let all_share = json!({"winners": [a, b, c], "deadHeat": true});
    // Two places for three: 30 x 2/3 - 10.
    settled(&mut evening, &mut bob, &market, &all_share, ("WON", 1_000, 10_950));
    let tied = json!({"winners": [a, b, c], "tied": [b, c], "deadHeat": true});
    settled(&mut evening, &mut bob, &market, &tied, ("WON", 500, 10_475));
}

#[test]
fn a_quarter_line_pays_or_takes_half() {
    let mut evening = Evening::begin("asian");
    let runner = |name, handicap| json!({"name": name, "handicap": handicap});
    let runners = [
        runner("Leeds", "-0.75"),
        runner("York", "0.75"),
        runner("Leeds", "-1"),
        runner("York", "1"),
    ];
    let terms = json!({
        "bettingType": "ASIAN_HANDICAP_DOUBLE_LINE", "marketType": "ASIAN_HANDICAP",
        "runners": runners,
    });
    let market = evening.operator.market("Leeds v York", &[], &terms);
    let [leeds, york, again, _] = market.runners[..] else { panic!("four runners") };
    assert!(leeds == again && leeds != york, "{market:?}");
    let mut alice = evening.bettor("alice", 10_000);
    let mut bob = evening.bettor("bob", 10_000);
    // Every penny of odds is a price here.
    let lay = limit(leeds, "LAY", 10.0, 2.01);
    alice.bet(&market, on_handicap(lay, -0.75));
    let other_line = alice.place(&market, &[on_handicap(limit(leeds, "LAY", 2.0, 1.5), -0.5)]);
    assert_eq!(other_line["instructionReports"][0]["errorCode"], "INVALID_RUNNER", "{other_line}");
    let (_, matched) = bob.bet(&market, on_handicap(limit(leeds, "BACK", 10.0, 2.01), -0.75));
    assert_eq!(matched, 1_000);
    bob.await_funds(9_000, -1_000);
    alice.await_funds(8_990, -1_010);
    let score = |margin: &str| json!({"result": margin});
    settled(&mut evening, &mut bob, &market, &score("2"), ("WON", 1_010, 10_959));
    settled(&mut evening, &mut bob, &market, &score("1"), ("WON", 505, 10_480));
    settled(&mut evening, &mut bob, &market, &score("0"), ("LOST", -1_000, 9_000));
    settled(&mut evening, &mut bob, &market, &score("-3"), ("LOST", -1_000, 9_000));
}

#[test]
fn a_line_is_sold_above_what_is_counted() {
    let mut evening = Evening::begin("line");
    let terms = json!({
        "bettingType": "LINE", "marketType": "INNINGS_RUNS",
        "line": {"unit": "Runs", "min": "0.00", "max": "400.00", "interval": "1.00"},
    });
    let market = evening.operator.market("Innings", &["Runs"], &terms);
    let mut alice = evening.bettor("alice", 10_000);
    let mut bob = evening.bettor("bob", 10_000);
    let off = bob.place(&market, &[limit(market.runners[0], "BACK", 10.0, 250.5)]);
    assert_eq!(off["instructionReports"][0]["errorCode"], "INVALID_ODDS", "{off}");
    // Alice buys at 250 or lower, and at 248 as well; Bob sells at 249 or higher and meets the better one.
    alice.lay(&market, 0, 10.0, 250.0);
    alice.lay(&market, 0, 10.0, 248.0);
    assert_eq!(bob.ladder(&market, 0, "availableToBack"), [(25_000, 1_000), (24_800, 1_000)]);
    let (_, matched) = bob.back(&market, 0, 10.0, 249.0);
    assert_eq!(matched, 1_000);
    // Lines are struck at evens: both risk their stake.
    bob.await_funds(9_000, -1_000);
    alice.await_funds(8_000, -2_000);
    let counted = |runs: &str| json!({"result": runs});
    settled(&mut evening, &mut bob, &market, &counted("249"), ("WON", 1_000, 10_950));
    settled(&mut evening, &mut bob, &market, &counted("250"), ("VOID", 0, 10_000));
    settled(&mut evening, &mut bob, &market, &counted("251"), ("LOST", -1_000, 9_000));
}
