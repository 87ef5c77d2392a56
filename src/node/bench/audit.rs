//! What the journal of a node that has stopped holds: read back, whole, after the load is over.
//!
//! `laybook verify` judges chain and ledger; the bets are counted here, from the records themselves. Where
//! a checkpoint has replaced the first records their placements can no longer be counted: the count of bet
//! ids stands in, which every record and every checkpoint carries on.

use super::node;
use anyhow::{Context, ensure};
use domain::ids::BetId;
use domain::partition::PartitionFold;
use domain::record::{Event, MarketEvent, Record};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};
use store::entry::{Fold, Offset};
use store::verify::verify;

/// What was found in all partitions.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Bets that a market took and journaled.
    pub(super) bets: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    /// Ids were counted instead of placements.
    pub(super) behind_checkpoint: bool,
    /// How long `laybook verify` took.
    pub(super) verified_in: Duration,
}

/// Encoded as the partition's own fold is, so that a checkpoint of that one can be read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Counting {
    partition: PartitionFold,
    #[serde(skip)]
    placed: u64,
}

impl Fold<Record> for Counting {
    fn apply(&mut self, _: Offset, record: &Record) {
        self.partition.apply(record);
        if let Event::Market(MarketEvent::Placed { orders, .. }) = &record.event {
            self.placed += orders.len() as u64;
        }
    }
}

impl Audit {
    /// An error when anything at all is wrong with the directory.
    pub(super) fn of(program: &Path, data: &Path) -> anyhow::Result<Audit> {
        let begun = Instant::now();
        for ledger in node::verify(program, data)? {
            ensure!(ledger["difference"] == "0.00", "the books do not balance: {ledger}");
        }
        let mut audit = Audit { verified_in: begun.elapsed(), ..Audit::default() };
        for entry in std::fs::read_dir(data)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("partition-") {
                audit.add(&entry.path().join("journal"))?;
            }
        }
        Ok(audit)
    }

    fn add(&mut self, journal: &Path) -> anyhow::Result<()> {
        let mut bytes = 0;
        let found = verify::<Record, Counting>(journal, |at| bytes = at.bytes)
            .with_context(|| format!("{} is not whole", journal.display()))?;
        let counted = found.fold;
        let behind_checkpoint = found.log.checkpoint > Offset::ZERO;
        self.behind_checkpoint |= behind_checkpoint;
        self.bets += match behind_checkpoint {
            true => counted.partition.next_bet_count - BetId::FIRST_COUNT,
            false => counted.placed,
        };
        self.records += found.log.records;
        self.bytes += bytes;
        Ok(())
    }
}
