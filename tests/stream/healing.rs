//! Whatever dies, nobody is shown a wrong ladder.

use serde_json::json;

use super::markets::{act, agree};
use super::{Evening, sessions};
use crate::harness::{Bettor, Cache, Operator, Random, Stream, Way, eventually};

fn follow(stream: &mut Stream, market: &str, cache: &mut Cache) -> String {
    let image = stream.follow(&json!({
        "op": "marketSubscription", "id": 1, "marketFilter": {"marketIds": [market]},
        "initialClk": cache.initial_clk, "clk": cache.clk, "heartbeatMs": 500,
    }));
    image.iter().for_each(|message| cache.apply(message));
    image[0]["ct"].as_str().unwrap_or_default().to_owned()
}

fn kill(operator: &mut Operator, kind: &str, mode: &str) {
    for actor in operator.actors(kind) {
        operator.kill_actor(actor["id"].as_str().expect("an id"), mode);
    }
}

#[test]
fn a_subscriber_is_told_the_truth_through_the_death_of_market_and_board() {
    let mut random = Random::new(Random::seed("stream healing"));
    let mut evening = Evening::begin("stream-healing");
    let mut who = [evening.bettor("alice", 10_000_000), evening.bettor("bob", 10_000_000)];
    let market = evening.match_odds();
    let mut stream = Stream::of(&evening.node, Way::Plain, &who[0]);
    let mut cache = Cache::default();
    follow(&mut stream, &market.id, &mut cache);
    for round in 0..6 {
        for _ in 0..15 {
            act(&mut random, &mut who, &market);
        }
        let (kind, mode) =
            [("market", "kill"), ("board", "kill"), ("publisher", "panic")][round % 3];
        kill(&mut evening.operator, kind, mode);
        for _ in 0..15 {
            act(&mut random, &mut who, &market);
        }
        agree(&mut stream, &mut cache, &mut who[0], &market);
    }
}

#[test]
fn a_session_that_dies_closes_its_connection_with_a_word_and_the_clock_is_good() {
    let mut random = Random::new(Random::seed("stream session"));
    let mut evening = Evening::begin("stream-session");
    let mut who = [evening.bettor("alice", 10_000_000), evening.bettor("bob", 10_000_000)];
    let market = evening.match_odds();
    let mut cache = Cache::default();
    let mut stream = Stream::of(&evening.node, Way::Plain, &who[0]);
    assert_eq!(follow(&mut stream, &market.id, &mut cache), "SUB_IMAGE");
    (0..10).for_each(|_| act(&mut random, &mut who, &market));
    agree(&mut stream, &mut cache, &mut who[0], &market);
    for session in sessions(&mut evening.operator) {
        evening.operator.kill_actor(&session, "panic");
    }
    let rest = stream.to_the_end();
    assert_eq!(rest.last().expect("a word")["errorCode"], "UNEXPECTED_ERROR");
    for message in rest.iter().filter(|message| message["op"] == "mcm") {
        cache.apply(message);
    }
    (0..10).for_each(|_| act(&mut random, &mut who, &market));
    let mut stream = Stream::of(&evening.node, Way::Plain, &who[0]);
    assert_eq!(follow(&mut stream, &market.id, &mut cache), "RESUB_DELTA");
    agree(&mut stream, &mut cache, &mut who[0], &market);
    eventually("only the present session is left", || {
        let sessions = sessions(&mut evening.operator);
        if sessions.len() == 1 { Ok(()) } else { Err(sessions) }
    });
}

#[test]
fn a_clock_outlives_a_restart_of_the_node() {
    let mut random = Random::new(Random::seed("stream restart"));
    let mut evening = Evening::begin("stream-restart");
    let mut who = [evening.bettor("alice", 10_000_000), evening.bettor("bob", 10_000_000)];
    let (market, quiet) = (evening.match_odds(), evening.match_odds());
    let filter = json!({"marketIds": [market.id, quiet.id]});
    let follow = |stream: &mut Stream, cache: &mut Cache| {
        let image = stream.follow(&json!({
            "op": "marketSubscription", "id": 1, "marketFilter": filter,
            "initialClk": cache.initial_clk, "clk": cache.clk,
        }));
        image.iter().for_each(|message| cache.apply(message));
        image
    };
    let mut cache = Cache::default();
    who[0].lay(&quiet, 0, 10.0, 2.0);
    let mut stream = Stream::of(&evening.node, Way::Plain, &who[0]);
    follow(&mut stream, &mut cache);
    (0..20).for_each(|_| act(&mut random, &mut who, &market));
    agree(&mut stream, &mut cache, &mut who[0], &market);

    drop(stream);
    evening.node.kill();
    evening.node = evening.launch.start();
    evening.operator = Operator::of(&evening.node);
    who = who.map(|bettor: Bettor| bettor.resume(evening.node.http));
    who[0].lay(&market, 0, 10.0, 1.5);
    let mut stream = Stream::of(&evening.node, Way::Plain, &who[0]);
    let image = follow(&mut stream, &mut cache);
    assert_eq!(image[0]["ct"], "RESUB_DELTA", "{}", image[0]);
    let told: Vec<_> = image[0]["mc"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(told, [&json!(market.id)], "the quiet market is as it was told: {}", image[0]);
    agree(&mut stream, &mut cache, &mut who[0], &market);
    agree(&mut stream, &mut cache, &mut who[0], &quiet);
}
