//! What doors show of a market. Reads and never changes.
//!
//! Sizes of the ladders are backers' stakes; traded volumes count both sides, as the exchange's public data
//! does: twice the backers' stakes.

use super::book::RunnerBook;
use super::closing::Made;
use super::slab::{NONE, Place, Slot};
use super::{Market, cross_match};
use crate::definition::{MarketDefinition, MarketStatus};
use crate::ids::{AccountId, BetId, Handle, Runner};
use crate::ladder::Ladder;
use crate::money::Pence;
use crate::order::{Persistence, Side};
use crate::price::{ExactPrice, LadderIndex, Price, StartingPrice};
use crate::record::Resolution;
use crate::time::UtcMillis;

/// One runner's prices.
#[derive(Clone, Copy)]
pub struct RunnerView<'a> {
    pub runner: Runner,
    /// Its chance in hundredths of a percent, where one is given.
    pub adjustment_factor: Option<u32>,
    /// When it was removed.
    pub removed_at: Option<UtcMillis>,
    book: &'a RunnerBook,
    prices: Ladder,
}

impl<'a> RunnerView<'a> {
    /// What can be backed: resting lays, highest price first.
    pub fn available_to_back(&self) -> impl Iterator<Item = (Price, Pence)> + use<'a> {
        priced(self.book, self.prices, Side::Lay)
    }

    /// What can be laid: resting backs, lowest price first.
    pub fn available_to_lay(&self) -> impl Iterator<Item = (Price, Pence)> + use<'a> {
        priced(self.book, self.prices, Side::Back)
    }

    /// Volume by price, lowest first.
    pub fn traded(&self) -> impl Iterator<Item = (Price, Pence)> + use<'a> {
        let prices = self.prices;
        let traded = self.book.traded.iter().filter(|(_, size)| !size.is_zero());
        traded.map(move |(index, size)| (prices.price(index), both_sides(size)))
    }

    pub fn last_price_traded(&self) -> Option<Price> {
        self.book.last_price.map(|index| self.prices.price(index))
    }

    pub fn total_matched(&self) -> Pence {
        let made = self.made().map_or(Pence::ZERO, |made| made.matched);
        both_sides(self.book.matched + made)
    }

    fn made(&self) -> Option<&'a Made> {
        self.book.closing.as_deref()?.made.as_ref()
    }

    /// What the starting price would be now of the orders that wait for it alone.
    pub fn far_price(&self) -> StartingPrice {
        self.book.projected(false)
    }

    /// The same with the book's orders.
    pub fn near_price(&self) -> StartingPrice {
        self.book.projected(true)
    }

    /// The starting price, once it is made.
    pub fn actual_price(&self) -> Option<StartingPrice> {
        self.made().map(|made| made.price)
    }

    /// Stakes of the backs that wait for the starting price, by the lowest price that each takes (1.01 when
    /// any); once it is made, what was matched at it.
    pub fn back_stakes_taken(&self) -> Vec<(ExactPrice, Pence)> {
        self.taken(Side::Back, |made| made.back_stakes)
    }

    /// Liabilities of the lays that wait, by the highest price that each takes (1000 when any); once it is
    /// made, what was matched at it.
    pub fn lay_liabilities_taken(&self) -> Vec<(ExactPrice, Pence)> {
        self.taken(Side::Lay, |made| made.lay_liabilities)
    }

    fn taken(&self, side: Side, matched: impl Fn(&Made) -> Pence) -> Vec<(ExactPrice, Pence)> {
        let Some(closing) = self.book.closing.as_deref() else { return Vec::new() };
        match &closing.made {
            Some(made) => match (made.price, matched(made)) {
                (StartingPrice::At(price), money) if !money.is_zero() => vec![(price, money)],
                _ => Vec::new(),
            },
            None => {
                let limits = closing.queue(side).limits();
                limits.map(|(index, money)| (LadderIndex(index).price().into(), money)).collect()
            }
        }
    }
}

fn priced(
    book: &RunnerBook,
    prices: Ladder,
    side: Side,
) -> impl Iterator<Item = (Price, Pence)> + use<'_> {
    book.ladder(side).iter(side).map(move |(index, size)| (prices.price(index), size))
}

pub(super) fn both_sides(backed: Pence) -> Pence {
    backed + backed
}

/// One unmatched order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderView {
    pub handle: Handle,
    pub bet: BetId,
    pub account: AccountId,
    pub runner: Runner,
    pub side: Side,
    pub price: Price,
    pub remaining: Pence,
    pub persistence: Persistence,
    /// For the bet delay: in no ladder yet.
    pub waiting: bool,
    /// For the starting price: in no ladder, and `remaining` is what may be lost.
    pub closing: bool,
}

impl Market {
    /// `None` before the market is created.
    pub fn definition(&self) -> Option<&MarketDefinition> {
        self.definition.as_deref()
    }

    pub fn status(&self) -> MarketStatus {
        self.status
    }

    pub fn in_play(&self) -> bool {
        self.in_play
    }

    /// Zero before the market is in play.
    pub fn bet_delay_s(&self) -> u16 {
        self.bet_delay_s
    }

    /// Why it is suspended, where somebody said so.
    pub fn suspend_reason(&self) -> Option<&str> {
        self.suspend_reason.as_deref()
    }

    /// The runners of the line that a market of handicaps is now about.
    pub fn key_line(&self) -> &[Runner] {
        &self.key_line
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn last_material_version(&self) -> u64 {
        self.last_material
    }

    /// How the market stands settled.
    pub fn resolution(&self) -> Option<&Resolution> {
        self.resolution.as_ref()
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// A settlement, void or reversal is being paid.
    pub fn settling(&self) -> bool {
        self.telling.is_some()
    }

    pub fn total_matched(&self) -> Pence {
        let closing = self.book.runners.iter().filter_map(|runner| runner.closing.as_ref());
        let made = closing.filter_map(|closing| closing.made.as_ref());
        both_sides(self.book.matched + made.map(|made| made.matched).sum())
    }

    pub fn last_match(&self) -> Option<UtcMillis> {
        self.book.last_match
    }

    /// Unmatched orders, resting or waiting.
    pub fn order_count(&self) -> usize {
        self.book.orders.len()
    }

    /// Accounts that ever spoke to the market.
    pub fn account_count(&self) -> usize {
        self.links.len()
    }

    /// In the order of the definition.
    pub fn runners(&self) -> impl Iterator<Item = RunnerView<'_>> {
        let runners = self.definition().into_iter().flat_map(|definition| &definition.runners);
        (0_u16..).zip(runners).map(|(number, runner)| self.view_of(number, runner.runner))
    }

    /// Whether bets on a runner may be met by bets on all others: one must win, and only one.
    pub fn is_cross_matched(&self) -> bool {
        self.definition().is_some_and(|definition| definition.cross_matching)
    }

    /// What a taker is offered on a runner, best first and at most `count` prices: what others wait at, and
    /// with it, where the market is cross matched, what can be made of all other runners. Nothing for who
    /// does not run here.
    pub fn offers(&self, runner: Runner, taker: Side, count: usize) -> Vec<(Price, Pence)> {
        let Some(own) = self.runner(runner).map(usize::from) else { return Vec::new() };
        let prices = self.book.prices;
        let real = priced(&self.book.runners[own], prices, taker.opposite());
        if !self.is_cross_matched() {
            return real.take(count).collect();
        }
        let books = self.book.runners.iter().enumerate();
        let others =
            books.filter(|(at, _)| *at != own).map(|(_, book)| priced(book, prices, taker));
        cross_match::displayed(taker, real, others.collect(), count)
    }

    pub fn runner_view(&self, runner: Runner) -> Option<RunnerView<'_>> {
        Some(self.view_of(self.runner(runner)?, runner))
    }

    pub(super) fn view_of(&self, number: u16, runner: Runner) -> RunnerView<'_> {
        let number = usize::from(number);
        let removed = self.removed.iter().find(|removed| removed.reduction.runner == runner);
        RunnerView {
            runner,
            adjustment_factor: self.factors[number],
            removed_at: removed.map(|removed| removed.at),
            book: &self.book.runners[number],
            prices: self.book.prices,
        }
    }

    pub fn order(&self, handle: Handle) -> Option<OrderView> {
        self.book.orders.get(handle).map(|slot| self.order_view(handle, slot))
    }

    /// What is to be matched before a resting order at its own price; `None` when it does not rest, or
    /// when more than `steps` orders are ahead of it. Takes what it looked at off `steps`.
    pub fn size_ahead(&self, handle: Handle, steps: &mut u32) -> Option<Pence> {
        let orders = &self.book.orders;
        let slot = orders.get(handle).filter(|slot| slot.place == Place::Resting)?;
        let (mut ahead, mut at) = (Pence::ZERO, slot.previous);
        while at != NONE {
            *steps = steps.checked_sub(1)?;
            let other = orders.at(at);
            ahead += other.remaining;
            at = other.previous;
        }
        Some(ahead)
    }

    /// Every unmatched order, by slot.
    pub fn orders(&self) -> impl Iterator<Item = OrderView> {
        self.book.orders.iter().map(|(handle, slot)| self.order_view(handle, slot))
    }

    fn order_view(&self, handle: Handle, slot: &Slot) -> OrderView {
        let definition = self.definition.as_ref().expect("only a market that exists has orders");
        OrderView {
            handle,
            bet: slot.bet,
            account: self.links.account(slot.account),
            runner: definition.runners[usize::from(slot.runner)].runner,
            side: slot.side,
            price: self.book.prices.price(slot.level()),
            remaining: slot.remaining,
            persistence: slot.persistence,
            waiting: slot.place == Place::Waiting,
            closing: slot.place == Place::Closing,
        }
    }
}
