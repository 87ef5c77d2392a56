//! Records and states as bytes: MessagePack arrays behind one byte of version.
//!
//! Kinds are the short names of the variants (`#[serde(rename)]` in `domain::record`), never reused.
//! Arrays are positional, so a field is never moved or removed, and only a last one may be left out where it
//! says nothing: what changes a shape otherwise raises the version, and [`decode`](Entry::decode) keeps
//! reading every older one. An unknown version refuses the log. The golden log in `tests/golden` is replayed
//! in CI to hold this.

use crate::checkpoint::Compact;
use crate::entry::{CodecError, Entry, Fold, Offset};
use domain::account::Account;
use domain::football::almanac::{Almanac, Stirred};
use domain::home::Home;
use domain::ids::EntityId;
use domain::market::Market;
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
        rmp_serde::encode::write(out, &body)
            .expect("a record has no map with keys that cannot be written");
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
    rmp_serde::encode::write(&mut out, state)
        .expect("a state has no map with keys that cannot be written");
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

/// Folds entities outside any actor, for checkpoints: the same `apply`, so the bytes are those that the
/// actor itself would snapshot. A state is kept with the number of records it rests on.
#[derive(Debug, Clone, Copy, Default)]
pub struct EntityCompact;

impl Compact<Record> for EntityCompact {
    fn compact(
        &self,
        key: EntityId,
        state: Option<&[u8]>,
        records: &[(Offset, Record)],
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let bytes = match key {
            EntityId::Home => fold::<Home>(state, records, |home, record| match &record.event {
                Event::Home(event) => {
                    home.apply(record.at, event);
                    drop(home.take_outgoing());
                    true
                }
                _ => false,
            }),
            EntityId::Football => {
                fold::<Almanac>(state, records, |almanac, record| match &record.event {
                    Event::Football(event) => {
                        almanac.apply(record.at, event, &mut Stirred::default());
                        true
                    }
                    _ => false,
                })
            }
            EntityId::Account(_) => {
                fold::<Account>(state, records, |account, record| match &record.event {
                    Event::Account(event) => {
                        account.apply(record.at, event);
                        drop(account.take_outgoing());
                        true
                    }
                    _ => false,
                })
            }
            EntityId::Market(_) => {
                fold::<Market>(state, records, |market, record| match &record.event {
                    Event::Market(event) => {
                        market.apply(record.at, event);
                        market.send_outgoing(|_| {});
                        true
                    }
                    _ => false,
                })
            }
        };
        bytes.map(Some)
    }
}

fn fold<S: Default + Serialize + DeserializeOwned>(
    state: Option<&[u8]>,
    records: &[(Offset, Record)],
    apply: impl Fn(&mut S, &Record) -> bool,
) -> Result<Vec<u8>, CodecError> {
    let (mut seq, mut state) = match state {
        Some(bytes) => decode_state::<(u64, S)>(bytes)?,
        None => (0, S::default()),
    };
    for (offset, record) in records {
        if record.seq != seq + 1 || !apply(&mut state, record) {
            let why = format!(
                "{}: record {} does not follow {seq} at {offset}",
                record.entity, record.seq
            );
            return Err(CodecError(why));
        }
        seq = record.seq;
    }
    Ok(encode_state(&(seq, state)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::error::OpenError;
    use crate::frame::push_record;
    use crate::journal::contract::Remembered;
    use crate::journal::{Batch, Engine};
    use crate::sim_disk::SimDisk;
    use crate::verify::verify_on;
    use crate::{FileEngine, FileOptions};
    use domain::act::ActError;
    use domain::definition::{BetDelayModel, MarketDefinition, MarketStatus};
    use domain::ids::{MarketId, Runner, SelectionId};
    use domain::record::MarketEvent;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    fn record() -> Record {
        let event = MarketEvent::ActRefused { n: 1, error: ActError::NoSuchMarket };
        let entity = EntityId::Market(MarketId(7));
        Record { entity, seq: 1, at: UtcMillis(5), wake: None, event: Event::Market(event) }
    }

    #[test]
    fn a_record_reads_back_as_it_was_written_and_another_version_does_not() {
        let mut bytes = Vec::new();
        record().encode(&mut bytes);
        assert_eq!(Record::decode(&bytes).unwrap(), record());
        bytes[0] = VERSION + 1;
        let error = Record::decode(&bytes).unwrap_err();
        assert_eq!(error.to_string(), CodecError("unknown version 2".into()).to_string());
        assert!(Record::decode(&[]).is_err());
        assert!(decode_state::<(u64, Market)>(&[VERSION + 1]).is_err());
    }

    #[test]
    fn a_definition_reads_back_whatever_it_leaves_out() {
        let race_types = [None, Some("Flat".to_owned())];
        let models: [BTreeSet<BetDelayModel>; 2] =
            [BTreeSet::new(), BetDelayModel::ALL.into_iter().collect()];
        for (race_type, bet_delay_models) in
            race_types.iter().flat_map(|kind| models.iter().map(move |models| (kind, models)))
        {
            let definition = Box::new(MarketDefinition {
                race_type: race_type.clone(),
                bet_delay_models: bet_delay_models.clone(),
                ..MarketDefinition::plain(MarketId(7), [Runner::plain(SelectionId(1))])
            });
            let status = MarketStatus::Open;
            let event = Event::Market(MarketEvent::Created { n: 1, definition, status });
            let mut bytes = Vec::new();
            let written = Record { event, ..record() };
            written.encode(&mut bytes);
            assert_eq!(Record::decode(&bytes).unwrap(), written);
        }
    }

    /// A log that a later program wrote: it is good, and this program must not touch it.
    #[test]
    fn a_log_with_a_record_of_another_version_is_refused() {
        for version in [VERSION, VERSION + 1] {
            let disk = SimDisk::new();
            let options = FileOptions {
                segment_bytes: 64 << 10,
                background: false,
                ..FileOptions::default()
            };
            let engine = FileEngine::new(Arc::new(disk.clone()), options);
            let mut journal = engine.acquire(&mut Remembered::default()).unwrap();
            let mut body = Vec::new();
            push_record(&mut body, |out| {
                record().encode(out);
                out[4] = version;
            });
            let batch = Batch { first: Offset::new(1), records: 1, body: &body };
            journal.append(batch).unwrap();
            journal.release().unwrap();
            let names = disk.list().unwrap();
            let read = verify_on::<Record, PartitionFold>(&disk, |_| {});
            match (version == VERSION, read) {
                (true, Ok(report)) => assert_eq!(report.log.records, 1),
                (false, Err(OpenError::Damage(damage))) => {
                    assert!(names.contains(&damage.file), "{damage:?}");
                    assert!(damage.why.contains("unknown version 2"), "{damage:?}");
                }
                (_, other) => panic!("version {version}: {:?}", other.map(|read| read.log)),
            }
        }
    }
}
