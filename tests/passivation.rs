//! Accounts and markets that nobody writes to go to sleep, and come back as they were; under load, with
//! deaths in between, nothing acknowledged is lost or doubled by it.

use serde_json::{Value, json};

use crate::harness::bettor::limit;
use crate::harness::{Bettor, Launch, Operator, Scratch, eventually};
use crate::torture::campaign::Campaign;

const KINDS: [&str; 2] = ["account", "market"];

/// What an entity says of its state, taken while it is awake; `wake` sees to that.
fn awake(operator: &mut Operator, id: &str, mut wake: impl FnMut(&mut Operator)) -> (Value, Value) {
    eventually(&format!("{id} is awake and at rest"), || {
        wake(operator);
        let path = format!("/v1/operator/actors/{id}");
        let answer = operator.send("GET", &path, None, None).expect("the node answers");
        if answer.status != 200 {
            return Err(answer.text());
        }
        let seen = answer.json();
        let state = &seen["state"];
        let open = &state["entity"];
        let at_rest = open["openCommands"] == json!(0) || open["accountsToHear"] == json!(0);
        if state["life"] == "serving" && at_rest {
            Ok((state["stateHash"].clone(), state["records"].clone()))
        } else {
            Err(seen.to_string())
        }
    })
}

fn all_asleep(operator: &mut Operator) {
    for kind in KINDS {
        eventually(&format!("every {kind} sleeps"), || {
            let awake = operator.actors(kind);
            if awake.is_empty() { Ok(()) } else { Err(awake) }
        });
    }
}

fn account_of(operator: &mut Operator, username: &str) -> String {
    let user = operator.get(&format!("/v1/operator/users/{username}"));
    format!("account-{}", user["accountId"].to_string().trim_matches('"'))
}

#[test]
fn who_is_idle_sleeps_and_comes_back_with_the_same_state() {
    let scratch = Scratch::new("passivation");
    let launch = Launch::new(&scratch).idle_after_ms(150);
    let node = launch.start();
    let mut operator = Operator::of(&node);
    let names = ["alice", "bob"];
    let [mut alice, mut bob] = names.map(|name| {
        let key = operator.open_account(name, "a long password", 100_000);
        Bettor::log_in(&node, name, "a long password", &key)
    });
    let market = operator.match_odds("Leeds", "York");
    alice.lay(&market, 0, 20.0, 3.0);
    bob.back(&market, 0, 12.0, 3.0);
    let (resting, _) = bob.bet(&market, limit(market.runners[1], "LAY", 7.0, 5.0));

    let accounts = names.map(|name| account_of(&mut operator, name));
    let market_id =
        operator.actors("market").first().map(|it| it["id"].as_str().unwrap().to_owned());
    let market_id = market_id.unwrap_or_else(|| format!("market-{}", market.id));
    let look = |operator: &mut Operator, bob: &mut Bettor| {
        let mut seen: Vec<_> = (0..2)
            .map(|at| {
                awake(operator, &accounts[at], |operator| {
                    operator.wallet(names[at]);
                })
            })
            .collect();
        seen.push(awake(operator, &market_id, |_| drop(bob.book(&market))));
        seen
    };
    let before = look(&mut operator, &mut bob);
    for _ in 0..3 {
        all_asleep(&mut operator);
        assert_eq!(look(&mut operator, &mut bob), before);
    }
    // A bet wakes the account and the market, and the other side hears of its fill in its sleep.
    all_asleep(&mut operator);
    alice.back(&market, 1, 7.0, 5.0);
    bob.await_order(&resting, |order| order.matched == 700);
    all_asleep(&mut operator);
    // The operator settles a market that sleeps, for accounts that sleep.
    operator.settle(&market, &[market.runners[0]]);
    bob.await_funds(100_000 + 2_400 - 120 + 700 - 35, 0);
    all_asleep(&mut operator);
    let ledger = operator.ledger();
    assert_eq!(ledger.difference, 0, "{ledger:?}");
    let before = look(&mut operator, &mut bob);
    all_asleep(&mut operator);
    node.kill();
    let node = launch.start();
    let mut operator = Operator::of(&node);
    let mut bob = bob.resume(node.http);
    assert_eq!(look(&mut operator, &mut bob), before);
}

/// How often an account or market was let go so far, and the number of the last event seen.
fn retirements(operator: &mut Operator, since: &mut u64) -> usize {
    let mut count = 0;
    loop {
        let page = operator.get(&format!("/v1/operator/supervision?since={since}"));
        let events = page["events"].as_array().expect("a list");
        let Some(last) = events.last() else { return count };
        *since = last["seq"].as_u64().expect("a number");
        let retired = |event: &&Value| {
            event["what"] == "stopped" && KINDS.iter().any(|kind| event["kind"] == *kind)
        };
        count += events.iter().filter(retired).count();
    }
}

#[test]
fn nothing_is_lost_or_doubled_when_everybody_falls_asleep_all_the_time() {
    let scratch = Scratch::new("sleepers");
    let launch = Launch::new(&scratch).idle_after_ms(1);
    let (mut campaign, mut node) = Campaign::begin_at("sleepers", scratch, launch);
    for _ in 0..3 {
        let mut operator = Operator::of(&node);
        let (mut since, mut retired, mut kills) = (0, 0, 0);
        retirements(&mut operator, &mut since);
        let herd = campaign.unleash(&node);
        let mut killed: Vec<String> = Vec::new();
        eventually("many fell asleep and some were killed", || {
            retired += retirements(&mut operator, &mut since);
            let mut awake = operator.actors(campaign.random.pick::<&str>(&KINDS));
            awake.retain(|it| it["status"] == "running");
            if kills < 12 && !awake.is_empty() {
                let id = campaign.random.pick(&awake)["id"].as_str().expect("an id").to_owned();
                // More deaths in ten seconds and it would be set aside.
                if killed.iter().filter(|it| **it == id).count() < 2 {
                    let path = format!("/v1/operator/actors/{id}/kill");
                    let body = json!({"mode": "kill", "reason": "a test"});
                    // It may have fallen asleep meanwhile.
                    let answer = operator.send("POST", &path, None, Some(&body));
                    kills += usize::from(answer.expect("it answers").status == 202);
                    killed.push(id);
                }
            }
            if retired >= 40 && kills >= 6 { Ok(()) } else { Err((retired, kills)) }
        });
        println!("{retired} retirements, {kills} kills");
        herd.doom();
        node.kill();
        println!("{:?}", campaign.gather(herd));
        node = campaign.launch.start();
        campaign.check(&node);
    }
    assert!(campaign.tally.placed > 0, "nobody bet");
    campaign.turn_over(&node);
    node.kill();
    campaign.verify();
}
