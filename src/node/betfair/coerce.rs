//! Reading a JSON tree as forgivingly as Betfair does, and saying exactly where it could not be read.
//!
//! Texts that hold numbers are numbers, numbers are texts where an id is meant, `"true"` is true, null and
//! the empty text are absent, unknown members are ignored. A [`Field`] is a place in the tree with the way
//! to it; the way is written out only when a [`Fault`] needs it.

use std::fmt::{self, Write as _};

use super::dates::Date;
use super::decimal::Decimal;
use super::tree::Tree;

/// Why a parameter could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, as `instructions[2].limitOrder.price`.
    pub path: String,
    /// Missing where it is mandatory, or of the wrong kind.
    pub kind: FaultKind,
    /// For people.
    pub reason: String,
}

/// The two answers that Betfair has for a bad parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Mandatory and not there.
    Missing,
    /// Of the wrong type, or no word of its enumeration.
    Unreadable,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// An enumeration of the wire.
pub trait Word: Copy + Sized + 'static {
    /// All of its words, for the fault that lists them.
    const WORDS: &'static [&'static str];

    /// The value of an exact word.
    fn from_word(word: &str) -> Option<Self>;
}

/// A place in a JSON tree: a value or nothing, and the way to it.
#[derive(Debug, Clone, Copy)]
pub struct Field<'p, 'v> {
    value: Option<&'v Tree<'v>>,
    step: Step,
    parent: Option<&'p Field<'p, 'v>>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Member(&'static str),
    Item(usize),
}

/// What a reader gives: a value, nothing, or the fault.
pub type Read<T> = Result<Option<T>, Fault>;

impl<'v> Field<'_, 'v> {
    /// A parameter of a call.
    pub fn parameter(name: &'static str, value: Option<&'v Tree<'v>>) -> Field<'v, 'v> {
        let value = value.filter(|value| !value.is_null());
        Field { value, step: Step::Member(name), parent: None }
    }

    /// A member of this object; absent when this is absent.
    pub fn get<'a>(&'a self, name: &'static str) -> Field<'a, 'v> {
        let value = self.value.and_then(|value| value.get(name)).filter(|value| !value.is_null());
        Field { value, step: Step::Member(name), parent: Some(self) }
    }

    /// Reads what must be there.
    pub fn must<T>(&self, read: impl FnOnce(&Self) -> Read<T>) -> Result<T, Fault> {
        match read(self)? {
            Some(value) => Ok(value),
            None => Err(self.fault(FaultKind::Missing, "is mandatory")),
        }
    }

    /// Reads an object by `read`.
    pub fn object<T>(&self, read: impl FnOnce(&Self) -> Result<T, Fault>) -> Read<T> {
        match self.value {
            None => Ok(None),
            Some(Tree::Object(_)) => read(self).map(Some),
            Some(_) => Err(self.unreadable("is not an object")),
        }
    }

    /// Reads a list, item by item; nulls in it are skipped.
    pub fn list<T>(&self, read: impl Fn(&Field<'_, 'v>) -> Read<T>) -> Read<Vec<T>> {
        let items = match self.value {
            None => return Ok(None),
            Some(Tree::List(items)) => items,
            Some(_) => return Err(self.unreadable("is not a list")),
        };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if !item.is_null() {
                let field =
                    Field { value: Some(item), step: Step::Item(index), parent: Some(self) };
                list.extend(read(&field)?);
            }
        }
        Ok(Some(list))
    }

    /// A text, a number as it is written, or a truth as its word.
    pub fn text(&self) -> Read<String> {
        match self.value {
            None => Ok(None),
            Some(Tree::Text(text)) if text.is_empty() => Ok(None),
            Some(Tree::Text(text)) => Ok(Some(text.clone().into_owned())),
            Some(Tree::Number(number)) => Ok(Some(number.to_string())),
            Some(Tree::Truth(truth)) => Ok(Some(truth.to_string())),
            Some(_) => Err(self.unreadable("is not a text")),
        }
    }

    /// A whole number, also as text and as `10.0`.
    pub fn integer(&self) -> Read<i64> {
        let read = match self.value {
            None => return Ok(None),
            Some(Tree::Text(text)) if text.is_empty() => return Ok(None),
            Some(Tree::Text(text)) => text.trim().parse().ok(),
            Some(Tree::Number(number)) => {
                number.as_i64().or_else(|| match Decimal::from_double(number.as_f64()?)? {
                    Decimal::Fits(hundredths) if hundredths % 100 == 0 => Some(hundredths / 100),
                    _ => None,
                })
            }
            Some(_) => None,
        };
        read.map(Some).ok_or_else(|| self.unreadable("is not a whole number"))
    }

    /// A whole number of at least zero that fits 32 bits.
    pub fn count(&self) -> Read<u32> {
        match self.integer()? {
            None => Ok(None),
            Some(number) => u32::try_from(number)
                .map(Some)
                .map_err(|_| self.unreadable("is not a count of at least 0")),
        }
    }

    /// True or false, also as a word or a number.
    pub fn truth(&self) -> Read<bool> {
        let read = match self.value {
            None => return Ok(None),
            Some(Tree::Text(text)) if text.is_empty() => return Ok(None),
            Some(Tree::Text(text)) => match text.trim() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            Some(Tree::Truth(truth)) => Some(*truth),
            Some(Tree::Number(number)) => number.as_i64().map(|number| number != 0),
            Some(_) => None,
        };
        read.map(Some).ok_or_else(|| self.unreadable("is neither true nor false"))
    }

    /// Pounds; whether they are whole pence is for the exchange to say.
    pub fn money(&self) -> Read<Decimal> {
        self.decimal()
    }

    /// A price; whether it is on the ladder is for the exchange to say.
    pub fn price(&self) -> Read<Decimal> {
        self.decimal()
    }

    /// A number, also as text.
    pub fn decimal(&self) -> Read<Decimal> {
        let read = match self.value {
            None => return Ok(None),
            Some(Tree::Text(text)) if text.is_empty() => return Ok(None),
            Some(Tree::Text(text)) => Decimal::from_text(text.trim()),
            Some(Tree::Number(number)) => number.as_f64().and_then(Decimal::from_double),
            Some(_) => None,
        };
        read.map(Some).ok_or_else(|| self.unreadable("is not a number"))
    }

    /// A date, see [`Date::from_text`]; a number is milliseconds since 1970.
    pub fn date(&self) -> Read<Date> {
        let read = match self.value {
            None => return Ok(None),
            Some(Tree::Text(text)) if text.is_empty() => return Ok(None),
            Some(Tree::Text(text)) => Date::from_text(text),
            Some(Tree::Number(number)) => number.as_i64().and_then(Date::from_millis),
            Some(_) => None,
        };
        read.map(Some).ok_or_else(|| self.unreadable("is not a date such as 2026-11-21T15:00:00Z"))
    }

    /// A word of an enumeration.
    pub fn word<T: Word>(&self) -> Read<T> {
        let read = match self.value {
            None => return Ok(None),
            Some(Tree::Text(text)) if text.is_empty() => return Ok(None),
            Some(Tree::Text(text)) => T::from_word(text),
            Some(_) => None,
        };
        read.map(Some)
            .ok_or_else(|| self.unreadable(&format!("is not one of {}", T::WORDS.join(", "))))
    }

    /// A list of texts.
    pub fn texts(&self) -> Read<Vec<String>> {
        self.list(|item| item.text())
    }

    /// A list of words.
    pub fn words<T: Word>(&self) -> Read<Vec<T>> {
        self.list(|item| item.word())
    }

    fn unreadable(&self, reason: &str) -> Fault {
        self.fault(FaultKind::Unreadable, reason)
    }

    fn fault(&self, kind: FaultKind, reason: &str) -> Fault {
        let mut path = String::new();
        self.write_path(&mut path);
        Fault { path, kind, reason: reason.to_owned() }
    }

    fn write_path(&self, path: &mut String) {
        if let Some(parent) = self.parent {
            parent.write_path(path);
        }
        match self.step {
            Step::Member(name) if path.is_empty() => path.push_str(name),
            Step::Member(name) => {
                let _ = write!(path, ".{name}");
            }
            Step::Item(index) => {
                let _ = write!(path, "[{index}]");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::words::Side;
    use super::*;

    fn check<T: std::fmt::Debug + PartialEq>(
        value: Value,
        read: impl Fn(&Field<'_, '_>) -> Read<T>,
        expect: Result<Option<T>, &str>,
    ) {
        let tree = Tree::from(&value);
        let field = Field::parameter("it", Some(&tree));
        let read = read(&field).map_err(|fault| fault.to_string());
        assert_eq!(read, expect.map_err(str::to_owned), "{value}");
    }

    #[test]
    fn numbers_truths_and_texts_stand_for_each_other() {
        check(json!("10"), |f| f.integer(), Ok(Some(10)));
        check(json!(10.0), |f| f.integer(), Ok(Some(10)));
        check(json!(10.5), |f| f.integer(), Err("it: is not a whole number"));
        check(json!("x"), |f| f.integer(), Err("it: is not a whole number"));
        check(json!(-1), |f| f.count(), Err("it: is not a count of at least 0"));
        check(json!(1), |f| f.text(), Ok(Some("1".to_owned())));
        check(json!({}), |f| f.text(), Err("it: is not a text"));
        check(json!("true"), |f| f.truth(), Ok(Some(true)));
        check(json!(0), |f| f.truth(), Ok(Some(false)));
        check(json!("yes"), |f| f.truth(), Err("it: is neither true nor false"));
        check(json!("2.02"), |f| f.price(), Ok(Some(Decimal::Fits(202))));
        check(json!(2.02), |f| f.price(), Ok(Some(Decimal::Fits(202))));
        check(json!("NaN"), |f| f.money(), Err("it: is not a number"));
        check(json!([1]), |f| f.money(), Err("it: is not a number"));
        check(json!("BACK"), |f| f.word(), Ok(Some(Side::Back)));
        check(json!("back"), |f| f.word::<Side>(), Err("it: is not one of BACK, LAY"));
        check(json!(0), |f| f.date(), Ok(Some(Date(0))));
        check(json!("soon"), |f| f.date(), Err("it: is not a date such as 2026-11-21T15:00:00Z"));
        check(json!([1, null, "2"]), |f| f.texts(), Ok(Some(vec!["1".into(), "2".into()])));
        check(json!("1"), |f| f.texts(), Err("it: is not a list"));
        check(json!(7), |f| f.object(|_| Ok(())), Err("it: is not an object"));
    }

    #[test]
    fn null_and_the_empty_text_are_absent() {
        for nothing in [json!(null), json!("")] {
            check(nothing.clone(), |f| f.text(), Ok(None));
            check(nothing.clone(), |f| f.integer(), Ok(None));
            check(nothing.clone(), |f| f.decimal(), Ok(None));
            check(nothing.clone(), |f| f.truth(), Ok(None));
            check(nothing.clone(), |f| f.date(), Ok(None));
            check(nothing.clone(), |f| f.word::<Side>(), Ok(None));
        }
    }

    #[test]
    fn a_fault_names_the_way() {
        let value = json!([{"limitOrder": {"price": "2"}}, {"limitOrder": {"price": "two"}}]);
        let tree = Tree::from(&value);
        let field = Field::parameter("instructions", Some(&tree));
        let fault = field.list(|item| item.get("limitOrder").get("price").price()).unwrap_err();
        assert_eq!(fault.path, "instructions[1].limitOrder.price");
        let fault = field.list(|item| item.get("side").must(|f| f.word::<Side>()).map(Some));
        let fault = fault.unwrap_err();
        assert_eq!((fault.path.as_str(), fault.kind), ("instructions[0].side", FaultKind::Missing));
    }
}
