//! A partition's causal stream: what is durable, in log order, to whoever follows it.
//!
//! Owns     the last frames of the partition's log and its followers, each with the offset it has reached.
//! Started  by `partition-N`, last: a crash of it stops nobody's trade.
//! Asks     the journal for frames older than those it keeps.
//! Crash    followers ask again from the offset that they have; nothing is lost, what was in flight repeats.
//! Bounds   `KEPT_RECORDS`; older records are read back in steps of `STEP`. A follower is behind by one step
//!          at most: the next is sent when it has taken the last.

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
pub type Frame = Arc<[(Offset, Record)]>;

pub enum PublisherMsg {
    /// From the journal's thread, after the sync.
    Durable(Frame),
    /// Follows from behind `after` on. `deliver` says whether the follower is still there.
    Follow { after: Offset, deliver: Deliver },
    /// Older records came back from the log for one follower.
    ReadBack { follower: u64, records: Result<Vec<(Offset, Record)>, String> },
}

/// Hands a follower the next records.
pub type Deliver = Box<dyn Fn(Frame) -> bool + Send>;

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
            PublisherMsg::ReadBack { .. } => "read back",
        }
    }
}

const KEPT_RECORDS: usize = 65_536;
const STEP: usize = 4_096;

pub struct Publisher {
    partition: Arc<Partition>,
    kept: VecDeque<Frame>,
    kept_records: usize,
    followers: Vec<Follower>,
    next_follower: u64,
    end: Offset,
}

struct Follower {
    id: u64,
    /// The last record it was given.
    at: Offset,
    deliver: Deliver,
    reading: bool,
}

impl Behaviour for Publisher {
    type Args = PartitionId;
    type Message = PublisherMsg;
    const KIND: &'static str = "publisher";

    fn address(partition: &PartitionId) -> Address {
        Address::Publisher(*partition)
    }

    fn start(partition: PartitionId, context: &Context<PublisherMsg>) -> Result<Self, Fault> {
        let partition = context
            .node
            .partition(partition)
            .ok_or_else(|| Fault(format!("the journal of partition {partition} is not open")))?;
        let end = partition.log.released();
        Ok(Publisher {
            partition,
            kept: VecDeque::new(),
            kept_records: 0,
            followers: Vec::new(),
            next_follower: 0,
            end,
        })
    }

    fn handle(
        &mut self,
        message: PublisherMsg,
        context: &mut Context<PublisherMsg>,
    ) -> Result<(), Fault> {
        match message {
            PublisherMsg::Durable(frame) => self.durable(frame, context),
            PublisherMsg::Follow { after, deliver } => self.follow(after, deliver, context),
            PublisherMsg::ReadBack { follower, records } => self.read_back(follower, records, context),
        }
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "end": self.end.get(),
            "followers": self.followers.len(),
            "furthestBehind": self.followers.iter().map(|f| self.end.get() - f.at.get()).max(),
            "keptRecords": self.kept_records,
        })
    }
}

impl Publisher {
    fn durable(
        &mut self,
        frame: Frame,
        context: &Context<PublisherMsg>,
    ) -> Result<(), Fault> {
        let Some((last, _)) = frame.last() else { return Ok(()) };
        self.end = *last;
        self.kept_records += frame.len();
        self.kept.push_back(frame);
        while self.kept_records > KEPT_RECORDS && self.kept.len() > 1 {
            self.kept_records -= self.kept.pop_front().map_or(0, |frame| frame.len());
        }
        self.catch_up(context)
    }

    fn follow(
        &mut self,
        after: Offset,
        deliver: Deliver,
        context: &Context<PublisherMsg>,
    ) -> Result<(), Fault> {
        self.next_follower += 1;
        let id = self.next_follower;
        self.followers.push(Follower { id, at: after, deliver, reading: false });
        self.catch_up(context)
    }

    /// Gives each follower what it has not had; those too far behind wait for a read of the log.
    fn catch_up(&mut self, context: &Context<PublisherMsg>) -> Result<(), Fault> {
        let first_kept = self.kept.front().and_then(|frame| frame.first()).map(|(offset, _)| *offset);
        for follower in &mut self.followers {
            if follower.reading || follower.at >= self.end {
                continue;
            }
            let kept = first_kept.is_some_and(|first| first <= follower.at.next());
            if !kept {
                follower.reading = true;
                let (me, id) = (context.me.clone(), follower.id);
                let reply = move |records: Result<_, store::error::ReadError>| {
                    let records = records.map_err(|error| error.to_string());
                    let _ = me.send(PublisherMsg::ReadBack { follower: id, records });
                };
                let read = self.partition.log.read(follower.at.next(), STEP, Box::new(reply));
                read.map_err(|gone| Fault::new(gone.to_string()))?;
            }
        }
        let kept = &self.kept;
        self.followers.retain_mut(|follower| follower.reading || follower.give(kept));
        Ok(())
    }

    fn read_back(
        &mut self,
        id: u64,
        records: Result<Vec<(Offset, Record)>, String>,
        context: &Context<PublisherMsg>,
    ) -> Result<(), Fault> {
        let records = records.map_err(Fault)?;
        let Some(at) = self.followers.iter().position(|follower| follower.id == id) else {
            return Ok(());
        };
        let follower = &mut self.followers[at];
        follower.reading = false;
        if let Some((last, _)) = records.last() {
            follower.at = *last;
            if !(follower.deliver)(records.into()) {
                self.followers.swap_remove(at);
                return Ok(());
            }
        }
        self.catch_up(context)
    }
}

impl Follower {
    fn give(&mut self, kept: &VecDeque<Frame>) -> bool {
        let from = kept.partition_point(|frame| frame.last().is_none_or(|(last, _)| *last <= self.at));
        for frame in kept.iter().skip(from) {
            let (Some((first, _)), Some((last, _))) = (frame.first(), frame.last()) else { continue };
            let part = match *first > self.at {
                true => frame.clone(),
                false => frame.iter().filter(|(offset, _)| *offset > self.at).cloned().collect(),
            };
            self.at = *last;
            if !(self.deliver)(part) {
                return false;
            }
        }
        true
    }
}
