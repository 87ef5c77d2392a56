//! Following a recording in place of the exchange's markets.

use std::time::{Duration, Instant};

use actors::shell::Context;
use bytes::Bytes;
use serde_json::json;

use super::{StreamMsg, StreamSession, Told};
use crate::stream::line::{Head, Op, Opening};
use crate::stream::request::MarketSubscription;
use crate::stream::status::{ErrorCode, Failure};
use crate::stream::tape::{Message, Tape, TapeFile};

/// Messages told in one go.
const AT_ONCE: usize = 64;
/// Between two looks at a client that has no room.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A recording that is being told.
pub(super) struct TapeFollowing {
    head: Head,
    tape: Tape,
    initial_clk: String,
    heartbeat: Duration,
    segmented: bool,
    opened: bool,
    next: Option<Instant>,
    last_told: Instant,
    last_at: domain::time::UtcMillis,
}

impl TapeFollowing {
    pub(super) fn observe(&self) -> serde_json::Value {
        json!({ "messages": self.tape.number })
    }

    pub(super) fn due(&self, now: Instant) -> Instant {
        let heartbeat = self.last_told + self.heartbeat;
        self.next.map_or(heartbeat, |next| next.max(now).min(heartbeat))
    }
}

impl StreamSession {
    /// Every subscription is to the recording, from its beginning.
    pub(super) fn follow_tape(
        &mut self,
        id: Option<i64>,
        subscription: &MarketSubscription,
        file: &TapeFile,
        context: &mut Context<StreamMsg>,
    ) {
        let tape = match Tape::open(file) {
            Ok(tape) => tape,
            Err(error) => {
                let why = Failure::new(ErrorCode::UnexpectedError, error.to_string());
                return self.fail(id, &why, context);
            }
        };
        self.succeed(id, context);
        let now = Instant::now();
        self.tape = Some(TapeFollowing {
            head: Head { op: Op::Market, id },
            tape,
            initial_clk: subscription.origin(self.service.log).initial(),
            heartbeat: Duration::from_millis(subscription.terms.heartbeat_ms),
            segmented: subscription.terms.segmented,
            opened: false,
            next: Some(now),
            last_told: now,
            last_at: domain::time::UtcMillis::default(),
        });
    }

    pub(super) fn tape_due(&mut self, now: Instant) {
        for _ in 0..AT_ONCE {
            let has_room = self.out.as_ref().is_some_and(|out| out.capacity() > 1);
            let Some(following) = &mut self.tape else { return };
            following.next = following.tape.due(now);
            if following.next.is_none_or(|next| next > now) {
                break;
            }
            if !has_room {
                following.next = Some(now + LOOK_AGAIN);
                return;
            }
            if let Some(message) = following.tape.take(now) {
                self.tell_recorded(message);
            }
        }
        let Some(following) = &mut self.tape else { return };
        if following.opened && now >= following.last_told + following.heartbeat {
            following.last_told = now;
            let line = following.head.heartbeat(following.tape.number, following.last_at);
            self.tell(line);
        }
    }

    fn tell_recorded(&mut self, message: Message) {
        let Some(following) = &mut self.tape else { return };
        let Message { at, rows } = message;
        following.last_told = Instant::now();
        following.last_at = at;
        let number = following.tape.number;
        let pieces = if following.opened {
            let mut line = Vec::new();
            let rows = rows.join(&b","[..]);
            following.head.push_change(&mut line, number, at, &rows);
            vec![Bytes::from(line)]
        } else {
            following.opened = true;
            let opening = Opening {
                resumed: false,
                initial_clk: &following.initial_clk,
                heartbeat_ms: u64::try_from(following.heartbeat.as_millis()).unwrap_or(u64::MAX),
                conflate_ms: 0,
                segmented: following.segmented,
            };
            following.head.opening(&opening, number, at, rows)
        };
        let told = self.tell_pieces(pieces);
        debug_assert_eq!(told, Told::Yes, "there was room");
    }
}
