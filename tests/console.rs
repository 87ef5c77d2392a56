//! The console's half that is no page: signing in, watching, the past, why, and what strangers get.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::http::{Answer, HttpClient};
use crate::harness::{Bettor, Launch, Node, Operator, Scratch, eventually};

const API: &str = "/v1/operator";

/// A browser: a cookie, and the headers that browsers send by themselves.
struct Browser {
    http: HttpClient,
    cookie: String,
    origin: String,
}

impl Browser {
    fn open(node: &Node, url: &str) -> Result<Browser, Answer> {
        let mut http = HttpClient::new(node.admin);
        let path = &url[url.find("/console/").expect("a console link")..];
        let answer = http.request("GET", path, &[], b"").unwrap();
        let Some(cookie) = answer.header("set-cookie") else { return Err(answer) };
        for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(word), "{cookie}");
        }
        assert_eq!((answer.status, answer.header("location")), (303, Some("/console/")));
        let cookie = cookie.split(';').next().expect("a first part").to_owned();
        Ok(Browser { http, cookie, origin: format!("http://{}", node.admin) })
    }

    fn send(&mut self, method: &str, path: &str, site: &str, body: Option<&Value>) -> Answer {
        let (cookie, origin) = (self.cookie.clone(), self.origin.clone());
        let mut headers =
            vec![("Cookie", &*cookie), ("Origin", &*origin), ("Sec-Fetch-Site", site)];
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.http.request(method, &format!("{API}/{path}"), &headers, &body).unwrap()
    }

    fn get(&mut self, path: &str) -> Value {
        let answer = self.send("GET", path, "same-origin", None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }
}

fn link(operator: &mut Operator, role: &str) -> String {
    let link = operator.post("/v1/operator/links", &json!({ "name": "night shift", "role": role }));
    link["url"].as_str().expect("a link").to_owned()
}

#[test]
fn a_link_lets_one_browser_in_once_with_its_role_and_no_more() {
    let scratch = Scratch::new("console-link");
    let node = Launch::new(&scratch).start();
    let mut operator = Operator::of(&node);
    let url = link(&mut operator, "viewer");
    let mut viewer = Browser::open(&node, &url).expect("the link is fresh");
    assert_eq!(viewer.get("me"), json!({ "name": "night shift", "role": "viewer" }));
    let again = Browser::open(&node, &url).err().expect("it is spent");
    assert_eq!(again.status, 410);
    assert!(again.text().contains("laybook link"), "{}", again.text());

    let kill = json!({ "mode": "kill", "reason": "because" });
    let refused = viewer.send("POST", "actors/home/kill", "same-origin", Some(&kill));
    assert_eq!(refused.status, 403, "{}", refused.text());
    let url = link(&mut operator, "operator");
    let mut hand = Browser::open(&node, &url).expect("the link is fresh");
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("none", 403)] {
        let answer = hand.send("POST", "actors/home/kill", site, Some(&kill));
        assert_eq!(answer.status, status, "{site}");
        assert!(!answer.text().contains("home"), "nothing is told: {}", answer.text());
    }
    hand.origin = "http://elsewhere.example".to_owned();
    let answer = hand.send("POST", "actors/home/kill", "same-origin", Some(&kill));
    assert_eq!(answer.status, 403, "a foreign origin");
    hand.origin = format!("http://{}", node.admin);
    let asked = json!({ "name": "me", "role": "admin" });
    let answer = hand.send("POST", "links", "same-origin", Some(&asked));
    assert_eq!(answer.status, 403, "links are an admin's to make");
    let answer = hand.send("POST", "actors/catalogue/kill", "same-origin", Some(&kill));
    assert_eq!(answer.status, 202, "{}", answer.text());

    let gone = hand.send("DELETE", "session", "same-origin", None);
    assert_eq!(gone.status, 204);
    assert_eq!(hand.send("GET", "me", "same-origin", None).status, 401);
    let mut stranger = HttpClient::new(node.admin);
    for path in ["me", "children", "search?q=a", "live", "actors/home", "why/home", "nothing"] {
        let answer = stranger.request("GET", &format!("{API}/{path}"), &[], b"").unwrap();
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.json().get("detail").is_none(), "{path}: {}", answer.text());
    }
}

#[test]
fn the_pages_are_served_with_tags_and_a_strict_policy() {
    let scratch = Scratch::new("console-pages");
    let node = Launch::new(&scratch).start();
    let mut http = HttpClient::new(node.admin);
    let root = http.request("GET", "/", &[], b"").unwrap();
    assert_eq!((root.status, root.header("location")), (303, Some("/console/")));
    let page = http.request("GET", "/console/", &[], b"").unwrap();
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let tag = page.header("etag").expect("a tag").to_owned();
    let known = http.request("GET", "/console/", &[("If-None-Match", &tag)], b"").unwrap();
    assert_eq!((known.status, known.body.len()), (304, 0));
    let view = http.request("GET", "/console/tree", &[], b"").unwrap();
    assert_eq!(view.header("etag"), Some(&*tag), "a view's address is the page's");
    assert_eq!(http.request("GET", "/console/nothing.js", &[], b"").unwrap().status, 404);
    let sign_in = |http: &mut HttpClient, token: &str| {
        let body = json!({ "token": token }).to_string();
        let json = [("Content-Type", "application/json")];
        http.request("POST", "/v1/operator/session", &json, body.as_bytes()).unwrap()
    };
    let token = std::fs::read_to_string(node.data.join("operator.token")).unwrap();
    let good = sign_in(&mut http, token.trim());
    assert_eq!(good.status, 204, "{}", good.text());
    assert!(good.header("set-cookie").is_some());
    let bad = sign_in(&mut http, "made up");
    assert_eq!((bad.status, bad.header("set-cookie")), (401, None));
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let form = http.request("POST", "/v1/operator/session", &form, b"token=x").unwrap();
    assert_eq!(form.status, 415, "a form of another site cannot sign anybody in");
}

/// A node with a market that was bet on.
fn busy(scratch: &Scratch) -> (Node, Operator, String) {
    let node = Launch::new(scratch).start();
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("ann", "a long password", 1_000_000);
    let mut ann = Bettor::log_in(&node, "ann", "a long password", &app_key);
    let market = operator.match_odds("Leeds", "York");
    for _ in 0..60 {
        ann.back(&market, 0, 2.0, 3.0);
    }
    let id = format!("market-{}", market.id);
    // Acknowledgements are records too.
    eventually("nothing is under way", || {
        let seen = operator.observe(&id);
        if seen["state"]["accountsToHear"] == 0 { Ok(()) } else { Err(seen) }
    });
    (node, operator, id)
}

fn flat(line: &Value, out: &mut Vec<(String, String, u64)>) {
    let text = |key: &str| line[key].as_str().expect("a word").to_owned();
    out.push((text("id"), text("status"), 0));
    for child in line["children"].as_array().expect("a list") {
        flat(child, out);
    }
}

/// Everybody below a supervisor, as the fold of the events has it.
fn rows(operator: &mut Operator, path: &str, of: &str, out: &mut Vec<(String, String, u64)>) {
    let page = operator.get(&format!("{API}/{path}of={of}&limit=1000"));
    for row in page["children"].as_array().expect("a list") {
        let text = |key: &str| row[key].as_str().expect("a word").to_owned();
        out.push((text("id"), text("status"), 0));
        if row["childCount"].as_u64() > Some(0) {
            rows(operator, path, &text("id"), out);
        }
    }
}

/// Somebody is ended and serves again.
fn fell(operator: &mut Operator, id: &str, mode: &str) -> Value {
    let asked = json!({ "mode": mode, "reason": "to see it heal" });
    let act = operator.post(&format!("{API}/actors/{id}/kill"), &asked);
    let seq = act["actSeq"].as_u64().expect("a number");
    eventually(&format!("{id} has healed from {mode}"), || {
        let card = operator.get(&format!("{API}/recoveries/{seq}"));
        if card["done"] == true { Ok(card) } else { Err(card) }
    })
}

#[test]
fn the_tree_that_events_tell_of_is_the_tree_that_runs_also_behind_deaths() {
    let scratch = Scratch::new("console-fold");
    let (_node, mut operator, market) = busy(&scratch);
    let check = |operator: &mut Operator, when: &str| {
        eventually(&format!("the two trees agree {when}"), || {
            let mut walked = Vec::new();
            flat(&operator.get(&format!("{API}/tree")), &mut walked);
            let mut told = vec![("laybook".to_owned(), "running".to_owned(), 0)];
            rows(operator, "children?", "laybook", &mut told);
            walked.sort();
            told.sort();
            if walked == told { Ok(()) } else { Err((walked, told)) }
        });
    };
    check(&mut operator, "at first");
    for (id, mode) in [(&*market, "kill"), ("journal-0", "panic"), ("home", "kill")] {
        fell(&mut operator, id, mode);
        check(&mut operator, mode);
    }
    // The past: the tree behind any event is what the events up to it add up to, and the present is the last.
    eventually("the tree behind the last event is the present one", || {
        let last = operator.get(&format!("{API}/history"))["lastSeq"].as_u64().expect("a number");
        let (mut now, mut then) = (Vec::new(), Vec::new());
        rows(&mut operator, "children?", "laybook", &mut now);
        rows(&mut operator, &format!("history/tree?seq={last}&"), "laybook", &mut then);
        now.sort();
        then.sort();
        if now == then { Ok(()) } else { Err((now, then)) }
    });
    let first = operator.get(&format!("{API}/history/tree?seq=1"));
    assert_eq!(first["total"], 0, "{first}");
}

#[test]
fn who_pulls_the_plug_is_told_why_it_fell_and_that_nothing_was_lost() {
    let scratch = Scratch::new("console-why");
    let (_node, mut operator, market) = busy(&scratch);
    let radius = operator.post(
        &format!("{API}/actors/journal-0/kill?dryRun=true"),
        &json!({ "mode": "kill", "reason": "only asking" }),
    );
    assert_eq!(radius["restarts"]["market"], 1, "{radius}");
    assert_eq!(radius["suspends"], json!([market]), "nobody serves it meanwhile");
    for mode in ["kill", "panic"] {
        let card = fell(&mut operator, &market, mode);
        println!("{card}");
        assert_eq!(card["acknowledgedLost"], 0, "{card}");
        assert_eq!(card["same"], true, "{card}");
        assert_eq!((&card["mode"], &card["operator"]), (&mode.into(), &"operator".into()));
        assert!(card["servingMs"].as_u64() >= card["detectedMs"].as_u64(), "{card}");

        let why = operator.get(&format!("{API}/why/{market}"));
        let death = &why["deaths"][0];
        assert_eq!(why["kind"], "market");
        assert_eq!(death["kind"], if mode == "kill" { "killed" } else { "panic" }, "{death}");
        assert_eq!(death["operator"]["reason"], "to see it heal");
        let last = death["lastMessages"].as_array().expect("a list");
        assert!(!last.is_empty(), "{death}");
        assert!(death["mailboxAtDeath"].is_u64() && death["budget"]["of"].is_u64(), "{death}");
        assert!(death["served"]["replayed"].is_u64(), "{death}");
        if mode == "panic" {
            assert_eq!(death["inHand"]["message"], "panic", "{death}");
            assert!(death["location"].as_str().is_some_and(|at| at.contains("shell.rs")));
            assert!(death["backtrace"].as_str().is_some_and(|trace| trace.len() > 100));
        }
    }
    fell(&mut operator, "directory-0", "kill");
    let why = operator.get(&format!("{API}/why/directory-0"));
    let with = why["deaths"][0]["fellWith"].to_string();
    assert!(with.contains("board-0") && with.contains("home"), "{why}");
    assert!(!with.contains("journal-0"), "what was started before goes on: {why}");

    let audit = operator.get(&format!("{API}/audit"));
    let acts: Vec<&str> =
        audit["entries"].as_array().unwrap().iter().filter_map(|it| it["act"].as_str()).collect();
    assert_eq!(acts[..3], ["kill", "panic", "kill"], "{audit}");
    assert!(acts.contains(&"create"), "making a user is in it: {audit}");
    assert_eq!(operator.ledger().difference, 0);
}

#[test]
fn a_kill_of_somebody_gone_says_what_was_there_last() {
    let scratch = Scratch::new("console-gone");
    let node = Launch::new(&scratch).idle_after_ms(200).start();
    let mut operator = Operator::of(&node);
    let market = operator.match_odds("Leeds", "York");
    let id = format!("market-{}", market.id);
    let asked = json!({ "mode": "kill", "reason": "too late" });
    let problem = eventually("it has gone to sleep", || {
        let path = format!("{API}/actors/{id}/kill?dryRun=true");
        let answer = operator.send("POST", &path, None, Some(&asked)).unwrap();
        if answer.status == 404 { Ok(answer.json()) } else { Err(answer.text()) }
    });
    assert_eq!(problem["lastKnown"]["kind"], "market", "{problem}");
    assert_eq!(problem["lastKnown"]["path"][0], "laybook", "{problem}");
    let nobody = operator.send("GET", &format!("{API}/actors/nobody"), None, None).unwrap();
    assert_eq!(nobody.status, 404);
    assert!(nobody.json().get("lastKnown").is_none());
}

#[test]
fn an_actor_shows_its_book_and_names_are_text_whatever_they_hold() {
    let scratch = Scratch::new("console-actor");
    let (_node, mut operator, market) = busy(&scratch);
    let seen = operator.get(&format!("{API}/actors/{market}"));
    assert_eq!(seen["row"]["label"], "Leeds v York · Match Odds", "{seen}");
    assert_eq!(seen["path"][0], "laybook");
    let runner = &seen["state"]["ladder"]["runners"][0];
    assert_eq!(runner["name"], "Leeds", "{seen}");
    assert!(runner["lay"].to_string().contains("120.00"), "60 bets of 2.00 at 3.0: {runner}");
    for text in ["leeds", "market-1", "ann", "york"] {
        let found = operator.get(&format!("{API}/search?q={text}"));
        let rows = found["rows"].as_array().expect("a list");
        assert!(!rows.is_empty(), "{text}: {found}");
        assert!(rows[0]["path"].as_array().is_some_and(|path| path.len() > 1), "{found}");
    }
    let bad = ["%3Cscript%3E", "%E2%80%AE", &"%F0%9F%98%80".repeat(300), "%00", "a%2Fb", "%zz", ""];
    for text in bad {
        let found = operator.get(&format!("{API}/search?q={text}"));
        assert_eq!(found["total"], 0, "{text}");
        let answer = operator.send("GET", &format!("{API}/actors/{text}"), None, None).unwrap();
        assert_eq!(answer.status, 404, "{text}: {}", answer.text());
    }
    for path in ["history/tree", "history/tree?at=soon", "history/ticks?from=9&to=1"] {
        let answer = operator.send("GET", &format!("{API}/{path}"), None, None).unwrap();
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    }
    let overview = operator.get(&format!("{API}/overview"));
    assert_eq!((&overview["healthy"], &overview["ready"]), (&true.into(), &true.into()));
    assert!(overview["actors"].as_u64() > Some(5), "{overview}");
    let journal = operator.get(&format!("{API}/journal"));
    assert!(journal["partitions"][0]["segments"].as_array().is_some_and(|it| !it.is_empty()));
    let filter = json!({ "filter": "laybook=debug" });
    assert_eq!(operator.ask("PUT", &format!("{API}/log-level"), Some(&filter)), filter);
    let bad = json!({ "filter": "nonsense=[" });
    let answer = operator.send("PUT", &format!("{API}/log-level"), None, Some(&bad)).unwrap();
    assert_eq!(answer.status, 400, "{}", answer.text());
}

/// Reads the live stream until an event of this name has this in it, and says how long that took.
fn told_live(node: &Node, operator_cookie: &str, query: &str, act: impl FnOnce()) -> Duration {
    let mut stream = TcpStream::connect(node.admin).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(
        stream,
        "GET {API}/live?{query} HTTP/1.1\r\nHost: {}\r\nCookie: {operator_cookie}\r\n\r\n",
        node.admin
    )
    .unwrap();
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("the stream goes on"));
    let head = lines.next().expect("a head");
    assert!(head.contains("200"), "{head}");
    assert!(lines.any(|line| line == "event: rows"), "it begins with the rows");
    assert!(lines.any(|line| line == "event: pulse"), "and a pulse");
    let begun = Instant::now();
    act();
    let is_exit = |line: &String| line.starts_with("data: ") && line.contains("\"exited\"");
    assert!(lines.any(|line| is_exit(&line)), "the stream ended");
    begun.elapsed()
}

#[test]
fn a_watching_console_is_told_of_a_kill_at_once() {
    let scratch = Scratch::new("console-live");
    let (node, mut operator, market) = busy(&scratch);
    let url = link(&mut operator, "viewer");
    let cookie = Browser::open(&node, &url).expect("the link is fresh").cookie;
    let took = told_live(&node, &cookie, "open=laybook,markets-0~0~50", || {
        operator.kill_actor(&market, "kill");
    });
    println!("told {took:?} after the kill was asked for");
    assert!(node.stop().success(), "an open stream does not hold up the end");
}

#[test]
fn text_twins_say_what_the_api_says() {
    let scratch = Scratch::new("console-twins");
    let (node, mut operator, market) = busy(&scratch);
    operator.kill_actor(&market, "panic");
    eventually("it is told", || {
        let why = operator.get(&format!("{API}/why/{market}"));
        if why["deaths"][0]["served"]["replayed"].is_u64() { Ok(()) } else { Err(why) }
    });
    let admin = node.admin.to_string();
    let token = node.data.join("operator.token");
    let twin = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_laybook"));
        command.args(words).args(["--admin", &admin]).arg("--token-file").arg(&token);
        let output = command.output().expect("it runs");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let read = |text: String| serde_json::from_str::<Value>(&text).expect("JSON");
    let why = read(twin(&["why", &market, "--json"]));
    assert_eq!(why, operator.get(&format!("{API}/why/{market}?limit=5")));
    assert!(twin(&["why", &market]).contains("asked to panic"));
    let tree = read(twin(&["tree", "--json"]));
    let ids = |tree: &Value| {
        let mut rows = Vec::new();
        flat(tree, &mut rows);
        rows
    };
    assert_eq!(ids(&tree), ids(&operator.get(&format!("{API}/tree"))));
    let dot = twin(&["tree", "--dot"]);
    assert!(dot.starts_with("digraph") && dot.contains(&format!("\"{market}\"")), "{dot}");
    let top = read(twin(&["top", "--json", "--sort", "mailbox", "--limit", "500"]));
    assert_eq!(top["actors"], operator.get(&format!("{API}/top"))["actors"]);
    assert!(twin(&["top", "--once"]).contains("msg/s"));
    let lints = read(twin(&["lints", "--json"]));
    assert!(lints["lints"].is_array(), "{lints}");
    twin(&["lints"]);
    let url = twin(&["link", "--role", "viewer"]);
    assert!(Browser::open(&node, url.trim()).is_ok(), "{url}");
    let events = twin(&["events", "--json"]);
    assert_eq!(events.lines().count() as u64, operator.get(&format!("{API}/history"))["lastSeq"]);
}

#[test]
fn an_order_is_followed_from_door_to_stream_and_its_twin_says_the_same() {
    let scratch = Scratch::new("console-follow");
    let node = Launch::new(&scratch).start();
    let mut operator = Operator::of(&node);
    // Asking turns the counting on.
    operator.get(&format!("{API}/flow"));
    let app_key = operator.open_account("ann", "a long password", 1_000_000);
    let mut ann = Bettor::log_in(&node, "ann", "a long password", &app_key);
    let market = operator.match_odds("Leeds", "York");
    let (bet, _) = ann.back(&market, 0, 2.0, 3.0);
    let way = eventually("its way is known", || {
        let answer = operator.send("GET", &format!("{API}/follow/{bet}"), None, None).unwrap();
        let way = answer.json();
        let steps = way["steps"].as_array().map_or(0, Vec::len);
        if steps >= 7 { Ok(way) } else { Err(way) }
    });
    assert_eq!(way["marketId"], market.id, "{way}");
    let steps = way["steps"].as_array().expect("a list");
    for to in ["session", "account", "market", "journal", "stream", "door"] {
        assert!(steps.iter().any(|step| step["to"] == to), "{to}: {way}");
    }
    let times: Vec<u64> = steps.iter().filter_map(|step| step["atUs"].as_u64()).collect();
    assert!(times.is_sorted(), "{way}");
    let flow = operator.get(&format!("{API}/flow"));
    let edges = flow["edges"].as_array().expect("a list");
    println!("{flow}");
    assert!(edges.iter().all(|edge| edge["perS"].as_f64() > Some(0.0)), "{flow}");
    let output = Command::new(env!("CARGO_BIN_EXE_laybook"))
        .args(["follow", &bet, "--json", "--admin", &node.admin.to_string(), "--token-file"])
        .arg(node.data.join("operator.token"))
        .output()
        .expect("it runs");
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).expect("JSON"), way);
    let unknown = operator.send("GET", &format!("{API}/follow/12345"), None, None).unwrap();
    assert_eq!(unknown.status, 404);
}

/// Names of figures in a text: `laybook_` and what follows.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let found = text.match_indices("laybook_").map(|(at, _)| {
        let rest = &text[at..];
        rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())].to_owned()
    });
    found.collect()
}

#[test]
fn every_figure_of_the_dashboard_and_the_alerts_is_there_and_in_the_readme() {
    let scratch = Scratch::new("console-metrics");
    let (node, _operator, _) = busy(&scratch);
    let mut http = HttpClient::new(node.admin);
    let answer = http.request("GET", "/metrics", &[], b"").unwrap();
    let told: BTreeSet<String> =
        answer.text().lines().filter(|line| !line.starts_with('#')).flat_map(metrics_in).collect();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = metrics_in(&std::fs::read_to_string(root.join("README.md")).unwrap());
    for file in ["config/grafana-dashboard.json", "config/prometheus-alerts.yaml"] {
        let named = metrics_in(&std::fs::read_to_string(root.join(file)).unwrap());
        assert!(named.len() > 5, "{file}: {named:?}");
        let missing: Vec<_> = named.difference(&told).collect();
        assert!(missing.is_empty(), "{file} names what is not told: {missing:?}");
    }
    let unnamed: Vec<_> = told.difference(&readme).collect();
    assert!(unnamed.is_empty(), "README leaves out {unnamed:?}");
}

#[test]
fn who_is_awake_is_found_by_name_among_hundreds_of_the_same_name_who_sleep() {
    let scratch = Scratch::new("console-asleep");
    let node = Launch::new(&scratch).idle_after_ms(200).start();
    let mut operator = Operator::of(&node);
    // More than a search shows, and they come first.
    for _ in 0..220 {
        operator.match_odds("Leeds", "York");
    }
    let last = operator.match_odds("Leeds", "York");
    let id = format!("market-{}", last.id);
    let rows = eventually("it is found, and hardly anybody else", || {
        operator.act(&last, "suspend", &json!({ "lapse": false }));
        let found = operator.get(&format!("{API}/search?q=leeds"));
        let rows = found["rows"].as_array().expect("a list").clone();
        let is_found = rows.iter().any(|row| row["id"] == id);
        if is_found && rows.len() < 100 { Ok(rows) } else { Err(rows.len()) }
    });
    assert!(rows.iter().all(|row| row["label"] == "Leeds v York · Match Odds"), "{rows:?}");
}
