//! One market as a list of orders and a list of matches.
//!
//! Whoever came first stands first; to match, the list is searched and sorted anew; fill or kill goes penny
//! by penny. Every record of the real market is worked out from its command and compared.

use super::money::NaivePayment;
use crate::sim::law::{Check, hold};
use domain::act::MarketAct;
use domain::definition::{MarketDefinition, MarketStatus};
use domain::ids::{AccountId, BetId, Handle, Runner};
use domain::market::Market;
use domain::money::Pence;
use domain::order::{
    CancelledOrder, Conditions, ExecutionError, InstructionFault, LapseReason, NewOrder,
    OrderCommand, Persistence, Refusal, Side, TimeInForce,
};
use domain::price::Price;
use domain::record::{
    CommandRef, Delayed, Lapsed, MarketEvent, Replaced, Resolution, StatusChanged, Taken,
};
use domain::time::UtcMillis;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub(super) struct NaiveOrder {
    pub(super) account: AccountId,
    n: u64,
    pub(super) order: NewOrder,
    pub(super) remaining: i64,
    waiting: bool,
}

/// One match: a backer's bet, a layer's bet.
#[derive(Debug, Clone, Copy)]
pub(super) struct NaiveMatch {
    pub(super) runner: Runner,
    pub(super) price: Price,
    pub(super) size: i64,
    /// Backer's, layer's.
    pub(super) bets: [(AccountId, BetId); 2],
}

#[derive(Debug, Clone)]
struct Wait {
    account: AccountId,
    n: u64,
    until: UtcMillis,
    bets: Vec<NewOrder>,
    cancelled: Option<Vec<CancelLine>>,
}

type CancelLine = Result<(CancelledOrder, Handle), InstructionFault>;

#[derive(Debug, Default)]
pub(in crate::sim) struct NaiveMarket {
    pub(super) definition: Option<Box<MarketDefinition>>,
    pub(super) status: MarketStatus,
    in_play: bool,
    delay_s: u16,
    version: u64,
    material: u64,
    /// The first comes first.
    pub(super) orders: Vec<NaiveOrder>,
    pub(super) matches: Vec<NaiveMatch>,
    waits: Vec<Wait>,
    pub(super) resolution: Option<Resolution>,
    pub(super) generation: u32,
    /// What each generation pays.
    pub(super) payments: BTreeMap<(u32, AccountId), NaivePayment>,
    pub(super) settled_by: u32,
    pub(super) paid: i64,
}

/// What should come of an order: fills of resting bets, whether the rest rests, why it does not.
#[derive(Debug, PartialEq)]
struct Expected {
    fills: Vec<(AccountId, BetId, Price, i64)>,
    rests: bool,
    gone: Option<LapseReason>,
}

impl NaiveMarket {
    pub(super) fn create(
        &mut self,
        definition: &MarketDefinition,
        status: MarketStatus,
        at: UtcMillis,
    ) {
        self.definition = Some(Box::new(definition.clone()));
        self.status = status;
        self.version = at.0 as u64;
        self.material = self.version;
    }

    fn find(&self, account: AccountId, bet: BetId) -> Option<usize> {
        self.orders.iter().position(|other| other.order.bet == bet && other.account == account)
    }

    pub(super) fn knows(&self, bet: BetId) -> bool {
        self.orders.iter().any(|other| other.order.bet == bet)
            || self.matches.iter().any(|m| m.bets.iter().any(|(_, other)| *other == bet))
    }

    pub(super) fn matched_at(&self, bet: BetId, price: Price) -> i64 {
        let of_bet =
            |m: &&NaiveMatch| m.price == price && m.bets.iter().any(|(_, other)| *other == bet);
        // A bet that met one of its own account's is there once: its other half is another bet.
        self.matches.iter().filter(of_bet).map(|m| m.size).sum()
    }

    // -------------------------------------------------------------------------------------- match

    /// Whom an order could meet, best price first, then the first to come.
    fn opposite(&self, order: &NewOrder) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.orders.len())
            .filter(|at| {
                let other = &self.orders[*at];
                !other.waiting
                    && other.order.runner == order.runner
                    && other.order.side != order.side
            })
            .collect();
        found.sort_by_key(|at| {
            let price = i64::from(self.orders[*at].order.price.0);
            if order.side == Side::Back { -price } else { price }
        });
        found
    }

    fn meets(order: &NewOrder, price: Price) -> bool {
        match order.side {
            Side::Back => price >= order.price,
            Side::Lay => price <= order.price,
        }
    }

    fn fills(&self, order: &NewOrder) -> Vec<(usize, i64)> {
        let (mut fills, mut pence, mut priced) = (Vec::new(), 0, 0);
        for at in self.opposite(order) {
            let other = &self.orders[at];
            let price = other.order.price;
            let mut size = 0;
            while size < other.remaining && pence < order.size.0 {
                let fits = if order.time_in_force == TimeInForce::Rest {
                    Self::meets(order, price)
                } else {
                    let sum = priced + i64::from(price.0);
                    let limit = (pence + 1) * i64::from(order.price.0);
                    if order.side == Side::Back { sum >= limit } else { sum <= limit }
                };
                if !fits {
                    break;
                }
                (size, pence, priced) = (size + 1, pence + 1, priced + i64::from(price.0));
            }
            if size > 0 {
                fills.push((at, size));
            }
        }
        fills
    }

    fn expect(&self, account: AccountId, order: &NewOrder, conditions: &Conditions) -> Expected {
        let gone = |reason| Expected { fills: vec![], rests: false, gone: Some(reason) };
        let best = self.opposite(order).first().map(|at| self.orders[*at].order.price);
        let better = best.is_some_and(|best| best != order.price && Self::meets(order, best));
        if better && !conditions.best_execution {
            return gone(LapseReason::PriceImprovementTooLarge);
        }
        let fills = self.fills(order);
        if !conditions.self_match && fills.iter().any(|(at, _)| self.orders[*at].account == account)
        {
            return gone(LapseReason::SelfMatch);
        }
        let left = order.size.0 - fills.iter().map(|(_, size)| size).sum::<i64>();
        let named = |(at, size): (usize, i64)| {
            let other = &self.orders[at];
            (other.account, other.order.bet, other.order.price, size)
        };
        match order.time_in_force {
            TimeInForce::FillOrKill { min_fill }
                if order.size.0 - left < min_fill.unwrap_or(order.size).0 =>
            {
                gone(LapseReason::Killed)
            }
            TimeInForce::FillOrKill { .. } => Expected {
                fills: fills.into_iter().map(named).collect(),
                rests: false,
                gone: (left > 0).then_some(LapseReason::Killed),
            },
            TimeInForce::Rest => Expected {
                fills: fills.into_iter().map(named).collect(),
                rests: left > 0,
                gone: None,
            },
        }
    }

    /// One order of a command, compared and carried out; `waited`: it stands in the list already.
    fn take(
        &mut self,
        command: &CommandRef,
        mut order: NewOrder,
        conditions: &Conditions,
        waited: bool,
        taken: &Taken,
    ) -> Check {
        let account = command.account;
        let mut expected = None;
        if waited {
            match self.find(account, order.bet) {
                None => {
                    order.size = Pence::ZERO;
                    expected = Some(Expected { fills: vec![], rests: false, gone: None });
                }
                Some(at) => {
                    let stood = self.orders.remove(at);
                    order.size = Pence(stood.remaining);
                    order.persistence = stood.order.persistence;
                    let overtaken = conditions.market_version.is_some_and(|v| v < self.material);
                    let gone = match self.status {
                        MarketStatus::Open if overtaken => Some(LapseReason::MarketVersion),
                        MarketStatus::Open => None,
                        _ => Some(LapseReason::MarketSuspended),
                    };
                    expected = gone.map(|_| Expected { fills: vec![], rests: false, gone });
                }
            }
        }
        let expected = expected.unwrap_or_else(|| self.expect(account, &order, conditions));
        let real = Expected {
            fills: taken.fills.iter().map(|f| (f.account, f.bet, f.price, f.size.0)).collect(),
            rests: taken.rests.is_some(),
            gone: taken.gone,
        };
        hold!(
            Naive,
            expected == real && taken.order == order,
            "{order:?} under {conditions:?} should be {expected:?}, was {taken:?}"
        );
        let mut left = order.size.0;
        for (other, bet, price, size) in expected.fills {
            let at = self.find(other, bet).expect("it was met");
            self.orders[at].remaining -= size;
            left -= size;
            let (mine, theirs) = ((account, order.bet), (other, bet));
            let bets = if order.side == Side::Back { [mine, theirs] } else { [theirs, mine] };
            self.matches.push(NaiveMatch { runner: order.runner, price, size, bets });
        }
        if expected.rests {
            let n = command.n;
            self.orders.push(NaiveOrder { account, n, order, remaining: left, waiting: false });
        }
        self.orders.retain(|order| order.remaining > 0);
        Ok(())
    }

    // ----------------------------------------------------------------------------------- commands

    pub(super) fn commanded(
        &mut self,
        at: UtcMillis,
        event: &MarketEvent,
        what: &OrderCommand,
    ) -> Check {
        match (event, what) {
            (MarketEvent::Refused { command, refusal }, what) => {
                self.refused(command, refusal, what)
            }
            (
                MarketEvent::Placed { command, orders: taken },
                OrderCommand::Place { orders, conditions },
            ) => {
                let waited = self.end_of_wait(at, command)?.is_some();
                if !waited {
                    self.is_open(conditions, event)?;
                    hold!(Naive, !self.delays(), "{event:?} should have waited");
                }
                hold!(Naive, orders.len() == taken.len(), "{orders:?} became {taken:?}");
                for (order, taken) in orders.iter().zip(taken) {
                    self.take(command, *order, conditions, waited, taken)?;
                }
                Ok(())
            }
            (
                MarketEvent::Cancelled { command, orders: lines },
                OrderCommand::Cancel { orders },
            ) => {
                hold!(Naive, orders.len() == lines.len(), "{orders:?} became {lines:?}");
                for (order, line) in orders.iter().zip(lines) {
                    self.cancel(command.account, order.bet, order.reduction, line)?;
                }
                Ok(())
            }
            (MarketEvent::Updated { command, orders: lines }, OrderCommand::Update { orders }) => {
                for (order, line) in orders.iter().zip(lines) {
                    let found = self.find(command.account, order.bet);
                    let found =
                        found.filter(|at| self.orders[*at].order.persistence != order.persistence);
                    hold!(Naive, found.is_some() == line.is_ok(), "{order:?} became {line:?}");
                    if let Some(at) = found {
                        self.orders[at].order.persistence = order.persistence;
                    }
                }
                Ok(())
            }
            (
                MarketEvent::Replaced { command, orders: lines },
                OrderCommand::Replace { orders, conditions },
            ) => self.replaced(at, command, orders, conditions, lines, event),
            (MarketEvent::Delayed { command, until, orders: held, waiting }, what) => {
                hold!(Naive, self.delays(), "{event:?} should not wait");
                hold!(Naive, *until == at.plus_ms(i64::from(self.delay_s) * 1_000), "{event:?}");
                self.delayed(command, *until, held, waiting, what, event)
            }
            _ => {
                hold!(Naive, false, "{what:?} became {event:?}");
                Ok(())
            }
        }
    }

    fn delays(&self) -> bool {
        self.in_play && self.delay_s > 0
    }

    fn is_open(&self, conditions: &Conditions, event: &MarketEvent) -> Check {
        let expected = self.refuses(conditions);
        hold!(Naive, expected.is_none(), "{event:?} should be refused: {expected:?}");
        Ok(())
    }

    fn closed_now(&self) -> Option<ExecutionError> {
        match self.status {
            MarketStatus::Open => None,
            MarketStatus::Suspended => Some(ExecutionError::MarketSuspended),
            _ => Some(ExecutionError::MarketNotOpenForBetting),
        }
    }

    fn closed_for(&self, conditions: &Conditions) -> Option<ExecutionError> {
        let version = conditions.market_version?;
        if version > self.version {
            return Some(ExecutionError::InvalidMarketVersion);
        }
        (version < self.material).then_some(ExecutionError::BetActionError)
    }

    fn refuses(&self, conditions: &Conditions) -> Option<ExecutionError> {
        self.closed_now().or_else(|| self.closed_for(conditions))
    }

    fn refused(&self, command: &CommandRef, refusal: &Refusal, what: &OrderCommand) -> Check {
        // The third attempt of a command is refused unread: the log does not say which attempt it was.
        if refusal.error == ExecutionError::ServiceUnavailable {
            return Ok(());
        }
        let expected = match what {
            OrderCommand::Place { orders, conditions } => self.refuses(conditions).or_else(|| {
                let strange = orders.iter().any(|order| !self.runs(order.runner));
                let own = !conditions.self_match
                    && !self.delays()
                    && orders.iter().any(|order| self.stands_against(command.account, order));
                (strange || own).then_some(ExecutionError::BetActionError)
            }),
            OrderCommand::Replace { conditions, .. } => self.refuses(conditions),
            OrderCommand::Cancel { .. } | OrderCommand::Update { .. } => None,
        };
        hold!(
            Naive,
            expected == Some(refusal.error),
            "{what:?} was refused as {refusal:?}, not {expected:?}"
        );
        Ok(())
    }

    fn runs(&self, runner: Runner) -> bool {
        let runners = self.definition.iter().flat_map(|definition| &definition.runners);
        runners.into_iter().any(|named| named.runner == runner)
    }

    /// The account has an order on the other side.
    fn stands_against(&self, account: AccountId, order: &NewOrder) -> bool {
        self.opposite(order).iter().any(|at| self.orders[*at].account == account)
    }

    fn cancel(
        &mut self,
        account: AccountId,
        bet: BetId,
        reduction: Option<Pence>,
        line: &CancelLine,
    ) -> Check {
        let found = self.find(account, bet);
        let expected = found.map(|at| {
            let remaining = self.orders[at].remaining;
            reduction.map_or(remaining, |size| size.0.min(remaining))
        });
        let real = line.as_ref().ok().map(|(order, _)| order.size.0);
        let named = match line {
            Ok((order, _)) => order.bet,
            Err(fault) => fault.bet,
        };
        hold!(
            Naive,
            expected == real && named == bet,
            "cancel of {bet} by {account} should take {expected:?}: {line:?}"
        );
        if let (Some(at), Some(size)) = (found, expected) {
            self.orders[at].remaining -= size;
            self.orders.retain(|order| order.remaining > 0);
        }
        Ok(())
    }

    /// The cancel half of a replacement; what takes over.
    fn give_way(
        &mut self,
        account: AccountId,
        orders: &[domain::order::ReplaceOrder],
        lines: &[CancelLine],
    ) -> Check<Vec<NewOrder>> {
        hold!(Naive, orders.len() == lines.len(), "{orders:?} became {lines:?}");
        let mut successors = Vec::new();
        for (order, line) in orders.iter().zip(lines) {
            if let Some(at) = self.find(account, order.bet) {
                let old = &self.orders[at];
                let (bet, size, price) = (order.new_bet, Pence(old.remaining), order.new_price);
                successors.push(NewOrder { bet, size, price, ..old.order });
            }
            self.cancel(account, order.bet, None, line)?;
        }
        Ok(successors)
    }

    fn replaced(
        &mut self,
        at: UtcMillis,
        command: &CommandRef,
        orders: &[domain::order::ReplaceOrder],
        conditions: &Conditions,
        lines: &[Replaced],
        event: &MarketEvent,
    ) -> Check {
        let waited = self.end_of_wait(at, command)?;
        let was_waiting = waited.is_some();
        let successors = match waited {
            Some(wait) => {
                let cancelled: Vec<CancelLine> = lines.iter().map(|line| line.cancelled).collect();
                hold!(
                    Naive,
                    wait.cancelled.as_ref() == Some(&cancelled),
                    "{event:?} cancelled {wait:?}"
                );
                wait.bets
            }
            None => {
                self.is_open(conditions, event)?;
                let cancelled: Vec<CancelLine> = lines.iter().map(|line| line.cancelled).collect();
                self.give_way(command.account, orders, &cancelled)?
            }
        };
        let placed: Vec<_> = lines.iter().filter_map(|line| line.placed.as_ref()).collect();
        hold!(Naive, placed.len() == successors.len(), "{event:?} of {successors:?}");
        let failed = placed.iter().filter(|placed| placed.is_err()).count();
        if failed > 0 {
            let strict = !conditions.self_match && !self.delays();
            let own = strict && successors.iter().any(|o| self.stands_against(command.account, o));
            hold!(Naive, failed == placed.len() && (own || crosses(&successors)), "{event:?}");
            return Ok(());
        }
        if !was_waiting {
            hold!(Naive, !crosses(&successors), "{event:?} crosses itself");
            hold!(Naive, !self.delays() || successors.is_empty(), "{event:?} should have waited");
        }
        for (order, taken) in successors.iter().zip(placed.into_iter().flatten()) {
            self.take(command, *order, conditions, was_waiting, taken)?;
        }
        Ok(())
    }

    fn delayed(
        &mut self,
        command: &CommandRef,
        until: UtcMillis,
        held: &[(NewOrder, Handle)],
        waiting: &Delayed,
        what: &OrderCommand,
        event: &MarketEvent,
    ) -> Check {
        let CommandRef { account, n, .. } = *command;
        let (bets, cancelled) = match (what, waiting) {
            (OrderCommand::Place { orders, conditions }, Delayed::Place(_)) => {
                self.is_open(conditions, event)?;
                (orders.clone(), None)
            }
            (OrderCommand::Replace { orders, conditions }, Delayed::Replace(_, lines)) => {
                self.is_open(conditions, event)?;
                let successors = self.give_way(account, orders, lines)?;
                (successors, Some(lines.clone()))
            }
            _ => {
                hold!(Naive, false, "{what:?} became {event:?}");
                return Ok(());
            }
        };
        let real: Vec<NewOrder> = held.iter().map(|(order, _)| *order).collect();
        hold!(Naive, bets == real, "{bets:?} should wait: {event:?}");
        for order in &bets {
            let (order, remaining) = (*order, order.size.0);
            self.orders.push(NaiveOrder { account, n, order, remaining, waiting: true });
        }
        self.waits.push(Wait { account, n, until, bets, cancelled });
        Ok(())
    }

    fn end_of_wait(&mut self, at: UtcMillis, command: &CommandRef) -> Check<Option<Wait>> {
        let same = |wait: &Wait| wait.account == command.account && wait.n == command.n;
        let Some(found) = self.waits.iter().position(same) else { return Ok(None) };
        let wait = self.waits.remove(found);
        hold!(Naive, wait.until <= at, "{wait:?} ended at {at}");
        Ok(Some(wait))
    }

    // -------------------------------------------------------------------------------------- status

    /// Takes away what lapses, if it is exactly what should.
    fn lapse(&mut self, lapsed: &[Lapsed], goes: impl Fn(&NaiveOrder) -> bool) -> Check {
        let mut expected: Vec<(BetId, AccountId, i64)> = self
            .orders
            .iter()
            .filter(|order| goes(order))
            .map(|order| (order.order.bet, order.account, order.remaining))
            .collect();
        let mut real: Vec<_> =
            lapsed.iter().map(|line| (line.bet, line.account, line.size.0)).collect();
        expected.sort_unstable();
        real.sort_unstable();
        hold!(Naive, expected == real, "{expected:?} should lapse, {real:?} did");
        self.orders.retain(|order| !goes(order));
        Ok(())
    }

    pub(super) fn status_changed(
        &mut self,
        act: Option<&MarketAct>,
        change: &StatusChanged,
    ) -> Check {
        let lapsing = |order: &NaiveOrder| order.order.persistence != Persistence::Persist;
        let (status, lapses) = match act {
            Some(MarketAct::Open) => (MarketStatus::Open, false),
            Some(MarketAct::Suspend { lapse }) => (MarketStatus::Suspended, *lapse),
            Some(MarketAct::TurnInPlay { .. }) => (MarketStatus::Open, true),
            Some(MarketAct::Reopen) | None => (MarketStatus::Suspended, false),
            Some(other) => {
                hold!(Naive, false, "{other:?} became {change:?}");
                return Ok(());
            }
        };
        hold!(
            Naive,
            change.status == status && change.material == lapses && change.version > self.version,
            "{act:?} became {change:?}"
        );
        self.changed(change);
        self.lapse(&change.lapsed, |order| lapses && lapsing(order))
    }

    fn changed(&mut self, change: &StatusChanged) {
        self.status = change.status;
        self.in_play = change.in_play;
        self.delay_s = change.bet_delay_s;
        self.version = change.version;
        if change.material {
            self.material = change.version;
        }
    }

    pub(super) fn closes(&mut self, change: &StatusChanged) -> Check {
        hold!(Naive, change.status == MarketStatus::Closed, "{change:?}");
        self.changed(change);
        self.lapse(&change.lapsed, |_| true)
    }

    pub(super) fn withdrawn(&mut self, command: &CommandRef, lapsed: &[Lapsed]) -> Check {
        let CommandRef { account, n, .. } = *command;
        self.lapse(lapsed, |order| order.account == account && order.n == n)
    }

    // ------------------------------------------------------------------------------------- compare

    pub(super) fn agrees(&self, market: &Market) -> Check {
        let mut expected: Vec<_> = self
            .orders
            .iter()
            .map(|o| (o.order.bet, o.account, o.order.price, o.remaining, o.waiting, o.order.side))
            .collect();
        let mut real: Vec<_> = market
            .orders()
            .map(|o| (o.bet, o.account, o.price, o.remaining.0, o.waiting, o.side))
            .collect();
        expected.sort_unstable_by_key(|line| line.0);
        real.sort_unstable_by_key(|line| line.0);
        hold!(Naive, expected == real, "the book should be {expected:?}, is {real:?}");
        let matched: i64 = self.matches.iter().map(|m| m.size).sum();
        hold!(Naive, market.total_matched().0 == 2 * matched, "matched {matched} a side");
        hold!(
            Naive,
            market.status() == self.status,
            "{:?}, not {:?}",
            market.status(),
            self.status
        );
        Ok(())
    }
}

/// Two of these orders would meet each other.
fn crosses(orders: &[NewOrder]) -> bool {
    let of = |side: Side| orders.iter().filter(move |order| order.side == side);
    of(Side::Back)
        .any(|back| of(Side::Lay).any(|lay| lay.runner == back.runner && lay.price >= back.price))
}
