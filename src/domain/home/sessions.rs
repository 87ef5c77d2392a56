//! Who is logged in: sessions by id and by the hash of their token.
//!
//! A session ends so long after its login or its last keep-alive (twelve hours, unless the node is told
//! otherwise); use does not extend it. One that has
//! expired is no longer found, and the next record of home, whatever it is about, drops it from the state,
//! so that nothing needs to wake for it.

use crate::home::event::{Login, SecretHash};
use crate::ids::{AccountId, SessionId};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How long a login lasts when the node is not told otherwise.
pub const SESSION_MS: i64 = 12 * 60 * 60 * 1_000;
/// A keep-alive that would gain less is answered without a record: a client that asks every second writes
/// one a minute.
pub const EXTENSION_MS_MIN: i64 = 60 * 1_000;
/// A user's next login closes their oldest session.
pub const MAX_SESSIONS_PER_USER: usize = 1_000;
/// Past it a login is refused.
pub const MAX_SESSIONS: usize = 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Sessions {
    open: BTreeMap<SessionId, Login>,
    by_token: BTreeMap<SecretHash, SessionId>,
    /// Oldest first.
    by_account: BTreeMap<AccountId, Vec<SessionId>>,
    expiring: BTreeSet<(UtcMillis, SessionId)>,
}

impl Sessions {
    pub(crate) fn open(&mut self, session: SessionId, login: Login) {
        self.by_token.insert(login.token, session);
        self.by_account.entry(login.account).or_default().push(session);
        self.expiring.insert((login.expires, session));
        self.open.insert(session, login);
    }

    pub(crate) fn extend(&mut self, session: SessionId, expires: UtcMillis) {
        if let Some(login) = self.open.get_mut(&session) {
            self.expiring.remove(&(login.expires, session));
            self.expiring.insert((expires, session));
            login.expires = expires;
        }
    }

    pub(crate) fn close(&mut self, session: SessionId) {
        let Some(login) = self.open.remove(&session) else { return };
        self.by_token.remove(&login.token);
        self.expiring.remove(&(login.expires, session));
        if let Some(of_account) = self.by_account.get_mut(&login.account) {
            of_account.retain(|other| *other != session);
            if of_account.is_empty() {
                self.by_account.remove(&login.account);
            }
        }
    }

    pub(crate) fn drop_expired(&mut self, now: UtcMillis) {
        while let Some(&(expires, session)) = self.expiring.first()
            && expires <= now
        {
            self.close(session);
        }
    }

    /// A session that has not expired.
    pub(crate) fn get(&self, now: UtcMillis, session: SessionId) -> Option<&Login> {
        self.open.get(&session).filter(|login| login.expires > now)
    }

    pub(crate) fn by_token(
        &self,
        now: UtcMillis,
        token: &SecretHash,
    ) -> Option<(SessionId, &Login)> {
        let session = *self.by_token.get(token)?;
        Some((session, self.get(now, session)?))
    }

    /// The number or the token stands for a session already.
    pub(crate) fn is_taken(&self, session: SessionId, token: &SecretHash) -> bool {
        self.open.contains_key(&session) || self.by_token.contains_key(token)
    }

    /// Oldest first.
    pub(crate) fn of(&self, account: AccountId) -> &[SessionId] {
        self.by_account.get(&account).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (SessionId, &Login)> {
        self.open.iter().map(|(session, login)| (*session, login))
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn check_invariants(&self) -> Result<(), String> {
        for (session, login) in &self.open {
            if self.by_token.get(&login.token) != Some(session) {
                return Err(format!("session {session} is not found by its token"));
            }
            if !self.expiring.contains(&(login.expires, *session)) {
                return Err(format!("session {session} would never expire"));
            }
            if self.of(login.account).iter().filter(|other| *other == session).count() != 1 {
                return Err(format!("session {session} is not one of its account's"));
            }
        }
        let counts = [
            self.by_token.len(),
            self.expiring.len(),
            self.by_account.values().map(Vec::len).sum::<usize>(),
        ];
        if counts.iter().any(|count| *count != self.open.len()) {
            return Err(format!("{} sessions, but indices of {counts:?}", self.open.len()));
        }
        if self.by_account.values().any(|of| of.is_empty() || of.len() > MAX_SESSIONS_PER_USER) {
            return Err("a user has no or too many sessions".to_owned());
        }
        Ok(())
    }
}
