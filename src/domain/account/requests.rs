//! A customer's request, decided: refused at once without a trace, or turned into numbered commands.

use super::Account;
use super::customer_refs::Kind;
use super::exposure;
use super::position::{Added, worst_of};
use super::validate::{REFERENCE_LEN_MAX, is_reference, limit, stake, validate};
use crate::act::{AccountProfile, AccountStatus, LimitKind};
use crate::definition::MarketTerms;
use crate::ids::{BetId, MarketId};
use crate::link::Request;
use crate::money::Pence;
use crate::order::{
    Conditions, ExecutionError, NewOrder, OrderCommand, Persistence, Refusal, Ticket, TimeInForce,
};
use crate::record::{AccountEvent, Ordered, RequestKey};
use crate::request::{
    CancelReport, CancelScope, CustomerRequest, Execution, Outcome, ReplaceReport, RequestBody,
};
use crate::time::UtcMillis;

/// Commands of an account that one market may owe an answer; past it a request is refused as busy. So a
/// market that does not answer cannot make the account's state grow for ever.
pub const COMMANDS_MAX: usize = if cfg!(test) { 256 } else { 4_096 };

/// An account may have so many unfinished and matched bets in one market.
pub(super) const BETS_MAX: usize = 1_000_000;

/// What became of a request for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requested {
    /// Taken: these events are folded already; the outcome follows as [`super::Outgoing::ToSession`].
    Taken(Vec<AccountEvent>),
    /// Taken before; the outcome follows.
    Pending,
    /// A refusal that changed nothing, or the outcome of a request taken before.
    Answered(Outcome),
    /// A stray repeat of what the session has confirmed.
    Forgotten,
}

impl Account {
    /// Decides a session's request. Bet ids are drawn only when it is admitted; a number that was taken
    /// before never does anything again.
    pub fn request(
        &mut self,
        now: UtcMillis,
        key: RequestKey,
        request: &CustomerRequest,
        next_bet: &mut dyn FnMut() -> BetId,
    ) -> Requested {
        match self.sessions.request(key) {
            Request::New => {}
            Request::Pending => return Requested::Pending,
            Request::Answered(outcome) => return Requested::Answered(outcome.clone()),
            Request::Forgotten => return Requested::Forgotten,
        }
        if let Err(error) = self.admits(now, request) {
            return Requested::Answered(refused_whole(&request.body, error));
        }
        match &request.body {
            RequestBody::Place { .. } => self.place(now, key, request, next_bet),
            RequestBody::Cancel(CancelScope::Bets { market, orders }) => {
                let decided = self.decide_cancel(*market, orders);
                self.fold_named(now, key, request, *market, decided)
            }
            RequestBody::Cancel(CancelScope::Market(market)) => {
                self.cancel_all(now, key, request, &[*market])
            }
            RequestBody::Cancel(CancelScope::Everything) => {
                let markets: Vec<_> = self.positions.keys().copied().collect();
                self.cancel_all(now, key, request, &markets)
            }
            RequestBody::Replace { market, orders, market_version } => {
                let decided = self.decide_replace(now, *market, orders, *market_version, next_bet);
                self.fold_named(now, key, request, *market, decided)
            }
            RequestBody::Update { market, orders } => {
                let decided = self.decide_update(*market, orders);
                self.fold_named(now, key, request, *market, decided)
            }
        }
    }

    /// Neither taken nor answered before.
    pub fn is_new(&self, key: RequestKey) -> bool {
        self.sessions.request(key) == Request::New
    }

    fn place(
        &mut self,
        now: UtcMillis,
        key: RequestKey,
        request: &CustomerRequest,
        next_bet: &mut dyn FnMut() -> BetId,
    ) -> Requested {
        let RequestBody::Place { market, terms, tickets, strategy_ref, market_version } =
            &request.body
        else {
            return Requested::Answered(refused_whole(&request.body, ExecutionError::InvalidOrder));
        };
        let strategy_ref = strategy_ref.as_deref().filter(|text| !text.is_empty());
        let exposure = match self.admit_placement(now, *market, terms, tickets, strategy_ref) {
            Ok(exposure) => exposure,
            Err(refusal) => return Requested::Answered(refused(&request.body, refusal)),
        };
        let orders = tickets.iter().map(|ticket| new_order(ticket, next_bet())).collect();
        let conditions = self.conditions(*market_version);
        let known = self.positions.get(market).map(|position| position.terms);
        let ordered = Ordered {
            request: Some(key),
            customer_ref: request.reference().map(Into::into),
            terms: (known != Some(*terms)).then_some(*terms),
            references: references(tickets),
            strategy_ref: strategy_ref.map(Into::into),
            exposure,
            ..self.order(*market, OrderCommand::Place { orders, conditions })
        };
        Requested::Taken(vec![self.fold_order(now, ordered)])
    }

    /// What holds for every request: the account's status and the customer's reference.
    fn admits(&self, now: UtcMillis, request: &CustomerRequest) -> Result<(), ExecutionError> {
        let profile = self.profile().ok_or(ExecutionError::InvalidAccountState)?;
        let kind = Kind::of_request(&request.body);
        let may_bet = profile.status == AccountStatus::Active && !self.limits.is_excluded(now);
        if !may_bet && kind != Kind::Cancel {
            return Err(ExecutionError::InvalidAccountState);
        }
        if request.body.market().is_some_and(|market| self.is_out_of_credit(market)) {
            return Err(ExecutionError::ServiceUnavailable);
        }
        let Some(reference) = request.reference() else { return Ok(()) };
        if !is_reference(Some(reference), REFERENCE_LEN_MAX) {
            return Err(ExecutionError::InvalidOrder);
        }
        if self.customer_refs.is_used(now, kind, reference) {
            return Err(ExecutionError::DuplicateTransaction);
        }
        if self.customer_refs.is_full(now) {
            return Err(ExecutionError::ServiceUnavailable);
        }
        Ok(())
    }

    pub(super) fn is_out_of_credit(&self, market: MarketId) -> bool {
        let position = self.positions.get(&market);
        position.is_some_and(|position| position.commands.open_len() >= COMMANDS_MAX)
    }

    /// The exposure of the market with the whole batch in it, if rules and money allow it.
    fn admit_placement(
        &self,
        now: UtcMillis,
        market: MarketId,
        terms: &MarketTerms,
        tickets: &[Ticket],
        strategy_ref: Option<&str>,
    ) -> Result<Pence, Refusal> {
        let minimums = self.opened.filter(|(_, profile)| profile.minimum_stakes);
        let minimums = minimums.map(|(currency, _)| currency.minimums());
        validate(tickets, strategy_ref, terms, minimums)?;
        let position = self.positions.get(&market);
        if position.is_some_and(|position| position.bets.len() + tickets.len() > BETS_MAX) {
            return Err(Refusal::whole(ExecutionError::TooManyInstructions, tickets.len()));
        }
        let added = tickets.iter().map(|ticket| Added {
            runner: ticket.runner,
            side: ticket.side,
            price: ticket.price,
            size: ticket.kind.risked_stake(ticket.side, ticket.price, stake(ticket)),
            at_close: ticket.kind.is_on_close(),
        });
        let added: Vec<Added> = added.collect();
        let worst = match position {
            Some(position) => position.worst_with(terms, &added),
            None => worst_of(terms, &added),
        };
        self.afford(now, market, worst).map_err(|error| Refusal::whole(error, tickets.len()))
    }

    /// The hold that `worst` (hundredths of a penny) needs in the market, if the account can bear it. What
    /// holds no more than before adds no risk and is always borne.
    pub(super) fn afford(
        &self,
        now: UtcMillis,
        market: MarketId,
        worst: i128,
    ) -> Result<Pence, ExecutionError> {
        let before = i128::from(self.exposure_in(market).0);
        let hold = exposure::hold(worst);
        let total = i128::from(self.held.0) - before + hold;
        if hold > before {
            if total > i128::from(self.money.balance.0) {
                return Err(ExecutionError::InsufficientFunds);
            }
            let limit = self.profile().and_then(|profile| profile.exposure_limit);
            let limit = limit.into_iter().chain(self.limits.room(now, LimitKind::Loss)).min();
            if limit.is_some_and(|limit| total > i128::from(limit.0)) {
                return Err(ExecutionError::LossLimitExceeded);
            }
        }
        i64::try_from(hold).map(Pence).map_err(|_| ExecutionError::InsufficientFunds)
    }

    pub(super) fn conditions(&self, market_version: Option<u64>) -> Conditions {
        let profile = self.profile().copied().unwrap_or_else(AccountProfile::default);
        Conditions {
            market_version,
            best_execution: profile.best_execution,
            self_match: profile.self_match,
        }
    }

    /// A command as the next of its market, holding what is held.
    pub(super) fn order(&self, market: MarketId, command: OrderCommand) -> Ordered {
        let n = match self.positions.get(&market) {
            Some(position) => position.commands.next(),
            None => self.history.link(market).map_or(1, |link| link.sent + 1),
        };
        Ordered {
            request: None,
            market,
            terms: None,
            n,
            command,
            faults: Vec::new(),
            withdraws: Vec::new(),
            references: Vec::new(),
            customer_ref: None,
            strategy_ref: None,
            more: false,
            exposure: self.exposure_in(market),
        }
    }

    pub(super) fn fold_order(&mut self, now: UtcMillis, ordered: Ordered) -> AccountEvent {
        self.apply_ordered(now, &ordered);
        AccountEvent::Ordered(ordered)
    }
}

impl CustomerRequest {
    /// The customer's reference; an empty one is none.
    pub fn reference(&self) -> Option<&str> {
        self.customer_ref.as_deref().filter(|text| !text.is_empty())
    }
}

pub(super) fn new_order(ticket: &Ticket, bet: BetId) -> NewOrder {
    let only_once = ticket.time_in_force != TimeInForce::Rest || ticket.kind.is_on_close();
    NewOrder {
        bet,
        runner: ticket.runner,
        side: ticket.side,
        price: limit(ticket),
        size: stake(ticket),
        persistence: if only_once { Persistence::Lapse } else { ticket.persistence },
        time_in_force: ticket.time_in_force,
        kind: ticket.kind,
    }
}

/// By position, or nothing when no ticket has one.
fn references(tickets: &[Ticket]) -> Vec<Option<Box<str>>> {
    let named = |ticket: &Ticket| ticket.reference.clone().filter(|text| !text.is_empty());
    if tickets.iter().all(|ticket| ticket.reference.is_none()) {
        return Vec::new();
    }
    tickets.iter().map(named).collect()
}

/// The outcome of a request that is not even looked at.
pub fn busy(request: &CustomerRequest) -> Outcome {
    refused_whole(&request.body, ExecutionError::ServiceUnavailable)
}

/// The outcome of a request of which nothing was done: every instruction is innocent.
pub(super) fn refused_whole(body: &RequestBody, error: ExecutionError) -> Outcome {
    let instructions = match body {
        RequestBody::Place { tickets, .. } => tickets.len(),
        RequestBody::Cancel(CancelScope::Bets { orders, .. }) => orders.len(),
        RequestBody::Cancel(_) => 0,
        RequestBody::Replace { orders, .. } => orders.len(),
        RequestBody::Update { orders, .. } => orders.len(),
    };
    refused(body, Refusal::whole(error, instructions))
}

/// The outcome of a request of which nothing was done.
pub(super) fn refused(body: &RequestBody, refusal: Refusal) -> Outcome {
    let error = Some(refusal.error);
    let errors = refusal.instructions.into_iter();
    match body {
        RequestBody::Place { .. } => {
            Outcome::Placed(Execution { error, reports: errors.map(Err).collect() })
        }
        RequestBody::Cancel(CancelScope::Bets { market, orders }) => {
            let report = |((bet, _), error): (&(BetId, Option<Pence>), _)| CancelReport {
                market: *market,
                bet: *bet,
                result: Err(error),
            };
            Outcome::Cancelled(Execution {
                error,
                reports: orders.iter().zip(errors).map(report).collect(),
            })
        }
        RequestBody::Cancel(_) => Outcome::Cancelled(Execution { error, reports: Vec::new() }),
        RequestBody::Replace { market, orders, .. } => {
            let reports = orders.iter().zip(errors).map(|((bet, _), error)| ReplaceReport {
                cancel: CancelReport { market: *market, bet: *bet, result: Err(error) },
                place: None,
                error: Some(error),
            });
            Outcome::Replaced(Execution { error, reports: reports.collect() })
        }
        RequestBody::Update { orders, .. } => {
            let reports = orders.iter().zip(errors).map(|((bet, _), error)| Err((*bet, error)));
            Outcome::Updated(Execution { error, reports: reports.collect() })
        }
    }
}
