//! Faults planted at the seams between the real accounts and markets: each must be caught.
//!
//! The code under test is never changed; the world around it lies. A world without a mutation is honest.

use super::law::Law;
use super::world::World;
use domain::act::Act;
use domain::ids::EntityId;
use domain::money::Pence;
use domain::order::{CancelOrder, OrderCommand, Side};
use domain::price::{LadderIndex, Price};
use domain::record::{
    AccountEvent, AtClose, Crossed, Event, MarketEvent, Notice, Resolution, Taken,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutation {
    AcknowledgementDropped,
    RepeatUnderANewNumber,
    ReleasedBeforeSync,
    HoldNotJournaled,
    RoundingLost,
    NoticeAppliedTwice,
    ReplayedWithoutARecord,
    StaleCancelLetThrough,
    PriceOfANoticeChanged,
    GenerationSkipped,
    BetCountNotRestored,
    AnswerOfAnEarlierLife,
    HandOverTorn,
    DepositActRenumbered,
    RemovalUnheard,
    ReductionForgotten,
    ReducedLayKept,
    StartingPriceUnheard,
    LeftOutAtTheClose,
    VirtualPriceTooGood,
    LegLeftUnmatched,
    HouseRoundedUp,
}

impl Mutation {
    /// Every mutant with the laws that catch it.
    pub(super) const ALL: [(Mutation, &'static [Law]); 22] = [
        (Mutation::AcknowledgementDropped, &[Law::Quiet]),
        (Mutation::RepeatUnderANewNumber, &[Law::OneEffect]),
        (Mutation::ReleasedBeforeSync, &[Law::Released]),
        (Mutation::HoldNotJournaled, &[Law::Replay]),
        (Mutation::RoundingLost, &[Law::Settlement]),
        (Mutation::NoticeAppliedTwice, &[Law::Book]),
        (Mutation::ReplayedWithoutARecord, &[Law::Replay]),
        (Mutation::StaleCancelLetThrough, &[Law::Naive]),
        (Mutation::PriceOfANoticeChanged, &[Law::Book]),
        (Mutation::GenerationSkipped, &[Law::Settlement, Law::Exposure]),
        (Mutation::BetCountNotRestored, &[Law::OneEffect]),
        (Mutation::AnswerOfAnEarlierLife, &[Law::OneEffect]),
        (Mutation::HandOverTorn, &[Law::Quiet]),
        (Mutation::DepositActRenumbered, &[Law::OneEffect]),
        (Mutation::RemovalUnheard, &[Law::Exposure, Law::Naive]),
        (Mutation::ReductionForgotten, &[Law::Exposure, Law::Naive]),
        (Mutation::ReducedLayKept, &[Law::Exposure]),
        (Mutation::StartingPriceUnheard, &[Law::Exposure, Law::Naive]),
        (Mutation::LeftOutAtTheClose, &[Law::Naive]),
        (Mutation::VirtualPriceTooGood, &[Law::House, Law::Naive]),
        (Mutation::LegLeftUnmatched, &[Law::House]),
        (Mutation::HouseRoundedUp, &[Law::Settlement]),
    ];
}

impl World {
    pub(super) fn lies(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// What is journaled in place of what was decided.
    pub(super) fn bend_event(&self, event: &mut Event) {
        match event {
            Event::Account(AccountEvent::Ordered(ordered))
                if self.lies(Mutation::HoldNotJournaled) =>
            {
                ordered.exposure = Pence::ZERO;
            }
            Event::Market(MarketEvent::ResolutionClosed { rounding, .. })
                if self.lies(Mutation::RoundingLost) =>
            {
                *rounding = Pence::ZERO;
            }
            Event::Market(MarketEvent::ResolutionClosed { rounding, crossed, .. })
                if self.lies(Mutation::HouseRoundedUp) && *crossed > Pence::ZERO =>
            {
                (*rounding, *crossed) = (*rounding - Pence(1), *crossed + Pence(1));
            }
            Event::Market(MarketEvent::Placed { orders, .. }) => {
                orders.iter_mut().for_each(|taken| self.bend_crossed(taken));
            }
            Event::Market(MarketEvent::Reconciled(made))
                if self.lies(Mutation::LeftOutAtTheClose) =>
            {
                let met = |order: &&mut AtClose| !order.closed.matched.is_zero();
                if let Some(AtClose { closed, .. }) = made.orders.iter_mut().find(met) {
                    (closed.matched, closed.value, closed.lapsed) =
                        (Pence::ZERO, 0, closed.liability);
                }
            }
            _ => {}
        }
    }

    /// What is journaled of virtual bets.
    fn bend_crossed(&self, taken: &mut Taken) {
        let side = taken.order.side;
        for Crossed { price, fills, .. } in taken.crossed.iter_mut().flat_map(|all| &mut all.0) {
            if self.lies(Mutation::LegLeftUnmatched) {
                fills.pop();
            }
            if self.lies(Mutation::VirtualPriceTooGood) {
                let index = price.index().expect("matched on the ladder").0;
                *price = match side {
                    Side::Back => LadderIndex((index + 1).min(LadderIndex::LAST.0)).price(),
                    Side::Lay => LadderIndex(index.saturating_sub(1)).price(),
                };
            }
        }
    }

    /// What an account hears in place of what it was told.
    pub(super) fn bend_notice(&self, notice: &mut Notice) {
        match notice {
            Notice::Filled(fills) if self.lies(Mutation::PriceOfANoticeChanged) => {
                let (_, matched) = &mut fills[0];
                let index = matched.price.index().expect("matched on the ladder");
                matched.price = if index < LadderIndex::LAST {
                    LadderIndex(index.0 + 1).price()
                } else {
                    Price::MIN
                };
            }
            Notice::Resolved { resolution: Resolution::Unsettled, .. }
                if self.lies(Mutation::GenerationSkipped) =>
            {
                *notice = Notice::Lapsed(vec![]);
            }
            Notice::RunnerRemoved(_) if self.lies(Mutation::RemovalUnheard) => {
                *notice = Notice::Lapsed(vec![]);
            }
            Notice::RunnerRemoved(reduction) if self.lies(Mutation::ReductionForgotten) => {
                reduction.factor = 0;
            }
            Notice::Closed(_) if self.lies(Mutation::StartingPriceUnheard) => {
                *notice = Notice::Lapsed(vec![]);
            }
            Notice::Adjusted(_) if self.lies(Mutation::ReducedLayKept) => {
                *notice = Notice::Lapsed(vec![]);
            }
            _ => {}
        }
    }

    /// A cancel whose order has gone takes another one of the same account with it.
    pub(super) fn bend_command(&self, from: EntityId, to: EntityId, command: &mut OrderCommand) {
        let (EntityId::Account(account), EntityId::Market(market)) = (from, to) else { return };
        let OrderCommand::Cancel { orders, .. } = command else { return };
        if !self.lies(Mutation::StaleCancelLetThrough) {
            return;
        }
        let market = &self.markets[&market].state;
        let stale = |order: &CancelOrder| {
            market.order(order.handle).is_none_or(|view| view.bet != order.bet)
        };
        for order in orders.iter_mut().filter(|order| stale(order)) {
            if let Some(other) = market.orders().find(|other| other.account == account) {
                (order.bet, order.handle) = (other.bet, other.handle);
            }
        }
    }

    /// A deposit that was taken and is repeated gets a number of its own.
    pub(super) fn bend_repeated_act(&self, target: EntityId, n: u64, act: &Act) -> u64 {
        match act {
            Act::Account(domain::act::AccountAct::Deposit { .. })
                if self.lies(Mutation::DepositActRenumbered)
                    && self.oracle.has_acted(target, n) =>
            {
                n + 1
            }
            _ => n,
        }
    }
}
