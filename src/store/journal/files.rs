//! The journal in segment files of one directory.
//!
//! Owns the directory lock, the segment that takes frames, rotation and retention. Opening is in
//! `opening`, reading in `reader`. A frame is durable when `append` returns. A sync that failed is
//! never tried again on the same pages (Linux may have marked them clean): the frame goes to a new
//! segment, whose first header says where the old one was left; when that fails too the outcome is
//! unknown and the journal takes nothing more. Without a spare segment the log is read-only and
//! what is in hand waits.

use super::checkpoint_file;
use super::mark::{self, Mark, MarkCheck, MarkFile};
use super::opening::{Chain, Opening, SegmentInfo, Tail};
use super::reader::FileReader;
use super::spare::Spare;
use super::{Batch, Engine, FrameAt, Journal, Reader, Replay, segment};
use crate::disk::{DirectoryLock, Disk, DiskFile};
use crate::entry::{Epoch, Offset};
use crate::error::{AppendError, Damage, OpenError};
use crate::failpoint::fail_at;
use crate::frame::{self, BLOCK, Header, Kind};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How many frames the durable mark may be behind while the log is busy.
const MARK_EVERY_FRAMES: u32 = 64;

#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    /// Size of each new segment; those that are there keep theirs.
    pub segment_bytes: u64,
    /// Whether spares are made by a thread; without, at rotation (deterministic, for tests).
    pub background: bool,
    /// How soon a spare that could not be made is tried again.
    pub spare_retry: Duration,
}

impl Default for FileOptions {
    fn default() -> Self {
        FileOptions {
            segment_bytes: 64 << 20,
            background: true,
            spare_retry: Duration::from_secs(1),
        }
    }
}

/// See the head of this file.
#[derive(Clone)]
pub struct FileEngine {
    disk: Arc<dyn Disk>,
    options: FileOptions,
}

impl FileEngine {
    pub fn new(disk: Arc<dyn Disk>, options: FileOptions) -> Self {
        FileEngine { disk, options }
    }
}

impl Engine for FileEngine {
    fn identity(&self) -> String {
        self.disk.identity()
    }

    fn acquire(&self, replay: &mut dyn Replay) -> Result<Box<dyn Journal>, OpenError> {
        Ok(Box::new(FileJournal::open(self.disk.clone(), self.options, replay)?))
    }
}

/// What a directory holds, by name.
pub(super) struct Found {
    pub(super) names: Vec<String>,
    pub(super) numbers: Vec<u64>,
    pub(super) checkpoint: Option<u64>,
    /// Nothing of a log is there.
    pub(super) is_new: bool,
}

pub(super) fn look_around(disk: &dyn Disk) -> io::Result<Found> {
    let names = disk.list()?;
    let numbers: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
    let checkpoint = names.iter().filter_map(|name| checkpoint_file::number(name)).max();
    let marked = names.iter().any(|name| name == mark::NAME);
    let is_new = numbers.is_empty() && checkpoint.is_none() && !marked;
    Ok(Found { names, numbers, checkpoint, is_new })
}

pub(super) fn open_mark(disk: &dyn Disk) -> Result<(MarkFile, Mark), OpenError> {
    match MarkFile::open(disk) {
        Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            Err(Damage::new(mark::NAME, 0, "the durable mark is missing").into())
        }
        other => other,
    }
}

pub struct FileJournal {
    spare: Spare,
    file: Option<Box<dyn DiskFile>>,
    /// Blocks of the current segment that frames may take.
    capacity_blocks: u32,
    /// Where the last frame ended.
    chain: Chain,
    /// The current segment.
    segment: u64,
    /// Where the next frame starts in it.
    block: u32,
    /// A write or sync of this segment failed: it takes no more frames.
    broken: bool,
    /// The second try failed too: the outcome of a frame is unknown.
    dead: bool,
    epoch: Epoch,
    mark: MarkFile,
    frames_since_mark: u32,
    largest_frame: usize,
    buffer: Vec<u8>,
    shared: Arc<FileReader>,
    /// Last field: dropped when nothing writes any more.
    _lock: DirectoryLock,
}

impl FileJournal {
    fn open(
        disk: Arc<dyn Disk>,
        options: FileOptions,
        replay: &mut dyn Replay,
    ) -> Result<Self, OpenError> {
        let bytes = options.segment_bytes;
        if bytes < segment::SEGMENT_BYTES_MIN
            || !bytes.is_multiple_of(BLOCK as u64)
            || bytes > u32::MAX.into()
        {
            let why = format!("a segment of {bytes} bytes is not possible");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why).into());
        }
        let lock = disk.lock()?.ok_or_else(|| OpenError::Locked(disk.identity()))?;
        let Found { names, numbers, checkpoint, is_new } = look_around(&*disk)?;
        let (mark_file, mark) = match is_new {
            true => (MarkFile::create(&*disk)?, Mark::default()),
            false => open_mark(&*disk)?,
        };
        let base = match checkpoint {
            Some(through) => checkpoint_file::open(&*disk, through, replay)?,
            None => Chain::default(),
        };
        let mark = MarkCheck::new(mark, base.end);
        let opening = Opening { disk: &*disk, mark, replay, chain: base, body: Vec::new() };
        let opened = opening.run(&numbers)?;
        // What was never renamed never mattered.
        for name in names.iter().filter(|name| name.ends_with(".tmp")) {
            disk.remove(name)?;
        }
        disk.sync_directory()?;
        let spare = Spare::new(disk.clone(), options)?;
        let chain = opened.chain;
        let (file, capacity_blocks) = match opened.tail {
            Some(Tail { file, capacity_blocks }) => (Some(file), capacity_blocks),
            None => (None, 0),
        };
        let largest_frame = (bytes as usize - BLOCK).min(frame::FRAME_BYTES_MAX);
        let base = checkpoint.map(|_| base);
        let mut journal = FileJournal {
            spare,
            file,
            capacity_blocks,
            chain,
            segment: chain.segment,
            block: chain.end_block,
            broken: false,
            dead: false,
            epoch: Epoch::new(chain.epoch.get() + 1),
            mark: mark_file,
            frames_since_mark: 0,
            largest_frame,
            buffer: Vec::new(),
            shared: Arc::new(FileReader::new(disk, opened.segments, base)),
            _lock: lock,
        };
        journal.spare.want(chain.segment + 1);
        if journal.file.is_none() {
            // A full disk is no reason not to start: the log is read-only until there is room.
            match journal.rotate() {
                Ok(()) | Err(AppendError::Full) => {}
                Err(AppendError::Io(error)) => return Err(error.into()),
                Err(other) => return Err(io::Error::other(other).into()),
            }
        }
        journal.write_mark(true);
        Ok(journal)
    }

    /// Goes on in the spare segment.
    fn rotate(&mut self) -> Result<(), AppendError> {
        let number = self.segment + 1;
        self.write_mark(true);
        let file = self.spare.take(number).ok_or(AppendError::Full)?;
        let disk = self.shared.disk();
        let renamed = disk
            .rename(&segment::temporary_name(number), &segment::name(number))
            .and_then(|()| disk.sync_directory());
        if let Err(error) = renamed {
            self.dead = true;
            return Err(error.into());
        }
        fail_at("rotation");
        self.shared.rotated(self.block, self.chain, number);
        self.capacity_blocks = (file.len()? / BLOCK as u64 - 1) as u32;
        self.file = Some(file);
        self.segment = number;
        self.block = 0;
        self.broken = false;
        self.spare.want(number + 1);
        Ok(())
    }

    /// Writes and syncs one frame at the end of the current segment.
    fn write(&mut self, batch: &Batch<'_>) -> io::Result<FrameAt> {
        let header = Header {
            kind: Kind::Segment,
            segment: self.segment,
            epoch: self.epoch,
            first: batch.first,
            records: batch.records,
            body_bytes: batch.body.len() as u32,
            at: self.block,
            previous_end: self.chain.end_block,
            previous_segment: self.chain.segment,
            previous: self.chain.hash,
        };
        let hash = frame::encode(&header, batch.body, &mut self.buffer);
        let file = self.file.as_ref().ok_or_else(|| io::Error::other("no segment is open"))?;
        file.write_at(u64::from(self.block) * BLOCK as u64, &self.buffer)?;
        fail_at("before_sync");
        file.sync()?;
        fail_at("after_sync");
        self.block += header.blocks();
        self.chain = Chain {
            segment: header.segment,
            end_block: self.block,
            end: Offset::new(batch.first.get() + u64::from(batch.records) - 1),
            epoch: self.epoch,
            hash,
        };
        Ok(FrameAt { segment: header.segment, block: header.at })
    }

    /// The mark is a witness, not the truth: that it cannot be written is worth a line, no more.
    fn write_mark(&mut self, synced: bool) {
        self.frames_since_mark = 0;
        let mark = Mark { offset: self.chain.end, hash: self.chain.hash };
        let written = self.mark.write(mark);
        if let Err(error) = written.and_then(|()| if synced { self.mark.sync() } else { Ok(()) }) {
            tracing::warn!(%error, offset = mark.offset.get(), "durable mark not written");
        }
    }
}

impl Journal for FileJournal {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn end(&self) -> Offset {
        self.chain.end
    }

    fn body_bytes_max(&self) -> usize {
        frame::body_bytes_max(self.largest_frame)
    }

    fn append(&mut self, batch: Batch<'_>) -> Result<FrameAt, AppendError> {
        assert_eq!(batch.first, self.chain.end.next(), "a log has no holes");
        assert!(batch.records > 0, "a frame holds at least one record");
        if self.dead {
            return Err(io::Error::other("the journal has failed before").into());
        }
        let (bytes, bytes_max) = (batch.body.len(), self.body_bytes_max());
        if bytes > bytes_max {
            return Err(AppendError::TooLarge { bytes, bytes_max });
        }
        let full = |it: &Self| it.block + frame::blocks(bytes) > it.capacity_blocks;
        // Segments made with other sizes than today's may be too small for any frame: one step
        // more.
        while self.broken || full(self) {
            self.rotate()?;
        }
        let at = match self.write(&batch) {
            Ok(at) => at,
            Err(error) => {
                tracing::warn!(%error, segment = self.segment, "write failed, going on in a new segment");
                self.broken = true;
                self.rotate()?;
                self.write(&batch).inspect_err(|_| self.dead = true)?
            }
        };
        self.frames_since_mark += 1;
        if self.frames_since_mark >= MARK_EVERY_FRAMES {
            self.write_mark(false);
        }
        Ok(at)
    }

    fn writable(&self) -> bool {
        // A spare that is only late is no reason to refuse while what is in hand surely fits.
        let roomy = self.block < self.capacity_blocks / 2;
        !self.dead && !self.spare.failed() && (roomy || self.spare.is_ready())
    }

    fn idle(&mut self) {
        if self.frames_since_mark > 0 {
            self.write_mark(false);
        }
        if self.spare.failed() {
            self.spare.retry();
        }
    }

    fn retain(&mut self) -> io::Result<Offset> {
        self.shared.retain()
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.shared.clone()
    }

    fn release(mut self: Box<Self>) -> io::Result<()> {
        if !self.dead && !self.broken {
            self.write_mark(true);
        }
        Ok(())
    }
}

impl SegmentInfo {
    /// A segment that has just been put to use.
    pub(super) fn started(first: Offset) -> Self {
        SegmentInfo { first, sealed: None }
    }
}
