//! Looking at a closed log without changing a byte: the scrub of old segments and the full check of
//! `laybook verify`.
//!
//! Owns the read-only pass over everything that is there: mark, checkpoint, the segments it covers
//! if they were not dropped yet, and the segments behind it. Finds damage exactly as opening does;
//! a torn tail is told, not cut.

use super::files::{Found, look_around, open_mark};
use super::mark::MarkCheck;
use super::opening::{Chain, Opening};
use super::{ItemAt, Replay, Stored, VisitFrame, checkpoint_file};
use crate::disk::Disk;
use crate::entry::{CodecError, Epoch, Offset};
use crate::error::{Damage, OpenError};
use std::collections::BTreeSet;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Epoch of the last owner that wrote.
    pub epoch: Epoch,
    /// The last record of the log.
    pub end: Offset,
    /// The checkpoint goes through here; zero without one.
    pub checkpoint: Offset,
    /// Segments that hold frames.
    pub segments: u64,
    pub frames: u64,
    /// Records in segments, those that the checkpoint covers counted too.
    pub records: u64,
    /// A crash left a piece of a frame that was never durable. The next start cuts it.
    pub torn: bool,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub bytes: u64,
    pub bytes_total: u64,
    pub records: u64,
}

/// Counts what passes; shows records to `inner` only behind the checkpoint.
struct Counting<'a> {
    inner: &'a mut dyn Replay,
    covered: &'a mut VisitFrame<'a>,
    progress: &'a mut dyn FnMut(Progress),
    in_covered: bool,
    found: Inspection,
    seen: BTreeSet<u64>,
    bytes_before: u64,
    bytes_last: u64,
    bytes_total: u64,
}

impl Replay for Counting<'_> {
    fn checkpoint_item(
        &mut self,
        through: Offset,
        at: ItemAt,
        item: &[u8],
    ) -> Result<(), CodecError> {
        self.inner.checkpoint_item(through, at, item)
    }

    fn frame(&mut self, stored: Stored<'_>) -> Result<(), CodecError> {
        self.found.frames += 1;
        self.found.records += u64::from(stored.records);
        if self.seen.insert(stored.at.segment) {
            self.bytes_before += self.bytes_last;
        }
        let blocks = stored.at.block + crate::frame::blocks(stored.body.len());
        self.bytes_last = u64::from(blocks) * crate::frame::BLOCK as u64;
        if self.found.frames.is_multiple_of(256) {
            let bytes = self.bytes_before + self.bytes_last;
            let (bytes_total, records) = (self.bytes_total, self.found.records);
            (self.progress)(Progress { bytes, bytes_total, records });
        }
        if self.in_covered { (self.covered)(stored) } else { self.inner.frame(stored) }
    }
}

/// Checks a log. `replay` is shown the checkpoint and the records behind it, `covered` the older
/// ones that are still there. The directory must not have an owner.
pub fn inspect(
    disk: &dyn Disk,
    replay: &mut dyn Replay,
    covered: &mut VisitFrame<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Inspection, OpenError> {
    let _lock = disk.lock()?.ok_or_else(|| OpenError::Locked(disk.identity()))?;
    let Found { numbers, checkpoint, is_new, .. } = look_around(disk)?;
    if is_new {
        return Err(Damage::new(&disk.identity(), 0, "there is no log here").into());
    }
    let (_, mark) = open_mark(disk)?;
    let mut bytes_total = 0;
    for &number in &numbers {
        bytes_total += disk.open(&super::segment::name(number))?.len()?;
    }
    let base = match checkpoint {
        Some(through) => checkpoint_file::open(disk, through, replay)?,
        None => Chain::default(),
    };
    let mut counting = Counting {
        inner: replay,
        covered,
        progress,
        in_covered: true,
        found: Inspection { checkpoint: base.end, ..Inspection::default() },
        seen: BTreeSet::new(),
        bytes_before: 0,
        bytes_last: 0,
        bytes_total,
    };
    // The mark is above the checkpoint's end or of no interest: it is checked behind it.
    let unmarked = MarkCheck::new(mark, mark.offset);
    let body = Vec::new();
    let mut opening = Opening { disk, mark: unmarked, replay: &mut counting, chain: base, body };
    opening.check_covered(&numbers)?;
    counting.in_covered = false;
    let (mark, body) = (MarkCheck::new(mark, base.end), Vec::new());
    let mut opening = Opening { disk, mark, replay: &mut counting, chain: base, body };
    let checked = opening.check(&numbers)?;
    let (end, epoch) = (opening.chain.end, opening.chain.epoch);
    let mut torn = false;
    if let Some(tail) = &checked.tail {
        let after = tail.last_frame.map_or(0, |header| header.at + header.blocks()) as usize;
        torn |= tail.bytes[after * crate::frame::BLOCK..].iter().any(|&byte| byte != 0);
    }
    for number in checked.trailing {
        let bytes = super::segment::load(&*disk.open(&super::segment::name(number))?, number)??;
        torn |= bytes.iter().any(|&byte| byte != 0);
    }
    let segments = counting.seen.len() as u64;
    let found = Inspection { end, epoch, segments, torn, ..counting.found };
    (counting.progress)(Progress { bytes: bytes_total, bytes_total, records: found.records });
    Ok(found)
}
