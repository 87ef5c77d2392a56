//! What the writer does with a log before it serves: decode, fold, and note where everything
//! stands.
//!
//! Owns the typed side of opening. A record that cannot be decoded refuses ownership.

use crate::checkpoint::{CheckpointIndex, decode_body, decode_fold};
use crate::entry::{CodecError, Entry, Fold, Offset};
use crate::index::Index;
use crate::journal::{ItemAt, Replay, Stored};

pub(super) struct Replaying<R: Entry, F> {
    pub(super) fold: F,
    pub(super) index: Index<R>,
    pub(super) checkpoint: CheckpointIndex<R::Key>,
    /// The fold's parts, until the first frame (or the end) shows that they are complete.
    fold_bytes: Vec<u8>,
}

impl<R: Entry, F: Fold<R>> Replaying<R, F> {
    pub(super) fn new(cache_bytes: usize) -> Self {
        Replaying {
            fold: F::default(),
            index: Index::new(cache_bytes),
            checkpoint: CheckpointIndex::default(),
            fold_bytes: Vec::new(),
        }
    }

    /// To be called once more after the last frame.
    pub(super) fn settle_fold(&mut self) -> Result<(), CodecError> {
        if !self.fold_bytes.is_empty() {
            self.fold = decode_fold(&std::mem::take(&mut self.fold_bytes))?;
        }
        Ok(())
    }
}

impl<R: Entry, F: Fold<R>> Replay for Replaying<R, F> {
    fn checkpoint_item(
        &mut self,
        through: Offset,
        at: ItemAt,
        item: &[u8],
    ) -> Result<(), CodecError> {
        if let Some(bytes) = self.checkpoint.note(through, at, item)? {
            self.fold_bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn frame(&mut self, stored: Stored<'_>) -> Result<(), CodecError> {
        self.settle_fold()?;
        let mut records = Vec::with_capacity(stored.records as usize);
        decode_body::<R>(stored.first, stored.records, stored.body, |offset, record| {
            self.fold.apply(offset, &record);
            self.index.record(record.key(), offset);
            records.push((offset, record));
            Ok(())
        })?;
        self.index.frame(stored.at, records.into(), stored.body.len());
        Ok(())
    }
}
