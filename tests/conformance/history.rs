//! Lists of orders: pages, orders, ids, groups.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{details, word};
use crate::harness::bettor::limit;
use crate::harness::pence;
use crate::scenarios::Evening;

fn ids(page: &Value) -> Vec<String> {
    let rows = page["currentOrders"].as_array().expect("a list");
    rows.iter().map(|row| row["betId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn c56_current_orders_come_in_pages() {
    let mut evening = Evening::begin("c56");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 1_000_000);
    let order = limit(market.runners[0], "BACK", 2.0, 3.0);
    for _ in 0..6 {
        let report = ann.place(&market, &vec![order.clone(); 200]);
        assert_eq!(report["status"], "SUCCESS");
    }
    let first = ann.ask("listCurrentOrders", &json!({"orderBy": "BY_PLACE_TIME"}));
    assert_eq!((ids(&first).len(), &first["moreAvailable"]), (1_000, &json!(true)));
    let rest = ann.ask("listCurrentOrders", &json!({"fromRecord": 1000, "recordCount": 1000}));
    assert_eq!((ids(&rest).len(), &rest["moreAvailable"]), (200, &json!(false)));
    let all: BTreeSet<String> = ids(&first).into_iter().chain(ids(&rest)).collect();
    assert_eq!(all.len(), 1_200, "pages do not overlap");
    let latest = json!({"sortDir": "LATEST_TO_EARLIEST", "recordCount": 1});
    let latest = ids(&ann.ask("listCurrentOrders", &latest));
    assert_eq!(latest, ids(&rest)[199..]);

    let many: Vec<&String> = all.iter().take(251).collect();
    let answer = ann.call("listCurrentOrders", &json!({"betIds": many}));
    assert_eq!(word(&answer), "REQUEST_SIZE_EXCEEDS_LIMIT");
    assert_eq!(details(&answer), "betIds, marketIds: more than 250 ids together");
    let some = ann.ask("listCurrentOrders", &json!({"betIds": many[..250]}));
    assert_eq!(ids(&some).len(), 250);
}

#[test]
fn c56_current_orders_are_sorted_and_filtered() {
    let mut evening = Evening::begin("c56-sorts");
    let markets = [evening.match_odds(), evening.operator().match_odds("Hull", "Bury")];
    let (mut ann, mut bob) = (evening.bettor("ann", 10_000), evening.bettor("bob", 10_000));
    let (second, _) = ann.back(&markets[1], 0, 5.0, 3.0);
    let (first, _) = ann.back(&markets[0], 0, 5.0, 3.0);
    bob.lay(&markets[0], 0, 5.0, 3.0);
    ann.await_order(&first, |order| order.matched == 500);
    let mut list = |params: Value| ids(&ann.ask("listCurrentOrders", &params));
    assert_eq!(list(json!({"orderBy": "BY_BET"})), [&*second, &first]);
    assert_eq!(list(json!({"orderBy": "BY_MARKET"})), [&*first, &second]);
    assert_eq!(list(json!({"orderBy": "BY_MATCH_TIME"})), [&*first], "it filters too");
    assert_eq!(list(json!({"orderProjection": "EXECUTABLE"})), [&*second]);
    assert_eq!(list(json!({"marketIds": [markets[0].id]})), [&*first]);
    assert!(list(json!({"dateRange": {"from": "2100-01-01T00:00:00Z"}})).is_empty());
    let described = json!({"betIds": [first], "includeItemDescription": true});
    let described = ann.ask("listCurrentOrders", &described);
    let version =
        &described["currentOrders"][0]["currentItemDescription"]["marketVersion"]["version"];
    assert!(version.is_u64(), "{described}");
}

#[test]
fn cleared_orders_are_added_up_by_what_is_asked() {
    let mut evening = Evening::begin("groups");
    let markets = [evening.match_odds(), evening.operator().match_odds("Hull", "Bury")];
    let (mut ann, mut bob) = (evening.bettor("ann", 100_000), evening.bettor("bob", 100_000));
    for market in &markets {
        for (runner, price) in [(0, 3.0), (1, 2.0)] {
            ann.back(market, runner, 10.0, price);
            bob.lay(market, runner, 10.0, price);
        }
    }
    // Home wins one match, away the other: +20 -10, and -10 +10.
    evening.operator().settle(&markets[0], &[markets[0].runners[0]]);
    evening.operator().settle(&markets[1], &[markets[1].runners[1]]);
    let mut rows = |group: &str| {
        let params = json!({"betStatus": "SETTLED", "groupBy": group});
        ann.ask("listClearedOrders", &params)["clearedOrders"].as_array().unwrap().clone()
    };
    let sums = |rows: &[Value]| {
        let mut sums: Vec<_> = rows
            .iter()
            .map(|row| (row["betCount"].as_u64().unwrap(), pence(&row["profit"])))
            .collect();
        sums.sort_unstable();
        sums
    };
    assert_eq!(sums(&rows("BET")), [(1, -1_000), (1, -1_000), (1, 1_000), (1, 2_000)]);
    assert_eq!(sums(&rows("SIDE")).len(), 4);
    assert_eq!(sums(&rows("RUNNER")).len(), 4);
    assert_eq!(sums(&rows("STRATEGY")), [(4, 1_000)]);
    let by_market = rows("MARKET");
    assert_eq!(sums(&by_market), [(2, 0), (2, 1_000)]);
    let by_event = rows("EVENT");
    assert_eq!(sums(&by_event), [(2, 0), (2, 1_000)]);
    assert!(by_event.iter().all(|row| row["eventId"].is_string() && row["marketId"].is_null()));
    let by_type = rows("EVENT_TYPE");
    assert_eq!(sums(&by_type), [(4, 1_000)]);
    assert!(by_type[0]["eventId"].is_null());
    // Five per cent of what each market won, and only where markets are added up.
    let commission = |rows: &[Value]| rows.iter().map(|row| pence(&row["commission"])).sum::<i64>();
    assert_eq!((commission(&by_market), commission(&by_event), commission(&by_type)), (50, 50, 50));
    assert!(rows("BET").iter().all(|row| row["commission"].is_null()));
    evening.square();
}

#[test]
fn what_was_never_matched_is_cleared_as_lapsed_or_cancelled() {
    let mut evening = Evening::begin("statuses");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 10_000);
    let (cancelled, _) = ann.back(&market, 0, 5.0, 3.0);
    ann.cancel(&market, &cancelled, None);
    ann.back(&market, 0, 7.0, 3.0);
    evening.operator().settle(&market, &[market.runners[0]]);
    let mut sizes = |status: &str| {
        let rows = ann.ask("listClearedOrders", &json!({"betStatus": status}));
        let rows = rows["clearedOrders"].as_array().unwrap().clone();
        rows.iter().map(|row| pence(&row["sizeCancelled"])).collect::<Vec<_>>()
    };
    assert_eq!(sizes("CANCELLED"), [500]);
    assert_eq!(sizes("LAPSED"), [700]);
    assert!(sizes("SETTLED").is_empty() && sizes("VOIDED").is_empty());
}
