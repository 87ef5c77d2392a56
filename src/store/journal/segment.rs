//! A segment: a preallocated, zero-written file that takes frames until it is full, and is never
//! reused.
//!
//! Owns names, creation and the footer. The last block is a footer written when the file is made,
//! so a file that was cut short is told from one that is not full yet.

use crate::disk::{Disk, DiskFile};
use crate::error::Damage;
use crate::frame::{self, BLOCK, Block};
use std::io;

/// The smallest segment that makes sense: a few frames and the footer.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 4 * BLOCK as u64;
const FOOTER_INDEX: u32 = u32::MAX;
const FOOTER_MAGIC: &[u8; 8] = b"LAYBOOKF";

pub(crate) fn name(segment: u64) -> String {
    format!("segment-{segment:010}.log")
}

pub(crate) fn temporary_name(segment: u64) -> String {
    format!("segment-{segment:010}.tmp")
}

/// The number in the name of a segment, if it is one.
pub(crate) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".log")?;
    if digits.len() == 10 { digits.parse().ok() } else { None }
}

/// Makes the file of a segment under its temporary name, whole and synced; nothing stays behind
/// when it fails.
pub(crate) fn prepare(disk: &dyn Disk, segment: u64, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
    let name = temporary_name(segment);
    let made = disk.create(&name, bytes).and_then(|file| {
        let last = bytes / BLOCK as u64 - 1;
        let mut footer = [0; BLOCK];
        footer[..8].copy_from_slice(FOOTER_MAGIC);
        footer[8..16].copy_from_slice(&bytes.to_le_bytes());
        frame::seal(&mut footer, segment, last as u32, FOOTER_INDEX);
        file.write_at(last * BLOCK as u64, &footer)?;
        file.sync()?;
        Ok(file)
    });
    if made.is_err() {
        // What is left of it takes the very room that was missing.
        let _ = disk.remove(&name);
    }
    made
}

/// Reads a whole segment, footer checked and taken off.
pub(crate) fn load(file: &dyn DiskFile, segment: u64) -> io::Result<Result<Vec<u8>, Damage>> {
    let length = file.len()?;
    let short = |why: &str| Ok(Err(Damage::new(&name(segment), length, why)));
    if length < SEGMENT_BYTES_MIN || !length.is_multiple_of(BLOCK as u64) {
        return short("the file is short");
    }
    let mut bytes = vec![0; length as usize];
    file.read_at(0, &mut bytes)?;
    let last = length as usize - BLOCK;
    let footer = &bytes[last..];
    let at = (last / BLOCK) as u32;
    if frame::classify(footer, segment, at, FOOTER_INDEX) != Block::Good
        || footer[..8] != *FOOTER_MAGIC
        || footer[8..16] != length.to_le_bytes()
    {
        return short("the file is short or its last block was changed");
    }
    bytes.truncate(last);
    Ok(Ok(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim_disk::SimDisk;

    #[test]
    fn names_are_numbers_and_back() {
        assert_eq!(number(&name(42)), Some(42));
        for other in ["segment-1.log", "segment-0000000001.tmp", "lock", "durable.mark"] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn a_segment_cut_short_is_damage_and_a_failed_one_leaves_nothing() {
        let disk = SimDisk::new();
        let file = prepare(&disk, 1, 8192).unwrap();
        assert_eq!(load(&*file, 1).unwrap().unwrap().len(), 8192 - BLOCK);
        let bytes = disk.contents(&temporary_name(1)).unwrap();
        for cut in [100, 512, 4096, 8191] {
            disk.corrupt(&temporary_name(1), bytes[..bytes.len() - cut].to_vec());
            assert!(load(&*file, 1).unwrap().is_err(), "cut {cut}");
        }
        disk.set_capacity(Some(disk.used_bytes() + 100));
        assert!(prepare(&disk, 2, 8192).is_err());
        assert_eq!(disk.list().unwrap(), [temporary_name(1)]);
    }
}
