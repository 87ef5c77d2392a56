//! Home: the entity of partition 0 that keeps what belongs to no market and no account: users, sessions'
//! tokens, API keys, links on their way by mail, the list of events and markets, operators' tokens, and every operator's act with who and why.
//!
//! ```text
//!   operator ── operate ──▶ Operated ──▶ acts 1, 2, … per target ──▶ account or market
//!      ▲                    (one record)                                │ journaled answer
//!      └── Answered ◀── all acts answered ◀── ActAnswered ◀── answered ◀┘
//! ```
//! Home decides what is its own (names, ids, keys) and never what is a market's or an account's: whether
//! a market may be settled is the market's answer. It keeps each act until the target's journaled answer
//! has come, and repeats it: so a market exists in the end once home has listed it, whoever dies.

mod api_keys;
mod apps;
mod check;
mod event;
mod links;
mod operate;
mod operations;
mod people;
mod request;
mod sessions;
mod shape;
#[cfg(test)]
mod tests;

pub use api_keys::{ApiKey, MAX_API_KEYS, MAX_API_KEYS_PER_USER, Scope, USE_NOTED_MS, session_of};
pub use apps::{DeveloperApp, MAX_APPS, MAX_APPS_PER_USER};
pub use event::*;
pub use links::{Drawn, LINK_MS, Link, MAX_LINKS, MAX_LINKS_PER_ADDRESS, Purpose, SignUp};
pub use operate::MAX_BET_DELAY_S;
pub use operations::{Arrival, KEY_MS, MAX_OPEN_ACTS, MAX_OPERATIONS, Outgoing, ToEntity};
pub use people::{MailWish, NewApiKey};
pub use request::*;
pub use sessions::{EXTENSION_MS_MIN, MAX_SESSIONS, MAX_SESSIONS_PER_USER, SESSION_MS};

use crate::act::{ActAnswer, ActError};
use crate::definition::MarketDefinition;
use crate::ids::{
    AccountId, CompetitionId, EntityId, EventId, EventTypeId, MarketId, PartitionId, SelectionId,
    SessionId,
};
use crate::time::UtcMillis;
use api_keys::ApiKeys;
use apps::Apps;
use links::Links;
use operations::Operations;
use serde::{Deserialize, Serialize};
use sessions::Sessions;
use std::collections::{BTreeMap, BTreeSet};

pub const MAX_USERS: usize = 1_000_000;
pub const MAX_EVENTS: usize = 1_000_000;
pub const MAX_MARKETS: usize = 1_000_000;
/// Competitions, and names of runners, that ids are kept for.
pub const MAX_NAMES: usize = 1_000_000;
pub const MAX_OPERATOR_TOKENS: usize = 10_000;

/// Ids from here on are home's to give; smaller ones are the creator's, so that markets recorded elsewhere
/// keep their selections and the two never meet.
pub const FIRST_SELECTION: SelectionId = SelectionId(1_000_000_001);

/// Where a market lives and what it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    pub partition: PartitionId,
    pub event: EventId,
    pub event_type: EventTypeId,
}

/// What became of an operator's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operated {
    /// To be journaled and applied; the answer will be an [`Outgoing::Answered`] of this number.
    Begun { operation: u64, event: HomeEvent },
    /// The same request under this key is being carried out: wait for its answer.
    Running { operation: u64 },
    /// The same request under this key was carried out.
    Answered { operation: u64, answer: OperationAnswer },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// By the username in small letters: two that differ in case only would pass for each other.
    users: BTreeMap<String, User>,
    accounts: BTreeMap<AccountId, String>,
    app_keys: BTreeMap<String, AccountId>,
    apps: Apps,
    operator_tokens: BTreeMap<SecretHash, OperatorToken>,
    operators: BTreeSet<String>,
    events: BTreeMap<EventId, SportEvent>,
    markets: BTreeMap<MarketId, Placement>,
    competitions: BTreeMap<(EventTypeId, String), CompetitionId>,
    selections: BTreeMap<(EventTypeId, String), SelectionId>,
    next: NextIds,
    sessions: Sessions,
    operations: Operations,
    /// By the address in small letters; of two users with one address the first is meant.
    emails: BTreeMap<String, AccountId>,
    links: Links,
    api_keys: ApiKeys,
    /// Who wants mail at every change of a bet.
    mailed: BTreeSet<AccountId>,
    #[serde(skip)]
    outgoing: Vec<Outgoing>,
}

/// The ids that will be given next; they only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct NextIds {
    account: AccountId,
    event: EventId,
    market: MarketId,
    competition: CompetitionId,
    selection: SelectionId,
}

impl Default for Home {
    fn default() -> Self {
        let soccer = |name: &str| (EventTypeId(1), name.to_owned());
        Home {
            users: BTreeMap::new(),
            accounts: BTreeMap::new(),
            app_keys: BTreeMap::new(),
            apps: Apps::default(),
            operator_tokens: BTreeMap::new(),
            operators: BTreeSet::new(),
            events: BTreeMap::new(),
            markets: BTreeMap::new(),
            competitions: BTreeMap::new(),
            // Ids that Betfair's clients know by heart.
            selections: BTreeMap::from([
                (soccer("The Draw"), SelectionId(58_805)),
                (soccer("Under 2.5 Goals"), SelectionId(47_972)),
                (soccer("Over 2.5 Goals"), SelectionId(47_973)),
            ]),
            next: NextIds {
                account: AccountId(1),
                event: EventId(10_000_001),
                market: MarketId(100_000_001),
                competition: CompetitionId(10_000_001),
                selection: FIRST_SELECTION,
            },
            sessions: Sessions::default(),
            operations: Operations::default(),
            emails: BTreeMap::new(),
            links: Links::default(),
            api_keys: ApiKeys::default(),
            mailed: BTreeSet::new(),
            outgoing: Vec::new(),
        }
    }
}

impl Home {
    /// Folds one record in. What follows from it is then in [`Home::take_outgoing`]; a replay takes it too
    /// and drops it, and asks for [`Home::open_acts`] at its end.
    pub fn apply(&mut self, at: UtcMillis, event: &HomeEvent) {
        self.sessions.drop_expired(at);
        self.operations.drop_expired(at);
        self.links.drop_expired(at);
        self.api_keys.drop_expired(at);
        match event {
            HomeEvent::Operated { operation, by, change, acts } => {
                let answer = self.change(change, event.listed());
                self.operations.begin(at, *operation, by, answer, acts, &mut self.outgoing);
            }
            HomeEvent::ActAnswered { target, n, answer } => {
                self.operations.answered(*target, *n, answer, &mut self.outgoing);
            }
            HomeEvent::SessionOpened { session, login, displaced } => {
                if let Some(oldest) = displaced {
                    self.sessions.close(*oldest);
                }
                self.sessions.open(*session, login.clone());
            }
            HomeEvent::SessionExtended { session, expires } => {
                self.sessions.extend(*session, *expires);
            }
            HomeEvent::SessionClosed { session } => self.sessions.close(*session),
            HomeEvent::AppCreated { account, app } => {
                for key in [Some(&app.live_key), app.delayed_key.as_ref()].into_iter().flatten() {
                    self.app_keys.insert(key.clone(), *account);
                }
                self.apps.add(*account, app.clone());
            }
            HomeEvent::LinkMade(link) => self.links.add(link),
            // The sweep above is all there is to it.
            HomeEvent::LinksExpired => {}
            HomeEvent::PasswordChanged { account, password_hash, kept } => {
                self.change_password_hash(*account, password_hash, *kept);
            }
            HomeEvent::ApiKeyCreated { account, key } => self.api_keys.add(*account, key),
            HomeEvent::ApiKeyUsed { account, id } => self.api_keys.used(at, *account, *id),
            HomeEvent::ApiKeyRevoked { account, id } => self.api_keys.revoke(*account, *id),
            HomeEvent::MailWished { account, email } => {
                match email {
                    Some(_) => self.mailed.insert(*account),
                    None => self.mailed.remove(account),
                };
            }
        }
    }

    fn change_password_hash(&mut self, account: AccountId, hash: &str, kept: Option<SessionId>) {
        let name = self.accounts.get(&account);
        if let Some(user) = name.and_then(|name| self.users.get_mut(name)) {
            user.password_hash = hash.to_owned();
        }
        self.links.spend_resets(account);
        for session in self.sessions.of(account).to_vec() {
            if Some(session) != kept {
                self.sessions.close(session);
            }
        }
    }

    /// The answer, when it is not an act's own.
    fn change(
        &mut self,
        change: &Change,
        listed: Option<&MarketDefinition>,
    ) -> Option<OperationAnswer> {
        match change {
            Change::Nothing => None,
            Change::UserCreated(user) => {
                self.next.account = AccountId(user.account.0 + 1);
                let name = user.username.to_ascii_lowercase();
                self.accounts.insert(user.account, name.clone());
                self.app_keys.insert(user.app_key.clone(), user.account);
                // The link was followed, when one led here.
                self.links.spend_sign_up(&user.username);
                if let Some(email) = &user.email {
                    self.emails.entry(email.to_ascii_lowercase()).or_insert(user.account);
                }
                self.users.insert(name, (**user).clone());
                Some(OperationAnswer::User {
                    account: user.account,
                    username: user.username.clone(),
                    app_key: user.app_key.clone(),
                })
            }
            Change::EventCreated(event) => {
                self.next.event = EventId(event.id.0 + 1);
                if let Some((id, name)) = &event.competition {
                    self.next.competition.0 = self.next.competition.0.max(id.0 + 1);
                    self.competitions.insert((event.event_type, name.clone()), *id);
                }
                self.events.insert(event.id, (**event).clone());
                Some(OperationAnswer::Event(event.id))
            }
            Change::MarketListed(market) => {
                self.next.market = MarketId(market.0 + 1);
                listed.map(|definition| self.list(definition))
            }
            Change::OperatorTokenCreated(token) => {
                self.operators.insert(token.name.clone());
                self.operator_tokens.insert(token.token, token.clone());
                Some(OperationAnswer::OperatorToken)
            }
        }
    }

    fn list(&mut self, definition: &MarketDefinition) -> OperationAnswer {
        for runner in &definition.runners {
            let selection = runner.runner.selection;
            if selection >= self.next.selection {
                self.next.selection = SelectionId(selection.0 + 1);
            }
            let name = (definition.event_type, runner.name.clone());
            self.selections.entry(name).or_insert(selection);
        }
        self.markets.insert(
            definition.id,
            Placement {
                partition: definition.partition,
                event: definition.event,
                event_type: definition.event_type,
            },
        );
        OperationAnswer::Market {
            market: definition.id,
            runners: definition
                .runners
                .iter()
                .map(|runner| (runner.runner, runner.name.clone()))
                .collect(),
        }
    }

    /// What the records applied since the last call lead to, in order.
    pub fn take_outgoing(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outgoing)
    }

    /// Everything that was sent and is not answered: to be sent again after a restart, when a target is
    /// back, and by a timer.
    pub fn open_acts(&self) -> impl Iterator<Item = ToEntity> {
        self.operations.open_acts()
    }

    /// An answer came from a target.
    pub fn answered(&self, target: EntityId, n: u64, answer: ActAnswer) -> Arrival {
        let Some(operation) = self.operations.open_act(target, n) else { return Arrival::Repeat };
        match answer {
            ActAnswer::Refused(error @ (ActError::ReadOnly | ActError::Quarantined)) => {
                Arrival::Hindered { operation, error }
            }
            answer => Arrival::Record(HomeEvent::ActAnswered { target, n, answer }),
        }
    }

    /// When the next link expires: a sign-up that was not confirmed leaves nothing of its owner here. For
    /// the rest home waits for no moment: what has expired is no longer found, and the next record drops it.
    pub fn wake(&self) -> Option<UtcMillis> {
        self.links.next_due()
    }

    /// What has come due by `now`.
    pub fn due(&self, now: UtcMillis) -> Option<HomeEvent> {
        self.links.next_due().filter(|due| *due <= now).map(|_| HomeEvent::LinksExpired)
    }

    // ------------------------------------------------------------------------------------ sessions

    /// A login whose password was right. Anybody's application key will do: a key says which program speaks,
    /// not who. `session` and `token` are drawn by the caller; drawn before, they
    /// are refused and drawn anew.
    pub fn open_session(
        &self,
        now: UtcMillis,
        session: SessionId,
        username: &str,
        token: SecretHash,
        app_key: &str,
        lasts_ms: i64,
    ) -> Result<HomeEvent, HomeError> {
        let user = self.user(username).ok_or(HomeError::NoSuchUser)?;
        if self.app_key(app_key).is_none() {
            return Err(HomeError::invalid("appKey", "is nobody's"));
        }
        if self.sessions.is_taken(session, &token) || self.api_keys.is_taken(session) {
            return Err(HomeError::invalid("session", "is in use"));
        }
        HomeError::full("sessions", self.sessions.len(), MAX_SESSIONS)?;
        let others = self.sessions.of(user.account);
        let displaced = others.first().copied().filter(|_| others.len() >= MAX_SESSIONS_PER_USER);
        let login = Login {
            account: user.account,
            username: user.username.clone(),
            token,
            app_key: app_key.to_owned(),
            expires: now.plus_ms(lasts_ms),
        };
        Ok(HomeEvent::SessionOpened { session, login, displaced })
    }

    /// `None` when the session ends about as late already.
    pub fn extend_session(
        &self,
        now: UtcMillis,
        session: SessionId,
        lasts_ms: i64,
    ) -> Result<Option<HomeEvent>, HomeError> {
        let login = self.sessions.get(now, session).ok_or(HomeError::NoSuchSession)?;
        let expires = now.plus_ms(lasts_ms);
        let worth_it = expires.since_ms(login.expires) >= EXTENSION_MS_MIN;
        Ok(worth_it.then_some(HomeEvent::SessionExtended { session, expires }))
    }

    pub fn close_session(
        &self,
        now: UtcMillis,
        session: SessionId,
    ) -> Result<HomeEvent, HomeError> {
        self.sessions.get(now, session).ok_or(HomeError::NoSuchSession)?;
        Ok(HomeEvent::SessionClosed { session })
    }

    pub fn session(&self, now: UtcMillis, session: SessionId) -> Option<&Login> {
        self.sessions.get(now, session)
    }

    pub fn session_by_token(
        &self,
        now: UtcMillis,
        token: &SecretHash,
    ) -> Option<(SessionId, &Login)> {
        self.sessions.by_token(now, token)
    }

    /// Sessions that have not expired.
    pub fn sessions(&self, now: UtcMillis) -> impl Iterator<Item = (SessionId, &Login)> {
        self.sessions.iter().filter(move |(_, login)| login.expires > now)
    }

    // -------------------------------------------------------------------------------- applications

    /// A customer registers an application; both keys were drawn by the caller.
    pub fn create_app(
        &self,
        account: AccountId,
        name: &str,
        live_key: &str,
        delayed_key: &str,
    ) -> Result<HomeEvent, HomeError> {
        self.user_of(account).ok_or(HomeError::NoSuchUser)?;
        check::name("appName", name, check::NAME_CHARS)?;
        let id = self.apps.admit(account, name)?;
        for key in [live_key, delayed_key] {
            check::code("key", key, 64, "-_")?;
            if live_key == delayed_key || self.app_keys.contains_key(key) {
                return Err(HomeError::invalid("key", "is in use"));
            }
        }
        let app = DeveloperApp {
            id,
            name: name.to_owned(),
            live_key: live_key.to_owned(),
            delayed_key: Some(delayed_key.to_owned()),
        };
        Ok(HomeEvent::AppCreated { account, app })
    }

    /// A customer's applications, the one that came with the user first.
    pub fn apps(&self, account: AccountId) -> Vec<DeveloperApp> {
        let first = self.user_of(account).map(|user| DeveloperApp {
            id: account.0,
            name: user.username.clone(),
            live_key: user.app_key.clone(),
            delayed_key: None,
        });
        first.into_iter().chain(self.apps.of(account).iter().cloned()).collect()
    }

    // ------------------------------------------------------------------------------------- reading

    pub fn user(&self, username: &str) -> Option<&User> {
        self.users.get(&username.to_ascii_lowercase())
    }

    pub fn user_of(&self, account: AccountId) -> Option<&User> {
        self.users.get(self.accounts.get(&account)?)
    }

    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// Whose application key this is.
    pub fn app_key(&self, app_key: &str) -> Option<AccountId> {
        self.app_keys.get(app_key).copied()
    }

    pub fn operator(&self, token: &SecretHash) -> Option<&OperatorToken> {
        self.operator_tokens.get(token)
    }

    /// False on the first start: the node then makes the first one.
    pub fn has_operators(&self) -> bool {
        !self.operator_tokens.is_empty()
    }

    pub fn event(&self, id: EventId) -> Option<&SportEvent> {
        self.events.get(&id)
    }

    pub fn events(&self) -> impl Iterator<Item = &SportEvent> {
        self.events.values()
    }

    pub fn placement(&self, market: MarketId) -> Option<&Placement> {
        self.markets.get(&market)
    }

    pub fn markets(&self) -> impl Iterator<Item = (MarketId, &Placement)> {
        self.markets.iter().map(|(market, placement)| (*market, placement))
    }

    /// Where an entity lives, of those that home knows.
    pub fn partition(&self, entity: EntityId) -> Option<PartitionId> {
        match entity {
            EntityId::Home | EntityId::Football => Some(PartitionId(0)),
            EntityId::Account(account) => self.user_of(account).map(|user| user.partition),
            EntityId::Market(market) => self.placement(market).map(|placed| placed.partition),
        }
    }

    pub fn is_running(&self, operation: u64) -> bool {
        self.operations.is_running(operation)
    }

    pub fn summary(&self) -> HomeSummary {
        HomeSummary {
            users: self.users.len() as u64,
            sessions: self.sessions.len() as u64,
            events: self.events.len() as u64,
            markets: self.markets.len() as u64,
            operations_running: self.operations.running() as u64,
        }
    }

    /// Tests call it after every step; an error names what no record could have led to.
    pub fn check_invariants(&self) -> Result<(), String> {
        self.sessions.check_invariants()?;
        self.operations.check_invariants()?;
        self.links.check_invariants()?;
        self.api_keys.check_invariants()?;
        for (name, user) in &self.users {
            let same = self.accounts.get(&user.account) == Some(name)
                && self.app_keys.get(&user.app_key) == Some(&user.account)
                && user.username.eq_ignore_ascii_case(name);
            if !same {
                return Err(format!("user {name} is not found by account or key"));
            }
        }
        let keys = self.users.len() + 2 * self.apps.len();
        if self.accounts.len() != self.users.len() || self.app_keys.len() != keys {
            return Err("accounts or keys of no user".to_owned());
        }
        if self.operators.len() != self.operator_tokens.len() {
            return Err("two operators of one name".to_owned());
        }
        if let Some((market, _)) =
            self.markets.iter().find(|(_, placed)| !self.events.contains_key(&placed.event))
        {
            return Err(format!("market {market} of no event"));
        }
        let behind = self.accounts.last_key_value().is_some_and(|(id, _)| *id >= self.next.account)
            || self.events.last_key_value().is_some_and(|(id, _)| *id >= self.next.event)
            || self.markets.last_key_value().is_some_and(|(id, _)| *id >= self.next.market)
            || self.selections.values().any(|id| *id >= self.next.selection)
            || self.competitions.values().any(|id| *id >= self.next.competition);
        if behind {
            return Err(format!("an id would be given again: {:?}", self.next));
        }
        Ok(())
    }
}

/// What an observer sees of home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeSummary {
    pub users: u64,
    pub sessions: u64,
    pub events: u64,
    pub markets: u64,
    pub operations_running: u64,
}
