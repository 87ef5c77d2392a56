//! `laybook events`: what has happened in a node's supervision tree, also before its last start.

use std::io::Write;

use serde_json::Value;

use crate::betfair::dates::Date;
use crate::cli::{EventsArgs, Exit};
use crate::node_client;

/// Asks the node, page by page, and prints a line an event.
pub fn run(args: &EventsArgs) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    let mut since = args.since;
    loop {
        let path = format!("/v1/operator/supervision?since={since}");
        let Some(page) = node_client::get(&args.reach, &path)? else {
            return Ok(Exit::Unreachable);
        };
        let events = page["events"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(last) = events.last().and_then(|event| event["seq"].as_u64()) else {
            return Ok(Exit::Done);
        };
        for event in events {
            if args.json {
                writeln!(out, "{event}")?;
            } else {
                writeln!(out, "{}", line(event))?;
            }
        }
        since = last;
    }
}

/// Number, time, who, what, and the rest as the node names it.
fn line(event: &Value) -> String {
    let text = |key: &str| event[key].as_str().unwrap_or_default();
    let at = event["at_ms"].as_i64().and_then(Date::from_millis);
    let at = at.map(|at| at.to_string()).unwrap_or_default();
    let mut line = format!(
        "{:>6}  {at}  {}  {}",
        event["seq"].as_u64().unwrap_or_default(),
        text("child"),
        text("what").replace('_', " ")
    );
    let told = ["seq", "at_ms", "supervisor", "child", "kind", "what"];
    let rest = event.as_object().into_iter().flatten();
    for (key, value) in rest.filter(|(key, _)| !told.contains(&key.as_str())) {
        line.push_str(&format!("  {key} {}", brief(value)));
    }
    line
}

/// A value on one line; a backtrace is for `--json`.
fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => text.lines().next().unwrap_or_default().to_owned(),
        Value::Object(fields) => {
            let fields =
                fields.iter().filter(|(key, value)| *key != "backtrace" && !value.is_null());
            let fields: Vec<String> =
                fields.map(|(key, value)| format!("{key} {}", brief(value))).collect();
            fields.join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_one_line() {
        let panicked = json!({ "seq": 7, "at_ms": 0, "supervisor": "top", "child": "home", "kind": "home",
            "what": "exited", "exit": { "panicked": { "message": "boom\nbang", "backtrace": "0: main" } } });
        let line = line(&panicked);
        assert!(line.starts_with("     7  1970-01-01"), "{line}");
        assert!(line.ends_with("home  exited  exit panicked message boom"), "{line}");
    }
}
