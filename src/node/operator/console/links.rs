//! One-time links into the console: a code in a URL that lets one browser in, once, for a quarter of an hour.
//!
//! Owns     the codes that were given out and not used, by their hashes, in memory.
//! Never    keeps a code itself, or lets a code be used twice.
//!
//! Bounds   [`PENDING_MAX`] codes; past it the oldest is forgotten, as if its time were up.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::home::{Role, SecretHash};

use crate::secret;

/// How long a link is good.
pub const GOOD_FOR: Duration = Duration::from_secs(15 * 60);
const PENDING_MAX: usize = 64;

/// Links that wait to be opened.
#[derive(Debug, Default)]
pub struct Links {
    pending: Mutex<VecDeque<Pending>>,
}

#[derive(Debug)]
struct Pending {
    code: SecretHash,
    name: String,
    role: Role,
    made: Instant,
}

impl Links {
    /// A new code; whoever brings it first is let in as `name`.
    pub fn make(&self, name: &str, role: Role) -> String {
        let code = secret::token().trim_end_matches('=').to_owned();
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() >= PENDING_MAX {
            pending.pop_front();
        }
        let made = Instant::now();
        pending.push_back(Pending { code: secret::hash(&code), name: name.to_owned(), role, made });
        code
    }

    /// Who a code lets in. The code is spent by it.
    pub fn open(&self, code: &str) -> Option<(String, Role)> {
        self.open_at(code, Instant::now())
    }

    fn open_at(&self, code: &str, now: Instant) -> Option<(String, Role)> {
        let code = secret::hash(code);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|link| now.saturating_duration_since(link.made) < GOOD_FOR);
        let at = pending.iter().position(|link| link.code == code)?;
        pending.remove(at).map(|link| (link.name, link.role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_opens_once_and_only_in_its_time() {
        let links = Links::default();
        let code = links.make("ann", Role::Viewer);
        assert!(links.open("another").is_none());
        assert_eq!(links.open(&code), Some(("ann".to_owned(), Role::Viewer)));
        assert!(links.open(&code).is_none(), "used");
        let late = links.make("bob", Role::Admin);
        assert!(links.open_at(&late, Instant::now() + GOOD_FOR).is_none(), "late");
        assert!(links.open(&late).is_none(), "and gone for good");
    }

    #[test]
    fn links_that_nobody_opens_are_bounded() {
        let links = Links::default();
        let first = links.make("ann", Role::Viewer);
        for _ in 0..PENDING_MAX {
            links.make("ann", Role::Viewer);
        }
        assert_eq!(links.pending.lock().unwrap().len(), PENDING_MAX);
        assert!(links.open(&first).is_none(), "the oldest was forgotten");
    }
}
