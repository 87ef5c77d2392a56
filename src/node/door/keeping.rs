//! What is kept until an answer is written.
//!
//! Owns     of one connection: what the handler of the request in hand wants kept. It goes when the socket takes
//!          the first bytes of the answer, or with the connection. So whoever waits for the end of such a
//!          thing acts behind the answer, as the client sees it.
//! Never    looks at the things; they say what they have to say when they are dropped.

use std::any::Any;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

tokio::task_local! {
    /// Of the connection whose request is being handled.
    static KEEPING: Arc<Keeping>;
}

/// One connection's.
#[derive(Debug, Default)]
pub(super) struct Keeping(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    things: Vec<Box<dyn Any + Send>>,
    /// The answer is made: what is written next is its beginning.
    answered: bool,
}

/// Kept until the answer to the request that this task handles is written; outside of a handler, not at all.
pub(crate) fn keep_until_written(thing: impl Send + 'static) {
    // Without a connection there is nobody to be behind of.
    let _ = KEEPING.try_with(|keeping| keeping.kept().things.push(Box::new(thing)));
}

impl Keeping {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing under the lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handles a request of this connection.
    pub(super) fn around<F: Future>(
        self: &Arc<Self>,
        handler: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        KEEPING.scope(self.clone(), handler)
    }

    pub(super) fn answered(&self) {
        let mut kept = self.kept();
        kept.answered = !kept.things.is_empty();
    }

    /// The socket took bytes.
    pub(super) fn written(&self) {
        let mut kept = self.kept();
        if !kept.answered {
            return;
        }
        kept.answered = false;
        let things = std::mem::take(&mut kept.things);
        drop(kept);
        drop(things);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thing_goes_with_the_first_bytes_of_its_answer() {
        let (keeping, thing) = (Arc::new(Keeping::default()), Arc::new(()));
        let kept = thing.clone();
        keeping.around(async move { keep_until_written(kept) }).await;
        keeping.written();
        assert_eq!(Arc::strong_count(&thing), 2, "these bytes were of an answer before");
        keeping.answered();
        keeping.written();
        assert_eq!(Arc::strong_count(&thing), 1);
        keep_until_written(thing.clone());
        assert_eq!(Arc::strong_count(&thing), 1, "nobody's request is handled");
    }
}
