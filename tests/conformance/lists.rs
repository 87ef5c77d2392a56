//! What there is to bet on, counted and described, and how much of it one query may ask for.

use serde_json::{Value, json};

use super::{details, word};
use crate::harness::Bettor;
use crate::harness::bettor::limit;
use crate::scenarios::Evening;

/// A football match with two markets and a race with one.
fn seeded(story: &str) -> (Evening, Bettor) {
    let mut evening = Evening::begin(story);
    seed(&mut evening);
    let ann = evening.bettor("ann", 100_000);
    (evening, ann)
}

fn seed(evening: &mut Evening) {
    let operator = evening.operator();
    let league = json!({
        "eventTypeId": "1", "name": "Leeds v York", "competition": "Premier League",
        "countryCode": "GB", "openDate": "2031-05-03T14:00:00Z",
    });
    let football = operator.post("/v1/operator/events", &league)["eventId"].clone();
    let race = json!({
        "eventTypeId": "7", "name": "Cork 3rd May", "countryCode": "IE", "venue": "Cork",
        "openDate": "2031-05-03T12:30:00Z",
    });
    let race = operator.post("/v1/operator/events", &race)["eventId"].clone();
    for (event, name, kind, start) in [
        (&football, "Match Odds", "MATCH_ODDS", "2031-05-03T14:00:00Z"),
        (&football, "Over/Under 2.5 Goals", "OVER_UNDER_25", "2031-05-03T14:00:00Z"),
        (&race, "1m4f Hcap", "WIN", "2031-05-03T12:35:00Z"),
    ] {
        operator.post(
            "/v1/operator/markets",
            &json!({"eventId": event, "name": name, "marketType": kind, "startTime": start,
                    "runners": [{"name": "One"}, {"name": "Two"}]}),
        );
    }
}

fn catalogue(ann: &mut Bettor, filter: &Value, more: Value) -> Vec<Value> {
    let mut params = json!({"filter": filter, "maxResults": 100});
    for (key, value) in more.as_object().unwrap() {
        params[key] = value.clone();
    }
    ann.ask("listMarketCatalogue", &params).as_array().expect("a list").clone()
}

#[test]
fn c07_counts_agree_with_the_catalogue() {
    let (_evening, mut ann) = seeded("c07");
    let events = ann.ask("listEvents", &json!({"filter": {"textQuery": "Le* York"}}));
    assert_eq!(events[0]["event"]["name"], "Leeds v York", "{events}");
    let football = events[0]["event"]["id"].clone();
    for filter in [
        json!({}),
        json!({"eventTypeIds": [7]}),
        json!({"eventIds": [football]}),
        json!({"textQuery": "leeds"}),
        json!({"textQuery": "Lee*"}),
        json!({"textQuery": "eeds"}),
        json!({"venues": ["Cork"]}),
        json!({"marketCountries": ["GB", "FR"]}),
        json!({"marketTypeCodes": ["WIN", "MATCH_ODDS"], "turnInPlayEnabled": "true"}),
        json!({"marketBettingTypes": ["LINE"]}),
        json!({"marketStartTime": {"from": "2031-05-03T13:00:00Z", "to": null}}),
        json!({"inPlayOnly": true}),
        json!({"bspOnly": true}),
        json!({"raceTypes": ["Flat"]}),
        json!({"betDelayModels": ["PASSIVE"]}),
    ] {
        let listed = catalogue(&mut ann, &filter, json!({})).len() as u64;
        for (operation, more) in [
            ("listEventTypes", None),
            ("listEvents", None),
            ("listTimeRanges", Some("granularity")),
            ("listMarketTypes", None),
            ("listCountries", None),
        ] {
            let mut params = json!({"filter": filter});
            if let Some(more) = more {
                params[more] = json!("HOURS");
            }
            let rows = ann.ask(operation, &params);
            let counts =
                rows.as_array().unwrap().iter().map(|row| row["marketCount"].as_u64().unwrap());
            assert_eq!(counts.sum::<u64>(), listed, "{operation} {filter}: {rows}");
        }
    }
    let all = json!({"filter": {}});
    let competitions = ann.ask("listCompetitions", &all);
    assert_eq!(competitions[0]["competition"]["name"], "Premier League", "{competitions}");
    let of = &competitions[0];
    assert_eq!((&of["competitionRegion"], &of["marketCount"]), (&json!("GBR"), &json!(2)));
    assert_eq!(ann.ask("listVenues", &all), json!([{"venue": "Cork", "marketCount": 1}]));
    let days = ann.ask("listTimeRanges", &json!({"filter": {}, "granularity": "DAYS"}));
    let range = json!({"from": "2031-05-03T00:00:00.000Z", "to": "2031-05-04T00:00:00.000Z"});
    assert_eq!(days, json!([{"timeRange": range, "marketCount": 3}]));
}

#[test]
fn c08_a_projection_shows_its_own_block_and_no_other() {
    let (_evening, mut ann) = seeded("c08");
    let football = json!({"textQuery": "Leeds", "marketTypeCodes": ["MATCH_ODDS"]});
    let always = ["marketId", "marketName", "totalMatched"];
    for (projection, block) in [
        ("COMPETITION", "competition"),
        ("EVENT", "event"),
        ("EVENT_TYPE", "eventType"),
        ("MARKET_START_TIME", "marketStartTime"),
        ("MARKET_DESCRIPTION", "description"),
        ("RUNNER_DESCRIPTION", "runners"),
        ("RUNNER_METADATA", "runners"),
    ] {
        let rows = catalogue(&mut ann, &football, json!({"marketProjection": [projection]}));
        let keys = rows[0].as_object().unwrap().keys().map(String::as_str);
        let mut shown: Vec<_> = keys.filter(|key| !always.contains(key)).collect();
        assert_eq!(shown.pop(), Some(block), "{projection}: {}", rows[0]);
        assert!(shown.is_empty(), "{projection}: {shown:?}");
        let metadata = &rows[0]["runners"][0]["metadata"];
        assert_eq!(metadata.is_object(), projection == "RUNNER_METADATA", "{projection}");
    }
    assert_eq!(catalogue(&mut ann, &football, json!({}))[0].as_object().unwrap().len(), 3);
}

#[test]
fn c08_a_closed_market_is_not_in_the_catalogue() {
    let mut evening = Evening::begin("c08-closed");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    let filter = json!({"marketIds": [market.id]});
    assert_eq!(catalogue(&mut ann, &filter, json!({})).len(), 1);
    evening.operator().settle(&market, &[market.runners[0]]);
    assert!(catalogue(&mut ann, &filter, json!({})).is_empty());
}

#[test]
fn a_catalogue_is_sorted_by_what_is_traded_and_what_is_on_offer() {
    let mut evening = Evening::begin("sorts");
    let (first, second) = (evening.match_odds(), evening.operator().match_odds("Hull", "Bury"));
    let (mut ann, mut bob) = (evening.bettor("ann", 100_000), evening.bettor("bob", 100_000));
    ann.back(&first, 0, 10.0, 3.0);
    bob.lay(&first, 0, 10.0, 3.0);
    ann.back(&second, 0, 50.0, 3.0);
    let mut order = |sort: &str| {
        let rows = catalogue(&mut ann, &json!({}), json!({"sort": sort}));
        rows.iter().map(|row| row["marketId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order("MAXIMUM_TRADED"), [&*first.id, &second.id]);
    assert_eq!(order("MINIMUM_TRADED"), [&*second.id, &first.id]);
    assert_eq!(order("MAXIMUM_AVAILABLE"), [&*second.id, &first.id]);
    assert_eq!(order("MINIMUM_AVAILABLE"), [&*first.id, &second.id]);
    let rows = catalogue(&mut bob, &json!({}), json!({"sort": "MAXIMUM_TRADED"}));
    assert_eq!(rows[0]["totalMatched"], 20.0, "both sides count: {}", rows[0]);
}

#[test]
fn a_filter_finds_markets_with_the_customers_orders() {
    let mut evening = Evening::begin("with-orders");
    let (rests, done) = (evening.match_odds(), evening.operator().match_odds("Hull", "Bury"));
    evening.operator().match_odds("Ayr", "Fife");
    let mut ann = evening.bettor("ann", 100_000);
    ann.back(&rests, 0, 10.0, 3.0);
    let (bet, _) = ann.back(&done, 0, 10.0, 3.0);
    ann.cancel(&done, &bet, None);
    let mut found = |states: Value| {
        let rows = catalogue(&mut ann, &json!({"withOrders": states}), json!({}));
        rows.iter().map(|row| row["marketId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(json!(["EXECUTABLE"])), [&*rests.id]);
    assert_eq!(found(json!(["EXECUTION_COMPLETE"])), [&*done.id]);
    assert_eq!(found(json!(["EXECUTABLE", "EXECUTION_COMPLETE"])).len(), 2);
    assert_eq!(found(json!([])).len(), 3, "an empty list is no condition");
    let mut bob = evening.bettor("bob", 1_000);
    assert!(catalogue(&mut bob, &json!({"withOrders": ["EXECUTABLE"]}), json!({})).is_empty());
}

#[test]
fn c09_a_catalogue_of_too_much_is_refused() {
    let mut evening = Evening::begin_with_the_real_limits("c09");
    let mut ann = evening.bettor("ann", 10_000);
    let mut ask = |most: u32, projection: &[&str]| {
        let params = json!({"filter": {}, "maxResults": most, "marketProjection": projection});
        ann.call("listMarketCatalogue", &params)
    };
    let answer = ask(1_001, &[]);
    assert_eq!(word(&answer), "TOO_MUCH_DATA");
    assert_eq!(details(&answer), "maxResults: must be less than or equal to 1000");
    let answer = ask(101, &["MARKET_DESCRIPTION", "RUNNER_METADATA"]);
    assert_eq!(word(&answer), "TOO_MUCH_DATA");
    assert_eq!(details(&answer), "maxResults: 101 markets of weight 2 are more than 200");
    assert!(ask(100, &["MARKET_DESCRIPTION", "RUNNER_METADATA"]).is_ok());
    assert!(ask(1_000, &["EVENT"]).is_ok());
}

#[test]
fn c10_books_of_too_much_are_refused() {
    let mut evening = Evening::begin_with_the_real_limits("c10");
    let mut ann = evening.bettor("ann", 10_000);
    let mut ask = |markets: usize, parts: &[&str]| {
        let ids: Vec<String> = (0..markets).map(|n| format!("1.{}", 900_000_000 + n)).collect();
        let params = json!({"marketIds": ids, "priceProjection": {"priceData": parts}});
        ann.call("listMarketBook", &params)
    };
    let answer = ask(12, &["EX_ALL_OFFERS"]);
    assert_eq!(word(&answer), "TOO_MUCH_DATA");
    assert_eq!(details(&answer), "marketIds: 12 markets of weight 17 are more than 200");
    assert_eq!(ask(11, &["EX_ALL_OFFERS"]), Ok(json!([])), "and nobody has these markets");
    let ids: Vec<String> = (0..51).map(|n| format!("1.{}", 900_000_000 + n)).collect();
    let answer = ann.call("listMarketProfitAndLoss", &json!({"marketIds": ids}));
    assert_eq!(word(&answer), "TOO_MUCH_DATA");
}

#[test]
fn c09_and_c10_without_the_real_limits_there_is_more() {
    let mut evening = Evening::begin("c09-open");
    let mut ann = evening.bettor("ann", 10_000);
    let params = json!({"filter": {}, "maxResults": 1000,
        "marketProjection": ["MARKET_DESCRIPTION", "RUNNER_METADATA"]});
    assert!(ann.call("listMarketCatalogue", &params).is_ok());
    let answer = ann.call("listMarketCatalogue", &json!({"filter": {}, "maxResults": 1001}));
    assert_eq!(word(&answer), "TOO_MUCH_DATA");
}

#[test]
fn the_real_limits_hold_who_places_too_fast() {
    let mut evening = Evening::with("limits", |launch| {
        launch
            .setting("LIMITS__INSTRUCTIONS_PER_SECOND", "3")
            .setting("LIMITS__PLACE_INSTRUCTIONS", "2")
    });
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 100_000);
    let order = limit(market.runners[0], "BACK", 2.0, 3.0);
    let mut place = |orders: usize| {
        let params = json!({"marketId": market.id, "instructions": vec![order.clone(); orders]});
        ann.call("placeOrders", &params)
    };
    let answer = place(3);
    assert_eq!(
        (word(&answer), details(&answer)),
        ("INVALID_INPUT_DATA", "instructions: more than 2")
    );
    // Whatever a second is on this machine: of so many in a row one comes within the second of others.
    let refused = (0..1_000).map(|_| place(2)).find(Result::is_err).expect("one too many");
    assert_eq!(word(&refused), "TOO_MANY_REQUESTS");
    assert_eq!(details(&refused), "instructions: more than 3 in one second");
    evening.square();
}
