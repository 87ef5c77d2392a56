//! The smallest record there is: who, and a number.

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
