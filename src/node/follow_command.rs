//! `laybook follow`: the way of one order through a running node, as the console draws it.

use std::io::Write;

use serde_json::Value;

use crate::cli::{Exit, FollowArgs};
use crate::node_client;

/// Asks the node and draws a line a step.
pub fn run(args: &FollowArgs) -> anyhow::Result<Exit> {
    let path = format!("/v1/operator/follow/{}", args.bet);
    let Some(way) = node_client::get(&args.reach, &path)? else {
        return Ok(Exit::Unreachable);
    };
    let mut out = std::io::stdout();
    match args.json {
        true => writeln!(out, "{way:#}")?,
        false => write!(out, "{}", draw(&way))?,
    }
    Ok(Exit::Done)
}

fn draw(way: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut text = format!("bet {} in market {}\n", word(&way["betId"]), word(&way["marketId"]));
    let steps = way["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let first = steps.first().and_then(|step| step["atUs"].as_u64()).unwrap_or_default();
    for step in steps {
        let at = step["atUs"].as_u64().unwrap_or_default().saturating_sub(first);
        let (from, to, what) = (word(&step["from"]), word(&step["to"]), word(&step["what"]));
        text += &format!("{at:>9} us  {from:>8} -> {to:<8}  {what}");
        if let Some(offset) = step["offset"].as_u64() {
            text += &format!("  (offset {offset})");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_step_is_one_line() {
        let steps = json!([
            { "atUs": 1_000, "from": "door", "to": "session", "what": "admitted" },
            { "atUs": 1_250, "from": "market", "to": "journal", "what": "match durable", "offset": 7 },
        ]);
        let text = draw(&json!({ "betId": "1", "marketId": "1.2", "steps": steps }));
        assert!(
            text.contains("      250 us    market -> journal   match durable  (offset 7)"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 3);
    }
}
