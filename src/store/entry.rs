//! What the store asks of those who use it: records, folds over them, and effects that wait for
//! them.
//!
//! Owns the vocabulary of a log (offset, epoch, token). Never knows what a record means.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::hash::Hash;

/// Where a record stands in its partition's log: 1 for the first, no gaps. 0 is "before the first".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
pub struct Offset(u64);

impl Offset {
    /// Before the first record.
    pub const ZERO: Offset = Offset(0);

    pub const fn new(offset: u64) -> Self {
        Offset(offset)
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    /// The offset of the record behind this one.
    pub const fn next(self) -> Self {
        Offset(self.0 + 1)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One ownership of a log. Every acquisition has a higher one; what an older owner still sends is
/// fenced by it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
pub struct Epoch(u64);

impl Epoch {
    pub const fn new(epoch: u64) -> Self {
        Epoch(epoch)
    }

    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One life of one entity: given by attach, carried by everything the entity hands over, worthless
/// after the next attach of the same key. Only the writer makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub(crate) u64);

/// Bytes that are not a record, or a record of a version that this program does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record cannot be decoded: {0}")]
pub struct CodecError(pub String);

/// What the journal needs to know of a record; `domain::Record` is the one implementation, tests
/// have a tiny one.
pub trait Entry: Clone + Send + Sync + 'static {
    /// The entity whose record this is. Serialised into checkpoints and snapshot keys.
    type Key: Copy + Ord + Hash + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static;

    fn key(&self) -> Self::Key;

    /// Appends the encoded record to `out`; must not look at what is there already.
    fn encode(&self, out: &mut Vec<u8>);

    fn decode(bytes: &[u8]) -> Result<Self, CodecError>;
}

/// Folded by the writer over every record in log order (ledger totals, due index, highest bet id,
/// last time). `apply` cannot fail and reads nothing but its arguments: the same log gives the same
/// fold for ever.
pub trait Fold<R>: Default + Clone + Serialize + DeserializeOwned + Send + 'static {
    fn apply(&mut self, offset: Offset, record: &R);
}

/// A fold for those who need none.
impl<R> Fold<R> for () {
    fn apply(&mut self, _: Offset, _: &R) {}
}

/// Something that waits for durability: a reply, a message to elsewhere. Runs on the journal's
/// thread, so it only sends. Dropped without `release` when what it rests on was lost.
pub trait Effect: Send + 'static {
    /// `through` is the last offset that it rests on; everything up to it is durable.
    fn release(self, through: Offset);

    /// Somebody waits for it. What nobody waits for is kept back for a moment, for company.
    fn is_awaited(&self) -> bool {
        true
    }
}

impl<F: FnOnce(Offset) + Send + 'static> Effect for F {
    fn release(self, through: Offset) {
        self(through)
    }
}
