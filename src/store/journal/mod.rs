//! A partition's log as its writer sees it: acquire, append, read, checkpoint, retain, release.
//!
//! Owns the contract that both journals keep (files here, PostgreSQL later) and its suite in
//! `contract`. Bytes only: what a record means, and who waits for it, is the writer's business.

mod checkpoint_file;
pub mod contract;
pub mod files;
pub mod inspect;
mod mark;
mod opening;
mod reader;
pub(crate) mod segment;
mod spare;

use crate::entry::{CodecError, Epoch, Offset};
use crate::error::{AppendError, OpenError, ReadError};
use std::io;
use std::sync::Arc;

/// Where a frame stands, in the words of its journal. Only valid until retention drops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameAt {
    pub segment: u64,
    pub block: u32,
}

/// What one group commit appends: `records` records from `first` on, as
/// [`crate::frame::push_record`] lays them out.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    pub first: Offset,
    pub records: u32,
    pub body: &'a [u8],
}

/// A frame as it is read back.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    pub at: FrameAt,
    pub epoch: Epoch,
    pub first: Offset,
    pub records: u32,
    pub body: &'a [u8],
}

impl Stored<'_> {
    /// The offset of the last record in it (the one before `first` when it is empty).
    pub fn last(&self) -> Offset {
        Offset::new(self.first.get() + u64::from(self.records) - 1)
    }
}

/// Where an item of a checkpoint stands: its frame, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemAt {
    pub block: u32,
    pub index: u32,
}

/// Is shown a frame; an error ends the reading.
pub type VisitFrame<'a> = dyn FnMut(Stored<'_>) -> Result<(), CodecError> + 'a;
/// Is shown an item of a checkpoint; an error ends the reading.
pub type VisitItem<'a> = dyn FnMut(ItemAt, &[u8]) -> Result<(), CodecError> + 'a;

/// Is told everything from the last checkpoint on, in order, while a log is acquired. An error
/// refuses ownership.
pub trait Replay {
    fn checkpoint_item(
        &mut self,
        through: Offset,
        at: ItemAt,
        item: &[u8],
    ) -> Result<(), CodecError>;
    fn frame(&mut self, stored: Stored<'_>) -> Result<(), CodecError>;
}

/// Where a log lives. Acquiring makes one owner with a new epoch.
pub trait Engine: Send + Sync + 'static {
    /// The same for every engine of this process that leads to the same log.
    fn identity(&self) -> String;
    /// Verifies everything from the last checkpoint on, shows it to `replay`, and makes its end
    /// durable.
    fn acquire(&self, replay: &mut dyn Replay) -> Result<Box<dyn Journal>, OpenError>;
}

/// A log with one owner.
pub trait Journal: Send {
    fn epoch(&self) -> Epoch;
    /// The last record that is there.
    fn end(&self) -> Offset;
    /// The largest body that fits a frame.
    fn body_bytes_max(&self) -> usize;
    /// Durable when it returns. `batch.first` is the record behind `end`.
    fn append(&mut self, batch: Batch<'_>) -> Result<FrameAt, AppendError>;
    /// False: what was admitted still fits, nothing new may be admitted. Comes back by itself.
    fn writable(&self) -> bool;
    /// Called when there is nothing to append and once a second: lazy work.
    fn idle(&mut self);
    /// Drops what the last checkpoint covers; returns the offset it goes through.
    fn retain(&mut self) -> io::Result<Offset>;
    fn reader(&self) -> Arc<dyn Reader>;
    /// Lets go in good order. Without it the next owner has only more to verify.
    fn release(self: Box<Self>) -> io::Result<()>;
}

/// Reads what is durable, from any thread, beside the owner.
pub trait Reader: Send + Sync {
    /// Reads one frame's body into `body` (cleared) and returns its first offset and record count.
    fn frame(&self, at: FrameAt, body: &mut Vec<u8>) -> Result<(Offset, u32), ReadError>;
    /// Shows every frame that holds a record in `after+1 ..= through`, in order. `through` must be
    /// durable.
    fn scan(
        &self,
        after: Offset,
        through: Offset,
        visit: &mut VisitFrame<'_>,
    ) -> Result<(), ReadError>;
    /// The last offset that will not be appended to any more in its place: a checkpoint may go
    /// through it.
    fn sealed(&self) -> Offset;
    /// The offset that the checkpoint in force goes through; zero without one.
    fn checkpoint(&self) -> Offset;
    /// Writes, syncs and reads back a checkpoint of opaque items, then puts it in force. `through`
    /// must be the end of a sealed piece, as `sealed` returned it. The checkpoint before stays
    /// readable until `Journal::retain`.
    fn write_checkpoint(
        &self,
        through: Offset,
        items: &mut dyn Iterator<Item = Vec<u8>>,
        placed: &mut VisitItem<'_>,
    ) -> Result<(), ReadError>;
    /// One item of the checkpoint through `through`.
    fn checkpoint_item(&self, through: Offset, at: ItemAt) -> Result<Vec<u8>, ReadError>;
    /// All items of the checkpoint through `through`, in order.
    fn checkpoint_items(&self, through: Offset, visit: &mut VisitItem<'_>)
    -> Result<(), ReadError>;
}
