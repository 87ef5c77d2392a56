//! Strict reading of JSON for the native and the operator API.
//!
//! Unlike Betfair's doors nothing is coerced, every member must be known, and no name may come twice: a
//! money API that guesses is one that guesses wrong. Every refusal names the member by its path.

use std::borrow::Cow;

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::problem::Problem;
use super::strict::Strict;

/// Characters of a name, of a market or a runner.
pub const MAX_NAME: usize = 128;

/// Reads a body that is an object, by `read`, and refuses members that `read` did not ask for.
pub fn read<T>(
    body: &[u8],
    read: impl FnOnce(&mut Members<'_>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    // An empty body is an empty object: most acts of an operator need nothing said.
    let body = if body.is_empty() { b"{}" } else { body };
    let Strict(value) = serde_json::from_slice(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "bad_json").reason(error.to_string())
    })?;
    let Value::Object(object) = &value else {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "bad_json");
        return Err(problem.reason("the body is not an object"));
    };
    let mut members = Members { object, path: String::new(), asked: Vec::new() };
    let it = read(&mut members)?;
    members.refuse_others()?;
    Ok(it)
}

/// Reads a body that is a list of at most `most` objects, each by `read`. Paths begin with `[0].`.
pub fn read_list<T>(
    body: &[u8],
    most: usize,
    read: impl Fn(&mut Members<'_>) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let Strict(value) = serde_json::from_slice(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "bad_json").reason(error.to_string())
    })?;
    let Value::Array(items) = &value else {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "bad_json");
        return Err(problem.reason("the body is not a list"));
    };
    if items.len() > most {
        let reason = format!("the list has more than {most} items");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too_many").reason(reason));
    }
    let objects = items.iter().enumerate().map(|(index, item)| {
        let Value::Object(object) = item else {
            return Err(Problem::field("bad_type", format!("[{index}]"), "is not an object"));
        };
        Members::read_object(object, format!("[{index}]."), &read)
    });
    objects.collect()
}

/// Refuses a body that does not say that it is JSON: a form of another site cannot say so without being
/// asked by the browser first.
pub fn check_content_type(content_type: Option<&str>, body: &[u8]) -> Result<(), Problem> {
    let kind = content_type.map(|it| it.split(';').next().unwrap_or_default().trim());
    match kind {
        Some(kind) if kind.eq_ignore_ascii_case("application/json") => Ok(()),
        None if body.is_empty() => Ok(()),
        _ => {
            let reason = "the body must come as application/json";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            Err(Problem { status, ..Problem::field("wrong_content_type", "Content-Type", reason) })
        }
    }
}

/// The members of one object, read one by one.
#[derive(Debug)]
pub struct Members<'v> {
    object: &'v Map<String, Value>,
    /// Where the object is, with a dot at its end.
    path: String,
    asked: Vec<&'static str>,
}

/// Nobody scores more.
const GOALS_MAX: u8 = 99;

/// A value that may be absent, or a problem.
pub type Read<T> = Result<Option<T>, Problem>;

impl<'v> Members<'v> {
    /// A value, unless it is absent or null.
    fn value(&mut self, name: &'static str) -> Option<&'v Value> {
        self.asked.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A refusal of this member.
    pub fn refused(
        &self,
        code: &'static str,
        name: &str,
        reason: impl Into<Cow<'static, str>>,
    ) -> Problem {
        Problem::field(code, format!("{}{name}", self.path), reason)
    }

    /// What must be there.
    pub fn must<T>(&self, name: &'static str, value: Option<T>) -> Result<T, Problem> {
        value.ok_or_else(|| self.refused("missing_field", name, "is mandatory"))
    }

    /// A text that is not empty, of at most [`MAX_NAME`] characters that can be shown as they are.
    pub fn name(&mut self, name: &'static str) -> Read<String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.is_empty() || text.chars().count() > MAX_NAME {
            let reason = format!("is empty or longer than {MAX_NAME} characters");
            return Err(self.refused("bad_name", name, reason));
        }
        if text.chars().any(|c| is_deceptive(c) || matches!(c, '<' | '>')) {
            let reason = "has a control, a direction mark, an invisible character, < or >";
            return Err(self.refused("bad_name", name, reason));
        }
        Ok(Some(text))
    }

    /// Somebody else's id: a text as [`Members::name`], or a whole number.
    pub fn key(&mut self, name: &'static str) -> Read<String> {
        match self.object.get(name) {
            Some(Value::Number(number)) if number.is_u64() => {
                self.asked.push(name);
                Ok(Some(number.to_string()))
            }
            _ => self.name(name),
        }
    }

    /// Goals of two teams: "1-0", or an object of `home` and `away`.
    pub fn score(&mut self, name: &'static str) -> Read<(u8, u8)> {
        let text = match self.value(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(_) => {
                return self.object(name, |m| {
                    let (home, away) = (m.goals("home")?, m.goals("away")?);
                    Ok((m.must("home", home)?, m.must("away", away)?))
                });
            }
        };
        let read = text.split_once('-').and_then(|(home, away)| {
            let goals = |text: &str| text.parse().ok().filter(|goals| *goals <= GOALS_MAX);
            goals(home).zip(goals(away))
        });
        match read {
            Some(score) => Ok(Some(score)),
            None => Err(self.refused("bad_score", name, "is not a score such as \"1-0\"")),
        }
    }

    /// Goals of a team.
    pub fn goals(&mut self, name: &'static str) -> Read<u8> {
        let goals = self.integer(name, 0, i64::from(GOALS_MAX))?;
        Ok(goals.and_then(|goals| u8::try_from(goals).ok()))
    }

    /// A text.
    pub fn text(&mut self, name: &'static str) -> Read<String> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.refused("bad_type", name, "is not a text")),
        }
    }

    /// True or false.
    pub fn truth(&mut self, name: &'static str) -> Read<bool> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(_) => Err(self.refused("bad_type", name, "is neither true nor false")),
        }
    }

    /// A whole number between two, both included.
    pub fn integer(&mut self, name: &'static str, least: i64, most: i64) -> Read<i64> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match value.as_i64() {
            Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => {
                let reason = format!("is not a whole number from {least} to {most}");
                Err(self.refused("bad_number", name, reason))
            }
        }
    }

    /// An id of ours, as a number or as a text of digits: Betfair's door prints some of them as texts.
    pub fn id(&mut self, name: &'static str) -> Read<u64> {
        let id = match self.value(name) {
            None => return Ok(None),
            Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok()
            }
            Some(value) => value.as_u64(),
        };
        match id {
            Some(id) if (1..=i64::MAX as u64).contains(&id) => Ok(Some(id)),
            _ => Err(self.refused("bad_number", name, "is not an id")),
        }
    }

    /// A decimal text of at most two decimals ("12.50"), as hundredths between two, both included.
    pub fn decimal(
        &mut self,
        code: &'static str,
        name: &'static str,
        least: i64,
        most: i64,
    ) -> Read<i64> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let hundredths = value.as_str().and_then(hundredths);
        match hundredths {
            Some(hundredths) if (least..=most).contains(&hundredths) => Ok(Some(hundredths)),
            Some(_) => {
                let reason = format!("is not from {} to {}", in_full(least), in_full(most));
                Err(self.refused(code, name, reason))
            }
            None => {
                let reason = "is not a text of digits with at most two decimals, such as \"12.50\"";
                Err(self.refused(code, name, reason))
            }
        }
    }

    /// A moment (RFC 3339), as milliseconds since 1970.
    pub fn time(&mut self, name: &'static str) -> Read<i64> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let read = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        match read {
            Some(timestamp) => Ok(Some(timestamp.as_millisecond())),
            None => {
                let reason = "is not an RFC 3339 time such as 2026-11-21T15:00:00Z";
                Err(self.refused("bad_time", name, reason))
            }
        }
    }

    /// One of some words.
    pub fn word<T: Copy>(&mut self, name: &'static str, words: &[(&'static str, T)]) -> Read<T> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| value.as_str() == Some(word));
        match found {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let reason = format!("is not one of {}", words.join(", "));
                Err(self.refused("bad_word", name, reason))
            }
        }
    }

    /// An object.
    pub fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Members<'_>) -> Result<T, Problem>,
    ) -> Read<T> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(object)) => {
                let path = format!("{}{name}.", self.path);
                Members::read_object(object, path, read).map(Some)
            }
            Some(_) => Err(self.refused("bad_type", name, "is not an object")),
        }
    }

    /// A list of at most `most` objects.
    pub fn objects<T>(
        &mut self,
        name: &'static str,
        most: usize,
        read: impl Fn(&mut Members<'_>) -> Result<T, Problem>,
    ) -> Read<Vec<T>> {
        let Some(items) = self.items(name, most)? else { return Ok(None) };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Value::Object(object) = item else {
                return Err(self.refused(
                    "bad_type",
                    &format!("{name}[{index}]"),
                    "is not an object",
                ));
            };
            let path = format!("{}{name}[{index}].", self.path);
            list.push(Members::read_object(object, path, &read)?);
        }
        Ok(Some(list))
    }

    /// A list of some of the words, none of them twice.
    pub fn words(&mut self, name: &'static str, words: &[&'static str]) -> Read<Vec<&'static str>> {
        let Some(items) = self.items(name, words.len())? else { return Ok(None) };
        let mut list: Vec<&'static str> = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let found = words.iter().find(|word| item.as_str() == Some(word));
            match found.filter(|word| !list.contains(word)) {
                Some(word) => list.push(word),
                None => {
                    let name = format!("{name}[{index}]");
                    let reason = format!("is not one of {}, once", words.join(", "));
                    return Err(self.refused("bad_word", &name, reason));
                }
            }
        }
        Ok(Some(list))
    }

    /// A list of at most `most` whole numbers from 1.
    pub fn ids(&mut self, name: &'static str, most: usize) -> Read<Vec<u64>> {
        let Some(items) = self.items(name, most)? else { return Ok(None) };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item.as_u64().filter(|id| (1..=i64::MAX as u64).contains(id)) {
                Some(id) => list.push(id),
                None => {
                    let name = format!("{name}[{index}]");
                    return Err(self.refused("bad_number", &name, "is not an id"));
                }
            }
        }
        Ok(Some(list))
    }

    fn items(&mut self, name: &'static str, most: usize) -> Read<&'v [Value]> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Array(items)) if items.len() <= most => Ok(Some(items)),
            Some(Value::Array(_)) => {
                Err(self.refused("too_many", name, format!("has more than {most} items")))
            }
            Some(_) => Err(self.refused("bad_type", name, "is not a list")),
        }
    }

    fn read_object<T>(
        object: &Map<String, Value>,
        path: String,
        read: impl FnOnce(&mut Members<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let mut members = Members { object, path, asked: Vec::new() };
        let it = read(&mut members)?;
        members.refuse_others()?;
        Ok(it)
    }

    fn refuse_others(&self) -> Result<(), Problem> {
        match self.object.keys().find(|name| !self.asked.contains(&name.as_str())) {
            None => Ok(()),
            Some(other) => {
                let known = self.asked.join(", ");
                let reason = if known.is_empty() {
                    "nothing is expected".to_owned()
                } else {
                    format!("known are {known}")
                };
                let shown: String = other.chars().take(64).collect();
                Err(self.refused("unknown_field", &shown, reason))
            }
        }
    }
}

/// Hundredths of a decimal text: a sign, digits, and at most two after a point.
pub fn hundredths(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "00"));
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 2 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let scale = if fraction.len() == 1 { 10 } else { 1 };
    let fraction: i64 = fraction.parse().ok()?;
    let hundredths = whole.checked_mul(100)?.checked_add(fraction * scale)?;
    Some(if negative { -hundredths } else { hundredths })
}

/// Hundredths as a decimal text, always with two decimals.
pub fn in_full(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let magnitude = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
}

/// Characters that make a text look like another one, or like nothing.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    /// `field: reason` of a refused body, where `it` is read by `by`.
    fn check<T: fmt::Debug + PartialEq>(
        body: &str,
        by: impl FnOnce(&mut Members<'_>) -> Read<T>,
        expect: Result<Option<T>, (&str, &str)>,
    ) {
        let read = read(body.as_bytes(), by);
        match expect {
            Ok(value) => assert_eq!(read.as_ref(), Ok(&value), "{body}"),
            Err((code, field)) => {
                let problem = read.unwrap_err();
                assert_eq!(problem.status, StatusCode::BAD_REQUEST);
                assert_eq!((problem.code, problem.field.as_deref()), (code, Some(field)), "{body}");
                assert!(problem.reason.is_some());
            }
        }
    }

    #[test]
    fn amounts_are_texts_of_whole_pence() {
        let amount = |m: &mut Members<'_>| m.decimal("bad_amount", "it", 1, 100_000);
        check(r#"{"it":"12.50"}"#, amount, Ok(Some(1250)));
        check(r#"{"it":"12.5"}"#, amount, Ok(Some(1250)));
        check(r#"{"it":"12"}"#, amount, Ok(Some(1200)));
        check(r#"{"it":null}"#, amount, Ok(None));
        check(r#"{}"#, amount, Ok(None));
        for bad in [
            "12.5",
            "12",
            "\"\"",
            "\".5\"",
            "\"5.\"",
            "\"1.505\"",
            "\"1e3\"",
            "\"1,5\"",
            "\" 1\"",
            "\"+1\"",
            "\"--1\"",
            "\"0\"",
            "\"-1\"",
            "\"1000.01\"",
            "\"NaN\"",
            "\"Infinity\"",
            "true",
            "\"99999999999999999999\"",
            "\"92233720368547758.08\"",
            "[1]",
        ] {
            check(&format!(r#"{{"it":{bad}}}"#), amount, Err(("bad_amount", "it")));
        }
    }

    #[test]
    fn decimals_go_out_as_they_came_in() {
        for text in ["0.00", "0.05", "-0.05", "12.50", "-1000000000.00", "92233720368547758.07"] {
            assert_eq!(in_full(hundredths(text).unwrap()), text);
        }
        assert_eq!(in_full(i64::MIN), "-92233720368547758.08");
    }

    #[test]
    fn nothing_is_coerced_and_nothing_unknown_is_ignored() {
        check(r#"{"it":1}"#, |m| m.text("it"), Err(("bad_type", "it")));
        check(r#"{"it":"true"}"#, |m| m.truth("it"), Err(("bad_type", "it")));
        check(r#"{"it":"1"}"#, |m| m.integer("it", 0, 9), Err(("bad_number", "it")));
        check(r#"{"it":1.0}"#, |m| m.integer("it", 0, 9), Err(("bad_number", "it")));
        check(r#"{"it":10}"#, |m| m.integer("it", 0, 9), Err(("bad_number", "it")));
        check(r#"{"it":"b"}"#, |m| m.word("it", &[("a", 1)]), Err(("bad_word", "it")));
        check(r#"{"it":[1,0]}"#, |m| m.ids("it", 5), Err(("bad_number", "it[1]")));
        check(r#"{"it":[1,2]}"#, |m| m.ids("it", 1), Err(("too_many", "it")));
        check(r#"{"it":"2026-11-21"}"#, |m| m.time("it"), Err(("bad_time", "it")));
        check(r#"{"it":"1970-01-01T01:00:00.5+01:00"}"#, |m| m.time("it"), Ok(Some(500)));
        check(r#"{"it":true,"other":1}"#, |m| m.truth("it"), Err(("unknown_field", "other")));
        check(
            r#"{"list":[{"it":true},{"it":true,"balance":1}]}"#,
            |m| m.objects("list", 9, |m| m.truth("it")),
            Err(("unknown_field", "list[1].balance")),
        );
        check(
            r#"{"list":[{"it":1}]}"#,
            |m| m.objects("list", 9, |m| m.truth("it")),
            Err(("bad_type", "list[0].it")),
        );
    }

    #[test]
    fn a_body_says_that_it_is_json() {
        let good =
            |kind: Option<&str>, body: &str| check_content_type(kind, body.as_bytes()).is_ok();
        assert!(good(Some("application/json"), "{}"));
        assert!(good(Some("Application/JSON; charset=utf-8"), "{}"));
        assert!(good(None, ""));
        for refused in
            [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("")]
        {
            assert!(!good(refused, "{}"), "{refused:?}");
        }
    }

    #[test]
    fn names_cannot_deceive() {
        check(
            r#"{"it":"Nott'm Forest & Co – 1"}"#,
            |m| m.name("it"),
            Ok(Some("Nott'm Forest & Co – 1".into())),
        );
        let long = "x".repeat(MAX_NAME + 1);
        for bad in ["", "a\\u202eb", "a\\u0000b", "\\u200b", "<img onerror>", "a\\nb", &long] {
            check(&format!(r#"{{"it":"{bad}"}}"#), |m| m.name("it"), Err(("bad_name", "it")));
        }
    }

    #[test]
    fn what_is_not_one_object_is_bad_json() {
        let deep = "[".repeat(100_000);
        for body in [
            "[]",
            "7",
            "{",
            "{} x",
            "\u{feff}{}",
            r#"{"it":1e309}"#,
            r#"{"it":1,"it":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"it":"\ud800"}"#,
            "{'it':1}",
            &deep,
        ] {
            let problem = read(body.as_bytes(), |m| m.text("it")).unwrap_err();
            assert_eq!(problem.code, "bad_json", "{body:.40}");
        }
        assert_eq!(read(b"", |m| m.text("it")), Ok(None), "an empty body says nothing");
    }
}
