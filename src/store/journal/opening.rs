//! Opening a log: every frame from the last checkpoint on is verified, a torn tail is cut, damage
//! refuses.
//!
//! Owns the decision between *torn* and *damaged*. At most one frame is unsynced at a time, so a
//! crash can only leave blocks of one frame missing, and that frame is the last. Torn therefore is:
//! the last frame, only zero blocks missing, nothing behind it. Everything else (a block that is
//! neither zero nor good, a good block of another frame behind a bad one, a short file, a broken
//! chain, an end below the durable mark) is damage. Nothing is changed on disk before the whole log
//! has been found good.
//!
//! A frame whose sync failed was written again at the start of the next segment. What it left
//! behind in its first place is told by the first header behind it, which says in which segment and
//! block the frame before ended; only blocks of the one frame may stand behind that. If the crash
//! came before another try was durable, the tries themselves are the torn tail: segments at the end
//! that hold nothing but a torn first frame (or nothing) are removed.

use super::mark::MarkCheck;
use super::{FrameAt, Replay, Stored, segment};
use crate::disk::{Disk, DiskFile};
use crate::entry::{Epoch, Offset};
use crate::error::{Damage, OpenError};
use crate::frame::{self, BLOCK, Block, FRAME_BYTES_MAX, Hash, Header, Kind};
use std::collections::BTreeMap;

/// The link that the next frame must carry. Segment and block are where the last frame ended, even
/// if segments were left without one since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Chain {
    pub(super) segment: u64,
    /// Where the last frame ended.
    pub(super) end_block: u32,
    pub(super) end: Offset,
    pub(super) epoch: Epoch,
    pub(super) hash: Hash,
}

/// A live segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentInfo {
    /// Its first record, or the one that would be.
    pub(super) first: Offset,
    /// Once it takes no more frames: the block behind its last one, and the chain there.
    pub(super) sealed: Option<(u32, Chain)>,
}

/// The segment that takes the next frame.
pub(super) struct Tail {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) capacity_blocks: u32,
}

pub(super) struct Opened {
    pub(super) chain: Chain,
    pub(super) tail: Option<Tail>,
    pub(super) segments: BTreeMap<u64, SegmentInfo>,
}

/// A log that was found good, not changed yet.
pub(super) struct Checked {
    /// Segments at the end that hold no whole frame.
    pub(super) trailing: Vec<u64>,
    pub(super) segments: BTreeMap<u64, SegmentInfo>,
    pub(super) tail: Option<LastSegment>,
}

/// The last segment with frames.
pub(super) struct LastSegment {
    file: Box<dyn DiskFile>,
    pub(super) bytes: Vec<u8>,
    pub(super) last_frame: Option<Header>,
}

/// What stands at a place where a frame may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Whole(Header),
    /// Blocks of one frame with zero blocks among them, and nothing behind. The header may be
    /// missing too.
    Torn(Option<Header>),
    /// Zeros to the end of the segment.
    End,
}

fn block_at(bytes: &[u8], at: u32) -> &[u8] {
    &bytes[at as usize * BLOCK..][..BLOCK]
}

fn damage(segment: u64, at: u32, why: impl Into<String>) -> Damage {
    Damage::new(&segment::name(segment), u64::from(at) * BLOCK as u64, why)
}

/// `bytes` are the segment without its footer; `at` is the block at which the next frame would
/// start.
pub(super) fn look(bytes: &[u8], segment: u64, at: u32) -> Result<Found, Damage> {
    let capacity = (bytes.len() / BLOCK) as u32;
    if at == capacity {
        return Ok(Found::End);
    }
    let header = match frame::classify(block_at(bytes, at), segment, at, 0) {
        Block::Bad => return Err(damage(segment, at, "a block was changed")),
        Block::Zero => None,
        Block::Good => {
            let header = frame::header(Kind::Segment, block_at(bytes, at))
                .map_err(|why| damage(segment, at, why))?;
            if header.at != at || header.segment != segment {
                return Err(damage(segment, at, "the frame belongs to another place"));
            }
            if at + header.blocks() > capacity {
                return Err(damage(segment, at, "the frame is longer than its segment"));
            }
            Some(header)
        }
    };
    let longest = (FRAME_BYTES_MAX / BLOCK) as u32;
    let end = at + header.map_or(longest, |header| header.blocks()).min(capacity - at);
    let (mut good, mut missing) = (header.is_some(), header.is_none());
    for block in at + 1..end {
        match frame::classify(block_at(bytes, block), segment, block, block - at) {
            Block::Good => good = true,
            Block::Zero => missing = true,
            Block::Bad => return Err(damage(segment, block, "a block was changed")),
        }
    }
    if let (Some(header), false) = (header, missing) {
        return Ok(Found::Whole(header));
    }
    nothing_behind(bytes, segment, end)?;
    Ok(if good { Found::Torn(header) } else { Found::End })
}

fn nothing_behind(bytes: &[u8], segment: u64, from: u32) -> Result<(), Damage> {
    let capacity = (bytes.len() / BLOCK) as u32;
    match (from..capacity).find(|&block| block_at(bytes, block) != [0; BLOCK]) {
        Some(block) => {
            Err(damage(segment, block, "something stands behind a frame that is not whole"))
        }
        None => Ok(()),
    }
}

/// How far a segment may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// A later header says that the chain left this one here.
    At(u32),
    /// Nothing comes after: a torn frame may end it.
    Tail,
}

pub(super) struct Opening<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) mark: MarkCheck,
    pub(super) replay: &'a mut dyn Replay,
    pub(super) chain: Chain,
    pub(super) body: Vec<u8>,
}

impl Opening<'_> {
    /// Verifies and replays the segments behind `self.chain`, then makes the end of the log
    /// durable.
    pub(super) fn run(mut self, numbers: &[u64]) -> Result<Opened, OpenError> {
        let Checked { trailing, segments, tail } = self.check(numbers)?;
        crate::failpoint::fail_at("recovery");
        let tail = tail.map(|last| self.settle(last)).transpose()?;
        for number in trailing.into_iter().rev() {
            self.disk.remove(&segment::name(number))?;
        }
        self.disk.sync_directory()?;
        Ok(Opened { chain: self.chain, tail, segments })
    }

    /// Verifies and replays; changes nothing.
    pub(super) fn check(&mut self, numbers: &[u64]) -> Result<Checked, OpenError> {
        let base = self.chain.segment;
        let mut live: Vec<u64> = numbers.iter().copied().filter(|&number| number > base).collect();
        live.sort_unstable();
        for (expected, &number) in (base + 1..).zip(&live) {
            if number != expected {
                return Err(damage(expected, 0, "the segment is missing").into());
            }
        }
        let (trailing, torn) = self.trailing(&mut live)?;
        let mut segments = BTreeMap::new();
        let mut tail = None;
        let limits = match live.last() {
            Some(&last) => self.limits(last, Limit::Tail, base)?,
            None => BTreeMap::new(),
        };
        for (number, limit) in limits {
            let first = self.chain.end.next();
            let file = self.disk.open(&segment::name(number))?;
            let bytes = segment::load(&*file, number)??;
            let last_frame = self.segment(&bytes, number, limit)?;
            let sealed = match limit {
                Limit::At(end_block) => Some((end_block, self.chain)),
                Limit::Tail => None,
            };
            segments.insert(number, SegmentInfo { first, sealed });
            if limit == Limit::Tail {
                tail = Some(LastSegment { file, bytes, last_frame });
            }
        }
        torn.iter().try_for_each(|header| self.reaches(header))?;
        let position = u64::from(self.chain.end_block) * BLOCK as u64;
        self.mark.finish(&segment::name(self.chain.segment), position, self.chain.end)?;
        Ok(Checked { trailing, segments, tail })
    }

    /// Verifies segments that the checkpoint `self.chain` covers and that are still there; nothing
    /// of them is replayed into the fold. Afterwards the chain stands at the checkpoint again.
    pub(super) fn check_covered(&mut self, numbers: &[u64]) -> Result<(), OpenError> {
        let base = self.chain;
        let mut covered: Vec<u64> =
            numbers.iter().copied().filter(|&number| number <= base.segment).collect();
        covered.sort_unstable();
        let Some(&first) = covered.first() else { return Ok(()) };
        for (expected, &number) in (first..=base.segment).zip(&covered) {
            if number != expected {
                return Err(damage(expected, 0, "the segment is missing").into());
            }
        }
        if covered.last() != Some(&base.segment) {
            return Err(damage(base.segment, 0, "the segment is missing").into());
        }
        let limits = self.limits(base.segment, Limit::At(base.end_block), first - 1)?;
        // Below it there may be segments that were left without a frame.
        let first_with_frames = limits.iter().find(|(_, limit)| **limit != Limit::At(0));
        let first_with_frames = first_with_frames.map_or(base.segment, |(&number, _)| number);
        let header = self.first_header(first_with_frames)?;
        self.chain = Chain {
            segment: header.previous_segment,
            end_block: header.previous_end,
            end: Offset::new(header.first.get().saturating_sub(1)),
            epoch: header.epoch,
            hash: header.previous,
        };
        for (number, limit) in limits {
            let bytes = segment::load(&*self.disk.open(&segment::name(number))?, number)??;
            self.segment(&bytes, number, limit)?;
        }
        if self.chain != base {
            return Err(
                damage(base.segment, base.end_block, "the checkpoint has another end").into()
            );
        }
        Ok(())
    }

    /// Takes off the segments at the end that hold no whole frame; the headers of torn ones say how
    /// far the log went before.
    fn trailing(&self, live: &mut Vec<u64>) -> Result<(Vec<u64>, Vec<Header>), OpenError> {
        let (mut trailing, mut torn) = (Vec::new(), Vec::new());
        while let Some(&number) = live.last() {
            let bytes = segment::load(&*self.disk.open(&segment::name(number))?, number)??;
            match look(&bytes, number, 0)? {
                Found::Whole(_) => break,
                Found::Torn(header) => torn.extend(header),
                Found::End => {}
            }
            live.pop();
            trailing.insert(0, number);
        }
        Ok((trailing, torn))
    }

    /// How far each segment above `floor` goes, told by the first headers from `last` backwards.
    fn limits(
        &self,
        last: u64,
        limit: Limit,
        floor: u64,
    ) -> Result<BTreeMap<u64, Limit>, OpenError> {
        let mut limits = BTreeMap::from([(last, limit)]);
        let mut number = last;
        while number > floor {
            let header = self.first_header(number)?;
            if header.previous_segment >= number {
                return Err(damage(number, 0, "the frame before stands in a later segment").into());
            }
            for empty in header.previous_segment.max(floor) + 1..number {
                limits.insert(empty, Limit::At(0));
            }
            number = header.previous_segment;
            if number > floor {
                limits.insert(number, Limit::At(header.previous_end));
            }
        }
        Ok(limits)
    }

    fn first_header(&self, number: u64) -> Result<Header, OpenError> {
        let mut block = [0; BLOCK];
        let file = self.disk.open(&segment::name(number))?;
        if file.len()? < BLOCK as u64 {
            return Err(damage(number, 0, "the file is short").into());
        }
        file.read_at(0, &mut block)?;
        if frame::classify(&block, number, 0, 0) != Block::Good {
            return Err(damage(number, 0, "the segment does not start with a frame").into());
        }
        Ok(frame::header(Kind::Segment, &block).map_err(|why| damage(number, 0, why))?)
    }

    /// Replays one segment; returns the last frame in it.
    fn segment(
        &mut self,
        bytes: &[u8],
        number: u64,
        limit: Limit,
    ) -> Result<Option<Header>, OpenError> {
        let (mut at, mut last) = (0, None);
        loop {
            if limit == Limit::At(at) {
                // Here the sync of a frame failed, or the segment was full: only that frame may
                // stand here.
                if let Found::Whole(abandoned) = look(bytes, number, at)? {
                    nothing_behind(bytes, number, at + abandoned.blocks())?;
                }
                break;
            }
            match (look(bytes, number, at)?, limit) {
                (Found::Whole(header), _) => {
                    self.frame(bytes, &header)?;
                    at += header.blocks();
                    last = Some(header);
                    if matches!(limit, Limit::At(end) if at > end) {
                        return Err(damage(number, at, "the segment goes on behind its end").into());
                    }
                }
                (_, Limit::Tail) => break,
                (_, Limit::At(_)) => {
                    return Err(damage(number, at, "a frame is missing before later frames").into());
                }
            }
        }
        Ok(last)
    }

    fn frame(&mut self, bytes: &[u8], header: &Header) -> Result<(), OpenError> {
        let place = FrameAt { segment: header.segment, block: header.at };
        let blocks = &bytes[header.at as usize * BLOCK..][..header.blocks() as usize * BLOCK];
        link(&self.chain, header)?;
        self.chain.end = Offset::new(self.chain.end.get() + u64::from(header.records));
        self.chain.epoch = header.epoch;
        self.chain.hash = frame::hash(blocks);
        self.chain.segment = header.segment;
        self.chain.end_block = header.at + header.blocks();
        frame::body(blocks, header, &mut self.body);
        let stored = Stored {
            at: place,
            epoch: header.epoch,
            first: header.first,
            records: header.records,
            body: &self.body,
        };
        self.replay
            .frame(stored)
            .map_err(|error| damage(place.segment, place.block, error.to_string()))?;
        Ok(self.mark.frame(place, self.chain.end, &self.chain.hash)?)
    }

    /// A torn try in a later segment knew where the log ended.
    fn reaches(&self, header: &Header) -> Result<(), Damage> {
        let (known, here) = (
            (header.previous_segment, header.previous_end),
            (self.chain.segment, self.chain.end_block),
        );
        if here < known || (here == known && self.chain.hash != header.previous) {
            return Err(damage(
                self.chain.segment,
                here.1,
                "frames are missing before the torn one",
            ));
        }
        Ok(())
    }

    /// Writes the last frame again, zeros behind it (a torn frame is never longer than that), and
    /// syncs: after a kill the page cache may show what the disk does not have.
    fn settle(&self, segment: LastSegment) -> Result<Tail, OpenError> {
        let LastSegment { file, bytes, last_frame } = segment;
        if let Some(header) = last_frame {
            let start = header.at as usize * BLOCK;
            file.write_at(start as u64, &bytes[start..][..header.blocks() as usize * BLOCK])?;
        }
        let end = self.chain.end_block as usize * BLOCK;
        let zeros = vec![0; FRAME_BYTES_MAX.min(bytes.len() - end)];
        file.write_at(end as u64, &zeros)?;
        file.sync()?;
        Ok(Tail { file, capacity_blocks: (bytes.len() / BLOCK) as u32 })
    }
}

/// Checks that a frame is the one that comes next.
pub(super) fn link(chain: &Chain, header: &Header) -> Result<(), Damage> {
    let why = if header.first != chain.end.next() {
        "the frame does not start with the next record"
    } else if header.previous != chain.hash {
        "the hash of the frame before does not fit"
    } else if header.epoch < chain.epoch {
        "an older owner wrote behind a newer one"
    } else if (header.previous_segment, header.previous_end) != (chain.segment, chain.end_block) {
        "the frame before ended elsewhere"
    } else if header.records == 0 {
        "the frame has no record"
    } else {
        return Ok(());
    };
    Err(damage(header.segment, header.at, why))
}
