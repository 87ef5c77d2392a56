//! One login: numbers its customer's requests and carries them to the account, which answers the door.
//!
//! Owns     the requests of one session that are not answered yet, and their doors' waiting ends.
//! Started  by `sessions`, at login or when a token known to home is used again; transient.
//! Asks     home who it is; the catalogue for the terms of a market it meets for the first time; its account.
//! Crash    what the account has is still answered, the rest is told to be unknown; a new incarnation counts
//!          on higher. A crash of the account is bridged: the registry says when it is up again, and what it
//!          has not answered is sent again under its number.
//! Bounds   `IN_FLIGHT_MAX` requests; more are refused as busy, and so is what finds the account's mailbox full.

mod handed;
mod waiting;

pub use handed::Handed;
pub use waiting::{Answer, Kept, Line, LineReply, Reply, Waiting};

use crate::account::{AccountMsg, Taken};
use crate::catalogue::CatalogueMsg;
use crate::entity::EntityMsg;
use crate::home::HomeMsg;
use crate::mailbox::{Mailbox, Undelivered};
use crate::node::Node;
use crate::partition::{Busy, Detour, REQUESTS_MAX, THROUGH_DIRECTORY, deliver, deliver_by};
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::definition::MarketTerms;
use domain::home::Login;
use domain::ids::{AccountId, EntityId, MarketId, PartitionId, SessionId};
use domain::order::Ticket;
use domain::record::RequestKey;
use domain::request::{CustomerRequest, Outcome, RequestBody};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use waiting::NOWHERE;

#[derive(Debug)]
pub enum SessionMsg {
    Request {
        request: SessionRequest,
        reply: Reply,
    },
    /// The same, with more than an outcome wished for.
    RequestWith {
        request: SessionRequest,
        reply: Reply,
        wishes: Wishes,
    },
    /// From the account's incarnation `from`, once durable, when it does not know where the door waits.
    Answered {
        n: u64,
        outcome: Outcome,
        from: u64,
        handed: Option<Arc<Handed>>,
    },
    /// The account `from`, or the directory on the way to it, had no room for it: it was not seen.
    NotTaken {
        n: u64,
        from: u64,
    },
    /// From home: who this is; nobody when the token is no longer good.
    Login(Option<Login>),
    /// From the catalogue: the terms of a market, if there is such a market.
    Terms {
        market: MarketId,
        terms: Option<MarketTerms>,
    },
    /// Looks whether the account was restarted since requests were sent to it.
    Check,
    /// Logged out.
    Close,
}

impl Named for SessionMsg {
    fn name(&self) -> &'static str {
        match self {
            SessionMsg::Request { .. } | SessionMsg::RequestWith { .. } => "request",
            SessionMsg::Answered { .. } => "answered",
            SessionMsg::NotTaken { .. } => "not taken",
            SessionMsg::Login(_) => "login",
            SessionMsg::Terms { .. } => "terms",
            SessionMsg::Check => "check",
            SessionMsg::Close => "close",
        }
    }
}

/// What a door asks in the customer's name.
#[derive(Debug, Clone)]
pub enum SessionRequest {
    Place {
        market: MarketId,
        tickets: Vec<Ticket>,
        customer_ref: Option<Box<str>>,
        strategy_ref: Option<Box<str>>,
        market_version: Option<u64>,
    },
    /// Cancel, replace, update: nothing is looked up for them.
    Plain(CustomerRequest),
}

/// What a door may wish for beside the outcome.
#[derive(Debug, Default)]
pub struct Wishes {
    /// A request that came before, word for word and with the same customer's reference, is answered with
    /// its first outcome, whichever session of the account it came from.
    pub replay: bool,
    /// Who waits for the account to take it.
    pub taken: Option<Taken>,
}

/// Nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error("too many requests of this session are open")]
    TooManyRequests,
    #[error("no such market")]
    NoSuchMarket,
    #[error("the session is over")]
    SessionOver,
}

#[derive(Debug, Clone, Copy)]
pub struct SessionArgs {
    pub session: SessionId,
}

pub struct Session {
    id: SessionId,
    /// `None` until home has answered.
    login: Option<Login>,
    /// Asked before home or the catalogue answered.
    waiting: Vec<(SessionRequest, Reply, Wishes)>,
    terms: HashMap<MarketId, MarketTerms>,
    terms_asked: HashMap<MarketId, Instant>,
    next: u64,
    /// Sent to the account; answered ones go when they are come upon.
    open: BTreeMap<u64, Open>,
    account: Option<Mailbox<EntityMsg<AccountMsg>>>,
    /// What went to it through the directory.
    detour: Detour,
    answered: u64,
    /// When it looks again whether all is well, if anything is open.
    check_at: Option<Instant>,
}

struct Open {
    request: Arc<CustomerRequest>,
    /// Knows which incarnation of the account it was sent to last.
    waiting: Arc<Waiting>,
    /// A repeat of a request is to be answered as the first.
    replay: bool,
    /// An earlier incarnation was sent it too, and may have taken it.
    maybe_taken: bool,
    since: Instant,
}

const IN_FLIGHT_MAX: usize = 4_096;
const TERMS_MAX: usize = 4_096;
/// While home or the catalogue owe an answer, or a request is with nobody.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// While only the account owes one: of its restart the registry tells.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// A request nobody waits for any more is let go after this; its answer stays with the account.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);

impl Behaviour for Session {
    type Args = SessionArgs;
    type Message = SessionMsg;
    const KIND: &'static str = "session";

    fn address(args: &SessionArgs) -> Address {
        Address::Session(args.session)
    }

    fn start(args: SessionArgs, context: &Context<SessionMsg>) -> Result<Self, Fault> {
        // Later than every number of an earlier incarnation: a million requests a millisecond are not sent.
        let now =
            context.node.partition(PARTITION).and_then(|home| home.now()).unwrap_or_default().0;
        Ok(Session {
            id: args.session,
            login: None,
            waiting: Vec::new(),
            terms: HashMap::new(),
            terms_asked: HashMap::new(),
            next: u64::try_from(now).unwrap_or(0) << 20,
            open: BTreeMap::new(),
            account: None,
            detour: Detour::default(),
            answered: 0,
            check_at: None,
        })
    }

    fn started(&mut self, context: &mut Context<SessionMsg>) -> Result<(), Fault> {
        self.ask_home(context);
        Ok(())
    }

    fn handle(
        &mut self,
        message: SessionMsg,
        context: &mut Context<SessionMsg>,
    ) -> Result<(), Fault> {
        match message {
            SessionMsg::Request { request, reply } => {
                self.request(request, reply, Wishes::default(), context);
            }
            SessionMsg::RequestWith { request, reply, wishes } => {
                self.request(request, reply, wishes, context);
            }
            SessionMsg::Answered { n, outcome, from, handed } => {
                self.answered(n, outcome, from, handed);
            }
            SessionMsg::NotTaken { n, from } => self.not_taken(n, from, context),
            SessionMsg::Login(login) => self.logged_in(login, context),
            SessionMsg::Terms { market, terms } => self.know_terms(market, terms, context),
            SessionMsg::Check => self.check(context),
            SessionMsg::Close => context.stop(),
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "username": self.login.as_ref().map(|login| login.username.clone()),
            "account": self.login.as_ref().map(|login| login.account.0),
            "open": self.open.values().filter(|open| !open.waiting.is_answered()).count(),
            "waiting": self.waiting.len(),
            "answered": self.answered,
        })
    }
}

impl Session {
    fn request(
        &mut self,
        request: SessionRequest,
        reply: Reply,
        wishes: Wishes,
        context: &mut Context<SessionMsg>,
    ) {
        self.let_go_of_answered();
        if self.open.len() + self.waiting.len() >= IN_FLIGHT_MAX {
            return refuse(reply, RequestError::TooManyRequests);
        }
        let Some(account) = self.login.as_ref().map(|login| login.account) else {
            self.waiting.push((request, reply, wishes));
            return self.check_later(context);
        };
        match request {
            SessionRequest::Plain(request) => self.send(account, request, reply, wishes, context),
            SessionRequest::Place {
                market,
                tickets,
                customer_ref,
                strategy_ref,
                market_version,
            } => {
                let Some(&terms) = self.terms.get(&market) else {
                    let request = SessionRequest::Place {
                        market,
                        tickets,
                        customer_ref,
                        strategy_ref,
                        market_version,
                    };
                    self.waiting.push((request, reply, wishes));
                    self.ask_terms(market, context);
                    return self.check_later(context);
                };
                let body =
                    RequestBody::Place { market, terms, tickets, strategy_ref, market_version };
                let request = CustomerRequest { customer_ref, body };
                self.send(account, request, reply, wishes, context);
            }
        }
    }

    fn send(
        &mut self,
        account: AccountId,
        request: CustomerRequest,
        reply: Reply,
        wishes: Wishes,
        context: &mut Context<SessionMsg>,
    ) {
        let node = &context.node;
        let admitted = match node.partition(PARTITION) {
            Some(partition) => partition.admits(&node.settings),
            None => Err(Busy::Backlog),
        };
        if let Err(busy) = admitted {
            return refuse(reply, busy.into());
        }
        self.next += 1;
        let n = self.next;
        let (request, waiting) = (Arc::new(request), Arc::new(Waiting::new(reply)));
        let (maybe_taken, since) = (false, Instant::now());
        let open = Open { request, waiting, replay: wishes.replay, maybe_taken, since };
        match self.pass(account, n, &open, wishes.taken, node) {
            true => drop(self.open.insert(n, open)),
            false => open.waiting.refuse(Busy::Mailbox.into()),
        }
        self.check_later(context);
    }

    /// Straight to the account that is known, or the one that is found, or through the directory. False when
    /// too much waits for it: then the request is with nobody.
    fn pass(
        &mut self,
        account: AccountId,
        n: u64,
        open: &Open,
        taken: Option<Taken>,
        node: &Node,
    ) -> bool {
        if node.journeys.follows((self.id, n)) {
            node.journeys.begin((self.id, n), ["door", "session", "admitted"]);
        }
        let oldest_open = self.open.keys().next().copied().unwrap_or(n);
        let key = RequestKey { session: self.id, n, answered_through: oldest_open.min(n) - 1 };
        let (request, waiting) = (open.request.clone(), &open.waiting);
        let (replay, told) = (open.replay, waiting.clone());
        let request = AccountMsg::Request { key, request, replay, taken, waiting: told };
        let mut mail = EntityMsg::Own(request);
        let address = Address::Entity(PARTITION, EntityId::Account(account));
        // What is on its way through the directory goes first.
        let tries = if self.detour.is_taken() { 0 } else { 2 };
        for _ in 0..tries {
            let way = match self.account.take() {
                Some(way) => way,
                None => match node.registry.find(address) {
                    Some(way) => way,
                    None => break,
                },
            };
            waiting.ask(way.incarnation());
            match way.try_send(mail, REQUESTS_MAX) {
                Ok(()) => {
                    self.account = Some(way);
                    return true;
                }
                Err(Undelivered::Overloaded(_)) => {
                    self.account = Some(way);
                    waiting.ask(NOWHERE);
                    return false;
                }
                Err(Undelivered::Gone(returned)) => mail = returned,
            }
        }
        waiting.ask(THROUGH_DIRECTORY);
        if let EntityMsg::Own(message) = mail {
            deliver_by(&self.detour, node, PARTITION, EntityId::Account(account), message);
        }
        true
    }

    fn answered(&mut self, n: u64, outcome: Outcome, from: u64, handed: Option<Arc<Handed>>) {
        if !self.open.get(&n).is_some_and(|open| open.waiting.was_asked(from)) {
            return;
        }
        if let Some(open) = self.open.remove(&n) {
            self.answered += 1;
            open.waiting.answer(outcome, from, handed);
        }
    }

    /// Those in front, which is most of them; all of them when it matters.
    fn let_go_of_answered(&mut self) {
        while let Some(first) = self.open.first_entry()
            && first.get().waiting.is_answered()
        {
            first.remove();
            self.answered += 1;
        }
        if self.open.len() + self.waiting.len() >= IN_FLIGHT_MAX {
            let before = self.open.len();
            self.open.retain(|_, open| !open.waiting.is_answered());
            self.answered += (before - self.open.len()) as u64;
        }
    }

    /// Refused as busy, unless an earlier life of the account may have taken it: then it goes out again.
    fn not_taken(&mut self, n: u64, from: u64, context: &mut Context<SessionMsg>) {
        match self.open.get_mut(&n) {
            Some(open) if !open.waiting.was_asked(from) => {}
            Some(open) if open.maybe_taken => {
                open.waiting.ask(NOWHERE);
                self.check_within(ASK_AGAIN_AFTER, context);
            }
            Some(_) => {
                if let Some(open) = self.open.remove(&n) {
                    open.waiting.refuse(Busy::Mailbox.into());
                }
            }
            None => {}
        }
    }

    fn logged_in(&mut self, login: Option<Login>, context: &mut Context<SessionMsg>) {
        match login {
            Some(login) => {
                if self.login.is_none() {
                    let address = Address::Entity(PARTITION, EntityId::Account(login.account));
                    let word = || SessionMsg::Check;
                    context.node.registry.watch(address, context.me.clone(), word);
                }
                self.login = Some(login);
                self.retry_waiting(context);
            }
            None => {
                for (_, reply, _) in self.waiting.drain(..) {
                    refuse(reply, RequestError::SessionOver);
                }
                context.stop();
            }
        }
    }

    fn know_terms(
        &mut self,
        market: MarketId,
        terms: Option<MarketTerms>,
        context: &mut Context<SessionMsg>,
    ) {
        self.terms_asked.remove(&market);
        match terms {
            Some(terms) => {
                if self.terms.len() >= TERMS_MAX {
                    self.terms.clear();
                }
                self.terms.insert(market, terms);
                self.retry_waiting(context);
            }
            None => {
                let for_it = |request: &SessionRequest| matches!(request, SessionRequest::Place { market: asked, .. } if *asked == market);
                let (gone, rest) =
                    self.waiting.drain(..).partition::<Vec<_>, _>(|(request, ..)| for_it(request));
                self.waiting = rest;
                for (_, reply, _) in gone {
                    refuse(reply, RequestError::NoSuchMarket);
                }
            }
        }
    }

    fn retry_waiting(&mut self, context: &mut Context<SessionMsg>) {
        for (request, reply, wishes) in std::mem::take(&mut self.waiting) {
            self.request(request, reply, wishes, context);
        }
    }

    /// Sends again what an account that has died since never answered, asks again what was not
    /// answered, and lets go what nobody waits for.
    fn check(&mut self, context: &mut Context<SessionMsg>) {
        self.check_at = None;
        self.let_go_of_answered();
        self.open.retain(|_, open| {
            !open.waiting.is_abandoned() || open.since.elapsed() < ABANDONED_AFTER
        });
        self.waiting.retain(|(_, reply, _)| !reply.is_closed());
        if self.login.is_none() {
            self.ask_home(context);
        }
        let again: Vec<_> = self
            .terms_asked
            .iter()
            .filter(|(_, asked)| asked.elapsed() > ASK_AGAIN_AFTER)
            .map(|(market, _)| *market)
            .collect();
        for market in again {
            self.terms_asked.remove(&market);
            self.ask_terms(market, context);
        }
        if let Some(account) = self.login.as_ref().map(|login| login.account) {
            self.send_lost_again(account, context);
        }
        self.check_later(context);
    }

    fn send_lost_again(&mut self, account: AccountId, context: &mut Context<SessionMsg>) {
        let address = Address::Entity(PARTITION, EntityId::Account(account));
        let present = context.node.registry.find::<EntityMsg<AccountMsg>>(address);
        let Some(present) = present else { return };
        let is_lost = |open: &Open| {
            let asked = open.waiting.asked();
            // The directory hands on what it was given: a second copy could be decided twice.
            let gone = asked != THROUGH_DIRECTORY && asked != present.incarnation();
            gone && !open.waiting.is_answered()
        };
        let lost: Vec<u64> =
            self.open.iter().filter(|(_, open)| is_lost(open)).map(|(n, _)| *n).collect();
        self.account = Some(present);
        for n in lost {
            let Some(mut open) = self.open.remove(&n) else { continue };
            open.maybe_taken = true;
            let sent = self.pass(account, n, &open, None, &context.node);
            self.open.insert(n, open);
            if !sent {
                self.check_within(ASK_AGAIN_AFTER, context);
            }
        }
    }

    fn check_later(&mut self, context: &mut Context<SessionMsg>) {
        match (self.waiting.is_empty(), self.open.is_empty()) {
            (false, _) => self.check_within(ASK_AGAIN_AFTER, context),
            (true, false) => self.check_within(CHECK_EVERY, context),
            (true, true) => {}
        }
    }

    fn check_within(&mut self, span: Duration, context: &mut Context<SessionMsg>) {
        let at = Instant::now() + span;
        // One that is on its way and comes soon enough will do.
        if self.check_at.is_none_or(|check_at| at + ASK_AGAIN_AFTER / 2 < check_at) {
            self.check_at = Some(at);
            context.after(span, || SessionMsg::Check);
        }
    }

    fn ask_home(&self, context: &Context<SessionMsg>) {
        let message = HomeMsg::Login { session: self.id, reply: context.me.clone() };
        deliver(&context.node, PARTITION, EntityId::Home, message);
    }

    fn ask_terms(&mut self, market: MarketId, context: &Context<SessionMsg>) {
        if self.terms_asked.insert(market, Instant::now()).is_some() {
            return;
        }
        if let Some(catalogue) = context.node.registry.find::<CatalogueMsg>(Address::Catalogue) {
            let _ = catalogue.send(CatalogueMsg::Terms { market, reply: context.me.clone() });
        }
    }
}

/// One node alone runs one partition.
const PARTITION: PartitionId = PartitionId(0);

fn refuse(reply: Reply, error: RequestError) {
    reply.send(Err(error), None);
}
