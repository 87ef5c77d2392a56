//! Following markets: from a filter to the board, and from its news to lines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::board::{BoardMsg, MarketFacts, News, Row, SubscriberId, Subscription};
use actors::catalogue::CatalogueMsg;
use actors::mailbox::Mailbox;
use actors::registry::Address;
use actors::shell::Context;
use bytes::Bytes;
use domain::catalogue::{Catalogue, MarketCard};
use domain::ids::MarketId;
use domain::time::UtcMillis;
use serde_json::json;
use store::entry::Offset;

use super::{ASK_AGAIN, BEHIND_LOOK, BEHIND_MAX, Found, PARTITION, StreamMsg, StreamSession, Told};
use crate::stream::clk::{Clocks, Unreadable};
use crate::stream::line::{Head, Op, Opening};
use crate::stream::request::{MarketSubscription, Terms};
use crate::stream::status::{ErrorCode, Failure};

/// A market subscription that was accepted.
pub(super) struct MarketFollowing {
    subscriber: SubscriberId,
    head: Head,
    subscription: Arc<MarketSubscription>,
    markets: Vec<(MarketId, MarketFacts)>,
    initial_clk: String,
    /// How far the client was told: in the board's count, and in the log.
    told: u64,
    clk: Option<Offset>,
    /// The answer to the subscription has been told.
    opened: bool,
    /// The board knows of it.
    on_board: bool,
    last_told: Instant,
    /// There has been no room since.
    behind: Option<Instant>,
    /// A pull is under way.
    pulling: bool,
    next_pull: Instant,
}

impl MarketFollowing {
    pub(super) fn observe(&self) -> serde_json::Value {
        json!({
            "markets": self.markets.len(),
            "opened": self.opened,
            "behind": self.behind.is_some(),
            "clk": self.clk.map(Offset::get),
        })
    }

    fn terms(&self) -> &Terms {
        &self.subscription.terms
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.terms().heartbeat_ms)
    }

    fn conflate(&self) -> Option<Duration> {
        let conflate = self.terms().conflate_ms;
        (conflate > 0).then(|| Duration::from_millis(conflate))
    }

    pub(super) fn due(&self, now: Instant) -> Instant {
        let mut due = self.last_told + self.heartbeat();
        if !self.on_board {
            due = due.min(now + ASK_AGAIN);
        }
        if self.behind.is_some() {
            return now + BEHIND_LOOK;
        }
        if self.opened && !self.pulling && self.conflate().is_some() {
            due = due.min(self.next_pull);
        }
        due.max(now)
    }
}

/// A question to the catalogue. Let go unanswered, it says so.
struct Question {
    me: Mailbox<StreamMsg>,
    found: Option<Found>,
}

impl Drop for Question {
    fn drop(&mut self) {
        if let Some(found) = self.found.take() {
            let _ = self.me.send(StreamMsg::Found(found));
        }
    }
}

/// A subscription at the board. Let go, it says so.
struct Held {
    me: Mailbox<StreamMsg>,
    subscriber: SubscriberId,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.me.send(StreamMsg::Lost(self.subscriber));
    }
}

fn facts(catalogue: &Catalogue, card: &MarketCard) -> MarketFacts {
    MarketFacts {
        event: catalogue.event_of(card).map(|event| Arc::new(event.clone())),
        settled_at: card.settled_at,
    }
}

impl StreamSession {
    /// Asks the catalogue which markets the subscription is about.
    pub(super) fn find(
        &mut self,
        id: Option<i64>,
        subscription: Arc<MarketSubscription>,
        context: &Context<StreamMsg>,
    ) {
        let limit = self.service.limits.markets;
        let found = Found { id, subscription, markets: None };
        let mut question = Question { me: context.me.clone(), found: Some(found) };
        let ask = move |catalogue: &Catalogue| {
            if let Some(found) = &mut question.found {
                let cards = found.subscription.markets.find(catalogue);
                found.markets = Some(match cards.len() {
                    many if many > limit => Err(many),
                    _ => Ok(cards
                        .into_iter()
                        .map(|card| (card.definition.id, facts(catalogue, card)))
                        .collect()),
                });
            }
            drop(question);
        };
        ask_catalogue(Box::new(ask), context);
    }

    pub(super) fn found(&mut self, found: Found, context: &mut Context<StreamMsg>) {
        let Found { id, subscription, markets } = found;
        let markets = match markets {
            None => {
                let again = Found { id, subscription, markets: None };
                // Asked again a little later, through the same way.
                return context.after(ASK_AGAIN, move || StreamMsg::Again(again));
            }
            Some(Err(many)) => {
                let most = self.service.limits.markets;
                let why = format!("the filter takes {many} markets, {most} are allowed");
                let why = Failure::new(ErrorCode::SubscriptionLimitExceeded, why);
                self.busy = false;
                self.fail(id, &why, context);
                return self.work(context);
            }
            Some(Ok(markets)) => markets,
        };
        self.busy = false;
        let origin = subscription.origin(self.service.log);
        let terms = &subscription.terms;
        let clocks = origin.read(terms.initial_clk.as_deref(), terms.clk.as_deref());
        let clk = match clocks {
            Ok(Clocks::None) => None,
            Ok(Clocks::At(at)) => Some(Offset::new(at)).filter(|at| *at <= self.released(context)),
            Err(Unreadable) => {
                let why = "clk or initialClk is not one of this node's";
                return self.fail(id, &Failure::new(ErrorCode::InvalidClock, why), context);
            }
        };
        self.leave_markets(context);
        self.succeed(id, context);
        let now = Instant::now();
        self.markets = Some(MarketFollowing {
            subscriber: self.next_subscriber(),
            head: Head { op: Op::Market, id },
            subscription,
            markets,
            initial_clk: origin.initial(),
            told: 0,
            clk,
            opened: false,
            on_board: false,
            last_told: now,
            behind: None,
            pulling: false,
            next_pull: now,
        });
        self.subscribe(context);
        self.work(context);
    }

    fn released(&self, context: &Context<StreamMsg>) -> Offset {
        let partition = context.node.partition(PARTITION);
        partition.map_or(Offset::ZERO, |partition| partition.log.released())
    }

    fn subscribe(&mut self, context: &Context<StreamMsg>) {
        let Some(following) = &mut self.markets else { return };
        let Some(board) = context.node.registry.find::<BoardMsg>(Address::Board(PARTITION)) else {
            return;
        };
        let subscriber = following.subscriber;
        let held = Held { me: context.me.clone(), subscriber };
        let subscription = Subscription {
            subscriber,
            shape: Arc::new(following.subscription.shape),
            markets: following.markets.clone(),
            all: !following.subscription.markets.is_named(),
            since: following.clk,
            pulls: following.conflate().is_some(),
            deliver: Box::new(move |news| {
                held.me.send(StreamMsg::News { subscriber: held.subscriber, news }).is_ok()
            }),
        };
        following.on_board = board.send(BoardMsg::Subscribe(Box::new(subscription))).is_ok();
        following.pulling = false;
    }

    /// What was followed is followed no more.
    pub(super) fn leave_markets(&mut self, context: &Context<StreamMsg>) {
        if let Some(following) = self.markets.take() {
            tell_board(BoardMsg::Unsubscribe(following.subscriber), context);
        }
    }

    /// A subscription that the board let go is made again, under a name of its own.
    pub(super) fn lost(&mut self, subscriber: SubscriberId) {
        if self.markets.as_ref().is_some_and(|it| it.subscriber == subscriber) {
            let again = self.next_subscriber();
            if let Some(following) = &mut self.markets {
                following.subscriber = again;
                following.on_board = false;
            }
        }
    }

    pub(super) fn news(
        &mut self,
        subscriber: SubscriberId,
        news: News,
        context: &mut Context<StreamMsg>,
    ) {
        let Some(following) = &mut self.markets else { return };
        if following.subscriber != subscriber {
            return;
        }
        match news {
            News::Image { rows, resumed, seq, clock, at } if !following.opened => {
                let opening = Opening {
                    resumed,
                    initial_clk: &following.initial_clk,
                    heartbeat_ms: following.terms().heartbeat_ms,
                    conflate_ms: following.terms().conflate_ms,
                    segmented: following.terms().segmented,
                };
                let rows = rows.into_iter().map(|row| row.body).collect();
                let lines = following.head.opening(&opening, clock.get(), at, rows);
                if self.tell_pieces(lines) == Told::No {
                    return self.too_slow(context);
                }
                if let Some(following) = &mut self.markets {
                    following.opened = true;
                    following.told(seq, clock);
                }
            }
            // The board is another one: what differs from what it told before is a change.
            News::Image { rows, seq, clock, .. } => self.rows(rows, seq, clock, true, context),
            News::Rows { rows, seq, clock, pulled } => {
                self.rows(rows, seq, clock, pulled, context);
            }
            News::Listed(market) => self.listed(market, context),
        }
    }

    fn rows(
        &mut self,
        rows: Vec<Row>,
        seq: u64,
        clock: Offset,
        pulled: bool,
        context: &mut Context<StreamMsg>,
    ) {
        let Some(following) = &mut self.markets else { return };
        if following.behind.is_some() && !pulled {
            // Told before the board knew: the pull says it again, and what was left out.
            return;
        }
        following.pulling &= !pulled;
        if rows.is_empty() {
            following.told = seq;
            following.clk = Some(clock);
            following.behind = None;
            return;
        }
        let bytes = rows.iter().map(|row| row.body.len() + 96).sum();
        let mut lines = Vec::with_capacity(bytes);
        for row in &rows {
            following.head.push_change(&mut lines, row.clock.get(), row.at, &row.body);
        }
        let told = self.tell(Bytes::from(lines));
        let Some(following) = &mut self.markets else { return };
        match told {
            Told::Yes => {
                following.behind = None;
                following.told(seq, clock);
            }
            Told::No => {
                let since = following.behind.get_or_insert_with(Instant::now);
                let is_hopeless = since.elapsed() > BEHIND_MAX;
                let (subscriber, seq) = (following.subscriber, following.told);
                tell_board(BoardMsg::Behind { subscriber, seq }, context);
                if is_hopeless {
                    self.too_slow(context);
                }
            }
        }
    }

    pub(super) fn too_slow(&mut self, context: &mut Context<StreamMsg>) {
        let ms = BEHIND_MAX.as_millis();
        let why = format!("nothing was read for {ms} ms: come back with your clk");
        self.fail(None, &Failure::new(ErrorCode::ConnectionFailed, why), context);
    }

    fn listed(&mut self, market: MarketId, context: &Context<StreamMsg>) {
        let Some(following) = &self.markets else { return };
        let (me, subscriber) = (context.me.clone(), following.subscriber);
        let subscription = following.subscription.clone();
        let ask = move |catalogue: &Catalogue| {
            let card = catalogue.card(market);
            if let Some(card) = card.filter(|card| subscription.markets.takes(catalogue, card)) {
                let facts = facts(catalogue, card);
                let _ = me.send(StreamMsg::New { subscriber, market, facts });
            }
        };
        ask_catalogue(Box::new(ask), context);
    }

    /// At the limit, later markets are left out: what is followed goes on.
    pub(super) fn widen(
        &mut self,
        subscriber: SubscriberId,
        market: MarketId,
        facts: MarketFacts,
        context: &Context<StreamMsg>,
    ) {
        let limit = self.service.limits.markets;
        let Some(following) = &mut self.markets else { return };
        let known = following.markets.iter().any(|(other, _)| *other == market);
        if following.subscriber != subscriber || known || following.markets.len() >= limit {
            return;
        }
        following.markets.push((market, facts.clone()));
        tell_board(BoardMsg::Widen { subscriber, markets: vec![(market, facts)] }, context);
    }

    pub(super) fn markets_due(&mut self, now: Instant, context: &mut Context<StreamMsg>) {
        if self.markets.as_ref().is_some_and(|following| !following.on_board) {
            self.subscribe(context);
        }
        let has_room = self.has_room();
        let Some(following) = &mut self.markets else { return };
        let subscriber = following.subscriber;
        if let Some(since) = following.behind {
            if now.saturating_duration_since(since) > BEHIND_MAX {
                self.too_slow(context);
            } else if has_room && !following.pulling {
                following.pulling = true;
                tell_board(BoardMsg::Pull(subscriber), context);
            }
            return;
        }
        if let Some(conflate) = following.conflate()
            && following.opened
            && !following.pulling
            && now >= following.next_pull
        {
            following.next_pull = now + conflate;
            following.pulling = true;
            tell_board(BoardMsg::Pull(subscriber), context);
        }
        if following.opened && now >= following.last_told + following.heartbeat() {
            following.last_told = now;
            let clk = following.clk.map_or(0, Offset::get);
            let at = context.node.partition(PARTITION).and_then(|partition| partition.now());
            let line = following.head.heartbeat(clk, at.unwrap_or(UtcMillis(0)));
            self.tell(line);
        }
    }
}

impl MarketFollowing {
    fn told(&mut self, seq: u64, clock: Offset) {
        self.told = seq;
        self.clk = Some(clock);
        self.last_told = Instant::now();
    }
}

fn ask_catalogue(question: Box<dyn FnOnce(&Catalogue) + Send>, context: &Context<StreamMsg>) {
    if let Some(catalogue) = context.node.registry.find::<CatalogueMsg>(Address::Catalogue) {
        let _ = catalogue.send(CatalogueMsg::Ask(question));
    }
}

fn tell_board(message: BoardMsg, context: &Context<StreamMsg>) {
    if let Some(board) = context.node.registry.find::<BoardMsg>(Address::Board(PARTITION)) {
        let _ = board.send(message);
    }
}
