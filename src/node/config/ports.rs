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

use ::config::{Map, Value, ValueKind};
use actors::port::Terms;

use super::{Complaint, Layers};
use crate::port::ModelSettings;

/// Processes that one node runs at most.
const MODELS_MAX: usize = 16;
const KEYS: [&str; 5] = ["name", "command", "competitions", "memory_mb", "deadline_ms"];
const NAME_MAX: usize = 32;

/// A table of the file, and where it stands.
pub(super) struct Table {
    key: String,
    values: Map<String, Value>,
    origin: String,
}

impl Layers {
    /// Takes the list in place of those of earlier layers.
    pub(super) fn add_models(&mut self, list: Vec<Value>, origin: &dyn Fn(&str) -> String) {
        self.models.clear();
        for (at, value) in list.into_iter().enumerate() {
            let key = format!("models[{at}]");
            let origin = origin(&key);
            match value.kind {
                ValueKind::Table(values) => self.models.push(Table { key, values, origin }),
                other => {
                    let reason = "is not a table: write [[models]]".to_owned();
                    self.complain(&key, &other.to_string(), &origin, reason);
                }
            }
        }
    }

    pub(super) fn read_models(&mut self) -> Option<Vec<ModelSettings>> {
        let tables = std::mem::take(&mut self.models);
        if tables.len() > MODELS_MAX {
            let reason = format!("are more than {MODELS_MAX}");
            self.complain("models", &tables.len().to_string(), &tables[0].origin, reason);
        }
        let mut models: Vec<ModelSettings> = Vec::new();
        for table in &tables {
            let (model, complaints) = table.read();
            self.complaints.extend(complaints);
            let Some(model) = model else { continue };
            if models.iter().any(|before| before.terms.name == model.terms.name) {
                let key = format!("{}.name", table.key);
                let reason = "is another model's name already".to_owned();
                self.complain(&key, &model.terms.name, &table.origin, reason);
            }
            models.push(model);
        }
        let all_are_good = models.len() == tables.len();
        self.model_origins = tables.into_iter().map(|table| table.origin).collect();
        all_are_good.then_some(models)
    }
}

impl Table {
    fn read(&self) -> (Option<ModelSettings>, Vec<Complaint>) {
        let mut complaints = Vec::new();
        for unknown in self.values.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let reason = format!("is not a key of a model; there are {}", KEYS.join(", "));
            complaints.push(self.complaint(unknown, reason));
        }
        let name = self.name();
        let command = self.texts("command").and_then(|command| match command {
            Some(command) if command.first().is_some_and(|program| !program.is_empty()) => {
                Ok(command)
            }
            Some(_) => Err("names no program".to_owned()),
            None => Err("is missing: the program and its arguments, as a list".to_owned()),
        });
        let competitions = self.texts("competitions");
        let memory_mb = self.number("memory_mb", 2_048, 16, 1 << 20);
        let deadline_ms = self.number("deadline_ms", 500, 1, 60_000);
        let mut keep = |key, error: Option<String>| {
            if let Some(reason) = error {
                complaints.push(self.complaint(key, reason));
            }
        };
        keep("name", name.as_ref().err().cloned());
        keep("command", command.as_ref().err().cloned());
        keep("competitions", competitions.as_ref().err().cloned());
        keep("memory_mb", memory_mb.as_ref().err().cloned());
        keep("deadline_ms", deadline_ms.as_ref().err().cloned());
        let model = || {
            Some(ModelSettings {
                terms: Terms {
                    name: name.ok()?,
                    competitions: competitions.ok()?.unwrap_or_default(),
                    deadline: Duration::from_millis(deadline_ms.ok()?),
                },
                command: command.ok()?,
                memory_mb: memory_mb.ok()?,
            })
        };
        (model(), complaints)
    }

    fn complaint(&self, key: &str, reason: String) -> Complaint {
        let value = self.values.get(key).map(|value| match &value.kind {
            ValueKind::Array(_) => "[...]".to_owned(),
            kind => kind.to_string(),
        });
        Complaint {
            key: format!("{}.{key}", self.key),
            value: value.unwrap_or_default(),
            origin: self.origin.clone(),
            reason,
        }
    }

    fn name(&self) -> Result<String, String> {
        let Some(value) = self.values.get("name") else { return Err("is missing".to_owned()) };
        let name = value.clone().into_string().map_err(|_| "is not a text".to_owned())?;
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        };
        match (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(plain) {
            true => Ok(name),
            false => Err(format!("is not a word of 1 to {NAME_MAX} of a-z 0-9 - _")),
        }
    }

    fn texts(&self, key: &str) -> Result<Option<Vec<String>>, String> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        let wrong = || "is not a list of texts".to_owned();
        let ValueKind::Array(list) = &value.kind else { return Err(wrong()) };
        let text = |value: &Value| match &value.kind {
            ValueKind::String(text) => Ok(text.clone()),
            _ => Err(wrong()),
        };
        list.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    fn number(&self, key: &str, default: u64, least: u64, most: u64) -> Result<u64, String> {
        let Some(value) = self.values.get(key) else { return Ok(default) };
        let number = value.clone().into_uint().map_err(|_| "is not a whole number".to_owned())?;
        match (least..=most).contains(&number) {
            true => Ok(number),
            false => Err(format!("is not between {least} and {most}")),
        }
    }
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
