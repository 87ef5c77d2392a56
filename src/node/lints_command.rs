//! `laybook lints`: what of a running node needs a person, as the console's overview says it.

use std::io::Write;

use serde_json::Value;

use crate::cli::{Exit, LintsArgs};
use crate::node_client;

/// Asks the node and prints a paragraph a lint.
pub fn run(args: &LintsArgs) -> anyhow::Result<Exit> {
    let Some(lints) = node_client::get(&args.reach, "/v1/operator/lints")? else {
        return Ok(Exit::Unreachable);
    };
    let mut out = std::io::stdout();
    match args.json {
        true => writeln!(out, "{lints:#}")?,
        false => write!(out, "{}", tell(&lints))?,
    }
    Ok(Exit::Done)
}

fn tell(lints: &Value) -> String {
    let lints = lints["lints"].as_array().map_or(&[][..], Vec::as_slice);
    if lints.is_empty() {
        return "nothing needs a person\n".to_owned();
    }
    let told = lints.iter().map(|lint| {
        let word = |key: &str| lint[key].as_str().unwrap_or_default();
        let about = if word("id").is_empty() { String::new() } else { format!("{}: ", word("id")) };
        format!(
            "{:<4}  {:<14} {about}{}\n      {}\n",
            word("severity"),
            word("lint"),
            word("text"),
            word("why")
        )
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lint_says_what_and_why() {
        let lint = json!({ "severity": "warn", "lint": "busy", "id": "home", "text": "works", "why": "waits" });
        let text = tell(&json!({ "lints": [lint] }));
        assert_eq!(text, "warn  busy           home: works\n      waits\n");
        assert_eq!(tell(&json!({ "lints": [] })), "nothing needs a person\n");
    }
}
