//! What a provider's words look like, for the documents.
//!
//! Never    reads: `word` does. A test holds what is said here against what is read there.

use serde_json::{Value, json};

use super::word::{HANDICAPS, ODDS_RANGE, TOTALS};
use crate::native::schema::{Field, Kind, maybe, needed, object_schema};
use crate::operator::json::in_full;
use domain::football::almanac::LINES_MAX;

/// Characters of a name or of somebody else's id.
const NAME: Kind = Kind::Text(128);
const GOALS: Kind = Kind::Whole(0, 99);
/// A bookmaker's.
const ODDS: Kind = Kind::Price(*ODDS_RANGE.start(), *ODDS_RANGE.end());
const SOURCE: Field = needed("source", NAME, "who tells");
const ID: &str = "id";
const EVENTS: &[&str] = &[
    "kickOff",
    "goal",
    "goalCancelled",
    "red",
    "penalty",
    "varStart",
    "varEnd",
    "addedTime",
    "halfTime",
    "secondHalf",
    "fullTime",
    "clock",
    "abandoned",
];

/// One object of `/v1/football/fixtures`.
pub(in crate::native) fn fixture() -> Value {
    named(object_schema(&[
        SOURCE,
        needed("competition", NAME, "its name"),
        needed("season", NAME, "such as 2026/27"),
        needed("kickOff", Kind::Time, "when it begins"),
        needed("home", NAME, "the club at home"),
        needed("away", NAME, "its guest"),
        maybe("neutral", Kind::Truth, "on neutral ground"),
    ]))
}

/// One object of `/v1/football/results`.
pub(in crate::native) fn result() -> Value {
    let mut shape = named(object_schema(&[
        SOURCE,
        needed("homeGoals", GOALS, "at the end"),
        needed("awayGoals", GOALS, "at the end"),
    ]));
    shape["properties"]["halfTime"] = score();
    let counted = |name| maybe(name, GOALS, "counted over the match");
    shape["properties"]["stats"] = or_null(object_schema(&[
        counted("homeShots"),
        counted("awayShots"),
        counted("homeShotsOnTarget"),
        counted("awayShotsOnTarget"),
        counted("homeCorners"),
        counted("awayCorners"),
        counted("homeYellows"),
        counted("awayYellows"),
        counted("homeReds"),
        counted("awayReds"),
    ]));
    let open = |name| maybe(name, ODDS, "what was asked early, as a decimal price");
    let close = |name| needed(name, ODDS, "what was asked at the end; models are judged by it");
    shape["properties"]["odds"] = or_null(object_schema(&[
        open("homeOpen"),
        open("drawOpen"),
        open("awayOpen"),
        close("homeClose"),
        close("drawClose"),
        close("awayClose"),
    ]));
    shape
}

/// One object of `/v1/football/events`.
pub(in crate::native) fn event() -> Value {
    named(object_schema(&[
        SOURCE,
        needed("seq", Kind::Whole(0, 4_294_967_294), "counts without holes from 0 or 1"),
        needed("type", Kind::Word(EVENTS), "what happened"),
        maybe("side", Kind::Word(&["home", "away", "H", "A"]), "whose goal, card or penalty"),
        needed("minute", Kind::Whole(0, 150), "played; the second half counts from 45"),
        maybe("second", Kind::Whole(0, 59), "of that minute"),
        maybe(
            "value",
            Kind::Whole(0, 2_147_483_647),
            "minutes of addedTime; a cancelled goal's seq",
        ),
    ]))
}

/// One object of `/v1/football/quotes`.
pub(in crate::native) fn quotes() -> Value {
    let price = |name| needed(name, ODDS, "what is asked, as a decimal price");
    let lines = |about: &str, range: std::ops::RangeInclusive<i64>, names: [&'static str; 2]| {
        let mut line = object_schema(&[price(names[0]), price(names[1])]);
        line["properties"]["line"] = json!({
            "description": format!(
                "goals, by quarters, {} to {}", in_full(*range.start()), in_full(*range.end())
            ),
            "type": "string",
            "pattern": "^-?[0-9]+(\\.[0-9]{1,2})?$",
            "examples": ["0.5"],
        });
        if let Some(needed) = line["required"].as_array_mut() {
            needed.push(json!("line"));
        }
        json!({ "description": about, "type": "array", "maxItems": LINES_MAX, "items": line })
    };
    let share = "how much of the price the market makes, per cent; 100 when left out";
    let mut shape = named(object_schema(&[SOURCE, maybe("share", Kind::Whole(0, 100), share)]));
    let properties = &mut shape["properties"];
    properties["matchOdds"] =
        or_null(object_schema(&[price("home"), price("draw"), price("away")]));
    properties["bothScore"] = or_null(object_schema(&[price("yes"), price("no")]));
    properties["totals"] = lines("goals of both", TOTALS, ["over", "under"]);
    properties["handicaps"] = lines("added to home's goals", HANDICAPS, ["home", "away"]);
    shape
}

/// With the provider's own id: a text or a whole number.
fn named(mut shape: Value) -> Value {
    shape["properties"][ID] = json!({
        "description": "the provider's own id of the match",
        "oneOf": [
            { "type": "string", "minLength": 1, "maxLength": 128 },
            { "type": "integer", "minimum": 0 },
        ],
    });
    if let Some(needed) = shape["required"].as_array_mut() {
        needed.push(json!(ID));
    }
    shape
}

/// `"1-0"`, or an object of both.
fn score() -> Value {
    let goals = object_schema(&[needed("home", GOALS, "goals"), needed("away", GOALS, "goals")]);
    json!({
        "description": "goals at half time",
        "oneOf": [
            { "type": "string", "pattern": "^[0-9]{1,2}-[0-9]{1,2}$", "examples": ["1-0"] },
            goals,
            { "type": "null" },
        ],
    })
}

fn or_null(shape: Value) -> Value {
    json!({ "oneOf": [shape, { "type": "null" }] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::football::words;
    use std::collections::BTreeSet;

    /// Every name that an object may have, and those that it must.
    fn told(shape: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
        let names = shape["properties"].as_object().unwrap().keys().cloned().collect();
        let needed = shape["required"].as_array();
        let needed = needed.into_iter().flatten().map(|name| name.as_str().unwrap().to_owned());
        (names, needed.collect())
    }

    /// Names that the reader says it knows, when it meets one that it does not.
    fn read(what: &str, object: &Value, into: Option<&str>) -> BTreeSet<String> {
        let mut object = object.clone();
        match into {
            Some(into) => object[into]["zzz"] = json!(1),
            None => object["zzz"] = json!(1),
        }
        let problem = words(what, json!([object]).to_string().as_bytes()).unwrap_err();
        assert_eq!(problem.code, "unknown_field", "{problem:?}");
        let known = problem.reason.unwrap();
        known.strip_prefix("known are ").unwrap().split(", ").map(str::to_owned).collect()
    }

    #[test]
    fn what_is_documented_is_what_is_read() {
        let of_match = json!({ "source": "s", "id": 7 });
        let with = |more: Value| {
            let mut object = of_match.clone();
            let more = more.as_object().unwrap().clone();
            object.as_object_mut().unwrap().extend(more);
            object
        };
        let cases = [
            (
                "fixtures",
                fixture(),
                with(json!({ "competition": "c", "season": "2026/27", "home": "a", "away": "b",
                             "kickOff": "2026-11-28T15:00:00Z" })),
            ),
            ("results", result(), with(json!({ "homeGoals": 1, "awayGoals": 0 }))),
            ("events", event(), with(json!({ "seq": 1, "type": "kickOff", "minute": 0 }))),
            ("quotes", quotes(), of_match.clone()),
        ];
        for (what, shape, object) in cases {
            let (names, needed) = told(&shape);
            assert_eq!(names, read(what, &object, None), "{what}");
            assert!(words(what, json!([object]).to_string().as_bytes()).is_ok(), "{what}");
            let given: BTreeSet<String> = object.as_object().unwrap().keys().cloned().collect();
            assert_eq!(given, needed, "{what}: what must be there");
            for name in needed {
                let mut less = object.clone();
                less.as_object_mut().unwrap().remove(&name);
                let body = json!([less]).to_string();
                let problem = words(what, body.as_bytes()).unwrap_err();
                assert_eq!(problem.code, "missing_field", "{what} {name}");
            }
        }
        let stats = with(json!({ "homeGoals": 1, "awayGoals": 0, "stats": {} }));
        let shape = &result()["properties"]["stats"]["oneOf"][0];
        assert_eq!(told(shape).0, read("results", &stats, Some("stats")));
        let odds = with(json!({ "homeGoals": 1, "awayGoals": 0, "odds": {
            "homeClose": "1.80", "drawClose": "3.50", "awayClose": "4.80" } }));
        let shape = &result()["properties"]["odds"]["oneOf"][0];
        assert_eq!(told(shape).0, read("results", &odds, Some("odds")));
        let quoted = with(json!({
            "matchOdds": { "home": "2.10", "draw": "3.40", "away": "3.60" },
            "bothScore": { "yes": "1.80", "no": "2.00" },
        }));
        for market in ["matchOdds", "bothScore"] {
            let shape = &quotes()["properties"][market]["oneOf"][0];
            assert_eq!(told(shape).0, read("quotes", &quoted, Some(market)), "{market}");
        }
        for (market, line) in [
            ("totals", json!({ "line": "2.5", "over": "1.90", "under": "2.00" })),
            ("handicaps", json!({ "line": "-0.75", "home": "2.10", "away": "1.80" })),
        ] {
            let body = |line: &Value| json!([with(json!({ market: [line] }))]).to_string();
            assert!(words("quotes", body(&line).as_bytes()).is_ok(), "{market}");
            let of_line = told(&quotes()["properties"][market]["items"]);
            let names: BTreeSet<String> = line.as_object().unwrap().keys().cloned().collect();
            assert_eq!((&of_line.0, &of_line.1), (&names, &names), "{market}");
            let mut odd = line.clone();
            odd["line"] = json!("2.6");
            let problem = words("quotes", body(&odd).as_bytes()).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(format!("[0].{market}[0].line").as_str()));
        }
    }
}
