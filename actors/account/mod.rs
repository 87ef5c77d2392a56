//! One account: its money, its bets, and what they may lose.
//!
//! Owns     the `domain::account::Account` of one `AccountId`. Nothing else changes it.
//! Started  by `accounts-N`, when the directory has mail for it or its moment has come.
//! Asks     its partition's log; sends numbered commands to markets and keeps them until answered.
//! Crash    state is a fold of the journal; commands that were open are sent again, each market takes
//!          each once. Sessions send again what was not answered.
//! Bounds   those of `domain::account`; its mailbox as `partition` says. What is asked of a market for which too much
//!          waits is refused as busy.

mod answers;
mod follow;
mod query;

pub use follow::{Deliver, MatchedAt, OrderChange, OrderNews, Position};
pub use query::{AccountQuery, AccountView};

use crate::entity::{Desk, Entity};
use crate::home::HomeMsg;
use crate::journey::Key;
use crate::market::MarketMsg;
use crate::partition::Routes;
use crate::session::{Handed, Waiting};
use crate::shell::{Fault, Named};
use answers::{Answers, Name};
use domain::account::{Account as State, Acted, First, HeartbeatAnswer, Outgoing, Requested};
use domain::act::AccountAct;
use domain::ids::{AccountId, BetId, EntityId, MarketId};
use domain::link::Arrival;
use domain::market::Acknowledgement;
use domain::order::OrderCommand;
use domain::record::{AccountEvent, Event, Notice, RequestKey};
use domain::request::{CustomerRequest, Outcome, ReplaceReport, RequestBody};
use domain::time::UtcMillis;
use follow::Followers;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Where somebody waits to hear that a request is taken and durable. Dropped without a word when it was
/// refused, in part or wholly, or taken before.
pub type Taken = oneshot::Sender<(TakenOrders, Option<Arc<Handed>>)>;

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenOrders {
    Placed(Vec<BetId>),
    /// As they end when nothing comes between.
    Replaced(Vec<ReplaceReport>),
}

pub enum AccountMsg {
    /// A session's numbered request.
    Request {
        key: RequestKey,
        request: Arc<CustomerRequest>,
        /// A repeat is to be answered as the first was.
        replay: bool,
        taken: Option<Taken>,
        /// Where the answer is waited for.
        waiting: Arc<Waiting>,
    },
    /// A market's numbered notice.
    Notice {
        market: MarketId,
        k: u64,
        notice: Notice,
    },
    /// The market has not seen the account's commands from this number on.
    SendAgain {
        market: MarketId,
        from: u64,
    },
    /// Home's act.
    Act {
        n: u64,
        act: AccountAct,
    },
    /// The customer is there; 0 turns the dead man's switch off. Dropped when the journal takes nothing.
    Heartbeat {
        wanted_s: u32,
        reply: oneshot::Sender<HeartbeatAnswer>,
    },
    Query {
        query: AccountQuery,
        reply: oneshot::Sender<AccountView>,
    },
    /// From a stream connection: what there is now, and then each change. With `since`, also what ended
    /// since then.
    Follow {
        follower: u64,
        since: Option<UtcMillis>,
        deliver: Deliver,
    },
    Unfollow {
        follower: u64,
    },
}

impl std::fmt::Debug for AccountMsg {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}

impl Named for AccountMsg {
    fn name(&self) -> &'static str {
        match self {
            AccountMsg::Request { request, .. } => match request.body {
                RequestBody::Place { .. } => "place",
                RequestBody::Cancel(_) => "cancel",
                RequestBody::Replace { .. } => "replace",
                RequestBody::Update { .. } => "update",
            },
            AccountMsg::Notice { notice, .. } => match notice {
                Notice::Answered { .. } => "answered",
                Notice::Waiting { .. } => "waiting",
                Notice::Filled(_) => "filled",
                Notice::Lapsed(_) => "lapsed",
                Notice::Closed(_) => "closed",
                Notice::Adjusted(_) => "adjusted",
                Notice::RunnerRemoved(_) => "runner removed",
                Notice::Resolved { .. } => "resolved",
            },
            AccountMsg::SendAgain { .. } => "send again",
            AccountMsg::Act { .. } => "act",
            AccountMsg::Heartbeat { .. } => "heartbeat",
            AccountMsg::Query { .. } => "query",
            AccountMsg::Follow { .. } => "follow",
            AccountMsg::Unfollow { .. } => "unfollow",
        }
    }
}

pub struct Account {
    id: AccountId,
    state: State,
    markets: Routes<MarketMsg>,
    home: Routes<HomeMsg>,
    /// Commands that were open when last looked at, and how often each was sent.
    attempts: BTreeMap<(MarketId, u64), u32>,
    followers: Followers,
    /// Markets whose notices were applied in this batch.
    heard: BTreeSet<MarketId>,
    answers: Answers,
}

impl Entity for Account {
    type State = State;
    type Event = AccountEvent;
    type Message = AccountMsg;
    const KIND: &'static str = "account";

    fn new(id: EntityId, state: State) -> Self {
        let EntityId::Account(id) = id else { unreachable!("an account is named by its own id") };
        Account {
            id,
            state,
            markets: Routes::default(),
            home: Routes::default(),
            attempts: BTreeMap::new(),
            followers: Followers::default(),
            heard: BTreeSet::new(),
            answers: Answers::default(),
        }
    }

    fn event_of(event: &Event) -> Option<&AccountEvent> {
        match event {
            Event::Account(event) => Some(event),
            _ => None,
        }
    }

    fn into_event(event: AccountEvent) -> Event {
        Event::Account(event)
    }

    fn apply(state: &mut State, at: UtcMillis, event: &AccountEvent) {
        state.apply(at, event);
    }

    /// The dead man's switch. Deadlines of commands are looked at when repeating.
    fn wake(&self) -> Option<UtcMillis> {
        self.state.wake()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn resume(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        drop(self.state.take_outgoing());
        let markets: Vec<_> = self.state.markets_to_resume().collect();
        for (market, acknowledged) in markets {
            self.send_to_market(market, MarketMsg::Resume { account: self.id, acknowledged }, desk);
        }
        self.send_open_commands(desk, |_| true);
        Ok(())
    }

    fn handle(&mut self, message: AccountMsg, desk: &mut Desk) -> Result<(), Fault> {
        match message {
            AccountMsg::Request { key, request, replay, taken, waiting } => {
                self.request(key, &request, replay, taken, waiting, desk);
                Ok(())
            }
            AccountMsg::Notice { market, k, notice } => self.notice(market, k, notice, desk),
            AccountMsg::SendAgain { market, from } => {
                self.deliver(desk)?;
                self.send_open_commands(desk, |(other, n)| other == market && n >= from);
                Ok(())
            }
            AccountMsg::Act { n, act } => self.act(n, &act, desk),
            AccountMsg::Heartbeat { wanted_s, reply } => self.heartbeat(wanted_s, reply, desk),
            AccountMsg::Query { query, reply } => {
                let view = AccountView::of(&self.state, desk.now(), desk.records(), &query);
                desk.tell(move || drop(reply.send(view)))
            }
            AccountMsg::Follow { follower, since, deliver } => {
                // What has changed so far is nothing new to them.
                self.deliver(desk)?;
                let (now, told) = (desk.now(), deliver.clone());
                let image = self.followers.follow(follower, deliver, &self.state, now, since);
                desk.tell(move || {
                    // One that has gone meanwhile is found out when the account looks for rest.
                    let _ = told(OrderNews::Image(Arc::new(image)));
                })
            }
            AccountMsg::Unfollow { follower } => {
                self.followers.unfollow(follower);
                Ok(())
            }
        }
    }

    fn woken(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        self.run_due(desk.now(), desk);
        Ok(())
    }

    /// Commands that were open at the last call and still are go out again; those past their deadline are
    /// withdrawn.
    fn repeat(&mut self, desk: &mut Desk) -> Result<bool, Fault> {
        self.deliver(desk)?;
        let now = desk.now();
        let overdue = self.state.overdue(now, desk.node.settings.placement_timeout_ms);
        let given_up: BTreeSet<_> = overdue.into_iter().chain(self.state.withdrawals()).collect();
        for (market, n) in given_up {
            self.send_to_market(market, MarketMsg::Withdraw { account: self.id, n }, desk);
        }
        let before = std::mem::take(&mut self.attempts);
        let open = self.state.open_commands().map(|(market, n, ..)| (market, n));
        self.attempts =
            open.map(|open| (open, before.get(&open).map_or(1, |sent| *sent))).collect();
        self.send_open_commands(desk, |open| before.contains_key(&open));
        Ok(!self.attempts.is_empty())
    }

    fn send_again_to(&mut self, fallen: EntityId, desk: &mut Desk) -> Result<(), Fault> {
        if let EntityId::Market(fallen) = fallen {
            self.deliver(desk)?;
            self.send_open_commands(desk, |(market, _)| market == fallen);
        }
        Ok(())
    }

    /// Records and what leaves the partition to the journal; then messages to its entities.
    fn deliver(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        let (mut messages, mut bets) = (Vec::new(), Vec::new());
        for outgoing in self.state.take_outgoing() {
            match outgoing {
                Outgoing::ToSession { session, n, outcome } => {
                    self.answer((session, n), outcome, desk);
                }
                Outgoing::BetChanged { market, bet } => {
                    if !self.followers.is_empty() {
                        bets.push((market, bet));
                    }
                }
                outgoing => messages.push(outgoing),
            }
        }
        if let Some(mut change) = self.followers.change(&self.state, desk.now(), &bets) {
            // Behind the answers that it may be about.
            change.behind = self.answers.behind();
            let tell = self.followers.telling(OrderNews::Change(Arc::new(change)));
            desk.news(move |_| tell());
        }
        self.answers.batch_ends();
        desk.hand_over()?;
        for message in messages {
            self.send(message, desk);
        }
        // Nobody waits for these, and the market's next mail is not far.
        for market in std::mem::take(&mut self.heard) {
            let k = self.state.acknowledged(market);
            let told = Acknowledgement { account: self.id, k, paid: None };
            self.leave_with_market(market, MarketMsg::Acknowledge(told), desk);
        }
        Ok(())
    }

    /// Every command is answered, none is being given up, no moment is waited for, and nobody follows.
    fn is_at_rest(&self) -> bool {
        !self.followers.look()
            && self.state.open_commands().next().is_none()
            && self.state.withdrawals().next().is_none()
            && self.state.wake().is_none()
    }

    fn observe(&self) -> serde_json::Value {
        let funds = self.state.funds();
        let exposures = self.state.exposures().take(EXPOSURES_SHOWN).map(|(market, exposure)| {
            json!({ "marketId": market.to_string(), "exposure": exposure.to_string() })
        });
        json!({
            "exposures": exposures.collect::<Vec<_>>(),
            "available": funds.available().to_string(),
            "balance": funds.balance.to_string(),
            "exposure": funds.exposure.to_string(),
            "status": funds.status,
            "openCommands": self.state.open_commands().count(),
            "followers": self.followers.len(),
        })
    }
}

/// Markets that an observation shows.
const EXPOSURES_SHOWN: usize = 100;

impl Account {
    fn request(
        &mut self,
        key: RequestKey,
        request: &CustomerRequest,
        replay: bool,
        taken: Option<Taken>,
        waiting: Arc<Waiting>,
        desk: &mut Desk,
    ) {
        let (now, name) = (desk.now(), (key.session, key.n));
        self.run_due(now, desk);
        self.answers.wait(name, waiting);
        if replay
            && self.state.is_new(key)
            && let Some(first) = self.state.first_of(now, request)
        {
            return self.repeat_of(first, name, request, desk);
        }
        if let Some(market) = request.body.market()
            && self.markets.is_overloaded(EntityId::Market(market))
            && self.state.is_new(key)
        {
            return self.answer(name, domain::account::busy(request), desk);
        }
        let partition = desk.partition.clone();
        match self.state.request(now, key, request, &mut || partition.next_bet()) {
            Requested::Taken(events) => {
                if desk.node.journeys.follows(name) {
                    follow_way(name, request.body.market(), &placed(&events), desk);
                }
                if let Some(taken) = taken
                    && let Some(orders) = self.taken_orders(now, &events)
                {
                    let handed = self.answers.hand(!self.followers.is_empty());
                    desk.effect(move |_| drop(taken.send((orders, handed))));
                }
                self.record(now, events, desk);
            }
            Requested::Pending => {}
            Requested::Forgotten => self.answers.forget(name),
            Requested::Answered(outcome) => self.answer(name, outcome, desk),
        }
    }

    /// A request that came before is answered as it was, or when it is.
    fn repeat_of(&mut self, first: First, name: Name, request: &CustomerRequest, desk: &mut Desk) {
        let outcome = match first {
            First::Ended(outcome) => outcome,
            First::Open(session, n) if self.answers.wait_for((session, n), name) => return,
            First::Open(..) => domain::account::busy(request),
        };
        self.answer(name, outcome, desk);
    }

    fn answer(&mut self, name: Name, outcome: Outcome, desk: &mut Desk) {
        self.answers.answer(name, outcome, !self.followers.is_empty(), desk);
    }

    /// What a request placed or replaced; both are one command.
    fn taken_orders(&self, now: UtcMillis, events: &[AccountEvent]) -> Option<TakenOrders> {
        let [AccountEvent::Ordered(ordered)] = events else { return None };
        match &ordered.command {
            OrderCommand::Place { orders, .. } => {
                Some(TakenOrders::Placed(orders.iter().map(|order| order.bet).collect()))
            }
            _ => self.state.expected_of(now, ordered).map(TakenOrders::Replaced),
        }
    }

    fn notice(
        &mut self,
        market: MarketId,
        k: u64,
        notice: Notice,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let now = desk.now();
        self.run_due(now, desk);
        let taken = self.state.notice(now, market, k, notice);
        self.record(now, taken.event, desk);
        match taken.arrival {
            Arrival::Next => drop(self.heard.insert(market)),
            Arrival::Repeat => {}
            Arrival::Gap { expected } if desk.asks_again(EntityId::Market(market), expected) => {
                // What came before is open with the market: it tells everything again.
                self.deliver(desk)?;
                let acknowledged = expected - 1;
                let message = MarketMsg::Resume { account: self.id, acknowledged };
                self.send_to_market(market, message, desk);
            }
            Arrival::Gap { .. } => {}
        }
        Ok(())
    }

    fn act(&mut self, n: u64, act: &AccountAct, desk: &mut Desk) -> Result<(), Fault> {
        let now = desk.now();
        self.run_due(now, desk);
        match self.state.act(now, n, act) {
            Acted::Taken(events) => self.record(now, events, desk),
            Acted::Answered(answer) => {
                self.deliver(desk)?;
                self.send(Outgoing::ActAnswered { n, answer }, desk);
            }
            Acted::Forgotten => {}
            // Home sends all its open acts again, whichever is missing.
            Acted::Gap if desk.asks_again(EntityId::Home, 0) => {
                self.deliver(desk)?;
                let message = HomeMsg::SendActsAgain { target: EntityId::Account(self.id) };
                self.home.send(desk, desk.partition.id, EntityId::Home, message);
            }
            Acted::Gap => {}
        }
        Ok(())
    }

    fn heartbeat(
        &mut self,
        wanted_s: u32,
        reply: oneshot::Sender<HeartbeatAnswer>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let now = desk.now();
        self.run_due(now, desk);
        if desk.partition.admits(&desk.node.settings).is_err() {
            return Ok(());
        }
        let (event, answer) = self.state.heartbeat(now, wanted_s);
        self.record(now, event, desk);
        // A door that went away wants no answer.
        desk.tell(move || {
            let _ = reply.send(answer);
        })
    }

    /// What has come due goes before anything is decided.
    fn run_due(&mut self, now: UtcMillis, desk: &mut Desk) {
        let events = self.state.due(now);
        if !events.is_empty() {
            tracing::info!(account = %self.id, "no heartbeat, cancelling every order");
            self.record(now, events, desk);
        }
    }

    fn record(
        &self,
        now: UtcMillis,
        events: impl IntoIterator<Item = AccountEvent>,
        desk: &mut Desk,
    ) {
        desk.record(now, events, Self::into_event, self.state.wake());
    }

    fn send(&mut self, outgoing: Outgoing, desk: &mut Desk) {
        let account = self.id;
        match outgoing {
            Outgoing::ToMarket { market, n, acknowledged, command } => {
                let message = MarketMsg::Command { account, n, attempt: 1, acknowledged, command };
                self.send_to_market(market, message, desk);
                desk.expect_answers();
            }
            Outgoing::Withdraw { market, n } => {
                self.send_to_market(market, MarketMsg::Withdraw { account, n }, desk);
                desk.expect_answers();
            }
            Outgoing::Acknowledge { market, k, paid } => {
                let told = MarketMsg::Acknowledge(Acknowledgement { account, k, paid });
                match paid {
                    Some(_) => self.send_to_market(market, told, desk),
                    None => self.leave_with_market(market, told, desk),
                }
            }
            Outgoing::ActAnswered { n, answer } => {
                let target = EntityId::Account(account);
                let message = HomeMsg::ActAnswered { target, n, answer };
                self.home.send(desk, desk.partition.id, EntityId::Home, message);
            }
            Outgoing::ToSession { .. } | Outgoing::BetChanged { .. } => {
                unreachable!("what leaves the partition is an effect")
            }
        }
    }

    fn send_open_commands(&mut self, desk: &mut Desk, which: impl Fn((MarketId, u64)) -> bool) {
        let account = self.id;
        for (market, n, command, _) in self.state.open_commands() {
            if !which((market, n)) {
                continue;
            }
            let attempt = self.attempts.entry((market, n)).or_insert(0);
            *attempt += 1;
            let message = MarketMsg::Command {
                account,
                n,
                attempt: *attempt,
                acknowledged: self.state.acknowledged(market),
                command: command.clone(),
            };
            let to = EntityId::Market(market);
            self.markets.send(desk, desk.partition.id, to, message);
            desk.expect_answers();
        }
    }

    /// Where it is found with the market's next mail.
    fn leave_with_market(&mut self, market: MarketId, message: MarketMsg, desk: &Desk) {
        self.markets.leave(desk, desk.partition.id, EntityId::Market(market), message);
    }

    fn send_to_market(&mut self, market: MarketId, message: MarketMsg, desk: &Desk) {
        self.markets.send(desk, desk.partition.id, EntityId::Market(market), message);
    }
}

/// What a followed request became, and when that was durable.
fn follow_way(key: Key, market: Option<MarketId>, bets: &[BetId], desk: &mut Desk) {
    desk.node.journeys.step(key, ["session", "account", "funds held"], None);
    desk.node.journeys.became(key, market, bets);
    let node = desk.node.clone();
    desk.news(move |through| {
        node.journeys.step(key, ["account", "journal", "hold durable"], Some(through.get()));
    });
}

/// The bets that a request placed.
fn placed(events: &[AccountEvent]) -> Vec<BetId> {
    let orders = events.iter().filter_map(|event| match event {
        AccountEvent::Ordered(ordered) => match &ordered.command {
            OrderCommand::Place { orders, .. } => Some(orders),
            _ => None,
        },
        _ => None,
    });
    orders.flatten().map(|order| order.bet).collect()
}
