//! The account's statement: one line for each movement of money, the newest kept. What is taken back is not
//! struck out: it gets a line of its own.

use super::Account;
use super::queries::{DateRange, Page};
use crate::ids::{BetId, MarketId, Runner};
use crate::money::Pence;
use crate::order::Side;
use crate::record::{Payment, Resolution};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// So many lines are kept; the oldest go first.
pub const STATEMENT_LINES_MAX: usize = 100_000;
/// A page holds so many.
pub const STATEMENT_PAGE_MAX: u32 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatementItem {
    Deposit,
    Withdrawal,
    /// What a bet won or lost, by the market's resolution of this generation.
    Bet {
        market: MarketId,
        generation: u32,
        bet: BetId,
    },
    Commission {
        market: MarketId,
        generation: u32,
    },
    /// The settlement before was taken back by this generation.
    BetReversed {
        market: MarketId,
        generation: u32,
        bet: BetId,
    },
    CommissionReversed {
        market: MarketId,
        generation: u32,
    },
}

impl StatementItem {
    /// The market and the generation of its resolution.
    pub fn resolution(self) -> Option<(MarketId, u32)> {
        match self {
            StatementItem::Deposit | StatementItem::Withdrawal => None,
            StatementItem::Bet { market, generation, .. }
            | StatementItem::Commission { market, generation }
            | StatementItem::BetReversed { market, generation, .. }
            | StatementItem::CommissionReversed { market, generation } => {
                Some((market, generation))
            }
        }
    }

    fn bet(self) -> Option<BetId> {
        match self {
            StatementItem::Bet { bet, .. } | StatementItem::BetReversed { bet, .. } => Some(bet),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// Counts this account's lines from 1.
    pub number: u64,
    pub at: UtcMillis,
    pub item: StatementItem,
    /// Signed: what the balance changed by.
    pub amount: Pence,
    pub balance: Pence,
}

/// Which lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatementKind {
    #[default]
    All,
    /// Deposits and withdrawals.
    Payments,
    /// Bets and their commission.
    Bets,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatementFilter {
    pub range: DateRange,
    pub kind: StatementKind,
}

/// A line with what is still known of its bet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementRow {
    pub line: StatementLine,
    /// `None` for what is no bet, and when its market was forgotten.
    pub bet: Option<SettledBet>,
    /// What the market came to, while it stands resolved so: commission is taken from it.
    pub net: Option<Pence>,
    /// A later line takes this one back.
    pub taken_back: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledBet {
    pub runner: Runner,
    pub side: Side,
    pub matched: Pence,
    /// The average price is this by `matched`.
    pub matched_times_price: i128,
    pub placed_at: UtcMillis,
}

/// A page of the statement, the newest line first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub rows: Vec<StatementRow>,
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct StatementLog {
    count: u64,
    lines: VecDeque<StatementLine>,
}

impl StatementLog {
    pub(super) fn push(
        &mut self,
        at: UtcMillis,
        item: StatementItem,
        amount: Pence,
        balance: Pence,
    ) {
        self.count += 1;
        self.lines.push_back(StatementLine { number: self.count, at, item, amount, balance });
        if self.lines.len() > STATEMENT_LINES_MAX {
            self.lines.pop_front();
        }
    }

    /// The lines of one resolution of a market: each bet's profit, then the commission on all of them.
    /// `before` is the balance that they start from.
    pub(super) fn push_payment(
        &mut self,
        at: UtcMillis,
        market: MarketId,
        resolution: &Resolution,
        payment: &Payment,
        before: Pence,
    ) {
        let generation = payment.generation;
        let taken_back = *resolution == Resolution::Unsettled;
        let mut balance = before;
        for (bet, profit) in &payment.profits {
            balance += *profit;
            let item = match taken_back {
                false => StatementItem::Bet { market, generation, bet: *bet },
                true => StatementItem::BetReversed { market, generation, bet: *bet },
            };
            self.push(at, item, *profit, balance);
        }
        if !payment.commission.is_zero() {
            balance -= payment.commission;
            let item = match taken_back {
                false => StatementItem::Commission { market, generation },
                true => StatementItem::CommissionReversed { market, generation },
            };
            self.push(at, item, -payment.commission, balance);
        }
    }

    /// The balance after each line is the balance before it and its amount; says whose is not.
    pub(super) fn broken_line(&self) -> Option<u64> {
        let pairs = self.lines.iter().zip(self.lines.iter().skip(1));
        pairs
            .filter(|(before, line)| before.balance + line.amount != line.balance)
            .map(|(_, line)| line.number)
            .next()
    }
}

impl StatementKind {
    fn admits(self, item: StatementItem) -> bool {
        match self {
            StatementKind::All => true,
            StatementKind::Payments => item.resolution().is_none(),
            StatementKind::Bets => item.resolution().is_some(),
        }
    }
}

impl Account {
    pub fn statement(&self, filter: StatementFilter, page: Page) -> Statement {
        let lines = self.statement.lines.iter().rev();
        let lines = lines
            .filter(|line| filter.kind.admits(line.item) && filter.range.contains(line.at))
            .copied();
        let (lines, more) = page.at_most(STATEMENT_PAGE_MAX).cut(lines);
        Statement { rows: lines.into_iter().map(|line| self.statement_row(line)).collect(), more }
    }

    fn statement_row(&self, line: StatementLine) -> StatementRow {
        let settles =
            matches!(line.item, StatementItem::Bet { .. } | StatementItem::Commission { .. });
        let position = line
            .item
            .resolution()
            .and_then(|(market, generation)| Some((self.positions.get(&market)?, generation)));
        let bet = position.and_then(|(position, _)| {
            let bet = position.bet(line.item.bet()?)?;
            Some(SettledBet {
                runner: position.runner(bet),
                side: bet.side,
                matched: bet.matched,
                matched_times_price: i128::from(bet.value),
                placed_at: bet.placed_at,
            })
        });
        // Only the last resolution of a market can stand.
        let later = position.is_some_and(|(position, of)| position.generation > of);
        let net = position.and_then(|(position, of)| {
            let payment = &position.resolved.as_ref()?.payment;
            (payment.generation == of).then_some(payment.net)
        });
        StatementRow { line, bet, net, taken_back: settles && later }
    }
}
