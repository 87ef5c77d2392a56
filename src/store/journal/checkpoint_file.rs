//! A checkpoint's file: opaque items in the journal's own frames.
//!
//! Owns its layout, its writing (temporary name, sync, read back, rename) and its reading. The
//! first record is the manifest (where in the chain of segments the checkpoint stands), the last
//! the trailer (how many items there are), the rest are items. A checkpoint has its name only when
//! it is whole, so anything wrong with it is damage.

use super::opening::Chain;
use super::{ItemAt, Replay, VisitItem};
use crate::disk::{Disk, DiskFile};
use crate::entry::{Epoch, Offset};
use crate::error::{Damage, OpenError, ReadError};
use crate::failpoint::fail_at;
use crate::frame::{self, BLOCK, Block, Hash, Header, Kind};
use std::io;

const TEMPORARY_NAME: &str = "checkpoint.tmp";
/// A frame is closed when its body has reached this; one item is read back by reading one frame.
const BODY_BYTES: usize = 128 << 10;
const TRAILER: &[u8; 8] = b"COMPLETE";

pub(super) fn name(through: Offset) -> String {
    format!("checkpoint-{:020}.log", through.get())
}

/// The offset in the name of a checkpoint, if it is one.
pub(super) fn number(name: &str) -> Option<u64> {
    name.strip_prefix("checkpoint-")?.strip_suffix(".log")?.parse().ok()
}

fn damage(file: &str, block: u32, why: impl Into<String>) -> Damage {
    Damage::new(file, u64::from(block) * BLOCK as u64, why)
}

struct FrameWriter<'a> {
    file: &'a dyn DiskFile,
    through: Offset,
    epoch: Epoch,
    first: u64,
    records: u32,
    block: u32,
    previous: Hash,
    body: Vec<u8>,
    buffer: Vec<u8>,
}

impl FrameWriter<'_> {
    fn push(&mut self, record: &[u8]) -> io::Result<()> {
        if self.records > 0 && self.body.len() + record.len() > BODY_BYTES {
            self.flush()?;
        }
        if record.len() + 4 > frame::body_bytes_max(usize::MAX) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a checkpoint item is too large",
            ));
        }
        frame::push_record(&mut self.body, |out| out.extend_from_slice(record));
        self.records += 1;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let header = Header {
            kind: Kind::Checkpoint,
            segment: self.through.get(),
            epoch: self.epoch,
            first: Offset::new(self.first),
            records: self.records,
            body_bytes: self.body.len() as u32,
            at: self.block,
            previous_end: self.block,
            previous_segment: self.through.get(),
            previous: self.previous,
        };
        self.previous = frame::encode(&header, &self.body, &mut self.buffer);
        self.file.write_at(u64::from(self.block) * BLOCK as u64, &self.buffer)?;
        self.block += header.blocks();
        self.first += u64::from(self.records);
        self.records = 0;
        self.body.clear();
        Ok(())
    }
}

/// Writes the checkpoint that goes through the end of `chain`'s segment and reads it back before it
/// gets its name.
pub(super) fn write(
    disk: &dyn Disk,
    chain: &Chain,
    items: &mut dyn Iterator<Item = Vec<u8>>,
    placed: &mut VisitItem<'_>,
) -> Result<(), ReadError> {
    let _ = disk.remove(TEMPORARY_NAME);
    let written = write_temporary(disk, chain, items).map_err(ReadError::from);
    let checked = written.and_then(|count| {
        let (_, found) = walk(disk, TEMPORARY_NAME, chain.end, placed)?;
        if found != count {
            return Err(damage(TEMPORARY_NAME, 0, "the checkpoint reads back shorter").into());
        }
        Ok(())
    });
    if checked.is_err() {
        let _ = disk.remove(TEMPORARY_NAME);
        return checked;
    }
    fail_at("checkpoint_rename");
    disk.rename(TEMPORARY_NAME, &name(chain.end))?;
    disk.sync_directory()?;
    Ok(())
}

fn write_temporary(
    disk: &dyn Disk,
    chain: &Chain,
    items: &mut dyn Iterator<Item = Vec<u8>>,
) -> io::Result<u64> {
    let file = disk.create(TEMPORARY_NAME, 0)?;
    let mut writer = FrameWriter {
        file: &*file,
        through: chain.end,
        epoch: chain.epoch,
        first: 0,
        records: 0,
        block: 0,
        previous: Hash::default(),
        body: Vec::new(),
        buffer: Vec::new(),
    };
    let mut manifest = Vec::with_capacity(52);
    manifest.extend_from_slice(&chain.segment.to_le_bytes());
    manifest.extend_from_slice(&chain.end_block.to_le_bytes());
    manifest.extend_from_slice(&chain.epoch.get().to_le_bytes());
    manifest.extend_from_slice(&chain.hash);
    writer.push(&manifest)?;
    let mut count = 0u64;
    for item in items {
        writer.push(&item)?;
        count += 1;
    }
    let mut trailer = TRAILER.to_vec();
    trailer.extend_from_slice(&count.to_le_bytes());
    writer.push(&trailer)?;
    writer.flush()?;
    file.sync()?;
    Ok(count)
}

/// The checked frame at a block: its header and its body.
fn frame_at(
    file: &dyn DiskFile,
    file_name: &str,
    through: Offset,
    block: u32,
) -> Result<(Header, Vec<u8>, Hash), ReadError> {
    let position = u64::from(block) * BLOCK as u64;
    let mut blocks = vec![0; BLOCK];
    let good = |bytes: &[u8], index: u32| {
        if frame::classify(bytes, through.get(), block + index, index) == Block::Good {
            Ok(())
        } else {
            Err(damage(file_name, block + index, "a block was changed"))
        }
    };
    file.read_at(position, &mut blocks)?;
    good(&blocks, 0)?;
    let header =
        frame::header(Kind::Checkpoint, &blocks).map_err(|why| damage(file_name, block, why))?;
    blocks.resize(header.blocks() as usize * BLOCK, 0);
    file.read_at(position + BLOCK as u64, &mut blocks[BLOCK..]).map_err(|error| {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => damage(file_name, block, "the file is short").into(),
            _ => ReadError::from(error),
        }
    })?;
    for (index, bytes) in (0..).zip(blocks.chunks_exact(BLOCK)) {
        good(bytes, index)?;
    }
    let mut body = Vec::new();
    frame::body(&blocks, &header, &mut body);
    Ok((header, body, frame::hash(&blocks)))
}

/// Checks the whole file and shows its items; returns the manifest's chain and how many items there
/// are.
pub(super) fn walk(
    disk: &dyn Disk,
    file_name: &str,
    through: Offset,
    visit: &mut VisitItem<'_>,
) -> Result<(Chain, u64), ReadError> {
    let file = disk.open(file_name)?;
    let length = file.len()?;
    let (mut block, mut first, mut previous) = (0u32, 0, Hash::default());
    let (mut manifest, mut trailer) = (None, None);
    let mut items = 0;
    while u64::from(block) * (BLOCK as u64) < length {
        if u64::from(block + 1) * BLOCK as u64 > length {
            return Err(damage(file_name, block, "the file is short").into());
        }
        let (header, body, hash) = frame_at(&*file, file_name, through, block)?;
        let linked = header.at == block
            && header.segment == through.get()
            && header.first.get() == first
            && header.previous == previous;
        if !linked || trailer.is_some() {
            return Err(damage(file_name, block, "the frame is not the next one").into());
        }
        let mut records = frame::records(&body);
        for (index, record) in (0..).zip(records.by_ref()) {
            if manifest.is_none() {
                let chain = parse_manifest(record, through);
                manifest = Some(chain.ok_or_else(|| damage(file_name, block, "no manifest"))?);
            } else if index + 1 == header.records
                && u64::from(block + header.blocks()) * BLOCK as u64 == length
            {
                trailer = Some(record.to_vec());
            } else {
                items += 1;
                visit(ItemAt { block, index }, record)
                    .map_err(|error| damage(file_name, block, error.to_string()))?;
            }
        }
        if !records.is_whole() {
            return Err(damage(file_name, block, "the records do not fill the body").into());
        }
        block += header.blocks();
        first += u64::from(header.records);
        previous = hash;
    }
    let mut wanted = TRAILER.to_vec();
    wanted.extend_from_slice(&u64::to_le_bytes(items));
    match (manifest, trailer) {
        (Some(chain), Some(trailer)) if trailer == wanted => Ok((chain, items)),
        _ => Err(damage(file_name, block, "the checkpoint is not complete").into()),
    }
}

fn parse_manifest(record: &[u8], end: Offset) -> Option<Chain> {
    if record.len() != 52 {
        return None;
    }
    Some(Chain {
        segment: u64::from_le_bytes(record[..8].try_into().ok()?),
        end_block: u32::from_le_bytes(record[8..12].try_into().ok()?),
        epoch: Epoch::new(u64::from_le_bytes(record[12..20].try_into().ok()?)),
        hash: record[20..].try_into().ok()?,
        end,
    })
}

/// Verifies the checkpoint that a log opens with and replays its items.
pub(super) fn open(
    disk: &dyn Disk,
    through: u64,
    replay: &mut dyn Replay,
) -> Result<Chain, OpenError> {
    let through = Offset::new(through);
    let shown = walk(disk, &name(through), through, &mut |at, item| {
        replay.checkpoint_item(through, at, item)
    });
    match shown {
        Ok((chain, _)) => Ok(chain),
        Err(ReadError::Damage(damage)) => Err(damage.into()),
        Err(ReadError::Io(error)) => Err(error.into()),
        Err(ReadError::Dropped(_)) => unreachable!("walking a checkpoint reads no segment"),
    }
}

/// Reads one item.
pub(super) fn item(disk: &dyn Disk, through: Offset, at: ItemAt) -> Result<Vec<u8>, ReadError> {
    let file_name = name(through);
    let file = disk.open(&file_name)?;
    let (_, body, _) = frame_at(&*file, &file_name, through, at.block)?;
    match frame::records(&body).nth(at.index as usize) {
        Some(item) => Ok(item.to_vec()),
        None => Err(damage(&file_name, at.block, "the item is missing").into()),
    }
}
