//! Prices as they are rolled up and cut, and the customer's own in a book.

use serde_json::{Value, json};

use crate::harness::{Bettor, Market, pence};
use crate::scenarios::Evening;

fn book(ann: &mut Bettor, market: &Market, more: Value) -> Value {
    let mut params = json!({"marketIds": [market.id]});
    for (key, value) in more.as_object().unwrap() {
        params[key] = value.clone();
    }
    let books = ann.ask("listMarketBook", &params);
    assert_eq!(books.as_array().map(Vec::len), Some(1), "{books}");
    books[0].clone()
}

fn rows(list: &Value) -> Vec<(i64, i64)> {
    let rows = list.as_array().unwrap_or_else(|| panic!("not a list: {list}"));
    rows.iter().map(|row| (pence(&row["price"]), pence(&row["size"]))).collect()
}

#[test]
fn best_offers_are_rolled_up_and_cut_as_asked() {
    let mut evening = Evening::begin("rollup");
    let market = evening.match_odds();
    let mut ann = evening.bettor("ann", 1_000_000);
    // What a layer can take, best first; the first two are less than the least stake together.
    for (price, size) in [(30.0, 0.5), (32.0, 0.4), (34.0, 2.0), (36.0, 3.0), (38.0, 50.0)] {
        ann.back(&market, 0, size, price);
    }
    let mut offers = |overrides: Value| {
        let projection =
            json!({"priceData": ["EX_BEST_OFFERS"], "exBestOffersOverrides": overrides});
        let book = book(&mut ann, &market, json!({"priceProjection": projection}));
        let ex = &book["runners"][0]["ex"];
        assert_eq!((rows(&ex["availableToBack"]), rows(&ex["tradedVolume"])), (vec![], vec![]));
        rows(&ex["availableToLay"])
    };
    assert_eq!(offers(Value::Null), [(3_400, 290), (3_600, 300), (3_800, 5_000)]);
    assert_eq!(offers(json!({"rollupModel": "NONE"})), [(3_000, 50), (3_200, 40), (3_400, 200)]);
    assert_eq!(offers(json!({"rollupModel": "NONE", "bestPricesDepth": "5"})).len(), 5);
    assert_eq!(offers(json!({"bestPricesDepth": 1})), [(3_400, 290)]);
    assert_eq!(offers(json!({"rollupLimit": 10})), [(3_800, 5_590)]);
    assert_eq!(
        offers(json!({"rollupModel": "PAYOUT", "rollupLimit": 15})).first(),
        Some(&(3_000, 50))
    );
    assert_eq!(
        offers(json!({"rollupModel": "PAYOUT", "rollupLimit": 20})).first(),
        Some(&(3_200, 90))
    );
    let managed = json!({"rollupModel": "MANAGED_LIABILITY", "rollupLimit": 1,
        "rollupLiabilityThreshold": 31.0, "rollupLiabilityFactor": 100});
    assert_eq!(offers(managed).first(), Some(&(3_600, 590)), "27 of liability, 95, then over 200");
}

#[test]
fn a_part_that_was_not_asked_for_is_not_there() {
    let mut evening = Evening::begin("parts");
    let market = evening.match_odds();
    let (mut ann, mut bob) = (evening.bettor("ann", 10_000), evening.bettor("bob", 10_000));
    ann.back(&market, 0, 5.0, 3.0);
    bob.lay(&market, 0, 2.0, 3.0);
    let bare = book(&mut ann, &market, json!({}));
    let runner = bare["runners"][0].as_object().unwrap();
    assert!(
        ["ex", "sp", "orders", "matches"].iter().all(|key| !runner.contains_key(*key)),
        "{bare}"
    );
    assert_eq!((&bare["inplay"], &bare["numberOfActiveRunners"]), (&json!(false), &json!(3)));
    for (part, to_lay, traded) in [
        ("EX_BEST_OFFERS", vec![(300, 300)], vec![]),
        ("EX_ALL_OFFERS", vec![(300, 300)], vec![]),
        ("EX_TRADED", vec![], vec![(300, 400)]),
    ] {
        let book = book(&mut ann, &market, json!({"priceProjection": {"priceData": [part]}}));
        let ex = &book["runners"][0]["ex"];
        assert_eq!(
            (rows(&ex["availableToLay"]), rows(&ex["tradedVolume"])),
            (to_lay, traded),
            "{part}"
        );
        assert!(ex["availableToBack"].is_array(), "all three lists are there: {book}");
    }
    for part in ["SP_AVAILABLE", "SP_TRADED"] {
        let book = book(&mut ann, &market, json!({"priceProjection": {"priceData": [part]}}));
        let sp = &book["runners"][0]["sp"];
        assert!(sp["backStakeTaken"].is_array() && sp["layLiabilityTaken"].is_array(), "{book}");
    }
    let one = json!({"marketId": market.id, "selectionId": market.runners[1]});
    let one = ann.ask("listRunnerBook", &one);
    let runners = one[0]["runners"].as_array().unwrap();
    assert_eq!((runners.len(), &runners[0]["selectionId"]), (1, &json!(market.runners[1])));
    assert_eq!(one[0]["numberOfRunners"], 3);
}

#[test]
fn what_waits_for_the_starting_price_is_in_its_own_part() {
    let mut evening = Evening::begin("sp");
    let race = json!({"marketType": "WIN", "bspMarket": true});
    let market = evening.operator().market("Cork 3rd May", &["One", "Two"], &race);
    let (mut ann, mut bob) = (evening.bettor("ann", 100_000), evening.bettor("bob", 100_000));
    let at_close = |side: &str, liability: f64| {
        json!({"selectionId": market.runners[0], "handicap": 0, "side": side,
               "orderType": "MARKET_ON_CLOSE", "marketOnCloseOrder": {"liability": liability}})
    };
    let part = |ann: &mut Bettor, part: &str| {
        let parts = json!({"priceProjection": {"priceData": [part]}});
        book(ann, &market, parts)["runners"][0]["sp"].clone()
    };
    let empty = json!({"backStakeTaken": [], "layLiabilityTaken": []});
    assert_eq!(part(&mut ann, "SP_TRADED"), empty, "nothing is traded yet");
    ann.bet(&market, at_close("BACK", 10.0));
    let available = part(&mut ann, "SP_AVAILABLE");
    assert_eq!(rows(&available["backStakeTaken"]), [(101, 1_000)], "{available}");
    assert_eq!(available["farPrice"], "NaN", "nobody lays");
    bob.bet(&market, at_close("LAY", 20.0));
    let available = part(&mut ann, "SP_AVAILABLE");
    assert_eq!(rows(&available["layLiabilityTaken"]), [(100_000, 2_000)], "{available}");
    assert_eq!(pence(&available["farPrice"]), 300, "20 of liability meets 10 of stake at 3");
    assert_eq!(part(&mut ann, "SP_TRADED"), empty);
    let orders = book(&mut ann, &market, json!({"orderProjection": "ALL"}));
    let order = &orders["runners"][0]["orders"][0];
    assert_eq!(
        (&order["orderType"], pence(&order["bspLiability"])),
        (&json!("MARKET_ON_CLOSE"), 1_000)
    );
    evening.square();
}

#[test]
fn a_book_shows_the_customers_own_as_asked() {
    let mut evening = Evening::begin("own");
    let market = evening.match_odds();
    let (mut ann, mut bob) = (evening.bettor("ann", 100_000), evening.bettor("bob", 100_000));
    for price in [3.0, 3.1] {
        bob.lay(&market, 0, 10.0, price);
    }
    let place = |strategy: Value, size: f64| {
        let order = crate::harness::bettor::limit(market.runners[0], "BACK", size, 3.0);
        json!({"marketId": market.id, "instructions": [order], "customerStrategyRef": strategy})
    };
    // Ten at 3.1 and five at 3.0, then three at 3.0, then seven of which two are matched.
    let first = ann.ask("placeOrders", &place(json!("spring"), 15.0));
    let first = first["instructionReports"][0]["betId"].as_str().unwrap().to_owned();
    ann.ask("placeOrders", &place(Value::Null, 3.0));
    ann.ask("placeOrders", &place(json!("spring"), 7.0));
    let mut of = |more: Value| book(&mut ann, &market, more)["runners"][0].clone();
    let matches = |runner: &Value| {
        let rows = runner["matches"].as_array().unwrap_or_else(|| panic!("{runner}"));
        rows.iter()
            .map(|row| (row["price"].as_f64().unwrap(), pence(&row["size"])))
            .collect::<Vec<_>>()
    };
    let orders = |runner: &Value| runner["orders"].as_array().map(Vec::len);

    let each = of(json!({"orderProjection": "ALL", "matchProjection": "NO_ROLLUP"}));
    assert_eq!(orders(&each), Some(3));
    assert_eq!(matches(&each), [(3.1, 1_000), (3.0, 500), (3.0, 300), (3.0, 200)]);
    let by_price = of(json!({"matchProjection": "ROLLED_UP_BY_PRICE"}));
    assert_eq!((orders(&by_price), matches(&by_price)), (None, vec![(3.0, 1_000), (3.1, 1_000)]));
    let average = of(json!({"matchProjection": "ROLLED_UP_BY_AVG_PRICE"}));
    assert_eq!(matches(&average), [(3.05, 2_000)]);

    let executable = of(json!({"orderProjection": "EXECUTABLE"}));
    assert_eq!(orders(&executable), Some(1));
    assert_eq!(orders(&of(json!({"orderProjection": "ALL", "betIds": [first]}))), Some(1));
    let since = json!({"orderProjection": "ALL", "matchedSince": "2100-01-01T00:00:00Z"});
    assert_eq!(orders(&of(since)), Some(1), "what may still be matched is shown all the same");
    let spring = json!({"orderProjection": "ALL", "customerStrategyRefs": ["spring"]});
    assert_eq!(orders(&of(spring)), Some(2));

    let parted = of(json!({"matchProjection": "ROLLED_UP_BY_AVG_PRICE",
        "includeOverallPosition": false, "partitionMatchedByStrategyRef": "true"}));
    assert!(parted.get("matches").is_none(), "{parted}");
    let strategies = parted["matchesByStrategy"].as_object().unwrap();
    let size = |name: &str| pence(&strategies[name]["matches"][0]["size"]);
    assert_eq!((strategies.len(), size("spring"), size("")), (2, 1_700, 300));
    let named = of(json!({"orderProjection": "ALL", "partitionMatchedByStrategyRef": true,
        "customerStrategyRefs": ["spring"]}));
    assert_eq!(named["matchesByStrategy"].as_object().unwrap().len(), 1);
    evening.square();
}

#[test]
fn profit_and_loss_is_told_runner_by_runner() {
    let mut evening = Evening::begin("profit");
    let market = evening.match_odds();
    let (mut ann, mut bob) = (evening.bettor("ann", 100_000), evening.bettor("bob", 100_000));
    let params = |net: bool| json!({"marketIds": [market.id], "netOfCommission": net});
    let none = ann.ask("listMarketProfitAndLoss", &params(false));
    assert_eq!(none[0]["profitAndLosses"].as_array().map(Vec::len), Some(3), "{none}");
    ann.back(&market, 0, 10.0, 3.0);
    ann.lay(&market, 1, 10.0, 2.0);
    bob.lay(&market, 0, 10.0, 3.0);
    bob.back(&market, 1, 10.0, 2.0);
    ann.back(&market, 2, 10.0, 9.0);
    let profits = |answer: &Value| {
        let rows = answer[0]["profitAndLosses"].as_array().unwrap().clone();
        rows.iter().map(|row| pence(&row["ifWin"])).collect::<Vec<_>>()
    };
    let gross = crate::harness::eventually("both bets are matched", || {
        let answer = ann.ask("listMarketProfitAndLoss", &params(false));
        if profits(&answer)[0] == 3_000 && profits(&answer)[1] == -2_000 {
            Ok(answer)
        } else {
            Err(answer)
        }
    });
    assert_eq!(profits(&gross), [3_000, -2_000, 0], "what is not matched does not count");
    assert!(gross[0].get("commissionApplied").is_none());
    assert!(gross[0]["profitAndLosses"][0].get("ifLose").is_none(), "there is one winner");
    let net = ann.ask("listMarketProfitAndLoss", &params(true));
    assert_eq!(
        (profits(&net), &net[0]["commissionApplied"]),
        (vec![2_850, -2_000, 0], &json!(5.0))
    );
    evening.operator().settle(&market, &[market.runners[0]]);
    assert_eq!(ann.ask("listMarketProfitAndLoss", &params(false)), json!([]));
}

#[test]
fn profit_and_loss_knows_places_and_the_starting_price() {
    let mut evening = Evening::begin("profit-shapes");
    let terms = json!({"marketType": "EACH_WAY", "eachWayDivisor": "4.00", "numberOfWinners": 2});
    let each_way = evening.operator().market("Race", &["A", "B", "C"], &terms);
    let terms = json!({"marketType": "WIN", "bspMarket": true});
    let race = evening.operator().market("Race", &["A", "B", "C"], &terms);
    let (mut ann, mut bob) = (evening.bettor("ann", 100_000), evening.bettor("bob", 100_000));
    ann.back(&each_way, 0, 10.0, 5.0);
    bob.lay(&each_way, 0, 10.0, 5.0);
    let on_close = |side: &str| {
        json!({"selectionId": race.runners[0], "side": side, "orderType": "MARKET_ON_CLOSE",
            "marketOnCloseOrder": {"liability": 20.0}})
    };
    assert_eq!(ann.place(&race, &[on_close("BACK")])["status"], "SUCCESS");
    assert_eq!(bob.place(&race, &[on_close("LAY")])["status"], "SUCCESS");
    evening.operator().act(&race, "suspend", &json!({}));
    evening.operator().act(&race, "reconcile-sp", &json!({}));
    let mut told = |market: &str, bsp: bool| {
        let params = json!({"marketIds": [market], "includeBspBets": bsp});
        ann.ask("listMarketProfitAndLoss", &params)[0]["profitAndLosses"][0].clone()
    };
    crate::harness::eventually("the each-way bet is matched", || {
        let row = told(&each_way.id, false);
        let figures = ["ifWin", "ifPlace", "ifLose"].map(|key| pence(&row[key]));
        // 40 on the win and 10 on the place; 10 on the place without the win's stake; both stakes.
        if figures == [5_000, 0, -2_000] { Ok(()) } else { Err(row) }
    });
    crate::harness::eventually("the starting price is made", || {
        let with = pence(&told(&race.id, true)["ifWin"]);
        if with > 0 { Ok(()) } else { Err(with) }
    });
    assert_eq!(pence(&told(&race.id, false)["ifWin"]), 0, "not asked for");
}
