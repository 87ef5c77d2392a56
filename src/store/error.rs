//! What can go wrong with a log, sorted by what its owner does about it.
//!
//! Owns the error values of the room. An error never says "failed" where the outcome is unknown.

use crate::entry::Offset;
use std::io;

/// The log is not what was written. Nobody serves from it, nothing is repaired by guessing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("damage in {file} at byte {offset}: {why}")]
pub struct Damage {
    pub file: String,
    /// In bytes from the start of the file.
    pub offset: u64,
    pub why: String,
}

impl Damage {
    pub(crate) fn new(file: &str, offset: u64, why: impl Into<String>) -> Self {
        Damage { file: file.to_owned(), offset, why: why.into() }
    }
}

/// Why a log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error("another process owns the data directory {0}")]
    Locked(String),
    #[error("the last owner of the log {0} in this process has not let go in time")]
    Busy(String),
    #[error("the owner was gone before the log was open")]
    OwnerGone,
    #[error("log cannot be opened: {0}")]
    Io(#[from] io::Error),
}

/// Why an append did not become durable.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing was accepted; the same batch may be offered again when there is room.
    #[error("no room: no spare segment can be made")]
    Full,
    #[error("the frame of {bytes} bytes does not fit the largest allowed, {bytes_max}")]
    TooLarge { bytes: usize, bytes_max: usize },
    /// A newer owner has the log.
    #[error("fenced by a newer owner")]
    Fenced,
    /// The outcome is unknown: the records may or may not be found by the next owner.
    #[error("outcome of the append is unknown: {0}")]
    Io(#[from] io::Error),
}

/// Why a stored frame could not be read again.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error("journal cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("records before {0} are no longer kept")]
    Dropped(Offset),
}

/// Why a hand-over was not taken. Its records and effects are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandOverError {
    #[error("the journal is gone")]
    Gone,
    #[error("the journal's queue is over its hard bound")]
    Overrun,
}
