//! The shapes of the native API's answers, as the documents say them.
//!
//! Never    makes an answer: the handlers do; `tests/e2e/test_openapi.py` holds every answer against its shape.

use serde_json::{Map, Value, json};

/// An object all of whose members are there; `?` before a type: or null.
fn shape(members: &[(&str, &str)]) -> Value {
    let kind = |kind: &str| {
        let (bare, null) = match kind.strip_prefix('?') {
            Some(bare) => (bare, true),
            None => (kind, false),
        };
        let mut schema = match bare.strip_prefix('[') {
            Some(of) => {
                let of = of.trim_end_matches(']');
                let items = match of {
                    "string" | "number" => json!({ "type": of }),
                    of => json!({ "$ref": format!("#/components/schemas/{of}") }),
                };
                json!({ "type": "array", "items": items })
            }
            None => match bare {
                "string" | "integer" | "number" | "boolean" | "object" => json!({ "type": bare }),
                "time" => json!({ "type": "string", "format": "date-time" }),
                "amount" => json!({ "type": "string", "pattern": "^-?[0-9]+\\.[0-9]{2}$" }),
                "price" => json!({ "type": "string" }),
                of => {
                    let of = json!({ "$ref": format!("#/components/schemas/{of}") });
                    return if null { json!({ "oneOf": [of, { "type": "null" }] }) } else { of };
                }
            },
        };
        if null && let Some(kind) = schema.get("type").cloned() {
            schema["type"] = json!([kind, "null"]);
        }
        schema
    };
    let properties: Map<String, Value> = members
        .iter()
        .map(|(name, of)| (name.trim_end_matches('~').to_owned(), kind(of)))
        .collect();
    // A name that ends in ~ may be absent.
    let required: Vec<&str> =
        members.iter().map(|(name, _)| *name).filter(|name| !name.ends_with('~')).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The shapes of answers, by name.
pub(super) fn answers() -> Value {
    let mut all = people();
    for (name, shape) in football() {
        all[name] = shape;
    }
    all
}

/// Shapes of what is told about people and bets.
fn people() -> Value {
    let funds = [
        ("balance", "amount"),
        ("available", "amount"),
        ("exposure", "amount"),
        ("status", "string"),
    ];
    let person = [
        ("accountId", "integer"),
        ("username", "string"),
        ("email", "?string"),
        ("mailAboutBets", "boolean"),
        ("playMoney", "?string"),
    ];
    let key = [
        ("id", "string"),
        ("name", "string"),
        ("scopes", "[string]"),
        ("created", "time"),
        ("expires", "?time"),
        ("lastUsed", "?time"),
    ];
    let runner = [("selectionId", "integer"), ("handicap~", "string")];
    let of_runner = |more: &[(&'static str, &'static str)]| shape(&[&runner[..], more].concat());
    json!({
        "Problem": shape(&[
            ("type", "string"), ("title", "string"), ("status", "integer"), ("code", "string"),
            ("field~", "string"), ("detail~", "string"),
        ]),
        "Confirmed": shape(&[("username", "string"), ("appKey", "string")]),
        "LoggedIn": shape(&[
            ("token", "string"), ("appKey", "string"), ("expiresInS", "integer"),
        ]),
        "Session": shape(&[
            ("id", "string"), ("expires", "time"), ("appKey", "string"), ("current", "boolean"),
        ]),
        "Sessions": shape(&[("sessions", "[Session]")]),
        "Funds": shape(&funds),
        "Account": shape(&[&funds[..], &person[..]].concat()),
        "Line": shape(&[
            ("number", "integer"), ("at", "time"), ("kind", "string"), ("marketId", "?string"),
            ("betId", "?string"), ("amount", "amount"), ("balance", "amount"),
            ("takenBack", "boolean"),
        ]),
        "Statement": shape(&[("lines", "[Line]"), ("more", "boolean")]),
        "Limit": shape(&[
            ("kind", "string"), ("window", "string"), ("amount", "?amount"), ("used", "amount"),
            ("next", "?object"),
        ]),
        "Limits": shape(&[("limits", "[Limit]")]),
        "Exclusion": shape(&[("excluded", "boolean"), ("since", "?time"), ("until", "?time")]),
        "ApiKey": shape(&key),
        "ApiKeys": shape(&[("apiKeys", "[ApiKey]")]),
        "NewApiKey": shape(&[&key[..], &[("key", "string")]].concat()),
        "Runner": of_runner(&[("name", "string")]),
        "Market": shape(&[
            ("marketId", "string"), ("name", "string"), ("type", "string"), ("event", "?string"),
            ("startTime", "time"), ("status", "string"), ("inPlay", "boolean"),
            ("runners", "[Runner]"),
        ]),
        "Markets": shape(&[("markets", "[Market]")]),
        "Offer": shape(&[("price", "price"), ("size", "amount")]),
        "RunnerBook": of_runner(&[
            ("toBack", "[Offer]"), ("toLay", "[Offer]"),
            ("lastPrice", "?price"), ("totalMatched", "amount"), ("removed", "boolean"),
        ]),
        "Book": shape(&[
            ("marketId", "string"), ("status", "string"), ("inPlay", "boolean"),
            ("betDelayS", "integer"), ("suspendReason", "?string"), ("version", "integer"),
            ("totalMatched", "amount"), ("runners", "[RunnerBook]"),
        ]),
        "Order": of_runner(&[
            ("betId", "string"), ("marketId", "string"), ("side", "string"), ("price", "price"),
            ("size", "amount"), ("matched", "amount"), ("remaining", "amount"),
            ("cancelled", "amount"), ("lapsed", "amount"), ("voided", "amount"),
            ("placedAt", "time"), ("open", "boolean"),
        ]),
        "Orders": shape(&[("orders", "[Order]"), ("more", "boolean")]),
        "Placed": shape(&[
            ("betId", "string"), ("placedAt", "time"), ("matched", "amount"), ("open", "boolean"),
        ]),
        "Cancellation": shape(&[("betId", "string"), ("size", "amount"), ("at", "time")]),
        "Cancelled": shape(&[("cancelled", "[Cancellation]")]),
    })
}

/// Shapes of what is told about football.
fn football() -> Vec<(&'static str, Value)> {
    let teams = |kind: &'static str| shape(&[("home", kind), ("away", kind)]);
    let of_match = [
        ("id", "integer"),
        ("season", "string"),
        ("kickOff", "?time"),
        ("phase", "string"),
        ("score", "Score"),
        ("parameters", "?Parameters"),
    ];
    let head = [
        ("competition", "string"),
        ("home", "string"),
        ("away", "string"),
        ("status", "string"),
        ("reason", "?string"),
        ("at", "?time"),
        ("clock", "?string"),
        ("halfTime", "?Score"),
        ("redCards", "Score"),
        ("pending", "[Branch]"),
        ("event", "integer"),
        ("market", "?MarketExpects"),
    ];
    vec![
        ("Told", shape(&[("taken", "integer"), ("repeated", "integer"), ("refused", "[Fault]")])),
        ("Fault", shape(&[("field", "string"), ("detail", "string")])),
        ("Score", teams("integer")),
        ("Source", shape(&[("source", "string"), ("id", "string")])),
        (
            "Parameters",
            shape(&[
                ("lambda", "number"),
                ("mu", "number"),
                ("rho", "number"),
                ("model", "string"),
                ("reason", "?string"),
                ("version", "integer"),
                ("at~", "?time"),
            ]),
        ),
        ("MarketExpects", shape(&[("lambda", "number"), ("mu", "number"), ("share", "integer")])),
        (
            "ParametersThen",
            shape(&[
                ("now", "?Parameters"),
                ("market", "?MarketExpects"),
                ("history", "[Parameters]"),
            ]),
        ),
        (
            "PricedListing",
            shape(
                &[
                    &of_match[..],
                    &[
                        ("competition", "?string"),
                        ("home", "?string"),
                        ("away", "?string"),
                        ("neutral", "boolean"),
                        ("disputed", "boolean"),
                        ("sources", "[Source]"),
                    ],
                ]
                .concat(),
            ),
        ),
        ("PricedMatches", shape(&[("matches", "[PricedListing]"), ("count", "integer")])),
        (
            "Branch",
            shape(&[
                ("if", "string"),
                ("chance", "number"),
                ("score", "Score"),
                ("matchOdds", "[number]"),
            ]),
        ),
        (
            "PricedBook",
            shape(&[&of_match[..], &head[..], &[("markets", "[PricedMarket]")]].concat()),
        ),
        (
            "PricedMarket",
            shape(&[("code", "string"), ("line~", "number"), ("selections", "[PricedSelection]")]),
        ),
        (
            "PricedSelection",
            shape(&[
                ("index", "integer"),
                ("name", "string"),
                ("probability", "number"),
                ("fair", "?number"),
                ("price", "?number"),
            ]),
        ),
        (
            "ToldOfMatch",
            shape(&[
                ("providers", "[Provider]"),
                ("disputed", "boolean"),
                ("prices", "[PricePoint]"),
            ]),
        ),
        (
            "Provider",
            shape(&[
                ("source", "string"),
                ("id", "string"),
                ("leads", "boolean"),
                ("phase", "string"),
                ("score", "Score"),
                ("doubt", "?string"),
                ("result", "?object"),
                ("events", "[FootballEvent]"),
            ]),
        ),
        (
            "FootballEvent",
            shape(&[
                ("seq", "integer"),
                ("type", "string"),
                ("side", "?string"),
                ("minute", "integer"),
                ("second", "integer"),
                ("value", "?integer"),
                ("heardAt", "?time"),
            ]),
        ),
        (
            "PricePoint",
            shape(&[
                ("at", "?time"),
                ("seq", "?integer"),
                ("clock", "?string"),
                ("score", "?Score"),
                ("matchOdds", "[number]"),
                ("over25", "number"),
            ]),
        ),
        ("Competition", shape(&[("id", "integer"), ("name", "string"), ("teams", "integer")])),
        ("Competitions", shape(&[("competitions", "[Competition]")])),
        ("Strength", shape(&[("team", "string"), ("attack", "number"), ("defence", "number")])),
        (
            "Ratings",
            shape(&[
                ("competition", "string"),
                ("model", "string"),
                ("fittedAt", "?time"),
                ("results", "integer"),
                ("failure", "?string"),
                ("base", "?number"),
                ("homeAdvantage", "?number"),
                ("rho", "?number"),
                ("logLikelihood", "?number"),
                ("teams", "[Strength]"),
            ]),
        ),
        (
            "RatingsPoint",
            shape(&[
                ("at", "?time"),
                ("homeAdvantage", "number"),
                ("base", "number"),
                ("rho", "number"),
                ("teams", "[Strength]"),
            ]),
        ),
        ("RatingsThen", shape(&[("competition", "string"), ("history", "[RatingsPoint]")])),
        (
            "Measures",
            shape(&[
                ("name", "string"),
                ("matches", "integer"),
                ("logLoss", "?number"),
                ("rps", "?number"),
                ("brier", "?number"),
                ("over25LogLoss", "?number"),
                ("calibrationSlope", "?number"),
                ("reliability", "[Reliability]"),
            ]),
        ),
        (
            "Reliability",
            shape(&[("said", "number"), ("happened", "number"), ("forecasts", "integer")]),
        ),
        (
            "Performance",
            shape(&[
                ("all", "Measures"),
                ("byCompetition", "[Measures]"),
                ("byMonth", "[Measures]"),
                ("byModel", "[Measures]"),
            ]),
        ),
    ]
}
