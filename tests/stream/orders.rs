//! One's own orders: every order whole, ended ones once, positions as they add up (conformance 46).

use serde_json::{Value, json};

use super::{Evening, sessions};
use crate::harness::{Bettor, Market, Operator, Stream, Way, eventually, pence};

fn follow(stream: &mut Stream, filter: &Value, clocks: (&Value, &Value)) -> Value {
    let mut image = stream.follow(&json!({
        "op": "orderSubscription", "id": 3, "orderFilter": filter, "heartbeatMs": 500,
        "initialClk": clocks.0, "clk": clocks.1,
    }));
    assert_eq!(image.len(), 1);
    image.remove(0)
}

const NEW: (&Value, &Value) = (&Value::Null, &Value::Null);

/// The rows of orders in a message.
fn orders(message: &Value) -> Vec<Value> {
    let markets = message["oc"].as_array().into_iter().flatten();
    let runners = markets.flat_map(|market| market["orc"].as_array().into_iter().flatten());
    let rows = runners.flat_map(|runner| runner["uo"].as_array().into_iter().flatten());
    rows.cloned().collect()
}

/// The next row of one bet.
fn row(stream: &mut Stream, bet: &str) -> Value {
    loop {
        let change = stream.change();
        assert_eq!((&change["op"], &change["id"]), (&json!("ocm"), &json!(3)), "{change}");
        if let Some(row) = orders(&change).into_iter().find(|row| row["id"] == bet) {
            return row;
        }
    }
}

fn sizes(row: &Value) -> [i64; 6] {
    ["s", "sm", "sr", "sl", "sc", "sv"].map(|key| pence(&row[key]))
}

struct Scene {
    evening: Evening,
    alice: Bettor,
    bob: Bettor,
    market: Market,
}

fn scene(name: &str) -> Scene {
    let mut evening = Evening::begin(name);
    let (alice, bob) = (evening.bettor("alice", 100_000), evening.bettor("bob", 100_000));
    let market = evening.match_odds();
    Scene { evening, alice, bob, market }
}

#[test]
fn conformance_46_an_order_is_told_through_its_life_and_its_end_once() {
    let Scene { mut evening, mut alice, mut bob, market } = scene("orders");
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let image = follow(&mut stream, &Value::Null, NEW);
    assert_eq!((&image["ct"], &image["oc"]), (&json!("SUB_IMAGE"), &Value::Null), "{image}");

    let (bet, _) = alice.back(&market, 0, 10.0, 3.0);
    let placed = row(&mut stream, &bet);
    for key in ["id", "p", "s", "side", "status", "ot", "pt", "pd", "rfo", "rfs", "rac", "rc"] {
        assert!(!placed[key].is_null(), "{key} is missing: {placed}");
    }
    assert_eq!(
        (&placed["side"], &placed["status"], &placed["pt"]),
        (&json!("B"), &json!("E"), &json!("L"))
    );
    assert_eq!(sizes(&placed), [1_000, 0, 1_000, 0, 0, 0]);
    assert_eq!(placed["avp"], Value::Null, "nothing is matched: {placed}");

    bob.lay(&market, 0, 4.0, 3.0);
    let change = stream.change();
    let runner = &change["oc"][0]["orc"][0];
    assert_eq!(sizes(&runner["uo"][0]), [1_000, 400, 600, 0, 0, 0], "{change}");
    assert_eq!((&runner["mb"], &runner["uo"][0]["avp"]), (&json!([[3, 4]]), &json!(3.0)));

    alice.cancel(&market, &bet, Some(1.0));
    assert_eq!(sizes(&row(&mut stream, &bet)), [1_000, 400, 500, 0, 100, 0], "cancelled in part");
    bob.lay(&market, 0, 5.0, 3.0);
    let ended = row(&mut stream, &bet);
    assert_eq!((sizes(&ended), &ended["status"]), ([1_000, 900, 0, 0, 100, 0], &json!("EC")));

    let (lapsed, _) = alice.back(&market, 1, 2.0, 5.0);
    row(&mut stream, &lapsed);
    evening.operator.act(&market, "suspend", &json!({"lapse": true}));
    let ended = row(&mut stream, &lapsed);
    assert_eq!((sizes(&ended), &ended["lsrc"]), ([200, 0, 0, 200, 0, 0], &json!("MKT_SUSPENDED")));
    assert_eq!(ended["status"], "EC");

    let mut late = Stream::of(&evening.node, Way::Tls, &alice);
    let image = follow(&mut late, &Value::Null, NEW);
    assert_eq!(orders(&image), [] as [Value; 0], "an image holds open orders only: {image}");
    assert_eq!(image["oc"][0]["orc"][0]["mb"], json!([[3, 9]]), "{image}");
    assert_eq!(image["oc"][0]["fullImage"], true, "{image}");

    evening.operator.act(&market, "void", &json!({}));
    let change = stream.change();
    assert_eq!(change["oc"][0]["closed"], true, "{change}");
    let rows = orders(&change);
    assert_eq!(rows.len(), 1, "only what a void changes: {change}");
    assert_eq!(sizes(&rows[0]), [1_000, 0, 0, 0, 100, 900]);
    assert_eq!(rows[0]["avp"], Value::Null, "{change}");
}

#[test]
fn positions_are_told_by_the_price_of_each_match() {
    let Scene { evening, mut alice, mut bob, market } = scene("positions");
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    follow(&mut stream, &Value::Null, NEW);
    bob.lay(&market, 0, 4.0, 3.0);
    bob.lay(&market, 0, 6.0, 2.9);
    let (bet, _) = alice.back(&market, 0, 12.0, 2.9);
    let change = stream.change();
    let runner = &change["oc"][0]["orc"][0];
    assert_eq!(sizes(&runner["uo"][0]), [1_200, 1_000, 200, 0, 0, 0], "{change}");
    assert_eq!(runner["mb"], json!([[2.9, 6], [3, 4]]), "{change}");
    bob.lay(&market, 0, 2.0, 2.9);
    let change = stream.change();
    let runner = &change["oc"][0]["orc"][0];
    assert_eq!((&runner["uo"][0]["id"], &runner["mb"]), (&json!(bet), &json!([[2.9, 8]])));
    let mut late = Stream::of(&evening.node, Way::Tls, &alice);
    let image = follow(&mut late, &Value::Null, NEW);
    assert_eq!(image["oc"][0]["orc"][0]["mb"], json!([[2.9, 8], [3, 4]]), "{image}");
}

#[test]
fn a_stream_ends_with_its_session_and_says_so() {
    let Scene { evening, mut alice, bob, market } = scene("logout");
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    follow(&mut stream, &Value::Null, NEW);
    stream.follow_markets(4, &json!({"marketIds": [market.id]}), &["EX_LTP"]);
    let mut other = Stream::of(&evening.node, Way::WebSocket, &bob);
    alice.log_out();
    let rest = stream.until_the_end();
    let last = rest.last().expect("a status");
    assert_eq!(last["errorCode"], "INVALID_SESSION_INFORMATION", "{rest:?}");
    assert_eq!(last["connectionClosed"], true, "{rest:?}");
    let status = other.ask(&json!({"op": "heartbeat", "id": 9}));
    assert_eq!(status["statusCode"], "SUCCESS", "somebody else's goes on: {status}");
}

#[test]
fn what_ended_while_a_client_was_away_is_told_when_it_comes_back_with_its_clock() {
    let Scene { mut evening, mut alice, mut bob, market } = scene("orders-away");
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let image = follow(&mut stream, &Value::Null, NEW);
    let (bet, _) = alice.lay(&market, 0, 10.0, 3.0);
    let (other, _) = alice.lay(&market, 0, 10.0, 2.0);
    row(&mut stream, &bet);
    let clk = loop {
        let change = stream.change();
        if orders(&change).iter().any(|row| row["id"] == other) {
            break change["clk"].clone();
        }
    };
    drop(stream);
    bob.back(&market, 0, 10.0, 3.0);
    alice.await_order(&bet, |order| order.remaining == 0);
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let told = follow(&mut stream, &Value::Null, (&image["initialClk"], &clk));
    assert_eq!(told["ct"], "RESUB_DELTA", "{told}");
    let ended = orders(&told).into_iter().find(|row| row["id"] == bet);
    assert_eq!(ended.expect("its end is told")["status"], "EC", "{told}");

    for mode in ["kill", "panic"] {
        for account in evening.operator.actors("account") {
            evening.operator.kill_actor(account["id"].as_str().unwrap(), mode);
        }
        let (bet, _) = alice.back(&market, 1, 2.0, 4.0);
        assert_eq!(sizes(&row(&mut stream, &bet)), [200, 0, 200, 0, 0, 0]);
    }
    drop(stream);
    evening.node.kill();
    evening.node = evening.launch.start();
    evening.operator = Operator::of(&evening.node);
    let mut alice = alice.resume(evening.node.http);
    alice.cancel(&market, &other, None);
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let told = follow(&mut stream, &Value::Null, (&image["initialClk"], &clk));
    let ended = orders(&told).into_iter().find(|row| row["id"] == other);
    assert_eq!(ended.expect("its end is told")["status"], "EC", "{told}");
}

#[test]
fn positions_are_told_by_strategy_to_who_asks() {
    let Scene { evening, mut alice, mut bob, market } = scene("strategies");
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let filter = json!({"includeOverallPosition": false, "partitionMatchedByStrategyRef": true});
    follow(&mut stream, &filter, NEW);
    bob.back(&market, 0, 10.0, 2.5);
    for (strategy, size) in [("fast", 3.0), ("slow", 2.0)] {
        let instruction = crate::harness::bettor::limit(market.runners[0], "LAY", size, 2.5);
        let params = json!({
            "marketId": market.id, "instructions": [instruction], "customerStrategyRef": strategy,
        });
        alice.ask("placeOrders", &params);
        let change = stream.change();
        let runner = &change["oc"][0]["orc"][0];
        assert_eq!(runner["smc"], json!({strategy: {"ml": [[2.5, size as i64]]}}), "{change}");
        assert_eq!((&runner["ml"], &runner["uo"][0]["rfs"]), (&Value::Null, &json!(strategy)));
    }
    let mut other = Stream::of(&evening.node, Way::Plain, &alice);
    other.send(&json!({"op": "orderSubscription", "orderFilter": {"accountIds": [1]}}));
    let rest = other.until_the_end();
    assert_eq!(rest.last().unwrap()["errorCode"], "INVALID_INPUT", "{rest:?}");
    eventually("the session of the closed connection is gone", || {
        let mut operator = Operator::of(&evening.node);
        let sessions = sessions(&mut operator);
        if sessions.len() == 1 { Ok(()) } else { Err(sessions) }
    });
}
