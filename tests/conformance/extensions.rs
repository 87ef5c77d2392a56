//! What is only sent to who asks for it in `X-Laybook-Extensions`.

use serde_json::{Value, json};

use crate::harness::bettor::limit;
use crate::harness::{Bettor, keys, pence};
use crate::scenarios::Evening;

fn call(ann: &mut Bettor, operation: &str, params: &Value, extensions: &str) -> Value {
    let headers = [("X-Laybook-Extensions", extensions)];
    let answer = ann.call_with(operation, params, &headers);
    answer.unwrap_or_else(|error| panic!("{operation} {params}: {error}"))
}

#[test]
fn a_repeat_is_answered_with_the_first_report() {
    let mut evening = Evening::begin_with_manual_clock("replay");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    let place = |size: f64| {
        json!({"marketId": market.id, "customerRef": "once",
               "instructions": [limit(market.runners[0], "BACK", size, 3.0)]})
    };
    let first = call(&mut ann, "placeOrders", &place(2.0), "replay")["result"].clone();
    assert_eq!(first["status"], "SUCCESS", "{first}");
    let again = call(&mut ann, "placeOrders", &place(2.0), "replay");
    keys::check_call("placeOrders", &again);
    assert_eq!(again["result"], first);
    let other = call(&mut ann, "placeOrders", &place(3.0), "replay")["result"].clone();
    assert_eq!(other["errorCode"], "DUPLICATE_TRANSACTION", "not the same request: {other}");
    let unasked = ann.ask("placeOrders", &place(2.0));
    assert_eq!(unasked["errorCode"], "DUPLICATE_TRANSACTION", "{unasked}");
    assert_eq!(ann.orders().len(), 1);
    // The account answers, so whoever asks for it may, and what dies in between changes nothing.
    let app_key = ann.credentials().0.to_owned();
    let mut elsewhere = Bettor::log_in(evening.node(), "ann", "a long password", &app_key);
    assert_eq!(call(&mut elsewhere, "placeOrders", &place(2.0), "replay")["result"], first);
    for session in evening.operator().actors("session") {
        evening.operator().kill_actor(session["id"].as_str().unwrap(), "kill");
    }
    let repeated = crate::harness::eventually("the session is there again", || {
        let answer = call(&mut ann, "placeOrders", &place(2.0), "replay");
        let result = answer.get("result").filter(|it| it["status"] != "TIMEOUT").cloned();
        result.ok_or(answer)
    });
    assert_eq!(repeated, first);
    evening.kill_and_start();
    let mut ann = evening.come_back(&ann);
    assert_eq!(call(&mut ann, "placeOrders", &place(2.0), "replay")["result"], first);
    assert_eq!(ann.orders().len(), 1);
    evening.operator().advance(60_000);
    let later = call(&mut ann, "placeOrders", &place(2.0), "replay")["result"].clone();
    assert_ne!(later["instructionReports"][0]["betId"], first["instructionReports"][0]["betId"]);
    assert_eq!(ann.orders().len(), 2);
    evening.square();
}

#[test]
fn an_async_order_has_its_bet_id() {
    let mut evening = Evening::begin("bet-id");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    let orders =
        [limit(market.runners[0], "BACK", 2.0, 3.0), limit(market.runners[1], "BACK", 2.0, 4.0)];
    let place = json!({"marketId": market.id, "async": true, "instructions": orders});
    let report = call(&mut ann, "placeOrders", &place, "bet-id")["result"].clone();
    let lines = report["instructionReports"].as_array().unwrap();
    for (line, price) in lines.iter().zip([300, 400]) {
        assert_eq!(line["orderStatus"], "PENDING", "{report}");
        let bet = line["betId"].as_str().unwrap_or_else(|| panic!("{report}")).to_owned();
        let listed = crate::harness::eventually("the order is there", || {
            ann.orders().into_iter().find(|order| order.bet == bet).ok_or("not yet")
        });
        assert_eq!(listed.price, price);
    }
    evening.square();
}

#[test]
fn an_async_replacement_is_answered_when_it_is_taken() {
    let mut evening = Evening::begin("async-replace");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    let (bet, _) = ann.back(&market, 0, 2.0, 3.0);
    let replace = json!({"marketId": market.id, "async": true,
        "instructions": [{"betId": bet, "newPrice": 3.5}]});
    let answer = call(&mut ann, "replaceOrders", &replace, "bet-id");
    keys::check_call("replaceOrders", &answer);
    let report = &answer["result"];
    assert_eq!(report["status"], "SUCCESS", "{report}");
    let line = &report["instructionReports"][0];
    assert_eq!(pence(&line["cancelInstructionReport"]["sizeCancelled"]), 200, "{report}");
    let place = &line["placeInstructionReport"];
    assert_eq!(place["orderStatus"], "PENDING", "{report}");
    assert_eq!(pence(&place["instruction"]["limitOrder"]["price"]), 350, "{report}");
    let new = place["betId"].as_str().expect("its id was asked for").to_owned();
    let listed = crate::harness::eventually("the order is there", || {
        ann.orders().into_iter().find(|order| order.bet == new).ok_or("not yet")
    });
    assert_eq!((listed.price, listed.remaining), (350, 200));
    let unasked = json!({"marketId": market.id, "async": true,
        "instructions": [{"betId": new, "newPrice": 4.0}]});
    let report = ann.ask("replaceOrders", &unasked);
    let place = &report["instructionReports"][0]["placeInstructionReport"];
    assert_eq!((&place["orderStatus"], &place["betId"]), (&json!("PENDING"), &Value::Null));
    let gone = json!({"marketId": market.id, "async": true,
        "instructions": [{"betId": bet, "newPrice": 4.0}]});
    let report = ann.ask("replaceOrders", &gone);
    assert_eq!(report["status"], "FAILURE", "what is refused is said at once: {report}");
    evening.square();
}

#[test]
fn an_order_says_what_is_ahead_of_it() {
    let mut evening = Evening::begin("queue");
    let market = evening.match_odds();
    let (mut ann, mut bob) = (evening.bettor("ann", 10_000), evening.bettor("bob", 10_000));
    bob.back(&market, 0, 7.0, 3.0);
    let (bet, _) = ann.back(&market, 0, 2.0, 3.0);
    let listed = call(&mut ann, "listCurrentOrders", &json!({}), "queue-position, replay");
    let row = &listed["result"]["currentOrders"][0];
    assert_eq!((row["betId"].as_str(), pence(&row["sizeAhead"])), (Some(&*bet), 700), "{listed}");
    bob.lay(&market, 0, 3.0, 3.0);
    let listed = call(&mut ann, "listCurrentOrders", &json!({}), "queue-position");
    assert_eq!(pence(&listed["result"]["currentOrders"][0]["sizeAhead"]), 400);
    assert!(
        ann.ask("listCurrentOrders", &json!({}))["currentOrders"][0].get("sizeAhead").is_none()
    );
}

#[test]
fn an_extension_that_nobody_knows_is_refused() {
    let mut evening = Evening::begin("no-extension");
    let mut ann = evening.bettor("ann", 10_000);
    let answer = call(&mut ann, "getAccountFunds", &json!({}), "replay,flight");
    let exception = &answer["error"]["data"]["AccountAPINGException"];
    assert_eq!(exception["errorCode"], "INVALID_INPUT_DATA", "{answer}");
    assert!(exception["errorDetails"].as_str().unwrap().starts_with("X-Laybook-Extensions: "));
}
