//! People come, are written to, bind themselves and go: the native API of the real binary, with the mail that
//! it puts into a folder, killed between any two steps.

use std::fs;

use serde_json::{Value, json};

use super::Evening;
use crate::harness::bettor::limit;
use crate::harness::http::{Answer, HttpClient};
use crate::harness::{Bettor, Launch, eventually, pence};

const PASSWORD: &str = "correct horse";
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// Somebody at the native API.
struct Person {
    http: HttpClient,
    token: Option<String>,
}

impl Person {
    fn of(evening: &Evening) -> Person {
        Person { http: HttpClient::new(evening.node().http), token: None }
    }

    fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_with(method, path, &[], body)
    }

    fn ask_with(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut all = headers.to_vec();
        if let Some(bearer) = &bearer {
            all.push(("Authorization", bearer));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            all.push(("Content-Type", "application/json"));
        }
        self.http.request(method, path, &all, body.as_bytes()).expect("an answer")
    }

    /// The answer to what should go well.
    fn done(&mut self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.ask(method, path, body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// Status, code and field of what should not.
    fn refused(&mut self, method: &str, path: &str, body: Option<&Value>) -> (u16, String, String) {
        let answer = self.ask(method, path, body);
        let kind = answer.header("content-type").map(str::to_owned);
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{}", answer.text());
        let told = answer.json();
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        (answer.status, text("code"), text("field"))
    }

    fn signs_up(&mut self, username: &str, email: &str) {
        let body = json!({ "username": username, "email": email, "password": PASSWORD });
        let answer = self.ask("POST", "/v1/sign-up", Some(&body));
        assert_eq!(answer.status, 202, "{}", answer.text());
    }

    fn logs_in(&mut self, username: &str, password: &str) {
        let body = json!({ "username": username, "password": password });
        let told = self.done("POST", "/v1/login", Some(&body));
        self.token = told["token"].as_str().map(str::to_owned);
    }
}

/// Every letter to an address so far, as it would be read.
fn letters(evening: &Evening, to: &str) -> Vec<String> {
    let Ok(folder) = fs::read_dir(evening.node().data.join("mail")) else { return Vec::new() };
    let paths = folder.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> =
        paths.filter(|it| it.extension().is_some_and(|it| it == "eml")).collect();
    paths.sort_by_key(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        name.split('.').next().and_then(|number| number.parse::<u64>().ok())
    });
    let texts = paths.iter().map(|path| fs::read_to_string(path).expect("a letter"));
    let plain = texts.map(|text| text.replace("=\r\n", "").replace("=3D", "="));
    plain.filter(|text| text.contains(&format!("To: {to}\r\n"))).collect()
}

/// The first letter to an address that says so, once it has come.
fn letter(evening: &Evening, to: &str, says: &str) -> String {
    eventually("the letter comes", || {
        let all = letters(evening, to);
        all.iter().find(|text| text.contains(says)).cloned().ok_or(all)
    })
}

/// What stands behind the link's #.
fn token_in(letter: &str) -> String {
    let (_, behind) = letter.split_once('#').expect("a link");
    behind.chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn with_play_money(story: &str, settings: impl Fn(Launch) -> Launch) -> Evening {
    Evening::with(story, |launch| {
        settings(launch.setting("ACCOUNTS__PLAY_MONEY", "1000.00")).setting("MAIL__RETRY_MS", "100")
    })
}

#[test]
fn somebody_signs_up_bets_is_told_limits_and_excludes_themself_though_the_node_is_killed() {
    let mut evening = with_play_money("people", |launch| launch);
    let to = "zoe@mail.example";
    Person::of(&evening).signs_up("zoe", to);
    evening.kill_and_start();
    let mail = letter(&evening, to, "/confirm#");
    let confirm = json!({ "token": token_in(&mail) });
    let told = Person::of(&evening).done("POST", "/v1/sign-up/confirm", Some(&confirm));
    assert_eq!(told["username"], "zoe");
    evening.kill_and_start();
    let spent = Person::of(&evening).refused("POST", "/v1/sign-up/confirm", Some(&confirm));
    assert_eq!((spent.0, spent.1.as_str()), (410, "link_spent"));

    let mut zoe = Person::of(&evening);
    zoe.logs_in("zoe", PASSWORD);
    let funds = zoe.done("POST", "/v1/account/deposit", Some(&json!({ "amount": "100.00" })));
    assert_eq!(funds["balance"], "100.00");
    zoe.done("PATCH", "/v1/account", Some(&json!({ "mailAboutBets": true })));
    assert_eq!(zoe.done("GET", "/v1/account", None)["mailAboutBets"], true);

    let market = evening.match_odds();
    let path = format!("/v1/markets/{}", market.id);
    let order = json!({
        "selectionId": market.runners[0], "side": "back", "price": "3.00", "size": "10.00",
    });
    let placed = zoe.done("POST", &format!("{path}/orders"), Some(&order));
    assert_eq!((placed["open"].clone(), placed["matched"].clone()), (json!(true), json!("0.00")));
    let bet = placed["betId"].as_str().expect("a bet").to_owned();
    letter(&evening, to, &format!("bet {bet}: 10.00 waits"));
    evening.kill_and_start();
    let app_key = evening.operator().open_account("bob", "a long password", 10_000);
    let mut bob = Bettor::log_in(evening.node(), "bob", "a long password", &app_key);
    bob.bet(&market, limit(market.runners[0], "LAY", 4.0, 3.0));
    letter(&evening, to, &format!("bet {bet}: 4.00 matched at 3"));

    let mut zoe = Person { http: HttpClient::new(evening.node().http), ..zoe };
    let limit = json!({ "kind": "deposit", "window": "day", "amount": "150.00" });
    zoe.done("PUT", "/v1/account/limits", Some(&limit));
    let refused = zoe.refused("POST", "/v1/account/deposit", Some(&json!({ "amount": "50.01" })));
    assert_eq!((refused.0, refused.1.as_str()), (409, "deposit_limit"));
    evening.kill_and_start();
    let mut zoe = Person { http: HttpClient::new(evening.node().http), ..zoe };
    let excluded = zoe.done("POST", "/v1/account/exclusion", Some(&json!({ "days": 7 })));
    assert_eq!(excluded["excluded"], true);
    letter(&evening, to, &format!("bet {bet}: 6.00 cancelled"));
    evening.kill_and_start();
    let mut zoe = Person { http: HttpClient::new(evening.node().http), ..zoe };
    let refused = zoe.refused("POST", &format!("{path}/orders"), Some(&order));
    assert_eq!((refused.0, refused.1.as_str()), (409, "account_state"));
    let refused = zoe.refused("POST", "/v1/account/deposit", Some(&json!({ "amount": "1.00" })));
    assert_eq!((refused.0, refused.1.as_str()), (409, "excluded"));
    let account = zoe.done("GET", "/v1/account", None);
    assert_eq!(pence(&account["exposure"]), 400, "the matched bet stands: {account}");

    // However often the node fell, each letter is one: its name is its Message-ID.
    let all = letters(&evening, to);
    let mut ids: Vec<_> = all.iter().filter_map(|text| text.split("Message-ID: ").nth(1)).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert_eq!(all.iter().filter(|text| text.contains("/confirm#")).count(), 1);
}

#[test]
fn a_late_link_is_refused_and_a_limit_is_raised_after_a_day() {
    let mut evening = with_play_money("late", Launch::manual_clock);
    let mut zoe = Person::of(&evening);
    zoe.signs_up("zoe", "zoe@mail.example");
    let late = json!({ "token": token_in(&letter(&evening, "zoe@mail.example", "/confirm#")) });
    evening.operator().advance(15 * MINUTE_MS);
    let refused = zoe.refused("POST", "/v1/sign-up/confirm", Some(&late));
    assert_eq!((refused.0, refused.1.as_str()), (410, "link_spent"));
    // The way on: the name is free again.
    zoe.signs_up("zoe", "zoe2@mail.example");
    let good = json!({ "token": token_in(&letter(&evening, "zoe2@mail.example", "/confirm#")) });
    zoe.done("POST", "/v1/sign-up/confirm", Some(&good));
    zoe.logs_in("zoe", PASSWORD);
    let limit = |amount: &str| json!({ "kind": "deposit", "window": "day", "amount": amount });
    let pays = |zoe: &mut Person, amount: &str| {
        zoe.ask("POST", "/v1/account/deposit", Some(&json!({ "amount": amount }))).status
    };
    zoe.done("PUT", "/v1/account/limits", Some(&limit("10.00")));
    let told = zoe.done("PUT", "/v1/account/limits", Some(&limit("20.00")));
    assert_eq!(told["limits"][0]["amount"], "10.00", "{told}");
    assert_eq!(told["limits"][0]["next"]["amount"], "20.00", "{told}");
    assert_eq!(pays(&mut zoe, "10.01"), 409);
    evening.operator().advance(DAY_MS);
    // A session is over after a day too.
    assert_eq!(zoe.ask("GET", "/v1/account", None).status, 401);
    zoe.token = None;
    zoe.logs_in("zoe", PASSWORD);
    assert_eq!(pays(&mut zoe, "20.00"), 200);
    assert_eq!(pays(&mut zoe, "0.01"), 409);
}

#[test]
fn a_forgotten_password_is_replaced_and_ends_every_session() {
    let evening = with_play_money("reset", |launch| launch);
    let to = "zoe@mail.example";
    let mut zoe = Person::of(&evening);
    zoe.signs_up("zoe", to);
    let token = token_in(&letter(&evening, to, "/confirm#"));
    zoe.done("POST", "/v1/sign-up/confirm", Some(&json!({ "token": token })));
    zoe.logs_in("zoe", PASSWORD);
    let mut stranger = Person::of(&evening);
    for email in ["nobody@mail.example", to] {
        let answer =
            stranger.ask("POST", "/v1/password/forgotten", Some(&json!({ "email": email })));
        assert_eq!((answer.status, answer.body.len()), (202, 0), "the same for everybody");
    }
    let token = token_in(&letter(&evening, to, "/reset#"));
    let short = json!({ "token": token, "password": "short" });
    let refused = stranger.refused("POST", "/v1/password/reset", Some(&short));
    assert_eq!(refused, (400, "bad_password".to_owned(), "password".to_owned()));
    let reset = json!({ "token": token, "password": "another horse" });
    stranger.done("POST", "/v1/password/reset", Some(&reset));
    assert_eq!(stranger.ask("POST", "/v1/password/reset", Some(&reset)).status, 410);
    assert_eq!(zoe.ask("GET", "/v1/account", None).status, 401, "the session has ended");
    zoe.token = None;
    let old = json!({ "username": "zoe", "password": PASSWORD });
    let wrong = zoe.refused("POST", "/v1/login", Some(&old));
    let unknown = json!({ "username": "nobody", "password": PASSWORD });
    assert_eq!(zoe.refused("POST", "/v1/login", Some(&unknown)), wrong, "no oracle");
    assert_eq!(wrong.0, 401);
    zoe.logs_in("zoe", "another horse");
    // A sign-up with their address is answered as any other, and they are told.
    Person::of(&evening).signs_up("mallory", to);
    letter(&evening, to, "You have an account already");
    assert!(letters(&evening, "nobody@mail.example").is_empty());
}

#[test]
fn keys_do_what_they_were_made_for_and_sessions_are_ended_one_by_one() {
    let mut evening = with_play_money("keys", |launch| launch);
    evening.operator().open_account("zoe", PASSWORD, 10_000);
    let market = evening.match_odds();
    let (mut zoe, mut other) = (Person::of(&evening), Person::of(&evening));
    zoe.logs_in("zoe", PASSWORD);
    other.logs_in("zoe", PASSWORD);
    let sessions = zoe.done("GET", "/v1/sessions", None);
    let sessions = sessions["sessions"].as_array().expect("a list").clone();
    assert_eq!(sessions.len(), 2);
    let others = sessions.iter().find(|it| it["current"] == false).expect("the other");
    let path = format!("/v1/sessions/{}", others["id"].as_str().expect("an id"));
    zoe.done("DELETE", &path, None);
    assert_eq!(zoe.ask("DELETE", &path, None).status, 404);
    assert_eq!(other.ask("GET", "/v1/account", None).status, 401);

    let key = |zoe: &mut Person, scopes: &[&str]| {
        let body = json!({ "name": "bot", "scopes": scopes });
        let made = zoe.done("POST", "/v1/api-keys", Some(&body));
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        let bot = Person { http: HttpClient::new(evening.node().http), token: Some(text("key")) };
        (bot, text("id"))
    };
    let (mut reader, _) = key(&mut zoe, &["read"]);
    let (mut better, id) = key(&mut zoe, &["bet", "read"]);
    assert_eq!(reader.done("GET", "/v1/account", None)["balance"], "100.00");
    let order = json!({
        "selectionId": market.runners[0], "side": "back", "price": "3.00", "size": "2.00",
    });
    let orders = format!("/v1/markets/{}/orders", market.id);
    assert_eq!(reader.refused("POST", &orders, Some(&order)).1, "scope_missing");
    assert_eq!(better.refused("GET", "/v1/api-keys", None).1, "forbidden", "no key makes keys");
    let first = better.ask_with("POST", &orders, &[("Idempotency-Key", "one")], Some(&order));
    let again = better.ask_with("POST", &orders, &[("Idempotency-Key", "one")], Some(&order));
    assert_eq!((first.status, first.json()["betId"].clone()), (201, again.json()["betId"].clone()));
    let mut more = order.clone();
    more["size"] = json!("3.00");
    let reused = better.ask_with("POST", &orders, &[("Idempotency-Key", "one")], Some(&more));
    assert_eq!(reused.status, 422, "{}", reused.text());
    assert_eq!(zoe.done("GET", "/v1/account/orders", None)["orders"].as_array().unwrap().len(), 1);
    let cancelled =
        better.done("POST", &format!("/v1/markets/{}/cancel", market.id), Some(&json!({})));
    assert_eq!(cancelled["cancelled"][0]["size"], "2.00", "{cancelled}");
    let keys = zoe.done("GET", "/v1/api-keys", None);
    assert!(
        keys["apiKeys"].as_array().unwrap().iter().all(|key| key["lastUsed"].is_string()),
        "{keys}"
    );
    zoe.done("DELETE", &format!("/v1/api-keys/{id}"), None);
    assert_eq!(better.ask("GET", "/v1/account", None).status, 401);
    assert_eq!(zoe.ask("DELETE", &format!("/v1/api-keys/{id}"), None).status, 404);
    let csv = zoe.ask("GET", "/v1/account/statement.csv", None);
    assert!(csv.text().starts_with("number,at,kind,"), "{}", csv.text());
    assert!(csv.text().contains(",deposit,,,100.00,100.00\r\n"), "{}", csv.text());
}

#[test]
fn what_is_not_understood_is_refused_by_its_name() {
    let mut evening = with_play_money("strict", |launch| launch);
    evening.operator().open_account("zoe", PASSWORD, 10_000);
    let mut zoe = Person::of(&evening);
    zoe.logs_in("zoe", PASSWORD);
    let long = "x".repeat(2_000);
    let sign_up = |name: &str, email: &str, password: &str| json!({ "username": name, "email": email, "password": password });
    let post = "POST";
    let cases = [
        (post, "/v1/account/deposit", json!({ "amount": "1.00", "balance": "9" }), 400, "balance"),
        (post, "/v1/account/deposit", json!({ "amount": 1 }), 400, "amount"),
        (post, "/v1/account/deposit", json!({ "amount": "-1.00" }), 400, "amount"),
        (post, "/v1/account/deposit", json!({ "amount": "1000.01" }), 400, "amount"),
        (post, "/v1/account/deposit", json!({}), 400, "amount"),
        ("PUT", "/v1/account/limits", json!({ "kind": "time", "window": "day" }), 400, "kind"),
        (post, "/v1/account/exclusion", json!({ "days": 0 }), 400, "days"),
        (post, "/v1/api-keys", json!({ "name": "x", "scopes": [] }), 400, "scopes"),
        (post, "/v1/api-keys", json!({ "name": "x", "scopes": ["all"] }), 400, "scopes[0]"),
        (post, "/v1/login", json!({ "username": "zoe", "password": long }), 400, "password"),
        (post, "/v1/sign-up", sign_up("a b", "a@b.example", PASSWORD), 400, "username"),
        (post, "/v1/sign-up", sign_up("ann", "a@b.example\r\nBcc: c@d", PASSWORD), 400, "email"),
        (post, "/v1/sign-up", sign_up("ann", "a@b,c@d", PASSWORD), 400, "email"),
        (post, "/v1/sign-up", sign_up("ann", "a@b.example", "short"), 400, "password"),
        (post, "/v1/sign-up", sign_up("Zoe", "a@b.example", PASSWORD), 409, "username"),
    ];
    for (method, path, body, status, field) in cases {
        let refused = zoe.refused(method, path, Some(&body));
        assert_eq!(
            (refused.0, refused.2.as_str()),
            (status, field),
            "{path} {body}: {}",
            refused.1
        );
    }
    let form = zoe.http.request("POST", "/v1/login", &[], b"username=zoe").expect("an answer");
    assert_eq!(form.status, 415);
    assert_eq!(zoe.ask("GET", "/v1/account?x=1", None).status, 400);
    assert_eq!(zoe.ask("GET", "/v1/nothing", None).status, 404);
    assert_eq!(zoe.ask("DELETE", "/v1/account", None).status, 405);
    let key = json!({ "amount": "1.00" });
    for (bad, status) in [("", 400), ("a b", 400), (&"k".repeat(65), 400), ("good", 200)] {
        let answer =
            zoe.ask_with("POST", "/v1/account/deposit", &[("Idempotency-Key", bad)], Some(&key));
        assert_eq!(answer.status, status, "{bad:?}: {}", answer.text());
    }
    let again =
        zoe.ask_with("POST", "/v1/account/deposit", &[("Idempotency-Key", "good")], Some(&key));
    assert_eq!(again.json()["balance"], "101.00", "once");
    let other = json!({ "amount": "2.00" });
    let reused =
        zoe.ask_with("POST", "/v1/account/deposit", &[("Idempotency-Key", "good")], Some(&other));
    assert_eq!(reused.status, 422, "{}", reused.text());
}

#[test]
fn a_cookie_changes_something_only_from_the_nodes_own_pages() {
    let mut evening = with_play_money("cookie", |launch| launch);
    evening.operator().open_account("zoe", PASSWORD, 10_000);
    let host = evening.node().http.to_string();
    let mut browser = Person::of(&evening);
    let body = json!({ "username": "zoe", "password": PASSWORD });
    let foreign = [("Origin", "http://evil.example")];
    assert_eq!(browser.ask_with("POST", "/v1/login", &foreign, Some(&body)).status, 403);
    let logged_in = browser.ask("POST", "/v1/login", Some(&body));
    let cookie = logged_in.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let brought = ("Cookie", cookie.as_str());
    assert_eq!(browser.ask_with("GET", "/v1/account", &[brought], None).status, 200);
    let pay = json!({ "amount": "1.00" });
    let own = format!("http://{host}");
    for (origin, status) in [
        (None, 403),
        (Some("http://evil.example"), 403),
        (Some("null"), 403),
        (Some(own.as_str()), 200),
    ] {
        let mut headers = vec![brought];
        headers.extend(origin.map(|origin| ("Origin", origin)));
        let answer = browser.ask_with("POST", "/v1/account/deposit", &headers, Some(&pay));
        assert_eq!(answer.status, status, "{origin:?}: {}", answer.text());
    }
    let mut headers = vec![brought, ("Origin", own.as_str())];
    let out = browser.ask_with("POST", "/v1/logout", &headers, None);
    assert_eq!(out.status, 204, "{}", out.text());
    headers.pop();
    assert_eq!(browser.ask_with("GET", "/v1/account", &headers, None).status, 401);
}

#[test]
fn guessing_slows_down_and_says_when_to_come_back() {
    let mut evening = with_play_money("guesses", |launch| launch);
    evening.operator().open_account("zoe", PASSWORD, 10_000);
    let mut mallory = Person::of(&evening);
    let mut limited = None;
    for number in 0..40 {
        let body = json!({ "username": format!("user{number}"), "password": "wrong horse" });
        let answer = mallory.ask("POST", "/v1/login", Some(&body));
        if answer.status == 429 {
            limited = Some((number, answer));
            break;
        }
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    let (tries, answer) = limited.expect("one address guesses at many names only so often");
    assert!(tries >= 10, "after {tries}");
    let after: u64 = answer.header("retry-after").expect("when").parse().expect("seconds");
    assert!((1..=60).contains(&after));
}

#[test]
fn every_route_of_the_document_is_served_and_needs_what_it_says() {
    let mut evening = with_play_money("document", |launch| launch);
    let market = evening.match_odds();
    let mut stranger = Person::of(&evening);
    let document = stranger.done("GET", "/openapi.json", None);
    assert_eq!(document["openapi"], "3.1.0");
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            routes += 1;
            let real = path.replace("{id}", &market.id);
            let wants_key = !operation["security"].as_array().expect("a list").is_empty();
            let body = (method != "get").then(|| json!({}));
            let answer = stranger.ask(&method.to_uppercase(), &real, body.as_ref());
            let told = operation["responses"].get(answer.status.to_string()).is_some();
            assert!(
                told,
                "{method} {path} answers {} unannounced: {}",
                answer.status,
                answer.text()
            );
            assert_eq!(answer.status == 401, wants_key, "{method} {path}: {}", answer.text());
            assert!(answer.header("x-request-id").is_some());
        }
    }
    assert!(routes > 20);
    let streams = stranger.done("GET", "/asyncapi.json", None);
    for (_, channel) in streams["channels"].as_object().expect("channels") {
        let path = channel["address"].as_str().expect("a path");
        // Not asked for as a WebSocket it is refused, and is there all the same.
        let headers = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut socket = HttpClient::new(evening.node().http);
        let answer = socket.request("GET", path, &headers, b"").expect("an answer");
        assert_eq!(answer.status, 101, "{path}");
    }
    let pages = ["/account", "/confirm", "/reset", "/account/account.js", "/account/style.css"];
    for page in ["/try", "/try.js", "/plain.css"].iter().chain(&pages) {
        assert_eq!(stranger.ask("GET", page, None).status, 200, "{page}");
    }
    for page in pages {
        let answer = stranger.ask("GET", page, None);
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'"), "{page}: {policy}");
    }
    assert_eq!(stranger.ask("GET", "/account/console.png", None).status, 404);
}
