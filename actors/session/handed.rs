//! Whether an answer has been handed to its connection.
//!
//! Owns     the wishes to hear of it. An account puts one end of it with the answers of a batch and a weak end
//!          with what its followers are told, so that a stream can tell an order's row behind the answer to
//!          the request that it is about. However the answers go, written, dropped or lost with their door,
//!          the last end of it says so.
//! Bounds   `WISHES_MAX`; who comes later is not told, and waits for as long as it would have at most.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections of one account that hear of one batch.
const WISHES_MAX: usize = 1_024;

type Wish = Box<dyn FnOnce() + Send>;

/// Held as long as the answers are on their way.
#[derive(Default)]
pub struct Handed {
    wishes: Mutex<Vec<Wish>>,
}

impl Handed {
    pub(crate) fn new() -> Arc<Handed> {
        Arc::default()
    }

    /// Hears of it.
    pub fn when_done(&self, wish: impl FnOnce() + Send + 'static) {
        let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        if wishes.len() < WISHES_MAX {
            wishes.push(Box::new(wish));
        }
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        let wishes = self.wishes.get_mut().unwrap_or_else(PoisonError::into_inner);
        for wish in wishes.drain(..) {
            wish();
        }
    }
}

impl fmt::Debug for Handed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Handed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_last_answer_to_be_handed_on_says_so_once() {
        let (told, hears) = mpsc::channel();
        let one = Handed::new();
        let (other, weak) = (one.clone(), Arc::downgrade(&one));
        weak.upgrade().unwrap().when_done(move || told.send(()).unwrap());
        drop(one);
        assert!(hears.try_recv().is_err(), "another answer is on its way");
        drop(other);
        assert_eq!(hears.try_recv(), Ok(()));
        assert!(weak.upgrade().is_none());
    }
}
