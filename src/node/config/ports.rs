//! `[[models]]`: models of somebody's own, one table each.
//!
//! | key | what it is |
//! |---|---|
//! | `name` | a word of 1 to 32 small letters, digits, `-`, `_`; no other model has it |
//! | `command` | the program and its arguments, a list |
//! | `competitions` | names of those that it prices; without it, all that no model before it prices |
//! | `memory_mb` | address space of each of its processes, in MiB: 16 to 1,048,576; 2,048 without it |
//! | `deadline_ms` | for the answer to one question: 1 to 60,000; 500 without it |

use std::time::Duration;

use actors::port::Terms;

use super::list::Reader;
use crate::port::ModelSettings;

const KEYS: [&str; 5] = ["name", "command", "competitions", "memory_mb", "deadline_ms"];

pub(super) fn read(table: &mut Reader<'_>) -> Option<ModelSettings> {
    table.only(&KEYS);
    let name = table.name();
    let command = table.texts("command").and_then(|command| {
        let command = match command {
            Some(command) if command.first().is_some_and(|program| !program.is_empty()) => {
                Ok(command)
            }
            Some(_) => Err("names no program".to_owned()),
            None => Err("is missing: the program and its arguments, as a list".to_owned()),
        };
        table.keep("command", command)
    });
    let competitions = table.texts("competitions");
    let memory_mb = table.number("memory_mb", 2_048, 16, 1 << 20);
    let deadline_ms = table.number("deadline_ms", 500, 1, 60_000);
    Some(ModelSettings {
        terms: Terms {
            name: name?,
            competitions: competitions?.unwrap_or_default(),
            deadline: Duration::from_millis(deadline_ms?),
        },
        command: command?,
        memory_mb: memory_mb?,
    })
}

/// As the file would say it.
pub(super) fn to_toml(model: &ModelSettings, origin: &str) -> String {
    let list = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
        format!("[{}]", texts.join(", "))
    };
    let mut toml = format!("\n[[models]]  # {origin}\nname = {:?}\n", model.terms.name);
    toml += &format!("command = {}\n", list(&model.command));
    if !model.terms.competitions.is_empty() {
        toml += &format!("competitions = {}\n", list(&model.terms.competitions));
    }
    toml += &format!("memory_mb = {}\n", model.memory_mb);
    toml + &format!("deadline_ms = {}\n", model.terms.deadline.as_millis())
}

/// As `config show --json` has it.
pub(super) fn to_json(model: &ModelSettings, origin: &str) -> serde_json::Value {
    serde_json::json!({
        "name": model.terms.name,
        "command": model.command,
        "competitions": model.terms.competitions,
        "memory_mb": model.memory_mb,
        "deadline_ms": model.terms.deadline.as_millis() as u64,
        "origin": origin,
    })
}
