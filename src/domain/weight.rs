//! About how many bytes of the journal a record takes, without encoding it: what its replay costs grows with it.
//!
//! Counts what a record has many of, and nothing else.

use crate::football::almanac::FootballEvent;
use crate::order::{Answer, OrderCommand};
use crate::record::{AccountEvent, Event, MarketEvent, Notice};

const RECORD: usize = 48;
/// An order, a fill, a lapse: each of them some numbers.
const LINE: usize = 40;

impl Event {
    pub fn weight(&self) -> u64 {
        let lines = match self {
            Event::Home(_) => 1,
            Event::Account(event) => event.lines(),
            Event::Market(event) => event.lines(),
            Event::Football(FootballEvent::Told(items)) => items.len(),
        };
        (RECORD + LINE * lines) as u64
    }
}

impl AccountEvent {
    fn lines(&self) -> usize {
        match self {
            AccountEvent::Ordered(ordered) => ordered.command.lines() + ordered.faults.len(),
            AccountEvent::Noticed(noticed) => {
                let paid = noticed.payment.as_ref().map_or(0, |payment| payment.profits.len());
                noticed.notice.lines() + paid + noticed.reduced.len()
            }
            AccountEvent::HeartbeatMissed { commands } => commands.len(),
            _ => 1,
        }
    }
}

impl OrderCommand {
    fn lines(&self) -> usize {
        match self {
            OrderCommand::Place { orders, .. } => orders.len(),
            OrderCommand::Cancel { orders, .. } => orders.len(),
            OrderCommand::Replace { orders, .. } => orders.len(),
            OrderCommand::Update { orders } => orders.len(),
        }
    }
}

impl Notice {
    fn lines(&self) -> usize {
        match self {
            Notice::Answered { answer: Answer::Placed(orders), .. } => orders.len(),
            Notice::Answered { answer: Answer::Cancelled(orders), .. } => orders.len(),
            Notice::Answered { answer: Answer::Replaced(orders), .. } => orders.len(),
            Notice::Answered { answer: Answer::Updated(orders), .. } => orders.len(),
            Notice::Answered { answer: Answer::Refused(_), .. } => 1,
            Notice::Waiting { orders, .. } => orders.len(),
            Notice::Filled(bets) => bets.len(),
            Notice::Lapsed(bets) => bets.len(),
            Notice::Closed(bets) => bets.len(),
            Notice::Adjusted(bets) => bets.len(),
            Notice::Resolved { .. } | Notice::RunnerRemoved(_) => 1,
        }
    }
}

impl MarketEvent {
    fn lines(&self) -> usize {
        match self {
            MarketEvent::Placed { orders, .. } => {
                orders.iter().map(|taken| 1 + taken.fills.len()).sum()
            }
            MarketEvent::Delayed { orders, .. } => orders.len(),
            MarketEvent::Cancelled { orders, .. } => orders.len(),
            MarketEvent::Replaced { orders, .. } => 2 * orders.len(),
            MarketEvent::Updated { orders, .. } => orders.len(),
            MarketEvent::Withdrawn { lapsed, .. } | MarketEvent::LapsedAhead { lapsed } => {
                lapsed.len()
            }
            MarketEvent::Acknowledged { accounts } => accounts.len(),
            MarketEvent::StatusChanged(change) | MarketEvent::Resolved { change, .. } => {
                1 + change.lapsed.len()
            }
            MarketEvent::ResolutionSent { accounts } => accounts.len(),
            MarketEvent::ResolutionPaid { payments } => payments.len(),
            MarketEvent::Prepared(piece) => piece.adjusted.len() + piece.orders.len(),
            MarketEvent::RunnerRemoved(removed) => removed.lapsed.len() + removed.adjusted.len(),
            MarketEvent::Reconciled(made) => made.orders.len(),
            MarketEvent::KeyLine { runners, .. } => runners.len(),
            _ => 1,
        }
    }
}
