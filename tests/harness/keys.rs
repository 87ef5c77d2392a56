//! Every key that the Betfair doors may send, frozen: real clients refuse a message with one they do not
//! know. The clients of the harness hold each answer they get against it, so whatever a test makes the node
//! say is checked.
//!
//! A key that is not here is a bug of the door, or an extension that was sent without being asked for.

use serde_json::Value;

/// An object by its name, with its keys. `key>Name` leads to an object, or a list of them, or a list of
/// lists; `*` is any key, and `anything` is not looked into. What leads nowhere holds no objects.
const SHAPES: &[(&str, &[&str])] = &[
    // ------------------------------------------------------------------------------ envelopes, faults
    ("Rpc", &["jsonrpc", "id>anything", "result>anything", "error>RpcError"]),
    ("RpcError", &["code", "message", "data>Detail"]),
    ("Fault", &["detail>Detail", "faultcode", "faultstring"]),
    ("Detail", &["exceptionname", "APINGException>Exception", "AccountAPINGException>Exception"]),
    ("Exception", &["requestUUID", "errorCode", "errorDetails"]),
    ("Login", &["token", "product", "status", "error"]),
    ("CertLogin", &["sessionToken", "loginStatus"]),
    // ------------------------------------------------------------------------- what there is to bet on
    ("EventTypeResult", &["eventType>Named", "marketCount"]),
    ("CompetitionResult", &["competition>Named", "marketCount", "competitionRegion"]),
    ("TimeRangeResult", &["timeRange>TimeRange", "marketCount"]),
    ("EventResult", &["event>Event", "marketCount"]),
    ("MarketTypeResult", &["marketType", "marketCount"]),
    ("CountryCodeResult", &["countryCode", "marketCount"]),
    ("VenueResult", &["venue", "marketCount"]),
    ("Named", &["id", "name"]),
    ("TimeRange", &["from", "to"]),
    ("Event", &["id", "name", "countryCode", "timezone", "venue", "openDate"]),
    (
        "MarketCatalogue",
        &[
            "marketId",
            "marketName",
            "marketStartTime",
            "description>MarketDescription",
            "totalMatched",
            "runners>RunnerCatalog",
            "eventType>Named",
            "competition>Named",
            "event>Event",
        ],
    ),
    (
        "MarketDescription",
        &[
            "persistenceEnabled",
            "bspMarket",
            "marketTime",
            "suspendTime",
            "settleTime",
            "bettingType",
            "turnInPlayEnabled",
            "marketType",
            "regulator",
            "marketBaseRate",
            "discountAllowed",
            "wallet",
            "rules",
            "rulesHasDate",
            "clarifications",
            "eachWayDivisor",
            "lineRangeInfo>LineRangeInfo",
            "raceType",
            "priceLadderDescription>PriceLadder",
            "betDelayModels",
        ],
    ),
    ("LineRangeInfo", &["maxUnitValue", "minUnitValue", "interval", "marketUnit"]),
    ("PriceLadder", &["type"]),
    (
        "RunnerCatalog",
        &["selectionId", "runnerName", "handicap", "sortPriority", "metadata>Metadata"],
    ),
    ("Metadata", &["*"]),
    // ------------------------------------------------------------------------------------------- books
    (
        "MarketBook",
        &[
            "marketId",
            "isMarketDataDelayed",
            "status",
            "betDelay",
            "bspReconciled",
            "complete",
            "inplay",
            "numberOfWinners",
            "numberOfRunners",
            "numberOfActiveRunners",
            "lastMatchTime",
            "totalMatched",
            "totalAvailable",
            "crossMatching",
            "runnersVoidable",
            "version",
            "runners>Runner",
            "keyLineDescription>KeyLineDescription",
            "betDelayModels",
            "suspendReason",
        ],
    ),
    ("KeyLineDescription", &["keyLine>KeyLineSelection"]),
    ("KeyLineSelection", &["selectionId", "handicap"]),
    (
        "Runner",
        &[
            "selectionId",
            "handicap",
            "status",
            "adjustmentFactor",
            "lastPriceTraded",
            "totalMatched",
            "removalDate",
            "sp>StartingPrices",
            "ex>ExchangePrices",
            "orders>Order",
            "matches>Match",
            "matchesByStrategy>MatchesByStrategy",
        ],
    ),
    (
        "StartingPrices",
        &[
            "nearPrice",
            "farPrice",
            "backStakeTaken>PriceSize",
            "layLiabilityTaken>PriceSize",
            "actualSP",
        ],
    ),
    (
        "ExchangePrices",
        &["availableToBack>PriceSize", "availableToLay>PriceSize", "tradedVolume>PriceSize"],
    ),
    ("PriceSize", &["price", "size"]),
    (
        "Order",
        &[
            "betId",
            "orderType",
            "status",
            "persistenceType",
            "side",
            "price",
            "size",
            "bspLiability",
            "placedDate",
            "avgPriceMatched",
            "sizeMatched",
            "sizeRemaining",
            "sizeLapsed",
            "sizeCancelled",
            "sizeVoided",
            "customerOrderRef",
            "customerStrategyRef",
        ],
    ),
    ("Match", &["betId", "matchId", "side", "price", "size", "matchDate"]),
    ("MatchesByStrategy", &["*>Matches"]),
    ("Matches", &["matches>Match"]),
    (
        "MarketProfitAndLoss",
        &["marketId", "commissionApplied", "profitAndLosses>RunnerProfitAndLoss"],
    ),
    ("RunnerProfitAndLoss", &["selectionId", "ifWin", "ifLose", "ifPlace"]),
    // ------------------------------------------------------------------------------------------ orders
    (
        "PlaceExecutionReport",
        &["customerRef", "status", "errorCode", "marketId", "instructionReports>PlaceReport"],
    ),
    (
        "PlaceReport",
        &[
            "status",
            "errorCode",
            "instruction>PlaceInstruction",
            "betId",
            "placedDate",
            "averagePriceMatched",
            "sizeMatched",
            "orderStatus",
        ],
    ),
    (
        "PlaceInstruction",
        &[
            "orderType",
            "selectionId",
            "handicap",
            "side",
            "limitOrder>LimitOrder",
            "limitOnCloseOrder>LimitOnCloseOrder",
            "marketOnCloseOrder>MarketOnCloseOrder",
            "customerOrderRef",
        ],
    ),
    (
        "LimitOrder",
        &[
            "size",
            "price",
            "persistenceType",
            "timeInForce",
            "minFillSize",
            "betTargetType",
            "betTargetSize",
        ],
    ),
    ("LimitOnCloseOrder", &["liability", "price"]),
    ("MarketOnCloseOrder", &["liability"]),
    (
        "CancelExecutionReport",
        &["customerRef", "status", "errorCode", "marketId", "instructionReports>CancelReport"],
    ),
    (
        "CancelReport",
        &["status", "errorCode", "instruction>CancelInstruction", "sizeCancelled", "cancelledDate"],
    ),
    ("CancelInstruction", &["betId", "sizeReduction"]),
    (
        "ReplaceExecutionReport",
        &["customerRef", "status", "errorCode", "marketId", "instructionReports>ReplaceReport"],
    ),
    (
        "ReplaceReport",
        &[
            "status",
            "errorCode",
            "cancelInstructionReport>CancelReport",
            "placeInstructionReport>PlaceReport",
        ],
    ),
    (
        "UpdateExecutionReport",
        &["customerRef", "status", "errorCode", "marketId", "instructionReports>UpdateReport"],
    ),
    ("UpdateReport", &["status", "errorCode", "instruction>UpdateInstruction"]),
    ("UpdateInstruction", &["betId", "newPersistenceType"]),
    ("CurrentOrders", &["currentOrders>CurrentOrder", "moreAvailable"]),
    (
        "CurrentOrder",
        &[
            "betId",
            "marketId",
            "selectionId",
            "handicap",
            "priceSize>PriceSize",
            "bspLiability",
            "side",
            "status",
            "persistenceType",
            "orderType",
            "placedDate",
            "matchedDate",
            "averagePriceMatched",
            "sizeMatched",
            "sizeRemaining",
            "sizeLapsed",
            "sizeCancelled",
            "sizeVoided",
            "regulatorAuthCode",
            "regulatorCode",
            "customerOrderRef",
            "customerStrategyRef",
            "lapsedDate",
            "lapseStatusReasonCode",
            "cancelledDate",
            "currentItemDescription>CurrentItemDescription",
        ],
    ),
    ("CurrentItemDescription", &["marketVersion>MarketVersion"]),
    ("MarketVersion", &["version"]),
    ("ClearedOrders", &["clearedOrders>ClearedOrder", "moreAvailable"]),
    (
        "ClearedOrder",
        &[
            "eventTypeId",
            "eventId",
            "marketId",
            "selectionId",
            "handicap",
            "betId",
            "placedDate",
            "persistenceType",
            "orderType",
            "side",
            "itemDescription>ItemDescription",
            "betOutcome",
            "priceRequested",
            "settledDate",
            "lastMatchedDate",
            "betCount",
            "commission",
            "priceMatched",
            "priceReduced",
            "sizeSettled",
            "profit",
            "sizeCancelled",
            "customerOrderRef",
            "customerStrategyRef",
        ],
    ),
    (
        "ItemDescription",
        &[
            "eventTypeDesc",
            "eventDesc",
            "marketDesc",
            "marketType",
            "marketStartTime",
            "runnerDesc",
            "numberOfWinners",
            "eachWayDivisor",
        ],
    ),
    // ---------------------------------------------------------------------------------------- accounts
    (
        "AccountFunds",
        &[
            "availableToBetBalance",
            "exposure",
            "retainedCommission",
            "exposureLimit",
            "discountRate",
            "pointsBalance",
            "wallet",
        ],
    ),
    (
        "AccountDetails",
        &[
            "currencyCode",
            "firstName",
            "lastName",
            "localeCode",
            "region",
            "timezone",
            "discountRate",
            "pointsBalance",
            "countryCode",
        ],
    ),
    ("AccountStatement", &["accountStatement>StatementItem", "moreAvailable"]),
    (
        "StatementItem",
        &[
            "refId",
            "itemDate",
            "amount",
            "balance",
            "itemClass",
            "itemClassData>ItemClassData",
            "legacyData>LegacyData",
        ],
    ),
    ("ItemClassData", &["unknownStatementItem"]),
    (
        "LegacyData",
        &[
            "avgPrice",
            "betCategoryType",
            "betSize",
            "betType",
            "commissionRate",
            "eventId",
            "eventTypeId",
            "fullMarketName",
            "grossBetAmount",
            "marketName",
            "marketType",
            "placedDate",
            "selectionId",
            "selectionName",
            "startDate",
            "transactionId",
            "transactionType",
            "winLose",
            "deadHeatPriceDivisor",
        ],
    ),
    ("CurrencyRate", &["currencyCode", "rate"]),
    ("Transfer", &["transactionId"]),
    ("DeveloperApp", &["appName", "appId", "appVersions>AppVersion"]),
    (
        "AppVersion",
        &[
            "owner",
            "versionId",
            "version",
            "applicationKey",
            "delayData",
            "subscriptionRequired",
            "ownerManaged",
            "active",
        ],
    ),
    ("Heartbeat", &["actionPerformed", "actualTimeoutSeconds"]),
    (
        "Navigation",
        &[
            "type",
            "name",
            "id",
            "children>Navigation",
            "countryCode",
            "startTime",
            "venue",
            "raceNumber",
            "exchangeId",
            "marketType",
            "marketStartTime",
            "numberOfWinners",
        ],
    ),
    // ------------------------------------------------------------------------------------------ stream
    ("Connection", &["op", "connectionId"]),
    (
        "Status",
        &[
            "op",
            "id",
            "statusCode",
            "connectionClosed",
            "connectionId",
            "connectionsAvailable",
            "errorCode",
            "errorMessage",
        ],
    ),
    (
        "Change",
        &[
            "op",
            "id",
            "ct",
            "clk",
            "initialClk",
            "pt",
            "conflateMs",
            "heartbeatMs",
            "segmentType",
            "status",
            "con",
            "mc>MarketChange",
            "oc>OrderMarketChange",
        ],
    ),
    (
        "MarketChange",
        &["id", "img", "con", "tv", "marketDefinition>MarketDefinition", "rc>RunnerChange"],
    ),
    (
        "RunnerChange",
        &[
            "id", "hc", "ltp", "tv", "trd", "atb", "atl", "batb", "batl", "bdatb", "bdatl", "spb",
            "spl", "spn", "spf",
        ],
    ),
    (
        "MarketDefinition",
        &[
            "bspMarket",
            "turnInPlayEnabled",
            "persistenceEnabled",
            "marketBaseRate",
            "eventId",
            "eventTypeId",
            "numberOfWinners",
            "bettingType",
            "marketType",
            "marketTime",
            "suspendTime",
            "bspReconciled",
            "complete",
            "inPlay",
            "crossMatching",
            "runnersVoidable",
            "numberOfActiveRunners",
            "betDelay",
            "status",
            "settledTime",
            "runners>RunnerDefinition",
            "regulators",
            "venue",
            "countryCode",
            "discountAllowed",
            "timezone",
            "openDate",
            "version",
            "raceType",
            "priceLadderDefinition>PriceLadder",
            "eachWayDivisor",
            "lineMaxUnit",
            "lineMinUnit",
            "lineInterval",
            "keyLineDefinition>KeyLineDefinition",
            "suspendReason",
            "betDelayModels",
            "name",
            "eventName",
        ],
    ),
    ("KeyLineDefinition", &["kl>KeyLine"]),
    ("KeyLine", &["id", "hc"]),
    (
        "RunnerDefinition",
        &["id", "hc", "sortPriority", "status", "adjustmentFactor", "bsp", "removalDate", "name"],
    ),
    ("OrderMarketChange", &["id", "accountId", "closed", "fullImage", "orc>OrderRunnerChange"]),
    (
        "OrderRunnerChange",
        &["id", "hc", "fullImage", "uo>UnmatchedOrder", "mb", "ml", "smc>StrategyMatchChange"],
    ),
    ("StrategyMatchChange", &["*>MatchedPrices"]),
    ("MatchedPrices", &["mb", "ml"]),
    (
        "UnmatchedOrder",
        &[
            "id", "p", "s", "bsp", "side", "status", "pt", "ot", "pd", "md", "cd", "ld", "lsrc",
            "avp", "sm", "sr", "sl", "sc", "sv", "rac", "rc", "rfo", "rfs",
        ],
    ),
];

/// What an operation's result is made of.
const RESULTS: &[(&str, &str)] = &[
    ("listEventTypes", "EventTypeResult"),
    ("listCompetitions", "CompetitionResult"),
    ("listTimeRanges", "TimeRangeResult"),
    ("listEvents", "EventResult"),
    ("listMarketTypes", "MarketTypeResult"),
    ("listCountries", "CountryCodeResult"),
    ("listVenues", "VenueResult"),
    ("listMarketCatalogue", "MarketCatalogue"),
    ("listMarketBook", "MarketBook"),
    ("listRunnerBook", "MarketBook"),
    ("listMarketProfitAndLoss", "MarketProfitAndLoss"),
    ("placeOrders", "PlaceExecutionReport"),
    ("cancelOrders", "CancelExecutionReport"),
    ("replaceOrders", "ReplaceExecutionReport"),
    ("updateOrders", "UpdateExecutionReport"),
    ("listCurrentOrders", "CurrentOrders"),
    ("listClearedOrders", "ClearedOrders"),
    ("getAccountFunds", "AccountFunds"),
    ("getAccountDetails", "AccountDetails"),
    ("getAccountStatement", "AccountStatement"),
    ("listCurrencyRates", "CurrencyRate"),
    ("transferFunds", "Transfer"),
    ("createDeveloperAppKeys", "DeveloperApp"),
    ("getDeveloperAppKeys", "DeveloperApp"),
    ("heartbeat", "Heartbeat"),
];

/// Panics when the answer to a JSON-RPC call has a key that is not documented.
pub(crate) fn check_call(operation: &str, answer: &Value) {
    check("Rpc", answer);
    let shape = RESULTS.iter().find(|(name, _)| *name == operation);
    if let (Some((_, shape)), Some(result)) = (shape, answer.get("result")) {
        check(shape, result);
    }
}

/// Panics when a message of this shape has a key that is not documented.
pub(crate) fn check(shape: &str, message: &Value) {
    let mut strange = Vec::new();
    look(shape, shape, message, &mut strange);
    assert!(strange.is_empty(), "keys that are not documented: {strange:?} in {message}");
}

fn look(shape: &str, path: &str, value: &Value, strange: &mut Vec<String>) {
    match value {
        _ if shape == "anything" => {}
        Value::Array(items) => items.iter().for_each(|item| look(shape, path, item, strange)),
        Value::Object(_) if shape.is_empty() => strange.push(format!("{path} as an object")),
        Value::Object(members) => {
            let (_, keys) = SHAPES
                .iter()
                .find(|(name, _)| *name == shape)
                .unwrap_or_else(|| panic!("{path} leads to {shape:?}, which has no keys"));
            for (key, value) in members {
                let path = format!("{path}.{key}");
                let is_it = |known: &&&str| {
                    let name = known.split('>').next();
                    name == Some(key) || name == Some("*")
                };
                match keys.iter().find(is_it) {
                    None => strange.push(path),
                    Some(known) => {
                        let next = known.split_once('>').map_or("", |(_, next)| next);
                        look(next, &path, value, strange);
                    }
                }
            }
        }
        _ => {}
    }
}

#[test]
fn a_key_that_nobody_knows_is_found_wherever_it_is() {
    use serde_json::json;

    let planted = |shape: &str, message: Value| {
        let mut strange = Vec::new();
        look(shape, shape, &message, &mut strange);
        strange
    };
    let runner = |more: Value| json!([{"runners": [{"ex": {"availableToBack": [more]}}]}]);
    assert!(planted("MarketBook", runner(json!({"price": 2.0, "size": 1}))).is_empty());
    assert_eq!(
        planted("MarketBook", runner(json!({"price": 2.0, "colour": 1}))),
        ["MarketBook.runners.ex.availableToBack.colour"]
    );
    let change =
        json!({"op": "ocm", "oc": [{"orc": [{"smc": {"any": {"mb": [[2, 1]], "m": 1}}}]}]});
    assert_eq!(planted("Change", change), ["Change.oc.orc.smc.any.m"]);
    let catalogue = json!([{"runners": [{"metadata": {"runnerId": "7", "FORM": null}}]}]);
    assert!(planted("MarketCatalogue", catalogue).is_empty());
    for (_, keys) in SHAPES {
        for (_, next) in keys.iter().filter_map(|key| key.split_once('>')) {
            let known = next == "anything" || SHAPES.iter().any(|(name, _)| *name == next);
            assert!(known, "{next:?}");
        }
    }
    assert!(RESULTS.iter().all(|(_, shape)| SHAPES.iter().any(|(name, _)| name == shape)));
}
