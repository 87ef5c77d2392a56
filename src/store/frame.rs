//! The frame: what one group commit looks like on disk.
//!
//! Owns the byte layout, its checks and nothing else: no file, no thread. A frame starts on a
//! 512-byte boundary of its segment and is a run of 512-byte blocks. Every block is 508 bytes of
//! payload and a CRC, so a sector that never reached the disk is told from one that was changed.
//! All numbers are little-endian.
//!
//! | bytes of the payload | what |
//! |---|---|
//! | 0..8 | magic: `LAYBOOK1` in segments, `LAYBOOKC` in checkpoints, `LAYBOOKR` in ring logs; the last byte is the version of this layout |
//! | 8..16 | segment number (of a checkpoint: the offset it goes through) |
//! | 16..24 | epoch of the owner that wrote it |
//! | 24..32 | offset of the first record |
//! | 32..36 | how many records |
//! | 36..40 | length of the body in bytes |
//! | 40..44 | the block of the segment at which this frame starts |
//! | 44..48 | the block at which the frame before ended |
//! | 48..56 | the segment in which the frame before ended |
//! | 56..88 | BLAKE3 hash of the whole frame before, blocks with their CRCs; zeros before the first |
//! | 88.. | body: each record as a u32 length and its bytes; zeros up to the end of the last block |
//!
//! The CRC of a block is CRC32 of its payload, mixed with segment number, block of the segment and
//! block of the frame. So a block proves where it belongs: moved elsewhere, or taken for the start
//! of a frame, it is bad. A written block is never all zero, because a CRC of zero is written as 1.

use crate::entry::{Epoch, Offset};

pub const BLOCK: usize = 512;
pub const PAYLOAD: usize = BLOCK - 4;
/// Bytes of the header in the payload of the first block.
pub const HEADER: usize = 88;
/// The largest frame, all blocks counted. A torn frame is never longer, which bounds what opening
/// must zero.
pub const FRAME_BYTES_MAX: usize = 8 << 20;

pub type Hash = [u8; 32];

const ZERO_BLOCK: [u8; BLOCK] = [0; BLOCK];

/// Which kind of file a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Segment,
    Checkpoint,
    /// Of a [`crate::ring_log`]: nothing rests on it.
    Ring,
}

impl Kind {
    const fn magic(self) -> &'static [u8; 8] {
        match self {
            Kind::Segment => b"LAYBOOK1",
            Kind::Checkpoint => b"LAYBOOKC",
            Kind::Ring => b"LAYBOOKR",
        }
    }
}

/// What the first block says of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    pub segment: u64,
    pub epoch: Epoch,
    pub first: Offset,
    pub records: u32,
    pub body_bytes: u32,
    /// Where the frame starts, in blocks of its segment.
    pub at: u32,
    /// Where the frame before ended, in blocks of its segment.
    pub previous_end: u32,
    /// The segment in which it ended: this one, or an earlier one. Zero before the first frame.
    pub previous_segment: u64,
    pub previous: Hash,
}

impl Header {
    pub fn blocks(&self) -> u32 {
        blocks(self.body_bytes as usize)
    }
}

/// How many blocks a frame with a body of so many bytes takes.
pub fn blocks(body_bytes: usize) -> u32 {
    (HEADER + body_bytes).div_ceil(PAYLOAD) as u32
}

/// The largest body of a frame of at most `frame_bytes`.
pub fn body_bytes_max(frame_bytes: usize) -> usize {
    (frame_bytes.min(FRAME_BYTES_MAX) / BLOCK * PAYLOAD).saturating_sub(HEADER)
}

/// Writes the frame into `out` (which is cleared) and returns its hash.
pub fn encode(header: &Header, body: &[u8], out: &mut Vec<u8>) -> Hash {
    debug_assert_eq!(header.body_bytes as usize, body.len());
    out.clear();
    out.reserve(header.blocks() as usize * BLOCK);
    out.extend_from_slice(header.kind.magic());
    out.extend_from_slice(&header.segment.to_le_bytes());
    out.extend_from_slice(&header.epoch.get().to_le_bytes());
    out.extend_from_slice(&header.first.get().to_le_bytes());
    for number in [header.records, header.body_bytes, header.at, header.previous_end] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&header.previous_segment.to_le_bytes());
    out.extend_from_slice(&header.previous);
    let (mut rest, mut room) = (body, PAYLOAD - HEADER);
    for index in 0..header.blocks() {
        let (part, later) = rest.split_at(room.min(rest.len()));
        out.extend_from_slice(part);
        let start = index as usize * BLOCK;
        out.resize(start + PAYLOAD, 0);
        let crc = block_crc(&out[start..], header.segment, header.at + index, index);
        out.extend_from_slice(&crc.to_le_bytes());
        (rest, room) = (later, PAYLOAD);
    }
    *blake3::hash(out).as_bytes()
}

/// CRC of the payload, bound to the place. Never zero.
fn block_crc(payload: &[u8], segment: u64, at: u32, index: u32) -> u32 {
    let place =
        segment ^ ((u64::from(at) << 32 | u64::from(index)).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let place = (place ^ (place >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (crc32fast::hash(payload) ^ (place >> 32) as u32).max(1)
}

/// Fills in the CRC of a block that is not part of a frame (a footer, a mark); `index` is above any
/// frame's.
pub(crate) fn seal(block: &mut [u8; BLOCK], segment: u64, at: u32, index: u32) {
    let crc = block_crc(&block[..PAYLOAD], segment, at, index);
    block[PAYLOAD..].copy_from_slice(&crc.to_le_bytes());
}

/// What a block on disk is, asked of one place in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Never written.
    Zero,
    /// Block number `index` of a frame that starts `index` blocks before.
    Good,
    /// Anything else.
    Bad,
}

/// `at` counts in the segment, `index` in the frame that the block is asked to belong to.
pub fn classify(block: &[u8], segment: u64, at: u32, index: u32) -> Block {
    if block == ZERO_BLOCK {
        return Block::Zero;
    }
    let crc = block_crc(&block[..PAYLOAD], segment, at, index);
    if block[PAYLOAD..] == crc.to_le_bytes() { Block::Good } else { Block::Bad }
}

/// Reads the header out of a first block whose CRC is good.
pub fn header(kind: Kind, block: &[u8]) -> Result<Header, &'static str> {
    if block[..8] != *kind.magic() {
        return Err("the magic of the frame is not of this version");
    }
    let number = |at: usize| u64::from_le_bytes(array(&block[at..at + 8]));
    let short = |at: usize| u32::from_le_bytes(array(&block[at..at + 4]));
    let header = Header {
        kind,
        segment: number(8),
        epoch: Epoch::new(number(16)),
        first: Offset::new(number(24)),
        records: short(32),
        body_bytes: short(36),
        at: short(40),
        previous_end: short(44),
        previous_segment: number(48),
        previous: array(&block[56..88]),
    };
    if HEADER + header.body_bytes as usize > FRAME_BYTES_MAX {
        return Err("the frame claims to be longer than any frame");
    }
    Ok(header)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("callers slice exactly N bytes")
}

/// The hash that the next frame must carry.
pub fn hash(frame: &[u8]) -> Hash {
    *blake3::hash(frame).as_bytes()
}

/// Takes the body out of the blocks of a frame that was checked; `out` is cleared.
pub fn body(frame: &[u8], header: &Header, out: &mut Vec<u8>) {
    out.clear();
    out.reserve(header.body_bytes as usize);
    let mut left = header.body_bytes as usize;
    for (index, block) in frame.chunks_exact(BLOCK).enumerate() {
        let from = if index == 0 { HEADER } else { 0 };
        let part = left.min(PAYLOAD - from);
        out.extend_from_slice(&block[from..from + part]);
        left -= part;
    }
}

/// Appends one record to a body: `encode` writes it, its length goes before.
pub fn push_record(body: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let start = body.len();
    body.extend_from_slice(&[0; 4]);
    encode(body);
    let bytes = (body.len() - start - 4) as u32;
    body[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
}

/// The records of a body, as bytes. Ends early on a body that lies about its lengths;
/// [`Records::is_whole`] tells.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
}

pub fn records(body: &[u8]) -> Records<'_> {
    Records { rest: body }
}

impl Records<'_> {
    /// After the last record: nothing was left over.
    pub fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > rest.len() {
            return None;
        }
        let (record, rest) = rest.split_at(length);
        self.rest = rest;
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(body: &[u8]) -> Header {
        Header {
            kind: Kind::Segment,
            segment: 3,
            epoch: Epoch::new(2),
            first: Offset::new(77),
            records: 1,
            body_bytes: body.len() as u32,
            at: 9,
            previous_end: 9,
            previous_segment: 3,
            previous: [5; 32],
        }
    }

    proptest! {
        #[test]
        fn a_frame_reads_back_as_it_was_written(body_in in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let wanted = sample(&body_in);
            let mut frame = vec![1, 2, 3];
            let written = encode(&wanted, &body_in, &mut frame);
            prop_assert_eq!(frame.len(), wanted.blocks() as usize * BLOCK);
            prop_assert_eq!(written, hash(&frame));
            for (index, block) in frame.chunks(BLOCK).enumerate() {
                let index = index as u32;
                prop_assert_eq!(classify(block, 3, 9 + index, index), Block::Good);
                prop_assert_eq!(classify(block, 4, 9 + index, index), Block::Bad);
                prop_assert_eq!(classify(block, 3, 10 + index, index), Block::Bad);
                prop_assert_eq!(classify(block, 3, 9 + index, index + 1), Block::Bad);
            }
            prop_assert_eq!(header(Kind::Segment, &frame).unwrap(), wanted);
            prop_assert!(header(Kind::Checkpoint, &frame).is_err());
            let mut body_out = Vec::new();
            body(&frame, &wanted, &mut body_out);
            prop_assert_eq!(body_out, body_in);
        }

        #[test]
        fn any_flipped_bit_makes_its_block_bad(bit in 0usize..2 * BLOCK * 8) {
            let content = vec![0; 600];
            let mut frame = Vec::new();
            encode(&sample(&content), &content, &mut frame);
            frame[bit / 8] ^= 1 << (bit % 8);
            let index = bit / 8 / BLOCK;
            let block = &frame[index * BLOCK..][..BLOCK];
            prop_assert_eq!(classify(block, 3, 9 + index as u32, index as u32), Block::Bad);
        }
    }

    #[test]
    fn records_are_walked_without_decoding_and_a_lying_length_is_noticed() {
        let mut body = Vec::new();
        push_record(&mut body, |out| out.extend_from_slice(b"one"));
        push_record(&mut body, |_| {});
        push_record(&mut body, |out| out.extend_from_slice(b"three"));
        let mut walk = records(&body);
        assert_eq!(walk.by_ref().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        assert!(walk.is_whole());
        body.pop();
        let mut walk = records(&body);
        assert_eq!(walk.by_ref().count(), 2);
        assert!(!walk.is_whole());
    }

    #[test]
    fn the_largest_body_makes_the_largest_frame() {
        assert_eq!(blocks(body_bytes_max(usize::MAX)) as usize * BLOCK, FRAME_BYTES_MAX);
        assert_eq!(blocks(body_bytes_max(4096)), 8);
        assert_eq!(blocks(body_bytes_max(4096) + 1), 9);
    }
}
