//! The statement, the customer's keys, and what an account answers for what it has not.

use serde_json::{Value, json};

use super::{details, word};
use crate::harness::http::HttpClient;
use crate::harness::{Bettor, eventually, pence};
use crate::scenarios::Evening;

/// What real clients refuse to do without.
const LEGACY_KEYS: [&str; 15] = [
    "avgPrice",
    "betCategoryType",
    "betSize",
    "betType",
    "eventId",
    "eventTypeId",
    "fullMarketName",
    "grossBetAmount",
    "transactionId",
    "marketType",
    "placedDate",
    "selectionId",
    "startDate",
    "transactionType",
    "winLose",
];

fn statement(ann: &mut Bettor, params: &Value) -> Vec<Value> {
    let answer = ann.ask("getAccountStatement", params);
    let items = answer["accountStatement"].as_array().expect("a list").clone();
    for item in &items {
        for key in LEGACY_KEYS {
            assert!(item["legacyData"].get(key).is_some(), "{key} is missing: {item}");
        }
        let text = item["itemClassData"]["unknownStatementItem"].as_str().expect("a text");
        let text: Value = serde_json::from_str(text).expect("JSON in a text");
        assert_eq!(text, item["legacyData"]);
        assert!(item["itemDate"].as_str().is_some_and(|date| date.ends_with('Z')));
    }
    items
}

#[test]
fn a_statement_tells_each_bet_commission_and_payment_and_outlives_the_node() {
    let mut evening = Evening::begin("statement");
    let (mut ann, mut bob) = (evening.bettor("ann", 100_000), evening.bettor("bob", 100_000));
    let market = evening.match_odds();
    bob.lay(&market, 0, 50.0, 3.0);
    let (won, _) = ann.back(&market, 0, 10.0, 3.0);
    bob.lay(&market, 1, 50.0, 4.0);
    let (lost, _) = ann.back(&market, 1, 5.0, 4.0);
    ann.back(&market, 2, 1.0, 900.0);
    evening.operator().settle(&market, &[market.runners[0]]);
    ann.await_funds(101_425, 0);
    evening.deposit("ann", 5_000);
    evening.withdraw("ann", 2_500);

    let told = |items: &[Value]| {
        let of = |item: &Value| {
            let win_lose = item["legacyData"]["winLose"].as_str().unwrap().to_owned();
            (pence(&item["amount"]), pence(&item["balance"]), win_lose)
        };
        items.iter().map(of).collect::<Vec<_>>()
    };
    let items = statement(&mut ann, &json!({}));
    let plain = "RESULT_NOT_APPLICABLE".to_owned();
    assert_eq!(
        told(&items),
        [
            (-2_500, 103_925, plain.clone()),
            (5_000, 106_425, plain.clone()),
            // 5 % of 20 won less 5 lost.
            (-75, 101_425, plain.clone()),
            (-500, 101_500, "RESULT_LOST".to_owned()),
            (2_000, 102_000, "RESULT_WON".to_owned()),
            (100_000, 100_000, plain.clone()),
        ]
    );
    let (commission, bet) = (&items[2]["legacyData"], &items[4]["legacyData"]);
    assert_eq!((&items[4]["refId"], &items[3]["refId"]), (&json!(won), &json!(lost)));
    assert_eq!(pence(&commission["grossBetAmount"]), 1_500);
    assert_eq!((&bet["betType"], &bet["marketType"]), (&json!("B"), &json!("O")));
    assert_eq!((pence(&bet["avgPrice"]), pence(&bet["betSize"])), (300, 1_000));
    assert_eq!(bet["selectionId"], market.runners[0]);
    assert_eq!(bet["fullMarketName"], "Soccer / Leeds v York / Match Odds");
    assert_eq!(items[1]["legacyData"]["fullMarketName"], "Deposit");

    let count =
        |ann: &mut Bettor, include: &str| statement(ann, &json!({"includeItem": include})).len();
    assert_eq!(count(&mut ann, "ALL"), 6);
    assert_eq!(count(&mut ann, "EXCHANGE"), 3);
    assert_eq!(count(&mut ann, "DEPOSITS_WITHDRAWALS"), 3);
    assert_eq!(count(&mut ann, "POKER_ROOM"), 0);
    let page =
        json!({"fromRecord": 1, "recordCount": "2", "itemDateRange": {"from": null, "to": null}});
    let answer = ann.ask("getAccountStatement", &page);
    assert_eq!(answer["moreAvailable"], true);
    assert_eq!(told(answer["accountStatement"].as_array().unwrap()), told(&items)[1..3]);
    let range = json!({"itemDateRange": {"from": "2100-01-01T00:00:00Z"}});
    assert_eq!(statement(&mut ann, &range), Vec::<Value>::new());

    evening.kill_and_start();
    let mut ann = evening.come_back(&ann);
    assert_eq!(statement(&mut ann, &json!({})), items);
    let bob = &mut evening.come_back(&bob);
    let theirs = told(&statement(bob, &json!({"includeItem": "EXCHANGE"})));
    assert_eq!(theirs.iter().map(|line| line.0).collect::<Vec<_>>(), [500, -2_000]);

    // Taken back and settled the other way: nothing is struck out.
    evening.operator().act(&market, "unsettle", &json!({}));
    ann.await_funds(100_000 + 2_500 - 1_500, -1_500);
    let words: Vec<_> = told(&statement(&mut ann, &json!({"includeItem": "EXCHANGE"})))
        .into_iter()
        .map(|(amount, _, word)| (amount, word))
        .collect();
    let expected = [
        (75, "COMMISSION_REVERSAL"),
        (500, "RESULT_FIX"),
        (-2_000, "RESULT_FIX"),
        (-75, "RESULT_ERR"),
        (-500, "RESULT_ERR"),
        (2_000, "RESULT_ERR"),
    ];
    assert_eq!(words, expected.map(|(amount, word)| (amount, word.to_owned())));
    evening.square();
}

#[test]
fn a_page_of_the_statement_holds_a_hundred() {
    let mut evening = Evening::begin("statement-pages");
    let mut ann = evening.bettor("ann", 1_000);
    for _ in 0..104 {
        evening.deposit("ann", 1);
    }
    let mut seen = Vec::new();
    loop {
        let page = json!({"fromRecord": seen.len(), "recordCount": 1_000});
        let answer = ann.ask("getAccountStatement", &page);
        let items = answer["accountStatement"].as_array().unwrap();
        assert!(items.len() <= 100);
        seen.extend(items.iter().map(|item| item["refId"].as_str().unwrap().to_owned()));
        if answer["moreAvailable"] == false {
            break;
        }
    }
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (105, 105));
}

#[test]
fn what_cannot_be_asked_of_an_account_is_said_with_field_and_reason() {
    let mut evening = Evening::begin("account-refusals");
    let mut ann = evening.bettor("ann", 1_000);
    let backwards =
        json!({"itemDateRange": {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}});
    let answer = ann.call("getAccountStatement", &backwards);
    assert_eq!(
        (word(&answer), answer.as_ref().unwrap_err()["message"].as_str()),
        ("INVALID_INPUT_DATA", Some("AANGX-0001"))
    );
    assert!(details(&answer).starts_with("itemDateRange: "), "{answer:?}");
    for params in [
        json!({"includeItem": "LOTTERY"}),
        json!({"fromRecord": -1}),
        json!({"wallet": "SWISS"}),
        json!({"itemDateRange": {"from": "yesterday"}}),
    ] {
        let answer = ann.call("getAccountStatement", &params).expect_err("cannot be read");
        assert_eq!(
            (&answer["code"], &answer["message"]),
            (&json!(-32602), &json!("DSC-0044")),
            "{params}"
        );
    }
    assert_eq!(
        ann.ask("listCurrencyRates", &json!({})),
        json!([{"currencyCode": "GBP", "rate": 1.0}])
    );
    let answer = ann.call("listCurrencyRates", &json!({"fromCurrency": "EUR"}));
    assert_eq!(word(&answer), "INVALID_INPUT_DATA");
    assert!(details(&answer).starts_with("fromCurrency: "), "{answer:?}");
    let transfer = json!({"from": "UK", "to": "AUSTRALIAN", "amount": 1.0});
    let answer = ann.call("transferFunds", &transfer);
    assert_eq!(
        (word(&answer), answer.as_ref().unwrap_err()["message"].as_str()),
        ("WALLET_TRANSFER_ERROR", Some("AANGX-0016"))
    );
    assert!(!details(&answer).is_empty());
    let answer = ann.call("transferFunds", &json!({"from": "UK"})).expect_err("to is missing");
    assert_eq!(answer["message"], "DSC-0018");
    let answer = ann.call("getVendorClientId", &json!({}));
    assert_eq!(word(&answer), "ACCESS_DENIED");
    let details_of = ann.ask("getAccountDetails", &json!({}));
    assert_eq!(
        (&details_of["currencyCode"], &details_of["region"], &details_of["countryCode"]),
        (&json!("GBP"), &json!("GBR"), &json!("GB"))
    );
    assert_eq!(ann.funds(), (1_000, 0));
}

#[test]
fn keys_are_made_and_listed_without_a_key_and_kept() {
    let mut evening = Evening::begin("app-keys");
    let mut ann = evening.bettor("ann", 1_000);
    let first = ann.ask("getDeveloperAppKeys", &json!({}));
    assert_eq!((first.as_array().map(Vec::len), &first[0]["appName"]), (Some(1), &json!("ann")));
    let [_, (_, token)] = ann.who_asks();
    let token = token.to_owned();
    let ask = |evening: &Evening, headers: &[(&str, &str)], method: &str, params: Value| {
        let call =
            json!({"method": format!("AccountAPING/v1.0/{method}"), "params": params, "id": 1});
        let mut http = HttpClient::new(evening.node().http);
        let path = "/exchange/account/json-rpc/v1";
        http.request("POST", path, headers, call.to_string().as_bytes()).expect("an answer").json()
    };
    let keyless = [("X-Authentication", token.as_str())];
    let made = ask(&evening, &keyless, "createDeveloperAppKeys", json!({"appName": "My bot"}));
    let made = &made["result"];
    assert_eq!(made["appName"], "My bot", "{made}");
    let version = |made: &Value, name: &str| {
        let versions = made["appVersions"].as_array().unwrap().clone();
        versions.into_iter().find(|it| it["version"] == name).unwrap_or_else(|| panic!("{made}"))
    };
    let (live, delayed) = (version(made, "1.0"), version(made, "1.0-DELAY"));
    assert_eq!((&live["owner"], &live["active"]), (&json!("ann"), &json!(true)));
    assert_eq!((&live["delayData"], &delayed["delayData"]), (&json!(false), &json!(true)));
    assert_ne!(live["applicationKey"], delayed["applicationKey"]);
    for key in ["versionId", "subscriptionRequired", "ownerManaged"] {
        assert!(live.get(key).is_some(), "{key}");
    }
    let again = ann.call("createDeveloperAppKeys", &json!({"appName": "MY BOT"}));
    assert_eq!(
        (word(&again), again.as_ref().unwrap_err()["message"].as_str()),
        ("DUPLICATE_APP_NAME", Some("AANGX-0007"))
    );
    let nameless = ann.call("createDeveloperAppKeys", &json!({"appName": "a\u{7}"}));
    assert_eq!(word(&nameless), "INVALID_INPUT_DATA");
    assert!(details(&nameless).starts_with("appName: "), "{nameless:?}");
    let missing = ann.call("createDeveloperAppKeys", &json!({})).expect_err("a name is needed");
    assert_eq!(missing["message"], "DSC-0018");

    evening.kill_and_start();
    let listed = ask(&evening, &keyless, "getDeveloperAppKeys", json!({}));
    assert_eq!(listed["result"][1], *made);
    let stranger = ask(&evening, &[], "getDeveloperAppKeys", json!({}));
    assert_eq!(stranger["error"]["message"], "AANGX-0010", "{stranger}");
    // The customer's session speaks for the new application too, and a new one can begin with it.
    let new_key = live["applicationKey"].as_str().unwrap();
    let headers = [("X-Application", new_key), ("X-Authentication", token.as_str())];
    let funds = ask(&evening, &headers, "getAccountFunds", json!({}));
    assert_eq!(pence(&funds["result"]["availableToBetBalance"]), 1_000, "{funds}");
    let mut other = Bettor::log_in(evening.node(), "ann", "a long password", new_key);
    assert_eq!(other.funds(), (1_000, 0));
}

#[test]
fn who_is_stopped_by_the_operator_is_told_at_the_door() {
    let mut evening = Evening::begin("stopped");
    let ann = evening.bettor("ann", 1_000);
    let [(_, key), _] = ann.who_asks();
    let log_in = |evening: &mut Evening, status: &str| {
        let change = json!({"status": status});
        let path = "/v1/operator/users/ann";
        evening.operator().ask("PATCH", path, Some(&change));
        let headers = [("X-Application", key)];
        let form = b"username=ann&password=a+long+password";
        let mut http = HttpClient::new(evening.node().http);
        let answer = http.request("POST", "/api/login", &headers, form).expect("an answer").json();
        let certlogin = http.request("POST", "/api/certlogin", &headers, form);
        let certlogin = certlogin.expect("an answer").json()["loginStatus"].clone();
        (answer["error"].as_str().unwrap().to_owned(), certlogin.as_str().unwrap().to_owned())
    };
    let pair = |word: &str, cert: &str| (word.to_owned(), cert.to_owned());
    eventually("a suspended customer is told", || {
        let told = log_in(&mut evening, "SUSPENDED");
        if told == pair("SUSPENDED", "SUSPENDED") { Ok(()) } else { Err(told) }
    });
    assert_eq!(log_in(&mut evening, "CLOSED"), pair("CLOSED", "CLOSED"));
    assert_eq!(log_in(&mut evening, "ACTIVE"), pair("", "SUCCESS"));
}
