//! Lists of tables, such as `[[models]]`: each table is read whole, and every complaint names its key.
//!
//! Owns     how such tables are layered (a later layer's list takes the place of an earlier one's) and read. What
//!          their keys mean is told beside them: `makers`, `ports`, `pulls`.

use ::config::{Map, Value, ValueKind};

use super::{Complaint, Layers};

/// The lists that there are.
pub(super) const LISTS: [&str; 3] = ["makers", "models", "pulls"];
/// Tables of one list.
const TABLES_MAX: usize = 16;
const NAME_MAX: usize = 32;

/// A table of the file, and where it stands.
pub(super) struct Table {
    key: String,
    values: Map<String, Value>,
    origin: String,
}

/// What is read from a table, with what was wrong with it so far.
pub(super) struct Reader<'a> {
    table: &'a Table,
    complaints: Vec<Complaint>,
}

impl Layers {
    /// Takes the list in place of those of earlier layers.
    pub(super) fn add_list(
        &mut self,
        list: &'static str,
        values: Vec<Value>,
        origin: &dyn Fn(&str) -> String,
    ) {
        let mut tables = Vec::new();
        for (at, value) in values.into_iter().enumerate() {
            let key = format!("{list}[{at}]");
            let origin = origin(&key);
            match value.kind {
                ValueKind::Table(values) => tables.push(Table { key, values, origin }),
                other => {
                    let reason = format!("is not a table: write [[{list}]]");
                    self.complain(&key, &other.to_string(), &origin, reason);
                }
            }
        }
        self.lists.insert(list, tables);
    }

    /// Reads each table of a list; `None` when there was anything to complain about.
    pub(super) fn read_list<T>(
        &mut self,
        list: &'static str,
        read: impl Fn(&mut Reader<'_>) -> Option<T>,
        name: impl Fn(&T) -> &str,
    ) -> Option<Vec<T>> {
        let tables = self.lists.remove(list).unwrap_or_default();
        if let Some(first) = tables.get(TABLES_MAX) {
            let reason = format!("are more than {TABLES_MAX}");
            self.complain(list, &tables.len().to_string(), &first.origin, reason);
        }
        let mut items: Vec<T> = Vec::new();
        for table in &tables {
            let mut reader = Reader { table, complaints: Vec::new() };
            let item = read(&mut reader);
            self.complaints.extend(reader.complaints);
            let Some(item) = item else { continue };
            if items.iter().any(|before| name(before) == name(&item)) {
                let key = format!("{}.name", table.key);
                let reason = "is another one's name already".to_owned();
                self.complain(&key, name(&item), &table.origin, reason);
            }
            items.push(item);
        }
        let all_are_good = items.len() == tables.len();
        let origins = tables.into_iter().map(|table| table.origin).collect();
        self.list_origins.insert(list, origins);
        all_are_good.then_some(items)
    }
}

impl Reader<'_> {
    /// Complains of keys that are none of these.
    pub(super) fn only(&mut self, keys: &[&str]) {
        let unknown = self.table.values.keys().filter(|key| !keys.contains(&key.as_str()));
        for key in unknown {
            self.refuse(key, format!("is not one of its keys, {}", keys.join(", ")));
        }
    }

    pub(super) fn refuse(&mut self, key: &str, reason: String) {
        let value = self.table.values.get(key).map(|value| match &value.kind {
            ValueKind::Array(_) => "[...]".to_owned(),
            kind => kind.to_string(),
        });
        self.complaints.push(Complaint {
            key: format!("{}.{key}", self.table.key),
            value: value.unwrap_or_default(),
            origin: self.table.origin.clone(),
            reason,
        });
    }

    /// The good value; `None` and a complaint otherwise.
    pub(super) fn keep<T>(&mut self, key: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|reason| self.refuse(key, reason)).ok()
    }

    /// The key `name`, a word that people type and programs print.
    pub(super) fn name(&mut self) -> Option<String> {
        let name = self.text("name")?;
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        };
        let good = match name {
            None => Err("is missing".to_owned()),
            Some(name) if (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(plain) => {
                Ok(name)
            }
            Some(_) => Err(format!("is not a word of 1 to {NAME_MAX} of a-z 0-9 - _")),
        };
        self.keep("name", good)
    }

    /// `Some(None)` where the table does not have it.
    pub(super) fn text(&mut self, key: &str) -> Option<Option<String>> {
        let Some(value) = self.table.values.get(key) else { return Some(None) };
        let text = match &value.kind {
            ValueKind::String(text) => Ok(Some(text.clone())),
            _ => Err("is not a text".to_owned()),
        };
        self.keep(key, text)
    }

    pub(super) fn texts(&mut self, key: &str) -> Option<Option<Vec<String>>> {
        let Some(value) = self.table.values.get(key) else { return Some(None) };
        let text = |value: &Value| match &value.kind {
            ValueKind::String(text) => Some(text.clone()),
            _ => None,
        };
        let texts: Option<Vec<String>> = match &value.kind {
            ValueKind::Array(list) => list.iter().map(text).collect(),
            _ => None,
        };
        self.keep(key, texts.map(Some).ok_or_else(|| "is not a list of texts".to_owned()))
    }

    pub(super) fn truth(&mut self, key: &str) -> Option<bool> {
        let Some(value) = self.table.values.get(key) else { return Some(false) };
        let truth = match value.kind {
            ValueKind::Boolean(truth) => Ok(truth),
            _ => Err("is neither true nor false".to_owned()),
        };
        self.keep(key, truth)
    }

    pub(super) fn number(&mut self, key: &str, default: u64, least: u64, most: u64) -> Option<u64> {
        let Some(value) = self.table.values.get(key) else { return Some(default) };
        let number = match value.clone().into_uint() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            Ok(_) => Err(format!("is not between {least} and {most}")),
            Err(_) => Err("is not a whole number".to_owned()),
        };
        self.keep(key, number)
    }
}
