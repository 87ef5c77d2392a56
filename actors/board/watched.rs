//! One watched market: its public state, what of it changed lately, and who is told in which shape.

use super::delta::Delta;
use super::public_market::{MarketFacts, PublicMarket};
use super::{Shape, SubscriberId};
use bytes::Bytes;
use domain::time::UtcMillis;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use store::entry::Offset;

/// Changes of one market that are kept for those who were away, and for how long.
const KEPT_MAX: usize = 10_000;
const KEPT_FOR_MS: i64 = 10 * 60 * 1_000;
/// Renderings of one shape for those who were told different things last.
const MERGED_MAX: usize = 8;

/// A change that is kept: its place in the board's own count and in the log.
struct Kept {
    seq: u64,
    offset: Offset,
    at: UtcMillis,
    delta: Delta,
}

pub(super) struct Watched {
    /// `None` until the market's first image.
    pub(super) public: Option<PublicMarket>,
    pub(super) facts: MarketFacts,
    kept: VecDeque<Kept>,
    /// Every change behind this place is kept.
    whole_since: (u64, Offset),
    /// The last change; the image's when there was none since.
    last: (u64, Offset),
    pub(super) last_at: UtcMillis,
    pub(super) groups: Vec<Group>,
    /// Nobody is told since.
    pub(super) idle_since: Option<Instant>,
}

/// Who is told in one shape.
pub(super) struct Group {
    pub(super) shape: Arc<dyn Shape>,
    /// Told of every change as it comes.
    pub(super) live: Vec<SubscriberId>,
    /// All who subscribed in this shape.
    pub(super) members: usize,
    whole: Option<(u64, Bytes)>,
    /// By where they begin; good for the present state only.
    merged: Vec<(u64, Option<Bytes>)>,
}

/// From where a subscriber has to be told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Since {
    /// In the board's own count.
    Seq(u64),
    /// In the log: what it knows is of an earlier connection, or of an earlier life of this node.
    Offset(Offset),
}

pub(super) enum News {
    None,
    /// Its figures since.
    Change(Bytes),
    /// Replaces what is known.
    Whole(Bytes),
}

impl Watched {
    pub(super) fn new(facts: MarketFacts) -> Watched {
        Watched {
            public: None,
            facts,
            kept: VecDeque::new(),
            whole_since: (0, Offset::ZERO),
            last: (0, Offset::ZERO),
            last_at: UtcMillis::default(),
            groups: Vec::new(),
            idle_since: None,
        }
    }

    /// The first image rests on records up to `last`; changes are kept from it on.
    pub(super) fn begin(&mut self, seq: u64, last: Offset) {
        self.whole_since = (seq, last);
        self.last = (seq, last);
    }

    pub(super) fn keep(&mut self, seq: u64, offset: Offset, at: UtcMillis, delta: Delta) {
        self.last = (seq, offset);
        self.last_at = at;
        self.kept.push_back(Kept { seq, offset, at, delta });
        let is_old = |kept: &Kept| at.since_ms(kept.at) > KEPT_FOR_MS;
        while self.kept.len() > KEPT_MAX || self.kept.front().is_some_and(is_old) {
            self.drop_oldest();
        }
        for group in &mut self.groups {
            group.merged.clear();
        }
    }

    pub(super) fn drop_oldest(&mut self) {
        if let Some(kept) = self.kept.pop_front() {
            self.whole_since = (kept.seq, kept.offset);
        }
    }

    pub(super) fn kept_len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn last_kept(&self) -> Option<&Delta> {
        self.kept.back().map(|kept| &kept.delta)
    }

    pub(super) fn group(&mut self, key: u64) -> Option<usize> {
        self.groups.iter().position(|group| group.shape.key() == key)
    }

    pub(super) fn join(&mut self, shape: &Arc<dyn Shape>) {
        self.idle_since = None;
        let at = self.group(shape.key()).unwrap_or_else(|| {
            self.groups.push(Group {
                shape: shape.clone(),
                live: Vec::new(),
                members: 0,
                whole: None,
                merged: Vec::new(),
            });
            self.groups.len() - 1
        });
        self.groups[at].members += 1;
    }

    pub(super) fn leave(&mut self, key: u64, subscriber: SubscriberId) {
        if let Some(at) = self.group(key) {
            self.groups[at].live.retain(|other| *other != subscriber);
            self.groups[at].members -= 1;
            if self.groups[at].members == 0 {
                self.groups.swap_remove(at);
            }
        }
        if self.groups.is_empty() {
            self.idle_since = Some(Instant::now());
        }
    }

    pub(super) fn set_live(&mut self, key: u64, subscriber: SubscriberId, live: bool) {
        if let Some(at) = self.group(key) {
            let group = &mut self.groups[at];
            group.live.retain(|other| *other != subscriber);
            if live {
                group.live.push(subscriber);
            }
        }
    }

    /// Everything, in the shape.
    pub(super) fn whole(&mut self, key: u64) -> Option<Bytes> {
        let (seq, at) = (self.last.0, self.group(key)?);
        let public = self.public.as_ref()?;
        let group = &mut self.groups[at];
        if let Some((known, bytes)) = &group.whole
            && *known == seq
        {
            return Some(bytes.clone());
        }
        let bytes = group.shape.whole(public);
        group.whole = Some((seq, bytes.clone()));
        Some(bytes)
    }

    /// What a subscriber of the shape has missed.
    pub(super) fn since(&mut self, key: u64, since: Since) -> News {
        let whole = |watched: &mut Watched| match watched.whole(key) {
            Some(bytes) => News::Whole(bytes),
            None => News::None,
        };
        let first = match since {
            Since::Seq(seq) if seq >= self.last.0 => return News::None,
            Since::Offset(offset) if offset >= self.last.1 => return News::None,
            Since::Seq(seq) if seq < self.whole_since.0 => return whole(self),
            Since::Offset(offset) if offset < self.whole_since.1 => return whole(self),
            Since::Seq(seq) => self.kept.partition_point(|kept| kept.seq <= seq),
            Since::Offset(offset) => self.kept.partition_point(|kept| kept.offset <= offset),
        };
        let (Some(at), Some(public)) = (self.group(key), self.public.as_ref()) else {
            return News::None;
        };
        let Some(begin) = self.kept.get(first).map(|kept| kept.seq) else { return News::None };
        let group = &mut self.groups[at];
        let known = group.merged.iter().find(|(known, _)| *known == begin);
        let bytes = match known {
            Some((_, bytes)) => bytes.clone(),
            None => {
                let mut merged = Delta::default();
                for kept in self.kept.range(first..) {
                    merged.merge(&kept.delta);
                }
                let several = self.kept.len() - first > 1;
                let bytes = group.shape.change(public, &merged, several);
                if group.merged.len() < MERGED_MAX {
                    group.merged.push((begin, bytes.clone()));
                }
                bytes
            }
        };
        bytes.map_or(News::None, News::Change)
    }
}

#[cfg(test)]
mod tests {
    use super::super::public_market::tests::{image, lays};
    use super::*;

    /// Puts a change as the prices that it names.
    struct Prices;

    impl Shape for Prices {
        fn key(&self) -> u64 {
            1
        }

        fn whole(&self, market: &PublicMarket) -> Bytes {
            let prices: Vec<_> = market.runners[0].to_lay.keys().map(|price| price.0).collect();
            Bytes::from(format!("{prices:?}"))
        }

        fn change(&self, _: &PublicMarket, delta: &Delta, merged: bool) -> Option<Bytes> {
            let prices: Vec<_> = delta.runners[0].to_lay.iter().map(|price| price.0).collect();
            Some(Bytes::from(format!("{prices:?} {merged}")))
        }
    }

    fn watched() -> Watched {
        let mut watched = Watched::new(MarketFacts::default());
        watched.public = Some(PublicMarket::new(image(), MarketFacts::default()));
        watched.begin(1, Offset::new(10));
        watched.join(&(Arc::new(Prices) as Arc<dyn Shape>));
        watched
    }

    fn change(watched: &mut Watched, seq: u64, offset: u64, price: u32) {
        let public = watched.public.as_mut().unwrap();
        let delta = public.apply(lays(&[(price, 500)]));
        watched.keep(seq, Offset::new(offset), UtcMillis(i64::try_from(seq).unwrap()), delta);
    }

    fn told(news: News) -> String {
        match news {
            News::None => String::new(),
            News::Change(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            News::Whole(bytes) => format!("whole {}", String::from_utf8_lossy(&bytes)),
        }
    }

    #[test]
    fn who_was_away_is_told_the_merged_change_and_who_was_not_nothing() {
        let mut watched = watched();
        change(&mut watched, 2, 20, 300);
        change(&mut watched, 3, 30, 400);
        let cases = [
            (Since::Seq(3), ""),
            (Since::Seq(2), "[400] false"),
            (Since::Seq(1), "[300, 400] true"),
            (Since::Seq(0), "whole [300, 400]"),
            (Since::Offset(Offset::new(35)), ""),
            (Since::Offset(Offset::new(30)), ""),
            (Since::Offset(Offset::new(29)), "[400] false"),
            (Since::Offset(Offset::new(10)), "[300, 400] true"),
            (Since::Offset(Offset::new(9)), "whole [300, 400]"),
        ];
        for (since, expected) in cases {
            assert_eq!(told(watched.since(1, since)), expected, "{since:?}");
        }
    }

    #[test]
    fn changes_are_kept_within_their_bound() {
        let mut watched = watched();
        for n in 0..=KEPT_MAX as u64 {
            change(&mut watched, 2 + n, 20 + n, 300 + u32::try_from(n % 2).unwrap());
        }
        assert!(watched.kept_len() <= KEPT_MAX);
        assert!(matches!(watched.since(1, Since::Seq(1)), News::Whole(_)), "the first has gone");
        let old = watched.kept.back().unwrap().at.0 + KEPT_FOR_MS + 1;
        watched.keep(u64::MAX, Offset::new(u64::MAX), UtcMillis(old), Delta::default());
        assert_eq!(watched.kept_len(), 1, "what is older than the time has gone");
    }
}
