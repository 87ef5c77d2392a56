//! What can be said against a batch of orders without knowing the market's state or the account's money.

use crate::act::Minimums;
use crate::definition::MarketTerms;
use crate::ids::Runner;
use crate::market::any_price;
use crate::money::Pence;
use crate::order::{
    ExecutionError, InstructionError, OrderKind, Persistence, Refusal, Side, Ticket, TimeInForce,
};
use crate::price::Price;
use crate::request::MAX_INSTRUCTIONS;

pub const REFERENCE_LEN_MAX: usize = 32;
pub const STRATEGY_REFERENCE_LEN_MAX: usize = 15;

/// Checks the tickets of one placement: the first fault names the culprit, the others are innocent.
/// Runners and the market's status are the market's to judge, money is the account's. Without `minimums` any
/// amount will do.
pub fn validate(
    tickets: &[Ticket],
    strategy_ref: Option<&str>,
    terms: &MarketTerms,
    minimums: Option<Minimums>,
) -> Result<(), Refusal> {
    let count = tickets.len();
    if count == 0 {
        return Err(Refusal::whole(ExecutionError::InvalidOrder, 0));
    }
    if count > MAX_INSTRUCTIONS {
        return Err(Refusal::whole(ExecutionError::TooManyInstructions, count));
    }
    if !is_reference(strategy_ref, STRATEGY_REFERENCE_LEN_MAX) {
        return Err(Refusal::of(0, InstructionError::InvalidCustomerStrategyRef, count));
    }
    for (at, ticket) in tickets.iter().enumerate() {
        if let Err(error) = validate_ticket(ticket, terms, minimums) {
            return Err(Refusal::of(at, error, count));
        }
    }
    if let Some(at) = tickets.iter().position(|ticket| minimums.is_some() && rounds_badly(ticket)) {
        let mut refusal = Refusal::of(at, InstructionError::InvalidBetSize, count);
        refusal.error = ExecutionError::InvalidProfitRatio;
        return Err(refusal);
    }
    match meets_itself(tickets) {
        Some(at) => Err(Refusal::of(at, InstructionError::InvalidBackLayCombination, count)),
        None => Ok(()),
    }
}

fn validate_ticket(
    ticket: &Ticket,
    terms: &MarketTerms,
    minimums: Option<Minimums>,
) -> Result<(), InstructionError> {
    if ticket.kind.is_on_close() {
        validate_on_close(ticket, terms, minimums)?;
    } else {
        validate_limit(ticket, terms, minimums)?;
    }
    match is_reference(ticket.reference.as_deref(), REFERENCE_LEN_MAX) {
        true => Ok(()),
        false => Err(InstructionError::InvalidCustomerOrderRef),
    }
}

fn validate_on_close(
    ticket: &Ticket,
    terms: &MarketTerms,
    minimums: Option<Minimums>,
) -> Result<(), InstructionError> {
    if !terms.bsp_market {
        return Err(InstructionError::MarketNotOpenForBspBetting);
    }
    if limit(ticket).index().is_none() {
        return Err(InstructionError::InvalidOdds);
    }
    let least = minimums.map_or(Pence(1), |minimums| match ticket.side {
        Side::Back => minimums.stake,
        Side::Lay => minimums.liability,
    });
    match least <= ticket.size && ticket.size <= Pence::MAX_ENTERED {
        true => Ok(()),
        false => Err(InstructionError::InvalidBetSize),
    }
}

fn validate_limit(
    ticket: &Ticket,
    terms: &MarketTerms,
    minimums: Option<Minimums>,
) -> Result<(), InstructionError> {
    if ticket.price.index().is_none() {
        return Err(InstructionError::InvalidOdds);
    }
    // A stake, or a target that says what the stake is, and never both.
    let entered = ticket.kind.target().unwrap_or(ticket.size);
    let both = ticket.kind.target().is_some() && !ticket.size.is_zero();
    let size = stake(ticket);
    let in_bounds = |amount: Pence| amount > Pence::ZERO && amount <= Pence::MAX_ENTERED;
    if both || !in_bounds(entered) || !in_bounds(size) {
        return Err(InstructionError::InvalidBetSize);
    }
    let payout = ticket.price.times(size);
    let large_enough = minimums.is_none_or(|minimums| {
        size >= minimums.stake || payout >= 100 * i128::from(minimums.payout.0)
    });
    if !large_enough {
        return Err(InstructionError::InvalidBetSize);
    }
    match ticket.time_in_force {
        // Nothing of it can persist, so what it says about that is not read.
        TimeInForce::FillOrKill { min_fill: Some(least) } => {
            if least <= Pence::ZERO || least > size {
                return Err(InstructionError::InvalidMinFillSize);
            }
        }
        TimeInForce::FillOrKill { min_fill: None } => {}
        TimeInForce::Rest => validate_persistence(ticket.persistence, terms)?,
    }
    Ok(())
}

/// The stake of a limit order; of an order on close what may be lost.
pub(super) fn stake(ticket: &Ticket) -> Pence {
    match ticket.kind.target() {
        Some(_) => ticket.kind.stake_at(ticket.price).unwrap_or_default(),
        None => ticket.size,
    }
}

/// The worst price that the order takes.
pub(super) fn limit(ticket: &Ticket) -> Price {
    match ticket.kind {
        OrderKind::MarketOnClose => any_price(ticket.side),
        _ => ticket.price,
    }
}

/// Whether an order may say this about its fate at the turn in-play.
pub(super) fn validate_persistence(
    persistence: Persistence,
    terms: &MarketTerms,
) -> Result<(), InstructionError> {
    match persistence {
        Persistence::Lapse => Ok(()),
        Persistence::Persist if terms.persistence => Ok(()),
        Persistence::MarketOnClose if terms.bsp_market => Ok(()),
        Persistence::Persist | Persistence::MarketOnClose => {
            Err(InstructionError::InvalidPersistenceType)
        }
    }
}

/// Letters, digits and `: - . _ + * ; ~`; empty is none.
pub(super) fn is_reference(text: Option<&str>, len_max: usize) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b":-._+*;~".contains(&b);
    text.is_none_or(|text| text.len() <= len_max && text.bytes().all(allowed))
}

/// The profit in whole pence is a quarter more, or a fifth less, than the exact one. At the starting price
/// nobody can know.
fn rounds_badly(ticket: &Ticket) -> bool {
    if ticket.kind.is_on_close() {
        return false;
    }
    let exact = ticket.price.profit(stake(ticket));
    let paid = 100 * crate::money::round_half_up(exact, 100);
    4 * paid >= 5 * exact || 5 * paid <= 4 * exact
}

/// The position of an order that would meet another one of its own batch, in the book or at the starting
/// price.
fn meets_itself(tickets: &[Ticket]) -> Option<usize> {
    let side = tickets.first()?.side;
    if tickets.iter().all(|ticket| ticket.side == side) {
        return None;
    }
    let lowest_back = |runner: Runner| -> Option<Price> {
        let backs = tickets.iter().filter(|t| t.runner == runner && t.side == Side::Back);
        backs.map(limit).min()
    };
    tickets.iter().position(|ticket| {
        ticket.side == Side::Lay && lowest_back(ticket.runner).is_some_and(|p| p <= limit(ticket))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SelectionId;
    use InstructionError::*;

    fn ticket(side: Side, price: u32, size: i64) -> Ticket {
        Ticket {
            runner: Runner::plain(SelectionId(1)),
            side,
            kind: OrderKind::Limit,
            price: Price(price),
            size: Pence(size),
            persistence: Persistence::Lapse,
            time_in_force: TimeInForce::Rest,
            reference: None,
        }
    }

    const GBP: Option<Minimums> =
        Some(Minimums { stake: Pence(100), payout: Pence(1_000), liability: Pence(1_000) });

    const TERMS: MarketTerms = MarketTerms {
        number_of_winners: 1,
        runners: 2,
        complete: true,
        base_rate: 500,
        discount_allowed: true,
        persistence: false,
        bsp_market: false,
    };

    #[test]
    fn the_culprit_of_a_batch_is_named_and_the_others_are_innocent() {
        let good = || ticket(Side::Back, 202, 500);
        let kill = |min_fill| TimeInForce::FillOrKill { min_fill };
        let cases: [(&str, Ticket, Option<InstructionError>); 20] = [
            ("good", good(), None),
            ("off the ladder", ticket(Side::Back, 201, 500), Some(InvalidOdds)),
            ("beyond the ladder", ticket(Side::Back, 100_001, 500), Some(InvalidOdds)),
            ("nothing", ticket(Side::Back, 200, 0), Some(InvalidBetSize)),
            ("negative", ticket(Side::Back, 200, -1), Some(InvalidBetSize)),
            ("beyond all money", ticket(Side::Back, 200, i64::MAX), Some(InvalidBetSize)),
            ("a penny short", ticket(Side::Back, 200, 99), Some(InvalidBetSize)),
            ("exactly a pound", ticket(Side::Back, 200, 100), None),
            ("pence that return ten pounds", ticket(Side::Back, 100_000, 1), None),
            ("and that do not", ticket(Side::Back, 99_000, 1), Some(InvalidBetSize)),
            (
                "persistence that the market does not know",
                Ticket { persistence: Persistence::Persist, ..good() },
                Some(InvalidPersistenceType),
            ),
            (
                "no starting price",
                Ticket { persistence: Persistence::MarketOnClose, ..good() },
                Some(InvalidPersistenceType),
            ),
            ("fill or kill", Ticket { time_in_force: kill(None), ..good() }, None),
            (
                "fill or kill never persists",
                Ticket {
                    time_in_force: kill(Some(Pence(500))),
                    persistence: Persistence::Persist,
                    ..good()
                },
                None,
            ),
            (
                "fill more than there is",
                Ticket { time_in_force: kill(Some(Pence(501))), ..good() },
                Some(InvalidMinFillSize),
            ),
            (
                "fill nothing",
                Ticket { time_in_force: kill(Some(Pence(0))), ..good() },
                Some(InvalidMinFillSize),
            ),
            ("a reference", Ticket { reference: Some("a:-._+*;~Z9".into()), ..good() }, None),
            (
                "a reference with a space",
                Ticket { reference: Some("a b".into()), ..good() },
                Some(InvalidCustomerOrderRef),
            ),
            (
                "a long reference",
                Ticket { reference: Some("x".repeat(33).into()), ..good() },
                Some(InvalidCustomerOrderRef),
            ),
            (
                "a lay that meets the back",
                ticket(Side::Lay, 202, 500),
                Some(InvalidBackLayCombination),
            ),
        ];
        for (name, ticket, culprit) in cases {
            let expected = match culprit {
                None => Ok(()),
                Some(error) => Err(Refusal::of(1, error, 2)),
            };
            assert_eq!(validate(&[good(), ticket], None, &TERMS, GBP), expected, "{name}");
        }
    }

    #[test]
    fn a_whole_batch_may_be_at_fault() {
        let check = |count, error| {
            let tickets = vec![ticket(Side::Back, 200, 500); count];
            let refused = validate(&tickets, None, &TERMS, GBP).err().map(|refusal| refusal.error);
            assert_eq!(refused, error, "{count}");
        };
        check(0, Some(ExecutionError::InvalidOrder));
        check(1, None);
        check(200, None);
        check(201, Some(ExecutionError::TooManyInstructions));
        let long = "x".repeat(16);
        assert!(validate(&[ticket(Side::Back, 200, 500)], Some(&long), &TERMS, GBP).is_err());
    }

    #[test]
    fn a_profit_that_rounding_would_bend_is_refused() {
        let check = |price, size, error| {
            let refused = validate(&[ticket(Side::Back, price, size)], None, &TERMS, GBP);
            assert_eq!(refused.err().map(|refusal| refusal.error), error, "{size} at {price}");
        };
        check(101, 149, Some(ExecutionError::InvalidProfitRatio));
        check(101, 150, Some(ExecutionError::InvalidProfitRatio));
        check(101, 200, None);
        check(200, 100, None);
    }

    #[test]
    fn a_mirror_may_bet_pence() {
        for size in [1, 13, 99] {
            assert_eq!(validate(&[ticket(Side::Back, 106, size)], None, &TERMS, None), Ok(()));
        }
    }
}
