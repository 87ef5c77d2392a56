//! A partition's causal stream: what is durable, in log order, to whoever follows it.
//!
//! Owns     the last frames of the partition's log and its followers, each with the offset it has reached.
//! Started  by `partition-N`, last: a crash of it stops nobody's trade.
//! Asks     nobody: the journal's thread tells it what is durable.
//! Crash    followers ask again from the offset that they have; nothing is lost, what was in flight repeats.
//! Bounds   `KEPT_RECORDS`; a follower that is behind them is told so and reads its state anew.

use crate::partition::Partition;
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::ids::PartitionId;
use domain::record::Record;
use serde_json::json;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use store::entry::Offset;

/// Records of one group commit, in log order.
pub type Frame = std::sync::Arc<[(Offset, Record)]>;

pub enum PublisherMsg {
    /// From the journal's thread, after the sync.
    Durable(Frame),
    /// Follows from behind `after` on. `deliver` says whether the follower is still there.
    Follow { after: Offset, deliver: Deliver },
}

/// What a follower is given.
pub enum Next {
    Records(Frame),
    /// The records behind its offset are no longer kept: it must read its state anew and follow from there.
    Behind,
}

pub type Deliver = Box<dyn Fn(Next) -> bool + Send>;

impl fmt::Debug for PublisherMsg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Named for PublisherMsg {
    fn name(&self) -> &'static str {
        match self {
            PublisherMsg::Durable(_) => "durable",
            PublisherMsg::Follow { .. } => "follow",
        }
    }
}

const KEPT_RECORDS: usize = 65_536;

pub struct Publisher {
    partition: Arc<Partition>,
    kept: VecDeque<Frame>,
    kept_records: usize,
    /// The first offset that is kept, or the next to come.
    first: Offset,
    /// The last offset that was published.
    end: Offset,
    followers: Vec<Follower>,
}

struct Follower {
    /// The last record it was given.
    at: Offset,
    deliver: Deliver,
}

impl Behaviour for Publisher {
    type Args = PartitionId;
    type Message = PublisherMsg;
    const KIND: &'static str = "publisher";

    fn address(partition: &PartitionId) -> Address {
        Address::Publisher(*partition)
    }

    fn start(partition: PartitionId, context: &Context<PublisherMsg>) -> Result<Self, Fault> {
        let partition = context.node.opened(partition)?;
        let end = partition.log.released();
        Ok(Publisher {
            partition,
            kept: VecDeque::new(),
            kept_records: 0,
            first: end.next(),
            end,
            followers: Vec::new(),
        })
    }

    fn handle(
        &mut self,
        message: PublisherMsg,
        _: &mut Context<PublisherMsg>,
    ) -> Result<(), Fault> {
        match message {
            PublisherMsg::Durable(frame) => self.durable(frame),
            PublisherMsg::Follow { after, deliver } => {
                self.catch_up();
                let mut follower = Follower { at: after, deliver };
                if follower.give(&self.kept, self.first, self.end) {
                    self.followers.push(follower);
                }
            }
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "end": self.end.get(),
            "followers": self.followers.len(),
            "keptRecords": self.kept_records,
        })
    }
}

impl Publisher {
    /// It may have been started while the log was still being read: what is in there was published before,
    /// and who has not had it is behind.
    fn catch_up(&mut self) {
        let opened = self.partition.opened_end().filter(|opened| *opened > self.end);
        if let Some(opened) = opened {
            (self.end, self.first) = (opened, opened.next());
        }
    }

    fn durable(&mut self, frame: Frame) {
        let (Some((first, _)), Some((last, _))) = (frame.first(), frame.last()) else { return };
        if self.kept.is_empty() || *first != self.end.next() {
            // The first frame of this incarnation, or frames in between went to the one before.
            self.kept.clear();
            self.kept_records = 0;
            self.first = *first;
        }
        self.end = *last;
        self.kept_records += frame.len();
        self.kept.push_back(frame);
        while self.kept_records > KEPT_RECORDS && self.kept.len() > 1 {
            self.kept_records -= self.kept.pop_front().map_or(0, |frame| frame.len());
            self.first =
                self.kept.front().and_then(|frame| frame.first()).map_or(self.first, |kept| kept.0);
        }
        let (kept, first, end) = (&self.kept, self.first, self.end);
        self.followers.retain_mut(|follower| follower.give(kept, first, end));
    }
}

impl Follower {
    /// Gives what it has not had; false when it is gone, or has been told that it is behind.
    fn give(&mut self, kept: &VecDeque<Frame>, first: Offset, end: Offset) -> bool {
        if self.at >= end {
            return true;
        }
        if self.at.next() < first {
            (self.deliver)(Next::Behind);
            return false;
        }
        let from =
            kept.partition_point(|frame| frame.last().is_none_or(|(last, _)| *last <= self.at));
        for frame in kept.iter().skip(from) {
            let (Some((first, _)), Some((last, _))) = (frame.first(), frame.last()) else {
                continue;
            };
            let part = match *first > self.at {
                true => frame.clone(),
                false => frame.iter().filter(|(offset, _)| *offset > self.at).cloned().collect(),
            };
            self.at = *last;
            if !(self.deliver)(Next::Records(part)) {
                return false;
            }
        }
        true
    }
}
