//! A subscriber of the board: which markets, in which shape, and how far it was told.

use super::{Deliver, MarketFacts, Shape, SubscriberId};
use bytes::Bytes;
use domain::ids::MarketId;
use domain::time::UtcMillis;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use store::entry::Offset;

/// What a subscriber asks for.
pub struct Subscription {
    pub subscriber: SubscriberId,
    pub shape: Arc<dyn Shape>,
    pub markets: Vec<(MarketId, MarketFacts)>,
    /// Wants to hear of markets that are created later.
    pub all: bool,
    /// Was told everything up to here, over an earlier connection.
    pub since: Option<Offset>,
    /// Is told only what it pulls.
    pub pulls: bool,
    pub deliver: Deliver,
}

/// What a subscriber is told.
pub enum News {
    /// The answer to a subscription; `resumed`: only what changed since its clock.
    Image { rows: Vec<Row>, resumed: bool, seq: u64, clock: Offset, at: UtcMillis },
    /// Changes in order, and how far they go. `pulled`: the answer to a pull.
    Rows { rows: Vec<Row>, seq: u64, clock: Offset, pulled: bool },
    /// There is a new market.
    Listed(MarketId),
}

/// One market's change or image, as its shape puts it.
#[derive(Debug, Clone)]
pub struct Row {
    pub seq: u64,
    pub at: UtcMillis,
    /// Everything up to here is told with it.
    pub clock: Offset,
    pub body: Bytes,
}

pub(super) enum Mode {
    /// Not answered yet.
    New(Option<Offset>),
    /// Told as it comes.
    Live,
    /// Told what it asks for.
    Pulls,
}

pub(super) struct Subscriber {
    pub(super) shape: Arc<dyn Shape>,
    pub(super) markets: BTreeSet<MarketId>,
    /// Of those, not shown yet.
    pub(super) missing: BTreeSet<MarketId>,
    pub(super) all: bool,
    pub(super) mode: Mode,
    pub(super) pulls: bool,
    /// In the board's count, while it pulls.
    pub(super) told: u64,
    /// Markets that were shown whole after the first answer, and with which count.
    pub(super) introduced: Vec<(u64, MarketId)>,
    /// Wait to be told together.
    pub(super) rows: Vec<Row>,
    pub(super) since: Instant,
    pub(super) deliver: Deliver,
}

impl Subscriber {
    pub(super) fn new(
        shape: Arc<dyn Shape>,
        all: bool,
        since: Option<Offset>,
        pulls: bool,
        deliver: Deliver,
    ) -> Subscriber {
        Subscriber {
            shape,
            markets: BTreeSet::new(),
            missing: BTreeSet::new(),
            all,
            mode: Mode::New(since),
            pulls,
            told: 0,
            introduced: Vec::new(),
            rows: Vec::new(),
            since: Instant::now(),
            deliver,
        }
    }

    /// How far it is told: with a market missing, nothing can be built on when it comes back.
    pub(super) fn clock(&self, clock: Offset) -> Offset {
        if self.missing.is_empty() { clock } else { Offset::ZERO }
    }
}
