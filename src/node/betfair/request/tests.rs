//! Requests: how each operation's parameters are read and bounded.

use serde_json::{Value, json};

use super::super::dates::Date;
use super::super::filter::TimeRange;
use super::super::tree::Tree;
use super::super::words::{
    BetStatus, GroupBy, MarketBettingType, OrderBy, OrderProjection, OrderStatus, PriceData,
    RollupModel, Side,
};
use super::*;

fn read(operation: Operation, params: &Value) -> Result<Request, Fault> {
    let tree = Tree::from(params);
    Request::read(operation, Parameters::new(operation, Some(&tree)).unwrap())
}

/// The request of `params`, or the fault as text.
fn check(operation: Operation, params: Value, expect: Result<Request, &str>) {
    let read = read(operation, &params).map_err(|fault| fault.to_string());
    assert_eq!(read, expect.map_err(str::to_owned), "{params}");
}

fn texts(texts: &[&str]) -> Option<Vec<String>> {
    Some(texts.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn a_filter_is_read_with_all_its_members() {
    let filter = json!({
        "textQuery": "Arsenal*", "exchangeIds": ["1"], "eventTypeIds": [1], "eventIds": ["28"],
        "competitionIds": [], "marketIds": ["1.2"], "venues": null, "bspOnly": "false",
        "turnInPlayEnabled": true, "inPlayOnly": false, "marketBettingTypes": ["ODDS"],
        "marketCountries": ["GB"], "marketTypeCodes": ["MATCH_ODDS"],
        "marketStartTime": {"from": "2026-11-21T15:00:00Z", "to": null},
        "withOrders": ["EXECUTABLE"], "raceTypes": ["Flat"], "somethingNew": {"a": 1},
    });
    let expect = MarketFilter {
        text_query: Some("Arsenal*".into()),
        event_type_ids: texts(&["1"]),
        event_ids: texts(&["28"]),
        market_ids: texts(&["1.2"]),
        bsp_only: Some(false),
        turn_in_play_enabled: Some(true),
        in_play_only: Some(false),
        market_betting_types: Some(vec![MarketBettingType::Odds]),
        market_countries: texts(&["GB"]),
        market_type_codes: texts(&["MATCH_ODDS"]),
        market_start_time: Some(TimeRange { from: Date::from_text("2026-11-21T15:00Z"), to: None }),
        with_orders: Some(vec![OrderStatus::Executable]),
        race_types: texts(&["Flat"]),
        ..MarketFilter::default()
    };
    let params = json!({"filter": filter});
    check(Operation::ListEvents, params.clone(), Ok(Request::ListEvents(expect.clone())));
    check(Operation::ListEventTypes, params, Ok(Request::ListEventTypes(expect)));
    check(Operation::ListEvents, json!({}), Err("filter: is mandatory"));
    check(Operation::ListEvents, json!([null, "en"]), Err("filter: is mandatory"));
    check(
        Operation::ListEvents,
        json!({"filter": {"marketStartTime": {"from": "soon"}}}),
        Err("filter.marketStartTime.from: is not a date such as 2026-11-21T15:00:00Z"),
    );
    check(
        Operation::ListEvents,
        json!({"filter": {"eventIds": [["1"]]}}),
        Err("filter.eventIds[0]: is not a text"),
    );
}

#[test]
fn list_market_catalogue_is_read_and_bounded() {
    let expect = |max_results| {
        Request::ListMarketCatalogue(ListMarketCatalogue {
            filter: MarketFilter::default(),
            projection: vec![MarketProjection::Event, MarketProjection::RunnerMetadata],
            sort: Some(MarketSort::FirstToStart),
            max_results,
        })
    };
    let params = |max: Value| {
        json!({"filter": {}, "marketProjection": ["EVENT", "RUNNER_METADATA"],
               "sort": "FIRST_TO_START", "maxResults": max})
    };
    check(Operation::ListMarketCatalogue, params(json!("1000")), Ok(expect(1000)));
    let missing = Err("maxResults: is mandatory");
    check(Operation::ListMarketCatalogue, params(json!(null)), missing);
    let word = |max| expect(max).check(&Limits::open()).map_err(|exception| exception.word);
    assert_eq!(word(1000), Ok(()));
    assert_eq!(word(1001), Err(ExceptionWord::TooMuchData));
    assert_eq!(word(0), Err(ExceptionWord::InvalidInputData));
    check(
        Operation::ListMarketCatalogue,
        json!({"filter": {}, "sort": "RANK", "maxResults": 1, "marketProjection": ["X"]}),
        Err(concat!(
            "marketProjection[0]: is not one of COMPETITION, EVENT, EVENT_TYPE, ",
            "MARKET_START_TIME, MARKET_DESCRIPTION, RUNNER_DESCRIPTION, RUNNER_METADATA"
        )),
    );
}

#[test]
fn list_market_book_is_read() {
    let params = json!({
        "marketIds": ["1.2", 1.3],
        "priceProjection": {"priceData": ["EX_BEST_OFFERS", "EX_TRADED"], "virtualise": "true",
            "exBestOffersOverrides": {"bestPricesDepth": "5", "rollupModel": "STAKE", "rollupLimit": 2}},
        "orderProjection": "EXECUTABLE", "matchedSince": "2026-11-21T15:00:00", "locale": "en",
    });
    let expect = ListMarketBook {
        market_ids: vec!["1.2".into(), "1.3".into()],
        runner: None,
        prices: PriceProjection {
            data: vec![PriceData::ExBestOffers, PriceData::ExTraded],
            best_prices_depth: Some(5),
            liability_threshold: None,
            liability_factor: None,
            rollup_model: Some(RollupModel::Stake),
            rollup_limit: Some(2),
            virtualise: true,
        },
        orders: Some(OrderProjection::Executable),
        matches: None,
        include_overall_position: true,
        partition_by_strategy: false,
        strategy_refs: None,
        matched_since: Date::from_text("2026-11-21T15:00:00Z"),
        bet_ids: None,
    };
    check(Operation::ListMarketBook, params, Ok(Request::ListMarketBook(expect)));
    check(Operation::ListMarketBook, json!({}), Err("marketIds: is mandatory"));
    let params = json!({"marketId": "1.2", "selectionId": "47", "handicap": -0.5});
    let Ok(Request::ListMarketBook(one)) = read(Operation::ListRunnerBook, &params) else {
        panic!("{params}")
    };
    assert_eq!((one.market_ids, one.runner), (vec!["1.2".to_owned()], Some((47, -50))));
    check(Operation::ListRunnerBook, json!(["1.2"]), Err("selectionId: is mandatory"));
    check(
        Operation::ListMarketBook,
        json!({"marketIds": [], "priceProjection": {"exBestOffersOverrides": 7}}),
        Err("priceProjection.exBestOffersOverrides: is not an object"),
    );
}

#[test]
fn orders_are_listed_with_the_defaults_of_the_wire() {
    let current = ListCurrentOrders {
        bet_ids: None,
        market_ids: None,
        projection: OrderProjection::All,
        order_refs: None,
        strategy_refs: None,
        date_range: None,
        order_by: OrderBy::Bet,
        latest_first: false,
        from_record: 0,
        record_count: 0,
        with_description: false,
    };
    // What betfairlightweight always sends.
    let params = json!({"dateRange": {"from": null, "to": null}});
    let expect = Ok(Request::ListCurrentOrders(current.clone()));
    check(Operation::ListCurrentOrders, params, expect);
    check(
        Operation::ListCurrentOrders,
        json!({"betIds": [100000000001_u64], "sortDir": "LATEST_TO_EARLIEST", "recordCount": "7"}),
        Ok(Request::ListCurrentOrders(ListCurrentOrders {
            bet_ids: texts(&["100000000001"]),
            latest_first: true,
            record_count: 7,
            ..current.clone()
        })),
    );
    let many = ListCurrentOrders { bet_ids: Some(vec![String::new(); 251]), ..current };
    let refused = Request::ListCurrentOrders(many).check(&Limits::open()).unwrap_err();
    assert_eq!(refused.word, ExceptionWord::RequestSizeExceedsLimit);

    let cleared = ListClearedOrders {
        status: BetStatus::Settled,
        event_type_ids: None,
        event_ids: None,
        market_ids: None,
        runner_ids: Some(vec![RunnerId {
            market_id: "1.2".into(),
            selection_id: 47,
            handicap: Some(-50),
        }]),
        bet_ids: None,
        order_refs: None,
        strategy_refs: None,
        side: Some(Side::Lay),
        settled: None,
        group_by: GroupBy::Market,
        with_description: false,
        from_record: 0,
        record_count: 0,
    };
    let params = json!({
        "betStatus": "SETTLED", "settledDateRange": {"from": null, "to": null}, "side": "LAY",
        "runnerIds": [{"marketId": "1.2", "selectionId": "47", "handicap": -0.5}],
        "groupBy": "MARKET",
    });
    let expect = Ok(Request::ListClearedOrders(cleared));
    check(Operation::ListClearedOrders, params, expect);
    check(Operation::ListClearedOrders, json!({}), Err("betStatus: is mandatory"));
}

#[test]
fn what_is_counted_and_what_is_won_is_read() {
    let filter = MarketFilter { bsp_only: Some(true), ..MarketFilter::default() };
    let params = json!({"filter": {"bspOnly": "true"}, "granularity": "HOURS"});
    let expect = Request::ListTimeRanges(filter.clone(), TimeGranularity::Hours);
    check(Operation::ListTimeRanges, params.clone(), Ok(expect));
    check(Operation::ListVenues, params.clone(), Ok(Request::ListVenues(filter.clone())));
    check(Operation::ListCountries, params.clone(), Ok(Request::ListCountries(filter.clone())));
    check(Operation::ListMarketTypes, params.clone(), Ok(Request::ListMarketTypes(filter.clone())));
    check(Operation::ListCompetitions, params, Ok(Request::ListCompetitions(filter)));
    check(Operation::ListTimeRanges, json!({"filter": {}}), Err("granularity: is mandatory"));
    let weeks = json!({"filter": {}, "granularity": "WEEKS"});
    let expect = Err("granularity: is not one of DAYS, HOURS, MINUTES");
    check(Operation::ListTimeRanges, weeks, expect);
    let expect = ListMarketProfitAndLoss {
        market_ids: vec!["1.2".into()],
        with_bsp: true,
        net_of_commission: true,
    };
    let params = json!([["1.2"], null, "true", 1]);
    let profit = Operation::ListMarketProfitAndLoss;
    check(profit, params, Ok(Request::ListMarketProfitAndLoss(expect)));
    check(profit, json!({}), Err("marketIds: is mandatory"));
    let group = Operation::UnblockMarketGroup;
    check(group, json!({}), Ok(Request::MarketGroups(group)));
}

#[test]
fn account_operations_take_nothing() {
    check(Operation::GetAccountFunds, json!({"wallet": "UK"}), Ok(Request::GetAccountFunds));
    check(Operation::GetAccountDetails, json!([]), Ok(Request::GetAccountDetails));
}

#[test]
fn a_query_weighs_what_betfair_says() {
    use PriceData::{ExAllOffers, ExBestOffers, ExTraded, SpAvailable, SpTraded};
    let check = |data: &[PriceData], depth: Option<u32>, most_markets: usize| {
        let fits = |markets| {
            let request = ListMarketBook {
                market_ids: vec![String::new(); markets],
                runner: None,
                prices: PriceProjection {
                    data: data.to_vec(),
                    best_prices_depth: depth,
                    ..PriceProjection::default()
                },
                orders: None,
                matches: None,
                include_overall_position: true,
                partition_by_strategy: false,
                strategy_refs: None,
                matched_since: None,
                bet_ids: None,
            };
            let checked = Request::ListMarketBook(request).check(&Limits::betfair());
            checked.map_err(|exception| assert_eq!(exception.word, ExceptionWord::TooMuchData))
        };
        assert!(fits(most_markets).is_ok(), "{data:?}");
        assert!(fits(most_markets + 1).is_err(), "{data:?}");
    };
    check(&[], None, 100);
    check(&[ExBestOffers], None, 40);
    check(&[ExBestOffers], Some(6), 20);
    check(&[ExAllOffers], None, 11);
    check(&[ExBestOffers, ExTraded], None, 10);
    check(&[ExAllOffers, ExBestOffers, ExTraded], None, 6);
    check(&[SpAvailable, SpTraded], None, 20);
    let catalogue = |projection: &[MarketProjection], max_results| {
        let request = ListMarketCatalogue {
            filter: MarketFilter::default(),
            projection: projection.to_vec(),
            sort: None,
            max_results,
        };
        Request::ListMarketCatalogue(request).check(&Limits::betfair()).is_ok()
    };
    let heavy = [MarketProjection::MarketDescription, MarketProjection::RunnerMetadata];
    assert!(catalogue(&heavy, 100) && !catalogue(&heavy, 101));
    assert!(catalogue(&[MarketProjection::Event], 1000));
}
