//! One market: its status, its book and every order on it.
//!
//! Owns     the `domain::market::Market` of one `MarketId`. Nothing else changes it.
//! Started  by `markets-N`, when the directory has mail for it or its moment has come.
//! Asks     its partition's log, to make records durable; tells the accounts what became of their orders.
//! Crash    state is a fold of the journal: restart is snapshot and replay; what accounts have not
//!          acknowledged is told again.
//! Bounds   `domain::market::MAX_ORDERS`; past it an order is refused. Its mailbox as `partition` says; an account that
//!          missed notices is told `RESENT_MAX` at a time.

mod view;

pub use view::{AtClose, LadderDepth, MarketView, RunnerLadders, ViewRequest};

use crate::account::AccountMsg;
use crate::board::BoardMsg;
use crate::entity::{Desk, Entity};
use crate::home::HomeMsg;
use crate::mailbox::Mailbox;
use crate::partition::Routes;
use crate::registry::Address;
use crate::shell::{Fault, Named};
use domain::act::MarketAct;
use domain::ids::{AccountId, BetId, EntityId, Handle, MarketId};
use domain::link::Arrival;
use domain::market::{Acknowledgement, Market as State, Outgoing};
use domain::money::Pence;
use domain::order::OrderCommand;
use domain::record::{Event, MarketEvent};
use domain::time::UtcMillis;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use tokio::sync::oneshot;

#[derive(Debug)]
pub enum MarketMsg {
    /// An account's numbered command, come for the `attempt`-th time.
    Command {
        account: AccountId,
        n: u64,
        attempt: u32,
        acknowledged: u64,
        command: OrderCommand,
    },
    /// The account gives command `n` up.
    Withdraw {
        account: AccountId,
        n: u64,
    },
    /// The account has applied the market's notices up to `k`.
    Acknowledge(Acknowledgement),
    /// The account is back and has applied notices up to `acknowledged`.
    Resume {
        account: AccountId,
        acknowledged: u64,
    },
    /// Home's act.
    Act {
        n: u64,
        act: MarketAct,
    },
    View {
        request: ViewRequest,
        reply: oneshot::Sender<MarketView>,
    },
    /// From the board: an image, and from then on every change.
    Watch,
    Unwatch,
    /// How much is to be matched before each of these orders at its price; what does not rest, or rests too
    /// deep to count, is left out.
    SizeAhead {
        orders: Vec<(BetId, Handle)>,
        reply: oneshot::Sender<Vec<(BetId, Pence)>>,
    },
}

/// Orders that one question looks at: a market has other things to do than to walk its queues.
const SIZE_AHEAD_STEPS: u32 = 100_000;

impl Named for MarketMsg {
    fn name(&self) -> &'static str {
        match self {
            MarketMsg::Command { command, .. } => match command {
                OrderCommand::Place { .. } => "place",
                OrderCommand::Cancel { .. } => "cancel",
                OrderCommand::Replace { .. } => "replace",
                OrderCommand::Update { .. } => "update",
            },
            MarketMsg::Withdraw { .. } => "withdraw",
            MarketMsg::Acknowledge(_) => "acknowledge",
            MarketMsg::Resume { .. } => "resume",
            MarketMsg::Act { .. } => "act",
            MarketMsg::View { .. } => "view",
            MarketMsg::Watch => "watch",
            MarketMsg::Unwatch => "unwatch",
            MarketMsg::SizeAhead { .. } => "size ahead",
        }
    }
}

pub struct Market {
    id: EntityId,
    market: MarketId,
    state: State,
    accounts: Routes<AccountMsg>,
    home: Routes<HomeMsg>,
    /// Each account's oldest open notice when it was last looked at.
    oldest_open: BTreeMap<AccountId, u64>,
    /// Is told of every public change, once it has asked.
    board: Option<Mailbox<BoardMsg>>,
    /// Something that everybody sees has changed in this life.
    has_shown: bool,
    /// Accounts that are told again what they missed, and how far they have been.
    catching_up: BTreeMap<AccountId, u64>,
    /// What accounts have applied and no record says yet.
    acknowledged: BTreeMap<AccountId, Acknowledgement>,
}

impl Entity for Market {
    type State = State;
    type Event = MarketEvent;
    type Message = MarketMsg;
    const KIND: &'static str = "market";

    fn new(id: EntityId, state: State) -> Self {
        let EntityId::Market(market) = id else {
            unreachable!("a market is named by a market's id")
        };
        Market {
            id,
            market,
            state,
            accounts: Routes::default(),
            home: Routes::default(),
            oldest_open: BTreeMap::new(),
            board: None,
            has_shown: false,
            catching_up: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
        }
    }

    fn event_of(event: &Event) -> Option<&MarketEvent> {
        match event {
            Event::Market(event) => Some(event),
            _ => None,
        }
    }

    fn into_event(event: MarketEvent) -> Event {
        Event::Market(event)
    }

    fn apply(state: &mut State, at: UtcMillis, event: &MarketEvent) {
        state.apply(at, event);
    }

    fn wake(&self) -> Option<UtcMillis> {
        self.state.wake()
    }

    /// What is between the market and accounts only, or was refused, nobody else sees.
    fn shows(event: &MarketEvent) -> bool {
        !matches!(
            event,
            MarketEvent::Acknowledged { .. }
                | MarketEvent::ActRefused { .. }
                | MarketEvent::Refused { .. }
                | MarketEvent::Updated { .. }
                | MarketEvent::ResolutionSent { .. }
                | MarketEvent::ResolutionPaid { .. }
                | MarketEvent::ResolutionClosed { .. }
        )
    }

    fn state(&self) -> &State {
        &self.state
    }

    /// What replay would tell again is dropped: what is open with each account says it better.
    fn resume(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        self.state.send_outgoing(|_| {});
        self.suspend_after_outage(desk)?;
        self.deliver(desk)?;
        self.resend_open_notices(desk);
        Ok(())
    }

    fn handle(&mut self, message: MarketMsg, desk: &mut Desk) -> Result<(), Fault> {
        match message {
            MarketMsg::Command { account, n, attempt, acknowledged, command } => {
                self.command(account, n, attempt, acknowledged, &command, desk)
            }
            MarketMsg::Withdraw { account, n } => self.withdraw(account, n, desk),
            MarketMsg::Acknowledge(told) => self.gather(told, desk),
            MarketMsg::Resume { account, acknowledged } => {
                self.catching_up.remove(&account);
                self.gather(Acknowledgement { account, k: acknowledged, paid: None }, desk)?;
                self.acknowledge(desk)?;
                self.deliver(desk)?;
                self.resend(account, RESENT_MAX, desk);
                Ok(())
            }
            MarketMsg::Act { n, act } => self.act(n, &act, desk),
            MarketMsg::View { request, reply } => self.view(request, reply, desk),
            MarketMsg::Watch => {
                self.deliver(desk)?;
                self.watch(desk);
                Ok(())
            }
            MarketMsg::Unwatch => {
                self.state.watch(false);
                self.board = None;
                Ok(())
            }
            MarketMsg::SizeAhead { orders, reply } => self.size_ahead(&orders, reply, desk),
        }
    }

    fn woken(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        let (now, mut records) = (desk.now(), Vec::new());
        self.state.due(now, &mut records);
        self.record(now, records, desk)
    }

    /// What was open at the last call and still is, is told again: the oldest to each account, whose
    /// acknowledgement covers the rest.
    fn repeat(&mut self, desk: &mut Desk) -> Result<bool, Fault> {
        self.acknowledge(desk)?;
        self.deliver(desk)?;
        let state = &self.state;
        let oldest: BTreeMap<_, _> = state
            .accounts_to_resume()
            .filter_map(|account| Some((account, state.open_notices(account, 0).next()?.0)))
            .collect();
        for (account, k) in &oldest {
            if self.oldest_open.get(account) == Some(k) {
                self.resend(*account, 1, desk);
            }
        }
        self.oldest_open = oldest;
        Ok(!self.oldest_open.is_empty())
    }

    fn send_again_to(&mut self, fallen: EntityId, desk: &mut Desk) -> Result<(), Fault> {
        if let EntityId::Account(fallen) = fallen {
            self.deliver(desk)?;
            self.resend(fallen, RESENT_MAX, desk);
        }
        Ok(())
    }

    /// Records to the journal first, then messages to the entities of this partition.
    fn deliver(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        self.tell_board(desk);
        desk.hand_over()?;
        let (mut expects, market, target) = (false, self.market, self.id);
        let (accounts, home, partition) = (&mut self.accounts, &mut self.home, desk.partition.id);
        self.state.send_outgoing(|outgoing| match outgoing {
            Outgoing::Notice { account, k, notice } => {
                expects = true;
                let message = AccountMsg::Notice { market, k, notice: notice.clone() };
                accounts.send(desk, partition, EntityId::Account(account), message);
            }
            Outgoing::ActAnswered { n, answer } => {
                let message = HomeMsg::ActAnswered { target, n, answer: answer.clone() };
                home.send(desk, partition, EntityId::Home, message);
            }
        });
        if expects {
            desk.expect_answers();
        }
        Ok(())
    }

    /// Every account has heard everything, and no order waits for its bet delay.
    fn is_at_rest(&self) -> bool {
        self.acknowledged.is_empty()
            && self.state.accounts_to_resume().next().is_none()
            && self.state.wake().is_none()
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "status": self.state.status(),
            "inPlay": self.state.in_play(),
            "version": self.state.version(),
            "orders": self.state.order_count(),
            "accounts": self.state.account_count(),
            "totalMatched": self.state.total_matched().to_string(),
            "settling": self.state.settling(),
            "accountsToHear": self.state.accounts_to_resume().count(),
            "ladder": self.ladder(),
        })
    }
}

/// Prices and runners that an observation shows.
const LADDER_SHOWN: usize = 10;
const RUNNERS_SHOWN: usize = 100;

impl Market {
    /// The best prices of each runner, for who looks at the actor.
    fn ladder(&self) -> serde_json::Value {
        let request = ViewRequest {
            offers: LadderDepth::Best(LADDER_SHOWN),
            traded: false,
            starting_price: false,
        };
        let view = MarketView::of(&self.state, &request);
        let side = |offers: &[(domain::price::Price, Pence)]| {
            let told = offers.iter().map(|(price, size)| [price.to_string(), size.to_string()]);
            told.collect::<Vec<_>>()
        };
        let runners = view.runners.iter().take(RUNNERS_SHOWN).map(|runner| {
            json!({
                "selectionId": runner.runner.selection,
                "handicap": runner.runner.handicap,
                "back": side(&runner.available_to_back),
                "lay": side(&runner.available_to_lay),
            })
        });
        json!({ "runners": runners.collect::<Vec<_>>() })
    }

    fn command(
        &mut self,
        account: AccountId,
        n: u64,
        attempt: u32,
        acknowledged: u64,
        command: &OrderCommand,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let (now, mut records) = (desk.now(), Vec::new());
        let arrival =
            self.state.command(now, account, n, attempt, acknowledged, command, &mut records);
        follow_way(command, desk);
        self.record(now, records, desk)?;
        self.arrived(account, arrival, desk)
    }

    fn withdraw(&mut self, account: AccountId, n: u64, desk: &mut Desk) -> Result<(), Fault> {
        let (now, mut records) = (desk.now(), Vec::new());
        let arrival = self.state.withdraw(now, account, n, &mut records);
        self.record(now, records, desk)?;
        self.arrived(account, arrival, desk)
    }

    fn arrived(
        &mut self,
        account: AccountId,
        arrival: Arrival,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        match arrival {
            Arrival::Next => {}
            Arrival::Repeat => {
                self.deliver(desk)?;
                self.resend(account, RESENT_MAX, desk);
            }
            Arrival::Gap { expected } if desk.asks_again(EntityId::Account(account), expected) => {
                self.deliver(desk)?;
                let message = AccountMsg::SendAgain { market: self.market, from: expected };
                let to = EntityId::Account(account);
                self.accounts.send(desk, desk.partition.id, to, message);
            }
            Arrival::Gap { .. } => {}
        }
        Ok(())
    }

    /// Acknowledgements change nothing for anybody but this market, so one record has those of many accounts;
    /// a payment that came through is waited for and goes at once, and so is what leads to the next notices
    /// of an account that missed some.
    fn gather(&mut self, told: Acknowledgement, desk: &mut Desk) -> Result<(), Fault> {
        let account = told.account;
        let caught_up = self.catching_up.get(&account).is_some_and(|through| *through <= told.k);
        let at_once = told.paid.is_some() || caught_up;
        match self.acknowledged.entry(account) {
            Entry::Vacant(entry) => drop(entry.insert(told)),
            Entry::Occupied(mut entry) if entry.get().k <= told.k => drop(entry.insert(told)),
            Entry::Occupied(_) => {}
        }
        if at_once || self.acknowledged.len() >= GATHERED_MAX {
            self.acknowledge(desk)?;
        } else {
            desk.expect_answers();
        }
        if caught_up {
            // What it was told again is settled: the next of what it missed.
            self.catching_up.remove(&account);
            self.deliver(desk)?;
            self.resend(account, RESENT_MAX, desk);
        }
        Ok(())
    }

    fn acknowledge(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        let told: Vec<_> = std::mem::take(&mut self.acknowledged).into_values().collect();
        let (now, mut records) = (desk.now(), Vec::new());
        self.state.acknowledge(now, &told, &mut records);
        self.record(now, records, desk)
    }

    fn act(&mut self, n: u64, act: &MarketAct, desk: &mut Desk) -> Result<(), Fault> {
        let (now, mut records) = (desk.now(), Vec::new());
        let arrival = self.state.act(now, n, act, &mut records);
        self.record(now, records, desk)?;
        // Home sends all its open acts again, whichever is missing.
        if matches!(arrival, Arrival::Gap { .. }) && desk.asks_again(EntityId::Home, 0) {
            self.deliver(desk)?;
            let message = HomeMsg::SendActsAgain { target: self.id };
            self.home.send(desk, desk.partition.id, EntityId::Home, message);
        }
        Ok(())
    }

    fn suspend_after_outage(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        let short = desk.partition.outage_ms() <= desk.node.settings.resume_suspended_after_ms;
        // One that has only been away since went through this when it first came up.
        if short || desk.recovered_through > desk.partition.opened_at() {
            return Ok(());
        }
        let (now, mut records) = (desk.now(), Vec::new());
        self.state.suspend_after_outage(now, &mut records);
        if !records.is_empty() {
            tracing::warn!(market = %self.market, "in play through an outage, suspended");
        }
        self.record(now, records, desk)
    }

    fn view(
        &mut self,
        request: ViewRequest,
        reply: oneshot::Sender<MarketView>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let view = MarketView::of(&self.state, &request);
        // A door that went away wants no answer.
        desk.tell(move || drop(reply.send(view)))
    }

    fn size_ahead(
        &mut self,
        orders: &[(BetId, Handle)],
        reply: oneshot::Sender<Vec<(BetId, Pence)>>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let mut steps = SIZE_AHEAD_STEPS;
        let ahead = orders
            .iter()
            .filter(|(bet, handle)| self.state.order(*handle).is_some_and(|it| it.bet == *bet))
            .filter_map(|(bet, handle)| Some((*bet, self.state.size_ahead(*handle, &mut steps)?)))
            .collect();
        desk.tell(move || drop(reply.send(ahead)))
    }

    /// Large ones are handed over by themselves: all are more than a frame holds, and the market can go on
    /// behind any.
    fn record(
        &mut self,
        now: UtcMillis,
        records: Vec<MarketEvent>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let wake = self.state.wake();
        self.has_shown |= records.iter().any(Self::shows);
        if let [MarketEvent::Created { .. }, ..] = records[..]
            && let Some(board) = board_of(desk)
        {
            let market = self.market;
            desk.news(move |_| drop(board.send(BoardMsg::Listed(market))));
        }
        for record in records {
            let is_large = record.fills_a_frame();
            desk.record(now, [record], Self::into_event, wake);
            if is_large {
                desk.hand_over()?;
            }
        }
        Ok(())
    }

    /// What everybody sees of this batch, once it is durable.
    fn tell_board(&mut self, desk: &mut Desk) {
        if let Some(board) = &self.board
            && let Some(change) = self.state.take_change(desk.now())
        {
            let (market, board, change) = (self.market, board.clone(), Box::new(change));
            desk.news(move |through| {
                // A board that has died since has asked the market again.
                let _ = board.send(BoardMsg::Change { market, change, through });
            });
        }
    }

    fn watch(&mut self, desk: &mut Desk) {
        let Some(board) = board_of(desk) else { return };
        // A market that is not created yet tells that it is listed when it is.
        let Some(image) = self.state.public_image() else { return };
        self.state.watch(true);
        self.board = Some(board.clone());
        let (at, image) = (desk.now(), Box::new(image));
        let unchanged_since = (!self.has_shown).then_some(desk.shown_through);
        desk.effect(move |through| {
            let last = unchanged_since.unwrap_or(through);
            let _ = board.send(BoardMsg::Image { image, at, last, through });
        });
    }

    fn resend_open_notices(&mut self, desk: &mut Desk) {
        let accounts: Vec<_> = self.state.accounts_to_resume().collect();
        for account in accounts {
            self.resend(account, RESENT_MAX, desk);
        }
    }

    fn resend(&mut self, account: AccountId, most: usize, desk: &mut Desk) {
        let market = self.market;
        let mut told = None;
        for (k, notice) in self.state.open_notices(account, 0).take(most) {
            told = Some(k);
            let message = AccountMsg::Notice { market, k, notice: notice.clone() };
            self.accounts.send(desk, desk.partition.id, EntityId::Account(account), message);
        }
        if let Some(through) = told {
            self.catching_up.insert(account, through);
            desk.expect_answers();
        }
    }
}

/// Where the first bet of a placement is, if its request is followed: bets that come together go together.
fn follow_way(command: &OrderCommand, desk: &mut Desk) {
    let OrderCommand::Place { orders, .. } = command else { return };
    let Some(bet) = orders.first().map(|order| order.bet) else { return };
    let Some(key) = desk.node.journeys.followed(bet) else { return };
    desk.node.journeys.step(key, ["account", "market", "matched"], None);
    let node = desk.node.clone();
    desk.news(move |through| {
        let offset = Some(through.get());
        node.journeys.step(key, ["market", "journal", "match durable"], offset);
        node.journeys.step(key, ["board", "stream", "told to who watches"], offset);
    });
}

fn board_of(desk: &Desk) -> Option<Mailbox<BoardMsg>> {
    desk.node.registry.find(Address::Board(desk.partition.id))
}

/// Notices told again at once; the next follow when these are acknowledged.
const RESENT_MAX: usize = 256;
/// Accounts whose acknowledgements go into one record.
const GATHERED_MAX: usize = 1_024;
