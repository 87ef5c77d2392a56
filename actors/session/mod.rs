//! One login: numbers its customer's requests and carries them to the account, which answers the door.
//!
//! Owns     the requests of one session that are not answered yet, and their doors' waiting ends.
//! Started  by `sessions`, at login or when a token known to home is used again; transient.
//! Asks     home who it is; the catalogue for the terms of a market it meets for the first time; its account.
//! Crash    what the account has is still answered, the rest is told to be unknown; a new incarnation counts
//!          on higher. A crash of the account is bridged: the registry says when it is up again, and what it
//!          has not answered is sent again under its number.
//! Bounds   `IN_FLIGHT_MAX` requests; more are refused as busy.

mod waiting;

pub use waiting::{Answer, Line, LineReply, Reply, Waiting};

use crate::account::AccountMsg;
use crate::catalogue::CatalogueMsg;
use crate::entity::EntityMsg;
use crate::home::HomeMsg;
use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::partition::{Busy, Detour, deliver, deliver_by};
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
use waiting::THROUGH_DIRECTORY;

#[derive(Debug)]
pub enum SessionMsg {
    Request {
        request: SessionRequest,
        reply: Reply,
    },
    /// From the account's incarnation `from`, once durable, when it does not know where the door waits.
    Answered {
        n: u64,
        outcome: Outcome,
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
            SessionMsg::Request { .. } => "request",
            SessionMsg::Answered { .. } => "answered",
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
    waiting: Vec<(SessionRequest, Reply)>,
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
    waiting: Arc<Waiting>,
    since: Instant,
}

const IN_FLIGHT_MAX: usize = 4_096;
const TERMS_MAX: usize = 4_096;
/// While home or the catalogue owe an answer.
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
            SessionMsg::Request { request, reply } => self.request(request, reply, context),
            SessionMsg::Answered { n, outcome, from } => self.answered(n, outcome, from),
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
        context: &mut Context<SessionMsg>,
    ) {
        self.let_go_of_answered();
        if self.open.len() + self.waiting.len() >= IN_FLIGHT_MAX {
            return refuse(reply, RequestError::TooManyRequests);
        }
        let Some(account) = self.login.as_ref().map(|login| login.account) else {
            self.waiting.push((request, reply));
            return self.check_later(context);
        };
        match request {
            SessionRequest::Plain(request) => self.send(account, request, reply, context),
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
                    self.waiting.push((request, reply));
                    self.ask_terms(market, context);
                    return self.check_later(context);
                };
                let body =
                    RequestBody::Place { market, terms, tickets, strategy_ref, market_version };
                self.send(account, CustomerRequest { customer_ref, body }, reply, context);
            }
        }
    }

    fn send(
        &mut self,
        account: AccountId,
        request: CustomerRequest,
        reply: Reply,
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
        self.pass(account, n, &request, &waiting, node);
        self.open.insert(n, Open { request, waiting, since: Instant::now() });
        self.check_later(context);
    }

    /// Straight to the account that is known, or the one that is found, or through the directory.
    fn pass(
        &mut self,
        account: AccountId,
        n: u64,
        request: &Arc<CustomerRequest>,
        waiting: &Arc<Waiting>,
        node: &Node,
    ) {
        let oldest_open = self.open.keys().next().copied().unwrap_or(n);
        let key = RequestKey { session: self.id, n, answered_through: oldest_open.min(n) - 1 };
        let (request, told) = (request.clone(), waiting.clone());
        let mut mail = EntityMsg::Own(AccountMsg::Request { key, request, waiting: told });
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
            match way.send(mail) {
                Ok(()) => {
                    self.account = Some(way);
                    return;
                }
                Err(returned) => mail = returned,
            }
        }
        waiting.ask(THROUGH_DIRECTORY);
        if let EntityMsg::Own(message) = mail {
            deliver_by(&self.detour, node, PARTITION, EntityId::Account(account), message);
        }
    }

    fn answered(&mut self, n: u64, outcome: Outcome, from: u64) {
        if let Some(open) = self.open.get(&n) {
            open.waiting.answer(outcome, from);
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

    fn logged_in(&mut self, login: Option<Login>, context: &mut Context<SessionMsg>) {
        match login {
            Some(login) => {
                let address = Address::Entity(PARTITION, EntityId::Account(login.account));
                if self.login.is_none() {
                    let word = || SessionMsg::Check;
                    context.node.registry.watch(address, context.me.clone(), word);
                }
                self.login = Some(login);
                self.retry_waiting(context);
            }
            None => {
                for (_, reply) in self.waiting.drain(..) {
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
                    self.waiting.drain(..).partition::<Vec<_>, _>(|(request, _)| for_it(request));
                self.waiting = rest;
                for (_, reply) in gone {
                    refuse(reply, RequestError::NoSuchMarket);
                }
            }
        }
    }

    fn retry_waiting(&mut self, context: &mut Context<SessionMsg>) {
        for (request, reply) in std::mem::take(&mut self.waiting) {
            self.request(request, reply, context);
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
        self.waiting.retain(|(_, reply)| !reply.is_closed());
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

    fn send_lost_again(&mut self, account: AccountId, context: &Context<SessionMsg>) {
        let address = Address::Entity(PARTITION, EntityId::Account(account));
        let present = context.node.registry.find::<EntityMsg<AccountMsg>>(address);
        let Some(present) = present else { return };
        let lost: Vec<_> = self
            .open
            .iter()
            .filter(|(_, open)| !open.waiting.is_answered())
            // The directory hands on what it was given: a second copy could be decided twice.
            .filter(|(_, open)| {
                let asked = open.waiting.asked();
                asked != THROUGH_DIRECTORY && asked != present.incarnation()
            })
            .map(|(n, open)| (*n, open.request.clone(), open.waiting.clone()))
            .collect();
        self.account = Some(present);
        for (n, request, waiting) in lost {
            self.pass(account, n, &request, &waiting, &context.node);
        }
    }

    fn check_later(&mut self, context: &mut Context<SessionMsg>) {
        let span = match (self.waiting.is_empty(), self.open.is_empty()) {
            (false, _) => ASK_AGAIN_AFTER,
            (true, false) => CHECK_EVERY,
            (true, true) => return,
        };
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
    reply.send(Err(error));
}
