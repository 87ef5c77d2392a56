//! Where a connection is between two requests, and until when it may be there.
//!
//! Owns the phase and its deadline. The socket says when bytes come and go, the gate says when a request
//! begins and is answered, the connection's driver asks for the deadline. All three run in one task, so the
//! atomics are only there to let them share it without a lock, and every access is relaxed.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use super::Limits;

const HEAD: u8 = 0;
const BODY: u8 = 1;
const SERVING: u8 = 2;
const IDLE: u8 = 3;

/// A deadline that never comes.
const NEVER: u64 = u64::MAX;

/// The clock of one connection.
#[derive(Debug)]
pub(super) struct Phases {
    opened: Instant,
    header_timeout: Duration,
    body_timeout: Duration,
    idle_timeout: Duration,
    phase: AtomicU8,
    /// Milliseconds after `opened`.
    deadline: AtomicU64,
    /// The body did not come in time: the gate answers 408.
    body_is_late: AtomicBool,
    /// Bytes came while a request was served: the next head has begun already.
    read_ahead: AtomicBool,
}

/// What the driver does when its timer fires.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not yet: the deadline has moved to here.
    Wait(Instant),
    /// The gate was told; poll the connection again.
    AnswerLate,
    /// Close the connection.
    Cut,
}

impl Phases {
    pub(super) fn new(limits: &Limits) -> Phases {
        let phases = Phases {
            opened: Instant::now(),
            header_timeout: limits.header_timeout,
            body_timeout: limits.body_timeout,
            idle_timeout: limits.idle_timeout,
            phase: AtomicU8::new(HEAD),
            deadline: AtomicU64::new(0),
            body_is_late: AtomicBool::new(false),
            read_ahead: AtomicBool::new(false),
        };
        phases.enter(HEAD, Some(phases.header_timeout));
        phases
    }

    /// Bytes came from the client.
    pub(super) fn bytes_came(&self) {
        match self.phase.load(Relaxed) {
            IDLE => self.enter(HEAD, Some(self.header_timeout)),
            SERVING => self.read_ahead.store(true, Relaxed),
            _ => {}
        }
    }

    /// The client took bytes of an answer: a slow reader that makes progress is not idle.
    pub(super) fn bytes_went(&self) {
        if self.phase.load(Relaxed) == IDLE {
            self.enter(IDLE, Some(self.idle_timeout));
        }
    }

    /// The head is complete and a body is to come.
    pub(super) fn body_begins(&self) {
        self.enter(BODY, Some(self.body_timeout));
    }

    /// The request is complete and its handler has it. Handlers have time limits of their own.
    pub(super) fn serving_begins(&self) {
        self.read_ahead.store(false, Relaxed);
        self.enter(SERVING, None);
    }

    /// The answer is made; it may still have to be written.
    pub(super) fn answered(&self) {
        if self.read_ahead.swap(false, Relaxed) {
            self.enter(HEAD, Some(self.header_timeout));
        } else {
            self.enter(IDLE, Some(self.idle_timeout));
        }
    }

    /// Whether a head is being read, so that its bytes are worth looking at.
    pub(super) fn in_head(&self) -> bool {
        self.phase.load(Relaxed) == HEAD
    }

    /// Whether the next byte begins a head.
    pub(super) fn is_idle(&self) -> bool {
        self.phase.load(Relaxed) == IDLE
    }

    /// Whether the body's deadline has passed.
    pub(super) fn body_is_late(&self) -> bool {
        self.body_is_late.load(Relaxed)
    }

    /// Until when the connection may be as it is.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.deadline.load(Relaxed) {
            NEVER => None,
            ms => Some(self.opened + Duration::from_millis(ms)),
        }
    }

    /// The timer fired: is it over?
    pub(super) fn timer_fired(&self, now: Instant) -> Verdict {
        match self.deadline() {
            // Nothing to wait for; look again when an idle connection would be due.
            None => Verdict::Wait(now + self.idle_timeout),
            Some(deadline) if deadline > now => Verdict::Wait(deadline),
            Some(_) if self.phase.load(Relaxed) == BODY && !self.body_is_late() => {
                self.body_is_late.store(true, Relaxed);
                self.enter(BODY, Some(self.body_timeout));
                Verdict::AnswerLate
            }
            Some(_) => Verdict::Cut,
        }
    }

    fn enter(&self, phase: u8, timeout: Option<Duration>) {
        self.phase.store(phase, Relaxed);
        let deadline = match timeout {
            None => NEVER,
            Some(timeout) => {
                let after_opened = self.opened.elapsed() + timeout;
                // Rounded up, or a timer that fires within the last millisecond would spin.
                u64::try_from(after_opened.as_millis()).map_or(NEVER, |ms| ms.saturating_add(1))
            }
        };
        self.deadline.store(deadline, Relaxed);
    }
}
