//! Providers tell of football, and the pricing actors follow: are prices those of what was told, suspended
//! before they move, refused by field, and the same after every death?

use crate::harness::http::{Answer, HttpClient};
use crate::harness::{Launch, Node, Operator, PriceStream, Random, Scratch, eventually};
use serde_json::{Value, json};

/// A provider with its key.
pub(crate) struct Provider {
    http: HttpClient,
    key: String,
}

impl Provider {
    pub(crate) fn of(node: &Node, operator: &mut Operator) -> Provider {
        let token = json!({"name": "results ltd", "role": "provider"});
        let token = operator.post("/v1/operator/tokens", &token);
        let key = token["token"].as_str().expect("a key").to_owned();
        Provider { http: HttpClient::new(node.http), key }
    }

    fn put(&mut self, what: &str, list: &Value) -> Answer {
        let headers = [("X-Api-Key", self.key.as_str()), ("Content-Type", "application/json")];
        let path = format!("/v1/football/{what}");
        self.http.request("PUT", &path, &headers, list.to_string().as_bytes()).unwrap()
    }

    pub(crate) fn tell(&mut self, what: &str, list: &Value) -> Value {
        let answer = self.put(what, list);
        assert_eq!(answer.status, 200, "{what} {list}: {}", answer.text());
        let told = answer.json();
        assert_eq!(told["refused"], json!([]), "{what} {list}");
        told
    }

    pub(crate) fn event(
        &mut self,
        id: &str,
        seq: u32,
        kind: &str,
        side: Option<&str>,
        minute: u32,
    ) {
        let event = json!([{"source": "s", "id": id, "seq": seq, "type": kind, "side": side,
            "minute": minute}]);
        self.tell("events", &event);
    }
}

fn get(node: &Node, path: &str) -> Answer {
    HttpClient::new(node.http).request("GET", path, &[], b"").unwrap()
}

pub(crate) fn look(node: &Node, path: &str) -> Value {
    let answer = get(node, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

pub(crate) fn fixture(id: &str, home: &str, away: &str) -> Value {
    json!({"source": "s", "id": id, "competition": "Premier League", "season": "2026/27",
        "kickOff": "2026-11-28T15:00:00Z", "home": home, "away": away})
}

/// A season among six, in which the first are the best.
pub(crate) fn past(provider: &mut Provider) {
    let teams = ["Arsenal", "Chelsea", "Everton", "Fulham", "Leeds", "Wolves"];
    let (mut fixtures, mut results) = (Vec::new(), Vec::new());
    for (home, host) in teams.iter().enumerate() {
        for (away, guest) in teams.iter().enumerate().filter(|(away, _)| *away != home) {
            let id = format!("past-{home}-{away}");
            let mut one = fixture(&id, host, guest);
            one["kickOff"] = json!(format!("2026-09-{:02}T15:00:00Z", 1 + home * 4 + away / 2));
            fixtures.push(one);
            results.push(json!({"source": "s", "id": id, "homeGoals": 3 - home.div_ceil(2),
                "awayGoals": (6 - away) / 3}));
        }
    }
    provider.tell("fixtures", &Value::Array(fixtures));
    provider.tell("results", &Value::Array(results));
}

/// The id of a match that was told of under this one.
pub(crate) fn ours(node: &Node, id: &str) -> u64 {
    let matches = look(node, "/v1/pricing/matches");
    let all = matches["matches"].as_array().expect("a list");
    let is_it = |one: &&Value| one["sources"][0]["id"] == id;
    let found = all.iter().find(is_it).unwrap_or_else(|| panic!("no {id}: {matches}"));
    found["id"].as_u64().expect("a number")
}

/// The book once it says so.
fn book(node: &Node, id: u64, status: &str, event: u64) -> Value {
    eventually(&format!("match {id} is {status} at event {event}"), || {
        let book = look(node, &format!("/v1/pricing/matches/{id}"));
        let so = book["status"] == status && book["event"] == event;
        if so { Ok(book) } else { Err(book["reason"].clone()) }
    })
}

fn home_wins(book: &Value) -> f64 {
    assert_eq!(book["markets"][0]["code"], "MATCH_ODDS", "{book}");
    book["markets"][0]["selections"][0]["probability"].as_f64().expect("a probability")
}

#[test]
fn a_match_is_told_and_its_prices_follow() {
    let scratch = Scratch::new("fixtures-told");
    let node = Launch::new(&scratch).manual_clock().start();
    let mut operator = Operator::of(&node);
    let mut provider = Provider::of(&node, &mut operator);
    past(&mut provider);
    provider.tell("fixtures", &json!([fixture("1", "Arsenal", "Wolverhampton Wanderers")]));
    let told = provider.tell("fixtures", &json!([fixture("1", "Arsenal FC", "Wolves")]));
    assert_eq!((&told["taken"], &told["repeated"]), (&json!(0), &json!(1)), "a repeat");
    let id = ours(&node, "1");
    let rated = eventually("the match is rated", || {
        let book = look(&node, &format!("/v1/pricing/matches/{id}"));
        let by_ratings = book["parameters"]["model"] == "ratings";
        if by_ratings { Ok(book) } else { Err(book["reason"].clone()) }
    });
    assert_eq!(rated["markets"].as_array().map(Vec::len), Some(109), "{rated}");
    let before = home_wins(&rated);
    assert!(before > 0.5, "Arsenal are the better ones: {before}");

    provider.event("1", 1, "kickOff", None, 0);
    provider.event("1", 2, "goal", Some("away"), 10);
    let goal = book(&node, id, "SUSPENDED", 2);
    assert!(goal["reason"].as_str().expect("a reason").contains("goal"), "{}", goal["reason"]);
    assert!(home_wins(&goal) < before - 0.1, "priced already");
    provider.event("1", 3, "clock", None, 11);
    let open = book(&node, id, "OPEN", 3);
    assert!(home_wins(&open) < before - 0.1);
    // Taken back, out of order, by a number that leaves a hole: withheld until it is filled.
    provider.event("1", 5, "varEnd", None, 12);
    let withheld = book(&node, id, "WITHHELD", 5);
    assert_eq!(withheld["reason"], "event 4 is missing");
    assert_eq!(withheld["markets"], json!([]));
    provider.event("1", 4, "goalCancelled", Some("away"), 12);
    let level = book(&node, id, "OPEN", 5);
    assert_eq!(level["score"], json!({"home": 0, "away": 0}));
    assert!(home_wins(&level) > before - 0.05);
    // One market, what it rests on, what was told, how strong they are.
    let goals = look(&node, &format!("/v1/pricing/matches/{id}/markets/OVER_UNDER"));
    assert!(goals["markets"].as_array().is_some_and(|lines| lines.len() > 8), "{goals}");
    let told = look(&node, &format!("/v1/pricing/matches/{id}/history"));
    assert_eq!(told["providers"][0]["events"].as_array().map(Vec::len), Some(5));
    let ratings = look(&node, "/v1/pricing/ratings/premier%20league");
    assert_eq!(ratings["teams"].as_array().map(Vec::len), Some(6), "{ratings}");
    let history = look(&node, "/v1/pricing/ratings/0/history");
    assert!(history["history"].as_array().is_some_and(|points| !points.is_empty()));
    let parameters = look(&node, &format!("/v1/pricing/matches/{id}/parameters"));
    assert_eq!(parameters["now"]["lambda"], rated["parameters"]["lambda"], "still from kick-off");

    provider.event("1", 6, "halfTime", None, 46);
    provider.event("1", 7, "secondHalf", None, 45);
    provider.event("1", 8, "fullTime", None, 94);
    book(&node, id, "OVER", 8);
    drop(node);
    let node = Launch::new(&scratch).manual_clock().start();
    let after = book(&node, id, "OVER", 8);
    assert_eq!(after["score"], json!({"home": 0, "away": 0}));
}

/// The ladder prices of a match, in the order of its selections, as a reader of the whole book sees them.
#[test]
fn what_a_market_quotes_drives_the_book_until_kick_off_and_after_a_restart() {
    let scratch = Scratch::new("fixtures-quoted");
    let (node, mut operator, mut provider, id) = rated_match(&scratch);
    let path = format!("/v1/pricing/matches/{id}");
    let by_ratings = home_wins(&look(&node, &path));
    let quoted = |home: &str, away: &str, share: u8| {
        json!([{"source": "s", "id": "1", "share": share,
            "matchOdds": {"home": home, "draw": "3.40", "away": away},
            "totals": [{"line": "2.5", "over": "1.95", "under": "1.95"}]}])
    };
    let driven = |node: &Node, by: &str| {
        eventually(&format!("the book is driven by {by}"), || {
            let book = look(node, &path);
            if book["parameters"]["model"] == by { Ok(book) } else { Err(book) }
        })
    };
    provider.tell("quotes", &quoted("4.00", "2.00", 100));
    let told = provider.tell("quotes", &quoted("4.00", "2.00", 100));
    assert_eq!(told["repeated"], 1);
    let book = driven(&node, "market");
    // 1 / 4.00 of a sum of 1.044, by the power that makes it one.
    assert!((home_wins(&book) - 0.235).abs() < 0.01, "{} was {by_ratings}", home_wins(&book));
    assert_eq!(book["market"]["share"], 100);
    let refused = provider.put("quotes", &quoted("1.50", "1.50", 100));
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("[0].matchOdds")));
    provider.tell("quotes", &json!([{"source": "s", "id": "1"}]));
    let book = driven(&node, "ratings");
    assert_eq!((home_wins(&book), &book["market"]), (by_ratings, &Value::Null), "withdrawn");
    provider.tell("quotes", &quoted("4.00", "2.00", 100));
    let before = ladder_prices(&node, id);
    provider.event("1", 1, "kickOff", None, 0);
    let late = provider.put("quotes", &quoted("3.00", "2.40", 100));
    assert_eq!((late.status, &late.json()["field"]), (422, &json!("[0].id")), "{}", late.text());
    operator.kill_actor(&format!("fixture-{id}"), "kill");
    driven(&node, "market");
    drop(node);
    let node = Launch::new(&scratch).manual_clock().start();
    driven(&node, "market");
    assert_eq!(ladder_prices(&node, id), before, "no time has passed");
}

fn ladder_prices(node: &Node, id: u64) -> Vec<Value> {
    let book = look(node, &format!("/v1/pricing/matches/{id}"));
    let markets = book["markets"].as_array().expect("markets").clone();
    let of = |market: &Value| market["selections"].as_array().expect("selections").clone();
    markets.iter().flat_map(of).map(|selection| selection["price"].clone()).collect()
}

/// A node with one match that is far ahead and rated; and its id.
fn rated_match(scratch: &Scratch) -> (Node, Operator, Provider, u64) {
    let node = Launch::new(scratch).manual_clock().start();
    let mut operator = Operator::of(&node);
    let mut provider = Provider::of(&node, &mut operator);
    past(&mut provider);
    let mut next = fixture("1", "Arsenal", "Wolves");
    next["kickOff"] = json!("2036-11-28T15:00:00Z");
    provider.tell("fixtures", &json!([next]));
    let id = ours(&node, "1");
    eventually("the match is rated", || {
        let parameters = look(&node, &format!("/v1/pricing/matches/{id}/parameters"));
        if parameters["now"]["model"] == "ratings" { Ok(()) } else { Err(parameters) }
    });
    (node, operator, provider, id)
}

#[test]
fn prices_come_over_a_websocket_suspended_before_they_move_and_a_crash_tells_nothing() {
    let scratch = Scratch::new("fixtures-websocket");
    let (node, mut operator, mut provider, id) = rated_match(&scratch);
    let mut reader = PriceStream::open(&node);
    reader.send(&json!({"op": "subscribe", "matches": "all"}));
    assert_eq!(reader.next()["field"], "matches");
    reader.subscribe(&[id]);
    let first = reader.next();
    assert_eq!((&first["op"], &first["match"]["status"]), (&json!("book"), &json!("OPEN")));
    assert_eq!(reader.prices[&id], ladder_prices(&node, id));

    provider.event("1", 1, "kickOff", None, 0);
    provider.event("1", 2, "goal", Some("away"), 10);
    // Whatever is told of the score with the goal is suspended.
    let goal = loop {
        let told = reader.next();
        if told["match"]["score"]["away"] == 1 {
            break told;
        }
    };
    assert_eq!(goal["match"]["status"], "SUSPENDED", "{goal}");
    assert!(goal["changes"].as_array().is_some_and(|changes| changes.len() > 50), "{goal}");
    assert_eq!(reader.prices[&id], ladder_prices(&node, id));

    operator.kill_actor(&format!("fixture-{id}"), "panic");
    book(&node, id, "SUSPENDED", 2);
    provider.event("1", 3, "clock", None, 11);
    // The next that is told is of what came after the crash.
    let open = reader.next();
    assert_eq!((&open["op"], &open["match"]["status"]), (&json!("change"), &json!("OPEN")));
    book(&node, id, "OPEN", 3);
    assert_eq!(reader.prices[&id], ladder_prices(&node, id));
}

#[test]
fn who_subscribes_again_and_again_keeps_nobody_from_being_told() {
    let scratch = Scratch::new("fixtures-greedy");
    let (node, mut operator, mut provider, id) = rated_match(&scratch);
    let mut greedy = PriceStream::open(&node);
    for _ in 0..5_000 {
        greedy.subscribe(&[id]);
        assert_eq!(greedy.next()["op"], "book");
        greedy.send(&json!({"op": "unsubscribe", "matches": [id]}));
    }
    let mut reader = PriceStream::open(&node);
    reader.subscribe(&[id]);
    assert_eq!(reader.next()["op"], "book");
    let watchers = operator.observe(&format!("fixture-{id}"))["state"]["watchers"].clone();
    assert!(watchers.as_u64().is_some_and(|count| count <= 4_096), "{watchers}");
    provider.event("1", 1, "kickOff", None, 0);
    assert_eq!(reader.next()["op"], "change");
    let watchers = operator.observe(&format!("fixture-{id}"))["state"]["watchers"].clone();
    assert_eq!(watchers, 1, "those who have gone are forgotten");
}

#[test]
fn who_follows_hundreds_of_matches_and_reads_late_is_told_of_all_of_them() {
    const MATCHES: usize = 300;
    let scratch = Scratch::new("fixtures-hundreds");
    let node = Launch::new(&scratch).manual_clock().start();
    let mut operator = Operator::of(&node);
    let mut provider = Provider::of(&node, &mut operator);
    past(&mut provider);
    let next = |number: usize| {
        let mut next = fixture(&format!("next-{number}"), "Arsenal", "Wolves");
        let (year, month, day) = (2036 + number / 200, 1 + number % 200 / 20, 1 + number % 20);
        next["kickOff"] = json!(format!("{year}-{month:02}-{day:02}T15:00:00Z"));
        next
    };
    provider.tell("fixtures", &(0..MATCHES).map(next).collect());
    let told = look(&node, "/v1/pricing/matches?limit=1000&from=2035-01-01T00:00:00Z");
    let ids = told["matches"].as_array().expect("a list").iter();
    let ids: Vec<u64> = ids.map(|one| one["id"].as_u64().expect("a number")).collect();
    assert_eq!(ids.len(), MATCHES);
    let mut reader = PriceStream::open(&node);
    reader.subscribe(&ids);
    // Every book is there before the first is read: megabytes, of which most must wait.
    for id in &ids {
        look(&node, &format!("/v1/pricing/matches/{id}"));
    }
    while reader.prices.len() < MATCHES {
        reader.next();
    }
}

#[test]
fn the_results_that_ship_are_told_from_their_folder_when_the_node_starts() {
    let scratch = Scratch::new("fixtures-shipped");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/football");
    let folder = folder.display().to_string();
    let node = Launch::new(&scratch).setting("FOOTBALL__DIRECTORY", &folder).start();
    let ratings = eventually("the league is rated", || {
        let told = get(&node, "/v1/pricing/ratings/premier%20league");
        let told = if told.status == 200 { told.json() } else { return Err(told.text()) };
        if told["results"] == 1_140 { Ok(told) } else { Err(told.to_string()) }
    });
    let teams = ratings["teams"].as_array().expect("teams");
    assert_eq!(teams.len(), 25, "20 of each season, some of whom went down or came up");
    let strength = |team: &&Value| {
        team["attack"].as_f64().expect("a number") + team["defence"].as_f64().expect("a number")
    };
    let best = teams.iter().max_by(|one, other| strength(one).total_cmp(&strength(other)));
    assert_eq!(best.expect("a team")["team"], "Man City", "the champions of all three");
}

#[test]
fn models_are_tried_on_the_same_matches_and_a_match_is_followed() {
    let scratch = Scratch::new("fixtures-models");
    let node = Launch::new(&scratch).manual_clock().start();
    let mut operator = Operator::of(&node);
    let mut provider = Provider::of(&node, &mut operator);
    let nothing = operator.get("/v1/operator/models");
    assert_eq!((&nothing["matches"], &nothing["competitions"]), (&json!(0), &json!([])));
    past(&mut provider);
    provider.tell("fixtures", &json!([fixture("1", "Arsenal", "Wolves")]));
    let mut priced = json!({"source": "s", "id": "past-0-1", "homeGoals": 3, "awayGoals": 1});
    priced["odds"] = json!({"homeOpen": "1.90", "drawOpen": "3.60", "awayOpen": "4.40",
        "homeClose": "1.80", "drawClose": "3.70", "awayClose": "4.90"});
    provider.tell("results", &json!([priced]));
    let id = ours(&node, "1");
    eventually("the match is rated", || {
        let told = look(&node, &format!("/v1/pricing/matches/{id}/parameters"));
        if told["now"]["model"] == "ratings" { Ok(()) } else { Err(told) }
    });
    let told = eventually("every match was tried, and nothing is new since", || {
        let told = operator.get("/v1/operator/models");
        let version = told["version"].as_str().expect("a version");
        let again = operator.get(&format!("/v1/operator/models?known={version}"));
        let rests = told["left"] == 0 && told["matches"] != 0 && again["unchanged"] == true;
        if rests { Ok(told) } else { Err(told) }
    });
    let models = told["models"].as_array().expect("models");
    assert_eq!(models.len(), 3);
    for model in models {
        assert_eq!(model["matches"], told["matches"], "the same matches");
        let loss = model["logLoss"].as_f64().expect("a loss");
        assert!((0.2..3.0).contains(&loss), "{model}");
    }
    assert!(told["duels"][1]["logLoss"]["low"].is_number(), "{}", told["duels"]);
    let goals = operator.get("/v1/operator/models?market=OVER_UNDER_25&competition=0");
    assert_eq!((&goals["matches"], &goals["market"]), (&told["matches"], &json!("OVER_UNDER_25")));
    let page = |operator: &mut Operator, offset: usize| {
        operator.get(&format!("/v1/operator/models/ended?sort=worst&limit=3&offset={offset}"))
    };
    let (first, next) = (page(&mut operator, 0), page(&mut operator, 3));
    assert_eq!(first["total"], told["matches"]);
    let loss = |page: &Value, at: usize| page["matches"][at]["models"][0]["logLoss"].as_f64();
    assert!(loss(&first, 0) >= loss(&first, 2) && loss(&first, 2) >= loss(&next, 0));
    let strengths = operator.get("/v1/operator/models/ratings/Premier%20League");
    assert_eq!(strengths["teams"].as_array().map(Vec::len), Some(6));
    assert!(strengths["history"].as_array().is_some_and(|history| !history.is_empty()));
    for (path, field) in [
        ("?market=CORNERS", "market"),
        ("?from=soon", "from"),
        ("/ended?limit=501", "limit"),
        ("/ended?sort=best", "sort"),
    ] {
        let path = format!("/v1/operator/models{path}");
        let answer = operator.send("GET", &path, None, None).unwrap();
        assert_eq!((answer.status, answer.json()["field"].as_str()), (400, Some(field)), "{path}");
    }
    let nobody = operator.send("GET", "/v1/operator/models/matches/99", None, None).unwrap();
    assert_eq!(nobody.status, 404);

    // A match goes on, and what each model says of it with it.
    for (seq, kind, side, minute) in
        [(1, "kickOff", None, 0), (2, "goal", Some("away"), 1), (3, "clock", None, 2)]
    {
        provider.event("1", seq, kind, side, minute);
        operator.advance(60_000);
    }
    let live = operator.get("/v1/operator/models/live");
    assert_eq!((&live["matches"][0]["id"], &live["total"]), (&json!(id), &json!(1)));
    let course = operator.get(&format!("/v1/operator/models/matches/{id}"));
    assert_eq!(course["live"], true);
    let names: Vec<&str> =
        course["models"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["inForce", "champion", "poisson", "points"]);
    assert_eq!(course["events"][1]["type"], "goal");
    let said = |line: &str, at: usize| course["models"][0][line][at].as_f64().unwrap();
    let samples = course["playedS"].as_array().unwrap().len();
    assert!(samples >= 3, "{course}");
    assert!(said("home", 0) > said("home", samples - 1) + 0.1, "{course}");
    let all = said("home", 1) + said("draw", 1) + said("away", 1);
    assert!((all - 1.0).abs() < 1e-3);
}

#[test]
fn what_a_provider_may_not_say_is_refused_by_field() {
    let scratch = Scratch::new("fixtures-refused");
    let node = Launch::new(&scratch).start();
    let mut operator = Operator::of(&node);
    let mut provider = Provider::of(&node, &mut operator);
    provider.tell("fixtures", &json!([fixture("1", "Arsenal", "Everton")]));
    let mut refused = |what: &str, list: Value, status: u16, field: Value| {
        let answer = provider.put(what, &list);
        let problem = answer.json();
        assert_eq!((answer.status, &problem["field"]), (status, &field), "{list}: {problem}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    };
    refused("events", json!({}), 400, Value::Null);
    refused(
        "results",
        json!([{"source": "s", "id": "1", "homeGoals": 1, "goals": 2,
        "awayGoals": 0}]),
        400,
        json!("[0].goals"),
    );
    refused(
        "results",
        json!([{"source": "s", "id": "9", "homeGoals": 1, "awayGoals": 0}]),
        422,
        json!("[0].id"),
    );
    refused(
        "events",
        json!([{"source": "s", "id": "1", "seq": 1, "type": "goal", "minute": 3}]),
        400,
        json!("[0].side"),
    );
    refused("fixtures", json!([fixture("2", "Arsenal", "Arsenal FC")]), 422, json!("[0].away"));
    let mut other = fixture("1", "Arsenal", "Everton");
    other["home"] = json!("Leeds");
    refused("fixtures", json!([other]), 422, json!("[0].home"));
    // What is right among what is wrong is taken.
    let some = json!([
        {"source": "s", "id": "9", "homeGoals": 1, "awayGoals": 0},
        {"source": "s", "id": "1", "homeGoals": 1, "awayGoals": 0},
    ]);
    let answer = provider.put("results", &some).json();
    assert_eq!((&answer["taken"], &answer["refused"][0]["field"]), (&json!(1), &json!("[0].id")));

    let good = json!([fixture("3", "Leeds", "Wolves")]).to_string();
    let mut http = HttpClient::new(node.http);
    let mut status = |headers: &[(&str, &str)]| {
        let json = [headers, &[("Content-Type", "application/json")]].concat();
        http.request("PUT", "/v1/football/fixtures", &json, good.as_bytes()).unwrap().status
    };
    assert_eq!(status(&[]), 401);
    assert_eq!(status(&[("X-Api-Key", "wrong")]), 401);
    let viewer = json!({"name": "looks", "role": "viewer"});
    let viewer =
        operator.post("/v1/operator/tokens", &viewer)["token"].as_str().unwrap().to_owned();
    assert_eq!(status(&[("X-Api-Key", &viewer)]), 403);
    // A provider's key opens nothing else.
    let mut provider_as_operator = Operator::of(&node).with_token(&provider.key);
    let answer = provider_as_operator.send("GET", "/v1/operator/tree", None, None).unwrap();
    assert_eq!(answer.status, 403);
    for (path, status) in [
        ("/v1/pricing/matches/77", 404),
        ("/v1/pricing/matches/x", 404),
        ("/v1/pricing/ratings/nobody", 404),
        ("/v1/pricing/matches?limit=0", 400),
        ("/v1/pricing/matches?from=today", 400),
        ("/v1/pricing/matches?colour=red", 400),
    ] {
        assert_eq!(get(&node, path).status, status, "{path}");
    }
}

/// A small Saturday: whoever prices is killed while it is played, and nobody sees another price.
#[test]
fn on_a_saturday_every_pricing_actor_dies_and_no_price_differs() {
    const MATCHES: usize = 24;
    let scratch = Scratch::new("fixtures-saturday");
    let node = Launch::new(&scratch).manual_clock().start();
    let mut operator = Operator::of(&node);
    let mut provider = Provider::of(&node, &mut operator);
    past(&mut provider);
    let seed = Random::seed("on_a_saturday");
    let mut random = Random::new(seed);
    let teams = ["Arsenal", "Chelsea", "Everton", "Fulham", "Leeds", "Wolves"];
    let fixtures: Vec<Value> = (0..MATCHES)
        .map(|n| {
            let home = random.below(6) as usize;
            let away = (home + 1 + random.below(5) as usize) % 6;
            fixture(&n.to_string(), teams[home], teams[away])
        })
        .collect();
    provider.tell("fixtures", &Value::Array(fixtures));
    let ids: Vec<u64> = (0..MATCHES).map(|n| ours(&node, &n.to_string())).collect();
    let mut seqs = vec![0_u32; MATCHES];
    let is_rated = |id: u64| {
        let path = format!("/v1/pricing/matches/{id}");
        eventually("the match is rated", || {
            let book = look(&node, &path);
            if book["parameters"]["model"] == "ratings" { Ok(()) } else { Err(book) }
        });
    };
    ids.iter().copied().for_each(is_rated);
    for round in 0..4 {
        let mut events = Vec::new();
        for (n, seq) in seqs.iter_mut().enumerate() {
            let mut say = |kind: &str, minute: u32| {
                *seq += 1;
                let side = if kind == "clock" || kind == "kickOff" { None } else { Some("home") };
                events.push(json!({"source": "s", "id": n.to_string(), "seq": *seq, "type": kind,
                    "side": side, "minute": minute}));
            };
            if round == 0 {
                say("kickOff", 0);
            }
            let kind = ["goal", "red", "clock", "penalty"][random.below(4) as usize];
            say(kind, round * 8 + 2);
            if random.below(2) == 0 {
                say("clock", round * 8 + 7);
            }
        }
        provider.tell("events", &Value::Array(events));
        let books = |node: &Node| -> Vec<Value> {
            let all = ids.iter().zip(&seqs);
            let book = |(id, seq): (&u64, &u32)| {
                eventually(&format!("match {id} is at event {seq}"), || {
                    let book = look(node, &format!("/v1/pricing/matches/{id}"));
                    if book["event"] == *seq { Ok(book) } else { Err(book["event"].clone()) }
                })
            };
            all.map(book).collect()
        };
        let before = books(&node);
        assert!(before.iter().any(|book| book["status"] == "SUSPENDED"));
        let mut victims: Vec<String> = ids.iter().map(|id| format!("fixture-{id}")).collect();
        victims.extend(["ratings-0".to_owned(), "football".to_owned()]);
        for victim in &victims {
            operator.kill_actor(victim, if random.below(2) == 0 { "kill" } else { "panic" });
        }
        let after = eventually("everybody is back", || {
            let answers = ids.iter().map(|id| get(&node, &format!("/v1/pricing/matches/{id}")));
            let answers: Vec<Answer> = answers.collect();
            match answers.iter().find(|answer| answer.status != 200) {
                None => Ok(answers.iter().map(Answer::json).collect::<Vec<_>>()),
                Some(answer) => Err(answer.text()),
            }
        });
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after, "seed {seed}");
        }
    }
}
