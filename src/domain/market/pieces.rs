//! Acts that change more orders than one record holds.
//!
//! What is too much goes into records of its own that come first, each small enough for a frame of the journal;
//! behind any of them the market may be cut off by a crash, and the act, which home repeats, begins again.
//! Lapses take effect at once: then some orders have gone, and the act takes the others. What rests on all
//! orders together (a starting price, the order of queues after a removal) is only prepared, and takes effect
//! with the act's own record; what an act that was cut off had prepared is dropped by the next.

use super::Market;
use crate::record::{Lapsed, MarketEvent, Prepared};
use crate::time::UtcMillis;

/// Orders in one record: some 500 KB, where a frame of the journal holds 8 MiB. A market may have a hundred
/// times as many.
pub(super) const PIECE_MAX: usize = if cfg!(test) { 16 } else { 10_000 };

impl Market {
    /// Applies an act's record, and what of it goes first.
    pub(super) fn record_in_pieces(
        &mut self,
        now: UtcMillis,
        mut record: MarketEvent,
        records: &mut Vec<MarketEvent>,
    ) {
        for lapsed in record.lapsed_mut().map(all_but_the_last).unwrap_or_default() {
            self.record_one(now, MarketEvent::LapsedAhead { lapsed }, records);
        }
        let mut after = 0;
        for piece in record.take_prepared() {
            let count = piece.adjusted.len() + piece.orders.len();
            self.record_one(now, MarketEvent::Prepared(Prepared { after, ..piece }), records);
            after += count as u32;
        }
        self.record_one(now, record, records);
    }

    fn record_one(&mut self, now: UtcMillis, record: MarketEvent, records: &mut Vec<MarketEvent>) {
        self.apply(now, &record);
        records.push(record);
    }

    pub(super) fn apply_prepared(&mut self, piece: &Prepared) {
        let prepared = self.prepared.get_or_insert_default();
        if piece.after == 0 {
            **prepared = Prepared::default();
        }
        prepared.adjusted.extend_from_slice(&piece.adjusted);
        prepared.orders.extend_from_slice(&piece.orders);
    }

    /// What was prepared for the record that says that there is so much.
    pub(super) fn take_prepared(&mut self, count: u32) -> Prepared {
        let prepared = self.prepared.take().map(|prepared| *prepared).unwrap_or_default();
        if count == 0 { Prepared::default() } else { prepared }
    }
}

impl MarketEvent {
    fn lapsed_mut(&mut self) -> Option<&mut Vec<Lapsed>> {
        match self {
            MarketEvent::StatusChanged(change) | MarketEvent::Resolved { change, .. } => {
                Some(&mut change.lapsed)
            }
            MarketEvent::RunnerRemoved(removed) => Some(&mut removed.lapsed),
            _ => None,
        }
    }

    /// Takes out what is to be prepared, and says in the record how much it was.
    fn take_prepared(&mut self) -> Vec<Prepared> {
        match self {
            MarketEvent::RunnerRemoved(removed) => {
                let pieces = all_but_the_last(&mut removed.adjusted);
                removed.prepared = pieces.iter().map(|piece| piece.len() as u32).sum();
                let piece = |adjusted| Prepared { adjusted, ..Prepared::default() };
                pieces.into_iter().map(piece).collect()
            }
            MarketEvent::Reconciled(made) => {
                let pieces = all_but_the_last(&mut made.orders);
                made.prepared = pieces.iter().map(|piece| piece.len() as u32).sum();
                let piece = |orders| Prepared { orders, ..Prepared::default() };
                pieces.into_iter().map(piece).collect()
            }
            _ => Vec::new(),
        }
    }

    /// It may be as large as a frame allows: what follows it goes into another.
    pub fn fills_a_frame(&self) -> bool {
        matches!(self, MarketEvent::LapsedAhead { .. } | MarketEvent::Prepared(_))
    }
}

/// What is more than one record holds, in pieces; the last stays.
fn all_but_the_last<T: Clone>(all: &mut Vec<T>) -> Vec<Vec<T>> {
    if all.len() <= PIECE_MAX {
        return Vec::new();
    }
    let last = all.split_off((all.len() - 1) / PIECE_MAX * PIECE_MAX);
    std::mem::replace(all, last).chunks(PIECE_MAX).map(<[T]>::to_vec).collect()
}
