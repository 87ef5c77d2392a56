//! What feeds and strategies were told to do. Their arguments are a number only, so that a restart cannot
//! revive the past: what stands behind the number is looked up here when they start.

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
