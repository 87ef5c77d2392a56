//! Orders that wait in play, and commands that their account gave up.
//!
//! An order that waits has its slot, and so its handle, from the beginning: it can be cancelled, in part
//! too, and its persistence changed. When its time has come what is left of it is held to the market again
//! and matched. Parts that went while it waited were told then; the answer speaks of what was left, so an
//! order that went wholly is answered with nothing matched and nothing resting.

use super::Market;
use super::outcomes::{newcomer, zip_replaced};
use crate::definition::MarketStatus;
use crate::ids::{AccountId, BetId, Handle};
use crate::link::Arrival;
use crate::money::Pence;
use crate::order::{
    Answer, Conditions, ExecutionError, LapseReason, NewOrder, OrderKind, Persistence, Refusal,
    TimeInForce,
};
use crate::record::{CommandRef, Delayed, Lapsed, MarketEvent, Notice, Taken};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

/// One command whose orders wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) until: UtcMillis,
    command: CommandRef,
    orders: Vec<(NewOrder, Handle)>,
    what: Delayed,
}

impl Waiting {
    pub(super) fn handle(&self, position: usize) -> Option<Handle> {
        self.orders.get(position).map(|(_, handle)| *handle)
    }
}

impl Market {
    /// New orders wait before they are matched.
    pub(super) fn waits(&self) -> bool {
        self.in_play && self.bet_delay_s > 0
    }

    /// Of a PASSIVE market: orders that would only stand in the book need not wait. A command is answered once,
    /// so it passes as a whole or waits as a whole.
    pub(super) fn passes(&self, own: u32, orders: &[NewOrder], conditions: &Conditions) -> bool {
        let passive = self.definition.as_ref().is_some_and(|it| it.is_passive());
        // Between runners orders of one command may meet each other, which the book as it is does not show.
        let alone = orders.len() <= 1 || self.house.is_none();
        let plain = |order: &NewOrder| {
            order.kind == OrderKind::Limit
                && order.time_in_force == TimeInForce::Rest
                && order.persistence == Persistence::Lapse
        };
        let meets_nobody = |order: &NewOrder| {
            self.spot(order).is_ok_and(|spot| {
                let rests = self.book.orders.next_handle();
                let taken = self.take(own, order, spot, conditions, rests);
                taken.fills.is_empty() && taken.crossed.is_none() && taken.gone.is_none()
            })
        };
        passive && alone && orders.iter().all(|order| plain(order) && meets_nobody(order))
    }

    pub(super) fn delay(
        &mut self,
        now: UtcMillis,
        own: u32,
        command: &CommandRef,
        orders: &[NewOrder],
        what: Delayed,
    ) -> MarketEvent {
        let until = now.plus_ms(i64::from(self.bet_delay_s) * 1_000);
        let mut waiting = Vec::with_capacity(orders.len());
        for order in orders {
            let handle = self.book.orders.next_handle();
            self.wait_in_slot(own, command.n, order, handle);
            waiting.push((*order, handle));
        }
        self.wait(own, command, until, &waiting, &what);
        MarketEvent::Delayed { command: *command, until, orders: waiting, waiting: what }
    }

    pub(super) fn apply_delayed(
        &mut self,
        command: &CommandRef,
        until: UtcMillis,
        orders: &[(NewOrder, Handle)],
        what: &Delayed,
    ) {
        let own = self.links.number_or_new(command.account);
        self.begin(own, command);
        match what {
            Delayed::Place(_) => self.placed += orders.iter().map(|(order, _)| order.size).sum(),
            Delayed::Replace(_, cancelled) => {
                cancelled.iter().for_each(|cancelled| self.apply_cancel(cancelled));
            }
        }
        for (order, handle) in orders {
            self.wait_in_slot(own, command.n, order, *handle);
        }
        self.wait(own, command, until, orders, what);
    }

    fn wait_in_slot(&mut self, own: u32, n: u64, order: &NewOrder, handle: Handle) {
        if let Ok(spot) = self.spot(order) {
            self.book.wait(handle, newcomer(own, n, order, spot, order.size));
        }
    }

    fn wait(
        &mut self,
        own: u32,
        command: &CommandRef,
        until: UtcMillis,
        orders: &[(NewOrder, Handle)],
        what: &Delayed,
    ) {
        let at = self.waiting.partition_point(|waiting| waiting.until <= until);
        let (command, orders, what) = (*command, orders.to_vec(), what.clone());
        let bets = orders.iter().map(|(order, handle)| (order.bet, *handle)).collect();
        self.waiting.insert(at, Waiting { until, command, orders, what });
        self.links.tell(own, Notice::Waiting { n: command.n, orders: bets });
    }

    pub(super) fn take_waiting(&mut self, command: &CommandRef) -> Option<Waiting> {
        let same = |waiting: &Waiting| {
            waiting.command.account == command.account && waiting.command.n == command.n
        };
        let at = self.waiting.iter().position(same)?;
        self.waiting.remove(at)
    }

    /// The time in force of an order in the book: only one that waits may be fill or kill.
    pub(super) fn time_in_force(&self, handle: Handle) -> TimeInForce {
        let mut waiting = self.waiting.iter().flat_map(|waiting| &waiting.orders);
        let found = waiting.find(|(_, waits)| *waits == handle);
        found.map_or(TimeInForce::Rest, |(order, _)| order.time_in_force)
    }

    /// The first of those that wait has waited long enough.
    pub(super) fn release(&mut self, now: UtcMillis) -> MarketEvent {
        let waiting = self.waiting.front().expect("called when somebody waits");
        let command = waiting.command;
        let own = self.links.number_or_new(command.account);
        let waiting = self.begin(own, &command);
        let Waiting { orders, what, .. } = waiting.expect("it was in the queue just now");
        let conditions = match &what {
            Delayed::Place(conditions) | Delayed::Replace(conditions, _) => *conditions,
        };
        let mut taken = Vec::with_capacity(orders.len());
        for (order, handle) in orders {
            taken.push(self.release_one(now, own, command.n, order, handle, &conditions));
        }
        match what {
            Delayed::Place(_) => {
                self.answer_placed(own, command.n, &taken);
                MarketEvent::Placed { command, orders: taken.into() }
            }
            Delayed::Replace(_, cancelled) => {
                let orders = zip_replaced(cancelled, taken.into_iter().map(Ok));
                self.answer_replaced(own, command.n, &orders);
                MarketEvent::Replaced { command, orders }
            }
        }
    }

    fn release_one(
        &mut self,
        now: UtcMillis,
        own: u32,
        n: u64,
        mut order: NewOrder,
        handle: Handle,
        conditions: &Conditions,
    ) -> Taken {
        let none = |order, gone| Taken { order, fills: vec![], rests: None, gone, crossed: None };
        let taken = match self.book.orders.get(handle) {
            None => {
                order.size = Pence::ZERO;
                none(order, None)
            }
            Some(slot) => {
                if slot.remaining < order.size {
                    // What was cut is no longer on its way to a target: its stake is what is left.
                    order.kind = OrderKind::Limit;
                }
                order.size = slot.remaining;
                order.persistence = slot.persistence;
                match self.overtaken(conditions) {
                    Some(reason) => none(order, Some(reason)),
                    None => self.take(own, &order, slot.spot(), conditions, handle),
                }
            }
        };
        self.apply_taken(now, own, n, &taken, None, Some(handle));
        taken
    }

    /// Why nothing that waited under these conditions may be matched now.
    fn overtaken(&self, conditions: &Conditions) -> Option<LapseReason> {
        if self.status != MarketStatus::Open {
            return Some(LapseReason::MarketSuspended);
        }
        let overtaken = conditions.market_version.is_some_and(|seen| seen < self.last_material);
        overtaken.then_some(LapseReason::MarketVersion)
    }

    // ---------------------------------------------------------------------------------- withdraw

    /// The account gives command `n` up. Never seen, its number is taken as refused for good; seen, what
    /// waits or rests of it goes. `Repeat`: it was seen; resend the open notices.
    pub fn withdraw(
        &mut self,
        now: UtcMillis,
        account: AccountId,
        n: u64,
        records: &mut Vec<MarketEvent>,
    ) -> Arrival {
        self.due(now, records);
        let arrival = self.links.arrival(self.links.number(account), n);
        let lapsed = match arrival {
            Arrival::Gap { .. } => return arrival,
            Arrival::Next => vec![],
            Arrival::Repeat => self.left_of(account, n),
        };
        if arrival == Arrival::Next || !lapsed.is_empty() {
            let command = CommandRef { account, n, acknowledged: 0 };
            self.apply_withdrawn(&command, &lapsed);
            records.push(MarketEvent::Withdrawn { command, lapsed });
        }
        arrival
    }

    /// What waits or rests of a command: a walk over all orders, for what is asked once in a blue moon.
    fn left_of(&self, account: AccountId, n: u64) -> Vec<Lapsed> {
        let own = self.links.number(account);
        let lines = self.book.orders.iter();
        let lines = lines.filter(|(_, slot)| Some(slot.account) == own && slot.n == n);
        lines
            .map(|(handle, slot)| Lapsed {
                account,
                bet: slot.bet,
                handle,
                size: slot.remaining,
                reason: LapseReason::Withdrawn,
            })
            .collect()
    }

    pub(super) fn apply_withdrawn(&mut self, command: &CommandRef, lapsed: &[Lapsed]) {
        let own = self.links.number_or_new(command.account);
        if self.links.take(own, command.n) {
            let refusal = Refusal { error: ExecutionError::Timeout, instructions: vec![] };
            self.answer(own, command.n, Answer::Refused(refusal));
        }
        self.apply_lapsed(lapsed);
    }

    /// Orders leave by themselves, and their accounts hear of it.
    pub(super) fn apply_lapsed(&mut self, lapsed: &[Lapsed]) {
        for line in lapsed {
            let Some(slot) = self.book.orders.get(line.handle) else { continue };
            let (account, bet): (u32, BetId) = (slot.account, slot.bet);
            self.book.reduce(line.handle.slot, line.size);
            self.links.lapsed(account, bet, line.size, line.reason);
        }
        self.links.tell_gathered();
    }
}
