//! Every kind of actor is killed and made to panic while people bet: the tree heals, nothing acknowledged is
//! lost or doubled, and markets read back the state that they had.

use serde_json::{Value, json};

use crate::harness::bettor::limit;
use crate::harness::{Bettor, Launch, Market, Node, Operator, Scratch, eventually};
use crate::torture::campaign::Campaign;

const KINDS: [&str; 9] = [
    "journal",
    "directory",
    "account",
    "market",
    "home",
    "session",
    "publisher",
    "board",
    "catalogue",
];
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

/// What each market says its state is, in short, once every account has acknowledged what it was told:
/// that is a part of the state too.
fn state_hashes(operator: &mut Operator) -> Vec<(String, Value)> {
    let mut hashes: Vec<(String, Value)> = operator
        .actors("market")
        .iter()
        .map(|market| {
            let id = text(market, "id");
            let hash = eventually(&format!("{id} is at rest"), || {
                let observation = operator.observe(&id);
                let state = &observation["state"];
                let at_rest = state["entity"]["accountsToHear"] == 0;
                if at_rest { Ok(state["stateHash"].clone()) } else { Err(observation) }
            });
            assert!(hash.is_string(), "{id}: {hash}");
            (id, hash)
        })
        .collect();
    hashes.sort_by(|a, b| a.0.cmp(&b.0));
    hashes
}

fn check_hashes(operator: &mut Operator, before: &[(String, Value)], fault: &str) {
    let now = state_hashes(operator);
    assert_eq!(now, before, "markets are not as they were before: {fault}");
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
        check_hashes(&mut operator, &before, mode);
    }
    for kind in ["account", "journal"] {
        let victim = text(&operator.actors(kind)[0], "id");
        fell(&mut operator, kind, &victim, "kill");
        // Looks at every market and account, which starts those that sleep.
        campaign.check(&node);
        check_hashes(&mut operator, &before, kind);
    }
    node.kill();
    let node = campaign.launch.start();
    campaign.check(&node);
    check_hashes(&mut Operator::of(&node), &before, "a new start");
}

#[test]
fn a_market_that_dies_again_and_again_is_set_aside_and_the_others_trade() {
    let scratch = Scratch::new("quarantine");
    let node = Launch::new(&scratch).start();
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("ann", "a long password", 100_000);
    let mut ann = Bettor::log_in(&node, "ann", "a long password", &app_key);
    let markets = [("Leeds", "York"), ("Hull", "Bath")].map(|(a, b)| operator.match_odds(a, b));
    let [sick, well] = &markets;
    ann.back(well, 0, 10.0, 3.0);
    let before = operator.actors("market").iter().map(|it| text(it, "id")).collect::<Vec<_>>();
    let (bet, _) = ann.back(sick, 0, 10.0, 3.0);
    let id = victim(&mut operator, sick, &before);

    let mut kills = 0;
    while status(&mut operator, &id) != "quarantined" {
        kills += 1;
        assert!(kills <= 20, "{kills} deaths in a row and no end of it");
        let seen = restarts(&mut operator, &id);
        operator.kill_actor(&id, "panic");
        eventually("it is started again, or set aside", || {
            let again = restarts(&mut operator, &id) > seen;
            let status = status(&mut operator, &id);
            if status == "quarantined" || (again && status == "running") {
                Ok(())
            } else {
                Err(status)
            }
        });
    }
    println!("set aside after {kills} deaths");
    assert!(kills > 1, "one death is no reason");

    assert_eq!(ann.back(well, 0, 10.0, 3.0).1, 0, "the other market takes bets");
    let report = ann.place(sick, &[limit(sick.runners[0], "BACK", 10.0, 3.0)]);
    assert_ne!(report["status"], "SUCCESS", "{report}");
    assert_eq!(operator.ledger().difference, 0);

    operator.post(&format!("/v1/operator/actors/{id}/retry"), &json!({}));
    eventually("it runs again", || {
        let status = status(&mut operator, &id);
        if status == "running" { Ok(()) } else { Err(status) }
    });
    assert_eq!(ann.order(&bet).remaining, 1_000);
    let more = eventually("it takes bets again", || {
        let report = ann.place(sick, &[limit(sick.runners[0], "BACK", 2.0, 3.0)]);
        if report["status"] == "SUCCESS" { Ok(report) } else { Err(report) }
    });
    assert!(more["instructionReports"][0]["betId"].is_string(), "{more}");
    assert_eq!(operator.ledger().difference, 0);
}

/// The market is held for longer than a door waits. What was asked is not withdrawn by that: it is done, once.
#[test]
fn a_reply_that_is_late_is_a_timeout_and_what_was_asked_is_done_once() {
    let scratch = Scratch::new("late-reply");
    let node = Launch::new(&scratch).start();
    let mut operator = Operator::of(&node);
    let [mut ann, mut bob] = ["ann", "bob"].map(|name| {
        let app_key = operator.open_account(name, "a long password", 100_000);
        Bettor::log_in(&node, name, "a long password", &app_key)
    });
    let market = operator.match_odds("Leeds", "York");
    ann.lay(&market, 0, 10.0, 3.0);
    let actor = format!("market-{}", market.id);
    // Each holds it for five seconds, and a door waits for fifteen. They are asked for at once: an actor that is
    // held answers nobody, and may hold up who asks for the next.
    let others: Vec<Operator> = (0..8).map(|_| Operator::of(&node)).collect();
    std::thread::scope(|threads| {
        for mut other in others {
            let actor = &actor;
            threads.spawn(move || other.kill_actor(actor, "hang"));
        }
    });
    eventually("it is held", || {
        let seen = operator.observe(&actor);
        if seen["note"] == "it did not answer in time" { Ok(()) } else { Err(seen) }
    });
    let request = json!({
        "marketId": market.id, "customerRef": "late",
        "instructions": [limit(market.runners[0], "BACK", 10.0, 3.0)],
    });
    let report = bob.ask("placeOrders", &request);
    assert_eq!(report["status"], "TIMEOUT", "{report}");
    assert_eq!(report["instructionReports"][0]["status"], "TIMEOUT", "{report}");
    eventually("the market has taken it", || {
        let matched: Vec<i64> = bob.orders().iter().map(|order| order.matched).collect();
        if matched == [1_000] { Ok(()) } else { Err(matched) }
    });
    let again = bob.ask("placeOrders", &request);
    assert_eq!(again["errorCode"], "DUPLICATE_TRANSACTION", "{again}");
    assert_eq!(bob.orders().len(), 1);
    assert_eq!(operator.ledger().difference, 0);
}

/// There is nobody left to heal the tree when its root gives up: the process ends, and says that it failed.
#[test]
fn when_the_root_gives_up_the_process_ends_with_a_failure() {
    let scratch = Scratch::new("root-gives-up");
    let mut node = Launch::new(&scratch).start();
    let mut operator = Operator::of(&node);
    let kill = json!({"mode": "kill", "reason": "to see the root give up"});
    eventually("nobody answers any more", || {
        match operator.send("POST", "/v1/operator/actors/feeds/kill", None, Some(&kill)) {
            Ok(answer) => Err(answer.status),
            Err(_) => Ok(()),
        }
    });
    let status = node.wait();
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    assert!(node.log().contains("gave up"), "{}", node.log());
}

#[test]
fn a_door_that_falls_opens_again_at_its_address_and_sessions_live_on() {
    let scratch = Scratch::new("doors");
    let node = Launch::new(&scratch).start();
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("ann", "a long password", 100_000);
    let mut ann = Bettor::log_in(&node, "ann", "a long password", &app_key);
    let market = operator.match_odds("Leeds", "York");
    let (bet, _) = ann.back(&market, 0, 10.0, 3.0);
    for mode in MODES {
        // The door of the operator carries the order to fall itself.
        for door in ["door-http", "door-admin"] {
            fell(&mut operator, "door", door, mode);
            let answer = eventually("the same session is served again", || {
                let answer = ann.try_call("listCurrentOrders", &json!({"betIds": [bet]}));
                answer.map_err(|error| error.to_string())
            });
            assert_eq!(answer["result"]["currentOrders"][0]["betId"], bet.as_str(), "{answer}");
        }
    }
    assert_eq!(operator.ledger().difference, 0);
}

const HANGS_MAX: u32 = 10;
const LOOKS_MAX: u32 = 50;

/// Home hangs for seconds: it is there, and answers nobody.
#[test]
fn who_is_known_can_look_while_home_is_down_but_do_nothing() {
    let scratch = Scratch::new("home-down");
    let node = Launch::new(&scratch).start();
    let mut operator = Operator::of(&node);
    let hanging = |operator: &mut Operator| {
        let seen = operator.send("GET", "/v1/operator/actors/home", None, None).unwrap();
        assert_eq!(seen.status, 200, "{}", seen.text());
        seen.json()["state"].is_null()
    };
    // A hang lasts some seconds: on a slow machine home may be back before all was asked.
    let proved = (0..HANGS_MAX).any(|_| {
        operator.kill_actor("home", "hang");
        if !(0..LOOKS_MAX).any(|_| hanging(&mut operator)) {
            return false;
        }
        for path in ["tree", "supervision", "actors/catalogue", "ledger"] {
            let seen = operator.send("GET", &format!("/v1/operator/{path}"), None, None).unwrap();
            assert_eq!(seen.status, 200, "{path}: {}", seen.text());
        }
        hanging(&mut operator)
    });
    assert!(proved, "home came back before all was asked: nothing was proved");
    let mut stranger = Operator::of(&node).with_token("nobody's");
    let tree = stranger.send("GET", "/v1/operator/tree", None, None).unwrap();
    assert!(matches!(tree.status, 401 | 503), "HTTP {} {}", tree.status, tree.text());
    fell(&mut operator, "home", "home", "kill");
    assert_eq!(operator.ledger().difference, 0);
}

/// The market's actor: the one that knows the market's id, or that came when the market was used.
fn victim(operator: &mut Operator, market: &Market, before: &[String]) -> String {
    let number = market.id.trim_start_matches("1.");
    let ids: Vec<String> = operator.actors("market").iter().map(|it| text(it, "id")).collect();
    let named = ids.iter().find(|id| id.contains(number));
    let came = ids.iter().find(|id| !before.contains(id));
    named.or(came).unwrap_or_else(|| panic!("{} is none of {ids:?}", market.id)).clone()
}

fn status(operator: &mut Operator, id: &str) -> String {
    let tree = operator.tree();
    tree.iter().find(|it| it["id"] == id).map_or("gone".to_owned(), |it| text(it, "status"))
}
