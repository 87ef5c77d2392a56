//! What is said on a connection: statuses, closes, clocks, heartbeats, segments (conformance 38, 42 to 44).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Evening;
use crate::harness::{Stream, Way};

fn assert_closed(stream: &mut Stream, code: &str) {
    let rest = stream.to_the_end();
    let last = rest.last().unwrap_or_else(|| panic!("closed without a word, not {code}"));
    assert_eq!(last["op"], "status", "{last}");
    assert_eq!((&last["statusCode"], &last["errorCode"]), (&json!("FAILURE"), &json!(code)));
    assert_eq!(last["connectionClosed"], true, "{last}");
    assert!(last["errorMessage"].as_str().is_some_and(|why| !why.is_empty()), "{last}");
}

#[test]
fn conformance_38_a_connection_is_told_why_it_is_closed() {
    let mut evening = Evening::begin("talk");
    let alice = evening.bettor("alice", 1_000);
    let node = &evening.node;
    let connect = || Stream::connect(node, Way::Plain);

    let mut stream = connect();
    assert!(stream.connection["connectionId"].is_string(), "{}", stream.connection);
    assert_eq!(stream.next_within(Duration::from_millis(50)), None, "nothing follows by itself");
    let status = stream.authenticate(&alice);
    assert_eq!(
        (&status["statusCode"], &status["connectionClosed"], &status["id"]),
        (&json!("SUCCESS"), &json!(false), &json!(2)),
        "{status}"
    );
    assert!(status["connectionsAvailable"].is_u64(), "{status}");
    assert_eq!(stream.next_within(Duration::from_millis(50)), None, "nothing follows by itself");
    let status = stream.ask(&json!({"op": "heartbeat", "id": 77}));
    assert_eq!(status["statusCode"], "SUCCESS", "{status}");
    stream.send(&json!({"op": "authentication", "id": 3, "appKey": "a", "session": "b"}));
    assert_closed(&mut stream, "INVALID_REQUEST");

    let (app_key, token) = alice.credentials();
    let refused = [
        (json!({"appKey": app_key, "session": "nobody's"}), "INVALID_SESSION_INFORMATION"),
        (json!({"appKey": "another", "session": token}), "INVALID_APP_KEY"),
        (json!({"session": token}), "NO_APP_KEY"),
        (json!({"appKey": app_key, "session": null}), "NO_SESSION"),
    ];
    for (mut message, code) in refused {
        message["op"] = json!("authentication");
        let mut stream = connect();
        stream.send(&message);
        assert_closed(&mut stream, code);
    }
    let lines: [(&[u8], &str); 4] = [
        (b"garbage\r\n", "INVALID_INPUT"),
        (b"[1]\r\n", "INVALID_INPUT"),
        (b"{\"op\":\"marketSubscription\",\"id\":1}\r\n", "NO_SESSION"),
        (b"{\"op\":\"jump\",\"id\":1}\r\n", "INVALID_REQUEST"),
    ];
    for (line, code) in lines {
        let mut stream = connect();
        stream.send_raw(line);
        assert_closed(&mut stream, code);
    }
    let mut stream = connect();
    stream.send_raw(&vec![b'x'; 300 << 10]);
    assert_closed(&mut stream, "INVALID_INPUT");
}

#[test]
fn conformance_38_a_connection_that_says_nothing_is_let_go() {
    let evening = Evening::begin("idle");
    let mut stream = Stream::connect(&evening.node, Way::Plain);
    let began = Instant::now();
    assert_closed(&mut stream, "TIMEOUT");
    assert!(began.elapsed() > Duration::from_secs(14), "{:?}", began.elapsed());
}

#[test]
fn conformance_42_a_bogus_clock_closes_and_too_many_markets_do_not() {
    let mut evening = Evening::with("clock", |launch| launch.setting("LIMITS__PROFILE", "betfair"));
    let alice = evening.bettor("alice", 1_000);
    for _ in 0..201 {
        evening.match_odds();
    }
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let status = stream.ask(&json!({"op": "marketSubscription", "id": 5, "marketFilter": {}}));
    assert_eq!(
        (&status["errorCode"], &status["connectionClosed"]),
        (&json!("SUBSCRIPTION_LIMIT_EXCEEDED"), &json!(false)),
        "{status}"
    );
    let status = stream.ask(&json!({"op": "heartbeat", "id": 6}));
    assert_eq!(status["statusCode"], "SUCCESS", "the connection lives: {status}");
    stream.send(&json!({
        "op": "marketSubscription", "id": 7, "marketFilter": {"marketIds": ["1.100000001"]},
        "initialClk": "bogus", "clk": "bogus",
    }));
    assert_closed(&mut stream, "INVALID_CLOCK");

    let streams: Vec<Stream> =
        (0..10).map(|_| Stream::of(&evening.node, Way::Plain, &alice)).collect();
    let mut one_more = Stream::connect(&evening.node, Way::Plain);
    let (app_key, session) = alice.credentials();
    one_more.send(&json!({"op": "authentication", "appKey": app_key, "session": session}));
    assert_closed(&mut one_more, "MAX_CONNECTION_LIMIT_EXCEEDED");
    drop(streams);
}

#[test]
fn conformance_43_heartbeats_come_when_nothing_else_does() {
    let mut evening = Evening::begin("heartbeats");
    let alice = evening.bettor("alice", 1_000);
    let market = evening.match_odds();
    for (asked, told) in [(500, 500), (10, 500), (99_999, 5_000)] {
        let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
        let image = stream.follow(&json!({
            "op": "marketSubscription", "id": 1, "heartbeatMs": asked, "conflateMs": 999_999,
            "marketFilter": {"marketIds": [market.id]},
        }));
        assert_eq!(image[0]["heartbeatMs"], told, "{}", image[0]);
        assert_eq!(image[0]["conflateMs"], 120_000, "{}", image[0]);
        if told != 500 {
            continue;
        }
        let began = Instant::now();
        for _ in 0..3 {
            let beat = stream.next().unwrap();
            assert_eq!((&beat["ct"], &beat["id"]), (&json!("HEARTBEAT"), &json!(1)), "{beat}");
            assert!(beat["clk"].is_string() && beat["pt"].is_u64() && beat["mc"].is_null());
        }
        let took = began.elapsed();
        assert!(took > Duration::from_millis(1_300), "three in {took:?}");
    }
}

#[test]
fn conformance_44_a_large_image_comes_in_segments() {
    let mut evening = Evening::begin("segments");
    let alice = evening.bettor("alice", 1_000);
    for _ in 0..200 {
        evening.match_odds();
    }
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let subscription = json!({
        "op": "marketSubscription", "id": 9, "segmentationEnabled": true, "marketFilter": null,
    });
    let image = stream.follow(&subscription);
    assert!(image.len() > 2, "{} messages", image.len());
    let types: Vec<&Value> = image.iter().map(|message| &message["segmentType"]).collect();
    assert_eq!((types[0], types[types.len() - 1]), (&json!("SEG_START"), &json!("SEG_END")));
    assert!(types[1..types.len() - 1].iter().all(|segment| *segment == "SEG"));
    let mut markets: Vec<&str> = Vec::new();
    for message in &image {
        assert_eq!((&message["ct"], &message["clk"]), (&json!("SUB_IMAGE"), &image[0]["clk"]));
        let rows = message["mc"].as_array().expect("markets");
        markets.extend(rows.iter().map(|row| row["id"].as_str().unwrap()));
        assert!(rows.iter().all(|row| row["img"] == true && row["marketDefinition"].is_object()));
    }
    assert_eq!(markets.len(), 200);
    markets.sort_unstable();
    markets.dedup();
    assert_eq!(markets.len(), 200, "no market in two segments");

    let empty = stream.follow_markets(10, &json!({"marketIds": ["1.999999999"]}), &[]);
    assert_eq!(empty[0]["ct"], "SUB_IMAGE");
    assert!(empty[0]["mc"].is_null() && empty[0]["id"] == 10, "{}", empty[0]);
}

#[test]
fn the_same_talk_over_tls_plain_tcp_and_websocket() {
    let mut evening = Evening::begin("ways");
    let mut alice = evening.bettor("alice", 100_000);
    let mut transcripts = Vec::new();
    for way in [Way::Plain, Way::Tls, Way::WebSocket] {
        let market = evening.match_odds();
        let mut stream = Stream::of(&evening.node, way, &alice);
        let mut said = stream.follow(&json!({
            "op": "marketSubscription", "id": 1, "marketFilter": {"marketIds": [market.id]},
        }));
        alice.lay(&market, 0, 20.0, 3.0);
        said.push(stream.change());
        alice.back(&market, 0, 5.0, 3.0);
        said.push(stream.change());
        said.push(stream.ask(&json!({"op": "heartbeat", "id": 4})));
        stream.send_raw(b"{\r\n");
        said.extend(stream.to_the_end());
        transcripts.push(said.iter().map(|it| without_names(it, &market)).collect::<Vec<_>>());
    }
    assert_eq!(transcripts[0], transcripts[1]);
    assert_eq!(transcripts[0], transcripts[2]);
}

/// The message without ids, clocks and times.
fn without_names(message: &Value, market: &crate::harness::Market) -> String {
    let mut text = message.to_string();
    text = text.replace(&market.id, "MARKET");
    for (number, runner) in market.runners.iter().enumerate() {
        text = text.replace(&format!("\"id\":{runner}"), &format!("\"id\":RUNNER{number}"));
    }
    let named =
        ["clk", "initialClk", "pt", "version", "eventId", "connectionId", "connectionsAvailable"];
    for name in named {
        while let Some(at) = text.find(&format!("\"{name}\":")) {
            let value = at + name.len() + 3;
            let end = text[value..].find([',', '}']).map_or(text.len(), |end| value + end);
            text.replace_range(at..end, "-");
        }
    }
    text
}
