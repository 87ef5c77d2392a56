//! Logins: from a password to a token, from a token to the session's actor.
//!
//! Owns     the count of wrong passwords by user, so that guessing slows down, and of good logins, where
//!          they are limited. A good login clears the wrong ones; nobody is locked out for ever.
//! Never    keeps a token or a password.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::account::{AccountMsg, AccountQuery, AccountView};
use actors::home::{HomeMsg, NewLogin};
use actors::node::{Child, Node};
use actors::partition::deliver;
use actors::registry::Address;
use domain::act::AccountStatus;
use domain::home::{Login, SecretHash};
use domain::ids::{AccountId, EntityId, SessionId};
use tokio::sync::oneshot;

use super::good_logins::GoodLogins;
use super::session_ends::SessionEnds;
use super::{ANSWER_WITHIN, Customer, PARTITION};
use crate::betfair::limits::Limits;
use crate::betfair::login::{LoginError, LoginForm};
use crate::betfair::rpc::Denied;
use crate::{password, secret};

/// Wrong passwords of one user that cost nothing.
const FREE_TRIES: u32 = 5;
/// The longest pause after a wrong password.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Users whose wrong passwords are counted; past it the oldest counts are let go.
const COUNTED_MAX: usize = 100_000;
/// Sessions whose login is known here without asking home.
const KNOWN_MAX: usize = 100_000;
/// A session's login is asked for again after this: it may have been closed or have expired.
const KNOWN_FOR: Duration = Duration::from_secs(5);
/// How long an actor may take to register after it was asked for.
const STARTED_WITHIN: Duration = Duration::from_secs(2);

pub(super) struct Logins {
    node: Arc<Node>,
    wrong: Mutex<HashMap<String, Wrong>>,
    good: GoodLogins,
    known: Mutex<HashMap<SessionId, (Arc<Login>, Instant)>>,
    ends: SessionEnds,
}

#[derive(Clone, Copy)]
struct Wrong {
    tries: u32,
    last: Instant,
}

impl Wrong {
    /// Doubles with each try behind the free ones.
    fn pause(self) -> Duration {
        let doublings = self.tries.saturating_sub(FREE_TRIES).min(16);
        match doublings {
            0 => Duration::ZERO,
            n => Duration::from_millis(250 << n).min(PAUSE_MAX),
        }
    }
}

/// A session's number is the beginning of its token's hash.
fn session_of(hash: &SecretHash) -> SessionId {
    SessionId(u64::from_le_bytes(hash[..8].try_into().expect("a hash has 32 bytes")))
}

impl Logins {
    pub(super) fn new(node: Arc<Node>, limits: &Limits) -> Logins {
        let good = GoodLogins::new(limits.logins_per_minute, limits.login_ban);
        Logins {
            node,
            wrong: Mutex::default(),
            good,
            known: Mutex::default(),
            ends: SessionEnds::default(),
        }
    }

    pub(super) async fn log_in(
        &self,
        app_key: &str,
        form: LoginForm,
    ) -> Result<String, LoginError> {
        let name = form.username.to_ascii_lowercase();
        if self.is_paused(&name) || self.good.is_banned(&name, Instant::now()) {
            return Err(LoginError::TemporaryBanTooManyRequests);
        }
        let username = form.username.clone();
        let user = self.home(|reply| HomeMsg::User { username, reply }).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let right =
            password::verify(form.password, hash).await.map_err(|_| LoginError::InternalError)?;
        let Some(user) = user.filter(|_| right) else {
            self.note_wrong(name);
            return Err(LoginError::InvalidUsernameOrPassword);
        };
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        self.check_status(user.account).await?;
        if !self.good.admit(name, Instant::now()) {
            return Err(LoginError::TemporaryBanTooManyRequests);
        }
        let token = secret::token();
        let hash = secret::hash(&token);
        let login = NewLogin {
            session: session_of(&hash),
            username: user.username,
            token: hash,
            app_key: app_key.to_owned(),
        };
        let session = login.session;
        let opened = self.home(|reply| HomeMsg::OpenSession { login, reply }).await?;
        opened.map_err(|_| LoginError::InvalidAppKey)?;
        self.node.nursery().start(Child::Session(session));
        Ok(token)
    }

    /// A customer whom the operator has stopped does not get in; told only to who knows the password.
    async fn check_status(&self, account: AccountId) -> Result<(), LoginError> {
        let (reply, answer) = oneshot::channel();
        let query = AccountMsg::Query { query: AccountQuery::Funds, reply };
        deliver(&self.node, PARTITION, EntityId::Account(account), query);
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(AccountView::Funds { profile, .. })) => match profile.map(|it| it.status) {
                Some(AccountStatus::Suspended) => Err(LoginError::Suspended),
                Some(AccountStatus::Closed) => Err(LoginError::Closed),
                Some(AccountStatus::Active) | None => Ok(()),
            },
            _ => Err(LoginError::InternalError),
        }
    }

    pub(super) async fn customer(
        &self,
        app_key: Option<&str>,
        token: &str,
    ) -> Result<Customer, Denied> {
        let hash = secret::hash(token);
        let session = session_of(&hash);
        let login = self.login_of(session, hash).await?;
        if let Some(app_key) = app_key.filter(|key| *key != login.app_key) {
            self.check_key(login.account, app_key).await?;
        }
        let (address, registry) = (Address::Session(session), &self.node.registry);
        if let Some(way) = registry.find(address) {
            return Ok(Customer { login, session: way });
        }
        // The session is good and its actor is not there: the node was restarted, or it has just fallen.
        self.node.nursery().start(Child::Session(session));
        match registry.arrival(address, None, STARTED_WITHIN).await {
            Some(way) => Ok(Customer { login, session: way }),
            None => Err(Denied::Busy),
        }
    }

    /// A session may speak for any application of its customer's, beside the one that it began with.
    async fn check_key(&self, account: AccountId, app_key: &str) -> Result<(), Denied> {
        let app_key = app_key.to_owned();
        let owner = self.home(|reply| HomeMsg::AppKey { app_key, reply }).await;
        match owner.map_err(|_| Denied::Busy)? {
            Some(owner) if owner == account => Ok(()),
            _ => Err(Denied::AppKey),
        }
    }

    async fn login_of(&self, session: SessionId, token: SecretHash) -> Result<Arc<Login>, Denied> {
        let known = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&session).cloned()
        };
        if let Some((login, since)) = known
            && since.elapsed() < KNOWN_FOR
            && self.is_current(&login)
        {
            // The number is only the beginning of the hash: the whole of it counts.
            return if login.token == token { Ok(login) } else { Err(Denied::Session) };
        }
        let found = self.home(|reply| HomeMsg::SessionByToken { token, reply }).await;
        let found = found.map_err(|_| Denied::Busy)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, login)) = found.filter(|(found, _)| *found == session) else {
            known.remove(&session);
            return Err(Denied::Session);
        };
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        let login = Arc::new(login);
        known.insert(session, (login.clone(), Instant::now()));
        Ok(login)
    }

    /// What is known here may have been extended since: home says when it looks expired.
    fn is_current(&self, login: &Login) -> bool {
        let partition = self.node.partition(PARTITION);
        let now = partition.and_then(|partition| partition.now());
        now.is_none_or(|now| now < login.expires)
    }

    pub(super) async fn extend(&self, token: &str) -> Result<(), LoginError> {
        let hash = secret::hash(token);
        let session = session_of(&hash);
        self.login_of(session, hash).await.map_err(|_| LoginError::NoSession)?;
        let extended = self.home(|reply| HomeMsg::ExtendSession { session, reply }).await?;
        extended.map_err(|_| LoginError::NoSession)
    }

    pub(super) async fn log_out(&self, token: &str) -> Result<(), LoginError> {
        let hash = secret::hash(token);
        let session = session_of(&hash);
        self.login_of(session, hash).await.map_err(|_| LoginError::NoSession)?;
        let closed = self.home(|reply| HomeMsg::CloseSession { session, reply }).await?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&session);
        self.node.nursery().stop(Child::Session(session));
        self.ends.over(session);
        closed.map_err(|_| LoginError::NoSession)
    }

    /// Hears of the logout of a token's session, while `is_there` says so.
    pub(super) fn when_over(
        &self,
        token: &str,
        tell: impl Fn() + Send + 'static,
        is_there: impl Fn() -> bool + Send + 'static,
    ) {
        self.ends.wish(session_of(&secret::hash(token)), tell, is_there);
    }

    fn is_paused(&self, name: &str) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(name).is_some_and(|wrong| wrong.last.elapsed() < wrong.pause())
    }

    fn note_wrong(&self, name: String) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= COUNTED_MAX {
            wrong.retain(|_, wrong| wrong.last.elapsed() < PAUSE_MAX);
            if wrong.len() >= COUNTED_MAX {
                wrong.clear();
            }
        }
        let now = Instant::now();
        let count = wrong.entry(name).or_insert(Wrong { tries: 0, last: now });
        count.tries = count.tries.saturating_add(1);
        count.last = now;
    }

    async fn home<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> HomeMsg,
    ) -> Result<T, LoginError> {
        let (reply, answer) = oneshot::channel();
        deliver(&self.node, PARTITION, EntityId::Home, question(reply));
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(LoginError::InternalError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_behind_the_free_tries_and_end_at_a_minute() {
        let pause = |tries| Wrong { tries, last: Instant::now() }.pause();
        assert_eq!(pause(FREE_TRIES), Duration::ZERO);
        assert_eq!(pause(FREE_TRIES + 1), Duration::from_millis(500));
        assert_eq!(pause(FREE_TRIES + 2), Duration::from_secs(1));
        assert_eq!(pause(u32::MAX), PAUSE_MAX);
    }
}
