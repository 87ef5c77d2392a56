//! What feeds and strategies were told to do. Their arguments are a number only, so that a restart cannot
//! revive the past: what stands behind the number is looked up here when they start.

use crate::home::NewLogin;
use domain::home::SecretHash;
use domain::ids::SessionId;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Debug)]
pub struct Assignments<T>(RwLock<BTreeMap<u32, Arc<T>>>);

impl<T> Default for Assignments<T> {
    fn default() -> Self {
        Assignments(RwLock::default())
    }
}

impl<T> Assignments<T> {
    /// Given before the child of that number is started.
    pub fn give(&self, number: u32, assignment: T) -> Arc<T> {
        let assignment = Arc::new(assignment);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(number, assignment.clone());
        assignment
    }

    pub fn find(&self, number: u32) -> Option<Arc<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }
}

/// In whose name a feed or a strategy logs in.
#[derive(Debug, Clone)]
pub struct Customer {
    pub username: String,
    pub app_key: String,
}

impl Customer {
    /// A login whose secrets the node has drawn.
    pub fn login(&self, session: SessionId, token: SecretHash) -> NewLogin {
        let (username, app_key) = (self.username.clone(), self.app_key.clone());
        NewLogin { session, username, token, app_key }
    }
}
