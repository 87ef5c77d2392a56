//! The public board: what everybody may see of the markets that anybody watches.
//!
//! Owns     each watched market's public state and its last changes, and who is told of them in which shape.
//! Started  by `partition-N`, last: a crash of it stops nobody's trade.
//! Asks     markets for an image, once; then each tells every change with its total, after the sync, in the
//!          order of the log. A market that has come up again is asked again, and only what differs is told.
//! Crash    subscribers are told by the loss of their subscription, and subscribe again from where they were.
//! Bounds   `KEPT_ALL_MAX` changes in all; a subscriber that does not keep up says so and is told the merged
//!          change later, so nothing piles up here.
//!
//! A change is computed once by its market, rendered once for each shape, and the bytes are shared. A
//! subscriber that is away, conflates or lags costs one number: how far it was told.

mod delta;
mod public_market;
mod subscriber;
mod watched;

pub use delta::{DEPTH_MAX, Delta, Levels, RunnerDelta};
pub use public_market::{Ladder, MarketFacts, PublicMarket, PublicRunner};
pub use subscriber::{News, Row, Subscription};

use crate::market::MarketMsg;
use crate::node::{Child, Node};
use crate::partition::deliver;
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use bytes::Bytes;
use domain::ids::{EntityId, MarketId, PartitionId};
use domain::market::{PublicChange, PublicImage};
use domain::time::UtcMillis;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{Duration, Instant};
use store::entry::Offset;
use subscriber::{Mode, Subscriber};
use watched::{Since, Watched};

/// How a subscriber wants a market put. It knows the words, the board does not.
pub trait Shape: Send + Sync {
    /// Shapes of equal keys put everything equally.
    fn key(&self) -> u64;
    /// Everything.
    fn whole(&self, market: &PublicMarket) -> Bytes;
    /// What changed, once or (`merged`) several times; `None` when nothing of it shows in this shape.
    fn change(&self, market: &PublicMarket, delta: &Delta, merged: bool) -> Option<Bytes>;
}

/// Chosen by the subscriber, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(pub u64);

/// Tells a subscriber; says whether it is still there. Dropped with the subscription.
pub type Deliver = Box<dyn Fn(News) -> bool + Send>;

pub enum BoardMsg {
    /// From a market itself, once its latest records are durable: it has come up.
    Up {
        market: MarketId,
        through: Offset,
    },
    /// From a market, once its creation is durable.
    Listed(MarketId),
    /// From a market that is watched: everything, resting on records up to `last`.
    Image {
        image: Box<PublicImage>,
        at: UtcMillis,
        last: Offset,
        through: Offset,
    },
    /// From a market that is watched, after the sync.
    Change {
        market: MarketId,
        change: Box<PublicChange>,
        through: Offset,
    },
    Subscribe(Box<Subscription>),
    /// More markets for a subscription.
    Widen {
        subscriber: SubscriberId,
        markets: Vec<(MarketId, MarketFacts)>,
    },
    /// The subscriber took nothing behind `seq`, and will pull.
    Behind {
        subscriber: SubscriberId,
        seq: u64,
    },
    /// Tells the subscriber what it has missed, and then goes on as subscribed.
    Pull(SubscriberId),
    Unsubscribe(SubscriberId),
    /// Tells what waits to be told together.
    Flush,
    /// Looks after what was asked and not answered.
    Tick,
}

impl fmt::Debug for BoardMsg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Named for BoardMsg {
    fn name(&self) -> &'static str {
        match self {
            BoardMsg::Up { .. } => "up",
            BoardMsg::Listed(_) => "listed",
            BoardMsg::Image { .. } => "image",
            BoardMsg::Change { .. } => "change",
            BoardMsg::Subscribe(_) => "subscribe",
            BoardMsg::Widen { .. } => "widen",
            BoardMsg::Behind { .. } => "behind",
            BoardMsg::Pull(_) => "pull",
            BoardMsg::Unsubscribe(_) => "unsubscribe",
            BoardMsg::Flush => "flush",
            BoardMsg::Tick => "tick",
        }
    }
}

const TICK: Duration = Duration::from_millis(250);
/// A market that has not answered is asked again after this.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// A subscription is answered without the markets that have not answered by then; they follow.
const IMAGE_WITHIN: Duration = Duration::from_secs(3);
/// Every so many ticks it is looked which markets wait for an operator.
const QUARANTINE_TICKS: u64 = 8;
/// A market that nobody is told of is watched on for those who come back.
const WATCHED_IDLE: Duration = Duration::from_secs(10 * 60);
/// Changes of all markets that are kept.
const KEPT_ALL_MAX: usize = 500_000;
/// Changes are told together when there are many to tell: a wake-up and a write cost each subscriber about
/// this, and less than half of a core is to go into them.
const PAUSE_A_SUBSCRIBER: Duration = Duration::from_micros(20);
const PAUSE_MAX: Duration = Duration::from_millis(100);

pub struct Board {
    partition: PartitionId,
    markets: HashMap<MarketId, Watched>,
    subscribers: HashMap<SubscriberId, Subscriber>,
    /// Markets that were asked for an image, and when.
    asked: HashMap<MarketId, Instant>,
    /// Markets whose changes behind the offset have not been seen: the clock stands still there.
    held: BTreeMap<MarketId, Offset>,
    seq: u64,
    /// The log as far as it was told.
    through: Offset,
    kept: usize,
    /// Subscribers with rows that wait to be told.
    ready: Vec<SubscriberId>,
    flushed: Instant,
    flush_armed: bool,
    changes: u64,
    ticks: u64,
}

impl Behaviour for Board {
    type Args = PartitionId;
    type Message = BoardMsg;
    const KIND: &'static str = "board";

    fn address(partition: &PartitionId) -> Address {
        Address::Board(*partition)
    }

    fn start(partition: PartitionId, context: &Context<BoardMsg>) -> Result<Self, Fault> {
        let through = context.node.opened(partition)?.log.released();
        Ok(Board {
            partition,
            markets: HashMap::new(),
            subscribers: HashMap::new(),
            asked: HashMap::new(),
            held: BTreeMap::new(),
            seq: 0,
            through,
            kept: 0,
            ready: Vec::new(),
            flushed: Instant::now(),
            flush_armed: false,
            changes: 0,
            ticks: 0,
        })
    }

    fn started(&mut self, context: &mut Context<BoardMsg>) -> Result<(), Fault> {
        context.every(TICK, || BoardMsg::Tick);
        Ok(())
    }

    fn handle(&mut self, message: BoardMsg, context: &mut Context<BoardMsg>) -> Result<(), Fault> {
        match message {
            BoardMsg::Up { market, through } => self.up(market, through, context),
            BoardMsg::Listed(market) => self.listed(market),
            BoardMsg::Image { image, at, last, through } => {
                self.image(*image, at, last, through, context);
            }
            BoardMsg::Change { market, change, through } => {
                self.change(market, *change, through, context);
            }
            BoardMsg::Subscribe(subscription) => self.subscribe(*subscription, context),
            BoardMsg::Widen { subscriber, markets } => self.widen(subscriber, markets, context),
            BoardMsg::Behind { subscriber, seq } => self.behind(subscriber, seq),
            BoardMsg::Pull(subscriber) => self.pull(subscriber),
            BoardMsg::Unsubscribe(subscriber) => self.unsubscribe(subscriber),
            BoardMsg::Flush => {
                self.flush_armed = false;
                self.flush();
            }
            BoardMsg::Tick => self.tick(context),
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "markets": self.markets.len(),
            "subscribers": self.subscribers.len(),
            "changes": self.changes,
            "kept": self.kept,
            "asked": self.asked.len(),
            "through": self.through.get(),
        })
    }
}

impl Board {
    // ------------------------------------------------------------------------------------- markets

    fn up(&mut self, market: MarketId, through: Offset, context: &Context<BoardMsg>) {
        self.through = self.through.max(through);
        if self.markets.contains_key(&market) {
            self.held.entry(market).or_insert(through);
            self.ask(market, &context.node);
        }
    }

    fn ask(&mut self, market: MarketId, node: &Node) {
        self.asked.insert(market, Instant::now());
        deliver(node, self.partition, EntityId::Market(market), MarketMsg::Watch);
    }

    fn listed(&mut self, market: MarketId) {
        let of_all = self.subscribers.values().filter(|subscriber| subscriber.all);
        for subscriber in of_all {
            (subscriber.deliver)(News::Listed(market));
        }
    }

    fn image(
        &mut self,
        image: PublicImage,
        at: UtcMillis,
        last: Offset,
        through: Offset,
        context: &Context<BoardMsg>,
    ) {
        let market = image.definition.id;
        self.asked.remove(&market);
        self.held.remove(&market);
        self.through = self.through.max(through);
        let Some(watched) = self.markets.get_mut(&market) else {
            return deliver(
                &context.node,
                self.partition,
                EntityId::Market(market),
                MarketMsg::Unwatch,
            );
        };
        match &mut watched.public {
            Some(public) => {
                let delta = public.become_image(at, image);
                self.tell(market, at, through, delta, context);
            }
            None => {
                watched.public = Some(PublicMarket::new(image, watched.facts.clone()));
                watched.last_at = at;
                self.seq += 1;
                watched.begin(self.seq, last);
                self.first_image(market, at, context);
            }
        }
    }

    /// Whoever waits for it: most are then complete, and answered; to others it is news.
    fn first_image(&mut self, market: MarketId, at: UtcMillis, context: &Context<BoardMsg>) {
        let waiting: Vec<_> = self
            .subscribers
            .iter()
            .filter(|(_, subscriber)| subscriber.missing.contains(&market))
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            let Some(subscriber) = self.subscribers.get_mut(&id) else { continue };
            match subscriber.mode {
                Mode::New(_) => {
                    subscriber.missing.remove(&market);
                    if subscriber.missing.is_empty() {
                        self.answer(id, at);
                    }
                }
                Mode::Live => self.introduce(id, market, at, context),
                // Shown with the next pull.
                Mode::Pulls => {}
            }
        }
    }

    /// A market that a live subscription has not shown yet is shown whole, in its turn.
    fn introduce(
        &mut self,
        id: SubscriberId,
        market: MarketId,
        at: UtcMillis,
        context: &Context<BoardMsg>,
    ) {
        let (Some(subscriber), Some(watched)) =
            (self.subscribers.get_mut(&id), self.markets.get_mut(&market))
        else {
            return;
        };
        let Some(body) = watched.whole(subscriber.shape.key()) else { return };
        self.seq += 1;
        subscriber.missing.remove(&market);
        subscriber.introduced.push((self.seq, market));
        watched.set_live(subscriber.shape.key(), id, true);
        if subscriber.rows.is_empty() {
            self.ready.push(id);
        }
        let clock = subscriber.clock(clock(self.through, &self.held));
        subscriber.rows.push(Row { seq: self.seq, at, clock, body });
        self.flush_soon(context);
    }

    fn change(
        &mut self,
        market: MarketId,
        change: PublicChange,
        through: Offset,
        context: &Context<BoardMsg>,
    ) {
        self.through = self.through.max(through);
        let at = change.at;
        let Some(public) = self.markets.get_mut(&market).and_then(|it| it.public.as_mut()) else {
            // The image that was asked for says it.
            return;
        };
        let delta = public.apply(change);
        self.tell(market, at, through, delta, context);
    }

    /// Keeps the change, and hands it to everybody who is told at once.
    fn tell(
        &mut self,
        market: MarketId,
        at: UtcMillis,
        through: Offset,
        delta: Delta,
        context: &Context<BoardMsg>,
    ) {
        if delta.is_empty() {
            return;
        }
        let Some(watched) = self.markets.get_mut(&market) else { return };
        self.seq += 1;
        self.changes += 1;
        let before = watched.kept_len();
        watched.keep(self.seq, through, at, delta);
        self.kept = self.kept + watched.kept_len() - before;
        if self.kept > KEPT_ALL_MAX {
            watched.drop_oldest();
            self.kept -= 1;
        }
        let clock = clock(self.through, &self.held);
        let (Some(public), Some(delta)) = (&watched.public, watched.last_kept()) else { return };
        for group in &watched.groups {
            if group.live.is_empty() {
                continue;
            }
            let Some(body) = group.shape.change(public, delta, false) else { continue };
            for id in &group.live {
                let Some(subscriber) = self.subscribers.get_mut(id) else { continue };
                if subscriber.rows.is_empty() {
                    self.ready.push(*id);
                }
                let clock = subscriber.clock(clock);
                let row = Row { seq: self.seq, at, clock, body: body.clone() };
                subscriber.rows.push(row);
            }
        }
        self.flush_soon(context);
    }

    fn flush_soon(&mut self, context: &Context<BoardMsg>) {
        if self.ready.is_empty() || self.flush_armed {
            return;
        }
        let many = u32::try_from(self.ready.len()).unwrap_or(u32::MAX);
        let pause = PAUSE_A_SUBSCRIBER.saturating_mul(many).min(PAUSE_MAX);
        let passed = self.flushed.elapsed();
        // The timer has milliseconds: a shorter pause is none.
        if passed + Duration::from_millis(1) >= pause {
            self.flush();
        } else {
            self.flush_armed = true;
            context.after(pause - passed, || BoardMsg::Flush);
        }
    }

    fn flush(&mut self) {
        self.flushed = Instant::now();
        for id in std::mem::take(&mut self.ready) {
            let Some(subscriber) = self.subscribers.get_mut(&id) else { continue };
            let rows = std::mem::take(&mut subscriber.rows);
            let Some(last) = rows.last() else { continue };
            let (seq, clock) = (last.seq, last.clock);
            if !(subscriber.deliver)(News::Rows { rows, seq, clock, pulled: false }) {
                self.unsubscribe(id);
            }
        }
    }

    // --------------------------------------------------------------------------------- subscribers

    fn subscribe(&mut self, subscription: Subscription, context: &Context<BoardMsg>) {
        let Subscription { subscriber: id, shape, markets, all, since, pulls, deliver } =
            subscription;
        let mut subscriber = Subscriber::new(shape, all, since, pulls, deliver);
        for (market, facts) in markets {
            self.watch(market, facts, &mut subscriber, context);
        }
        let complete = subscriber.missing.is_empty();
        self.subscribers.insert(id, subscriber);
        if complete {
            let at = self.now(context);
            self.answer(id, at);
        }
    }

    fn watch(
        &mut self,
        market: MarketId,
        facts: MarketFacts,
        subscriber: &mut Subscriber,
        context: &Context<BoardMsg>,
    ) {
        if !subscriber.markets.insert(market) {
            return;
        }
        let known = self.markets.contains_key(&market);
        let watched = self.markets.entry(market).or_insert_with(|| Watched::new(facts.clone()));
        if watched.facts.event.is_none() {
            watched.facts.event.clone_from(&facts.event);
            if let Some(public) = &mut watched.public {
                public.facts.event = facts.event;
            }
        }
        watched.join(&subscriber.shape);
        if watched.public.is_none() || !matches!(subscriber.mode, Mode::New(_)) {
            subscriber.missing.insert(market);
        }
        if !known {
            self.ask(market, &context.node);
        }
    }

    fn widen(
        &mut self,
        id: SubscriberId,
        markets: Vec<(MarketId, MarketFacts)>,
        context: &Context<BoardMsg>,
    ) {
        let Some(mut subscriber) = self.subscribers.remove(&id) else { return };
        let mut present = Vec::new();
        for (market, facts) in markets {
            let is_new = !subscriber.markets.contains(&market);
            self.watch(market, facts, &mut subscriber, context);
            if is_new && matches!(subscriber.mode, Mode::Live) {
                present.push(market);
            }
        }
        self.subscribers.insert(id, subscriber);
        let at = self.now(context);
        for market in present {
            self.introduce(id, market, at, context);
        }
    }

    /// The first answer to a subscription: images, or what changed since the clock it came with.
    fn answer(&mut self, id: SubscriberId, at: UtcMillis) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        let Mode::New(since) = subscriber.mode else { return };
        let (seq, clock) = (self.seq, clock(self.through, &self.held));
        let key = subscriber.shape.key();
        let mut rows = Vec::new();
        for market in &subscriber.markets {
            let Some(watched) = self.markets.get_mut(market) else { continue };
            let news = match since {
                Some(offset) => watched.since(key, Since::Offset(offset)),
                None => watched.whole(key).map_or(watched::News::None, watched::News::Whole),
            };
            push(&mut rows, news, seq, at, clock);
            watched.set_live(key, id, !subscriber.pulls);
        }
        subscriber.mode = if subscriber.pulls { Mode::Pulls } else { Mode::Live };
        subscriber.told = seq;
        let (resumed, clock) = (since.is_some(), subscriber.clock(clock));
        if !(subscriber.deliver)(News::Image { rows, resumed, seq, clock, at }) {
            self.unsubscribe(id);
        }
    }

    fn behind(&mut self, id: SubscriberId, seq: u64) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        if matches!(subscriber.mode, Mode::New(_)) {
            return;
        }
        subscriber.mode = Mode::Pulls;
        subscriber.told = seq;
        subscriber.rows = Vec::new();
        for (introduced, market) in subscriber.introduced.drain(..) {
            if introduced > seq {
                subscriber.missing.insert(market);
            }
        }
        for market in &subscriber.markets {
            if let Some(watched) = self.markets.get_mut(market) {
                watched.set_live(subscriber.shape.key(), id, false);
            }
        }
    }

    fn pull(&mut self, id: SubscriberId) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        if matches!(subscriber.mode, Mode::New(_)) {
            return;
        }
        self.seq += 1;
        let (seq, clock) = (self.seq, clock(self.through, &self.held));
        let key = subscriber.shape.key();
        let was_live = matches!(subscriber.mode, Mode::Live);
        let mut rows = Vec::new();
        for market in &subscriber.markets {
            let Some(watched) = self.markets.get_mut(market) else { continue };
            if !was_live {
                let at = watched.last_at;
                let unseen = watched.public.is_some() && subscriber.missing.remove(market);
                if unseen {
                    subscriber.introduced.push((seq, *market));
                }
                let news = match unseen {
                    true => watched.whole(key).map_or(watched::News::None, watched::News::Whole),
                    false => watched.since(key, Since::Seq(subscriber.told)),
                };
                push(&mut rows, news, seq, at, clock);
            }
            watched.set_live(key, id, !subscriber.pulls);
        }
        subscriber.mode = if subscriber.pulls { Mode::Pulls } else { Mode::Live };
        subscriber.told = seq;
        let clock = subscriber.clock(clock);
        for row in &mut rows {
            row.clock = clock;
        }
        if !(subscriber.deliver)(News::Rows { rows, seq, clock, pulled: true }) {
            self.unsubscribe(id);
        }
    }

    fn unsubscribe(&mut self, id: SubscriberId) {
        let Some(subscriber) = self.subscribers.remove(&id) else { return };
        for market in &subscriber.markets {
            if let Some(watched) = self.markets.get_mut(market) {
                watched.leave(subscriber.shape.key(), id);
            }
        }
    }

    // ---------------------------------------------------------------------------------------- time

    fn now(&self, context: &Context<BoardMsg>) -> UtcMillis {
        let partition = context.node.partition(self.partition);
        partition.and_then(|partition| partition.now()).unwrap_or_default()
    }

    fn tick(&mut self, context: &Context<BoardMsg>) {
        let at = self.now(context);
        self.ticks += 1;
        if self.ticks.is_multiple_of(QUARANTINE_TICKS) {
            let nursery = context.node.nursery();
            let child = |market| Child::Entity(self.partition, EntityId::Market(market));
            let markets = self.markets.keys().copied();
            let held: Vec<_> =
                markets.filter(|market| nursery.is_quarantined(child(*market))).collect();
            for market in held {
                self.quarantined(market, at, context);
            }
        }
        let late = self.asked.iter().filter(|(_, asked)| asked.elapsed() > ASK_AGAIN_AFTER);
        let late: Vec<_> = late.map(|(market, _)| *market).collect();
        for market in late {
            self.ask(market, &context.node);
        }
        let overdue: Vec<_> = self
            .subscribers
            .iter()
            .filter(|(_, it)| matches!(it.mode, Mode::New(_)) && it.since.elapsed() > IMAGE_WITHIN)
            .map(|(id, _)| *id)
            .collect();
        for id in overdue {
            self.answer(id, at);
        }
        self.forget_idle(context);
    }

    /// Shown suspended until an operator lets it up again, and then as it is.
    fn quarantined(&mut self, market: MarketId, at: UtcMillis, context: &Context<BoardMsg>) {
        self.held.remove(&market);
        let public = self.markets.get_mut(&market).and_then(|it| it.public.as_mut());
        if let Some(public) = public {
            let delta = public.quarantine(true);
            self.tell(market, at, self.through, delta, context);
        }
    }

    fn forget_idle(&mut self, context: &Context<BoardMsg>) {
        let idle: Vec<_> = self
            .markets
            .iter()
            .filter(|(_, it)| it.idle_since.is_some_and(|since| since.elapsed() > WATCHED_IDLE))
            .map(|(market, _)| *market)
            .collect();
        for market in idle {
            if let Some(watched) = self.markets.remove(&market) {
                self.kept -= watched.kept_len();
            }
            self.asked.remove(&market);
            self.held.remove(&market);
            let to = EntityId::Market(market);
            // One that sleeps is not woken to be told that it is not watched.
            let address = Address::Entity(self.partition, to);
            let awake = context.node.registry.find::<crate::entity::EntityMsg<MarketMsg>>(address);
            if let Some(awake) = awake {
                let _ = awake.send(crate::entity::EntityMsg::Own(MarketMsg::Unwatch));
            }
        }
    }
}

/// How far everything is told: a market that has come up again may have changes that are still to come.
fn clock(through: Offset, held: &BTreeMap<MarketId, Offset>) -> Offset {
    held.values().copied().min().map_or(through, |held| held.min(through))
}

fn push(rows: &mut Vec<Row>, news: watched::News, seq: u64, at: UtcMillis, clock: Offset) {
    let body = match news {
        watched::News::None => return,
        watched::News::Change(body) | watched::News::Whole(body) => body,
    };
    rows.push(Row { seq, at, clock, body });
}
