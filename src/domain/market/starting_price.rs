//! The starting price: who waits for it, what it would be, and how it is made.
//!
//! Orders on close wait outside the book and cannot be cancelled by a customer; their limit may only become easier
//! to meet. Only an exclusion takes them back, until the price is made.
//! When the market turns in-play, or an operator says so, what was to be matched on close is taken out of the
//! book, the price is found at which backs and lays are equal (`balance`), and everybody with a better limit
//! is matched in full at that price, the book's own orders too. Those whose limit is the price are matched as
//! far as somebody is left for them: first who had waited for the price, in the order of arrival, then the
//! book's queue. What is left of the others lapses; the book's orders stay.
//!
//! A lay that says its liability is matched for what that buys, rounded down to the penny, and prices are
//! rounded down to millionths, so nobody loses more than was held. What the roundings leave between the two
//! sides is rounding when the market is settled.

use super::Market;
use super::balance::{Balance, Limits, balance};
use super::book::RunnerBook;
use super::closing::Made;
use super::slab::{NONE, Place, Slot};
use crate::act::{ActError, Currency};
use crate::definition::MarketStatus;
use crate::ids::Handle;
use crate::money::Pence;
use crate::order::{
    CancelledOrder, InstructionError, InstructionFault, LapseReason, NewOrder, OrderKind,
    Persistence, ReplaceOrder, Side, TimeInForce,
};
use crate::price::{ExactPrice, LadderIndex, Price, StartingPrice};
use crate::record::{AtClose, ClosedBet, MarketEvent, Reconciled};
use crate::time::UtcMillis;

/// A converting order: where it stands in the book, and what it brings.
type Converted<'a> = (Handle, &'a Slot, Pence);

impl RunnerBook {
    /// What is wanted and offered at the starting price, limit by limit; `with_book`: the resting orders too,
    /// but for those that `converts`.
    fn limits(&self, with_book: bool, converts: &[Converted<'_>]) -> Limits {
        let mut limits = Limits::new();
        if let Some(closing) = &self.closing {
            for (index, money) in closing.queue(Side::Back).limits() {
                limits.entry(index).or_default().back += i128::from(money.0);
            }
            for (index, money) in closing.queue(Side::Lay).limits() {
                limits.entry(index).or_default().liability += i128::from(money.0);
            }
        }
        if with_book {
            for (index, size) in self.ladder(Side::Back).iter(Side::Back) {
                limits.entry(index as u16).or_default().back += i128::from(size.0);
            }
            for (index, size) in self.ladder(Side::Lay).iter(Side::Lay) {
                limits.entry(index as u16).or_default().lay += i128::from(size.0);
            }
        }
        for (_, slot, money) in converts {
            match slot.side {
                Side::Back => {
                    limits.entry(slot.index).or_default().back -= i128::from(slot.remaining.0);
                    limits.entry(0).or_default().back += i128::from(money.0);
                }
                Side::Lay => {
                    limits.entry(slot.index).or_default().lay -= i128::from(slot.remaining.0);
                    let worst = limits.entry(LadderIndex::LAST.0).or_default();
                    worst.liability += i128::from(money.0);
                }
            }
        }
        limits
    }

    /// What the starting price would be now: without the book's orders the far price, with them the near.
    pub(super) fn projected(&self, with_book: bool) -> StartingPrice {
        match balance(&self.limits(with_book, &[])) {
            Ok(found) => StartingPrice::At(found.price()),
            Err(none) => none,
        }
    }
}

impl Market {
    /// The starting prices are made, and no order on close is taken any more.
    pub fn bsp_reconciled(&self) -> bool {
        self.reconciled
    }

    /// Orders on close are taken.
    pub(super) fn awaits_starting_price(&self) -> bool {
        let bsp = self.definition.as_ref().is_some_and(|definition| definition.bsp_market);
        bsp && !self.reconciled && !self.in_play
    }

    pub(super) fn check_on_close(&self, order: &NewOrder) -> Result<(), InstructionError> {
        if !self.awaits_starting_price() {
            return Err(InstructionError::MarketNotOpenForBspBetting);
        }
        match order.price.index() {
            Some(_) => Ok(()),
            None => Err(InstructionError::InvalidOdds),
        }
    }

    // -------------------------------------------------------------------------------------- edit

    /// The edit of an order on close, if that is what the handle names: its successor joins the end of the
    /// queue, and is shown beside the cancel of nothing.
    pub(super) fn edit(
        &self,
        own: u32,
        replace: &ReplaceOrder,
    ) -> Option<Result<(CancelledOrder, NewOrder), InstructionFault>> {
        let slot = self.book.orders.get(replace.handle).filter(|slot| slot.bet == replace.bet)?;
        if slot.place != Place::Closing {
            return None;
        }
        let fault = |error| Some(Err(InstructionFault { bet: replace.bet, error }));
        if slot.account != own {
            return fault(InstructionError::InvalidBetId);
        }
        let easier = match (replace.new_price.index(), slot.side) {
            (None, _) => return fault(InstructionError::InvalidOdds),
            (Some(index), Side::Back) => index.0 < slot.index,
            (Some(index), Side::Lay) => index.0 > slot.index,
        };
        if !easier {
            return fault(InstructionError::InvalidPriceEdit);
        }
        let definition = self.definition.as_ref()?;
        let successor = NewOrder {
            bet: replace.new_bet,
            runner: definition.runners[usize::from(slot.runner)].runner,
            side: slot.side,
            price: replace.new_price,
            size: slot.remaining,
            persistence: slot.persistence,
            time_in_force: TimeInForce::Rest,
            kind: OrderKind::LimitOnClose,
        };
        Some(Ok((CancelledOrder { bet: replace.bet, size: Pence::ZERO }, successor)))
    }

    // --------------------------------------------------------------------------------- reconcile

    pub(super) fn reconcile_act(&self, now: UtcMillis, n: u64) -> Result<MarketEvent, ActError> {
        let definition = self.definition.as_ref().ok_or(ActError::NoSuchMarket)?;
        if !definition.bsp_market {
            return Err(ActError::NoStartingPrice);
        }
        if self.reconciled {
            return Err(ActError::AlreadyReconciled);
        }
        self.expect_status(&[MarketStatus::Open, MarketStatus::Suspended])?;
        Ok(self.reconcile(now, Some(n), MarketStatus::Suspended))
    }

    pub(super) fn reconcile(
        &self,
        now: UtcMillis,
        n: Option<u64>,
        status: MarketStatus,
    ) -> MarketEvent {
        let mut converting: Vec<(Handle, &Slot)> = self
            .book
            .orders
            .iter()
            .filter(|(_, slot)| slot.place == Place::Resting)
            .filter(|(_, slot)| slot.persistence == Persistence::MarketOnClose)
            .collect();
        // Bet ids grow with time, slots do not.
        converting.sort_by_key(|(_, slot)| slot.bet);
        let (mut prices, mut orders) = (Vec::new(), Vec::new());
        for number in 0..self.book.runners.len() {
            let number = number as u16;
            if self.is_removed(number) {
                continue;
            }
            let converts = converting.iter().filter(|(_, slot)| slot.runner == number);
            let price = self.reconcile_runner(number, converts, &mut orders);
            if let Some(definition) = &self.definition {
                prices.push((definition.runners[usize::from(number)].runner, price));
            }
        }
        let version = self.next_version(now);
        MarketEvent::Reconciled(Reconciled { n, status, version, prices, orders, prepared: 0 })
    }

    fn reconcile_runner<'a>(
        &'a self,
        runner: u16,
        converting: impl Iterator<Item = &'a (Handle, &'a Slot)>,
        orders: &mut Vec<AtClose>,
    ) -> StartingPrice {
        let mut converts: Vec<Converted<'_>> = Vec::new();
        for (handle, slot) in converting {
            let money = brought(slot).unwrap_or_default();
            if money.is_zero() {
                let lapsed = slot.remaining;
                let reason = LapseReason::SmallStake;
                orders.push(self.at_close(
                    *handle,
                    slot,
                    ClosedBet { lapsed, reason, ..nothing(slot) },
                ));
            }
            converts.push((*handle, slot, money));
        }
        let book = &self.book.runners[usize::from(runner)];
        let found = balance(&book.limits(true, &converts));
        converts.retain(|(_, _, money)| !money.is_zero());
        match found {
            Err(none) => {
                let waited = self.waited(runner, &converts);
                let gone = |party: Party<'_>| {
                    let (liability, lapsed) = (party.money, party.money);
                    let closed = ClosedBet { liability, lapsed, ..nothing(party.slot) };
                    self.at_close(party.handle, party.slot, closed)
                };
                orders.extend(waited.into_iter().map(gone));
                none
            }
            Ok(found) => {
                self.share_out(runner, &found, &converts, orders);
                StartingPrice::At(found.price())
            }
        }
    }

    /// Who waited for a runner's starting price, or converts to doing so; the backs first.
    fn waited<'a>(&'a self, runner: u16, converts: &[Converted<'a>]) -> Vec<Party<'a>> {
        let mut parties = Vec::new();
        for side in [Side::Back, Side::Lay] {
            let waits = |(handle, slot): (Handle, &'a Slot)| Party {
                handle,
                slot,
                limit: slot.index,
                money: slot.remaining,
                waited: true,
            };
            parties.extend(self.book.closing(runner, side).map(waits));
            let limit = if side == Side::Back { 0 } else { LadderIndex::LAST.0 };
            let own = converts.iter().filter(|(_, slot, _)| slot.side == side);
            parties.extend(own.map(|(handle, slot, money)| Party {
                handle: *handle,
                slot,
                limit,
                money: *money,
                waited: true,
            }));
        }
        parties
    }

    /// The book's orders that a balance may meet, from the best outward.
    fn lenders<'a>(&'a self, runner: u16, found: &Balance) -> Vec<Party<'a>> {
        let mut parties = Vec::new();
        for side in [Side::Back, Side::Lay] {
            let ladder = self.book.ladder(runner, side);
            let met = |index: &u32| found.share(side, *index as u16) != Share::Nothing;
            for index in ladder.iter(side).map(|(index, _)| index).take_while(met) {
                let mut at = ladder.level(index).head;
                while at != NONE {
                    let slot = self.book.orders.at(at);
                    if slot.persistence != Persistence::MarketOnClose {
                        let handle = self.book.orders.handle(at);
                        let (limit, money) = (slot.index, slot.remaining);
                        parties.push(Party { handle, slot, limit, money, waited: false });
                    }
                    at = slot.next;
                }
            }
        }
        parties
    }

    fn share_out<'a>(
        &'a self,
        runner: u16,
        found: &Balance,
        converts: &[Converted<'a>],
        orders: &mut Vec<AtClose>,
    ) {
        let mut parties = self.waited(runner, converts);
        parties.extend(self.lenders(runner, found));
        let sum = |side, share| -> i128 {
            let of = parties.iter().filter(|party| party.slot.side == side);
            of.filter(|party| found.share(side, party.limit) == share)
                .map(|party| party.weight(found))
                .sum()
        };
        let (backs, lays) = (sum(Side::Back, Share::All), sum(Side::Lay, Share::All));
        let more = (sum(Side::Back, Share::Part), sum(Side::Lay, Share::Part));
        let met = (backs + more.0).min(lays + more.1);
        let mut room = (met - backs, met - lays);
        let price = found.price();
        for party in parties {
            let room = if party.slot.side == Side::Back { &mut room.0 } else { &mut room.1 };
            let weight = party.weight(found);
            let taken = match found.share(party.slot.side, party.limit) {
                Share::All => weight,
                Share::Part => weight.min(*room),
                Share::Nothing => 0,
            };
            if found.share(party.slot.side, party.limit) == Share::Part {
                *room -= taken;
            }
            let closed = party.closed(found, price, taken);
            if party.waited || !closed.matched.is_zero() {
                orders.push(self.at_close(party.handle, party.slot, closed));
            }
        }
    }

    fn at_close(&self, handle: Handle, slot: &Slot, closed: ClosedBet) -> AtClose {
        AtClose { account: self.links.account(slot.account), handle, closed }
    }

    // ------------------------------------------------------------------------------------- apply

    pub(super) fn apply_reconciled(&mut self, at: UtcMillis, made: &Reconciled) {
        self.reconciled = true;
        self.book.touched.standing();
        self.status = made.status;
        self.version = made.version;
        self.last_material = made.version;
        for (runner, price) in &made.prices {
            let Some(number) = self.runner(*runner) else { continue };
            self.book.touched.closing(number);
            let closing = self.book.runners[usize::from(number)].closing.get_or_insert_default();
            closing.made = Some(Made {
                price: *price,
                back_stakes: Pence::ZERO,
                lay_liabilities: Pence::ZERO,
                matched: Pence::ZERO,
            });
        }
        let prepared = self.take_prepared(made.prepared);
        for order in prepared.orders.iter().chain(&made.orders) {
            let Some(slot) = self.book.orders.get(order.handle).copied() else { continue };
            let closed = &order.closed;
            // What waited or converted goes; what the book lent goes as far as it was met.
            let stays = closed.liability.is_zero() && closed.lapsed.is_zero();
            let leaves = if stays { closed.matched } else { slot.remaining };
            self.book.reduce(order.handle.slot, leaves);
            let closing = self.book.runners[usize::from(slot.runner)].closing.as_mut();
            if let Some(made) = closing.and_then(|closing| closing.made.as_mut()) {
                made.add(slot.side, closed);
            }
            if !closed.matched.is_zero() {
                self.book.last_match = Some(at);
            }
            self.links.closed(slot.account, *closed);
        }
        self.links.tell_gathered();
        if let Some(n) = made.n {
            self.answer_act_with_status(n);
        }
    }
}

impl Made {
    fn add(&mut self, side: Side, closed: &ClosedBet) {
        let brought = closed.liability - closed.lapsed;
        match side {
            Side::Back => self.matched += closed.matched,
            Side::Lay => {}
        }
        if closed.liability.is_zero() {
            return;
        }
        match side {
            Side::Back => self.back_stakes += brought,
            Side::Lay => self.lay_liabilities += brought,
        }
    }
}

/// One who may be matched at the starting price.
struct Party<'a> {
    handle: Handle,
    slot: &'a Slot,
    limit: u16,
    /// A stake, or the liability of a lay that waited.
    money: Pence,
    /// For the starting price; the others stand in the book.
    waited: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    All,
    /// As far as there is somebody left.
    Part,
    Nothing,
}

impl Balance {
    fn share(&self, side: Side, limit: u16) -> Share {
        let all = match side {
            Side::Back => limit < self.backs_below,
            Side::Lay => limit >= self.lays_from,
        };
        match all {
            true => Share::All,
            false if self.marginal == Some(limit) => Share::Part,
            false => Share::Nothing,
        }
    }
}

impl Party<'_> {
    fn says_liability(&self) -> bool {
        self.waited && self.slot.side == Side::Lay
    }

    /// The stake times the balance's numerator, which makes it whole for both ways of saying it.
    fn weight(&self, found: &Balance) -> i128 {
        let (above, below) = found.over_one;
        i128::from(self.money.0) * if self.says_liability() { below } else { above }
    }

    /// What comes of it when so much of its weight is taken.
    fn closed(&self, found: &Balance, price: ExactPrice, taken: i128) -> ClosedBet {
        let (above, below) = found.over_one;
        let whole = |part: i128| {
            Pence(i64::try_from(part).expect("a liability is at least a hundredth of its stake"))
        };
        let matched = whole(taken / above);
        let used = match (matched.is_zero(), self.says_liability()) {
            (true, _) => Pence::ZERO,
            (false, true) => whole((taken + below - 1) / below),
            (false, false) => matched,
        };
        let value = i64::try_from(price.times(matched));
        ClosedBet {
            liability: if self.waited { self.money } else { Pence::ZERO },
            matched,
            value: value.expect("a stake at the lowest price is a hundred liabilities"),
            lapsed: if self.waited { self.money - used } else { Pence::ZERO },
            ..nothing(self.slot)
        }
    }
}

fn nothing(slot: &Slot) -> ClosedBet {
    ClosedBet {
        bet: slot.bet,
        liability: Pence::ZERO,
        matched: Pence::ZERO,
        value: 0,
        lapsed: Pence::ZERO,
        reason: LapseReason::StartingPrice,
    }
}

/// What an order of the book brings when it converts: a back its stake, a lay its liability, if that is not
/// less than the smallest allowed.
fn brought(slot: &Slot) -> Option<Pence> {
    match slot.side {
        Side::Back => Some(slot.remaining),
        Side::Lay => {
            let exact = LadderIndex(slot.index).price().profit(slot.remaining) / 100;
            let liability = i64::try_from(exact).ok().map(Pence)?;
            (liability >= Currency::Gbp.minimums().liability).then_some(liability)
        }
    }
}

/// A market-on-close order's limit: any price will do.
pub fn any_price(side: Side) -> Price {
    match side {
        Side::Back => Price::MIN,
        Side::Lay => Price::MAX,
    }
}
