//! Where each entity's records since its last snapshot stand, and the newest frames themselves.
//!
//! Owns the memory that makes one entity's restart cheap: 8 bytes a record that no snapshot covers,
//! 24 bytes a frame that no checkpoint covers, and the most recent frames up to a bound. Knows the
//! token of each live entity. Belongs to the writer's thread alone, so there is no lock.

use crate::entry::{Entry, Offset, Token};
use crate::journal::FrameAt;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A durable frame's records, shared by the publisher, the cache and those that recover.
pub type Frame<R> = Arc<[(Offset, R)]>;

#[derive(Debug, Default)]
struct Entity {
    token: Option<Token>,
    /// All records behind this are in `offsets` (if no checkpoint covers them).
    trimmed: Offset,
    offsets: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    first: u64,
    at: FrameAt,
}

#[derive(Debug)]
struct Cached<R> {
    first: u64,
    bytes: usize,
    records: Frame<R>,
}

/// Some records of one entity in one frame, by their number in the frame.
#[derive(Clone, Debug)]
pub enum Piece<R> {
    Cached(Frame<R>, Vec<u32>),
    Stored(FrameAt, Offset, Vec<u32>),
}

pub struct Index<R: Entry> {
    entities: HashMap<R::Key, Entity>,
    frames: VecDeque<Span>,
    cached: VecDeque<Cached<R>>,
    cached_bytes: usize,
    cache_bytes_max: usize,
    last_token: u64,
}

impl<R: Entry> Index<R> {
    /// `cache_bytes_max` counts encoded bytes.
    pub fn new(cache_bytes_max: usize) -> Self {
        Index {
            entities: HashMap::new(),
            frames: VecDeque::new(),
            cached: VecDeque::new(),
            cached_bytes: 0,
            cache_bytes_max,
            last_token: 0,
        }
    }

    /// Whether `token` is the one that the entity got last.
    pub fn is_current(&self, key: R::Key, token: Token) -> bool {
        self.entities.get(&key).is_some_and(|entity| entity.token == Some(token))
    }

    /// A new token; the one before is worthless from now on.
    pub fn issue(&mut self, key: R::Key) -> Token {
        self.last_token += 1;
        let token = Token(self.last_token);
        self.entities.entry(key).or_default().token = Some(token);
        token
    }

    /// The entity is gone until it attaches again; false when it was not the current one.
    pub fn retire(&mut self, key: R::Key, token: Token) -> bool {
        match self.entities.get_mut(&key) {
            Some(entity) if entity.token == Some(token) => {
                entity.token = None;
                true
            }
            _ => false,
        }
    }

    /// A record of the frame that is being gathered.
    pub fn record(&mut self, key: R::Key, offset: Offset) {
        self.entities.entry(key).or_default().offsets.push(offset.get());
    }

    /// The frame that has become durable.
    pub fn frame(&mut self, at: FrameAt, records: Frame<R>, bytes: usize) {
        let Some((first, _)) = records.first() else { return };
        let first = first.get();
        self.frames.push_back(Span { first, at });
        self.cached.push_back(Cached { first, bytes, records });
        self.cached_bytes += bytes;
        while self.cached_bytes > self.cache_bytes_max {
            let Some(oldest) = self.cached.pop_front() else { break };
            self.cached_bytes -= oldest.bytes;
        }
    }

    /// A snapshot of the entity that goes through `through` is safe.
    pub fn trim(&mut self, key: R::Key, through: Offset) {
        // Without records there is nothing to forget: an idle entity costs nothing here.
        let Some(entity) = self.entities.get_mut(&key) else { return };
        entity.trimmed = entity.trimmed.max(through);
        let covered = entity.offsets.partition_point(|&offset| offset <= through.get());
        entity.offsets.drain(..covered);
    }

    /// A checkpoint covers everything up to `through`.
    pub fn checkpointed(&mut self, through: Offset) {
        let through = through.get();
        self.entities.retain(|_, entity| {
            let covered = entity.offsets.partition_point(|&offset| offset <= through);
            entity.offsets.drain(..covered);
            !entity.offsets.is_empty() || entity.token.is_some() || entity.trimmed.get() > through
        });
        let covered = self.frames.partition_point(|span| span.first <= through);
        self.frames.drain(..covered);
    }

    /// Where the entity's records stand, in order, and from which offset on they are complete.
    pub fn locate(&self, key: R::Key) -> (Offset, Vec<Piece<R>>) {
        let Some(entity) = self.entities.get(&key) else { return (Offset::ZERO, Vec::new()) };
        let mut pieces = Vec::new();
        let mut rest = entity.offsets.as_slice();
        while let Some(&offset) = rest.first() {
            let after = self.frames.partition_point(|span| span.first <= offset);
            let span = self.frames[after - 1];
            let end = self.frames.get(after).map_or(u64::MAX, |next| next.first);
            let (here, later) = rest.split_at(rest.partition_point(|&offset| offset < end));
            let numbers = here.iter().map(|offset| (offset - span.first) as u32).collect();
            pieces.push(match self.cached_frame(span.first) {
                Some(records) => Piece::Cached(records, numbers),
                None => Piece::Stored(span.at, Offset::new(span.first), numbers),
            });
            rest = later;
        }
        (entity.trimmed, pieces)
    }

    fn cached_frame(&self, first: u64) -> Option<Frame<R>> {
        let at = self.cached.binary_search_by_key(&first, |cached| cached.first).ok()?;
        Some(self.cached[at].records.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torture::note::Note;

    fn index(cache_bytes_max: usize) -> Index<Note> {
        let mut index = Index::new(cache_bytes_max);
        let mut next = 0;
        // Ten frames of three records; entity 1 has the middle one of each.
        for segment in 0..10 {
            let frame: Vec<_> = [0, 1, 2]
                .into_iter()
                .map(|who| {
                    next += 1;
                    index.record(who, Offset::new(next));
                    (Offset::new(next), Note::new(who, next))
                })
                .collect();
            index.frame(FrameAt { segment, block: 0 }, frame.into(), 100);
        }
        index
    }

    fn offsets(index: &Index<Note>, key: u32) -> Vec<(u64, bool)> {
        let (_, pieces) = index.locate(key);
        pieces
            .iter()
            .flat_map(|piece| match piece {
                Piece::Cached(frame, numbers) => {
                    numbers.iter().map(|&it| (frame[it as usize].0.get(), true)).collect::<Vec<_>>()
                }
                Piece::Stored(_, first, numbers) => {
                    numbers.iter().map(|&it| (first.get() + u64::from(it), false)).collect()
                }
            })
            .collect()
    }

    #[test]
    fn an_entity_finds_its_own_records_the_newest_in_memory() {
        let wanted: Vec<_> = (0..10).map(|frame| (frame * 3 + 2, frame >= 7)).collect();
        assert_eq!(offsets(&index(300), 1), wanted);
    }

    #[test]
    fn what_a_snapshot_or_a_checkpoint_covers_is_forgotten() {
        let mut index = index(0);
        index.trim(1, Offset::new(20));
        assert_eq!(offsets(&index, 1), [(23, false), (26, false), (29, false)]);
        assert_eq!(index.locate(1).0, Offset::new(20));
        index.checkpointed(Offset::new(24));
        assert_eq!(offsets(&index, 1), [(26, false), (29, false)]);
        assert_eq!(offsets(&index, 0).len(), 2);
    }

    #[test]
    fn only_the_last_token_counts() {
        let mut index = index(0);
        let old = index.issue(1);
        let new = index.issue(1);
        assert!(!index.is_current(1, old) && index.is_current(1, new));
        assert!(!index.retire(1, old) && index.retire(1, new));
        assert!(!index.is_current(1, new));
    }
}
