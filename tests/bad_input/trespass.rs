//! Customers at what is another's, and strangers at the operators' door.

use serde_json::{Value, json};

use super::House;
use crate::harness::http::HttpClient;

#[test]
fn a_customer_can_do_nothing_with_anothers_bets() {
    let mut house = House::open("anothers-bets");
    let market = house.market();
    let (mut ann, _) = house.customer("ann", 10_000);
    let (mut bob, _) = house.customer("bob", 10_000);
    let (open, _) = bob.back(&market, 0, 5.0, 3.0);
    let (matched, _) = bob.back(&market, 1, 4.0, 3.0);
    let (mut carol, _) = house.customer("carol", 10_000);
    carol.lay(&market, 1, 4.0, 3.0);
    let (before, funds) = (bob.orders(), bob.funds());
    house.note();

    let one = |instruction: Value| json!({"marketId": market.id, "instructions": [instruction]});
    for bet in [&open, &matched] {
        for (method, params) in [
            ("cancelOrders", one(json!({"betId": bet}))),
            ("cancelOrders", one(json!({"betId": bet, "sizeReduction": 1.0}))),
            ("replaceOrders", one(json!({"betId": bet, "newPrice": 4.0}))),
            ("updateOrders", one(json!({"betId": bet, "newPersistenceType": "PERSIST"}))),
        ] {
            let report = ann.ask(method, &params);
            let row = format!("{method} {params}: {report}");
            assert_eq!(report["status"], "FAILURE", "{row}");
            let line = &report["instructionReports"][0];
            // The same as for a bet that never was: nothing tells that there is such a bet.
            let words = [&line["errorCode"], &line["cancelInstructionReport"]["errorCode"]];
            assert!(words.contains(&&json!("INVALID_BET_ID")), "{row}");
            house.unharmed(&row);
        }
        let found = ann.ask("listCurrentOrders", &json!({"betIds": [bet]}));
        assert_eq!(found["currentOrders"], json!([]), "another's bet is listed: {found}");
        let cleared = json!({"betStatus": "SETTLED", "betIds": [bet]});
        assert_eq!(ann.ask("listClearedOrders", &cleared)["clearedOrders"], json!([]));
    }
    for scope in [json!({}), json!({"marketId": market.id})] {
        ann.ask("cancelOrders", &scope);
        house.unharmed("all of one's own, of which there are none");
    }
    let projection = json!({"marketIds": [market.id], "orderProjection": "ALL",
        "matchProjection": "NO_ROLLUP", "priceProjection": {"priceData": ["EX_ALL_OFFERS"]}});
    let book = ann.ask("listMarketBook", &projection).to_string();
    assert!(!book.contains(&open) && !book.contains(&matched), "another's bet is shown: {book}");
    assert_eq!((bob.orders(), bob.funds()), (before, funds));

    house.operator.settle(&market, &[market.runners[1]]);
    let cleared = json!({"betStatus": "SETTLED", "marketIds": [market.id]});
    assert_eq!(ann.ask("listClearedOrders", &cleared)["clearedOrders"], json!([]));
    assert_eq!(
        bob.ask("listClearedOrders", &cleared)["clearedOrders"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_session_that_was_left_is_over() {
    let mut house = House::open("left-session");
    let (mut ann, app_key) = house.customer("ann", 10_000);
    let token = house.token("ann", &app_key);
    house.note();
    let mut http = HttpClient::new(house.node.http);
    let headers = [("X-Application", app_key.as_str()), ("X-Authentication", token.as_str())];
    let funds = br#"{"method":"AccountAPING/v1.0/getAccountFunds","params":{},"id":1}"#;
    let mut ask =
        |path: &str, body: &[u8]| http.request("POST", path, &headers, body).unwrap().json();
    assert_eq!(
        ask("/exchange/account/json-rpc/v1", funds)["result"]["availableToBetBalance"],
        100.0
    );
    assert_eq!(ask("/api/logout", b"")["status"], "SUCCESS");
    for _ in 0..3 {
        let answer = ask("/exchange/account/json-rpc/v1", funds);
        assert_eq!(answer["error"]["message"], "AANGX-0002", "{answer}");
    }
    assert_eq!(ask("/api/keepAlive", b"")["status"], "FAIL");
    assert_eq!(ask("/api/logout", b"")["status"], "FAIL");
    assert_eq!(ann.funds(), (10_000, 0), "the customer's other session goes on");
    house.unharmed("a left session");
}

/// The door knows the session: that it was good a moment ago does not make it good now.
#[test]
fn a_session_that_expired_is_over() {
    let mut house = House::standing_still("expired-session");
    let (mut ann, app_key) = house.customer("ann", 10_000);
    let token = house.token("ann", &app_key);
    house.note();
    let mut http = HttpClient::new(house.node.http);
    let headers = [("X-Application", app_key.as_str()), ("X-Authentication", token.as_str())];
    let mut ask = |path: &str, body: &[u8]| {
        let answer = http.request("POST", path, &headers, body);
        answer.expect("the node answers").json()
    };
    let funds = br#"{"method":"AccountAPING/v1.0/getAccountFunds","params":{},"id":1}"#;
    const HOUR: u64 = 60 * 60 * 1_000;
    house.operator.advance(11 * HOUR);
    assert_eq!(ask("/api/keepAlive", b"")["status"], "SUCCESS");
    house.operator.advance(2 * HOUR);
    let kept = ask("/exchange/account/json-rpc/v1", funds);
    assert_eq!(kept["result"]["availableToBetBalance"], 100.0, "{kept}");
    assert!(ann.call("listCurrentOrders", &json!({})).is_err(), "it was not kept alive");
    house.operator.advance(10 * HOUR);
    for _ in 0..3 {
        let answer = ask("/exchange/account/json-rpc/v1", funds);
        assert_eq!(answer["error"]["message"], "AANGX-0002", "{answer}");
    }
    assert_eq!(ask("/api/keepAlive", b"")["status"], "FAIL");
    house.unharmed("an expired session");
}

#[test]
fn the_operators_paths_are_nowhere_on_the_public_listener() {
    let mut house = House::open("public-paths");
    let (_, app_key) = house.customer("ann", 10_000);
    let token = house.token("ann", &app_key);
    house.note();
    let operator = std::fs::read_to_string(house.node.data.join("operator.token")).unwrap();
    let bearer = format!("Bearer {}", operator.trim());
    let mut http = HttpClient::new(house.node.http);
    for path in [
        "/v1/operator/ledger",
        "/v1/operator/tree",
        "/v1/operator/users/ann",
        "/v1/operator/users/ann/deposit",
        "/v1/operator/clock",
        "/v1/operator",
        "/V1/OPERATOR/LEDGER",
        "//v1/operator/ledger",
        "/v1//operator/ledger",
        "/api/../v1/operator/ledger",
        "/api/%2e%2e/v1/operator/ledger",
        "/v1/operator%2fledger",
        "/metrics",
        "/livez",
        "/readyz",
        "/debug",
        "/debug/pprof",
        "/.env",
        "/console",
        "/operator.token",
        "/../operator.token",
    ] {
        for method in ["GET", "POST", "PATCH"] {
            let headers =
                [("Authorization", bearer.as_str()), ("X-Authentication", token.as_str())];
            let answer = http.request(method, path, &headers, b"").unwrap();
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
            assert!(!answer.text().contains("customerBalances"), "{path}");
        }
        house.unharmed(path);
    }
}

#[test]
fn the_operators_door_knows_operators_only() {
    let mut house = House::open("operators-only");
    let (_, app_key) = house.customer("ann", 10_000);
    let token = house.token("ann", &app_key);
    house.note();
    let mut http = HttpClient::new(house.node.admin);
    let customer = format!("Bearer {token}");
    let basic = format!("Basic {token}");
    let long = format!("Bearer {}", "t".repeat(10_000));
    let credentials: [Option<&str>; 6] =
        [None, Some("Bearer"), Some("Bearer "), Some(&customer), Some(&basic), Some(&long)];
    for authorization in credentials {
        let headers: Vec<(&str, &str)> =
            authorization.into_iter().map(|value| ("Authorization", value)).collect();
        for (method, path) in [
            ("GET", "/v1/operator/ledger"),
            ("GET", "/v1/operator/tree"),
            ("GET", "/v1/operator/users/ann"),
            ("GET", "/v1/operator/ledger?token=x"),
            ("POST", "/v1/operator/users/ann/deposit"),
            ("POST", "/v1/operator/tokens"),
            ("POST", "/v1/operator/actors/home-0/kill"),
        ] {
            let answer = http.request(method, path, &headers, b"{\"amount\":\"5.00\"}").unwrap();
            assert_eq!(
                answer.status,
                401,
                "{method} {path} as {authorization:?}: {}",
                answer.text()
            );
            assert_eq!(answer.json()["status"], 401);
        }
    }
    house.unharmed("strangers");

    // Whoever may only look may not act.
    let viewer = json!({"name": "screen", "role": "viewer"});
    let viewer = house.operator.post("/v1/operator/tokens", &viewer);
    let viewer = format!("Bearer {}", viewer["token"].as_str().expect("a token"));
    let headers = [("Authorization", viewer.as_str()), ("Content-Type", "application/json")];
    assert_eq!(http.request("GET", "/v1/operator/ledger", &headers, b"").unwrap().status, 200);
    for (path, body) in [
        ("/v1/operator/users/ann/deposit", json!({"amount": "5.00"})),
        ("/v1/operator/users", json!({"username": "eve", "password": "x"})),
        ("/v1/operator/tokens", json!({"name": "me", "role": "admin"})),
        ("/v1/operator/actors/home-0/kill", json!({"mode": "kill", "reason": "fun"})),
    ] {
        let answer = http.request("POST", path, &headers, body.to_string().as_bytes()).unwrap();
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
    }
    house.unharmed("a viewer");

    // An operator is nobody's customer.
    let operator = std::fs::read_to_string(house.node.data.join("operator.token")).unwrap();
    let headers = [("X-Application", app_key.as_str()), ("X-Authentication", operator.trim())];
    let call = br#"{"method":"AccountAPING/v1.0/getAccountFunds","params":{},"id":1}"#;
    let mut public = HttpClient::new(house.node.http);
    let answer = public.request("POST", "/exchange/account/json-rpc/v1", &headers, call).unwrap();
    assert_eq!(answer.json()["error"]["message"], "AANGX-0002");
}
