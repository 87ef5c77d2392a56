//! Applications that customers register, and their keys: a key says which program speaks, never who.
//!
//! A user's first key is made with the user and shows as an application of the user's name; further ones
//! are made by their owner. Keys are never taken back or given to another.

use super::HomeError;
use crate::ids::AccountId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Applications that one user may register.
pub const MAX_APPS_PER_USER: usize = 20;
pub const MAX_APPS: usize = 1_000_000;
/// Smaller numbers are those of users' first applications: their accounts'.
const FIRST_APP: u64 = 10_000_001;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeveloperApp {
    pub id: u64,
    pub name: String,
    pub live_key: String,
    /// For trying things out; `None` for the application that came with the user.
    pub delayed_key: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Apps {
    by_account: BTreeMap<AccountId, Vec<DeveloperApp>>,
    /// In small letters: two that differ in case only would pass for each other.
    names: BTreeSet<String>,
    next: u64,
}

impl Default for Apps {
    fn default() -> Self {
        Apps { by_account: BTreeMap::new(), names: BTreeSet::new(), next: FIRST_APP }
    }
}

impl Apps {
    pub(super) fn of(&self, account: AccountId) -> &[DeveloperApp] {
        self.by_account.get(&account).map_or(&[], Vec::as_slice)
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The number of an application that may be registered under this name.
    pub(super) fn admit(&self, account: AccountId, name: &str) -> Result<u64, HomeError> {
        if self.names.contains(&name.to_lowercase()) {
            return Err(HomeError::AppNameTaken);
        }
        HomeError::full("applications of one user", self.of(account).len(), MAX_APPS_PER_USER)?;
        HomeError::full("applications", self.len(), MAX_APPS)?;
        Ok(self.next)
    }

    pub(super) fn add(&mut self, account: AccountId, app: DeveloperApp) {
        self.next = app.id + 1;
        self.names.insert(app.name.to_lowercase());
        self.by_account.entry(account).or_default().push(app);
    }
}
