//! Claims against what the node shows. Each checker answers with complaints, none when all is well, and is
//! first shown to complain of planted bugs.

pub(crate) mod bank;
pub(crate) mod books;
pub(crate) mod cleared;
pub(crate) mod exposure;
pub(crate) mod set;

use crate::harness::bettor::Order;

/// An order and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) account: String,
    pub(crate) order: Order,
}

impl Found {
    pub(crate) fn bet(&self) -> u64 {
        self.order.bet.parse().expect("a bet id is a number")
    }
}

/// Orders as the planted bugs of the checkers' tests want them.
#[cfg(test)]
mod planted {
    use super::Found;
    use crate::harness::bettor::Order;

    /// A bet on selection 1 of market 1.1 at 3.0, matched as far as said, the rest resting.
    pub(super) fn found(account: &str, bet: u64, side: &str, size: i64, matched: i64) -> Found {
        let order = Order {
            bet: bet.to_string(),
            market: "1.1".to_owned(),
            selection: 1,
            side: side.to_owned(),
            price: 300,
            size,
            status: "EXECUTABLE".to_owned(),
            persistence: "LAPSE".to_owned(),
            matched_payout: 300 * matched,
            matched,
            remaining: size - matched,
            lapsed: 0,
            cancelled: 0,
            voided: 0,
            order_ref: format!("ref-{bet}"),
            strategy_ref: String::new(),
        };
        Found { account: account.to_owned(), order }
    }
}
