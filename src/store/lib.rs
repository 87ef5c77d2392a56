//! What survives: a partition's journal, its checkpoints, and the snapshots that save time.
//!
//! Owns the files of a log, their format and the thread that writes them. Knows no bet, no account
//! and no actor: a record is an [`Entry`], what waits for durability is an [`Effect`], what is
//! folded in log order is a [`Fold`]. The journal is the truth; everything in sled can be rebuilt
//! from it. Beside it stands how messages to other programs are written ([`packet`]), because this room alone
//! speaks MessagePack.

pub mod checkpoint;
pub mod codec;
pub mod disk;
pub mod entry;
pub mod error;
pub mod failpoint;
pub mod frame;
pub mod index;
pub mod journal;
pub mod keeper;
pub mod packet;
mod process_lock;
pub mod queue;
pub mod read;
pub mod read_model;
mod refold;
pub mod ring_log;
pub mod seeded;
pub mod sim_disk;
pub mod snapshots;
pub mod verify;
pub mod writer;

#[cfg(test)]
mod torture;

pub use checkpoint::Compact;
pub use disk::{Disk, DiskFile, OsDisk};
pub use entry::{CodecError, Effect, Entry, Epoch, Fold, Offset, Token};
pub use error::{AppendError, Damage, HandOverError, OpenError, ReadError};
pub use journal::files::{FileEngine, FileOptions};
pub use journal::{Engine, Journal, Reader};
pub use keeper::{Recovery, RecoveryError};
pub use read_model::ReadModel;
pub use ring_log::{RingLog, RingOptions};
pub use sim_disk::SimDisk;
pub use snapshots::Snapshots;
pub use writer::{HandOver, Ready, StopReason, Writer, WriterConfig, WriterHandle};
