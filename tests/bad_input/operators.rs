//! Operators' requests that are wrong: each a problem document (RFC 9457) that names the field.

use serde_json::{Value, json};

use super::House;
use crate::harness::http::{Answer, HttpClient};

/// A problem document with this status, and this field if there is one to name.
fn check(answer: &Answer, row: &str, status: u16, field: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{row}: {text}");
    let kind = answer.header("content-type").unwrap_or_default();
    assert_eq!(kind, "application/problem+json", "{row}");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{row}: {text}");
    assert!(problem["title"].is_string() && problem["code"].is_string(), "{row}: {text}");
    if !field.is_empty() {
        assert_eq!(problem["field"], field, "{row}: {text}");
    }
}

type Row<'a> = (&'a str, Value, u16, &'a str);

/// Posts each row, (what it is, body, status, field), to one path.
fn hold(house: &mut House, method: &str, path: &str, rows: Vec<Row<'_>>) {
    house.note();
    for (row, body, status, field) in rows {
        let row = format!("{method} {path}, {row}");
        let answer = house.operator.send(method, path, None, Some(&body));
        check(&answer.unwrap_or_else(|error| panic!("{row}: {error}")), &row, status, field);
        house.unharmed(&row);
    }
}

/// An object with one member changed.
fn but(base: &Value, name: &str, value: Value) -> Value {
    let mut body = base.clone();
    body[name] = value;
    body
}

#[test]
fn wrong_users_are_refused() {
    let mut house = House::open("wrong-users");
    house.customer("ann", 10_000);
    let good = json!({"username": "bob", "password": "correct horse", "deposit": "5.00"});
    let user = |name: &str, value: Value| but(&good, name, value);
    let mut rows = vec![
        ("no name", json!({"password": "x"}), 400, "username"),
        ("a name that is taken", user("username", json!("ann")), 409, "username"),
        ("no password", json!({"username": "bob"}), 400, "password"),
        ("another currency", user("currency", json!("USD")), 400, "currency"),
        ("a mail address that is none", user("email", json!("bob")), 400, "email"),
        ("a member that is not known", user("admin", json!(true)), 400, "admin"),
        ("a name that is a number", user("username", json!(7)), 400, "username"),
        ("an empty password", user("password", json!("")), 400, "password"),
        ("a password of 129", user("password", json!("p".repeat(129))), 400, "password"),
    ];
    for name in ["", "a b", "<img onerror=alert(1)>", "a/b", "a\u{0}b", "\u{202e}bob", "../bob"] {
        rows.push((name, user("username", json!(name)), 400, "username"));
    }
    rows.push(("a name of 65", user("username", json!("b".repeat(65))), 400, "username"));
    for amount in ["-1.00", "1.005", "ten", "", "1e5", "NaN", "100000000.01", "9223372036854775807"]
    {
        rows.push((amount, user("deposit", json!(amount)), 400, "deposit"));
    }
    rows.push(("an amount that is a number", user("deposit", json!(5)), 400, "deposit"));
    hold(&mut house, "POST", "/v1/operator/users", rows);
    let nobody = house.operator.send("GET", "/v1/operator/users/bob", None, None).unwrap();
    check(&nobody, "a user who was refused", 404, "");
}

#[test]
fn wrong_amounts_are_refused() {
    let mut house = House::open("wrong-amounts");
    house.customer("ann", 10_000);
    for path in ["/v1/operator/users/ann/deposit", "/v1/operator/users/ann/withdraw"] {
        let amounts =
            ["0.00", "-5.00", "", "5,00", "5.001", "+5", " 5", "0x5", "1e2", "100000000.01"];
        let mut rows: Vec<Row<'_>> =
            amounts.iter().map(|it| (*it, json!({"amount": it}), 400, "amount")).collect();
        rows.push(("none", json!({}), 400, "amount"));
        rows.push(("null", json!({"amount": null}), 400, "amount"));
        rows.push(("a number", json!({"amount": 5}), 400, "amount"));
        rows.push(("one too many", json!({"amount": "1.00", "to": "bob"}), 400, "to"));
        let essay = json!({"amount": "1.00", "reason": "x".repeat(501)});
        rows.push(("an essay", essay, 400, "reason"));
        hold(&mut house, "POST", path, rows);
    }
    let rows = vec![("more than there is", json!({"amount": "100.01"}), 409, "amount")];
    hold(&mut house, "POST", "/v1/operator/users/ann/withdraw", rows);
    let rows = vec![("nobody's money", json!({"amount": "1.00"}), 404, "")];
    hold(&mut house, "POST", "/v1/operator/users/nobody/deposit", rows);
    let rows = vec![
        ("more than all", json!({"discountRate": "101.00"}), 400, "discountRate"),
        ("a status that is none", json!({"status": "GONE"}), 400, "status"),
        ("no limit at all", json!({"exposureLimit": "0.00"}), 400, "exposureLimit"),
        ("a truth that is a word", json!({"selfMatch": "no"}), 400, "selfMatch"),
    ];
    hold(&mut house, "PATCH", "/v1/operator/users/ann", rows);
    assert_eq!(house.operator.wallet("ann").balance, 10_000);
}

#[test]
fn wrong_events_and_markets_are_refused() {
    let mut house = House::open("wrong-markets");
    let event = house.operator.event("Arsenal v Chelsea");
    let good = json!({
        "eventTypeId": "1", "name": "A v B", "countryCode": "GB", "openDate": "2031-05-03T14:00:00Z",
    });
    let made = |name: &str, value: Value| but(&good, name, value);
    let rows = vec![
        ("no sport", made("eventTypeId", Value::Null), 400, "eventTypeId"),
        ("a sport that is a word", made("eventTypeId", json!("football")), 400, "eventTypeId"),
        ("markup", made("name", json!("<img src=x onerror=alert(1)>")), 400, "name"),
        ("a direction that turns", made("name", json!("A \u{202e}v B")), 400, "name"),
        ("ten thousand emoji", made("name", json!("⚽".repeat(10_000))), 400, "name"),
        ("a line end", made("name", json!("A\r\nB")), 400, "name"),
        ("no date", made("openDate", Value::Null), 400, "openDate"),
        ("a date that is none", made("openDate", json!("tomorrow")), 400, "openDate"),
        ("a day that is none", made("openDate", json!("2031-02-30T14:00:00Z")), 400, "openDate"),
        ("a zone that is none", made("timezone", json!("Mars/Olympus")), 400, "timezone"),
        ("a path for a zone", made("timezone", json!("../../etc/passwd")), 400, "timezone"),
        ("a country that is none", made("countryCode", json!("gb")), 400, "countryCode"),
    ];
    hold(&mut house, "POST", "/v1/operator/events", rows);

    let good = json!({
        "eventId": event, "name": "Match Odds", "marketType": "MATCH_ODDS",
        "startTime": "2031-05-03T14:00:00Z", "runners": [{"name": "A"}, {"name": "B"}],
    });
    let made = |name: &str, value: Value| but(&good, name, value);
    let many: Vec<Value> = (0..1_001).map(|n| json!({"name": format!("Runner {n}")})).collect();
    let rows = vec![
        ("no event", made("eventId", Value::Null), 400, "eventId"),
        ("an unknown event", made("eventId", json!("99999999")), 404, ""),
        ("no runners", made("runners", json!([])), 400, "runners"),
        ("runners that are none", made("runners", json!("A, B")), 400, "runners"),
        ("too many runners", made("runners", json!(many)), 400, "runners"),
        (
            "a runner with markup",
            made("runners", json!([{"name": "<b>A</b>"}])),
            400,
            "runners[0].name",
        ),
        (
            "a runner without a name",
            made("runners", json!([{"name": "A"}, {}])),
            400,
            "runners[1].name",
        ),
        ("more winners than runners", made("numberOfWinners", json!(3)), 400, "numberOfWinners"),
        ("winners below zero", made("numberOfWinners", json!(-1)), 400, "numberOfWinners"),
        ("a type that is none", made("bettingType", json!("POKER")), 400, "bettingType"),
        ("more than all commission", made("baseRate", json!("100.01")), 400, "baseRate"),
        ("commission below zero", made("baseRate", json!("-1.00")), 400, "baseRate"),
        ("an endless delay", made("betDelay", json!(601)), 400, "betDelay"),
        ("a delay of half a second", made("betDelay", json!(0.5)), 400, "betDelay"),
        ("what is not built", made("crossMatching", json!(true)), 422, "crossMatching"),
        ("what is not built either", made("crossMatching", json!(true)), 422, "crossMatching"),
        ("lines that are not built", made("bettingType", json!("LINE")), 422, "bettingType"),
    ];
    hold(&mut house, "POST", "/v1/operator/markets", rows);
}

#[test]
fn wrong_acts_on_markets_are_refused() {
    let mut house = House::open("wrong-acts");
    let market = house.market();
    let other = house.operator.market("Leeds v Hull", &["Leeds", "Hull"], &json!({}));
    let path = |act: &str| format!("/v1/operator/markets/{}/{act}", market.id);
    let (a, b) = (market.runners[0], market.runners[1]);
    let rows = vec![
        ("no winners", json!({}), 400, "winners"),
        ("nobody", json!({"winners": []}), 400, "winners"),
        ("another market's runner", json!({"winners": [other.runners[0]]}), 400, "winners"),
        ("twice the same", json!({"winners": [a, a], "deadHeat": true}), 400, "winners"),
        ("two of one without a dead heat", json!({"winners": [a, b]}), 400, "winners"),
        ("a word", json!({"winners": "A"}), 400, "winners"),
        ("a word in a list", json!({"winners": ["A"]}), 400, "winners[0]"),
        ("places that are not built", json!({"winners": [a], "placed": [b]}), 422, "placed"),
    ];
    hold(&mut house, "POST", &path("settle"), rows);
    let rows = vec![("an endless delay", json!({"betDelay": 601}), 400, "betDelay")];
    hold(&mut house, "POST", &path("turn-in-play"), rows);
    for (act, status) in [("open", 409), ("unsettle", 409), ("reopen", 409), ("explode", 404)] {
        hold(&mut house, "POST", &path(act), vec![("now", json!({}), status, "")]);
    }
    let rows = vec![("a word for a truth", json!({"lapse": "yes"}), 400, "lapse")];
    hold(&mut house, "POST", &path("suspend"), rows);
    for id in ["1.999999999", "abc", "2.100000001", "1.", "1.99999999999999999999999999", "%00"] {
        let path = format!("/v1/operator/markets/{id}/suspend");
        hold(&mut house, "POST", &path, vec![("no such market", json!({}), 404, "")]);
    }
    house.operator.settle(&market, &[a]);
    for (act, body) in
        [("settle", json!({"winners": [b]})), ("void", json!({})), ("suspend", json!({}))]
    {
        hold(&mut house, "POST", &path(act), vec![("once it is settled", body, 409, "")]);
    }
}

#[test]
fn wrong_requests_about_the_node_are_refused() {
    let mut house = House::open("wrong-node");
    let kill = "/v1/operator/actors/directory-0/kill";
    let rows = vec![
        ("no mode", json!({"reason": "x"}), 400, "mode"),
        ("a mode that is none", json!({"mode": "nuke", "reason": "x"}), 400, "mode"),
        ("no reason", json!({"mode": "kill"}), 400, "reason"),
    ];
    hold(&mut house, "POST", kill, rows);
    let rows = vec![("nobody", json!({"mode": "kill", "reason": "x"}), 404, "")];
    hold(&mut house, "POST", "/v1/operator/actors/nobody/kill", rows);
    let rows = vec![
        ("no name", json!({"role": "viewer"}), 400, "name"),
        ("a role that is none", json!({"name": "x", "role": "root"}), 400, "role"),
    ];
    hold(&mut house, "POST", "/v1/operator/tokens", rows);
    let rows = vec![
        ("a clock that is the machine's", json!({"advanceMs": 1_000}), 409, ""),
        ("back", json!({"advanceMs": -1}), 400, "advanceMs"),
    ];
    hold(&mut house, "POST", "/v1/operator/clock", rows);
    house.note();
    for (method, path, status) in [
        ("GET", "/v1/operator/nothing", 404),
        ("GET", "/v1/operator/actors/nobody", 404),
        ("GET", "/v1/operator/users/nobody", 404),
        ("GET", "/v1/operator", 404),
        ("DELETE", "/v1/operator/users/ann", 405),
        ("PUT", "/v1/operator/users", 405),
    ] {
        let answer = house.operator.send(method, path, None, None).unwrap();
        check(&answer, path, status, "");
        house.unharmed(path);
    }
}

#[test]
fn a_body_that_is_no_request_is_refused() {
    let mut house = House::open("no-request");
    house.customer("ann", 10_000);
    house.note();
    let token = std::fs::read_to_string(house.node.data.join("operator.token")).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    let deep = format!("{{\"amount\":{}", "[".repeat(60_000));
    let wide: Vec<u8> = "{\"amount\":\"1.00\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows: [(&str, &[u8]); 12] = [
        ("cut", b"{\"amount\":\"1.0"),
        ("a list", b"[{\"amount\":\"1.00\"}]"),
        ("a word", b"\"1.00\""),
        ("twice the same name", b"{\"amount\":\"1.00\",\"amount\":\"2.00\"}"),
        ("something behind", b"{\"amount\":\"1.00\"}x"),
        ("a byte order mark", b"\xef\xbb\xbf{\"amount\":\"1.00\"}"),
        ("UTF-16", &wide),
        ("half a surrogate pair", b"{\"amount\":\"\\ud800\"}"),
        ("bytes that are no UTF-8", b"{\"amount\":\"\xff\"}"),
        ("lists in lists", deep.as_bytes()),
        ("a number beyond doubles", b"{\"amount\":1e309}"),
        ("NaN", b"{\"amount\":NaN}"),
    ];
    let mut http = HttpClient::new(house.node.admin);
    let path = "/v1/operator/users/ann/deposit";
    for (row, body) in rows {
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        check(&http.request("POST", path, &headers, body).unwrap(), row, 400, "");
        house.unharmed(row);
    }
    let good = b"{\"amount\":\"1.00\"}";
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
    {
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", kind)];
        check(&http.request("POST", path, &headers, good).unwrap(), kind, 415, "");
        house.unharmed(kind);
    }
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
        ("Content-Encoding", "gzip"),
    ];
    let answer = HttpClient::new(house.node.admin).request("POST", path, &headers, good).unwrap();
    check(&answer, "gzip", 415, "");
    let big = format!("{{\"amount\":\"1.00\",\"reason\":\"{}\"}}", "x".repeat(70_000));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let answer = HttpClient::new(house.node.admin).request("POST", path, &headers, big.as_bytes());
    check(&answer.unwrap(), "70,000 bytes", 413, "");
    house.unharmed("a big body");
}

#[test]
fn names_are_shown_as_they_were_written() {
    let mut house = House::open("names");
    let names = [
        "O'Neill & \"Sons\" \\ Ltd",
        "javascript:alert(1)",
        "São Paulo ⚽ 横浜",
        "${7*7} {{7*7}} %s",
    ];
    let (mut bettor, _) = house.customer("ann", 10_000);
    for name in names {
        let market = house.operator.market(name, &[name, "The Draw"], &json!({}));
        let asked = json!({"filter": {"marketIds": [market.id]}, "maxResults": 1,
            "marketProjection": ["EVENT", "RUNNER_DESCRIPTION"]});
        let found = bettor.ask("listMarketCatalogue", &asked);
        assert_eq!(found[0]["event"]["name"], name);
        assert_eq!(found[0]["runners"][0]["runnerName"], name);
    }
    let answer = HttpClient::new(house.node.http).request("GET", "/nothing", &[], b"").unwrap();
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}
