//! Every kind of actor is killed and made to panic while people bet: the tree heals, nothing acknowledged is
//! lost or doubled, and markets read back the state that they had.

use serde_json::Value;

use crate::harness::{Node, Operator, eventually};
use crate::torture::campaign::Campaign;

const KINDS: [&str; 8] =
    ["journal", "directory", "account", "market", "home", "session", "publisher", "catalogue"];
const MODES: [&str; 2] = ["kill", "panic"];

fn text(value: &Value, name: &str) -> String {
    let text = value[name].as_str();
    text.unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

/// Restarts of an actor as the tree shows them; `None` when it is not there now.
fn restarts(operator: &mut Operator, id: &str) -> Option<u64> {
    let tree = operator.tree();
    tree.iter().find(|it| it["id"] == id).map(|it| it["restarts"].as_u64().expect("a count"))
}

/// Kills one actor and waits until the tree shows that it runs again.
fn fell(operator: &mut Operator, kind: &str, id: &str, mode: &str) {
    let before = restarts(operator, id).expect("it was in the tree");
    operator.kill_actor(id, mode);
    eventually(&format!("{kind} {id} runs again after {mode}"), || {
        let tree = operator.tree();
        let now = tree.iter().find(|it| it["id"] == id).cloned();
        match &now {
            Some(it) if it["restarts"].as_u64() > Some(before) && it["status"] == "running" => {
                Ok(())
            }
            _ => Err(now),
        }
    });
}

/// What each market says its state is, in short.
fn state_hashes(operator: &mut Operator) -> Vec<(String, Value)> {
    let markets = operator.actors("market");
    let mut hashes: Vec<(String, Value)> = markets
        .iter()
        .map(|market| {
            let id = text(market, "id");
            let observation = operator.observe(&id);
            let hash = observation["state"]["stateHash"].clone();
            assert!(!hash.is_null(), "{id}: {observation}");
            (id, hash)
        })
        .collect();
    hashes.sort_by(|a, b| a.0.cmp(&b.0));
    hashes
}

fn check_nobody_gave_up(operator: &mut Operator, node: &Node) {
    let fallen: Vec<Value> =
        operator.tree().into_iter().filter(|it| it["status"] != "running").collect();
    assert!(fallen.is_empty(), "{fallen:#?}\n{}", node.log());
}

#[test]
fn every_kind_of_actor_may_die_under_load_and_nothing_acknowledged_is_lost() {
    let (mut campaign, node) = Campaign::begin("healing");
    let mut operator = Operator::of(&node);
    let herd = campaign.unleash(&node);
    for mode in MODES {
        for kind in KINDS {
            let victim = eventually(&format!("a {kind} is in the tree"), || {
                let mut running = operator.actors(kind);
                running.retain(|it| it["status"] == "running");
                if running.is_empty() {
                    return Err(format!("{:#?}", operator.tree()));
                }
                Ok(text(campaign.random.pick(&running), "id"))
            });
            println!("{mode} {kind} {victim}");
            fell(&mut operator, kind, &victim, mode);
        }
    }
    herd.enough();
    let tally = campaign.gather(herd);
    println!("{tally:?}");
    assert!(tally.placed > 0, "nobody bet");
    campaign.check(&node);
    check_nobody_gave_up(&mut operator, &node);
    campaign.turn_over(&node);
    node.kill();
    campaign.verify();
}

#[test]
fn a_market_that_was_killed_reads_back_the_state_it_had() {
    let (mut campaign, node) = Campaign::begin("state-hash");
    let mut operator = Operator::of(&node);
    let herd = campaign.unleash(&node);
    eventually("there is something to read back", || {
        let orders = campaign.orders(&node).len();
        if orders >= 100 { Ok(()) } else { Err(orders) }
    });
    herd.enough();
    campaign.gather(herd);
    campaign.check(&node);
    let before = state_hashes(&mut operator);
    assert!(before.len() >= campaign.markets().len(), "{before:?}");
    for mode in MODES {
        for (market, _) in &before {
            fell(&mut operator, "market", market, mode);
        }
        assert_eq!(state_hashes(&mut operator), before, "after {mode}");
    }
    for kind in ["account", "journal"] {
        let victim = text(&operator.actors(kind)[0], "id");
        fell(&mut operator, kind, &victim, "kill");
        // Looks at every market and account, which starts those that sleep.
        campaign.check(&node);
        assert_eq!(state_hashes(&mut operator), before, "after the {kind} was killed");
    }
    node.kill();
    let node = campaign.launch.start();
    campaign.check(&node);
    assert_eq!(state_hashes(&mut Operator::of(&node)), before, "after a new start");
}
