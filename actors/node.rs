//! What every actor of this process is given: where others are found, and what may be used of the node.
//!
//! Holds registries and read-only settings, never state of the exchange.

use crate::assignment::Assignments;
use crate::journey::Journeys;
use crate::maker;
use crate::partition::Partition;
use crate::port::Terms;
use crate::registry::Registry;
use crate::replay::Play;
use crate::shell::Fault;
use crate::tracer::Counts;
use crate::trader::Playbill;
use crate::trader::playbill::Season;
use domain::football::almanac::{CompetitionNo, FixtureId};
use domain::ids::{EntityId, EventId, PartitionId, SessionId};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

#[derive(Debug)]
pub struct Node {
    pub registry: Arc<Registry>,
    pub settings: Settings,
    /// What feeds play.
    pub plays: Assignments<Play>,
    /// What market makers are to do.
    pub makers: Assignments<maker::Terms>,
    /// What demo traders are to do.
    pub playbills: Assignments<Playbill>,
    /// The ways of single orders.
    pub journeys: Journeys,
    /// What became of those that were handed on.
    pub traces: Counts,
    /// What stadiums tell of.
    pub seasons: Assignments<Season>,
    partitions: RwLock<BTreeMap<PartitionId, Arc<Partition>>>,
    nursery: OnceLock<Arc<dyn Nursery>>,
    /// Why nothing can be served, once known.
    doom: watch::Sender<Option<String>>,
    /// Everything is recovered and doors may serve; false again when the node is being stopped.
    ready: AtomicBool,
}

/// Fixed when the process starts.
#[derive(Debug, Clone)]
pub struct Settings {
    pub data: PathBuf,
    pub clock: ClockMode,
    pub segment_bytes: u64,
    /// A checkpoint is made when so many records were sealed since the last one.
    pub checkpoint_after_records: u64,
    /// Bytes of an entity's records after which it writes its state down, at least.
    pub snapshot_after_bytes: u64,
    pub snapshot_cache_bytes: u64,
    /// Records that may wait for the journal before new requests are refused.
    pub backlog_max: usize,
    /// After an outage longer than this, in-play markets come back suspended.
    pub resume_suspended_after_ms: i64,
    /// An account or market that nobody wrote to for so long is stopped until somebody does.
    pub idle_after: Duration,
    /// A login, or its last keep-alive, lasts so long.
    pub session_ms: i64,
    /// A placement not answered after this (and the bet delay) is withdrawn.
    pub placement_timeout_ms: i64,
    /// Models of somebody's own, in the order in which a match is offered to them.
    pub models: Vec<Terms>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockMode {
    System,
    /// Stands still until an operator advances it: tests and replays.
    Manual,
}

/// Something that ends soon, by itself.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Children that come and go. The tree implements it: only `supervision` spawns.
pub trait Nursery: fmt::Debug + Send + Sync {
    /// Starts the child unless it runs; its registration tells when it is there.
    fn start(&self, child: Child);
    /// Stops the child for good (until it is started again).
    fn stop(&self, child: Child);
    /// The same; `then` is told whether it is gone.
    fn stop_then(&self, child: Child, then: Box<dyn FnOnce(bool) + Send>);
    /// True when the child has used up its restarts and waits for an operator.
    fn is_quarantined(&self, child: Child) -> bool;
    /// Tells who watches that the child has recovered and takes requests.
    fn tell_ready(&self, child: Child, recovery: Recovered);
    /// Runs the short wait of an actor for an answer; whoever asks bounds how many there are.
    fn attend(&self, wait: Wait);
    /// Runs work that would hold up a thread on one of its own; bounded by whoever asks, too.
    fn labour(&self, work: Box<dyn FnOnce() + Send>);
}

/// What a child came back from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Since it was started.
    pub after: Duration,
    /// Where the log stood when its snapshot was made, if there was one.
    pub snapshot: Option<u64>,
    /// Records behind that.
    pub replayed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Child {
    Entity(PartitionId, EntityId),
    Session(SessionId),
    /// A stream connection.
    Stream(u64),
    /// A recorded market being played.
    Replay(u32),
    /// A market maker.
    Maker(u32),
    /// Who quotes an event for a market maker.
    Quoter(u32, EventId),
    /// A demo trader.
    Trader(u32),
    /// Who tells of a demo's matches.
    Stadium(u32),
    /// The ratings of a competition.
    Ratings(CompetitionNo),
    /// The prices of a match.
    Fixture(FixtureId),
    /// The port of a model of somebody's own.
    Port(u16),
    /// What fetches from a provider of football.
    Pull(u16),
}

impl Node {
    pub fn new(settings: Settings) -> Arc<Node> {
        Arc::new(Node {
            registry: Arc::default(),
            settings,
            plays: Assignments::default(),
            makers: Assignments::default(),
            playbills: Assignments::default(),
            journeys: Journeys::default(),
            traces: Counts::default(),
            seasons: Assignments::default(),
            partitions: RwLock::default(),
            nursery: OnceLock::new(),
            doom: watch::Sender::new(None),
            ready: AtomicBool::new(false),
        })
    }

    /// The port of the model that prices this competition: the first that does.
    pub fn port_of(&self, competition: &str) -> Option<u16> {
        let first = self.settings.models.iter().position(|terms| terms.prices(competition));
        first.and_then(|at| u16::try_from(at).ok())
    }

    /// Called once, by the tree, before it starts anything.
    pub fn set_nursery(&self, nursery: Arc<dyn Nursery>) {
        assert!(self.nursery.set(nursery).is_ok(), "a node has one tree");
    }

    pub fn nursery(&self) -> &dyn Nursery {
        self.nursery.get().expect("the tree sets its nursery before it starts anything").as_ref()
    }

    /// The partition's present incarnation, if this node runs it and its journal is open.
    pub fn partition(&self, id: PartitionId) -> Option<Arc<Partition>> {
        self.partitions.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// The same for who cannot start without it.
    pub(crate) fn opened(&self, id: PartitionId) -> Result<Arc<Partition>, Fault> {
        let missing = || Fault(format!("the journal of partition {id} is not there"));
        self.partition(id).ok_or_else(missing)
    }

    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.partitions.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Says why this node cannot serve: what is on its disk is damaged or belongs to another. Nothing is
    /// tried again; whoever runs the process ends it.
    pub fn doom(&self, why: String) {
        tracing::error!(why, "this node cannot serve");
        self.doom.send_replace(Some(why));
    }

    /// Waits until the node is doomed.
    pub async fn doomed(&self) -> String {
        let mut doom = self.doom.subscribe();
        match doom.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            Err(_) => unreachable!("the sender lives in the node"),
        }
    }

    pub fn set_ready(&self) {
        self.ready.store(true, Relaxed);
    }

    pub fn set_draining(&self) {
        self.ready.store(false, Relaxed);
    }

    pub fn is_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }

    pub(crate) fn open_partition(&self, partition: Arc<Partition>) {
        let mut partitions = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
        partitions.insert(partition.id, partition);
    }

    pub(crate) fn close_partition(&self, partition: &Arc<Partition>) {
        let mut partitions = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
        if partitions.get(&partition.id).is_some_and(|open| Arc::ptr_eq(open, partition)) {
            partitions.remove(&partition.id);
        }
    }
}
