//! The power goes in the middle of the evening; nobody notices but by the clock.

use serde_json::{Value, json};

use super::Evening;
use crate::harness::bettor::{Order, limit};
use crate::harness::operator::Wallet;
use crate::harness::{Bettor, Market};

/// All that a customer or an operator can see.
#[derive(Debug, PartialEq)]
struct Seen {
    books: Vec<Value>,
    orders: Vec<Vec<Order>>,
    funds: Vec<(i64, i64)>,
    wallets: Vec<Wallet>,
}

fn look(evening: &mut Evening, bettors: &mut [Bettor], markets: &[Market]) -> Seen {
    evening.square();
    let customers = evening.customers.clone();
    Seen {
        books: markets.iter().map(|market| bettors[0].book(market)).collect(),
        orders: bettors.iter_mut().map(Bettor::orders).collect(),
        funds: bettors.iter_mut().map(Bettor::funds).collect(),
        wallets: customers.iter().map(|name| evening.operator.wallet(name)).collect(),
    }
}

#[test]
fn after_a_crash_books_orders_and_funds_are_what_they_were() {
    let mut evening = Evening::begin("restart");
    let markets = [evening.match_odds(), evening.operator.match_odds("Hull", "Bath")];
    let mut bettors = [evening.bettor("alice", 100_000), evening.bettor("bob", 50_000)];
    let [alice, bob] = &mut bettors;
    for market in &markets {
        let (reduced, _) = alice.lay(market, 0, 20.0, 3.0);
        alice.lay(market, 0, 10.0, 3.05);
        alice.cancel(market, &reduced, Some(5.0));
        bob.back(market, 0, 12.0, 2.98);
        let (old, _) = bob.back(market, 1, 10.0, 4.0);
        let replace = json!({
            "marketId": market.id, "instructions": [{"betId": old, "newPrice": 4.5}],
        });
        bob.ask("replaceOrders", &replace);
        let mut order = limit(market.runners[2], "LAY", 7.0, 5.0);
        order["customerOrderRef"] = json!("kept");
        order["limitOrder"]["persistenceType"] = json!("PERSIST");
        bob.bet(market, order);
    }
    evening.operator.act(&markets[1], "suspend", &json!({}));
    bettors[0].await_funds(100_000 - 2 * 5_050, -2 * 5_050);

    let before = look(&mut evening, &mut bettors, &markets);
    for _ in 0..3 {
        evening.kill_and_start();
        bettors = bettors.map(|bettor| evening.come_back(&bettor));
        assert_eq!(look(&mut evening, &mut bettors, &markets), before);
    }

    // And it goes on: what rested over the crash is met, and ids go on rising.
    let [alice, bob] = &mut bettors;
    let last: u64 = before.orders.iter().flatten().map(|it| it.bet.parse().unwrap()).max().unwrap();
    let (bet, matched) = alice.lay(&markets[0], 1, 10.0, 4.5);
    assert_eq!(matched, 1_000);
    assert!(bet.parse::<u64>().unwrap() > last, "{bet} is not above {last}");
    bob.orders();
    evening.operator.settle(&markets[0], &[markets[0].runners[0]]);
    evening.operator.act(&markets[1], "void", &json!({}));
    let ledger = evening.square();
    assert_eq!((ledger.holds, ledger.clearing), (0, 0), "{ledger:?}");
}

#[test]
fn a_node_that_is_asked_to_stop_stops_cleanly_and_comes_back() {
    let mut evening = Evening::begin("stop");
    let markets = [evening.match_odds()];
    let mut bettors = [evening.bettor("alice", 100_000), evening.bettor("bob", 50_000)];
    let [alice, bob] = &mut bettors;
    alice.lay(&markets[0], 0, 20.0, 3.0);
    bob.back(&markets[0], 0, 12.0, 3.0);
    alice.await_funds(96_000, -4_000);
    let before = look(&mut evening, &mut bettors, &markets);
    let status = evening.node.take().expect("there is a node").stop();
    assert!(status.success(), "{status}");
    let node = evening.launch.start();
    evening.operator = crate::harness::Operator::of(&node);
    evening.node = Some(node);
    bettors = bettors.map(|bettor| evening.come_back(&bettor));
    assert_eq!(look(&mut evening, &mut bettors, &markets), before);
}
