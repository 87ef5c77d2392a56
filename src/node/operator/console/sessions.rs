//! Browsers that are signed in to the console, by the cookie that each was given.
//!
//! Owns     the sessions of this process: who came with which cookie, since when. They end with it.
//! Never    keeps a cookie's value: its hash is enough. Never outlives the token that it came from: who signed in
//!          with a token is asked about at home again, as if the token had come itself.
//!
//! Bounds   [`SESSIONS_MAX`] sessions; past it the one that was idle longest ends. Each ends after [`GOOD_FOR`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::home::{Role, SecretHash};

use crate::secret;

/// The cookie's name.
pub const COOKIE: &str = "laybook_operator";
const GOOD_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
const SESSIONS_MAX: usize = 256;

/// Who a cookie stands for.
#[derive(Debug, Clone)]
pub enum Guest {
    /// Let in by a one-time link.
    Linked {
        /// For the audit.
        name: String,
        /// What they may.
        role: Role,
    },
    /// Signed in with a token, which is good as long as home says so.
    Token(SecretHash),
}

/// The open sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    open: Mutex<HashMap<SecretHash, Open>>,
}

#[derive(Debug)]
struct Open {
    guest: Guest,
    since: Instant,
    seen: Instant,
}

impl Sessions {
    /// A new session: the cookie's value.
    pub fn open(&self, guest: Guest) -> String {
        let cookie = secret::token().trim_end_matches('=').to_owned();
        let now = Instant::now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| now.saturating_duration_since(session.since) < GOOD_FOR);
        if open.len() >= SESSIONS_MAX
            && let Some(idle) = open.iter().min_by_key(|(_, session)| session.seen)
        {
            let idle = *idle.0;
            open.remove(&idle);
        }
        open.insert(secret::hash(&cookie), Open { guest, since: now, seen: now });
        cookie
    }

    /// Who the cookie stands for, if its session is open.
    pub fn guest(&self, cookie: &str) -> Option<Guest> {
        let now = Instant::now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let session = open.get_mut(&secret::hash(cookie))?;
        if now.saturating_duration_since(session.since) >= GOOD_FOR {
            return None;
        }
        session.seen = now;
        Some(session.guest.clone())
    }

    /// Ends a session.
    pub fn close(&self, cookie: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&secret::hash(cookie));
    }
}

/// The header that gives a browser its cookie.
pub fn set_cookie(value: &str) -> String {
    format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}", GOOD_FOR.as_secs())
}

/// The header that takes it away.
pub fn clear_cookie() -> String {
    format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
}

/// The console's cookie among all that a browser sends.
pub fn cookie_of(header: &str) -> Option<&str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_open_until_it_is_closed() {
        let sessions = Sessions::default();
        let guest = Guest::Linked { name: "ann".to_owned(), role: Role::Viewer };
        let cookie = sessions.open(guest);
        let header = format!("theme=dark; {COOKIE}={cookie}; other=1");
        let found = cookie_of(&header).and_then(|cookie| sessions.guest(cookie));
        assert!(matches!(found, Some(Guest::Linked { role: Role::Viewer, .. })));
        assert!(sessions.guest("made up").is_none());
        sessions.close(&cookie);
        assert!(sessions.guest(&cookie).is_none());
    }

    #[test]
    fn sessions_are_bounded() {
        let sessions = Sessions::default();
        for _ in 0..SESSIONS_MAX + 10 {
            sessions.open(Guest::Token([1; 32]));
        }
        assert_eq!(sessions.open.lock().unwrap().len(), SESSIONS_MAX);
    }
}
