//! How long a market that is over is remembered. What a market's numbers were is never forgotten, so that
//! nothing of it can be taken twice.

use super::Account;
use super::payment::Resolved;
use super::position::Position;
use crate::ids::MarketId;
use crate::link::{Inbound, Outbound};
use crate::money::Pence;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Ninety days: cleared bets can be listed, and their settlement taken back, for so long.
pub const CLEARED_MS_MAX: i64 = 90 * 24 * 3_600_000;
/// Of orders that never were matched so many are remembered over all markets that are over; those of the
/// oldest market go first.
pub const CLEARED_UNMATCHED_MAX: u64 = 100_000;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct History {
    /// Resolved markets by when they were.
    resolved: BTreeSet<(UtcMillis, MarketId)>,
    /// Those that still hold orders that were never matched, by when they were resolved, and how many.
    unmatched: BTreeMap<(UtcMillis, MarketId), u32>,
    unmatched_count: u64,
    links: BTreeMap<MarketId, Link>,
}

/// The numbers of a market that is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) sent: u64,
    pub(super) notices: Inbound,
    generation: u32,
    paid: Option<(u64, Pence)>,
}

impl Link {
    /// Counts on where the forgotten market was.
    pub(super) fn resume(self, position: &mut Position) {
        position.commands = Outbound::after(self.sent);
        position.notices = self.notices;
        position.acknowledged = self.notices.last();
        position.generation = self.generation;
        position.paid = self.paid;
    }
}

impl History {
    pub(super) fn link(&self, market: MarketId) -> Option<&Link> {
        self.links.get(&market)
    }

    pub(super) fn take_link(&mut self, market: MarketId) -> Option<Link> {
        self.links.remove(&market)
    }

    pub(super) fn resolved(&mut self, market: MarketId, at: UtcMillis, unmatched: u32) {
        self.resolved.insert((at, market));
        if unmatched > 0 {
            self.unmatched.insert((at, market), unmatched);
            self.unmatched_count += u64::from(unmatched);
        }
    }

    pub(super) fn unsettled(&mut self, market: MarketId, resolved: &Resolved) {
        self.remove(market, resolved.at);
    }

    fn remove(&mut self, market: MarketId, at: UtcMillis) {
        self.resolved.remove(&(at, market));
        let unmatched = self.unmatched.remove(&(at, market)).unwrap_or_default();
        self.unmatched_count -= u64::from(unmatched);
    }
}

impl Account {
    /// Drops what is older or more than is kept.
    pub(super) fn forget(&mut self, now: UtcMillis) {
        while self.history.unmatched_count > CLEARED_UNMATCHED_MAX {
            let Some(((_, market), count)) = self.history.unmatched.pop_first() else { break };
            self.history.unmatched_count -= u64::from(count);
            if let Some(position) = self.positions.get_mut(&market) {
                position.drop_unmatched(0);
            }
        }
        let old: Vec<(UtcMillis, MarketId)> = self
            .history
            .resolved
            .iter()
            .take_while(|(at, _)| now.since_ms(*at) > CLEARED_MS_MAX)
            .copied()
            .collect();
        for (at, market) in old {
            let Some(position) = self.positions.get(&market) else { continue };
            if !position.is_quiet() {
                continue;
            }
            let link = Link {
                sent: position.commands.next() - 1,
                notices: position.notices,
                generation: position.generation,
                paid: position.paid,
            };
            self.positions.remove(&market);
            self.history.links.insert(market, link);
            self.history.remove(market, at);
        }
    }
}
