//! Where a door waits for the answer to one request.
//!
//! Owns the door's end until it is used, once. The session and the account share it: an answer that is
//! durable goes from the journal straight to the door, and the session finds the request answered when it
//! looks. Dropped by both without an answer, the door learns that the outcome is unknown.

use super::{Handed, RequestError};
use crate::partition::THROUGH_DIRECTORY;
use domain::request::Outcome;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// What a door is told.
pub type Answer = Result<Outcome, RequestError>;

/// The door's end.
#[derive(Debug)]
pub enum Reply {
    /// A door that waits for this request alone. Dropped, its outcome is unknown.
    Once(oneshot::Sender<Answer>),
    /// The same, of a door that keeps what comes with the answer until it has handed it to its connection.
    Keeping(oneshot::Sender<Kept>),
    /// A connection that has many requests open.
    Line(LineReply),
}

/// One request of many on a line: its tag comes back with the answer, or with `None` when the outcome is
/// unknown. The connection bounds how many it has open, and so what may wait in the line.
#[derive(Debug)]
pub struct LineReply {
    tag: u64,
    line: Option<Line>,
}

/// The way back to a connection.
pub type Line = mpsc::UnboundedSender<(u64, Option<Kept>)>;

/// An answer, and what to let go when its connection has it, if anybody waits for that.
pub type Kept = (Answer, Option<Arc<Handed>>);

impl LineReply {
    pub fn new(tag: u64, line: Line) -> LineReply {
        LineReply { tag, line: Some(line) }
    }
}

impl Drop for LineReply {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            let _ = line.send((self.tag, None));
        }
    }
}

impl Reply {
    /// A door that has gone away wants no answer.
    pub(super) fn send(self, answer: Answer, handed: Option<Arc<Handed>>) {
        match self {
            Reply::Once(reply) => drop(reply.send(answer)),
            Reply::Keeping(reply) => drop(reply.send((answer, handed))),
            Reply::Line(mut reply) => {
                if let Some(line) = reply.line.take() {
                    let _ = line.send((reply.tag, Some((answer, handed))));
                }
            }
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match self {
            Reply::Once(reply) => reply.is_closed(),
            Reply::Keeping(reply) => reply.is_closed(),
            Reply::Line(reply) => reply.line.as_ref().is_none_or(Line::is_closed),
        }
    }
}

impl From<oneshot::Sender<Answer>> for Reply {
    fn from(reply: oneshot::Sender<Answer>) -> Reply {
        Reply::Once(reply)
    }
}

/// In place of an incarnation: it is with nobody, and goes out again.
pub(super) const NOWHERE: u64 = u64::MAX;

/// One request that was sent to the account.
#[derive(Debug)]
pub struct Waiting(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The incarnation of the account that was asked last.
    asked: u64,
    /// `None` once it is used.
    reply: Option<Reply>,
}

impl Waiting {
    pub(super) fn new(reply: Reply) -> Waiting {
        Waiting(Mutex::new(State { asked: THROUGH_DIRECTORY, reply: Some(reply) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Said before the request is sent to that incarnation.
    pub(super) fn ask(&self, incarnation: u64) {
        self.state().asked = incarnation;
    }

    pub(super) fn asked(&self) -> u64 {
        self.state().asked
    }

    /// From the account's incarnation `from`, once durable. A refusal leaves no trace and is decided again
    /// by the account's next life: only the life that was asked last may answer, or a client could be
    /// refused what was done.
    pub(crate) fn answer(&self, outcome: Outcome, from: u64, handed: Option<Arc<Handed>>) {
        let mut state = self.state();
        if state.asked != from && state.asked != THROUGH_DIRECTORY {
            return;
        }
        let reply = state.reply.take();
        drop(state);
        if let Some(reply) = reply {
            reply.send(Ok(outcome), handed);
        }
    }

    pub(super) fn was_asked(&self, incarnation: u64) -> bool {
        let asked = self.asked();
        asked == incarnation || asked == THROUGH_DIRECTORY
    }

    /// Nothing was done.
    pub(super) fn refuse(&self, error: RequestError) {
        let reply = self.state().reply.take();
        if let Some(reply) = reply {
            reply.send(Err(error), None);
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        self.state().reply.is_none()
    }

    /// The door has stopped waiting.
    pub(super) fn is_abandoned(&self) -> bool {
        self.state().reply.as_ref().is_none_or(Reply::is_closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::request::Execution;

    fn outcome() -> Outcome {
        Outcome::Cancelled(Execution { error: None, reports: vec![] })
    }

    #[test]
    fn only_the_life_that_was_asked_last_answers_and_only_once() {
        let (reply, mut answer) = oneshot::channel();
        let waiting = Waiting::new(reply.into());
        waiting.ask(7);
        waiting.ask(8);
        waiting.answer(outcome(), 7, None);
        assert!(!waiting.is_answered());
        waiting.answer(outcome(), 8, None);
        assert!(waiting.is_answered());
        assert_eq!(answer.try_recv().unwrap().unwrap(), outcome());
        waiting.answer(outcome(), 8, None);
    }

    #[test]
    fn a_line_hears_of_every_request_once_answered_or_not() {
        let (line, mut answers) = mpsc::unbounded_channel();
        let one = Waiting::new(Reply::Line(LineReply::new(1, line.clone())));
        let two = Waiting::new(Reply::Line(LineReply::new(2, line)));
        drop(two);
        one.answer(outcome(), 5, None);
        drop(one);
        assert!(matches!(answers.try_recv(), Ok((2, None))));
        assert!(matches!(answers.try_recv(), Ok((1, Some((Ok(told), None)))) if told == outcome()));
        assert!(answers.try_recv().is_err());
    }
}
