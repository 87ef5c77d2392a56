//! The way to an actor: a typed address that counts, and the mail behind it.
//!
//! A ractor mailbox has no bound, tells no depth, and costs a box and a look at four ports a message. So the
//! mail of an actor waits in a queue of its own, and ractor carries only the word that there is some: the
//! actor takes all that waits at once, and what comes together is handled together. Doors and everybody who
//! writes to an entity use [`Mailbox::try_send`], which refuses at a bound (`protocol.md` 12; the bounds of
//! entities stand in `partition`). Plain sends are for answers, of which there are no more than questions.
//!
//! A mailbox is closed from inside, for good: by an actor that is gone, or by one that retires, and then only
//! while nothing waits. Closing and a send have one order, so nothing is ever left in a closed mailbox. That
//! is how an entity retires without losing mail.

use ractor::{ActorCell, ActorRef};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

use crate::flow;
use crate::gauge::{Gauge, Load};

/// What ractor carries.
#[derive(Debug)]
pub enum Wake<M> {
    /// There is mail.
    Mail,
    /// A timer's message.
    Due(M),
}

/// What waits: a message of the actor's own, or one that every actor understands.
#[derive(Debug)]
pub(crate) struct Envelope<M> {
    pub(crate) sent: Instant,
    pub(crate) body: Body<M>,
}

#[derive(Debug)]
pub(crate) enum Body<M> {
    Message(M),
    Control(Control),
}

/// What every actor understands, whatever its kind.
#[derive(Debug)]
pub enum Control {
    Observe(oneshot::Sender<Observation>),
    /// Chaos: crash as a bug would.
    Panic,
    /// Chaos: hold the handler for so long, as a blocking bug would.
    Hang(Duration),
}

/// An actor as it is seen from outside, at the moment it answers; ahead of the disk.
#[derive(Debug, Clone, Serialize)]
pub struct Observation {
    pub id: String,
    pub kind: &'static str,
    pub mailbox: Load,
    /// Names of the last messages handled, oldest first.
    pub last_messages: Vec<&'static str>,
    /// The actor's own summary; secrets are left out.
    pub state: serde_json::Value,
}

/// The typed way to one incarnation of one actor. Cheap to clone and to keep; once the actor is gone,
/// every send hands its message back, and the sender looks the actor up again.
#[derive(Debug)]
pub struct Mailbox<M> {
    actor: ActorRef<Wake<M>>,
    post: Arc<Post<M>>,
}

/// What the ways to an actor have in common.
#[derive(Debug)]
struct Post<M> {
    queue: Mutex<Queue<M>>,
    gauge: Arc<Gauge>,
    /// Of the actor, as [`flow`] numbers kinds.
    kind: u8,
}

#[derive(Debug)]
struct Queue<M> {
    mail: VecDeque<Envelope<M>>,
    /// The actor was told that there is mail, and has not come for it yet.
    woken: bool,
    closed: bool,
}

/// A burst's room is given back when the next mail is taken.
const KEPT_ROOM: usize = 1_024;

impl<M> Post<M> {
    fn queue(&self) -> MutexGuard<'_, Queue<M>> {
        // Nothing under the lock can panic half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Mailbox { actor: self.actor.clone(), post: self.post.clone() }
    }
}

/// Why a message did not enter a mailbox; the message itself comes back.
#[derive(Debug)]
pub enum Undelivered<M> {
    /// The actor is gone; another incarnation may be found.
    Gone(M),
    /// The mailbox is at the bound: refuse early, try later.
    Overloaded(M),
}

impl<M: Send + 'static> Mailbox<M> {
    pub(crate) fn new(actor: ActorRef<Wake<M>>, kind: &str) -> Self {
        let queue = Queue { mail: VecDeque::new(), woken: false, closed: false };
        let (queue, gauge, kind) = (Mutex::new(queue), Arc::default(), flow::number(kind));
        Mailbox { actor, post: Arc::new(Post { queue, gauge, kind }) }
    }

    /// Puts the message in, or hands it back because the actor is gone.
    pub fn send(&self, message: M) -> Result<(), M> {
        self.put(Body::Message(message), true).map_err(|body| match body {
            Body::Message(message) => message,
            Body::Control(_) => unreachable!("what was put in is what comes back"),
        })
    }

    /// As [`send`](Self::send), but refuses when `bound` messages wait already.
    pub fn try_send(&self, message: M, bound: usize) -> Result<(), Undelivered<M>> {
        if self.depth() >= bound {
            return Err(Undelivered::Overloaded(message));
        }
        self.send(message).map_err(Undelivered::Gone)
    }

    /// The same without waking the actor: it comes upon the message when it has other mail. For what
    /// nobody waits for.
    pub fn try_leave(&self, message: M, bound: usize) -> Result<(), Undelivered<M>> {
        if self.depth() >= bound {
            return Err(Undelivered::Overloaded(message));
        }
        self.put(Body::Message(message), false).map_err(|body| match body {
            Body::Message(message) => Undelivered::Gone(message),
            Body::Control(_) => unreachable!("what was put in is what comes back"),
        })
    }

    /// False when the actor is gone.
    pub fn control(&self, control: Control) -> bool {
        self.put(Body::Control(control), true).is_ok()
    }

    fn put(&self, body: Body<M>, wake: bool) -> Result<(), Body<M>> {
        let mut queue = self.post.queue();
        if queue.closed {
            return Err(body);
        }
        if wake && !queue.woken {
            // Under the lock: an actor that cannot be told any more gets nothing.
            if self.actor.send_message(Wake::Mail).is_err() {
                return Err(body);
            }
            queue.woken = true;
        }
        self.post.gauge.put();
        flow::sent(self.post.kind);
        queue.mail.push_back(Envelope { sent: Instant::now(), body });
        Ok(())
    }

    /// All that waits, in order, into `into`, which must be empty. Only the actor itself takes.
    pub(crate) fn take(&self, into: &mut VecDeque<Envelope<M>>) {
        if into.capacity() > KEPT_ROOM {
            *into = VecDeque::new();
        }
        let mut queue = self.post.queue();
        queue.woken = false;
        std::mem::swap(&mut queue.mail, into);
    }

    /// To itself: comes back to what it has taken, when others have had their turn. False when it is being
    /// drained or stopped, and does not.
    pub(crate) fn come_back(&self) -> bool {
        self.actor.send_message(Wake::Mail).is_ok()
    }

    /// A timer's message goes behind what was taken.
    pub(crate) fn due(&self, message: M) -> Envelope<M> {
        self.post.gauge.put();
        Envelope { sent: Instant::now(), body: Body::Message(message) }
    }

    /// Closes the mailbox if nothing waits in it. Only the actor itself, in its handler, may: what it
    /// handles now is not counted any more.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut queue = self.post.queue();
        queue.closed |= self.post.gauge.depth() == 0;
        queue.closed
    }

    /// The actor is gone: what waits is dropped, what comes goes back.
    fn close(&self) {
        let dropped = {
            let mut queue = self.post.queue();
            queue.closed = true;
            std::mem::take(&mut queue.mail)
        };
        drop(dropped);
    }

    /// Into the actor's own mailbox, though it be closed.
    pub(crate) fn insist(&self, message: M) {
        // An actor that is gone has no use for it.
        let _ = self.actor.send_message(Wake::Due(message));
    }

    /// The timer ends with the actor.
    pub(crate) fn after(&self, span: Duration, message: impl FnOnce() -> M + Send + 'static) {
        self.actor.send_after(span, move || Wake::Due(message()));
    }

    /// The timer ends with the actor.
    pub(crate) fn every(&self, span: Duration, message: impl Fn() -> M + Send + 'static) {
        self.actor.send_interval(span, move || Wake::Due(message()));
    }

    pub fn depth(&self) -> usize {
        self.post.gauge.depth()
    }

    /// False once the actor is gone or retires.
    pub fn is_open(&self) -> bool {
        !self.post.queue().closed
    }

    pub(crate) fn gauge(&self) -> Arc<Gauge> {
        self.post.gauge.clone()
    }

    pub(crate) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    /// Which incarnation this leads to; unique in the process.
    pub fn incarnation(&self) -> u64 {
        self.actor.get_id().pid()
    }
}

/// Held in an actor's state: dropping it closes the mailbox, however the actor died.
#[derive(Debug)]
pub(crate) struct Open<M: Send + 'static>(pub(crate) Mailbox<M>);

impl<M: Send + 'static> Drop for Open<M> {
    fn drop(&mut self) {
        self.0.close();
    }
}
