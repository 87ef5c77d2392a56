//! Market makers at `/v1/orders`: many orders on one connection, answered under their own ids.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Evening;
use crate::harness::order_channel::{Heard, OrderChannel, shake_hands};
use crate::harness::{Bettor, Market};

impl Evening {
    /// The customer's channel, logged in by the handshake.
    fn channel(&self, bettor: &Bettor) -> OrderChannel {
        let (app_key, token) = bettor.credentials();
        let headers = [("X-Application", app_key), ("X-Authentication", token)];
        let mut channel = OrderChannel::open(self.node().http, &headers);
        let welcome = channel.message();
        assert_eq!((&welcome[0], &welcome[1]), (&json!(5), &Value::Null), "{welcome}");
        channel
    }
}

/// The market's number in this channel.
fn number(market: &Market) -> u64 {
    market.id.strip_prefix("1.").expect("a market id").parse().unwrap()
}

const BACK: u64 = 0;
const LAY: u64 = 1;

#[test]
fn orders_are_placed_matched_cancelled_replaced_and_updated() {
    let mut evening = Evening::begin("order-channel");
    let market = evening.match_odds();
    let (bob, mut eve) = (evening.bettor("bob", 10_000), evening.bettor("eve", 100_000));
    let mut channel = evening.channel(&bob);
    let (m, runner) = (number(&market), market.runners[0]);

    let placed = channel.ask(&json!([1, 7, m, runner, BACK, 300, 1000]));
    assert_eq!(placed.as_array().unwrap().len(), 7, "{placed}");
    assert_eq!((&placed[0], &placed[1], &placed[3]), (&json!(1), &json!(7), &json!(0)), "{placed}");
    assert_eq!((&placed[4], &placed[5]), (&json!(0), &json!(0)), "{placed}");
    let bet = placed[2].as_u64().unwrap();

    let updated = channel.ask(&json!([4, 8, m, bet, 1]));
    assert_eq!(updated, json!([4, 8, bet]));
    let again = channel.ask(&json!([4, 9, m, bet, 1]));
    assert_eq!((&again[0], &again[2]), (&json!(0), &json!("no_action_required")), "{again}");

    let replaced = channel.ask(&json!([3, 10, m, bet, 350]));
    assert_eq!((&replaced[0], &replaced[2]), (&json!(3), &json!(1000)), "{replaced}");
    let bet = replaced[3].as_u64().unwrap();

    // Somebody at the other door takes half of it.
    let (_, matched) = eve.lay(&market, 0, 5.0, 3.5);
    assert_eq!(matched, 500);
    let part = channel.ask(&json!([2, 11, m, bet, 200]));
    assert_eq!(part[2][0].as_array().unwrap()[..3], [json!(m), json!(bet), json!(200)], "{part}");
    let rest = channel.ask(&json!([2, 12]));
    assert_eq!(rest[2][0].as_array().unwrap()[..3], [json!(m), json!(bet), json!(300)], "{rest}");
    let gone = channel.ask(&json!([2, 13, m, bet]));
    assert_eq!(gone[2][0], json!([m, bet, "bet_taken_or_lapsed"]), "{gone}");

    // A lay that meets a resting back tells its average.
    eve.back(&market, 1, 4.0, 2.0);
    let lay = channel.ask(&json!([1, 14, m, market.runners[1], LAY, 210, 400]));
    assert_eq!((&lay[3], &lay[4], &lay[5]), (&json!(1), &json!(400), &json!(400 * 200)), "{lay}");
    evening.square();
}

#[test]
fn orders_on_close_and_targets_go_through_the_channel() {
    let mut evening = Evening::begin("order-channel-kinds");
    let terms = json!({"marketType": "WIN", "bspMarket": true});
    let race = evening.operator().market("Race", &["A", "B"], &terms);
    let bob = evening.bettor("bob", 100_000);
    let mut channel = evening.channel(&bob);
    let (m, runner) = (number(&race), race.runners[0]);
    let mut place = |id: u64, side: u64, price: u64, size: u64, kind: u64| {
        let nil = Value::Null;
        channel.ask(&json!([
            1, id, m, runner, side, price, size, nil, nil, nil, nil, nil, nil, nil, kind
        ]))
    };
    for (id, price, kind) in [(1, 300, 1), (2, 0, 2)] {
        let placed = place(id, BACK, price, 2_000, kind);
        assert_eq!((&placed[0], &placed[1]), (&json!(1), &json!(id)), "{placed}");
    }
    let placed = place(3, BACK, 400, 4_000, 3);
    let target = placed[2].as_u64().expect("a bet").to_string();
    let refused = place(4, LAY, 300, 2_000, 9);
    assert_eq!((&refused[0], &refused[3]), (&json!(0), &json!("kind")), "{refused}");
    let mut bob = bob.resume(evening.node().http);
    let orders = bob.ask("listCurrentOrders", &json!({}));
    let types: Vec<&Value> =
        orders["currentOrders"].as_array().unwrap().iter().map(|it| &it["orderType"]).collect();
    assert_eq!(types, ["LIMIT_ON_CLOSE", "MARKET_ON_CLOSE", "LIMIT"], "{orders}");
    assert_eq!(bob.order(&target).remaining, 1_000, "40 back in all at 4.0");
    evening.square();
}

#[test]
fn many_orders_are_open_on_one_connection_and_each_is_answered_once() {
    let mut evening = Evening::begin("order-channel-many");
    let market = evening.match_odds();
    let bob = evening.bettor("bob", 1_000_000);
    let mut channel = evening.channel(&bob);
    let (m, runner) = (number(&market), market.runners[0]);
    let orders: Vec<Value> =
        (0..300u64).map(|n| json!([1, 1_000 + n, m, runner, BACK, 400, 200])).collect();
    channel.send_all(&orders);
    let mut bets = BTreeMap::new();
    for _ in 0..300 {
        let answer = channel.message();
        assert_eq!(answer[0], 1, "{answer}");
        let (id, bet) = (answer[1].as_u64().unwrap(), answer[2].as_u64().unwrap());
        assert_eq!(bets.insert(id, bet), None, "{answer}");
    }
    assert!(bets.keys().copied().eq(1_000..1_300));
    assert_eq!(evening.come_back(&bob).funds(), (1_000_000 - 60_000, -60_000));
    evening.square();
}

#[test]
fn what_is_wrong_is_answered_with_its_field_and_the_connection_lives() {
    let mut evening = Evening::begin("order-channel-wrong");
    let market = evening.match_odds();
    let bob = evening.bettor("bob", 1_000);
    let mut channel = evening.channel(&bob);
    let (m, runner) = (number(&market), market.runners[0]);
    let cases = [
        (json!([1, 1, m, runner, BACK, 300]), "bad_field", json!("size")),
        (json!([1, 1, m, runner, 2, 300, 200]), "bad_field", json!("side")),
        (json!([1, 1, m, runner, BACK, -300, 200]), "bad_field", json!("price")),
        (json!([1, 1, "x", runner, BACK, 300, 200]), "bad_field", json!("market")),
        (json!([9, 1]), "bad_field", json!("kind")),
        (json!([4, 1, m, 5, 9]), "bad_field", json!("persistence")),
        (json!([1, 1, m, runner, BACK, 301, 200]), "invalid_price", json!("price")),
        (json!([1, 1, m, runner, BACK, 300, 0]), "invalid_size", json!("size")),
        (json!([1, 1, m, 999_999, BACK, 300, 200]), "invalid_runner", json!("selection")),
        (json!([1, 1, 999_999, runner, BACK, 300, 200]), "invalid_market", json!("market")),
        (json!([1, 1, m, runner, BACK, 300, 1001]), "insufficient_funds", Value::Null),
    ];
    for (message, code, field) in cases {
        let answer = channel.ask(&message);
        assert_eq!((&answer[0], &answer[1]), (&json!(0), &json!(1)), "{message}: {answer}");
        assert_eq!((&answer[2], &answer[3]), (&json!(code), &field), "{message}: {answer}");
    }
    channel.send_frame(0x81, b"[1]");
    assert_eq!(channel.message()[2], "binary_only");
    channel.send_frame(0x82, b"junk");
    assert_eq!(channel.message()[2], "bad_message");
    // A good order still goes through, and its reference only once.
    let order = json!([1, 2, m, runner, BACK, 300, 200, null, null, null, null, null, "once"]);
    assert_eq!(channel.ask(&order)[0], 1);
    let again = channel.ask(&order);
    assert_eq!((&again[2], &again[3]), (&json!("duplicate_transaction"), &json!("customer_ref")));
    // What cannot be answered closes, with the code of its kind.
    channel.send_frame(0x82, &[0; 3_000]);
    assert_eq!(channel.hear(), Heard::Closed(1009));
    let mut channel = evening.channel(&bob);
    channel.send_frame(0x83, b"");
    assert_eq!(channel.hear(), Heard::Closed(1002));
    assert_eq!(evening.come_back(&bob).funds(), (800, -200));
    evening.square();
}

#[test]
fn only_who_has_logged_in_may_order() {
    let mut evening = Evening::begin("order-channel-login");
    let market = evening.match_odds();
    let bob = evening.bettor("bob", 1_000);
    let (app_key, token) = bob.credentials();
    let (m, runner, address) = (number(&market), market.runners[0], evening.node().http);
    let mut channel = OrderChannel::open(address, &[]);
    let order = json!([1, 1, m, runner, BACK, 300, 200]);
    assert_eq!(channel.ask(&order)[2], "not_logged_in");
    let welcome = channel.ask(&json!([0, 2, app_key, token]));
    assert_eq!((&welcome[0], &welcome[1]), (&json!(5), &json!(2)), "{welcome}");
    assert_eq!(channel.ask(&order)[0], 1);

    let mut channel = OrderChannel::open(address, &[]);
    let refused = channel.ask(&json!([0, 3, app_key, "nobody's"]));
    assert_eq!((&refused[2], &refused[3]), (&json!("invalid_token"), &json!("token")));
    assert_eq!(channel.hear(), Heard::Closed(1008));

    let (status, _) = shake_hands(address, &[("Origin", "https://elsewhere.example")]);
    assert!(status.starts_with("HTTP/1.1 403"), "{status}");
    evening.square();
}

#[test]
fn a_channel_ends_with_its_session_and_another_goes_on() {
    let mut evening = Evening::begin("order-channel-logout");
    let market = evening.match_odds();
    let (mut bob, eve) = (evening.bettor("bob", 10_000), evening.bettor("eve", 10_000));
    let (mut over, mut other) = (evening.channel(&bob), evening.channel(&eve));
    let (m, runner) = (number(&market), market.runners[0]);
    let placed = over.ask(&json!([1, 1, m, runner, BACK, 300, 200]));
    assert_eq!(placed[3], 0, "{placed}");
    bob.log_out();
    // It asks nothing, and hears of it all the same.
    assert_eq!(over.hear(), Heard::Closed(1008));
    let placed = other.ask(&json!([1, 1, m, runner, LAY, 300, 200]));
    assert_eq!((&placed[3], &placed[4]), (&json!(1), &json!(200)), "bob's bet stands: {placed}");
    evening.square();
}
