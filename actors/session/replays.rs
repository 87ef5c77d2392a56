//! Outcomes that are kept for a client that may ask again: a lost reply, a retry by a library.
//!
//! Owns     the last requests that wished for it, within the window of the customer's reference. They are
//!          this incarnation's own: after a crash of the session a repeat is a duplicate, as without the wish.

use super::Reply;
use domain::account::CUSTOMER_REF_WINDOW_MS;
use domain::request::{CustomerRequest, Outcome};
use domain::time::UtcMillis;
use std::collections::VecDeque;
use std::sync::Arc;

const REPLAYS_MAX: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Replays {
    oldest_first: VecDeque<Replay>,
}

#[derive(Debug)]
struct Replay {
    at: UtcMillis,
    request: Arc<CustomerRequest>,
    outcome: Option<Outcome>,
    /// Who asked again before there was an outcome.
    waiting: Vec<Reply>,
}

impl Replays {
    /// Gives the reply back when the request is the first of its kind; if not, it is answered here, or will
    /// be.
    pub(super) fn first(
        &mut self,
        now: UtcMillis,
        request: &Arc<CustomerRequest>,
        reply: Reply,
    ) -> Option<Reply> {
        let is_over = |replay: &Replay| now.since_ms(replay.at) >= CUSTOMER_REF_WINDOW_MS;
        while self.oldest_first.front().is_some_and(is_over) {
            self.oldest_first.pop_front();
        }
        match self.oldest_first.iter_mut().find(|known| known.request == *request) {
            Some(Replay { outcome: Some(outcome), .. }) => {
                let _ = reply.send(Ok(outcome.clone()));
                None
            }
            Some(Replay { waiting, .. }) => {
                waiting.push(reply);
                None
            }
            None => {
                if self.oldest_first.len() >= REPLAYS_MAX {
                    self.oldest_first.pop_front();
                }
                self.oldest_first.push_back(Replay {
                    at: now,
                    request: request.clone(),
                    outcome: None,
                    waiting: Vec::new(),
                });
                Some(reply)
            }
        }
    }

    /// It was not sent on: the next one is the first.
    pub(super) fn forget(&mut self, request: &Arc<CustomerRequest>) {
        self.oldest_first.retain(|known| !Arc::ptr_eq(&known.request, request));
    }

    pub(super) fn answered(&mut self, request: &Arc<CustomerRequest>, outcome: &Outcome) {
        let known = self.oldest_first.iter_mut().find(|it| Arc::ptr_eq(&it.request, request));
        let Some(known) = known else { return };
        for reply in known.waiting.drain(..) {
            let _ = reply.send(Ok(outcome.clone()));
        }
        known.outcome = Some(outcome.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::request::{CancelScope, Execution, RequestBody};
    use tokio::sync::oneshot;

    fn request(reference: &str) -> Arc<CustomerRequest> {
        Arc::new(CustomerRequest {
            customer_ref: Some(reference.into()),
            body: RequestBody::Cancel(CancelScope::Everything),
        })
    }

    #[test]
    fn a_repeat_hears_what_the_first_heard() {
        let mut replays = Replays::default();
        let outcome = Outcome::Cancelled(Execution { error: None, reports: vec![] });
        let ask = |replays: &mut Replays, at, request: &Arc<CustomerRequest>| {
            let (reply, mut answer) = oneshot::channel();
            let first = replays.first(UtcMillis(at), request, reply).is_some();
            (first, answer.try_recv().ok().and_then(Result::ok), answer)
        };
        let first = request("a");
        assert!(ask(&mut replays, 0, &first).0);
        let (again, nothing, mut waits) = ask(&mut replays, 1, &request("a"));
        assert!(!again && nothing.is_none(), "the outcome is not there yet");
        replays.answered(&first, &outcome);
        assert_eq!(waits.try_recv().ok().and_then(Result::ok), Some(outcome.clone()));
        assert_eq!(ask(&mut replays, 59_999, &request("a")).1, Some(outcome));
        assert!(ask(&mut replays, 59_999, &request("b")).0, "another reference");
        assert!(ask(&mut replays, 60_000, &request("a")).0, "the window is over");
    }

    #[test]
    fn what_was_not_sent_on_is_first_again_and_the_oldest_go_first() {
        let mut replays = Replays::default();
        let ask = |replays: &mut Replays, request: &Arc<CustomerRequest>| {
            replays.first(UtcMillis(0), request, oneshot::channel().0).is_some()
        };
        let refused = request("a");
        assert!(ask(&mut replays, &refused));
        replays.forget(&refused);
        assert!(ask(&mut replays, &request("a")));
        for n in 0..REPLAYS_MAX {
            assert!(ask(&mut replays, &request(&n.to_string())));
        }
        assert!(ask(&mut replays, &request("a")), "the first of {REPLAYS_MAX} others is gone");
        assert_eq!(replays.oldest_first.len(), REPLAYS_MAX);
    }
}
