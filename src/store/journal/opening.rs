//! Opening a log: every frame from the last checkpoint on is verified, a torn tail is cut, damage refuses.
//!
//! Owns the decision between *torn* and *damaged*. At most one frame is unsynced at a time, so a crash can only leave
//! blocks of one frame missing, and that frame is the last. Torn therefore is: the last frame, only zero blocks missing,
//! nothing behind it. Everything else (a block that is neither zero nor good, a good block of another frame behind a bad
//! one, a short file, a broken chain, an end below the durable mark) is damage. Nothing is changed on disk before the
//! whole log has been found good.
//!
//! A frame whose sync failed was written again at the start of the next segment. What it left behind in its first place
//! is told by the next segment's first header, which says where the chain left this one; only blocks of that one frame
//! may stand there. If the crash came before the second try was durable, the tries themselves are the torn tail: at most
//! two segments at the end may hold nothing but a torn first frame (or nothing), and are removed.

use super::mark::MarkCheck;
use super::{FrameAt, Replay, Stored, segment};
use crate::disk::{Disk, DiskFile};
use crate::entry::{Epoch, Offset};
use crate::error::{Damage, OpenError};
use crate::frame::{self, BLOCK, Block, FRAME_BYTES_MAX, Hash, Header, Kind};
use std::collections::BTreeMap;

/// The link that the next frame must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Chain {
    pub(super) segment: u64,
    /// Where the last frame ended.
    pub(super) end_block: u32,
    pub(super) end: Offset,
    pub(super) epoch: Epoch,
    pub(super) hash: Hash,
}

/// A live segment: its first record, and the chain at its end once it takes no more frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentInfo {
    pub(super) first: Offset,
    pub(super) sealed: Option<Chain>,
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
    /// Blocks of one frame with zero blocks among them, and nothing behind. The header may be missing too.
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

/// `bytes` are the segment without its footer; `at` is the block at which the next frame would start.
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
    /// The next segment says that the chain left this one here.
    At(u32),
    /// A later segment has frames, but does not say where this one ended: the chain will.
    Whole,
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
    /// Verifies and replays the segments behind `self.chain`, then makes the end of the log durable.
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
        let (trailing, reach) = self.trailing(&mut live)?;
        let mut segments = BTreeMap::new();
        let mut tail = None;
        for (index, &number) in live.iter().enumerate() {
            let next = live.get(index + 1).copied();
            let limit = self.limit(next)?;
            let first = self.chain.end.next();
            let file = self.disk.open(&segment::name(number))?;
            let bytes = segment::load(&*file, number)??;
            let last_frame = self.segment(&bytes, number, limit)?;
            let sealed = next.map(|_| self.chain);
            segments.insert(number, SegmentInfo { first, sealed });
            if limit == Limit::Tail {
                self.reaches(reach)?;
                tail = Some(LastSegment { file, bytes, last_frame });
            }
        }
        let position = u64::from(self.chain.end_block) * BLOCK as u64;
        self.mark.finish(&segment::name(self.chain.segment), position, self.chain.end)?;
        Ok(Checked { trailing, segments, tail })
    }

    /// Verifies segments that the checkpoint `self.chain` covers and that are still there; nothing of them is replayed into
    /// the fold. Afterwards the chain stands at the checkpoint again.
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
        for &number in &covered {
            let bytes = segment::load(&*self.disk.open(&segment::name(number))?, number)??;
            if number == first {
                self.chain = match look(&bytes, number, 0)? {
                    Found::Whole(header) => Chain {
                        segment: number - 1,
                        end_block: header.previous_end,
                        end: Offset::new(header.first.get() - 1),
                        epoch: header.epoch,
                        hash: header.previous,
                    },
                    _ => return Err(damage(number, 0, "the segment has no frame").into()),
                };
            }
            let limit = match number == base.segment {
                true => Limit::At(base.end_block),
                false => self.limit(Some(number + 1))?,
            };
            self.segment(&bytes, number, limit)?;
        }
        if self.chain != base {
            return Err(
                damage(base.segment, base.end_block, "the checkpoint has another end").into()
            );
        }
        Ok(())
    }

    /// Takes off the segments at the end that hold no whole frame; the header of a torn one may say how far the segment
    /// before it went.
    fn trailing(&self, live: &mut Vec<u64>) -> Result<(Vec<u64>, Option<Header>), OpenError> {
        let (mut trailing, mut reach) = (Vec::new(), None);
        while let Some(&number) = live.last() {
            let bytes = segment::load(&*self.disk.open(&segment::name(number))?, number)??;
            match look(&bytes, number, 0)? {
                Found::Whole(_) => break,
                Found::Torn(header) => reach = header,
                Found::End => reach = None,
            }
            live.pop();
            trailing.insert(0, number);
            if trailing.len() > 2 {
                return Err(damage(
                    number,
                    0,
                    "more segments without a frame than a crash can leave",
                )
                .into());
            }
        }
        Ok((trailing, reach))
    }

    fn limit(&self, next: Option<u64>) -> Result<Limit, OpenError> {
        let Some(next) = next else { return Ok(Limit::Tail) };
        let mut block = [0; BLOCK];
        let file = self.disk.open(&segment::name(next))?;
        if file.len()? < BLOCK as u64 {
            return Err(damage(next, 0, "the file is short").into());
        }
        file.read_at(0, &mut block)?;
        if frame::classify(&block, next, 0, 0) != Block::Good {
            return Ok(Limit::Whole);
        }
        let header = frame::header(Kind::Segment, &block).map_err(|why| damage(next, 0, why))?;
        Ok(Limit::At(header.previous_end))
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
                // Here the sync of a frame failed, or the segment was full: only that frame may stand here.
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
                (Found::End, Limit::Whole) | (_, Limit::Tail) => break,
                (Found::Torn(_), Limit::Whole) | (_, Limit::At(_)) => {
                    return Err(damage(number, at, "a frame is missing before later frames").into());
                }
            }
        }
        self.chain.segment = number;
        self.chain.end_block = at;
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

    /// A torn try in the next segment knew where this one ended.
    fn reaches(&self, header: Option<Header>) -> Result<(), Damage> {
        let Some(header) = header else { return Ok(()) };
        let (end, hash) = (self.chain.end_block, self.chain.hash);
        if end < header.previous_end || (end == header.previous_end && hash != header.previous) {
            return Err(damage(self.chain.segment, end, "frames are missing before the torn one"));
        }
        Ok(())
    }

    /// Writes the last frame again, zeros behind it (a torn frame is never longer than that), and syncs: after a kill the
    /// page cache may show what the disk does not have.
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
    let previous_end = if header.at == 0 { chain.end_block } else { header.at };
    let why = if header.first != chain.end.next() {
        "the frame does not start with the next record"
    } else if header.previous != chain.hash {
        "the hash of the frame before does not fit"
    } else if header.epoch < chain.epoch {
        "an older owner wrote behind a newer one"
    } else if header.previous_end != previous_end {
        "the frame before ended elsewhere"
    } else if header.records == 0 {
        "the frame has no record"
    } else {
        return Ok(());
    };
    Err(damage(header.segment, header.at, why))
}
