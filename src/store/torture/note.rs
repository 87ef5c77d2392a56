//! The smallest record there is: who, and a number.

use crate::checkpoint::Compact;
use crate::entry::{CodecError, Entry, Fold, Offset};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) who: u32,
    pub(crate) number: u64,
    /// Makes records of different sizes.
    pub(crate) padding: u32,
}

impl Note {
    pub(crate) fn new(who: u32, number: u64) -> Self {
        Note { who, number, padding: 0 }
    }

    pub(crate) fn padded(who: u32, number: u64, padding: u32) -> Self {
        Note { who, number, padding }
    }
}

impl Entry for Note {
    type Key = u32;

    fn key(&self) -> u32 {
        self.who
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.who.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.resize(out.len() + self.padding as usize, 0xAB);
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let wrong = || CodecError("a note is at least 12 bytes".into());
        let (who, rest) = bytes.split_first_chunk().ok_or_else(wrong)?;
        let (number, rest) = rest.split_first_chunk().ok_or_else(wrong)?;
        let (who, number) = (u32::from_le_bytes(*who), u64::from_le_bytes(*number));
        Ok(Note { who, number, padding: rest.len() as u32 })
    }
}

/// Sums everything up, so that a record applied twice or not at all shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) count: u64,
    pub(crate) total: u64,
    pub(crate) last: Offset,
}

impl Fold<Note> for Sum {
    fn apply(&mut self, offset: Offset, note: &Note) {
        assert_eq!(offset, self.last.next(), "a fold sees every record once, in order");
        self.last = offset;
        self.count += 1;
        self.total = self.total.wrapping_mul(31).wrapping_add(note.number);
    }
}

/// An entity's state in these tests: every number it ever noted, in order. Nothing lost or doubled
/// goes unseen.
pub(crate) fn encode_numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

pub(crate) fn decode_numbers(state: &[u8]) -> Vec<u64> {
    assert_eq!(state.len() % 8, 0);
    state.chunks(8).map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap())).collect()
}

pub(crate) struct Numbers;

impl Compact<Note> for Numbers {
    fn compact(
        &self,
        key: u32,
        state: Option<&[u8]>,
        records: &[(Offset, Note)],
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let mut numbers = state.map_or(Vec::new(), decode_numbers);
        assert!(records.iter().all(|(_, note)| note.who == key));
        numbers.extend(records.iter().map(|(_, note)| note.number));
        // An entity that closed needs no state.
        let closed = numbers.last() == Some(&CLOSED);
        Ok(if closed { None } else { Some(encode_numbers(&numbers)) })
    }
}

/// The number that ends an entity.
pub(crate) const CLOSED: u64 = u64::MAX;
