//! Who wants to hear of the end of a session: connections that speak for it and may say nothing for long.
//!
//! Owns     the wishes, by session. They live with the process, as the connections do.
//! Bounds   one wish a connection; of connections that have gone they are swept away as others come.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::ids::SessionId;

/// After so many wishes all of them are looked at for those whose connection has gone.
const SWEEP_EVERY: usize = 1_024;

#[derive(Default)]
pub(super) struct SessionEnds(Mutex<Wishes>);

#[derive(Default)]
struct Wishes {
    by_session: HashMap<SessionId, Vec<Wish>>,
    since_swept: usize,
}

struct Wish {
    tell: Box<dyn Fn() + Send>,
    is_there: Box<dyn Fn() -> bool + Send>,
}

impl SessionEnds {
    pub(super) fn wish(
        &self,
        session: SessionId,
        tell: impl Fn() + Send + 'static,
        is_there: impl Fn() -> bool + Send + 'static,
    ) {
        let mut wishes = self.wishes();
        wishes.since_swept += 1;
        if wishes.since_swept >= SWEEP_EVERY {
            wishes.since_swept = 0;
            wishes.by_session.retain(|_, of_session| {
                of_session.retain(|wish| (wish.is_there)());
                !of_session.is_empty()
            });
        }
        let wish = Wish { tell: Box::new(tell), is_there: Box::new(is_there) };
        wishes.by_session.entry(session).or_default().push(wish);
    }

    /// It has ended.
    pub(super) fn over(&self, session: SessionId) {
        let of_session = self.wishes().by_session.remove(&session);
        for wish in of_session.into_iter().flatten() {
            (wish.tell)();
        }
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        // Nothing under the lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[test]
    fn who_is_there_is_told_once_and_who_has_gone_is_swept_away() {
        let (ends, told) = (SessionEnds::default(), Arc::new(AtomicUsize::new(0)));
        let wish = |session: u64, is_there: bool| {
            let told = told.clone();
            let tell = move || {
                let _ = told.fetch_add(1, Relaxed);
            };
            ends.wish(SessionId(session), tell, move || is_there);
        };
        wish(1, true);
        wish(2, true);
        ends.over(SessionId(1));
        ends.over(SessionId(1));
        assert_eq!(told.load(Relaxed), 1);
        for session in 0..SWEEP_EVERY as u64 {
            wish(10 + session, false);
        }
        assert!(ends.wishes().by_session.len() <= 4, "swept");
        ends.over(SessionId(2));
        assert_eq!(told.load(Relaxed), 2);
    }
}
