//! `laybook top`: the busiest actors of a running node, as the console shows them; live in a terminal.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use serde_json::Value;

use crate::cli::{Exit, TopArgs};
use crate::node_client;

/// Between two pictures.
const EVERY: Duration = Duration::from_secs(1);
/// Clears a terminal and goes to its corner.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Asks the node, again and again in a terminal, until it is interrupted or the node is gone.
pub fn run(args: &TopArgs) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    let is_live = out.is_terminal() && !args.once && !args.json;
    let path = format!("/v1/operator/top?sort={}&limit={}", args.sort, args.limit);
    loop {
        let Some(top) = node_client::get(&args.reach, &path)? else {
            return Ok(Exit::Unreachable);
        };
        if args.json {
            writeln!(out, "{top:#}")?;
        } else {
            let clear = if is_live { CLEAR } else { "" };
            write!(out, "{clear}{}", picture(&top))?;
            out.flush()?;
        }
        if !is_live {
            return Ok(Exit::Done);
        }
        std::thread::sleep(EVERY);
    }
}

/// A line an actor.
fn picture(top: &Value) -> String {
    let mut text = format!("{} actors, {} messages/s\n", top["actors"], top["handledPerS"]);
    text += &format!(
        "{:<28} {:<10} {:>8} {:>10} {:>7} {:>10} {:>10} {:>10} {:>8}\n",
        "id", "kind", "waiting", "msg/s", "busy %", "p50 us", "p99 us", "slowest", "restarts"
    );
    for row in top["rows"].as_array().map_or(&[][..], Vec::as_slice) {
        let word = |key: &str| row[key].as_str().unwrap_or_default();
        let load = |key: &str| row["load"][key].to_string();
        text += &format!(
            "{:<28} {:<10} {:>8} {:>10} {:>7} {:>10} {:>10} {:>10} {:>8}  {}\n",
            word("id"),
            word("kind"),
            load("depth"),
            load("perS"),
            load("busyPct"),
            load("waitP50Us"),
            load("waitP99Us"),
            load("slowestUs"),
            row["restarts"],
            word("label")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_actor_is_one_line() {
        let load = json!({ "depth": 3, "perS": 1.5, "busyPct": 0.1, "waitP50Us": 8, "waitP99Us": 64,
            "slowestUs": 900 });
        let row = json!({ "id": "market-1.000000007", "kind": "market", "restarts": 2, "load": load,
            "label": "Leeds v York" });
        let text = picture(&json!({ "actors": 9, "handledPerS": 7.0, "rows": [row] }));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[2].starts_with("market-1.000000007") && lines[2].ends_with("Leeds v York"));
    }
}
