//! Links that are sent by mail: to confirm a sign-up, and to choose a new password.
//!
//! ```text
//!   made ──followed in time──▶ spent: a user, or a new password
//!     └────`LINK_MS`─────────▶ swept, and a sign-up is as if it had never been
//! ```
//! Only a hash of a link's token is kept. The token itself is made of the link's nonce and a secret of the
//! node, by the door that draws the nonce and again by who sends the mail: so neither the journal nor a copy
//! of it can follow a link.
//!
//! Whoever asks learns nothing of who is here: a known address gets a mail that says so, an unknown one none.

use super::event::SecretHash;
use super::request::HomeError;
use crate::ids::AccountId;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A link can be followed for so long.
pub const LINK_MS: i64 = 15 * 60 * 1_000;
/// Links that can be followed at any time; past it none is made.
pub const MAX_LINKS: usize = 100_000;
/// To one address: further ones are not sent, and who asks is not told.
pub const MAX_LINKS_PER_ADDRESS: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What the token is made of, with the node's secret.
    pub nonce: [u8; 16],
    pub token: SecretHash,
    pub due: UtcMillis,
    pub email: String,
    pub purpose: Purpose,
}

/// What following it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    #[serde(rename = "s")]
    SignUp(Box<SignUp>),
    /// The user has forgotten the password.
    #[serde(rename = "r")]
    Reset(AccountId),
    /// Somebody wanted to sign up with the address of a user, who has perhaps forgotten that they are one.
    #[serde(rename = "k")]
    Known(AccountId),
}

impl Purpose {
    pub fn resets(&self) -> Option<AccountId> {
        match self {
            Purpose::Reset(account) | Purpose::Known(account) => Some(*account),
            Purpose::SignUp(_) => None,
        }
    }
}

/// A user to be, once the address is seen to be theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUp {
    pub username: String,
    /// In PHC form.
    pub password_hash: String,
}

/// The nonce and the token's hash of a link to be, drawn by the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    pub nonce: [u8; 16],
    pub token: SecretHash,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Links {
    open: BTreeMap<SecretHash, Link>,
    due: BTreeSet<(UtcMillis, SecretHash)>,
    /// Of sign-ups, in small letters: nobody else can take the name meanwhile.
    usernames: BTreeMap<String, SecretHash>,
    addresses: BTreeMap<String, u32>,
}

impl Links {
    pub(super) fn room(&self) -> Result<(), HomeError> {
        HomeError::full("open links", self.open.len(), MAX_LINKS)
    }

    pub(super) fn has_room_for(&self, email: &str) -> bool {
        let open = self.addresses.get(&email.to_ascii_lowercase()).copied().unwrap_or(0);
        (open as usize) < MAX_LINKS_PER_ADDRESS
    }

    pub(super) fn is_taken(&self, token: &SecretHash) -> bool {
        self.open.contains_key(token)
    }

    /// A link that can still be followed.
    pub(super) fn get(&self, now: UtcMillis, token: &SecretHash) -> Option<&Link> {
        self.open.get(token).filter(|link| now < link.due)
    }

    /// Who signs up under this name.
    pub(super) fn sign_up(&self, now: UtcMillis, username: &str) -> Option<&Link> {
        self.get(now, self.usernames.get(&username.to_ascii_lowercase())?)
    }

    pub(super) fn sign_up_of(&self, now: UtcMillis, email: &str) -> Option<&Link> {
        let mut sign_ups = self.usernames.values().filter_map(|token| self.get(now, token));
        sign_ups.find(|link| link.email.eq_ignore_ascii_case(email))
    }

    pub(super) fn add(&mut self, link: &Link) {
        if let Purpose::SignUp(sign_up) = &link.purpose {
            // A renewed sign-up has one link, the newest.
            self.spend_sign_up(&sign_up.username);
            self.usernames.insert(sign_up.username.to_ascii_lowercase(), link.token);
        }
        *self.addresses.entry(link.email.to_ascii_lowercase()).or_default() += 1;
        self.due.insert((link.due, link.token));
        self.open.insert(link.token, link.clone());
    }

    pub(super) fn spend_sign_up(&mut self, username: &str) {
        if let Some(token) = self.usernames.get(&username.to_ascii_lowercase()).copied() {
            self.drop(&token);
        }
    }

    /// A new password makes every other link to one worthless.
    pub(super) fn spend_resets(&mut self, account: AccountId) {
        let of_account = |link: &&Link| link.purpose.resets() == Some(account);
        let spent: Vec<_> = self.open.values().filter(of_account).map(|link| link.token).collect();
        for token in spent {
            self.drop(&token);
        }
    }

    fn drop(&mut self, token: &SecretHash) {
        let Some(link) = self.open.remove(token) else { return };
        self.due.remove(&(link.due, *token));
        if let Purpose::SignUp(sign_up) = &link.purpose {
            self.usernames.remove(&sign_up.username.to_ascii_lowercase());
        }
        let email = link.email.to_ascii_lowercase();
        if let Some(open) = self.addresses.get_mut(&email) {
            *open -= 1;
            if *open == 0 {
                self.addresses.remove(&email);
            }
        }
    }

    pub(super) fn drop_expired(&mut self, now: UtcMillis) {
        while let Some((due, token)) = self.due.first().copied()
            && due <= now
        {
            self.drop(&token);
        }
    }

    /// When the next of them expires.
    pub(super) fn next_due(&self) -> Option<UtcMillis> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) fn check_invariants(&self) -> Result<(), String> {
        let mut addresses = BTreeMap::<String, u32>::new();
        let mut sign_ups = 0;
        for (token, link) in &self.open {
            *addresses.entry(link.email.to_ascii_lowercase()).or_default() += 1;
            if !self.due.contains(&(link.due, *token)) {
                return Err("a link would never expire".to_owned());
            }
            if let Purpose::SignUp(sign_up) = &link.purpose {
                sign_ups += 1;
                let name = sign_up.username.to_ascii_lowercase();
                if self.usernames.get(&name) != Some(token) {
                    return Err(format!("the sign-up of {name} is not found by its name"));
                }
            }
        }
        if addresses != self.addresses || self.due.len() != self.open.len() {
            return Err("links are miscounted".to_owned());
        }
        if sign_ups != self.usernames.len() {
            return Err("a username is kept for nobody".to_owned());
        }
        Ok(())
    }
}
