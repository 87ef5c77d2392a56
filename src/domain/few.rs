//! A list that mostly holds one thing: most commands carry one order, and most answers one line.
//!
//! The one stands where the list stands, so a bet goes from its door to the disk and back without an
//! allocation for each list that it passes through. To everybody else it is a slice; encoded, it is a sequence
//! like any other. Never empty-handed about order: what went in first comes out first.

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::{iter, option, slice, vec};

#[derive(Clone)]
pub enum Few<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    /// An allocation only when there is not exactly one item.
    #[inline]
    pub fn each<A>(items: &[A], mut what: impl FnMut(&A) -> T) -> Self {
        match items {
            [one] => Few::One(what(one)),
            _ => Few::Many(items.iter().map(what).collect()),
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few::Many(Vec::new())
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Few::One(one) => slice::from_ref(one),
            Few::Many(many) => many,
        }
    }
}

impl<T> DerefMut for Few<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Few::One(one) => slice::from_mut(one),
            Few::Many(many) => many,
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(mut many: Vec<T>) -> Self {
        match (many.len(), many.pop()) {
            (1, Some(one)) => Few::One(one),
            (_, last) => {
                many.extend(last);
                Few::Many(many)
            }
        }
    }
}

impl<T, const N: usize> From<[T; N]> for Few<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T> FromIterator<T> for Few<T> {
    #[inline]
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items = items.into_iter();
        match (items.next(), items.next()) {
            (Some(first), None) => Few::One(first),
            (first, second) => {
                let mut many = Vec::with_capacity(items.size_hint().0 + 2);
                many.extend(first);
                many.extend(second);
                many.extend(items);
                Few::Many(many)
            }
        }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = iter::Chain<option::IntoIter<T>, vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self {
            Few::One(one) => (Some(one), Vec::new()),
            Few::Many(many) => (None, many),
        };
        one.into_iter().chain(many)
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// However it is kept.
impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: fmt::Debug> fmt::Debug for Few<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: Serialize> Serialize for Few<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

/// At most so many items are believed to come before they are seen.
const EXPECTED_MAX: usize = 4_096;

struct Items<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
    type Value = Few<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Few<T>, A::Error> {
        let Some(first) = items.next_element()? else { return Ok(Few::default()) };
        let Some(second) = items.next_element()? else { return Ok(Few::One(first)) };
        let more = items.size_hint().unwrap_or_default().min(EXPECTED_MAX);
        let mut many = Vec::with_capacity(more + 2);
        many.push(first);
        many.push(second);
        while let Some(item) = items.next_element()? {
            many.push(item);
        }
        Ok(Few::Many(many))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order_and_one_takes_no_allocation() {
        for items in [vec![], vec![1], vec![1, 2], vec![1, 2, 3]] {
            let few: Few<i32> = items.iter().copied().collect();
            assert_eq!(matches!(few, Few::One(_)), items.len() == 1);
            assert_eq!(*few, items);
            assert_eq!(few, Few::from(items.clone()));
            assert_eq!(few, Few::each(&items, |item| *item));
            assert_eq!(few.into_iter().collect::<Vec<_>>(), items);
        }
    }
}
