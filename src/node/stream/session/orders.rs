//! Following one's own orders: from the account, in its order, to lines.
//!
//! A client that does not read, or wants changes together, costs one time: from when on it must be told. Then
//! the account is followed anew from there, which tells what was placed, changed or ended since.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::account::{AccountMsg, OrderChange, OrderNews};
use actors::mailbox::Mailbox;
use actors::partition::deliver;
use actors::shell::Context;
use bytes::Bytes;
use domain::ids::EntityId;
use domain::time::UtcMillis;
use serde_json::json;

use super::{ASK_AGAIN, BEHIND_LOOK, BEHIND_MAX, PARTITION, StreamMsg, StreamSession, Told};
use crate::stream::clk::{Clocks, Unreadable};
use crate::stream::line::{Head, Op, Opening};
use crate::stream::orders::rows;
use crate::stream::request::OrderSubscription;
use crate::stream::status::{ErrorCode, Failure};

/// What comes with the answer to a request is told when the answer has been handed to its connection, or after
/// this: a client that does not read its answers hears of its orders all the same.
const HELD_FOR_MAX: Duration = Duration::from_millis(100);
/// Changes held; past it what is held is let go, and the account followed anew.
const HELD_MAX: usize = 1_024;
/// An account that has not answered is asked again after this.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// An order subscription that was accepted.
pub(super) struct OrderFollowing {
    /// This following of it: each new one has a number of its own.
    follower: u64,
    head: Head,
    subscription: OrderSubscription,
    initial_clk: String,
    /// From when on the client must be told, when it has been told anything.
    clk: Option<UtcMillis>,
    opened: bool,
    /// Asked to be followed, and not answered.
    asked: Option<Instant>,
    /// To be followed anew from the clock on.
    stale: bool,
    behind: Option<Instant>,
    /// In order, each behind an answer that is on its way, or behind one that is; and the moment from which on it
    /// is told in any case.
    held: VecDeque<(Arc<OrderChange>, Instant)>,
    last_told: Instant,
    next_told: Instant,
}

impl OrderFollowing {
    pub(super) fn observe(&self) -> serde_json::Value {
        json!({ "opened": self.opened, "stale": self.stale, "behind": self.behind.is_some() })
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.subscription.terms.heartbeat_ms)
    }

    fn conflate(&self) -> Duration {
        Duration::from_millis(self.subscription.terms.conflate_ms)
    }

    pub(super) fn due(&self, now: Instant) -> Instant {
        let mut due = self.last_told + self.heartbeat();
        if let Some(asked) = self.asked {
            due = due.min(asked + ANSWER_WITHIN);
        } else if self.behind.is_some() {
            return now + BEHIND_LOOK;
        } else if self.stale {
            due = due.min(self.next_told.max(now + Duration::from_millis(1)));
        }
        if let Some((_, from)) = self.held.front() {
            due = due.min(*from);
        }
        due.max(now)
    }
}

/// A following of the account. Let go, it says so.
struct Held {
    me: Mailbox<StreamMsg>,
    follower: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.me.send(StreamMsg::AccountLost(self.follower));
    }
}

impl StreamSession {
    pub(super) fn follow_orders(
        &mut self,
        id: Option<i64>,
        subscription: OrderSubscription,
        context: &mut Context<StreamMsg>,
    ) {
        let Some((account, _)) = &self.account else { return };
        let origin = subscription.origin(self.service.log, *account);
        let terms = &subscription.terms;
        let clocks = origin.read(terms.initial_clk.as_deref(), terms.clk.as_deref());
        let clk = match clocks {
            Ok(Clocks::None) => None,
            Ok(Clocks::At(at)) => i64::try_from(at).ok().map(UtcMillis),
            Err(Unreadable) => {
                let why = "clk or initialClk is not one of this node's";
                return self.fail(id, &Failure::new(ErrorCode::InvalidClock, why), context);
            }
        };
        self.leave_orders(context);
        self.succeed(id, context);
        let now = Instant::now();
        self.orders = Some(OrderFollowing {
            follower: 0,
            head: Head { op: Op::Orders, id },
            initial_clk: origin.initial(),
            subscription,
            clk,
            opened: false,
            asked: None,
            stale: false,
            behind: None,
            held: VecDeque::new(),
            last_told: now,
            next_told: now,
        });
        self.follow_account(context);
    }

    /// Asks the account from the clock on.
    fn follow_account(&mut self, context: &Context<StreamMsg>) {
        let follower = self.next_subscriber().0;
        let (Some(following), Some((account, _))) = (&mut self.orders, &self.account) else {
            return;
        };
        let before = std::mem::replace(&mut following.follower, follower);
        let to = EntityId::Account(*account);
        if before != 0 {
            let unfollow = AccountMsg::Unfollow { follower: before };
            deliver(&context.node, PARTITION, to, unfollow);
        }
        let held = Held { me: context.me.clone(), follower };
        let tell =
            move |news| held.me.send(StreamMsg::Orders { follower: held.follower, news }).is_ok();
        following.asked = Some(Instant::now());
        following.stale = false;
        let follow = AccountMsg::Follow { follower, since: following.clk, deliver: Arc::new(tell) };
        deliver(&context.node, PARTITION, to, follow);
    }

    pub(super) fn leave_orders(&mut self, context: &Context<StreamMsg>) {
        let Some((account, _)) = &self.account else { return };
        if let Some(following) = self.orders.take() {
            let unfollow = AccountMsg::Unfollow { follower: following.follower };
            deliver(&context.node, PARTITION, EntityId::Account(*account), unfollow);
        }
    }

    /// The account's life has ended: its next is followed from the clock on.
    pub(super) fn account_lost(&mut self, follower: u64) {
        if let Some(following) = &mut self.orders
            && following.follower == follower
        {
            following.asked = None;
            following.stale = true;
            following.next_told = Instant::now() + ASK_AGAIN;
        }
    }

    pub(super) fn order_news(
        &mut self,
        follower: u64,
        news: OrderNews,
        context: &mut Context<StreamMsg>,
    ) {
        let Some(following) = &mut self.orders else { return };
        if following.follower != follower || following.behind.is_some() && following.asked.is_none()
        {
            return;
        }
        match news {
            OrderNews::AreYouThere => {}
            OrderNews::Image(change) => {
                following.asked = None;
                // Told by the image.
                following.held.clear();
                if following.opened {
                    self.tell_orders(&change, context);
                } else {
                    self.open_orders(&change, context);
                }
            }
            OrderNews::Change(change) => {
                if !following.conflate().is_zero() || following.held.len() >= HELD_MAX {
                    following.held.clear();
                    following.stale = true;
                } else if let Some(handed) = change.behind.upgrade() {
                    let me = context.me.clone();
                    // A session that has gone tells nobody.
                    handed.when_done(move || drop(me.send(StreamMsg::Handed)));
                    following.held.push_back((change, Instant::now() + HELD_FOR_MAX));
                } else if !following.held.is_empty() {
                    following.held.push_back((change, Instant::now()));
                } else {
                    self.tell_orders(&change, context);
                }
            }
        }
    }

    fn open_orders(&mut self, change: &OrderChange, context: &mut Context<StreamMsg>) {
        let Some(following) = &mut self.orders else { return };
        let resumed = following.clk.is_some();
        let terms = &following.subscription.terms;
        let opening = Opening {
            resumed,
            initial_clk: &following.initial_clk,
            heartbeat_ms: terms.heartbeat_ms,
            conflate_ms: terms.conflate_ms,
            segmented: terms.segmented,
        };
        let rows = rows(change, &following.subscription.orders, !resumed);
        let clk = clk_of(change.at);
        let lines = following.head.opening(&opening, clk, change.at, rows);
        if self.tell_pieces(lines) == Told::No {
            return self.too_slow(context);
        }
        if let Some(following) = &mut self.orders {
            following.opened = true;
            following.told(change.at);
        }
    }

    fn tell_orders(&mut self, change: &OrderChange, context: &mut Context<StreamMsg>) {
        let Some(following) = &mut self.orders else { return };
        let rows = rows(change, &following.subscription.orders, false);
        let mut lines = Vec::new();
        for row in &rows {
            following.head.push_change(&mut lines, clk_of(change.at), change.at, row);
        }
        if lines.is_empty() {
            following.clk = Some(change.at);
            following.behind = None;
            return;
        }
        let told = self.tell(Bytes::from(lines));
        let Some(following) = &mut self.orders else { return };
        match told {
            Told::Yes => {
                following.behind = None;
                following.told(change.at);
            }
            Told::No => {
                let since = *following.behind.get_or_insert_with(Instant::now);
                if since.elapsed() > BEHIND_MAX {
                    self.too_slow(context);
                }
            }
        }
    }

    /// In order: what came behind something held waits with it.
    pub(super) fn tell_held(&mut self, now: Instant, context: &mut Context<StreamMsg>) {
        while let Some(following) = &mut self.orders {
            match following.held.front() {
                Some((change, from)) if *from <= now || change.behind.strong_count() == 0 => {}
                _ => return,
            }
            if let Some((change, _)) = following.held.pop_front() {
                self.tell_orders(&change, context);
            }
        }
    }

    pub(super) fn orders_due(&mut self, now: Instant, context: &mut Context<StreamMsg>) {
        self.tell_held(now, context);
        let has_room = self.has_room();
        let Some(following) = &mut self.orders else { return };
        if let Some(asked) = following.asked {
            if now >= asked + ANSWER_WITHIN {
                self.follow_account(context);
            }
            return;
        }
        if let Some(since) = following.behind {
            if now.saturating_duration_since(since) > BEHIND_MAX {
                self.too_slow(context);
            } else if has_room {
                self.follow_account(context);
            }
            return;
        }
        if following.stale && now >= following.next_told {
            following.next_told = now + following.conflate();
            return self.follow_account(context);
        }
        if following.opened && now >= following.last_told + following.heartbeat() {
            following.last_told = now;
            let clk = following.clk.map_or(0, clk_of);
            let at = context.node.partition(PARTITION).and_then(|partition| partition.now());
            let line = following.head.heartbeat(clk, at.unwrap_or_default());
            self.tell(line);
        }
    }
}

impl OrderFollowing {
    fn told(&mut self, at: UtcMillis) {
        self.clk = Some(at);
        self.last_told = Instant::now();
    }
}

fn clk_of(at: UtcMillis) -> u64 {
    u64::try_from(at.0).unwrap_or_default()
}
