//! The navigation menu, as clients find their markets by it.

use serde_json::{Value, json};

use crate::harness::Bettor;
use crate::harness::http::{Answer, HttpClient};
use crate::scenarios::Evening;

const MENU: &str = "/exchange/betting/rest/v1/en/navigation/menu.json";

fn get(evening: &Evening, ann: &Bettor, more: &[(&str, &str)]) -> Answer {
    let mut headers = ann.who_asks().to_vec();
    headers.extend_from_slice(more);
    HttpClient::new(evening.node().http).request("GET", MENU, &headers, b"").expect("an answer")
}

/// The market's node and the types of those above it, from the root.
fn find(menu: &Value, market: &str) -> Option<(Value, Vec<String>)> {
    let kind = menu["type"].as_str().expect("a type").to_owned();
    if menu["id"] == market {
        return Some((menu.clone(), vec![kind]));
    }
    let children = menu["children"].as_array()?;
    let (found, mut path) = children.iter().find_map(|child| find(child, market))?;
    path.insert(0, kind);
    Some((found, path))
}

#[test]
fn the_menu_shows_what_is_listed_and_is_sent_again_only_when_it_has_changed() {
    let mut evening = Evening::begin("menu");
    let mut ann = evening.bettor("ann", 1_000);
    let empty = get(&evening, &ann, &[]);
    assert_eq!(empty.json(), json!({"type": "GROUP", "name": "ROOT", "id": 0, "children": []}));
    let market = evening.match_odds();
    let first = get(&evening, &ann, &[]);
    assert_eq!(first.status, 200);
    let (node, path) = find(&first.json(), &market.id).expect("a market is shown once it is made");
    assert_eq!(path, ["GROUP", "EVENT_TYPE", "EVENT", "MARKET"]);
    assert_eq!(
        node,
        json!({
            "type": "MARKET", "name": "Match Odds", "id": market.id, "exchangeId": "1",
            "marketType": "MATCH_ODDS", "marketStartTime": "2031-05-03T14:00:00.000Z",
            "numberOfWinners": 1,
        })
    );
    let etag = first.header("etag").expect("an etag").to_owned();
    let again = get(&evening, &ann, &[("If-None-Match", &etag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));

    // Bets and suspensions change nothing of it; another market, and one that closes, do.
    ann.back(&market, 0, 2.0, 3.0);
    evening.operator().act(&market, "suspend", &json!({}));
    assert_eq!(get(&evening, &ann, &[("If-None-Match", &etag)]).status, 304);
    let race = json!({"marketType": "WIN", "name": "5f Hcap"});
    let event = json!({"eventTypeId": "7", "name": "Ascot 3rd May", "venue": "Ascot",
        "countryCode": "GB", "openDate": "2031-05-03T13:00:00Z"});
    let event = evening.operator().post("/v1/operator/events", &event);
    let mut win = json!({"eventId": event["eventId"], "startTime": "2031-05-03T13:30:00Z",
        "runners": [{"name": "One"}, {"name": "Two"}]});
    for (key, value) in race.as_object().unwrap() {
        win[key] = value.clone();
    }
    let win = evening.operator().post("/v1/operator/markets", &win);
    let win = win["marketId"].as_str().unwrap();
    let second = get(&evening, &ann, &[("If-None-Match", &etag)]);
    assert_eq!(second.status, 200);
    let (_, path) = find(&second.json(), win).expect("the race");
    assert_eq!(path, ["GROUP", "EVENT_TYPE", "EVENT", "RACE", "MARKET"]);
    evening.operator().settle(&market, &[market.runners[0]]);
    let third = get(&evening, &ann, &[]);
    assert!(find(&third.json(), &market.id).is_none(), "a closed market is shown no more");
    assert!(find(&third.json(), win).is_some());

    let mut http = HttpClient::new(evening.node().http);
    let stranger = http.request("GET", MENU, &[], b"").expect("an answer");
    assert_eq!((stranger.status, &stranger.json()["faultstring"]), (400, &json!("ANGX-0004")));
}
