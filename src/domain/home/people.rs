//! What customers do with who they are: sign up, confirm, choose a new password, end sessions, make keys,
//! and say which mail they want.
//!
//! Each decision reads and gives the event to be journaled; hashes, tokens and nonces are drawn by the door.

use super::api_keys::{ApiKey, Scope, USE_NOTED_MS};
use super::links::{Drawn, LINK_MS, Link, Purpose, SignUp};
use super::{Home, HomeError, HomeEvent, Login, NewUser, SecretHash, check};
use crate::act::{AccountProfile, Currency};
use crate::ids::{AccountId, PartitionId, SessionId};
use crate::time::UtcMillis;
use std::collections::BTreeSet;

/// A key that expires is of use for so long at most.
const KEY_MS_MAX: i64 = 10 * 366 * 24 * 60 * 60 * 1_000;

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    pub name: String,
    pub token: SecretHash,
    pub scopes: BTreeSet<Scope>,
    pub expires: Option<UtcMillis>,
}

/// Someone who is mailed about bets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailWish {
    pub account: AccountId,
    pub email: String,
}

impl Home {
    /// `None` when nothing is to be done and nobody may learn it: too many links are on their way to this
    /// address. An address that is a user's gets the way to a new password instead.
    pub fn sign_up(
        &self,
        now: UtcMillis,
        username: &str,
        email: &str,
        password_hash: &str,
        drawn: Drawn,
    ) -> Result<Option<HomeEvent>, HomeError> {
        check::code("username", username, check::USERNAME_CHARS, "._-")?;
        check::mail_address(email)?;
        check::password_hash(password_hash)?;
        if self.user(username).is_some() || self.links.sign_up(now, username).is_some() {
            return Err(HomeError::UsernameTaken);
        }
        let purpose = match self.user_by_email(email) {
            Some(account) => Purpose::Known(account),
            None => Purpose::SignUp(Box::new(SignUp {
                username: username.to_owned(),
                password_hash: password_hash.to_owned(),
            })),
        };
        self.link(now, email, purpose, drawn)
    }

    /// The link of a sign-up again, to the same address; the one before it leads nowhere then.
    pub fn renew_sign_up(
        &self,
        now: UtcMillis,
        email: &str,
        drawn: Drawn,
    ) -> Result<Option<HomeEvent>, HomeError> {
        check::mail_address(email)?;
        match self.links.sign_up_of(now, email) {
            Some(link) => self.link(now, &link.email, link.purpose.clone(), drawn),
            None => Ok(None),
        }
    }

    /// A link to a new password. `None` when nobody has this address, which nobody may learn.
    pub fn ask_reset(
        &self,
        now: UtcMillis,
        email: &str,
        drawn: Drawn,
    ) -> Result<Option<HomeEvent>, HomeError> {
        check::mail_address(email)?;
        match self.user_by_email(email) {
            Some(account) => self.link(now, email, Purpose::Reset(account), drawn),
            None => Ok(None),
        }
    }

    fn link(
        &self,
        now: UtcMillis,
        email: &str,
        purpose: Purpose,
        drawn: Drawn,
    ) -> Result<Option<HomeEvent>, HomeError> {
        self.links.room()?;
        if self.links.is_taken(&drawn.token) {
            return Err(HomeError::invalid("token", "is in use"));
        }
        if !self.links.has_room_for(email) {
            return Ok(None);
        }
        let Drawn { nonce, token } = drawn;
        let due = now.plus_ms(LINK_MS);
        let link = Link { nonce, token, due, email: email.to_owned(), purpose };
        Ok(Some(HomeEvent::LinkMade(Box::new(link))))
    }

    /// The user that a followed link makes: to be created by the operation it is part of.
    pub(super) fn confirmed(
        &self,
        now: UtcMillis,
        token: &SecretHash,
        app_key: String,
        partition: PartitionId,
    ) -> Result<NewUser, HomeError> {
        let link = self.links.get(now, token).ok_or(HomeError::LinkSpent)?;
        let Purpose::SignUp(sign_up) = &link.purpose else { return Err(HomeError::LinkSpent) };
        if self.user_by_email(&link.email).is_some() {
            return Err(HomeError::LinkSpent);
        }
        Ok(NewUser {
            username: sign_up.username.clone(),
            password_hash: sign_up.password_hash.clone(),
            email: Some(link.email.clone()),
            app_key,
            currency: Currency::Gbp,
            profile: AccountProfile::default(),
            deposit: None,
            partition,
        })
    }

    /// A link to a new password was followed. Whoever was logged in no longer is.
    pub fn reset_password(
        &self,
        now: UtcMillis,
        token: &SecretHash,
        password_hash: &str,
    ) -> Result<HomeEvent, HomeError> {
        check::password_hash(password_hash)?;
        let link = self.links.get(now, token).ok_or(HomeError::LinkSpent)?;
        let account = link.purpose.resets().ok_or(HomeError::LinkSpent)?;
        Ok(HomeEvent::PasswordChanged {
            account,
            password_hash: password_hash.to_owned(),
            kept: None,
        })
    }

    /// Somebody who knows the password chooses another; every session but theirs ends.
    pub fn change_password(
        &self,
        account: AccountId,
        password_hash: &str,
        kept: Option<SessionId>,
    ) -> Result<HomeEvent, HomeError> {
        check::password_hash(password_hash)?;
        self.user_of(account).ok_or(HomeError::NoSuchUser)?;
        let password_hash = password_hash.to_owned();
        Ok(HomeEvent::PasswordChanged { account, password_hash, kept })
    }

    /// Sessions of one customer, the oldest first.
    pub fn sessions_of(&self, now: UtcMillis, account: AccountId) -> Vec<(SessionId, &Login)> {
        let sessions = self.sessions.of(account).iter();
        sessions.filter_map(|session| Some((*session, self.sessions.get(now, *session)?))).collect()
    }

    /// Ends one of a customer's own sessions.
    pub fn end_session(
        &self,
        now: UtcMillis,
        account: AccountId,
        session: SessionId,
    ) -> Result<HomeEvent, HomeError> {
        let login = self.sessions.get(now, session).filter(|login| login.account == account);
        login.ok_or(HomeError::NoSuchSession)?;
        Ok(HomeEvent::SessionClosed { session })
    }

    pub fn create_api_key(
        &self,
        now: UtcMillis,
        account: AccountId,
        new: NewApiKey,
    ) -> Result<HomeEvent, HomeError> {
        self.user_of(account).ok_or(HomeError::NoSuchUser)?;
        check::name("name", &new.name, check::NAME_CHARS)?;
        if new.scopes.is_empty() {
            return Err(HomeError::invalid("scopes", "must name at least one"));
        }
        if new.expires.is_some_and(|expires| expires <= now || expires > now.plus_ms(KEY_MS_MAX)) {
            return Err(HomeError::invalid("expires", "must lie within the next ten years"));
        }
        if self.sessions.is_taken(super::api_keys::session_of(&new.token), &new.token) {
            return Err(HomeError::invalid("key", "is in use"));
        }
        let id = self.api_keys.admit(account, &new.token)?;
        let NewApiKey { name, token, scopes, expires } = new;
        let key = ApiKey { id, name, token, scopes, created: now, expires, last_used: None };
        Ok(HomeEvent::ApiKeyCreated { account, key: Box::new(key) })
    }

    pub fn revoke_api_key(
        &self,
        now: UtcMillis,
        account: AccountId,
        id: u64,
    ) -> Result<HomeEvent, HomeError> {
        let known = self.api_keys.of(now, account).iter().any(|key| key.id == id);
        known.then_some(HomeEvent::ApiKeyRevoked { account, id }).ok_or(HomeError::NoSuchKey)
    }

    /// The owner and the key; with an event when this use is worth writing down.
    pub fn use_api_key(
        &self,
        now: UtcMillis,
        token: &SecretHash,
    ) -> Option<(AccountId, &ApiKey, Option<HomeEvent>)> {
        let (account, key) = self.api_keys.by_token(now, token)?;
        let noted = key.last_used.is_some_and(|used| now.since_ms(used) < USE_NOTED_MS);
        let event = (!noted).then_some(HomeEvent::ApiKeyUsed { account, id: key.id });
        Some((account, key, event))
    }

    pub fn api_keys(&self, now: UtcMillis, account: AccountId) -> Vec<&ApiKey> {
        self.api_keys.of(now, account)
    }

    /// Who a session actor works for: a login, or the customer of a key.
    pub fn login(&self, now: UtcMillis, session: SessionId) -> Option<Login> {
        if let Some(login) = self.sessions.get(now, session) {
            return Some(login.clone());
        }
        let (account, key) = self.api_keys.by_session(now, session)?;
        let user = self.user_of(account)?;
        Some(Login {
            account,
            username: user.username.clone(),
            token: key.token,
            app_key: user.app_key.clone(),
            expires: key.expires.unwrap_or(UtcMillis::MAX),
        })
    }

    /// Mail at every change of a bet, or none. `None` when it is so already.
    pub fn wish_mail(
        &self,
        account: AccountId,
        bets: bool,
    ) -> Result<Option<HomeEvent>, HomeError> {
        let user = self.user_of(account).ok_or(HomeError::NoSuchUser)?;
        if user.email.is_none() {
            return Err(HomeError::invalid("bets", "needs an address to send to"));
        }
        let email = user.email.clone().filter(|_| bets);
        let changes = self.mailed.contains(&account) != bets;
        Ok(changes.then_some(HomeEvent::MailWished { account, email }))
    }

    pub fn is_mailed(&self, account: AccountId) -> bool {
        self.mailed.contains(&account)
    }

    /// Everybody who is mailed about bets.
    pub fn mail_wishes(&self) -> Vec<MailWish> {
        let wish = |account: &AccountId| {
            let email = self.user_of(*account)?.email.clone()?;
            Some(MailWish { account: *account, email })
        };
        self.mailed.iter().filter_map(wish).collect()
    }

    fn user_by_email(&self, email: &str) -> Option<AccountId> {
        self.emails.get(&email.to_ascii_lowercase()).copied()
    }
}
