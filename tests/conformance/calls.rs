//! Envelopes, headers, faults: the same operations as JSON-RPC and at paths of their own.

use serde_json::{Value, json};

use crate::harness::http::{Answer, HttpClient};
use crate::harness::keys;
use crate::scenarios::Evening;

const BETTING: &str = "/exchange/betting/json-rpc/v1";
const ACCOUNT: &str = "/exchange/account/json-rpc/v1";

fn post(evening: &Evening, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut http = HttpClient::new(evening.node().http);
    let answer = http.request("POST", path, headers, body.as_bytes());
    answer.unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn c03_a_call_says_who_asks() {
    let evening = Evening::begin("c03");
    let list = r#"{"method":"SportsAPING/v1.0/listEventTypes","params":{"filter":{}},"id":1}"#;
    let funds = r#"{"method":"AccountAPING/v1.0/getAccountFunds","params":{},"id":1}"#;
    let key = ("X-Application", "some-key");
    for (path, call, headers, word, message) in [
        (BETTING, list, &[][..], "NO_APP_KEY", "ANGX-0004"),
        (BETTING, list, &[key][..], "NO_SESSION", "ANGX-0005"),
        (ACCOUNT, funds, &[][..], "NO_APP_KEY", "AANGX-0011"),
        (ACCOUNT, funds, &[key][..], "NO_SESSION", "AANGX-0010"),
    ] {
        let answer = post(&evening, path, headers, call);
        assert_eq!(answer.status, 200, "an error of one call is no error of HTTP");
        let answer = answer.json();
        keys::check_call("", &answer);
        assert_eq!(answer["error"]["code"], -32099, "{answer}");
        assert_eq!(answer["error"]["message"], message, "{answer}");
        let data = &answer["error"]["data"];
        let name = data["exceptionname"].as_str().unwrap();
        assert_eq!(data[name]["errorCode"], word, "{answer}");
    }
}

#[test]
fn c04_a_batch_is_matched_by_id() {
    let mut evening = Evening::begin("c04");
    let mut ann = evening.bettor("ann", 10_000);
    let call = |name: &str, id: u32| {
        json!({"jsonrpc": "2.0", "id": id, "params": {"filter": {}},
        "method": format!("sportsAPING/v1.0/{name}")})
    };
    let batch = json!([call("listEventTypes", 1), call("fly", 2), call("LISTEVENTS", 3)]);
    let answers = ann.batch(&batch);
    let answers = answers.as_array().expect("a list");
    assert_eq!(answers.len(), 3);
    let of = |id: u32| answers.iter().find(|it| it["id"] == id).expect("an answer to each");
    assert!(of(1)["result"].is_array() && of(3)["result"].is_array());
    assert_eq!(
        (of(2)["error"]["code"].clone(), &of(2)["error"]["message"]),
        (json!(-32601), &json!("DSC-0021"))
    );
}

#[test]
fn c05_what_cannot_be_read_is_told_apart() {
    let mut evening = Evening::begin("c05");
    let mut ann = evening.bettor("ann", 10_000);
    let error = |answer: Result<Value, Value>| {
        let error = answer.unwrap_err();
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(error(ann.call("listEventTypes", &json!({}))), (-32602, "DSC-0018".to_owned()));
    let enumerated = json!({"filter": {}, "maxResults": 1, "sort": "BEST_FIRST"});
    assert_eq!(
        error(ann.call("listMarketCatalogue", &enumerated)),
        (-32602, "DSC-0044".to_owned())
    );
    let answer = post(&evening, BETTING, &[], r#"{"jsonrpc": "2.0", "method"#);
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(-32700)));
}

#[test]
fn each_operation_is_answered_alike_at_its_own_path() {
    let mut evening = Evening::begin("rest");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    ann.back(&market, 0, 5.0, 3.0);
    let book =
        json!({"marketIds": [market.id], "priceProjection": {"priceData": ["EX_ALL_OFFERS"]}});
    let runner = json!({"marketId": market.id, "selectionId": market.runners[0]});
    let filter = json!({"filter": {}});
    for (operation, params) in [
        ("listEventTypes", &filter),
        ("listCompetitions", &filter),
        ("listTimeRanges", &json!({"filter": {}, "granularity": "DAYS"})),
        ("listEvents", &filter),
        ("listMarketTypes", &filter),
        ("listCountries", &filter),
        ("listVenues", &filter),
        ("listMarketCatalogue", &json!({"filter": {}, "maxResults": 5})),
        ("listMarketBook", &book),
        ("listRunnerBook", &runner),
        ("listMarketProfitAndLoss", &json!({"marketIds": [market.id]})),
        ("listCurrentOrders", &json!({})),
        ("listClearedOrders", &json!({"betStatus": "SETTLED"})),
        ("getAccountFunds", &json!({})),
        ("getAccountDetails", &json!({})),
    ] {
        let called =
            ann.call(operation, params).unwrap_or_else(|error| panic!("{operation}: {error}"));
        assert_eq!(ann.rest("betting", operation, params), (200, called), "{operation}");
    }
    let place = json!({"marketId": market.id, "instructions": [
        crate::harness::bettor::limit(market.runners[0], "BACK", 5.0, 3.0)]});
    let (status, report) = ann.rest("betting", "placeOrders", &place);
    assert_eq!((status, &report["status"]), (200, &json!("SUCCESS")), "{report}");
    let cancel = json!({"marketId": market.id});
    let (status, report) = ann.rest("betting", "cancelOrders", &cancel);
    assert_eq!((status, report["instructionReports"].as_array().map(Vec::len)), (200, Some(2)));
    let funds = ann.call("getAccountFunds", &json!({})).unwrap();
    assert_eq!(ann.rest("account", "GetAccountFunds", &json!({})), (200, funds));
    let (status, fault) =
        ann.rest("betting", "listMarketCatalogue", &json!({"filter": {}, "maxResults": 1001}));
    assert_eq!((status, &fault["faultstring"]), (400, &json!("ANGX-0001")), "{fault}");
    let group = json!({"marketGroup": {"type": "EVENT", "id": {"eventId": "1"}}});
    let (status, fault) = ann.rest("betting", "unblockMarketGroup", &group);
    assert_eq!((status, &fault["faultstring"]), (400, &json!("ANGX-0015")), "{fault}");
}

#[test]
fn a_long_answer_is_compressed_for_who_takes_it() {
    use std::io::Read;

    let mut evening = Evening::begin("gzip");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 100_000);
    for _ in 0..40 {
        ann.back(&market, 0, 2.0, 3.0);
    }
    let ask = |ann: &mut crate::harness::Bettor, accepts: &str| {
        let answer = ann.raw("listCurrentOrders", &json!({}), &[("Accept-Encoding", accepts)]);
        (answer.header("content-encoding").map(str::to_owned), answer.body)
    };
    let (coding, plain) = ask(&mut ann, "identity");
    assert_eq!(coding, None);
    let (coding, packed) = ask(&mut ann, "gzip, deflate");
    assert_eq!(coding.as_deref(), Some("gzip"));
    assert!(packed.len() * 4 < plain.len(), "{} of {}", packed.len(), plain.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
}
