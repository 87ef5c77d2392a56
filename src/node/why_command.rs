//! `laybook why`: the deaths of an actor, and how it came back, as the console tells them.

use std::io::Write;

use serde_json::Value;

use crate::betfair::dates::Date;
use crate::cli::{Exit, WhyArgs};
use crate::node_client;

/// Lines of a backtrace that are shown; all of it is in the JSON.
const TRACE_LINES: usize = 24;

/// Asks the node and tells what it says.
pub fn run(args: &WhyArgs) -> anyhow::Result<Exit> {
    let path = format!("/v1/operator/why/{}?limit={}", args.id, args.limit);
    let Some(why) = node_client::get(&args.reach, &path)? else {
        return Ok(Exit::Unreachable);
    };
    let mut out = std::io::stdout();
    match args.json {
        true => writeln!(out, "{why:#}")?,
        false => write!(out, "{}", tell(&why))?,
    }
    Ok(Exit::Done)
}

fn tell(why: &Value) -> String {
    let deaths = why["deaths"].as_array().map_or(&[][..], Vec::as_slice);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if deaths.is_empty() {
        return format!("{} has not fallen, as far as the log goes\n", word(&why["id"]));
    }
    let mut text = String::new();
    for death in deaths {
        let at = death["atMs"].as_i64().and_then(Date::from_millis);
        let at = at.map(|at| at.to_string()).unwrap_or_default();
        text += &format!("{at}  {}  {}\n", word(&death["kind"]), word(&death["message"]));
        let mut line = |name: &str, value: String| {
            if !value.is_empty() {
                text += &format!("  {name:<14} {value}\n");
            }
        };
        line("where", word(&death["location"]));
        if let Some(operator) = death["operator"].as_object() {
            let part = |key: &str| operator.get(key).map(word).unwrap_or_default();
            line("by", format!("{} ({}): {}", part("name"), part("act"), part("reason")));
        }
        line("in hand", word(&death["inHand"]["message"]));
        let last = death["lastMessages"].as_array().map_or(&[][..], Vec::as_slice);
        line("last messages", last.iter().map(word).collect::<Vec<_>>().join(", "));
        if let Some(depth) = death["mailboxAtDeath"].as_u64() {
            line("mailbox", format!("{depth} waited"));
        }
        let fell = death["fellWith"].as_array().map_or(&[][..], Vec::as_slice);
        let fell = fell.iter().map(|it| format!("{} ({})", word(&it["id"]), word(&it["why"])));
        line("fell with it", fell.collect::<Vec<_>>().join(", "));
        if let (Some(used), Some(of)) =
            (death["budget"]["used"].as_u64(), death["budget"]["of"].as_u64())
        {
            let within = death["budget"]["withinMs"].as_u64().unwrap_or_default();
            line("budget", format!("{used} of {of} in {} s", within / 1_000));
        }
        match &death["served"] {
            Value::Null => line("served again", "not yet".to_owned()),
            served => {
                let mut told = format!("after {} ms", served["afterMs"]);
                if let Some(offset) = served["snapshotOffset"].as_u64() {
                    told += &format!(", from the snapshot at {offset}");
                }
                if let Some(replayed) = served["replayed"].as_u64() {
                    told += &format!(", {replayed} records replayed");
                }
                line("served again", told);
            }
        }
        for trace in word(&death["backtrace"]).lines().take(TRACE_LINES) {
            text += &format!("    {trace}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_death_is_told_with_what_is_known_of_it() {
        let death = json!({ "atMs": 0, "kind": "panic", "message": "boom", "location": "a.rs:1:1",
            "inHand": { "message": "place" }, "lastMessages": ["wake", "place"], "mailboxAtDeath": 3,
            "fellWith": [{ "id": "home", "why": "rest for one" }], "backtrace": "0: main",
            "budget": { "used": 1, "of": 5, "withinMs": 10_000 },
            "served": { "afterMs": 4, "snapshotOffset": 7, "replayed": 2 } });
        let text = tell(&json!({ "id": "market-1", "deaths": [death] }));
        for part in [
            "boom",
            "a.rs:1:1",
            "place",
            "wake, place",
            "3 waited",
            "home (rest for one)",
            "1 of 5 in 10 s",
            "after 4 ms, from the snapshot at 7, 2 records replayed",
            "0: main",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let none = tell(&json!({ "id": "home", "deaths": [] }));
        assert!(none.starts_with("home has not fallen"));
    }
}
