//! Keys of the native API: what a program may do in a customer's name, until when, and when it last did.
//!
//! A key is shown once; its hash is kept. One that has expired is no longer found, and the next record of
//! home drops it. Its use is written down once in `USE_NOTED_MS`, so that a busy program writes no journal.

use super::event::SecretHash;
use super::request::HomeError;
use crate::ids::{AccountId, SessionId};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Keys that one user may have.
pub const MAX_API_KEYS_PER_USER: usize = 50;
pub const MAX_API_KEYS: usize = 1_000_000;
/// The last use is as old as this or younger than it looks.
pub const USE_NOTED_MS: i64 = 60 * 60 * 1_000;
const FIRST_KEY: u64 = 1;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// To look at the account and its orders.
    #[serde(rename = "r")]
    Read,
    /// To place and cancel orders.
    #[serde(rename = "b")]
    Bet,
    /// To pay in, and to limit the account.
    #[serde(rename = "a")]
    Account,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: u64,
    pub name: String,
    pub token: SecretHash,
    pub scopes: BTreeSet<Scope>,
    pub created: UtcMillis,
    pub expires: Option<UtcMillis>,
    pub last_used: Option<UtcMillis>,
}

impl ApiKey {
    /// The session that carries its orders: the beginning of its hash, as that of a login's.
    pub fn session(&self) -> SessionId {
        session_of(&self.token)
    }

    fn is_good(&self, now: UtcMillis) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// A session's number is the beginning of its token's hash.
pub fn session_of(token: &SecretHash) -> SessionId {
    let [a, b, c, d, e, f, g, h, ..] = *token;
    SessionId(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ApiKeys {
    by_token: BTreeMap<SecretHash, AccountId>,
    by_session: BTreeMap<SessionId, SecretHash>,
    by_account: BTreeMap<AccountId, Vec<ApiKey>>,
    expiring: BTreeSet<(UtcMillis, SecretHash)>,
    next: u64,
}

impl Default for ApiKeys {
    fn default() -> Self {
        ApiKeys {
            by_token: BTreeMap::new(),
            by_session: BTreeMap::new(),
            by_account: BTreeMap::new(),
            expiring: BTreeSet::new(),
            next: FIRST_KEY,
        }
    }
}

impl ApiKeys {
    /// The number of a key that may be made.
    pub(super) fn admit(&self, account: AccountId, token: &SecretHash) -> Result<u64, HomeError> {
        if self.by_session.contains_key(&session_of(token)) {
            return Err(HomeError::invalid("key", "is in use"));
        }
        let of_user = self.by_account.get(&account).map_or(0, Vec::len);
        HomeError::full("API keys of one user", of_user, MAX_API_KEYS_PER_USER)?;
        HomeError::full("API keys", self.by_token.len(), MAX_API_KEYS)?;
        Ok(self.next)
    }

    pub(super) fn add(&mut self, account: AccountId, key: &ApiKey) {
        self.next = key.id + 1;
        self.by_token.insert(key.token, account);
        self.by_session.insert(key.session(), key.token);
        if let Some(expires) = key.expires {
            self.expiring.insert((expires, key.token));
        }
        self.by_account.entry(account).or_default().push(key.clone());
    }

    pub(super) fn used(&mut self, at: UtcMillis, account: AccountId, id: u64) {
        let keys = self.by_account.get_mut(&account).into_iter().flatten();
        for key in keys.filter(|key| key.id == id) {
            key.last_used = Some(at);
        }
    }

    pub(super) fn revoke(&mut self, account: AccountId, id: u64) {
        let Some(keys) = self.by_account.get_mut(&account) else { return };
        let Some(found) = keys.iter().position(|key| key.id == id) else { return };
        let key = keys.remove(found);
        if keys.is_empty() {
            self.by_account.remove(&account);
        }
        self.by_token.remove(&key.token);
        self.by_session.remove(&key.session());
        if let Some(expires) = key.expires {
            self.expiring.remove(&(expires, key.token));
        }
    }

    pub(super) fn drop_expired(&mut self, now: UtcMillis) {
        while let Some((expires, token)) = self.expiring.first().copied()
            && expires <= now
        {
            self.expiring.pop_first();
            if let Some((account, id)) = self.find(&token).map(|(account, key)| (account, key.id)) {
                self.revoke(account, id);
            }
        }
    }

    fn find(&self, token: &SecretHash) -> Option<(AccountId, &ApiKey)> {
        let account = *self.by_token.get(token)?;
        let key = self.by_account.get(&account)?.iter().find(|key| key.token == *token)?;
        Some((account, key))
    }

    pub(super) fn by_token(
        &self,
        now: UtcMillis,
        token: &SecretHash,
    ) -> Option<(AccountId, &ApiKey)> {
        self.find(token).filter(|(_, key)| key.is_good(now))
    }

    pub(super) fn by_session(
        &self,
        now: UtcMillis,
        session: SessionId,
    ) -> Option<(AccountId, &ApiKey)> {
        self.by_token(now, self.by_session.get(&session)?)
    }

    pub(super) fn is_taken(&self, session: SessionId) -> bool {
        self.by_session.contains_key(&session)
    }

    pub(super) fn of(&self, now: UtcMillis, account: AccountId) -> Vec<&ApiKey> {
        let keys = self.by_account.get(&account).into_iter().flatten();
        keys.filter(|key| key.is_good(now)).collect()
    }

    pub(super) fn check_invariants(&self) -> Result<(), String> {
        let (mut keys, mut expiring) = (0, 0);
        for (account, of_account) in &self.by_account {
            for key in of_account {
                keys += 1;
                let found = self.by_token.get(&key.token) == Some(account)
                    && self.by_session.get(&key.session()) == Some(&key.token);
                if !found || key.id >= self.next {
                    return Err(format!("key {} is not found, or would be given again", key.id));
                }
                if let Some(expires) = key.expires {
                    expiring += 1;
                    if !self.expiring.contains(&(expires, key.token)) {
                        return Err(format!("key {} would never expire", key.id));
                    }
                }
            }
        }
        let counts = [self.by_token.len(), self.by_session.len()];
        if counts != [keys; 2] || self.expiring.len() != expiring {
            return Err(format!("{keys} keys, but indices of {counts:?}"));
        }
        Ok(())
    }
}
