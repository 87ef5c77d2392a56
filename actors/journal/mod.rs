//! A partition's journal: the one writer of its log.
//!
//! Owns     the writer's thread, and with it file, queue and the process-wide lock on the log.
//! Started  by `partition-N`, first: everything of the partition rests on it (rest for one).
//! Asks     nobody.
//! Crash    the thread stops and releases nothing more; the subtree falls with it and replays. A log that is
//!          damaged is no crash: `Node::doom` tells it to whoever runs the node, and nothing is served.
//! Bounds   the writer's queue; doors ask `Partition::admits` long before it is full.

use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::partition::{Effect, Partition};
use crate::publisher::PublisherMsg;
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::ids::PartitionId;
use domain::partition::PartitionFold;
use domain::record::Record;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use store::codec::EntityCompact;
use store::writer::{StopReason, Writer, WriterConfig};
use store::{FileEngine, FileOptions, OpenError, OsDisk, Snapshots};

#[derive(Debug)]
pub enum JournalMsg {
    /// From the thread, last of all.
    Stopped(StopReason),
}

impl Named for JournalMsg {
    fn name(&self) -> &'static str {
        "stopped"
    }
}

/// How long a polite stop may write what was accepted.
const STOP_WITHIN: Duration = Duration::from_secs(4);

pub struct Journal {
    node: Arc<Node>,
    partition: Arc<Partition>,
    /// Dropped with the actor: the thread stops.
    writer: Option<Writer<Record, PartitionFold, Effect>>,
    /// Why the snapshots had to be thrown away when it was started.
    wiped: Option<String>,
}

impl Behaviour for Journal {
    type Args = PartitionId;
    type Message = JournalMsg;
    const KIND: &'static str = "journal";

    fn address(partition: &PartitionId) -> Address {
        Address::Journal(*partition)
    }

    /// The thread opens the log by itself; what is handed over meanwhile waits in its queue.
    fn start(id: PartitionId, context: &Context<JournalMsg>) -> Result<Self, Fault> {
        let node = context.node.clone();
        let (config, wiped) = config(id, &node, context.me.clone()).map_err(Fault)?;
        let slot = Arc::new(std::sync::OnceLock::<Arc<Partition>>::new());
        let opened = {
            let (slot, node) = (slot.clone(), node.clone());
            move |ready: Result<store::writer::Ready<PartitionFold>, OpenError>| match ready {
                Ok(ready) => {
                    let partition = slot.wait();
                    partition.open(&ready.fold, ready.end, node.settings.clock);
                    let (end, epoch) = (ready.end.get(), ready.epoch.get());
                    tracing::info!(partition = %id, offset = end, epoch, "journal open");
                }
                Err(error) => node.doom(format!("journal of partition {id}: {error}")),
            }
        };
        let (writer, log) =
            Writer::start(config, opened).map_err(|error| Fault(error.to_string()))?;
        let partition = Arc::new(Partition::new(id, log));
        if slot.set(partition.clone()).is_err() {
            return Err(Fault::new("a partition is made once"));
        }
        node.open_partition(partition.clone());
        Ok(Journal { node, partition, writer: Some(writer), wiped })
    }

    fn handle(
        &mut self,
        JournalMsg::Stopped(reason): JournalMsg,
        _: &mut Context<JournalMsg>,
    ) -> Result<(), Fault> {
        Err(Fault(format!("the journal's thread ended: {reason:?}")))
    }

    fn observe(&self) -> serde_json::Value {
        let stats = self.partition.log.stats();
        json!({
            "released": stats.released.get(),
            "backlog": stats.backlog,
            "frames": stats.frames,
            "bytes": stats.bytes,
            "refused": stats.refused,
            "writable": stats.writable,
            "snapshotsWiped": self.wiped,
        })
    }

    /// A polite stop writes and releases what was accepted.
    fn stopped(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.stop(STOP_WITHIN);
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.node.close_partition(&self.partition);
    }
}

fn config(
    id: PartitionId,
    node: &Arc<Node>,
    me: Mailbox<JournalMsg>,
) -> Result<(WriterConfig<Record>, Option<String>), String> {
    let home = node.settings.data.join(format!("partition-{id}"));
    let disk = OsDisk::new(home.join("journal")).map_err(|error| error.to_string())?;
    let options =
        FileOptions { segment_bytes: node.settings.segment_bytes, ..FileOptions::default() };
    let engine = Arc::new(FileEngine::new(Arc::new(disk), options));
    let snapshots = Snapshots::open(home.join("snapshots"), node.settings.snapshot_cache_bytes);
    let (snapshots, wiped) = match snapshots {
        Ok((snapshots, wiped)) => (Some(snapshots), wiped),
        Err(error) => {
            tracing::warn!(%error, "no snapshots: recoveries read the log");
            (None, None)
        }
    };
    let registry = node.registry.clone();
    let mut publisher: Option<Mailbox<PublisherMsg>> = None;
    let tail = move |mut frame| {
        for _ in 0..2 {
            if publisher.is_none() {
                publisher = registry.find(Address::Publisher(id));
            }
            let Some(way) = &publisher else { return };
            match way.send(PublisherMsg::Durable(frame)) {
                Ok(()) => return,
                Err(PublisherMsg::Durable(returned)) => frame = returned,
                Err(_) => return,
            }
            publisher = None;
        }
    };
    let config = WriterConfig {
        snapshots,
        compact: Some(Arc::new(EntityCompact)),
        checkpoint_after_records: node.settings.checkpoint_after_records,
        tail: Box::new(tail),
        stopped: Box::new(move |reason| {
            let _ = me.send(JournalMsg::Stopped(reason));
        }),
        ..WriterConfig::new(format!("journal-{id}"), engine)
    };
    Ok((config, wiped))
}
