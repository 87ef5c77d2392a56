//! Cancel, replace and update, decided: which of the named bets can be changed, and what goes to which
//! market when a customer cancels everything.

use super::Account;
use super::bet::{Bet, Stage};
use super::position::{Added, Position, Sent, worse};
use super::requests::{Requested, refused};
use super::validate::validate_persistence;
use crate::ids::{BetId, Handle, MarketId};
use crate::money::Pence;
use crate::order::{
    CancelOrder, ExecutionError, InstructionError, InstructionFault, OrderCommand, Persistence,
    Refusal, ReplaceOrder, Side, UpdateOrder,
};
use crate::price::Price;
use crate::record::{AccountEvent, RequestKey};
use crate::request::{CustomerRequest, Execution, MAX_INSTRUCTIONS, Outcome};
use crate::time::UtcMillis;

/// A cancel of everything goes out in commands of so many bets, so that no record grows without bound.
const CANCELS_IN_A_COMMAND: usize = 1_000;

/// A batch of named bets: what can be sent, and what cannot with its position.
pub(super) struct Decided {
    command: OrderCommand,
    faults: Vec<(u32, InstructionFault)>,
    exposure: Pence,
}

type Checked<T> = (Vec<T>, Vec<(u32, InstructionFault)>);

/// Sorts named bets into those that can be changed and those that cannot. Refused as a whole: none, too
/// many, a bet named twice, or nothing that can be done.
fn check<O, T>(
    position: Option<&Position>,
    orders: &[(BetId, O)],
    mut can: impl FnMut(&Bet, &O) -> Result<T, InstructionError>,
) -> Result<Checked<T>, Refusal> {
    if orders.is_empty() {
        return Err(Refusal::whole(ExecutionError::NoActionRequired, 0));
    }
    if orders.len() > MAX_INSTRUCTIONS {
        return Err(Refusal::whole(ExecutionError::TooManyInstructions, orders.len()));
    }
    let mut named: Vec<BetId> = orders.iter().map(|(bet, _)| *bet).collect();
    named.sort_unstable();
    if named.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Refusal::whole(ExecutionError::DuplicateBetIds, orders.len()));
    }
    let (mut able, mut faults) = (Vec::with_capacity(orders.len()), Vec::new());
    for (at, (bet, order)) in (0_u32..).zip(orders) {
        let known = position.and_then(|position| position.bet(*bet));
        let known = known.ok_or(InstructionError::InvalidBetId);
        match known.and_then(|bet| can(bet, order)) {
            Ok(order) => able.push(order),
            Err(error) => faults.push((at, InstructionFault { bet: *bet, error })),
        }
    }
    if able.is_empty() {
        let instructions = faults.iter().map(|(_, fault)| fault.error).collect();
        return Err(Refusal { error: ExecutionError::BetActionError, instructions });
    }
    Ok((able, faults))
}

/// Where a bet that rests stands.
fn resting(bet: &Bet) -> Result<Handle, InstructionError> {
    if bet.at_close {
        return Err(InstructionError::BetTakenOrLapsed);
    }
    standing(bet)
}

/// As [`resting`], or waiting for the starting price.
fn standing(bet: &Bet) -> Result<Handle, InstructionError> {
    match (bet.stage, bet.handle) {
        (Stage::Resting, Some(handle)) => Ok(handle),
        (Stage::Done, _) => Err(InstructionError::BetTakenOrLapsed),
        _ => Err(InstructionError::BetInProgress),
    }
}

/// Where a bet that can be cancelled stands: also while it waits for the bet delay or its successor.
fn cancellable(bet: &Bet) -> Result<Handle, InstructionError> {
    match (bet.stage, bet.handle) {
        (Stage::Waiting | Stage::Replacing, Some(handle)) if !bet.at_close => Ok(handle),
        _ => resting(bet),
    }
}

/// Who cancels, and with it what is in reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The customer, or a heartbeat that they have lost: not what waits for the starting price.
    Customer,
    /// The account itself, whose customer is excluded: everything that is not matched.
    Account,
}

fn cancel(orders: Vec<CancelOrder>, reach: Reach) -> OrderCommand {
    OrderCommand::Cancel { orders: orders.into(), on_close: reach == Reach::Account }
}

impl Account {
    pub(super) fn decide_cancel(
        &self,
        market: MarketId,
        orders: &[(BetId, Option<Pence>)],
    ) -> Result<Decided, Refusal> {
        let (orders, faults) = check(self.positions.get(&market), orders, |bet, reduction| {
            if reduction.is_some_and(|reduction| reduction <= Pence::ZERO) {
                return Err(InstructionError::InvalidBetSize);
            }
            let handle = cancellable(bet)?;
            Ok(CancelOrder { bet: bet.id, handle, reduction: *reduction })
        })?;
        let exposure = self.exposure_in(market);
        Ok(Decided { command: cancel(orders, Reach::Customer), faults, exposure })
    }

    pub(super) fn decide_update(
        &self,
        market: MarketId,
        orders: &[(BetId, Persistence)],
    ) -> Result<Decided, Refusal> {
        let position = self.positions.get(&market);
        let (orders, faults) = check(position, orders, |bet, persistence| {
            let handle = resting(bet)?;
            if bet.persistence == *persistence {
                return Err(InstructionError::NoActionRequired);
            }
            if let Some(position) = position {
                validate_persistence(*persistence, &position.terms)?;
            }
            Ok(UpdateOrder { bet: bet.id, handle, persistence: *persistence })
        })?;
        let exposure = self.exposure_in(market);
        Ok(Decided { command: OrderCommand::Update { orders }, faults, exposure })
    }

    /// A price that is none is the market's to refuse: by then the old order is cancelled all the same. Until
    /// the market answers, the worse of "the rest is filled at the old price" and "at the new" is held: for
    /// a lay that is the higher price, for a back the lower one (at plain odds both are its stake).
    pub(super) fn decide_replace(
        &self,
        now: UtcMillis,
        market: MarketId,
        orders: &[(BetId, Price)],
        market_version: Option<u64>,
        next_bet: &mut dyn FnMut() -> BetId,
    ) -> Result<Decided, Refusal> {
        let position = self.positions.get(&market);
        let mut added: Vec<Added> = Vec::new();
        let (able, faults) = check(position, orders, |bet, new_price| {
            let handle = standing(bet)?;
            if bet.price == *new_price {
                return Err(InstructionError::NoActionRequired);
            }
            if bet.at_close {
                // A limit on close may only become easier to meet, and a market order has none.
                let easier = match bet.side {
                    Side::Back => *new_price < bet.price,
                    Side::Lay => *new_price > bet.price,
                };
                return match easier {
                    true => Ok((bet.id, handle, *new_price)),
                    false => Err(InstructionError::InvalidPriceEdit),
                };
            }
            let runner = position.map(|position| position.runner(bet));
            let runner = runner.ok_or(InstructionError::InvalidBetId)?;
            let (side, left) = (bet.side, bet.remaining());
            let price = worse(side, bet.price, *new_price);
            added.push(Added { runner, side, price, size: left, at_close: false });
            let held = Added { runner, side, price: bet.held_at, size: -left, at_close: false };
            added.push(held);
            Ok((bet.id, handle, *new_price))
        })?;
        let worst = position.map_or(0, |position| position.worst_with(&position.terms, &added));
        let exposure =
            self.afford(now, market, worst).map_err(|error| Refusal::whole(error, orders.len()))?;
        let orders = able
            .into_iter()
            .map(|(bet, handle, new_price)| ReplaceOrder {
                bet,
                handle,
                new_bet: next_bet(),
                new_price,
            })
            .collect();
        let command = OrderCommand::Replace { orders, conditions: self.conditions(market_version) };
        Ok(Decided { command, faults, exposure })
    }

    pub(super) fn fold_named(
        &mut self,
        now: UtcMillis,
        key: RequestKey,
        request: &CustomerRequest,
        market: MarketId,
        decided: Result<Decided, Refusal>,
    ) -> Requested {
        match decided {
            Err(refusal) => Requested::Answered(refused(&request.body, refusal)),
            Ok(Decided { command, faults, exposure }) => {
                let mut ordered = self.order(market, command);
                ordered.request = Some(key);
                ordered.customer_ref = request.reference().map(Into::into);
                ordered.faults = faults;
                ordered.exposure = exposure;
                Requested::Taken(vec![self.fold_order(now, ordered)])
            }
        }
    }

    /// Cancels what can still be matched in these markets. Placements that are on their way are withdrawn:
    /// they have no handle to cancel by yet.
    pub(super) fn cancel_all(
        &mut self,
        now: UtcMillis,
        key: RequestKey,
        request: &CustomerRequest,
        markets: &[MarketId],
    ) -> Requested {
        // A market that owes so many answers has been asked often enough.
        let markets: Vec<_> =
            markets.iter().copied().filter(|market| !self.is_out_of_credit(*market)).collect();
        let parts = self.cancel_parts(&markets, Reach::Customer);
        if parts.is_empty() {
            let nothing = Execution { error: None, reports: Vec::new() };
            return Requested::Answered(Outcome::Cancelled(nothing));
        }
        let last = parts.len() - 1;
        let events = parts.into_iter().enumerate().map(|(at, (market, orders, withdraws))| {
            let mut ordered = self.order(market, cancel(orders, Reach::Customer));
            ordered.request = Some(key);
            ordered.customer_ref = request.reference().map(Into::into);
            ordered.withdraws = withdraws;
            ordered.more = at < last;
            self.fold_order(now, ordered)
        });
        Requested::Taken(events.collect())
    }

    /// The account's own cancel of everything (self-exclusion, a lost heartbeat): no session waits for it.
    pub(super) fn cancel_everything(&mut self, now: UtcMillis, reach: Reach) -> Vec<AccountEvent> {
        let markets: Vec<_> = self.positions.keys().copied().collect();
        let parts = self.cancel_parts(&markets, reach);
        let events = parts.into_iter().map(|(market, orders, withdraws)| {
            let mut ordered = self.order(market, cancel(orders, reach));
            ordered.withdraws = withdraws;
            self.fold_order(now, ordered)
        });
        events.collect()
    }

    /// For each command: its market, the bets with a handle to cancel by, and the commands given up.
    fn cancel_parts(
        &self,
        markets: &[MarketId],
        reach: Reach,
    ) -> Vec<(MarketId, Vec<CancelOrder>, Vec<u64>)> {
        let mut parts = Vec::new();
        for market in markets {
            let Some(position) = self.positions.get(market) else { continue };
            let mut orders = position.cancel_orders(reach);
            let mut withdraws = position.to_withdraw();
            while !orders.is_empty() || !withdraws.is_empty() {
                let rest = orders.split_off(orders.len().min(CANCELS_IN_A_COMMAND));
                parts.push((*market, orders, std::mem::take(&mut withdraws)));
                orders = rest;
            }
        }
        parts
    }
}

impl Position {
    /// Every bet that has a handle to cancel by, the oldest first.
    fn cancel_orders(&self, reach: Reach) -> Vec<CancelOrder> {
        let cancel = |bet: &Bet| {
            let handle = match reach {
                Reach::Customer => cancellable(bet).ok()?,
                Reach::Account => bet.handle.filter(|_| bet.stage != Stage::Done)?,
            };
            Some(CancelOrder { bet: bet.id, handle, reduction: None })
        };
        let mut orders: Vec<_> = self.live_bets().filter_map(cancel).collect();
        orders.reverse();
        orders
    }

    /// Commands on their way that may bring new orders.
    fn to_withdraw(&self) -> Vec<u64> {
        let open = self.commands.open_from(0);
        open.filter(|(n, sent)| self.can_be_withdrawn(*n, sent)).map(|(n, _)| n).collect()
    }

    pub(super) fn can_be_withdrawn(&self, n: u64, sent: &Sent) -> bool {
        let brings_orders =
            matches!(sent.command, OrderCommand::Place { .. } | OrderCommand::Replace { .. });
        brings_orders && !self.waiting.contains(&n) && !self.withdrawn.contains(&n)
    }
}
