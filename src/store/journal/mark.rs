//! The durable mark: how far the log is known to be on disk, kept apart from the log.
//!
//! Owns a file of two blocks that are written in turn, so that a write that is lost leaves the one
//! before. Written lazily: it may be behind the log, never ahead of it. A log that ends below its
//! mark has lost what was durable, which no check inside the log could notice.

use super::FrameAt;
use crate::disk::{Disk, DiskFile};
use crate::entry::Offset;
use crate::error::{Damage, OpenError};
use crate::frame::{self, BLOCK, Block, Hash};
use std::io;

pub(super) const NAME: &str = "durable.mark";
const TEMPORARY_NAME: &str = "durable.tmp";
const MAGIC: &[u8; 8] = b"LAYBOOKM";
const INDEX: u32 = u32::MAX - 1;

/// Everything up to `offset` is durable; the frame that ends there has this hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Mark {
    pub(super) offset: Offset,
    pub(super) hash: Hash,
}

pub(super) struct MarkFile {
    file: Box<dyn DiskFile>,
    writes: u64,
}

impl MarkFile {
    /// Makes the mark of a new log; durable when it returns.
    pub(super) fn create(disk: &dyn Disk) -> io::Result<Self> {
        let _ = disk.remove(TEMPORARY_NAME);
        let file = disk.create(TEMPORARY_NAME, 2 * BLOCK as u64)?;
        let mut made = MarkFile { file, writes: 0 };
        made.write(Mark::default())?;
        made.sync()?;
        disk.rename(TEMPORARY_NAME, NAME)?;
        disk.sync_directory()?;
        Ok(made)
    }

    /// The file and the newest mark in it.
    pub(super) fn open(disk: &dyn Disk) -> Result<(Self, Mark), OpenError> {
        let file = disk.open(NAME)?;
        let mut bytes = [0; 2 * BLOCK];
        if file.len()? != bytes.len() as u64 {
            return Err(Damage::new(NAME, 0, "the durable mark has another size").into());
        }
        file.read_at(0, &mut bytes)?;
        let newest = (0..2)
            .filter_map(|slot| parse(&bytes[slot * BLOCK..][..BLOCK], slot))
            .max_by_key(|it| it.0);
        let Some((writes, mark)) = newest else {
            return Err(Damage::new(NAME, 0, "no block of the durable mark is good").into());
        };
        Ok((MarkFile { file, writes }, mark))
    }

    /// Not synced: the kernel writes it when it likes.
    pub(super) fn write(&mut self, mark: Mark) -> io::Result<()> {
        self.writes += 1;
        let slot = self.writes % 2;
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(MAGIC);
        block[8..16].copy_from_slice(&self.writes.to_le_bytes());
        block[16..24].copy_from_slice(&mark.offset.get().to_le_bytes());
        block[24..56].copy_from_slice(&mark.hash);
        frame::seal(&mut block, 0, slot as u32, INDEX);
        self.file.write_at(slot * BLOCK as u64, &block)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

fn parse(block: &[u8], slot: usize) -> Option<(u64, Mark)> {
    if frame::classify(block, 0, slot as u32, INDEX) != Block::Good || block[..8] != *MAGIC {
        return None;
    }
    let number = |at: usize| Some(u64::from_le_bytes(block[at..at + 8].try_into().ok()?));
    let mark = Mark { offset: Offset::new(number(16)?), hash: block[24..56].try_into().ok()? };
    Some((number(8)?, mark))
}

/// Follows a replay and checks that it passes the mark with the right frame.
#[derive(Debug)]
pub(super) struct MarkCheck {
    mark: Mark,
    passed: bool,
}

impl MarkCheck {
    pub(super) fn new(mark: Mark, checkpoint: Offset) -> Self {
        MarkCheck { mark, passed: mark.offset <= checkpoint }
    }

    /// A frame that ends with record `last` is part of the log.
    pub(super) fn frame(&mut self, at: FrameAt, last: Offset, hash: &Hash) -> Result<(), Damage> {
        if self.passed || last < self.mark.offset {
            return Ok(());
        }
        self.passed = true;
        if last == self.mark.offset && *hash == self.mark.hash {
            return Ok(());
        }
        let why = format!("the frame that ends with record {last} is not the one that was durable");
        Err(Damage::new(&super::segment::name(at.segment), u64::from(at.block) * BLOCK as u64, why))
    }

    /// The log ends with record `end`.
    pub(super) fn finish(&self, file: &str, position: u64, end: Offset) -> Result<(), Damage> {
        if self.passed {
            return Ok(());
        }
        let why =
            format!("the log ends at record {end}, below the durable mark {}", self.mark.offset);
        Err(Damage::new(file, position, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim_disk::SimDisk;

    #[test]
    fn a_lost_write_of_the_mark_leaves_the_one_before() {
        for seed in 0..20 {
            let disk = SimDisk::new();
            let mut file = MarkFile::create(&disk).unwrap();
            let mark = |offset| Mark { offset: Offset::new(offset), hash: [9; 32] };
            file.write(mark(10)).unwrap();
            file.sync().unwrap();
            file.write(mark(20)).unwrap();
            disk.crash(seed);
            let (_, found) = MarkFile::open(&disk).unwrap();
            assert!(found == mark(10) || found == mark(20), "seed {seed}");
        }
    }
}
