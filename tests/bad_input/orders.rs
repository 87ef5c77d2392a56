//! Orders that are wrong, at the Betfair-compatible door: each with the word of its refusal.

use serde_json::{Value, json};

use super::House;
use crate::harness::Bettor;
use crate::harness::Market;
use crate::harness::bettor::limit;
use crate::harness::pence;

/// What a call must be answered.
#[derive(Debug)]
enum Expected {
    /// A report that failed: its own word, and one of its instructions'.
    Report(&'static str, &'static str),
    /// An error of the JSON-RPC framework.
    Framework(i64, &'static str),
    /// A service exception, and the field that its details name.
    Exception(&'static str, &'static str),
}

use Expected::{Exception, Framework, Report};

/// A parameter is missing.
const MISSING: Expected = Framework(-32602, "DSC-0018");
/// A parameter is of another type, or a word that is none.
const UNREADABLE: Expected = Framework(-32602, "DSC-0044");
const BAD_SIZE: Expected = Report("BET_ACTION_ERROR", "INVALID_BET_SIZE");
const BAD_ODDS: Expected = Report("BET_ACTION_ERROR", "INVALID_ODDS");
const BAD_RUNNER: Expected = Report("BET_ACTION_ERROR", "INVALID_RUNNER");

fn check(answer: &Result<Value, Value>, row: &str, expected: &Expected) {
    match (answer, expected) {
        (Ok(report), Report(top, line)) => {
            assert_eq!(report["status"], "FAILURE", "{row}: {report}");
            assert_eq!(report["errorCode"], *top, "{row}: {report}");
            let lines = report["instructionReports"].as_array();
            let lines = lines.unwrap_or_else(|| panic!("{row}: no list of reports: {report}"));
            let is_told = lines.iter().any(|it| it["errorCode"] == *line);
            assert!(line.is_empty() || is_told, "{row}: no instruction says {line}: {report}");
            for line in lines {
                assert!(line.get("betId").is_none(), "{row}: a refused bet has an id: {report}");
            }
        }
        (Err(error), Framework(code, message)) => {
            assert_eq!(
                (&error["code"], &error["message"]),
                (&json!(code), &json!(message)),
                "{row}: {error}"
            );
        }
        (Err(error), Exception(word, field)) => {
            assert_eq!(error["code"], -32099, "{row}: {error}");
            let exception = &error["data"]["APINGException"];
            assert_eq!(exception["errorCode"], *word, "{row}: {error}");
            let details = exception["errorDetails"].as_str().unwrap_or_default();
            assert!(details.contains(field), "{row}: details do not name {field}: {error}");
        }
        _ => panic!("{row}: expected {expected:?}, got {answer:?}"),
    }
}

/// Sends each row and looks whether anything moved.
fn hold(house: &mut House, bettor: &mut Bettor, method: &str, rows: Vec<(&str, Value, Expected)>) {
    house.note();
    for (row, params, expected) in rows {
        let row = format!("{method}, {row}");
        let answer = bettor.call(method, &params);
        check(&answer, &row, &expected);
        house.unharmed(&row);
    }
}

/// A good order with one thing changed; `pointer` is a JSON pointer into the instruction.
fn order_but(market: &Market, pointer: &str, value: Value) -> Value {
    let mut order = limit(market.runners[0], "BACK", 2.0, 2.0);
    change(&mut order, pointer, value);
    json!({"marketId": market.id, "instructions": [order]})
}

fn change(order: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = order.pointer_mut(parent).expect("a place");
    parent[name] = value;
}

#[test]
fn a_wrong_stake_is_refused() {
    let mut house = House::open("wrong-stake");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 10_000);
    let size = |value: Value| order_but(&market, "/limitOrder/size", value);
    let rows = vec![
        ("zero", size(json!(0)), BAD_SIZE),
        ("less than zero", size(json!(-1)), BAD_SIZE),
        ("minus zero", size(json!(-0.0)), BAD_SIZE),
        ("a part of a penny", size(json!(10.005)), BAD_SIZE),
        ("a penny", size(json!(0.01)), BAD_SIZE),
        ("below the least stake", size(json!(0.5)), BAD_SIZE),
        ("absent", size(Value::Null), BAD_SIZE),
        ("the greatest integer", size(json!(i64::MAX)), BAD_SIZE),
        ("the greatest unsigned integer", size(json!(u64::MAX)), BAD_SIZE),
        ("near the end of doubles", size(json!(1e308)), BAD_SIZE),
        ("as text, less than zero", size(json!("-10")), BAD_SIZE),
        ("a word", size(json!("ten")), UNREADABLE),
        ("not a number", size(json!("NaN")), UNREADABLE),
        ("infinity", size(json!("Infinity")), UNREADABLE),
        ("too long for a number", size(json!("1e309")), UNREADABLE),
        ("with a comma", size(json!("2,0")), UNREADABLE),
        ("true", size(json!(true)), UNREADABLE),
        ("a list", size(json!([2.0])), UNREADABLE),
        ("an object", size(json!({"pounds": 2})), UNREADABLE),
    ];
    hold(&mut house, &mut bettor, "placeOrders", rows);
}

#[test]
fn a_wrong_price_is_refused() {
    let mut house = House::open("wrong-price");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 10_000);
    let price = |value: Value| order_but(&market, "/limitOrder/price", value);
    let rows = vec![
        ("one", price(json!(1.0)), BAD_ODDS),
        ("above the ladder", price(json!(1001)), BAD_ODDS),
        ("between hundredths", price(json!(2.005)), BAD_ODDS),
        ("between steps", price(json!(2.01)), BAD_ODDS),
        ("between steps of 2", price(json!(31)), BAD_ODDS),
        ("between steps of 10", price(json!(101)), BAD_ODDS),
        ("zero", price(json!(0)), BAD_ODDS),
        ("less than zero", price(json!(-2)), BAD_ODDS),
        ("the greatest integer", price(json!(i64::MAX)), BAD_ODDS),
        ("a hundredth of 2^32 above 2.0", price(json!(42_949_674.96)), BAD_ODDS),
        ("near the end of doubles", price(json!(1e308)), BAD_ODDS),
        ("absent", price(Value::Null), MISSING),
        ("with a comma", price(json!("2,0")), UNREADABLE),
        ("a list", price(json!([])), UNREADABLE),
    ];
    hold(&mut house, &mut bettor, "placeOrders", rows);
}

#[test]
fn an_order_on_nothing_or_of_no_kind_is_refused() {
    let mut house = House::open("no-such-order");
    let market = house.market();
    let other = house.operator.market("Leeds v Hull", &["Leeds", "Hull"], &json!({}));
    let (mut bettor, _) = house.customer("ann", 10_000);
    let but = |pointer: &str, value: Value| order_but(&market, pointer, value);
    let on = |market_id: Value| {
        let order = limit(market.runners[0], "BACK", 2.0, 2.0);
        json!({"marketId": market_id, "instructions": [order]})
    };
    let no_market = || Report("INVALID_MARKET_ID", "");
    let no_kind = || Report("BET_ACTION_ERROR", "INVALID_ORDER_TYPE");
    let rows = vec![
        ("unknown market", on(json!("1.999999999")), no_market()),
        ("a market id of no form", on(json!("abc")), no_market()),
        ("a market id of another exchange", on(json!("2.100000001")), no_market()),
        ("a market id that asks a database", on(json!("1.1' OR '1'='1")), no_market()),
        ("a market id beyond integers", on(json!("1.99999999999999999999999")), no_market()),
        ("no market id", on(Value::Null), MISSING),
        ("an empty market id", on(json!("")), MISSING),
        ("a list for a market id", on(json!(["1.1"])), UNREADABLE),
        ("another market's runner", but("/selectionId", json!(other.runners[1])), BAD_RUNNER),
        ("runner zero", but("/selectionId", json!(0)), BAD_RUNNER),
        ("a runner below zero", but("/selectionId", json!(-1)), BAD_RUNNER),
        ("the greatest runner", but("/selectionId", json!(i64::MAX)), BAD_RUNNER),
        ("a runner beyond integers", but("/selectionId", json!(u64::MAX)), UNREADABLE),
        ("half a runner", but("/selectionId", json!(1.5)), UNREADABLE),
        ("no runner", but("/selectionId", Value::Null), MISSING),
        ("a handicap in a market without", but("/handicap", json!(1.5)), BAD_RUNNER),
        ("a handicap beyond numbers", but("/handicap", json!(1e300)), BAD_RUNNER),
        ("no side", but("/side", Value::Null), MISSING),
        ("a side that is none", but("/side", json!("BUY")), UNREADABLE),
        ("a side in small letters", but("/side", json!("back")), UNREADABLE),
        ("no order type", but("/orderType", Value::Null), MISSING),
        ("an order type that is none", but("/orderType", json!("STOP")), UNREADABLE),
        ("a limit order without a limit", but("/limitOrder", Value::Null), no_kind()),
        ("a type without its payload", but("/orderType", json!("MARKET_ON_CLOSE")), no_kind()),
        (
            "a persistence that is none",
            but("/limitOrder/persistenceType", json!("FOREVER")),
            UNREADABLE,
        ),
        ("a time in force that is none", but("/limitOrder/timeInForce", json!("DAY")), UNREADABLE),
        (
            "a least fill without fill or kill",
            but("/limitOrder/minFillSize", json!(1.0)),
            Report("BET_ACTION_ERROR", "UNEXPECTED_MIN_FILL_SIZE"),
        ),
        (
            "a target and a stake",
            {
                let mut both = but("/limitOrder/betTargetType", json!("PAYOUT"));
                change(&mut both, "/instructions/0/limitOrder/betTargetSize", json!(100.0));
                both
            },
            BAD_SIZE,
        ),
        (
            "a reference of 33 characters",
            but("/customerOrderRef", json!("r".repeat(33))),
            Report("BET_ACTION_ERROR", "INVALID_CUSTOMER_ORDER_REF"),
        ),
        (
            "a reference with a line end",
            but("/customerOrderRef", json!("a\r\nb")),
            Report("BET_ACTION_ERROR", "INVALID_CUSTOMER_ORDER_REF"),
        ),
        (
            "an instruction that is a word",
            json!({"marketId": market.id, "instructions": ["x"]}),
            UNREADABLE,
        ),
        ("no instructions", json!({"marketId": market.id}), MISSING),
        (
            "an empty list",
            json!({"marketId": market.id, "instructions": []}),
            Exception("INVALID_INPUT_DATA", "instructions"),
        ),
        (
            "a list of nothing",
            json!({"marketId": market.id, "instructions": [null, null]}),
            Exception("INVALID_INPUT_DATA", "instructions"),
        ),
        (
            "an object for a list",
            json!({"marketId": market.id, "instructions": {"0": {}}}),
            UNREADABLE,
        ),
    ];
    hold(&mut house, &mut bettor, "placeOrders", rows);
}

#[test]
fn a_request_around_good_orders_may_be_wrong_too() {
    let mut house = House::open("wrong-request");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 100_000);
    let order = limit(market.runners[0], "BACK", 2.0, 2.0);
    let with = |name: &str, value: Value| {
        let mut params = json!({"marketId": market.id, "instructions": [order]});
        params[name] = value;
        params
    };
    let bad_ref = || Exception("INVALID_INPUT_DATA", "customerRef");
    let crossing = json!([
        limit(market.runners[0], "BACK", 2.0, 2.0),
        limit(market.runners[0], "LAY", 2.0, 3.0),
    ]);
    let rows = vec![
        ("a reference of 33 characters", with("customerRef", json!("r".repeat(33))), bad_ref()),
        ("a reference of 10,000", with("customerRef", json!("r".repeat(10_000))), bad_ref()),
        ("a reference with NUL", with("customerRef", json!("a\u{0}b")), bad_ref()),
        ("a reference with a line end", with("customerRef", json!("a\r\nb")), bad_ref()),
        ("a reference with a space", with("customerRef", json!("a b")), bad_ref()),
        ("a reference of emoji", with("customerRef", json!("💸")), bad_ref()),
        ("a reference that is a list", with("customerRef", json!(["a"])), UNREADABLE),
        (
            "a strategy of 16 characters",
            with("customerStrategyRef", json!("s".repeat(16))),
            Report("BET_ACTION_ERROR", "INVALID_CUSTOMER_STRATEGY_REF"),
        ),
        ("a version that is a word", with("marketVersion", json!({"version": "x"})), UNREADABLE),
        ("a version of no object", with("marketVersion", json!(7)), UNREADABLE),
        ("async that is a word", with("async", json!("maybe")), UNREADABLE),
        (
            "201 orders",
            with("instructions", json!(vec![order.clone(); 201])),
            Exception("INVALID_INPUT_DATA", "instructions"),
        ),
        (
            "a back and a lay that would match each other",
            with("instructions", crossing),
            Report("BET_ACTION_ERROR", "INVALID_BACK_LAY_COMBINATION"),
        ),
    ];
    hold(&mut house, &mut bettor, "placeOrders", rows);

    // One wrong of two hundred: the others say that it was not theirs.
    let mut orders = vec![order; 200];
    change(&mut orders[150], "/limitOrder/price", json!(2.01));
    let report = bettor.place(&market, &orders);
    assert_eq!(report["errorCode"], "BET_ACTION_ERROR", "{report}");
    let codes = report["instructionReports"].as_array().expect("reports").iter();
    let codes: Vec<&str> = codes.map(|line| line["errorCode"].as_str().expect("a code")).collect();
    assert_eq!(codes.len(), 200);
    assert_eq!(codes[150], "INVALID_ODDS");
    assert!(codes.iter().enumerate().all(|(at, code)| at == 150 || *code == "ERROR_IN_ORDER"));
    house.unharmed("one of two hundred");
    assert_eq!(bettor.orders(), vec![]);
}

#[test]
fn orders_meet_the_state_of_the_market() {
    let mut house = House::open("market-state");
    let (mut bettor, _) = house.customer("ann", 10_000);
    let inactive = house.operator.market("A v B", &["A", "B"], &json!({"open": false}));
    let suspended = house.market();
    house.operator.act(&suspended, "suspend", &json!({}));
    let settled = house.market();
    house.operator.settle(&settled, &[settled.runners[0]]);
    let void = house.market();
    house.operator.act(&void, "void", &json!({}));
    let on = |market: &Market| order_but(market, "/handicap", json!(0));
    let not_open = || Report("MARKET_NOT_OPEN_FOR_BETTING", "ERROR_IN_ORDER");
    let rows = vec![
        ("inactive", on(&inactive), not_open()),
        ("suspended", on(&suspended), Report("MARKET_SUSPENDED", "ERROR_IN_ORDER")),
        ("settled", on(&settled), not_open()),
        ("void", on(&void), not_open()),
    ];
    hold(&mut house, &mut bettor, "placeOrders", rows);
}

#[test]
fn funds_are_counted_to_the_penny() {
    let mut house = House::open("to-the-penny");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 1_001);
    house.note();
    let short = bettor.place(&market, &[limit(market.runners[0], "BACK", 10.02, 2.0)]);
    assert_eq!(short["status"], "FAILURE", "{short}");
    let line = &short["instructionReports"][0]["errorCode"];
    assert!([&short["errorCode"], line].contains(&&json!("INSUFFICIENT_FUNDS")), "{short}");
    house.unharmed("a penny short");
    let lay = bettor.place(&market, &[limit(market.runners[0], "LAY", 10.02, 2.0)]);
    assert_eq!(lay["status"], "FAILURE", "{lay}");
    house.unharmed("a liability a penny short");
    let enough = bettor.place(&market, &[limit(market.runners[0], "BACK", 10.01, 2.0)]);
    assert_eq!(enough["status"], "SUCCESS", "{enough}");
    assert_eq!(bettor.funds(), (0, -1_001));
    let more = bettor.place(&market, &[limit(market.runners[1], "BACK", 1.0, 2.0)]);
    assert_eq!(more["status"], "FAILURE", "{more}");
    assert_eq!(house.operator.ledger().difference, 0);
}

#[test]
fn what_betfair_forgives_is_forgiven() {
    let mut house = House::open("forgiven");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 10_000);
    for (pointer, value) in [
        ("/limitOrder/size", json!("2")),
        ("/limitOrder/price", json!("2.0")),
        ("/selectionId", json!(market.runners[0].to_string())),
        ("/handicap", json!("0")),
        ("/handicap", Value::Null),
        ("/customerOrderRef", json!("")),
        ("/limitOrder/timeInForce", Value::Null),
        ("/anUnknownMember", json!([1, {"a": null}])),
    ] {
        let report = bettor.ask("placeOrders", &order_but(&market, pointer, value.clone()));
        assert_eq!(report["status"], "SUCCESS", "{pointer} {value}: {report}");
    }
    assert_eq!(bettor.orders().len(), 8);
    assert_eq!(bettor.funds(), (8_400, -1_600));
}

#[test]
fn what_is_done_to_orders_may_be_wrong() {
    let mut house = House::open("wrong-change");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 10_000);
    let (mut other, _) = house.customer("bob", 10_000);
    let (open, _) = bettor.back(&market, 0, 2.0, 3.0);
    let (matched, _) = bettor.back(&market, 1, 2.0, 3.0);
    other.lay(&market, 1, 2.0, 3.0);
    let before = bettor.orders();

    let cancel = |instructions: Value| json!({"marketId": market.id, "instructions": instructions});
    let gone = || Report("BET_ACTION_ERROR", "BET_TAKEN_OR_LAPSED");
    let unknown = || Report("BET_ACTION_ERROR", "INVALID_BET_ID");
    let reduce = |by: Value| cancel(json!([{"betId": open, "sizeReduction": by}]));
    let rows = vec![
        ("a bet that never was", cancel(json!([{"betId": "999999999999"}])), unknown()),
        ("a bet id of no form", cancel(json!([{"betId": "abc"}])), unknown()),
        ("a bet id below zero", cancel(json!([{"betId": -5}])), unknown()),
        ("a matched bet", cancel(json!([{"betId": matched}])), gone()),
        ("no bet id", cancel(json!([{"sizeReduction": 1}])), MISSING),
        (
            "the same bet twice",
            cancel(json!([{"betId": open}, {"betId": open}])),
            Report("DUPLICATE_BETIDS", ""),
        ),
        ("less by nothing", reduce(json!(0)), BAD_SIZE),
        ("less by less than nothing", reduce(json!(-1)), BAD_SIZE),
        ("less by a part of a penny", reduce(json!(0.001)), BAD_SIZE),
        ("less by a word", reduce(json!("some")), UNREADABLE),
        (
            "61 bets",
            cancel(json!(vec![json!({"betId": open}); 61])),
            Exception("INVALID_INPUT_DATA", "instructions"),
        ),
        (
            "bets of no market",
            json!({"instructions": [{"betId": open}]}),
            Exception("INVALID_INPUT_DATA", "marketId"),
        ),
        ("an unknown market", json!({"marketId": "1.999999999"}), Report("INVALID_MARKET_ID", "")),
    ];
    hold(&mut house, &mut bettor, "cancelOrders", rows);

    let replace = |bet: &str, price: Value| cancel(json!([{"betId": bet, "newPrice": price}]));
    let rows = vec![
        ("no bet", cancel(json!([])), Exception("INVALID_INPUT_DATA", "instructions")),
        ("no price", replace(&open, Value::Null), MISSING),
        ("a price that is a word", replace(&open, json!("high")), UNREADABLE),
        ("a matched bet", replace(&matched, json!(4.0)), Report("BET_ACTION_ERROR", "")),
        (
            "a bet that never was",
            replace("999999999999", json!(4.0)),
            Report("BET_ACTION_ERROR", ""),
        ),
    ];
    hold(&mut house, &mut bettor, "replaceOrders", rows);

    let update =
        |bet: &str, word: Value| cancel(json!([{"betId": bet, "newPersistenceType": word}]));
    let rows = vec![
        ("a word that is none", update(&open, json!("FOREVER")), UNREADABLE),
        ("no word", update(&open, Value::Null), MISSING),
        (
            "what it is already",
            update(&open, json!("LAPSE")),
            Report("BET_ACTION_ERROR", "NO_ACTION_REQUIRED"),
        ),
        ("a matched bet", update(&matched, json!("PERSIST")), gone()),
        ("a bet that never was", update("999999999999", json!("PERSIST")), unknown()),
    ];
    hold(&mut house, &mut bettor, "updateOrders", rows);
    assert_eq!(bettor.orders(), before);
    let cancelled = bettor.cancel(&market, &open, None);
    assert_eq!(pence(&cancelled["instructionReports"][0]["sizeCancelled"]), 200, "{cancelled}");
    let again = bettor.cancel(&market, &open, None);
    assert_eq!(again["instructionReports"][0]["errorCode"], "BET_TAKEN_OR_LAPSED", "{again}");
}

#[test]
fn questions_may_be_wrong_too() {
    let mut house = House::open("wrong-questions");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 10_000);
    let catalogue = |most: Value| json!({"filter": {}, "maxResults": most});
    let rows = vec![
        ("no filter", json!({"maxResults": 1}), MISSING),
        ("a filter that is a word", json!({"filter": "all", "maxResults": 1}), UNREADABLE),
        ("nothing at most", catalogue(json!(0)), Exception("INVALID_INPUT_DATA", "maxResults")),
        ("too many", catalogue(json!(1001)), Exception("TOO_MUCH_DATA", "maxResults")),
        ("as many as there are", catalogue(json!("all")), UNREADABLE),
        ("no number", catalogue(Value::Null), MISSING),
        (
            "a projection that is none",
            json!({"filter": {}, "maxResults": 1, "marketProjection": ["ALL"]}),
            UNREADABLE,
        ),
        (
            "a date that is none",
            json!({"filter": {"marketStartTime": {"from": "tomorrow"}}, "maxResults": 1}),
            UNREADABLE,
        ),
    ];
    hold(&mut house, &mut bettor, "listMarketCatalogue", rows);
    let rows = vec![
        ("no markets", json!({}), MISSING),
        ("a market for a list", json!({"marketIds": market.id}), UNREADABLE),
        (
            "prices that are none",
            json!({"marketIds": [market.id], "priceProjection": {"priceData": ["EX"]}}),
            UNREADABLE,
        ),
        (
            "a depth below zero",
            json!({"marketIds": [market.id], "priceProjection":
                {"exBestOffersOverrides": {"bestPricesDepth": -1}}}),
            UNREADABLE,
        ),
    ];
    hold(&mut house, &mut bettor, "listMarketBook", rows);
    let one = |selection: Value| json!({"marketId": market.id, "selectionId": selection});
    let rows = vec![
        ("no runner", json!({"marketId": market.id}), MISSING),
        ("no market of the runner", json!({"selectionId": 1}), MISSING),
        ("a runner that is a name", one(json!("Arsenal")), UNREADABLE),
        ("a runner and a half", one(json!(1.5)), UNREADABLE),
        (
            "a handicap that is a word",
            json!({"marketId": market.id, "selectionId": 1, "handicap": "level"}),
            UNREADABLE,
        ),
    ];
    hold(&mut house, &mut bettor, "listRunnerBook", rows);
    let rows = vec![
        ("no markets", json!({}), MISSING),
        ("a market for a list", json!({"marketIds": market.id}), UNREADABLE),
        (
            "perhaps net of commission",
            json!({"marketIds": [market.id], "netOfCommission": "perhaps"}),
            UNREADABLE,
        ),
    ];
    hold(&mut house, &mut bettor, "listMarketProfitAndLoss", rows);
    for operation in
        ["listCompetitions", "listEvents", "listMarketTypes", "listCountries", "listVenues"]
    {
        let star = json!({"filter": {"textQuery": "*City"}});
        let long = json!({"filter": {"textQuery": "x".repeat(251)}});
        let rows = vec![
            ("no filter", json!({}), MISSING),
            ("a filter that is a list", json!({"filter": []}), UNREADABLE),
            ("a state that is none", json!({"filter": {"withOrders": ["SOON"]}}), UNREADABLE),
            ("a star in front", star, Exception("INVALID_INPUT_DATA", "filter.textQuery")),
            ("too long a text", long, Exception("INVALID_INPUT_DATA", "filter.textQuery")),
        ];
        hold(&mut house, &mut bettor, operation, rows);
    }
    let rows = vec![
        ("no length", json!({"filter": {}}), MISSING),
        ("a length that is none", json!({"filter": {}, "granularity": "WEEKS"}), UNREADABLE),
    ];
    hold(&mut house, &mut bettor, "listTimeRanges", rows);
    for operation in [
        "setDefaultExposureLimitForMarketGroups",
        "setExposureLimitForMarketGroup",
        "removeDefaultExposureLimitForMarketGroups",
        "removeExposureLimitForMarketGroup",
        "listExposureLimitsForMarketGroups",
        "unblockMarketGroup",
        "getExposureReuseEnabledEvents",
        "addExposureReuseEnabledEvents",
        "removeExposureReuseEnabledEvents",
    ] {
        let rows = vec![("anything", json!({"limit": 1}), Exception("ACCESS_DENIED", operation))];
        hold(&mut house, &mut bettor, operation, rows);
    }
    let ids: Vec<String> = (0..251).map(|n| format!("10000{n:07}")).collect();
    let rows = vec![
        ("from below zero", json!({"fromRecord": -1}), UNREADABLE),
        ("251 ids", json!({"betIds": ids}), Exception("REQUEST_SIZE_EXCEEDS_LIMIT", "betIds")),
        ("an order that is none", json!({"orderBy": "SIZE"}), UNREADABLE),
        ("a range that is a word", json!({"dateRange": "today"}), UNREADABLE),
    ];
    hold(&mut house, &mut bettor, "listCurrentOrders", rows);
    let rows = vec![
        ("no status", json!({}), MISSING),
        ("a status that is none", json!({"betStatus": "WON"}), UNREADABLE),
        ("a group that is none", json!({"betStatus": "SETTLED", "groupBy": "MOOD"}), UNREADABLE),
    ];
    hold(&mut house, &mut bettor, "listClearedOrders", rows);
}

/// Allowed unless the customer does not want to: then the order that comes gives way, and nothing is matched.
#[test]
fn who_would_bet_against_himself_gives_way_when_he_wants_to() {
    let mut house = House::open("self-match");
    let (mut ann, _) = house.customer("ann", 100_000);
    let market = house.market();
    house.note();
    house.operator.ask("PATCH", "/v1/operator/users/ann", Some(&json!({"selfMatch": false})));
    let (resting, matched) = ann.back(&market, 0, 3.0, 5.0);
    assert_eq!(matched, 0);
    let report = ann.place(&market, &[limit(market.runners[0], "LAY", 3.0, 5.0)]);
    assert_eq!(report["instructionReports"][0]["sizeMatched"], 0.0, "{report}");
    let left = ann.orders();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(ann.order(&resting).remaining, 300);
    house.unharmed("a bet against oneself");
}
