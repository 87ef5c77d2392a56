//! A fold read back from a log: from the parts in its checkpoint, then record by record.
//!
//! Owns the order of the two. A record that cannot be decoded is an error.

use crate::checkpoint::{CheckpointIndex, decode_body, decode_fold};
use crate::entry::{CodecError, Entry, Fold, Offset};
use crate::journal::{ItemAt, Stored};

pub(crate) struct Refold<R: Entry, F> {
    pub(crate) fold: F,
    /// Where entities' states stand in the checkpoint.
    pub(crate) states: CheckpointIndex<R::Key>,
    /// The fold's parts, until the first frame (or the end) shows that they are complete.
    parts: Vec<u8>,
}

impl<R: Entry, F: Fold<R>> Refold<R, F> {
    pub(crate) fn new() -> Self {
        Refold { fold: F::default(), states: CheckpointIndex::default(), parts: Vec::new() }
    }

    pub(crate) fn checkpoint_item(
        &mut self,
        through: Offset,
        at: ItemAt,
        item: &[u8],
    ) -> Result<(), CodecError> {
        if let Some(bytes) = self.states.note(through, at, item)? {
            self.parts.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Folds a frame and gives its records away.
    pub(crate) fn frame(
        &mut self,
        stored: &Stored<'_>,
        mut each: impl FnMut(Offset, R),
    ) -> Result<(), CodecError> {
        self.settle()?;
        decode_body::<R>(stored.first, stored.records, stored.body, |offset, record| {
            self.fold.apply(offset, &record);
            each(offset, record);
            Ok(())
        })
    }

    /// To be called once more after the last frame.
    pub(crate) fn settle(&mut self) -> Result<(), CodecError> {
        if !self.parts.is_empty() {
            self.fold = decode_fold(&std::mem::take(&mut self.parts))?;
        }
        Ok(())
    }
}
