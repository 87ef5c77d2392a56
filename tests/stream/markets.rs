//! What a reader who applies every message knows, beside what listMarketBook says (conformance 39, 40).

use serde_json::{Value, json};

use super::Evening;
use crate::harness::bettor::limit;
use crate::harness::{Bettor, Cache, Market, Random, Stream, Way, eventually, pence};

const FULL: [&str; 5] = ["EX_ALL_OFFERS", "EX_TRADED", "EX_TRADED_VOL", "EX_LTP", "EX_MARKET_DEF"];

#[test]
fn conformance_40_levels_of_the_best_offers_are_told_exactly() {
    let mut evening = Evening::begin("levels");
    let mut alice = evening.bettor("alice", 100_000);
    let market = evening.match_odds();
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let image = stream.follow_markets(1, &json!({"marketIds": [market.id]}), &["EX_BEST_OFFERS"]);
    assert!(image[0]["mc"][0]["rc"].is_null(), "{}", image[0]);
    let runner = market.runners[0];
    let told = |stream: &mut Stream| {
        let change = stream.change();
        let rows = &change["mc"][0]["rc"];
        assert_eq!(rows[0]["id"], runner, "{change}");
        assert_eq!(rows.as_array().map(Vec::len), Some(1), "{change}");
        rows[0]["batl"].clone()
    };

    let (top, _) = alice.back(&market, 0, 10.0, 3.0);
    assert_eq!(told(&mut stream), json!([[0, 3, 10], [1, 0, 0], [2, 0, 0]]), "first order");
    alice.back(&market, 0, 2.5, 3.0);
    assert_eq!(told(&mut stream), json!([[0, 3, 12.5]]), "bump");
    alice.back(&market, 0, 5.0, 3.05);
    assert_eq!(told(&mut stream), json!([[1, 3.05, 5]]), "second level");
    alice.back(&market, 0, 5.0, 3.1);
    assert_eq!(told(&mut stream), json!([[2, 3.1, 5]]), "third level");
    alice.back(&market, 0, 5.0, 3.2);
    assert_eq!(told(&mut stream), json!([]), "too deep to be a level");
    alice.cancel(&market, &top, None);
    assert_eq!(told(&mut stream), json!([[0, 3, 2.5]]), "part of the top cancelled");
    alice.ask("cancelOrders", &json!({"marketId": market.id}));
    assert_eq!(told(&mut stream), json!([[0, 0, 0], [1, 0, 0], [2, 0, 0]]), "all cancelled");
}

#[test]
fn traded_volume_counts_both_sides_and_the_definition_follows_the_market() {
    let mut evening = Evening::begin("definition");
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 100_000);
    let market = evening.match_odds();
    let mut stream = Stream::of(&evening.node, Way::Tls, &bob);
    let image = stream.follow_markets(-4, &json!({"marketIds": [market.id]}), &FULL);
    let row = &image[0]["mc"][0];
    let definition = row["marketDefinition"].as_object().expect("a definition");
    for key in [
        "betDelay",
        "bettingType",
        "bspMarket",
        "bspReconciled",
        "complete",
        "crossMatching",
        "discountAllowed",
        "eventId",
        "eventTypeId",
        "inPlay",
        "marketBaseRate",
        "marketTime",
        "numberOfActiveRunners",
        "numberOfWinners",
        "persistenceEnabled",
        "regulators",
        "runnersVoidable",
        "status",
        "timezone",
        "turnInPlayEnabled",
        "version",
        "runners",
        "countryCode",
        "marketType",
        "openDate",
        "suspendTime",
        "priceLadderDefinition",
    ] {
        assert!(definition.contains_key(key), "{key} is missing: {row}");
    }
    assert_eq!(definition["status"], "OPEN");
    assert!(definition["marketTime"].as_str().unwrap().ends_with(".000Z"));
    for runner in definition["runners"].as_array().unwrap() {
        let keys: Vec<&String> = runner.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "sortPriority", "status"], "{runner}");
    }

    alice.lay(&market, 1, 10.0, 2.5);
    let change = stream.change();
    assert_eq!(change["id"], -4, "{change}");
    let runner = market.runners[1];
    assert_eq!(change["mc"][0]["rc"], json!([{"id": runner, "atb": [[2.5, 10]]}]));
    bob.back(&market, 1, 4.0, 2.5);
    let change = stream.change();
    let expected = json!([
        {"id": runner, "atb": [[2.5, 6]], "trd": [[2.5, 8]], "ltp": 2.5, "tv": 8}
    ]);
    assert_eq!((&change["mc"][0]["rc"], &change["mc"][0]["tv"]), (&expected, &json!(8)));

    evening.operator.act(&market, "turn-in-play", &json!({"betDelay": 2}));
    let mut cache = Cache::default();
    cache.apply(&image[0]);
    let definition = loop {
        let change = stream.change();
        cache.apply(&change);
        let definition = &cache.markets[&market.id].definition;
        if definition["inPlay"] == true {
            break definition.clone();
        }
    };
    assert_eq!((&definition["betDelay"], &definition["status"]), (&json!(2), &json!("OPEN")));
    evening.operator.settle(&market, &[runner]);
    let definition = loop {
        cache.apply(&stream.change());
        let definition = &cache.markets[&market.id].definition;
        if definition["status"] == "CLOSED" {
            break definition.clone();
        }
    };
    assert!(definition["settledTime"].is_string(), "{definition}");
    assert_eq!(
        (&definition["inPlay"], &definition["numberOfActiveRunners"]),
        (&json!(true), &json!(0))
    );
    for row in definition["runners"].as_array().unwrap() {
        let status = if row["id"] == runner { "WINNER" } else { "LOSER" };
        assert_eq!(row["status"], status, "{definition}");
    }
}

#[test]
fn a_definition_says_what_shape_its_market_has() {
    let mut evening = Evening::begin("shapes");
    let alice = evening.bettor("alice", 1_000);
    let race = json!({"marketType": "EACH_WAY", "eachWayDivisor": "4.00", "raceType": "Flat",
        "numberOfWinners": 2, "turnInPlay": false});
    let race = evening.operator.market("Race", &["A", "B", "C"], &race);
    let line = json!({"marketType": "TOTAL_RUNS", "bettingType": "LINE",
        "line": {"unit": "runs", "min": "0.50", "max": "400.50", "interval": "1.00"}});
    let line = evening.operator.market("Test match", &["Runs"], &line);
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let mut told = |filter: Value| {
        let image = stream.follow_markets(1, &filter, &["EX_MARKET_DEF"]);
        let rows = image[0]["mc"].as_array().cloned().unwrap_or_default();
        rows.into_iter().map(|row| row["marketDefinition"].clone()).collect::<Vec<Value>>()
    };
    let found = told(json!({"raceTypes": ["Flat", "Chase"]}));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["eachWayDivisor"], &found[0]["raceType"], &found[0]["bettingType"]),
        (&json!(4.0), &json!("Flat"), &json!("ODDS"))
    );
    assert_eq!(found[0]["priceLadderDefinition"], json!({"type": "CLASSIC"}));
    let found = told(json!({"raceTypes": ["NO_VALUE"]}));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["lineMinUnit"], &found[0]["lineMaxUnit"], &found[0]["lineInterval"]),
        (&json!(0.5), &json!(400.5), &json!(1.0))
    );
    assert_eq!(found[0]["priceLadderDefinition"], json!({"type": "LINE_RANGE"}));
    assert_eq!(told(json!({"raceTypes": ["Chase"]})), [] as [Value; 0]);
    assert_eq!(told(json!({"bettingTypes": ["LINE"]})).len(), 1);
    assert_eq!(told(json!({"marketIds": [race.id, line.id]})).len(), 2);
}

/// What an operator says of a market beside its status, on the stream and in listMarketBook.
#[test]
fn a_key_line_the_reason_of_a_suspension_and_the_models_of_the_delay_are_told() {
    let mut evening = Evening::begin("words");
    let mut alice = evening.bettor("alice", 10_000);
    let runner = |name: &str, handicap: &str| json!({"name": name, "handicap": handicap});
    let sides = ["-0.5", "0.5", "-1", "1"];
    let runners: Vec<Value> =
        ["Leeds", "York"].iter().cycle().zip(sides).map(|(name, at)| runner(name, at)).collect();
    let terms = json!({
        "bettingType": "ASIAN_HANDICAP_DOUBLE_LINE", "marketType": "ASIAN_HANDICAP",
        "runners": runners, "betDelay": 5, "betDelayModels": ["DYNAMIC", "PASSIVE"],
    });
    let market = evening.operator.market("Leeds v York", &[], &terms);
    let plain = evening.match_odds();
    let mut stream = Stream::of(&evening.node, Way::Plain, &alice);
    let image = stream.follow_markets(1, &json!({"marketIds": [market.id]}), &["EX_MARKET_DEF"]);
    let mut cache = Cache::default();
    cache.apply(&image[0]);
    let definition = &cache.markets[&market.id].definition;
    assert_eq!(definition["betDelayModels"], json!(["PASSIVE", "DYNAMIC"]));
    assert!(definition.get("keyLineDefinition").is_none(), "{definition}");

    // Of the lists only this market is of such a model.
    let found = alice.ask(
        "listMarketCatalogue",
        &json!({"filter": {"betDelayModels": ["PASSIVE"]}, "maxResults": 10,
            "marketProjection": ["MARKET_DESCRIPTION"]}),
    );
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found[0]["description"]["betDelayModels"], json!(["PASSIVE", "DYNAMIC"]));
    let other = alice.ask(
        "listMarketCatalogue",
        &json!({"filter": {"betDelayModels": ["OTHER"]}, "maxResults": 10}),
    );
    assert_eq!(other, json!([]));

    let line = json!([
        {"selectionId": market.runners[2], "handicap": "-1"},
        {"selectionId": market.runners[3], "handicap": "1"},
    ]);
    evening.operator.act(&market, "key-line", &json!({"keyLine": line}));
    evening.operator.act(&market, "turn-in-play", &json!({}));
    evening.operator.act(&market, "bet-delay", &json!({"betDelay": 3}));
    evening.operator.act(&market, "suspend", &json!({"lapse": true, "suspendReason": "a goal"}));
    let definition = loop {
        cache.apply(&stream.change());
        let definition = &cache.markets[&market.id].definition;
        if definition["status"] == "SUSPENDED" {
            break definition.clone();
        }
    };
    let (leeds, york) = (market.runners[2], market.runners[3]);
    let kl = json!({"kl": [{"id": leeds, "hc": -1.0}, {"id": york, "hc": 1.0}]});
    assert_eq!(definition["keyLineDefinition"], kl, "{definition}");
    assert_eq!(
        (&definition["suspendReason"], &definition["betDelay"]),
        (&json!("a goal"), &json!(3))
    );
    let book = alice.book(&market);
    let key_line = json!({"keyLine": [
        {"selectionId": leeds, "handicap": -1.0}, {"selectionId": york, "handicap": 1.0},
    ]});
    assert_eq!(book["keyLineDescription"], key_line, "{book}");
    assert_eq!(book["suspendReason"], "a goal");
    assert_eq!(book["betDelayModels"], json!(["PASSIVE", "DYNAMIC"]));
    let silent = alice.book(&plain);
    for key in ["keyLineDescription", "suspendReason", "betDelayModels"] {
        assert!(silent.get(key).is_none(), "{key}: {silent}");
    }

    // Open again nobody says why it was suspended, and what meets nobody does not wait.
    evening.operator.act(&market, "open", &json!({}));
    let definition = loop {
        cache.apply(&stream.change());
        let definition = &cache.markets[&market.id].definition;
        if definition["status"] == "OPEN" {
            break definition.clone();
        }
    };
    assert!(definition.get("suspendReason").is_none(), "{definition}");
    let mut ticket = limit(leeds, "BACK", 2.0, 2.5);
    ticket["handicap"] = json!(-1);
    let placed = alice.place(&market, &[ticket.clone()]);
    assert_eq!(placed["status"], "SUCCESS", "{placed}");
    assert_eq!(placed["instructionReports"][0]["orderStatus"], "EXECUTABLE", "{placed}");
    ticket["limitOrder"]["persistenceType"] = json!("PERSIST");
    let refused = alice.place(&market, &[ticket]);
    let error = &refused["instructionReports"][0]["errorCode"];
    assert_eq!(error, "INVALID_PERSISTENCE_TYPE", "{refused}");
    for (act, body, status) in [
        ("key-line", json!({"keyLine": [{"selectionId": leeds, "handicap": "9"}]}), 409),
        ("key-line", json!({"keyLine": [{"selectionId": leeds}]}), 400),
        ("bet-delay", json!({"betDelay": 601}), 400),
        ("suspend", json!({"suspendReason": "<b>"}), 400),
    ] {
        let path = format!("/v1/operator/markets/{}/{act}", market.id);
        let answer = evening.operator.send("POST", &path, None, Some(&body)).unwrap();
        assert_eq!(answer.status, status, "{act} {body}: {}", answer.text());
    }
    let path = format!("/v1/operator/markets/{}/bet-delay", plain.id);
    let one = json!({"betDelay": 1});
    let answer = evening.operator.send("POST", &path, None, Some(&one)).unwrap();
    assert_eq!(answer.status, 409, "{}", answer.text());
}

#[test]
fn displayed_offers_are_the_best_with_virtual_ones() {
    const LEVELS: [(&str, &str); 2] = [("bdatb", "availableToBack"), ("bdatl", "availableToLay")];
    let mut random = Random::new(Random::seed("virtual offers"));
    let mut evening = Evening::begin("virtual");
    let mut who = [evening.bettor("alice", 10_000_000), evening.bettor("bob", 10_000_000)];
    let runners = ["Home", "Away", "The Draw"];
    let market = evening.operator.market("Cup", &runners, &json!({"crossMatching": true}));
    let mut stream = Stream::of(&evening.node, Way::Plain, &who[0]);
    let fields = ["EX_BEST_OFFERS_DISP", "EX_ALL_OFFERS"];
    let mut cache = Cache::default();
    stream
        .follow_markets(1, &json!({"marketIds": [market.id]}), &fields)
        .iter()
        .for_each(|message| cache.apply(message));
    let mut virtual_ones = 0;
    for step in 0..120 {
        act(&mut random, &mut who, &market);
        if step % 10 != 0 {
            continue;
        }
        let projection = json!({"priceData": ["EX_BEST_OFFERS"], "virtualise": true});
        let params = json!({"marketIds": [market.id], "priceProjection": projection});
        let book = who[0].ask("listMarketBook", &params);
        eventually("what is displayed is what listMarketBook shows", || {
            while let Some(Some(message)) = stream.next_within(std::time::Duration::from_millis(1))
            {
                if message["op"] == "mcm" {
                    cache.apply(&message);
                }
            }
            for runner in book[0]["runners"].as_array().expect("runners") {
                let id = runner["selectionId"].as_i64().expect("a selection");
                let known = cache.markets.get(&market.id).and_then(|it| it.runners.get(&id));
                let known = known.cloned().unwrap_or_default();
                for (key, name) in LEVELS {
                    let said = runner["ex"][name].as_array().expect("offers").iter();
                    let said: Vec<(i64, i64)> =
                        said.map(|row| (pence(&row["price"]), pence(&row["size"]))).collect();
                    let told = known.levels.get(key).into_iter().flatten();
                    let told: Vec<(i64, i64)> = told.map(|(_, level)| *level).collect();
                    if told != said {
                        return Err(format!("{key} of {id}: {told:?}, not {said:?}"));
                    }
                    let real = known.ladder(if key == "bdatb" { "atb" } else { "atl" });
                    let made =
                        |level: &&(i64, i64)| real.iter().all(|(price, _)| *price != level.0);
                    virtual_ones += told.iter().filter(made).count();
                }
            }
            Ok(())
        });
    }
    assert!(virtual_ones > 0, "nothing virtual was ever shown");
}

#[test]
fn a_market_that_is_created_later_is_told_to_who_follows_everything() {
    let mut evening = Evening::begin("later");
    let alice = evening.bettor("alice", 1_000);
    let mut all = Stream::of(&evening.node, Way::Plain, &alice);
    let mut other = Stream::of(&evening.node, Way::Plain, &alice);
    assert!(all.follow_markets(1, &json!({}), &FULL)[0]["mc"].is_null());
    other.follow_markets(1, &json!({"marketTypes": ["WIN"], "eventTypeIds": [1]}), &FULL);
    evening.match_odds();
    let win = evening.operator.market("Race", &["A", "B"], &json!({"marketType": "WIN"}));
    let mut cache = Cache::default();
    while cache.markets.len() < 2 {
        let change = all.change();
        assert_eq!(change["mc"][0]["img"], true, "{change}");
        cache.apply(&change);
    }
    let change = other.change();
    assert_eq!((&change["mc"][0]["id"], &change["mc"][0]["img"]), (&json!(win.id), &json!(true)));
}

/// Random orders, cancels and replaces of two bettors.
pub(super) fn act(random: &mut Random, who: &mut [Bettor; 2], market: &Market) {
    let bettor = &mut who[usize::from(random.below(2) == 1)];
    match random.below(10) {
        0..=6 => {
            let runner = market.runners[usize::try_from(random.below(3)).unwrap()];
            let side = if random.below(2) == 0 { "BACK" } else { "LAY" };
            let price = [2.9, 2.92, 2.94, 2.96, 2.98, 3.0, 3.05, 3.1][random.below(8) as usize];
            #[allow(clippy::cast_precision_loss, reason = "small")]
            let size = 1.0 + random.below(1_000) as f64 / 100.0;
            bettor.place(market, &[limit(runner, side, size, price)]);
        }
        7 | 8 => {
            if let Some(order) = bettor.open_order(false) {
                let reduction = (random.below(2) == 0).then_some(0.5);
                bettor.cancel(market, &order.bet, reduction);
            }
        }
        _ => {
            if let Some(order) = bettor.open_order(true) {
                let instruction = json!({"betId": order.bet, "newPrice": 3.0});
                let params = json!({"marketId": market.id, "instructions": [instruction]});
                bettor.ask("replaceOrders", &params);
            }
        }
    }
}

/// Reads on until the cache equals the book.
pub(super) fn agree(stream: &mut Stream, cache: &mut Cache, bettor: &mut Bettor, market: &Market) {
    let book = bettor.book(market);
    eventually("the stream tells what the book says", || {
        while let Some(Some(message)) = stream.next_within(std::time::Duration::from_millis(1)) {
            if message["op"] == "mcm" {
                cache.apply(&message);
            }
        }
        differences(cache, &book, market)
    });
}

pub(super) fn differences(cache: &Cache, book: &Value, market: &Market) -> Result<(), String> {
    let Some(cached) = cache.markets.get(&market.id) else { return Err("no market".into()) };
    let same = |what: String, told: &dyn std::fmt::Debug, said: &dyn std::fmt::Debug| {
        let (told, said) = (format!("{told:?}"), format!("{said:?}"));
        if told == said { Ok(()) } else { Err(format!("{what}: {told}, not {said}")) }
    };
    same("total".into(), &cached.volume, &pence(&book["totalMatched"]))?;
    same("version".into(), &cached.definition["version"], &book["version"])?;
    for runner in book["runners"].as_array().unwrap() {
        let id = runner["selectionId"].as_i64().unwrap();
        let told = cached.runners.get(&id).cloned().unwrap_or_default();
        for (key, name) in
            [("atb", "availableToBack"), ("atl", "availableToLay"), ("trd", "tradedVolume")]
        {
            let rows = runner["ex"][name].as_array().unwrap();
            let mut said: Vec<(i64, i64)> =
                rows.iter().map(|row| (pence(&row["price"]), pence(&row["size"]))).collect();
            said.sort_unstable();
            same(format!("{key} of {id}"), &told.ladder(key), &said)?;
        }
        let last = runner.get("lastPriceTraded").filter(|it| !it.is_null()).map(pence);
        same(format!("ltp of {id}"), &told.last_price, &last)?;
        same(format!("tv of {id}"), &told.volume, &pence(&runner["totalMatched"]))?;
    }
    Ok(())
}

const OPERATIONS: u32 = 5_000;

#[test]
fn conformance_39_changes_applied_are_the_book() {
    let mut random = Random::new(Random::seed("stream deltas"));
    let mut evening = Evening::begin("deltas");
    let mut who = [evening.bettor("alice", 10_000_000), evening.bettor("bob", 10_000_000)];
    let market = evening.match_odds();
    let filter = json!({"marketIds": [market.id]});
    let follow = |stream: &mut Stream, conflate: u64| {
        let image = stream.follow(&json!({
            "op": "marketSubscription", "id": 1, "marketFilter": filter, "conflateMs": conflate,
        }));
        let mut cache = Cache::default();
        image.iter().for_each(|message| cache.apply(message));
        cache
    };
    let mut live = Stream::of(&evening.node, Way::Plain, &who[0]);
    let mut told = follow(&mut live, 0);
    let mut conflated = Stream::of(&evening.node, Way::Tls, &who[1]);
    let mut merged = follow(&mut conflated, 50);
    for step in 1..=OPERATIONS {
        act(&mut random, &mut who, &market);
        if step % 250 == 0 {
            agree(&mut live, &mut told, &mut who[0], &market);
            agree(&mut conflated, &mut merged, &mut who[0], &market);
            let mut late = Stream::of(&evening.node, Way::Plain, &who[0]);
            let mut image = follow(&mut late, 0);
            agree(&mut late, &mut image, &mut who[0], &market);
            assert_eq!(image.markets, told.markets, "an image is what the changes add up to");
        }
    }
}
