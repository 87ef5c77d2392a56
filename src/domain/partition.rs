//! What a partition knows from its whole log, besides its entities: the ledger, who must be woken when,
//! how far bet ids have counted,
//! what there is to bet on, and its time.

use crate::catalogue::Catalogue;
use crate::ids::{BetId, EntityId};
use crate::ledger::Ledger;
use crate::order::OrderCommand;
use crate::record::{AccountEvent, Event, Record};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionFold {
    pub ledger: Ledger,
    /// When each entity that waits for a moment wants to be woken.
    wakes: BTreeMap<EntityId, UtcMillis>,
    /// Every bet id of the log counts below this.
    pub next_bet_count: u64,
    /// The last journaled time: the partition's clock goes on from here.
    pub last_at: UtcMillis,
    /// What there is to bet on here, as the catalogue starts from it.
    pub catalogue: Catalogue,
    /// Each entity's last record.
    seqs: BTreeMap<EntityId, u64>,
}

impl Default for PartitionFold {
    fn default() -> Self {
        PartitionFold {
            ledger: Ledger::default(),
            wakes: BTreeMap::new(),
            next_bet_count: BetId::FIRST_COUNT,
            last_at: UtcMillis::default(),
            catalogue: Catalogue::default(),
            seqs: BTreeMap::new(),
        }
    }
}

impl PartitionFold {
    pub fn apply(&mut self, record: &Record) {
        self.ledger.apply(record);
        self.catalogue.apply(record);
        self.last_at = self.last_at.max(record.at);
        self.seqs.insert(record.entity, record.seq);
        match record.wake {
            Some(at) => self.wakes.insert(record.entity, at),
            None => self.wakes.remove(&record.entity),
        };
        if let Event::Account(AccountEvent::Ordered(ordered)) = &record.event {
            let highest = match &ordered.command {
                OrderCommand::Place { orders, .. } => orders.iter().map(|order| order.bet).max(),
                OrderCommand::Replace { orders, .. } => {
                    orders.iter().map(|order| order.new_bet).max()
                }
                OrderCommand::Cancel { .. } | OrderCommand::Update { .. } => None,
            };
            if let Some(bet) = highest {
                self.next_bet_count = self.next_bet_count.max(bet.count() + 1);
            }
        }
    }

    pub fn wakes(&self) -> impl Iterator<Item = (EntityId, UtcMillis)> {
        self.wakes.iter().map(|(entity, at)| (*entity, *at))
    }

    pub fn entities(&self) -> impl Iterator<Item = (EntityId, u64)> {
        self.seqs.iter().map(|(entity, seq)| (*entity, *seq))
    }
}
