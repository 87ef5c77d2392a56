//! Records and states as bytes: MessagePack arrays behind one byte of version.
//!
//! Kinds are the short names of the variants (`#[serde(rename)]` in `domain::record`), never reused.
//! Arrays are positional, so a field is never moved or removed: what changes a shape raises the version,
//! and [`decode`](Entry::decode) keeps reading every older one. An unknown version refuses the log. The
//! golden log in `tests/golden` is replayed in CI to hold this.

use crate::entry::{CodecError, Entry, Fold, Offset};
use domain::ids::EntityId;
use domain::partition::PartitionFold;
use domain::record::{Event, Record};
use domain::time::UtcMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The shape that this program writes.
const VERSION: u8 = 1;

impl Entry for Record {
    type Key = EntityId;

    fn key(&self) -> EntityId {
        self.entity
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        let body = (self.entity, self.seq, self.at, self.wake, &self.event);
        rmp_serde::encode::write(out, &body).expect("a record has no map with keys that cannot be written");
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let body: (EntityId, u64, UtcMillis, Option<UtcMillis>, Event) = versioned(bytes)?;
        let (entity, seq, at, wake, event) = body;
        Ok(Record { entity, seq, at, wake, event })
    }
}

impl Fold<Record> for PartitionFold {
    fn apply(&mut self, _: Offset, record: &Record) {
        PartitionFold::apply(self, record);
    }
}

/// An entity's state as a snapshot keeps it.
pub fn encode_state<S: Serialize>(state: &S) -> Vec<u8> {
    let mut out = vec![VERSION];
    rmp_serde::encode::write(&mut out, state).expect("a state has no map with keys that cannot be written");
    out
}

pub fn decode_state<S: DeserializeOwned>(bytes: &[u8]) -> Result<S, CodecError> {
    versioned(bytes)
}

/// A state's fingerprint: two nodes, or a live actor and its replay, compare this.
pub fn state_hash<S: Serialize>(state: &S) -> String {
    blake3::hash(&encode_state(state)).to_hex()[..32].to_string()
}

fn versioned<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => {
            rmp_serde::from_slice(body).map_err(|error| CodecError(error.to_string()))
        }
        Some((version, _)) => Err(CodecError(format!("unknown version {version}"))),
        None => Err(CodecError("empty".into())),
    }
}
