//! Fifty at once: the same request, or more than there is money for.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use super::House;
use crate::harness::bettor::limit;
use crate::harness::{Bettor, Operator};

const CROWD: usize = 50;

/// All of the crowd at once, each with a client of its own.
fn at_once<C: Send, T: Send>(crowd: Vec<C>, act: impl Fn(usize, C) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(crowd.len());
    thread::scope(|scope| {
        let one = |(n, client)| {
            let (start, act) = (&start, &act);
            scope.spawn(move || {
                start.wait();
                act(n, client)
            })
        };
        let running: Vec<_> = crowd.into_iter().enumerate().map(one).collect();
        running.into_iter().map(|one| one.join().expect("one of the crowd panicked")).collect()
    })
}

fn operators(house: &House) -> Vec<Operator> {
    (0..CROWD).map(|_| Operator::of(&house.node)).collect()
}

fn bettors(house: &House, bettor: &Bettor) -> Vec<Bettor> {
    (0..CROWD).map(|_| bettor.resume(house.node.http)).collect()
}

#[test]
fn one_key_has_one_effect_and_one_answer() {
    let mut house = House::open("one-key");
    house.customer("ann", 10_000);
    let body = json!({"amount": "7.00", "reason": "a gift"});
    let answers = at_once(operators(&house), |_, mut operator| {
        let path = "/v1/operator/users/ann/deposit";
        operator.send("POST", path, Some("gift-1"), Some(&body)).expect("an answer")
    });
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json(), answers[0].json());
    }
    assert_eq!(house.operator.wallet("ann").balance, 10_700);
    house.note();
    let other = json!({"amount": "8.00"});
    let path = "/v1/operator/users/ann/deposit";
    let answer = house.operator.send("POST", path, Some("gift-1"), Some(&other)).unwrap();
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert_eq!(answer.json()["field"], "Idempotency-Key");
    house.unharmed("the same key for another body");
    for key in [" ", "with space", "tab\there", &"k".repeat(65), &"k".repeat(10_000), "é"] {
        let answer = house.operator.send("POST", path, Some(key), Some(&body)).unwrap();
        assert_eq!(answer.status, 400, "{key:?}: {}", answer.text());
        assert_eq!(answer.json()["field"], "Idempotency-Key", "{key:?}");
        house.unharmed("a key that is none");
    }
}

#[test]
fn one_reference_places_once() {
    let mut house = House::open("one-reference");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 10_000);
    let params = json!({
        "marketId": market.id, "customerRef": "once",
        "instructions": [limit(market.runners[0], "BACK", 2.0, 2.0)],
    });
    let reports = at_once(bettors(&house, &bettor), |_, mut one| one.ask("placeOrders", &params));
    let placed = reports.iter().filter(|report| report["status"] == "SUCCESS");
    assert_eq!(placed.count(), 1, "{reports:?}");
    let refused = reports.iter().filter(|report| report["errorCode"] == "DUPLICATE_TRANSACTION");
    assert_eq!(refused.count(), CROWD - 1, "{reports:?}");
    assert_eq!(bettor.orders().len(), 1);
    assert_eq!(bettor.funds(), (9_800, -200));
    assert_eq!(house.operator.ledger().difference, 0);
}

#[test]
fn more_bets_than_money_are_taken_as_far_as_it_goes() {
    let mut house = House::open("more-than-money");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 10_000);
    // Each alone can be paid, all together cost five times what there is.
    let reports = at_once(bettors(&house, &bettor), |n, mut one| {
        let order = limit(market.runners[n % 2], "BACK", 10.0, 3.0);
        one.place(&market, &[order])
    });
    let taken = reports.iter().filter(|report| report["status"] == "SUCCESS").count();
    assert_eq!(taken, 10, "{reports:?}");
    let short = |report: &&Value| report.to_string().contains("INSUFFICIENT_FUNDS");
    assert_eq!(reports.iter().filter(short).count(), CROWD - 10, "{reports:?}");
    assert_eq!(bettor.funds(), (0, -10_000));
    assert_eq!(bettor.orders().len(), 10);
    assert_eq!(house.operator.ledger().difference, 0);
}

#[test]
fn what_one_cannot_pay_twice_is_withdrawn_once() {
    let mut house = House::open("withdraw-once");
    house.customer("ann", 10_000);
    let body = json!({"amount": "30.00"});
    let answers = at_once(operators(&house), |_, mut operator| {
        operator.send("POST", "/v1/operator/users/ann/withdraw", None, Some(&body)).unwrap().status
    });
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 3, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 409)), "{answers:?}");
    let wallet = house.operator.wallet("ann");
    assert_eq!((wallet.balance, wallet.available), (1_000, 1_000));
    assert_eq!(house.operator.ledger().difference, 0);
}

#[test]
fn one_name_is_given_once() {
    let mut house = House::open("one-name");
    let body = json!({"username": "ann", "password": "correct horse", "deposit": "5.00"});
    let answers = at_once(operators(&house), |_, mut operator| {
        operator.send("POST", "/v1/operator/users", None, Some(&body)).unwrap()
    });
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert_eq!(answer.json()["field"], "username");
    }
    let ledger = house.operator.ledger();
    assert_eq!((ledger.deposits, ledger.difference), (500, 0));
}
