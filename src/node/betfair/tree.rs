//! A JSON body as a tree that borrows its texts.
//!
//! Owns nothing but the shape. It is what `serde_json::Value` would be if it borrowed names and texts from
//! the body and kept members in a list: reading 200 orders is the hottest thing this door does, and names
//! are two thirds of their bytes.
//!
//! Bounds   [`MAX_NODES`] values in one body. Small values take many times their bytes in memory, so a
//!          megabyte of `[[0],[0],…]` is refused while it is read.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;

/// Values in one body; 200 orders of a real client are 3,500.
pub const MAX_NODES: usize = 50_000;

/// One JSON value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Tree<'b> {
    /// null
    #[default]
    Null,
    /// true or false
    Truth(bool),
    /// Finite.
    Number(Number),
    /// Borrowed, unless it had escapes.
    Text(Cow<'b, str>),
    /// In order.
    List(Vec<Tree<'b>>),
    /// In order; of two members of one name the later counts.
    Object(Vec<(Cow<'b, str>, Tree<'b>)>),
}

impl<'b> Tree<'b> {
    /// Reads a whole body; `None` when it is not JSON, too deep or of too many values.
    pub fn read(body: &'b [u8]) -> Option<Tree<'b>> {
        let nodes_left = Cell::new(MAX_NODES);
        let mut json = serde_json::Deserializer::from_slice(body);
        let tree = Seed(&nodes_left).deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(tree)
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Tree<'b>> {
        match self {
            Tree::Object(members) => {
                let found = members.iter().rev().find(|(known, _)| known == name);
                found.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        *self == Tree::Null
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Null => serializer.serialize_unit(),
            Tree::Truth(truth) => serializer.serialize_bool(*truth),
            Tree::Number(number) => number.serialize(serializer),
            Tree::Text(text) => serializer.serialize_str(text),
            Tree::List(items) => serializer.collect_seq(items),
            Tree::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

/// Reads one value while there are some left.
#[derive(Clone, Copy)]
struct Seed<'c>(&'c Cell<usize>);

impl<'b> DeserializeSeed<'b> for Seed<'_> {
    type Value = Tree<'b>;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Tree<'b>, D::Error> {
        let left =
            self.0.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.0.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'b> Visitor<'b> for Seed<'_> {
    type Value = Tree<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree<'b>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Tree<'b>, E> {
        Ok(Tree::Truth(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree<'b>, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree<'b>, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree<'b>, E> {
        Number::from_f64(number).map(Tree::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'b str) -> Result<Tree<'b>, E> {
        Ok(Tree::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree<'b>, E> {
        Ok(Tree::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut items: A) -> Result<Tree<'b>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'b>>(self, mut members: A) -> Result<Tree<'b>, A::Error> {
        let mut object = Vec::new();
        while let Some(name) = members.next_key_seed(Name)? {
            object.push((name, members.next_value_seed(self)?));
        }
        Ok(Tree::Object(object))
    }
}

/// Reads the name of a member.
struct Name;

impl<'b> DeserializeSeed<'b> for Name {
    type Value = Cow<'b, str>;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Cow<'b, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'b> Visitor<'b> for Name {
    type Value = Cow<'b, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'b str) -> Result<Cow<'b, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'b, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// So that tests can write trees by `json!`.
#[cfg(test)]
impl<'v> From<&'v serde_json::Value> for Tree<'v> {
    fn from(value: &'v serde_json::Value) -> Tree<'v> {
        use serde_json::Value;
        match value {
            Value::Null => Tree::Null,
            Value::Bool(truth) => Tree::Truth(*truth),
            Value::Number(number) => Tree::Number(number.clone()),
            Value::String(text) => Tree::Text(Cow::Borrowed(text)),
            Value::Array(items) => Tree::List(items.iter().map(Tree::from).collect()),
            Value::Object(members) => {
                let member = |(name, value): (&'v String, &'v Value)| {
                    (Cow::Borrowed(name.as_str()), Tree::from(value))
                };
                Tree::Object(members.iter().map(member).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_tree_is_what_the_body_says() {
        let body = r#"{"a":[1,-2,2.5,true,null,"x\n\u00e9"],"b":{"é":{}},"a\"b":[]}"#;
        let tree = Tree::read(body.as_bytes()).unwrap();
        let value: Value = serde_json::from_str(body).unwrap();
        assert_eq!(serde_json::to_value(&tree).unwrap(), value);
        assert_eq!(tree.get("b").unwrap().get("é"), Some(&Tree::Object(vec![])));
        assert_eq!(tree.get("c"), None);
        assert_eq!(Tree::read(b"[]").unwrap().get("a"), None);
        let twice = Tree::read(br#"{"a":1,"a":2}"#).unwrap();
        assert_eq!(twice.get("a"), Some(&Tree::Number(2.into())), "the later one counts");
    }

    #[test]
    fn a_body_of_too_many_values_is_refused() {
        let of = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
        assert!(Tree::read(of(MAX_NODES).as_bytes()).is_some());
        assert!(Tree::read(of(MAX_NODES + 1).as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let read = Tree::read(&body).is_some();
            prop_assert_eq!(read, serde_json::from_slice::<Value>(&body).is_ok());
        }

        #[test]
        fn nothing_near_json_makes_it_panic(body in r#"[\[\]{}",:0-9eE.+\\a u\-]{0,60}"#) {
            let read = Tree::read(body.as_bytes()).is_some();
            prop_assert_eq!(read, serde_json::from_str::<Value>(&body).is_ok());
        }
    }
}
