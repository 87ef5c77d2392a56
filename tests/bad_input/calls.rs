//! Bodies, headers and logins that are wrong, at the Betfair-compatible door.

use serde_json::{Value, json};

use super::{House, PASSWORD};
use crate::harness::Bettor;
use crate::harness::http::{Answer, HttpClient};

const BETTING: &str = "/exchange/betting/json-rpc/v1";
const ACCOUNT: &str = "/exchange/account/json-rpc/v1";
const LIST: &str = r#""method":"SportsAPING/v1.0/listEventTypes","params":{"filter":{}}"#;

fn post(house: &House, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let answer = HttpClient::new(house.node.http).request("POST", path, headers, body);
    answer.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A body that no call can be read from: HTTP 400 with the framework's own error.
fn refuse_body(house: &mut House, row: &str, body: &[u8], code: i64, message: &str) {
    let answer = post(house, BETTING, &[("Content-Type", "application/json")], body);
    assert_eq!(answer.status, 400, "{row}: {}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!((&error["code"], &error["message"]), (&json!(code), &json!(message)), "{row}");
    house.unharmed(row);
}

#[test]
fn a_body_that_is_no_call_is_refused() {
    let mut house = House::open("no-call");
    house.note();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = "{\"a\":".repeat(100_000);
    let call = format!("{{{LIST},\"id\":1}}");
    let trailing = format!("{call}x");
    let two = format!("{call}{call}");
    let byte_order_mark = format!("\u{feff}{call}");
    let wide: Vec<u8> = call.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows: [(&str, &[u8]); 17] = [
        ("empty", b""),
        ("blank", b"  \r\n"),
        ("a word", b"hello"),
        ("a number", b"7"),
        ("cut", b"{\"jsonrpc\":\"2.0\",\"meth"),
        ("lists in lists", deep.as_bytes()),
        ("objects in objects", deep_object.as_bytes()),
        ("something behind", trailing.as_bytes()),
        ("two calls without a list", two.as_bytes()),
        ("a byte order mark", byte_order_mark.as_bytes()),
        ("UTF-16", &wide),
        ("half a surrogate pair", br#"{"method":"\ud800"}"#),
        ("bytes that are no UTF-8", b"{\"method\":\"\xff\xfe\"}"),
        ("a number beyond doubles", br#"{"method":"x","params":{"a":1e309},"id":1}"#),
        ("NaN", br#"{"method":"x","params":{"a":NaN},"id":1}"#),
        ("a comment", b"{/* hello */}"),
        ("NUL", b"\0\0\0\0"),
    ];
    for (row, body) in rows {
        refuse_body(&mut house, row, body, -32700, "DSC-0044");
    }
    refuse_body(&mut house, "no calls", b"[]", -32600, "DSC-0031");
}

#[test]
fn one_wrong_call_of_a_batch_does_not_spoil_the_others() {
    let mut house = House::open("batch");
    let (mut bettor, app_key) = house.customer("ann", 10_000);
    let token = house.token("ann", &app_key);
    house.note();
    let body = format!(
        r#"[{{{LIST},"id":1}},{{"method":"SportsAPING/v1.0/fly","params":{{}},"id":2}},
        {{"method":"AccountAPING/v1.0/getAccountFunds","params":{{}},"id":3}},{{"id":4}},
        {{"method":"SportsAPING/v1.0/listEventTypes","params":"all","id":5}},7]"#
    );
    let headers = [("X-Application", app_key.as_str()), ("X-Authentication", token.as_str())];
    let answer = post(&house, BETTING, &headers, body.as_bytes());
    assert_eq!(answer.status, 200);
    let answers = answer.json();
    let of = |id: Value| {
        let mut all = answers.as_array().expect("a list").iter();
        all.find(|it| it["id"] == id)
            .unwrap_or_else(|| panic!("no answer to {id}: {answers}"))
            .clone()
    };
    assert!(of(json!(1))["result"].is_array(), "{answers}");
    assert_eq!(of(json!(2))["error"]["code"], -32601);
    assert_eq!(of(json!(3))["error"]["code"], -32601, "an account's method on the betting path");
    assert_eq!(of(json!(4))["error"]["code"], -32600);
    assert_eq!(of(json!(5))["error"]["code"], -32602);
    assert_eq!(of(Value::Null)["error"]["code"], -32600);
    house.unharmed("a batch");
    bettor.ask("listEventTypes", &json!({"filter": {}}));
}

#[test]
fn who_does_not_say_who_they_are_is_refused() {
    let mut house = House::open("credentials");
    let (_, app_key) = house.customer("ann", 10_000);
    let (_, other_key) = house.customer("bob", 10_000);
    let token = &*house.token("ann", &app_key);
    house.note();
    let long = "t".repeat(10_000);
    let almost = format!("{}x", &token[..token.len() - 1]);
    // What is wrong, the headers, the word, and its number.
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
    let rows: [Row<'_>; 9] = [
        ("nothing", &[], "NO_APP_KEY", "ANGX-0004"),
        ("no key", &[("X-Authentication", token)], "NO_APP_KEY", "ANGX-0004"),
        ("an empty key", &[("X-Application", " ")], "NO_APP_KEY", "ANGX-0004"),
        ("no token", &[("X-Application", &app_key)], "NO_SESSION", "ANGX-0005"),
        (
            "a token that never was",
            &[("X-Application", &app_key), ("X-Authentication", "abc=")],
            "INVALID_SESSION_INFORMATION",
            "ANGX-0003",
        ),
        (
            "a token with its last letter changed",
            &[("X-Application", &app_key), ("X-Authentication", &almost)],
            "INVALID_SESSION_INFORMATION",
            "ANGX-0003",
        ),
        (
            "a token of 10,000",
            &[("X-Application", &app_key), ("X-Authentication", &long)],
            "INVALID_SESSION_INFORMATION",
            "ANGX-0003",
        ),
        (
            "a key that never was",
            &[("X-Application", "nokey"), ("X-Authentication", token)],
            "INVALID_APP_KEY",
            "ANGX-0007",
        ),
        (
            "another's key",
            &[("X-Application", &other_key), ("X-Authentication", token)],
            "INVALID_APP_KEY",
            "ANGX-0007",
        ),
    ];
    let call = format!("{{{LIST},\"id\":1}}");
    for (row, headers, word, message) in rows {
        let answer = post(&house, BETTING, headers, call.as_bytes()).json();
        let error = &answer["error"];
        assert_eq!(error["data"]["APINGException"]["errorCode"], word, "{row}: {answer}");
        assert_eq!(error["message"], message, "{row}");
        house.unharmed(row);
    }
    let funds = br#"{"method":"AccountAPING/v1.0/getAccountFunds","params":{},"id":1}"#;
    let answer = post(&house, ACCOUNT, &[], funds).json();
    assert_eq!(answer["error"]["message"], "AANGX-0011", "{answer}");
    let answer = post(&house, ACCOUNT, &[("X-Application", &app_key)], funds).json();
    assert_eq!(answer["error"]["message"], "AANGX-0010", "{answer}");
}

#[test]
fn a_wrong_login_is_refused_and_names_no_secret() {
    let mut house = House::open("wrong-login");
    let app_key = house.operator.open_account("ann", PASSWORD, 10_000);
    house.note();
    let long = format!("username=ann&password={}", "p".repeat(129));
    let rows: [(&str, &str, &str); 11] = [
        ("nothing", "", "INPUT_VALIDATION_ERROR"),
        ("no password", "username=ann", "INPUT_VALIDATION_ERROR"),
        ("an empty password", "username=ann&password=", "INPUT_VALIDATION_ERROR"),
        ("no user", "password=correct+horse", "INPUT_VALIDATION_ERROR"),
        ("two users", "username=ann&username=bob&password=x", "INPUT_VALIDATION_ERROR"),
        ("NUL", "username=ann%00&password=x", "INPUT_VALIDATION_ERROR"),
        ("a line end", "username=ann%0d%0a&password=x", "INPUT_VALIDATION_ERROR"),
        ("bytes that are no text", "username=%ff%fe&password=x", "INPUT_VALIDATION_ERROR"),
        ("a password of 129", &long, "INPUT_VALIDATION_ERROR"),
        ("JSON", r#"{"username":"ann","password":"correct horse"}"#, "INPUT_VALIDATION_ERROR"),
        ("a wrong password", "username=ann&password=wr0ng-secret", "INVALID_USERNAME_OR_PASSWORD"),
    ];
    for (row, form, word) in rows {
        for path in ["/api/login", "/api/certlogin"] {
            let answer = post(&house, path, &[("X-Application", &app_key)], form.as_bytes());
            assert_eq!(answer.status, 200, "{row}: {}", answer.text());
            let told = if path == "/api/login" { "error" } else { "loginStatus" };
            assert_eq!(answer.json()[told], word, "{row}: {}", answer.text());
            assert!(!answer.text().contains("wr0ng"), "{row}: a secret is echoed");
        }
        house.unharmed(row);
    }
    let form = b"username=ann&password=correct+horse";
    let answer = post(&house, "/api/login", &[], form).json();
    assert_eq!(answer["error"], "INVALID_APP_KEY", "{answer}");
    let answer = post(&house, "/api/login", &[("X-Application", "nokey")], form).json();
    assert_eq!(answer["status"], "FAIL", "{answer}");
    let big = format!("username=ann&password=correct+horse&pad={}", "x".repeat(5_000));
    let answer = post(&house, "/api/login", &[("X-Application", &app_key)], big.as_bytes());
    assert_eq!(answer.status, 413);
    for path in ["/api/keepAlive", "/api/logout"] {
        let answer = post(&house, path, &[("X-Application", &app_key)], b"").json();
        assert_eq!((&answer["status"], &answer["error"]), (&json!("FAIL"), &json!("NO_SESSION")));
        let headers = [("X-Application", app_key.as_str()), ("X-Authentication", "abc=")];
        let answer = post(&house, path, &headers, b"").json();
        assert_eq!((&answer["status"], &answer["error"]), (&json!("FAIL"), &json!("NO_SESSION")));
    }
    let log = house.node.log();
    assert!(!log.contains("wr0ng") && !log.contains(PASSWORD), "a secret is in the log");
}

#[test]
fn guessing_passwords_soon_takes_time_and_hurts_nobody_else() {
    let mut house = House::open("guessing");
    let ann = house.operator.open_account("ann", PASSWORD, 10_000);
    let bob = house.operator.open_account("bob", PASSWORD, 10_000);
    house.note();
    let try_one = |house: &House, user: &str, password: &str, key: &str| {
        let form = format!("username={user}&password={password}");
        let answer = post(house, "/api/login", &[("X-Application", key)], form.as_bytes());
        answer.json()["error"].as_str().expect("a word").to_owned()
    };
    let tries = (0..1_000).map(|_| try_one(&house, "ann", "wrong", &ann));
    let refused: Vec<String> =
        tries.take_while(|word| word != "TEMPORARY_BAN_TOO_MANY_REQUESTS").collect();
    assert!(refused.len() < 100, "a hundred passwords could be tried");
    assert!(refused.iter().all(|word| word == "INVALID_USERNAME_OR_PASSWORD"), "{refused:?}");
    // Names that are nobody's are no easier to guess at, and tell nothing.
    let strangers = (0..1_000).map(|_| try_one(&house, "nobody", "wrong", &ann));
    let strangers = strangers.take_while(|word| word != "TEMPORARY_BAN_TOO_MANY_REQUESTS");
    assert_eq!(strangers.count(), refused.len());
    Bettor::log_in(&house.node, "bob", PASSWORD, &bob);
    // Not for ever: the pause ends by itself.
    crate::harness::eventually("the customer is let in again", || {
        match try_one(&house, "ann", "correct+horse", &ann) {
            word if word.is_empty() => Ok(()),
            word => Err(word),
        }
    });
    house.unharmed("guessing");
}
