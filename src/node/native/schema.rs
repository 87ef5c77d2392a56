//! What a request may carry, said once: a route's fields are what is read strictly and what the documents
//! say of it.
//!
//! Never    guesses: a member that is not among the fields is refused by its name, so is one that comes
//!          twice, and nothing is coerced.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::form::decoded;
use crate::operator::json::{self, Members, in_full};
use crate::operator::problem::Problem;

/// One member of a body, or one parameter of a query.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// As it is written.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Refused when it is not there.
    pub needed: bool,
    /// For people.
    pub about: &'static str,
}

/// What a field may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// At most so many bytes; shown nowhere when it is a secret.
    Text(usize),
    /// The same, never shown or logged.
    Secret(usize),
    /// A decimal text in pounds, at most two decimals, between two amounts in pence.
    Amount(i64, i64),
    /// A decimal text, at most two decimals, between two prices in hundredths.
    Price(i64, i64),
    /// A whole number between two.
    Whole(i64, i64),
    /// True or false.
    Truth,
    /// RFC 3339.
    Time,
    /// One of some words.
    Word(&'static [&'static str]),
    /// A list of some of the words.
    Words(&'static [&'static str]),
}

/// A field that must be there.
pub const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, needed: true, about }
}

/// A field that may be left out.
pub const fn maybe(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, needed: false, about }
}

/// What was read, by the fields' names.
#[derive(Default)]
pub struct Values(BTreeMap<&'static str, Read>);

enum Read {
    Text(String),
    Number(i64),
    Truth(bool),
    Words(Vec<&'static str>),
}

impl Values {
    /// Reads a body by its fields.
    pub fn of_body(fields: &'static [Field], body: &[u8]) -> Result<Values, Problem> {
        json::read(body, |members| {
            let mut values = Values::default();
            for field in fields {
                let read = read_member(field, members)?;
                if field.needed && read.is_none() {
                    members.must::<()>(field.name, None)?;
                }
                if let Some(read) = read {
                    values.0.insert(field.name, read);
                }
            }
            Ok(values)
        })
    }

    /// Reads a query by its fields: the same kinds, written as texts.
    pub fn of_query(fields: &'static [Field], query: &str) -> Result<Values, Problem> {
        let mut object = serde_json::Map::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(text)) = (decoded(name.as_bytes()), decoded(text.as_bytes()))
            else {
                return Err(Problem::field("bad_query", "query", "is not percent-encoded UTF-8"));
            };
            let kind = fields.iter().find(|field| field.name == name).map(|field| field.kind);
            let value = match kind {
                Some(Kind::Whole(..)) => text.parse::<i64>().map_or(json!(text), |it| json!(it)),
                Some(Kind::Truth) => match text.as_str() {
                    "true" => json!(true),
                    "false" => json!(false),
                    _ => json!(text),
                },
                _ => json!(text),
            };
            if object.insert(name.clone(), value).is_some() {
                let shown: String = name.chars().take(64).collect();
                return Err(Problem::field("bad_query", shown, "comes twice"));
            }
        }
        let body = Value::Object(object).to_string();
        Values::of_body(fields, body.as_bytes())
    }

    /// A text that is there.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Read::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text that the table says must be there.
    pub fn must_text(&self, name: &str) -> String {
        self.text(name).unwrap_or_default().to_owned()
    }

    /// A number, an amount in pence, a price in hundredths or a time in milliseconds.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.0.get(name) {
            Some(Read::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// True or false.
    pub fn truth(&self, name: &str) -> Option<bool> {
        match self.0.get(name) {
            Some(Read::Truth(truth)) => Some(*truth),
            _ => None,
        }
    }

    /// The words of a list.
    pub fn words(&self, name: &str) -> &[&'static str] {
        match self.0.get(name) {
            Some(Read::Words(words)) => words,
            _ => &[],
        }
    }
}

fn read_member(field: &Field, members: &mut Members<'_>) -> Result<Option<Read>, Problem> {
    let name = field.name;
    Ok(match field.kind {
        Kind::Text(most) | Kind::Secret(most) => {
            let Some(text) = members.text(name)? else { return Ok(None) };
            if text.is_empty() || text.len() > most {
                let reason = format!("is empty or longer than {most} bytes");
                return Err(Problem::field("bad_text", name, reason));
            }
            if text.chars().any(char::is_control) {
                return Err(Problem::field("bad_text", name, "has a control character"));
            }
            Some(Read::Text(text))
        }
        Kind::Amount(least, most) => {
            members.decimal("bad_amount", name, least, most)?.map(Read::Number)
        }
        Kind::Price(least, most) => {
            members.decimal("bad_price", name, least, most)?.map(Read::Number)
        }
        Kind::Whole(least, most) => members.integer(name, least, most)?.map(Read::Number),
        Kind::Truth => members.truth(name)?.map(Read::Truth),
        Kind::Time => members.time(name)?.map(Read::Number),
        Kind::Word(words) => {
            let words: Vec<(&'static str, &'static str)> =
                words.iter().map(|word| (*word, *word)).collect();
            members.word(name, &words)?.map(|word| Read::Text(word.to_owned()))
        }
        Kind::Words(words) => members.words(name, words)?.map(Read::Words),
    })
}

/// A field as JSON Schema has it.
pub fn schema_of(field: &Field) -> Value {
    let mut schema = match field.kind {
        Kind::Text(most) => json!({ "type": "string", "minLength": 1, "maxLength": most }),
        Kind::Secret(most) => {
            json!({ "type": "string", "format": "password", "minLength": 1, "maxLength": most })
        }
        Kind::Amount(least, most) | Kind::Price(least, most) => json!({
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]{1,2})?$",
            "examples": [in_full(least.max(200).min(most))],
        }),
        Kind::Whole(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Truth => json!({ "type": "boolean" }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Words(words) => json!({
            "type": "array", "items": { "type": "string", "enum": words }, "maxItems": words.len(),
        }),
    };
    schema["description"] = json!(field.about);
    schema
}

/// The fields of one body as JSON Schema has them: what may be left out may be null.
pub fn object_schema(fields: &[Field]) -> Value {
    let member = |field: &Field| {
        let mut schema = schema_of(field);
        if !field.needed {
            schema["type"] = json!([schema["type"], "null"]);
            if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
                words.push(Value::Null);
            }
        }
        (field.name.to_owned(), schema)
    };
    let properties: serde_json::Map<String, Value> = fields.iter().map(member).collect();
    let needed: Vec<&str> =
        fields.iter().filter(|field| field.needed).map(|field| field.name).collect();
    let mut schema = json!({
        "type": "object", "properties": properties, "additionalProperties": false,
    });
    if !needed.is_empty() {
        schema["required"] = json!(needed);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        needed("name", Kind::Text(5), "a name"),
        maybe("amount", Kind::Amount(1, 10_000), "an amount"),
        maybe("count", Kind::Whole(0, 9), "a count"),
        maybe("sure", Kind::Truth, "whether"),
        maybe("side", Kind::Word(&["back", "lay"]), "a side"),
        maybe("scopes", Kind::Words(&["read", "bet"]), "some"),
    ];

    fn refused(body: &str) -> (String, &'static str) {
        let problem = Values::of_body(FIELDS, body.as_bytes()).err().expect("refused");
        (problem.field.unwrap_or_default(), problem.code)
    }

    #[test]
    fn a_body_is_read_by_its_fields_and_nothing_else_is_let_through() {
        let body = r#"{"name":"zoe","amount":"12.5","scopes":["bet","read"],"side":"lay"}"#;
        let values = Values::of_body(FIELDS, body.as_bytes()).unwrap();
        assert_eq!((values.text("name"), values.number("amount")), (Some("zoe"), Some(1_250)));
        assert_eq!(
            (values.words("scopes"), values.text("side")),
            (&["bet", "read"][..], Some("lay"))
        );
        let cases = [
            ("{}", ("name", "missing_field")),
            (r#"{"name":null}"#, ("name", "missing_field")),
            (r#"{"name":"zoe","balance":"1.00"}"#, ("balance", "unknown_field")),
            (r#"{"name":"","count":1}"#, ("name", "bad_text")),
            (r#"{"name":"zoezoe"}"#, ("name", "bad_text")),
            (r#"{"name":"a\nb"}"#, ("name", "bad_text")),
            (r#"{"name":7}"#, ("name", "bad_type")),
            (r#"{"name":"zoe","amount":1.5}"#, ("amount", "bad_amount")),
            (r#"{"name":"zoe","amount":"0"}"#, ("amount", "bad_amount")),
            (r#"{"name":"zoe","amount":"1e3"}"#, ("amount", "bad_amount")),
            (r#"{"name":"zoe","count":10}"#, ("count", "bad_number")),
            (r#"{"name":"zoe","side":"BACK"}"#, ("side", "bad_word")),
            (r#"{"name":"zoe","scopes":["admin"]}"#, ("scopes[0]", "bad_word")),
            (r#"{"name":"a","name":"b"}"#, ("", "bad_json")),
            ("[]", ("", "bad_json")),
            ("\u{feff}{}", ("", "bad_json")),
        ];
        for (body, (field, code)) in cases {
            assert_eq!(refused(body), (field.to_owned(), code), "{body}");
        }
    }

    #[test]
    fn a_query_is_read_as_strictly() {
        let read = |query: &str| Values::of_query(FIELDS, query);
        let values = read("name=z%C3%B6e&count=3&sure=true").unwrap();
        assert_eq!((values.text("name"), values.number("count")), (Some("zöe"), Some(3)));
        assert_eq!(values.truth("sure"), Some(true));
        for query in ["", "name=a&name=b", "name=a&x=1", "name=%ff", "name=%4", "name=a&sure=1"] {
            assert!(read(query).is_err(), "{query}");
        }
    }

    #[test]
    fn the_schema_says_what_is_needed_and_that_nothing_else_is_taken() {
        let schema = object_schema(FIELDS);
        assert_eq!(schema["required"], json!(["name"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["side"]["enum"], json!(["back", "lay", null]));
        assert_eq!(schema["properties"]["count"]["type"], json!(["integer", "null"]));
        assert_eq!(schema["properties"]["name"]["type"], json!("string"));
    }
}
