//! Checkpoints: the state of every entity and the fold, in the journal's own format, so that old
//! segments may go.
//!
//! Owns the meaning of a checkpoint's items and the making of the next one: the last checkpoint
//! plus the sealed segments behind it, folded through the caller's [`Compact`]. Runs on a thread of
//! its own, reads only what is durable and sealed. Never drops a segment: the writer does, after
//! the checkpoint was written, synced and read back.
//!
//! An item is a tag (0 the fold, 1 a state), the key (u16 length, MessagePack; empty for the fold),
//! part number and count of parts (u32 each), and the part's bytes; parts keep one read small.

use crate::entry::{CodecError, Entry, Fold, Offset};
use crate::error::ReadError;
use crate::frame;
use crate::journal::{ItemAt, Reader};
use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::sync::Arc;

/// Folds an entity's records into its state, outside any actor: the same fold as `apply`, so a
/// checkpoint's state and a snapshot's are the same bytes.
pub trait Compact<R: Entry>: Send + Sync + 'static {
    /// `state` is what an earlier call returned, `None` at first; `records` come after it, in
    /// order. `None`: nothing need be kept, the entity starts empty.
    fn compact(
        &self,
        key: R::Key,
        state: Option<&[u8]>,
        records: &[(Offset, R)],
    ) -> Result<Option<Vec<u8>>, CodecError>;
}

const PART_BYTES: usize = 96 << 10;
/// Records are held back so long to be folded together; a bound on memory.
const HELD_RECORDS_MAX: usize = 200_000;
const FOLD: u8 = 0;
const STATE: u8 = 1;

/// Where each key's state stands in the checkpoint in force.
#[derive(Clone, Debug)]
pub struct CheckpointIndex<K> {
    pub(crate) through: Offset,
    places: HashMap<K, Vec<ItemAt>>,
}

impl<K> Default for CheckpointIndex<K> {
    fn default() -> Self {
        CheckpointIndex { through: Offset::ZERO, places: HashMap::new() }
    }
}

impl<K: Copy + Eq + std::hash::Hash + serde::de::DeserializeOwned> CheckpointIndex<K> {
    /// Takes note of an item; returns the fold's bytes when it is part of the fold.
    pub(crate) fn note<'a>(
        &mut self,
        through: Offset,
        at: ItemAt,
        item: &'a [u8],
    ) -> Result<Option<&'a [u8]>, CodecError> {
        self.through = through;
        let item = Item::<K>::parse(item)?;
        match item.key {
            None => Ok(Some(item.bytes)),
            Some(key) => {
                let places = self.places.entry(key).or_default();
                if places.len() as u32 != item.part {
                    return Err(CodecError("parts of a state are out of order".into()));
                }
                places.push(at);
                Ok(None)
            }
        }
    }

    /// The state of a key, put together from its parts.
    pub(crate) fn read(&self, reader: &dyn Reader, key: K) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(places) = self.places.get(&key) else { return Ok(None) };
        let mut state = Vec::new();
        for &at in places {
            let item = reader.checkpoint_item(self.through, at)?;
            let item = Item::<K>::parse(&item).map_err(std::io::Error::other)?;
            state.extend_from_slice(item.bytes);
        }
        Ok(Some(state))
    }

    pub fn keys(&self) -> impl Iterator<Item = K> + '_ {
        self.places.keys().copied()
    }
}

struct Item<'a, K> {
    /// `None` for the fold.
    key: Option<K>,
    part: u32,
    bytes: &'a [u8],
}

impl<'a, K: serde::de::DeserializeOwned> Item<'a, K> {
    fn parse(item: &'a [u8]) -> Result<Self, CodecError> {
        let wrong = || CodecError("an item of a checkpoint cannot be read".into());
        let (&tag, rest) = item.split_first().ok_or_else(wrong)?;
        let (length, rest) = rest.split_first_chunk().ok_or_else(wrong)?;
        let (key, rest) =
            rest.split_at_checked(u16::from_le_bytes(*length).into()).ok_or_else(wrong)?;
        let (part, rest) = rest.split_first_chunk().ok_or_else(wrong)?;
        let (_parts, bytes) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        let key = match tag {
            FOLD => None,
            STATE => Some(rmp_serde::from_slice(key).map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        Ok(Item { key, part: u32::from_le_bytes(*part), bytes })
    }
}

/// One state (or the fold) cut into items; even an empty one has a part.
fn items(tag: u8, key: &[u8], bytes: &[u8]) -> Vec<Vec<u8>> {
    let parts = bytes.len().div_ceil(PART_BYTES).max(1);
    (0..parts)
        .map(|part| {
            let from = part * PART_BYTES;
            let chunk = &bytes[from..bytes.len().min(from + PART_BYTES)];
            let mut item = Vec::with_capacity(chunk.len() + key.len() + 11);
            item.push(tag);
            item.extend_from_slice(&(key.len() as u16).to_le_bytes());
            item.extend_from_slice(key);
            item.extend_from_slice(&(part as u32).to_le_bytes());
            item.extend_from_slice(&(parts as u32).to_le_bytes());
            item.extend_from_slice(chunk);
            item
        })
        .collect()
}

/// Everything a checkpoint holds, in memory.
pub(crate) struct Contents<R: Entry, F> {
    pub(crate) fold: F,
    pub(crate) states: BTreeMap<R::Key, Vec<u8>>,
}

/// Reads the checkpoint in force; empty without one.
pub(crate) fn load<R: Entry, F: Fold<R>>(reader: &dyn Reader) -> Result<Contents<R, F>, ReadError> {
    let mut states: BTreeMap<R::Key, Vec<u8>> = BTreeMap::new();
    let mut fold_bytes = Vec::new();
    let through = reader.checkpoint();
    if through == Offset::ZERO {
        return Ok(Contents { fold: F::default(), states });
    }
    reader.checkpoint_items(through, &mut |_, item| {
        let item = Item::<R::Key>::parse(item)?;
        match item.key {
            None => fold_bytes.extend_from_slice(item.bytes),
            Some(key) => states.entry(key).or_default().extend_from_slice(item.bytes),
        }
        Ok(())
    })?;
    let fold = decode_fold(&fold_bytes).map_err(std::io::Error::other)?;
    Ok(Contents { fold, states })
}

pub(crate) fn decode_fold<R: Entry, F: Fold<R>>(bytes: &[u8]) -> Result<F, CodecError> {
    rmp_serde::from_slice(bytes).map_err(|error| CodecError(format!("the fold: {error}")))
}

/// A body so large is decoded by two threads at once: that takes longer than to start one.
const SHARED_BYTES: usize = 128 << 10;

/// Calls `visit` for every record of a body, in order, and refuses one that does not hold what its
/// header says.
pub(crate) fn decode_body<R: Entry>(
    first: Offset,
    records: u32,
    body: &[u8],
    mut visit: impl FnMut(Offset, R) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    let mut walk = frame::records(body);
    let mut offsets = std::iter::successors(Some(first), |offset| Some(offset.next()));
    let mut encoded = Vec::with_capacity(records as usize);
    encoded.extend(offsets.by_ref().zip(walk.by_ref()));
    if !walk.is_whole() || encoded.len() != records as usize {
        return Err(CodecError("the body does not hold the records that its header says".into()));
    }
    if body.len() < SHARED_BYTES {
        return encoded.into_iter().try_for_each(|record| visit(record.0, decode::<R>(record)?));
    }
    let half = encoded.partition_point(|(_, record)| {
        (record.as_ptr() as usize - body.as_ptr() as usize) < body.len() / 2
    });
    let (near, far) = encoded.split_at(half);
    std::thread::scope(|scope| {
        let far_decoded = scope.spawn(|| far.iter().copied().map(decode::<R>).collect::<Vec<_>>());
        near.iter().try_for_each(|record| visit(record.0, decode::<R>(*record)?))?;
        let far_decoded = far_decoded.join().unwrap_or_else(|panic| resume_unwind(panic));
        far.iter().zip(far_decoded).try_for_each(|(record, decoded)| visit(record.0, decoded?))
    })
}

fn decode<R: Entry>((offset, record): (Offset, &[u8])) -> Result<R, CodecError> {
    R::decode(record).map_err(|error| CodecError(format!("record {offset}: {}", error.0)))
}

/// Makes the next checkpoint; `None` when nothing was sealed since the last one. Gives up with an
/// error soon after `cancelled` says so: the next owner waits for it.
pub fn make<R: Entry, F: Fold<R>>(
    reader: &dyn Reader,
    compact: &dyn Compact<R>,
    cancelled: &dyn Fn() -> bool,
) -> Result<Option<Arc<CheckpointIndex<R::Key>>>, ReadError> {
    let go_on = || match cancelled() {
        true => Err(CodecError("the checkpoint was given up, its owner is gone".into())),
        false => Ok(()),
    };
    let (after, through) = (reader.checkpoint(), reader.sealed());
    if through <= after {
        return Ok(None);
    }
    let Contents { mut fold, mut states } = load::<R, F>(reader)?;
    let mut held: HashMap<R::Key, Vec<(Offset, R)>> = HashMap::new();
    let mut held_records = 0;
    reader.scan(after, through, &mut |stored| {
        go_on()?;
        decode_body::<R>(stored.first, stored.records, stored.body, |offset, record| {
            fold.apply(offset, &record);
            held.entry(record.key()).or_default().push((offset, record));
            held_records += 1;
            Ok(())
        })?;
        if held_records >= HELD_RECORDS_MAX {
            held_records = 0;
            compact_into(&mut states, &mut held, compact)?;
        }
        Ok(())
    })?;
    compact_into(&mut states, &mut held, compact).map_err(std::io::Error::other)?;
    let fold_bytes = rmp_serde::to_vec(&fold).map_err(std::io::Error::other)?;
    let mut contents =
        items(FOLD, &[], &fold_bytes).into_iter().chain(states.iter().flat_map(|(key, state)| {
            let key =
                rmp_serde::to_vec(key).expect("a key is a plain value and has a MessagePack form");
            items(STATE, &key, state)
        }));
    let mut index = CheckpointIndex::default();
    reader.write_checkpoint(through, &mut contents, &mut |at, item| {
        index.note(through, at, item).map(drop)
    })?;
    index.through = through;
    Ok(Some(Arc::new(index)))
}

fn compact_into<R: Entry>(
    states: &mut BTreeMap<R::Key, Vec<u8>>,
    held: &mut HashMap<R::Key, Vec<(Offset, R)>>,
    compact: &dyn Compact<R>,
) -> Result<(), CodecError> {
    for (key, records) in held.drain() {
        match compact.compact(key, states.get(&key).map(Vec::as_slice), &records)? {
            Some(state) => states.insert(key, state),
            None => states.remove(&key),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torture::note::Note;

    /// Large enough for two threads; the record `broken` is none.
    fn body(records: u32, broken: Option<u32>) -> Vec<u8> {
        let mut body = Vec::new();
        for number in 0..records {
            let mut record = Vec::new();
            Note::padded(1, u64::from(number), number % 7 * 100).encode(&mut record);
            if broken == Some(number) {
                record.truncate(5);
            }
            body.extend_from_slice(&(record.len() as u32).to_le_bytes());
            body.extend(record);
        }
        body
    }

    fn decoded(records: u32, body: &[u8]) -> (Vec<(u64, u64)>, Result<(), CodecError>) {
        let mut seen = Vec::new();
        let result = decode_body::<Note>(Offset::new(10), records, body, |offset, note| {
            seen.push((offset.get(), note.number));
            Ok(())
        });
        (seen, result)
    }

    #[test]
    fn two_threads_decode_a_large_body_in_the_order_of_one() {
        let large = body(1_000, None);
        assert!(large.len() >= SHARED_BYTES);
        let (seen, result) = decoded(1_000, &large);
        assert_eq!(result, Ok(()));
        assert_eq!(seen, (0..1_000).map(|at| (10 + at, at)).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_record_that_cannot_be_decoded_is_named_and_those_before_it_are_seen() {
        for broken in [0, 3, 499, 999] {
            let (seen, result) = decoded(1_000, &body(1_000, Some(broken)));
            assert_eq!(seen.len() as u32, broken);
            let CodecError(why) = result.unwrap_err();
            assert!(why.starts_with(&format!("record {}:", 10 + broken)), "{why}");
        }
    }

    #[test]
    fn a_body_that_holds_more_or_less_than_its_header_says_is_refused() {
        let large = body(1_000, None);
        for (records, body) in [(999, &large[..]), (1_001, &large[..]), (1_000, &large[..900])] {
            assert!(decoded(records, body).1.is_err());
        }
    }
}
