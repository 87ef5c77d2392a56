//! Logging in, staying, leaving: four texts always, HTTP 200 always.

use serde_json::{Value, json};

use crate::harness::http::HttpClient;
use crate::harness::{Launch, Node, Operator, Scratch, eventually};

const PASSWORD: &str = "correct horse";
const FORM: &str = "application/x-www-form-urlencoded";

struct Door {
    // Dropped in this order: the process before its directory.
    node: Node,
    operator: Operator,
    app_key: String,
    _scratch: Scratch,
}

impl Door {
    fn open(test: &str) -> Door {
        let scratch = Scratch::new(test);
        let node = Launch::new(&scratch).manual_clock().start();
        let mut operator = Operator::of(&node);
        let app_key = operator.open_account("ann", PASSWORD, 1_000);
        Door { node, operator, app_key, _scratch: scratch }
    }

    /// The answer's JSON; always HTTP 200.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Value {
        let mut all =
            vec![("X-Application", self.app_key.as_str()), ("Accept", "application/json")];
        all.extend_from_slice(headers);
        let answer = HttpClient::new(self.node.http).request(method, path, &all, body.as_bytes());
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// The four texts: token, product, status, error.
    fn four(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> [String; 4] {
        let answer = self.ask(method, path, headers, body);
        assert_eq!(answer.as_object().map(serde_json::Map::len), Some(4), "{answer}");
        ["token", "product", "status", "error"].map(|key| {
            answer[key].as_str().unwrap_or_else(|| panic!("{key} of {answer}")).to_owned()
        })
    }

    fn token(&self) -> String {
        let form = "username=ann&password=correct+horse";
        let [token, _, status, _] =
            self.four("POST", "/api/login", &[("Content-Type", FORM)], form);
        assert_eq!(status, "SUCCESS");
        token
    }

    /// The code of a call with this token, or nothing when it has a result.
    fn call(&self, token: &str) -> Option<String> {
        let call = r#"{"method":"AccountAPING/v1.0/getAccountFunds","id":1}"#;
        let path = "/exchange/account/json-rpc/v1";
        let answer = self.ask("POST", path, &[("X-Authentication", token)], call);
        answer["error"]["message"].as_str().map(str::to_owned)
    }
}

#[test]
fn c01_a_wrong_password_is_told_with_four_texts() {
    let door = Door::open("c01");
    let failed = |error: &str| [String::new(), door.app_key.clone(), "FAIL".into(), error.into()];
    for (form, error) in [
        ("username=ann&password=wrong", "INVALID_USERNAME_OR_PASSWORD"),
        ("username=nobody&password=wrong", "INVALID_USERNAME_OR_PASSWORD"),
        ("username=ann", "INPUT_VALIDATION_ERROR"),
    ] {
        assert_eq!(door.four("POST", "/api/login", &[("Content-Type", FORM)], form), failed(error));
        let answer = door.ask("POST", "/api/certlogin", &[("Content-Type", FORM)], form);
        assert_eq!(answer, json!({"loginStatus": error}));
    }
    // Neither a password in a URL nor a token of no session gets anything but the four texts.
    let url = "/api/login?username=ann&password=correct%20horse";
    assert_eq!(door.four("GET", url, &[], ""), failed("INPUT_VALIDATION_ERROR"));
    for method in ["GET", "POST"] {
        for path in ["/api/keepAlive", "/api/logout"] {
            assert_eq!(door.four(method, path, &[], ""), failed("NO_SESSION"));
            let stranger = [("X-Authentication", "abc=")];
            assert_eq!(door.four(method, path, &stranger, ""), failed("NO_SESSION"));
        }
    }
}

#[test]
fn c02_a_session_is_begun_kept_and_ended() {
    let door = Door::open("c02");
    let form = "username=ann&password=correct+horse";
    let answer = door.ask("POST", "/api/certlogin", &[("Content-Type", FORM)], form);
    assert_eq!(answer["loginStatus"], "SUCCESS");
    let token = answer["sessionToken"].as_str().expect("a token").to_owned();
    assert!(token.ends_with('='));
    let json_form = json!({"username": "ann", "password": PASSWORD}).to_string();
    let kind = [("Content-Type", "application/json; charset=utf-8")];
    let [other, product, status, error] = door.four("POST", "/api/login", &kind, &json_form);
    assert_eq!((product, status.as_str(), error.as_str()), (door.app_key.clone(), "SUCCESS", ""));
    assert_ne!(token, other, "each login is a session of its own");
    for (method, token) in [("POST", &token), ("GET", &other)] {
        let headers = [("X-Authentication", token.as_str())];
        let good = [token.clone(), door.app_key.clone(), "SUCCESS".into(), String::new()];
        assert_eq!(door.call(token), None);
        assert_eq!(door.four(method, "/api/keepAlive", &headers, ""), good);
        assert_eq!(door.four(method, "/api/logout", &headers, ""), good);
        assert_eq!(door.call(token).as_deref(), Some("AANGX-0002"));
    }
}

#[test]
fn a_session_lasts_twelve_hours_from_its_last_keep_alive_whatever_it_did() {
    let mut door = Door::open("session-age");
    let (used, kept) = (door.token(), door.token());
    let eleven = 11 * 3_600_000;
    door.operator.advance(eleven);
    assert_eq!((door.call(&used), door.call(&kept)), (None, None));
    let headers = [("X-Authentication", kept.as_str())];
    assert_eq!(door.four("POST", "/api/keepAlive", &headers, "")[2], "SUCCESS");
    door.operator.advance(eleven);
    eventually("use has not kept the session", || match door.call(&used) {
        Some(code) if code == "AANGX-0002" => Ok(()),
        other => Err(other),
    });
    assert_eq!(door.call(&kept), None, "keepAlive has");
    let headers = [("X-Authentication", used.as_str())];
    assert_eq!(door.four("POST", "/api/keepAlive", &headers, "")[3], "NO_SESSION");
}

#[test]
fn how_long_a_session_lasts_is_a_setting() {
    let scratch = Scratch::new("session-setting");
    let launch = Launch::new(&scratch).manual_clock().setting("SESSIONS__LIFETIME_MS", "60000");
    let node = launch.start();
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("ann", PASSWORD, 1_000);
    let mut door = Door { node, operator, app_key, _scratch: scratch };
    let token = door.token();
    door.operator.advance(59_999);
    assert_eq!(door.call(&token), None);
    door.operator.advance(1);
    assert_eq!(door.call(&token).as_deref(), Some("AANGX-0002"));
}
