//! What the writer does with a log before it serves: fold it, and note where everything stands.
//!
//! Owns the index of a log that is being opened. A record that cannot be decoded refuses ownership.

use crate::entry::{CodecError, Entry, Fold, Offset};
use crate::index::Index;
use crate::journal::{ItemAt, Replay, Stored};
use crate::refold::Refold;

pub(super) struct Replaying<R: Entry, F> {
    pub(super) folded: Refold<R, F>,
    pub(super) index: Index<R>,
}

impl<R: Entry, F: Fold<R>> Replaying<R, F> {
    pub(super) fn new(cache_bytes: usize) -> Self {
        Replaying { folded: Refold::new(), index: Index::new(cache_bytes) }
    }
}

impl<R: Entry, F: Fold<R>> Replay for Replaying<R, F> {
    fn checkpoint_item(
        &mut self,
        through: Offset,
        at: ItemAt,
        item: &[u8],
    ) -> Result<(), CodecError> {
        self.folded.checkpoint_item(through, at, item)
    }

    fn frame(&mut self, stored: Stored<'_>) -> Result<(), CodecError> {
        let mut records = Vec::with_capacity(stored.records as usize);
        self.folded.frame(&stored, |offset, record| {
            self.index.record(record.key(), offset);
            records.push((offset, record));
        })?;
        self.index.frame(stored.at, records.into(), stored.body.len());
        Ok(())
    }
}
