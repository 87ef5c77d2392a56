//! Home: users, sessions' tokens, what there is to bet on, and every operator's act.
//!
//! Owns     the `domain::home::Home` of partition 0, and the operators' doors that wait for an answer.
//! Started  by `partition-0`, behind accounts and markets.
//! Asks     its partition's log; sends acts to accounts and markets and keeps them until answered.
//! Crash    state is a fold of the journal; open acts are sent again, each is carried out once. Doors that
//!          wait are told that the outcome is unknown; with their key they get it at the next try.
//! Bounds   those of `domain::home`; doors admit operators' requests by permits.

mod people;

pub use people::PeopleMsg;

use crate::account::AccountMsg;
use crate::entity::{Desk, Entity};
use crate::mailbox::Mailbox;
use crate::market::MarketMsg;
use crate::partition::{Busy, Routes};
use crate::session::SessionMsg;
use crate::shell::{Fault, Named};
use domain::act::{Act, ActAnswer, ActError};
use domain::home::{
    Arrival, By, DeveloperApp, Home as State, HomeError, HomeEvent, HomeRequest, Login, Operated,
    OperationAnswer, OperatorToken, Outgoing, SecretHash, ToEntity, User,
};
use domain::ids::{AccountId, EntityId, SessionId};
use domain::record::Event;
use domain::time::UtcMillis;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::oneshot;

#[derive(Debug)]
pub enum HomeMsg {
    /// An operator's request. Dropped without an answer, its outcome is unknown.
    Operate {
        by: By,
        request: HomeRequest,
        reply: OperateReply,
    },
    /// From an account or a market.
    ActAnswered {
        target: EntityId,
        n: u64,
        answer: ActAnswer,
    },
    /// The target has not seen all acts that came before one it was sent.
    SendActsAgain {
        target: EntityId,
    },
    OpenSession {
        login: NewLogin,
        reply: oneshot::Sender<Result<Login, HomeError>>,
    },
    ExtendSession {
        session: SessionId,
        reply: oneshot::Sender<Result<(), HomeError>>,
    },
    CloseSession {
        session: SessionId,
        reply: oneshot::Sender<Result<(), HomeError>>,
    },
    /// Who a session belongs to, asked by its actor.
    Login {
        session: SessionId,
        reply: Mailbox<SessionMsg>,
    },
    SessionByToken {
        token: SecretHash,
        reply: oneshot::Sender<Option<(SessionId, Login)>>,
    },
    /// A customer registers an application.
    CreateApp {
        app: NewApp,
        reply: oneshot::Sender<Result<DeveloperApp, HomeError>>,
    },
    Apps {
        account: AccountId,
        reply: oneshot::Sender<Vec<DeveloperApp>>,
    },
    /// Whose application key this is.
    AppKey {
        app_key: String,
        reply: oneshot::Sender<Option<AccountId>>,
    },
    /// About customers themselves.
    People(PeopleMsg),
    User {
        username: String,
        reply: oneshot::Sender<Option<User>>,
    },
    /// The newest of a user's, for who watches.
    SessionsOf {
        account: AccountId,
        limit: usize,
        reply: oneshot::Sender<Vec<SessionId>>,
    },
    /// Whose accounts these are, for who watches.
    Usernames {
        accounts: Vec<AccountId>,
        reply: oneshot::Sender<Vec<(AccountId, String)>>,
    },
    /// Accounts of users whose names contain the text, at most so many.
    FindUsers {
        text: String,
        limit: usize,
        reply: oneshot::Sender<Vec<AccountId>>,
    },
    Operator {
        token: SecretHash,
        reply: oneshot::Sender<Option<OperatorToken>>,
    },
    /// False on the first start: the node then makes the first token.
    HasOperators {
        reply: oneshot::Sender<bool>,
    },
}

/// A login whose password was right; the secrets were drawn by the door.
#[derive(Debug)]
pub struct NewLogin {
    pub session: SessionId,
    pub username: String,
    pub token: SecretHash,
    pub app_key: String,
}

/// An application to be registered; its keys were drawn by the door.
#[derive(Debug)]
pub struct NewApp {
    pub account: AccountId,
    pub name: String,
    pub live_key: String,
    pub delayed_key: String,
}

pub type OperateReply = oneshot::Sender<Result<OperationAnswer, OperateError>>;

/// Why an operation is not carried out, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperateError {
    #[error(transparent)]
    Refused(#[from] HomeError),
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Admitted, and carried out as soon as this is over.
    #[error("{0}")]
    Hindered(ActError),
}

impl Named for HomeMsg {
    fn name(&self) -> &'static str {
        match self {
            HomeMsg::Operate { .. } => "operate",
            HomeMsg::ActAnswered { .. } => "act answered",
            HomeMsg::SendActsAgain { .. } => "send acts again",
            HomeMsg::OpenSession { .. } => "open session",
            HomeMsg::ExtendSession { .. } => "extend session",
            HomeMsg::CloseSession { .. } => "close session",
            HomeMsg::Login { .. } => "login",
            HomeMsg::SessionByToken { .. } => "session by token",
            HomeMsg::CreateApp { .. } => "create app",
            HomeMsg::Apps { .. } => "apps",
            HomeMsg::AppKey { .. } => "app key",
            HomeMsg::People(message) => message.name(),
            HomeMsg::User { .. } => "user",
            HomeMsg::SessionsOf { .. } => "sessions of",
            HomeMsg::Usernames { .. } => "usernames",
            HomeMsg::FindUsers { .. } => "find users",
            HomeMsg::Operator { .. } => "operator",
            HomeMsg::HasOperators { .. } => "has operators",
        }
    }
}

pub struct Home {
    state: State,
    /// Doors that wait, by operation.
    waiting: BTreeMap<u64, Vec<OperateReply>>,
    accounts: Routes<AccountMsg>,
    markets: Routes<MarketMsg>,
    /// Acts that were open when last looked at.
    open_before: BTreeSet<(EntityId, u64)>,
}

impl Entity for Home {
    type State = State;
    type Event = HomeEvent;
    type Message = HomeMsg;
    const KIND: &'static str = "home";

    fn new(_: EntityId, state: State) -> Self {
        Home {
            state,
            waiting: BTreeMap::new(),
            accounts: Routes::default(),
            markets: Routes::default(),
            open_before: BTreeSet::new(),
        }
    }

    fn event_of(event: &Event) -> Option<&HomeEvent> {
        match event {
            Event::Home(event) => Some(event),
            _ => None,
        }
    }

    fn into_event(event: HomeEvent) -> Event {
        Event::Home(event)
    }

    fn apply(state: &mut State, at: UtcMillis, event: &HomeEvent) {
        state.apply(at, event);
    }

    fn wake(&self) -> Option<UtcMillis> {
        self.state.wake()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn resume(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        drop(self.state.take_outgoing());
        let open: Vec<_> = self.state.open_acts().collect();
        for act in open {
            self.send(act, desk);
        }
        Ok(())
    }

    fn handle(&mut self, message: HomeMsg, desk: &mut Desk) -> Result<(), Fault> {
        match message {
            HomeMsg::Operate { by, request, reply } => self.operate(by, request, reply, desk),
            HomeMsg::ActAnswered { target, n, answer } => {
                self.act_answered(target, n, answer, desk)
            }
            HomeMsg::SendActsAgain { target } => {
                self.deliver(desk)?;
                let open: Vec<_> =
                    self.state.open_acts().filter(|act| act.target == target).collect();
                for act in open {
                    self.send(act, desk);
                }
                Ok(())
            }
            HomeMsg::OpenSession { login, reply } => self.open_session(login, reply, desk),
            HomeMsg::ExtendSession { session, reply } => {
                let now = desk.now();
                let lasts_ms = desk.node.settings.session_ms;
                let decided = self.state.extend_session(now, session, lasts_ms);
                self.session_record(now, decided, reply, desk)
            }
            HomeMsg::CloseSession { session, reply } => {
                let now = desk.now();
                let decided = self.state.close_session(now, session).map(Some);
                self.session_record(now, decided, reply, desk)
            }
            HomeMsg::Login { session, reply } => {
                let login = self.state.login(desk.now(), session);
                answer(desk, move || {
                    let _ = reply.send(SessionMsg::Login(login));
                })
            }
            HomeMsg::SessionByToken { token, reply } => {
                let found = self.state.session_by_token(desk.now(), &token);
                let found = found.map(|(session, login)| (session, login.clone()));
                answer(desk, move || drop(reply.send(found)))
            }
            HomeMsg::CreateApp { app, reply } => self.create_app(&app, reply, desk),
            HomeMsg::Apps { account, reply } => {
                let apps = self.state.apps(account);
                answer(desk, move || drop(reply.send(apps)))
            }
            HomeMsg::AppKey { app_key, reply } => {
                let owner = self.state.app_key(&app_key);
                answer(desk, move || {
                    let _ = reply.send(owner);
                })
            }
            HomeMsg::People(message) => self.people(message, desk),
            HomeMsg::User { username, reply } => {
                let user = self.state.user(&username).cloned();
                answer(desk, move || drop(reply.send(user)))
            }
            HomeMsg::SessionsOf { account, limit, reply } => {
                let all = self.state.sessions_of(desk.now(), account);
                let sessions = all.into_iter().rev().take(limit).map(|(id, _)| id).collect();
                answer(desk, move || drop(reply.send(sessions)))
            }
            HomeMsg::Usernames { accounts, reply } => {
                let name = |id: AccountId| Some((id, self.state.user_of(id)?.username.clone()));
                let names = accounts.into_iter().filter_map(name).collect();
                answer(desk, move || drop(reply.send(names)))
            }
            HomeMsg::FindUsers { text, limit, reply } => {
                let is_meant = |user: &&User| user.username.to_lowercase().contains(&text);
                let users = self.state.users().filter(is_meant).take(limit);
                let accounts = users.map(|user| user.account).collect();
                answer(desk, move || drop(reply.send(accounts)))
            }
            HomeMsg::Operator { token, reply } => {
                let operator = self.state.operator(&token).cloned();
                answer(desk, move || drop(reply.send(operator)))
            }
            HomeMsg::HasOperators { reply } => {
                let has = self.state.has_operators();
                answer(desk, move || {
                    let _ = reply.send(has);
                })
            }
        }
    }

    fn woken(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        self.sweep(desk);
        Ok(())
    }

    /// Acts that were open at the last call and still are go out again.
    fn repeat(&mut self, desk: &mut Desk) -> Result<bool, Fault> {
        self.deliver(desk)?;
        let open: Vec<_> = self.state.open_acts().collect();
        let now_open: BTreeSet<_> = open.iter().map(|act| (act.target, act.n)).collect();
        for act in open {
            if self.open_before.contains(&(act.target, act.n)) {
                self.send(act, desk);
            }
        }
        self.open_before = now_open;
        Ok(!self.open_before.is_empty())
    }

    fn send_again_to(&mut self, fallen: EntityId, desk: &mut Desk) -> Result<(), Fault> {
        self.deliver(desk)?;
        let open: Vec<_> = self.state.open_acts().filter(|act| act.target == fallen).collect();
        for act in open {
            self.send(act, desk);
        }
        Ok(())
    }

    /// Records and the answers that rest on them to the journal, then the acts to their targets.
    fn deliver(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        let mut acts = Vec::new();
        for outgoing in self.state.take_outgoing() {
            match outgoing {
                Outgoing::ToEntity(act) => acts.push(act),
                Outgoing::Answered { operation, answer } => {
                    for reply in self.waiting.remove(&operation).unwrap_or_default() {
                        let answer = answer.clone();
                        desk.effect(move |_| drop(reply.send(Ok(answer))));
                    }
                }
            }
        }
        desk.hand_over()?;
        for act in acts {
            self.send(act, desk);
        }
        Ok(())
    }

    /// Somebody always asks it something.
    fn is_at_rest(&self) -> bool {
        false
    }

    fn observe(&self) -> serde_json::Value {
        json!({ "home": self.state.summary(), "doorsWaiting": self.waiting.len() })
    }
}

impl Home {
    fn operate(
        &mut self,
        by: By,
        request: HomeRequest,
        reply: OperateReply,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let admitted = desk.partition.admits(&desk.node.settings);
        let now = desk.now();
        let decided = match admitted {
            Ok(()) => self.state.operate(now, by, request).map_err(OperateError::from),
            Err(busy) => Err(busy.into()),
        };
        match decided {
            Ok(Operated::Begun { operation, event }) => {
                self.state.apply(now, &event);
                self.waiting.entry(operation).or_default().push(reply);
                self.record(now, event, desk);
                Ok(())
            }
            Ok(Operated::Running { operation }) => {
                self.waiting.entry(operation).or_default().push(reply);
                Ok(())
            }
            Ok(Operated::Answered { answer: known, .. }) => {
                answer(desk, move || drop(reply.send(Ok(known))))
            }
            Err(error) => answer(desk, move || drop(reply.send(Err(error)))),
        }
    }

    fn act_answered(
        &mut self,
        target: EntityId,
        n: u64,
        act_answer: ActAnswer,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        match self.state.answered(target, n, act_answer) {
            Arrival::Record(event) => {
                let now = desk.now();
                self.state.apply(now, &event);
                self.record(now, event, desk);
                Ok(())
            }
            Arrival::Hindered { operation, error } => {
                for reply in self.waiting.remove(&operation).unwrap_or_default() {
                    let _ = reply.send(Err(OperateError::Hindered(error)));
                }
                Ok(())
            }
            Arrival::Repeat => Ok(()),
        }
    }

    fn open_session(
        &mut self,
        login: NewLogin,
        reply: oneshot::Sender<Result<Login, HomeError>>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let now = desk.now();
        let decided = self.state.open_session(
            now,
            login.session,
            &login.username,
            login.token,
            &login.app_key,
            desk.node.settings.session_ms,
        );
        let event = match decided {
            Ok(event) => event,
            Err(error) => return answer(desk, move || drop(reply.send(Err(error)))),
        };
        self.state.apply(now, &event);
        let HomeEvent::SessionOpened { login, .. } = &event else {
            return Err(Fault::new("a login is decided as a session opened"));
        };
        let login = login.clone();
        self.record(now, event, desk);
        answer(desk, move || drop(reply.send(Ok(login))))
    }

    fn create_app(
        &mut self,
        app: &NewApp,
        reply: oneshot::Sender<Result<DeveloperApp, HomeError>>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let now = desk.now();
        let NewApp { account, name, live_key, delayed_key } = app;
        let event = match self.state.create_app(*account, name, live_key, delayed_key) {
            Ok(event) => event,
            Err(error) => return answer(desk, move || drop(reply.send(Err(error)))),
        };
        self.state.apply(now, &event);
        let HomeEvent::AppCreated { app, .. } = &event else {
            return Err(Fault::new("an application is decided as one created"));
        };
        let app = app.clone();
        self.record(now, event, desk);
        answer(desk, move || drop(reply.send(Ok(app))))
    }

    fn session_record(
        &mut self,
        now: UtcMillis,
        decided: Result<Option<HomeEvent>, HomeError>,
        reply: oneshot::Sender<Result<(), HomeError>>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let (event, result) = match decided {
            Ok(event) => (event, Ok(())),
            Err(error) => (None, Err(error)),
        };
        if let Some(event) = event {
            self.state.apply(now, &event);
            self.record(now, event, desk);
        }
        answer(desk, move || drop(reply.send(result)))
    }

    fn record(&self, now: UtcMillis, event: HomeEvent, desk: &mut Desk) {
        desk.record(now, [event], Self::into_event, self.state.wake());
    }

    fn send(&mut self, sent: ToEntity, desk: &mut Desk) {
        let ToEntity { target, n, act, .. } = sent;
        let partition = self.state.partition(target).unwrap_or(desk.partition.id);
        match act {
            Act::Market(act) => {
                let message = MarketMsg::Act { n, act };
                self.markets.send(desk, partition, target, message);
            }
            Act::Account(act) => {
                let message = AccountMsg::Act { n, act };
                self.accounts.send(desk, partition, target, message);
            }
        }
        desk.expect_answers();
    }
}

fn answer(desk: &mut Desk, tell: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
    desk.tell(tell)
}
