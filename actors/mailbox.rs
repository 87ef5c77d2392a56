//! The way to an actor: a typed address that counts.
//!
//! Ractor's mailboxes have no bound and tell no depth, so every message goes through a [`Mailbox`]: it
//! stamps the message, counts it in, and hands it back when the actor is gone. Doors and everybody who
//! writes to an entity use [`Mailbox::try_send`], which refuses at a bound (`protocol.md` 12; the bounds of
//! entities stand in `partition`). Plain sends are for answers, of which there are no more than questions.
//!
//! A mailbox can be closed from inside, but only while it is empty: one bit of the depth says so. A sender
//! counts itself in before it puts anything in, so closing and a send have one order, and nothing is ever
//! in a closed mailbox. That is how an entity retires without losing mail.

use ractor::{ActorCell, ActorRef, MessagingErr};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What travels: a message of the actor's own, or one that every actor understands.
#[derive(Debug)]
pub struct Envelope<M> {
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

/// An actor's mailbox and handler in figures.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Load {
    pub depth: usize,
    pub handled: u64,
    /// Time that messages spent in the mailbox, in all.
    pub waited_us: u64,
    /// Time that the handler spent, in all.
    pub busy_us: u64,
    pub slowest_us: u64,
}

/// One actor's counters. Written by its senders (depth) and its handler (the rest).
#[derive(Debug, Default)]
pub struct Gauge {
    /// Messages that wait, and [`CLOSED`].
    depth: AtomicUsize,
    handled: AtomicU64,
    waited_ns: AtomicU64,
    busy_ns: AtomicU64,
    slowest_ns: AtomicU64,
}

/// Nothing more goes in.
const CLOSED: usize = 1 << (usize::BITS - 1);

impl Gauge {
    pub fn load(&self) -> Load {
        Load {
            depth: self.depth.load(Relaxed) & !CLOSED,
            handled: self.handled.load(Relaxed),
            waited_us: self.waited_ns.load(Relaxed) / 1_000,
            busy_us: self.busy_ns.load(Relaxed) / 1_000,
            slowest_us: self.slowest_ns.load(Relaxed) / 1_000,
        }
    }

    /// A message left the mailbox after `waited`.
    pub(crate) fn taken(&self, waited: Duration) {
        self.depth.fetch_sub(1, Relaxed);
        add(&self.waited_ns, waited);
    }

    /// The handler is done after `busy`.
    pub(crate) fn handled(&self, busy: Duration) {
        add(&self.busy_ns, busy);
        self.handled.fetch_add(1, Relaxed);
        self.slowest_ns.fetch_max(nanos(busy), Relaxed);
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn add(counter: &AtomicU64, span: Duration) {
    counter.fetch_add(nanos(span), Relaxed);
}

/// The typed way to one incarnation of one actor. Cheap to clone and to keep; once the actor is gone,
/// every send hands its message back, and the sender looks the actor up again.
#[derive(Debug)]
pub struct Mailbox<M> {
    actor: ActorRef<Envelope<M>>,
    gauge: Arc<Gauge>,
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Mailbox { actor: self.actor.clone(), gauge: self.gauge.clone() }
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
    pub(crate) fn new(actor: ActorRef<Envelope<M>>, gauge: Arc<Gauge>) -> Self {
        Mailbox { actor, gauge }
    }

    /// Puts the message in, or hands it back because the actor is gone.
    pub fn send(&self, message: M) -> Result<(), M> {
        match self.put(Body::Message(message)) {
            Ok(()) => Ok(()),
            Err(Some(Body::Message(message))) => Err(message),
            Err(_) => unreachable!("what was put in is what comes back"),
        }
    }

    /// As [`send`](Self::send), but refuses when `bound` messages wait already.
    pub fn try_send(&self, message: M, bound: usize) -> Result<(), Undelivered<M>> {
        if self.depth() >= bound {
            return Err(Undelivered::Overloaded(message));
        }
        self.send(message).map_err(Undelivered::Gone)
    }

    /// False when the actor is gone.
    pub fn control(&self, control: Control) -> bool {
        self.put(Body::Control(control)).is_ok()
    }

    fn put(&self, body: Body<M>) -> Result<(), Option<Body<M>>> {
        if self.gauge.depth.fetch_add(1, AcqRel) & CLOSED != 0 {
            self.gauge.depth.fetch_sub(1, Relaxed);
            return Err(Some(body));
        }
        self.pass(body)
    }

    /// Closes the mailbox if nothing waits in it. Only the actor itself, in its handler, may: what it
    /// handles now is not counted any more.
    pub(crate) fn close_if_empty(&self) -> bool {
        self.gauge.depth.compare_exchange(0, CLOSED, AcqRel, Relaxed).is_ok()
    }

    /// Into the actor's own mailbox, though it be closed.
    pub(crate) fn insist(&self, message: M) {
        self.gauge.depth.fetch_add(1, Relaxed);
        // An actor that is gone has no use for it.
        let _ = self.pass(Body::Message(message));
    }

    fn pass(&self, body: Body<M>) -> Result<(), Option<Body<M>>> {
        self.actor.send_message(Envelope { sent: Instant::now(), body }).map_err(|error| {
            self.gauge.depth.fetch_sub(1, Relaxed);
            match error {
                MessagingErr::SendErr(envelope) => Some(envelope.body),
                MessagingErr::ChannelClosed | MessagingErr::InvalidActorType => None,
            }
        })
    }

    /// The timer ends with the actor.
    pub(crate) fn after(&self, span: Duration, message: impl FnOnce() -> M + Send + 'static) {
        let gauge = self.gauge.clone();
        self.actor.send_after(span, move || stamp(&gauge, message()));
    }

    /// The timer ends with the actor.
    pub(crate) fn every(&self, span: Duration, message: impl Fn() -> M + Send + 'static) {
        let gauge = self.gauge.clone();
        self.actor.send_interval(span, move || stamp(&gauge, message()));
    }

    pub fn depth(&self) -> usize {
        self.gauge.depth.load(Relaxed) & !CLOSED
    }

    pub(crate) fn gauge(&self) -> Arc<Gauge> {
        self.gauge.clone()
    }

    pub(crate) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    /// Which incarnation this leads to; unique in the process.
    pub fn incarnation(&self) -> u64 {
        self.actor.get_id().pid()
    }
}

/// A timer's message is counted in when it is due.
fn stamp<M>(gauge: &Gauge, message: M) -> Envelope<M> {
    gauge.depth.fetch_add(1, Relaxed);
    Envelope { sent: Instant::now(), body: Body::Message(message) }
}
