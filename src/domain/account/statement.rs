//! The account's statement: one line for each movement of money, the newest kept.

use super::Account;
use super::queries::{DateRange, Page};
use crate::ids::MarketId;
use crate::money::Pence;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// So many lines are kept; the oldest go first.
pub const STATEMENT_LINES_MAX: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatementItem {
    Deposit,
    Withdrawal,
    /// Won or lost in a market, or taken back.
    Result {
        market: MarketId,
        generation: u32,
    },
    Commission {
        market: MarketId,
        generation: u32,
    },
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

/// A page of the statement, the newest line first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub lines: Vec<StatementLine>,
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

    /// The balance after each line is the balance before it and its amount; says whose is not.
    pub(super) fn broken_line(&self) -> Option<u64> {
        let pairs = self.lines.iter().zip(self.lines.iter().skip(1));
        pairs
            .filter(|(before, line)| before.balance + line.amount != line.balance)
            .map(|(_, line)| line.number)
            .next()
    }
}

impl Account {
    pub fn statement(&self, range: DateRange, page: Page) -> Statement {
        let lines = self.statement.lines.iter().rev().filter(|line| range.contains(line.at));
        let (lines, more) = page.cut(lines.copied());
        Statement { lines, more }
    }
}
