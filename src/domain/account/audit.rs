//! Whether the account adds up: everything that is kept incrementally is computed again from the bets.

use super::bet::Stage;
use super::exposure::{RunnerSums, hold, worst};
use super::position::Position;
use super::{Account, UtcMillis};
use crate::ids::{BetId, MarketId, Runner};
use crate::money::Pence;

/// What is kept and what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Deposits less withdrawals, plus winnings, less commission.
    Balance {
        kept: Pence,
        computed: Pence,
    },
    /// The sum of the holds of all markets.
    Held {
        kept: Pence,
        computed: Pence,
    },
    Hold {
        market: MarketId,
        kept: Pence,
        computed: Pence,
    },
    Runner {
        market: MarketId,
        runner: Runner,
    },
    /// The parts of a bet do not make its size, or one of them is negative.
    Bet {
        market: MarketId,
        bet: BetId,
    },
    /// The bets of a market are out of order, or miscounted.
    Bets {
        market: MarketId,
    },
    /// The profits of a settlement do not make its net.
    Payment {
        market: MarketId,
    },
    /// A line of the statement does not follow from the one before.
    Statement {
        number: u64,
    },
}

impl Account {
    /// Recomputes balance, holds, sums and bets from scratch; empty when everything agrees.
    pub fn audit(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        let money = &self.money;
        let computed = money.deposited - money.withdrew + money.won - money.commission;
        if computed != money.balance {
            found.push(Difference::Balance { kept: money.balance, computed });
        }
        let computed = self.positions.values().map(|position| position.held).sum();
        if computed != self.held {
            found.push(Difference::Held { kept: self.held, computed });
        }
        if let Some(number) = self.statement.broken_line() {
            found.push(Difference::Statement { number });
        }
        for (market, position) in &self.positions {
            position.audit(*market, &mut found);
        }
        found
    }

    /// What must hold after every event, for tests: the audit is clean, and nobody holds for nothing.
    pub fn check_invariants(&self) {
        let found = self.audit();
        assert!(found.is_empty(), "{found:?}");
        for (market, position) in &self.positions {
            let quiet = position.is_quiet() && position.resolved.is_some();
            assert!(!quiet || position.held.is_zero(), "{market} is over and holds");
        }
        assert!(self.held >= Pence::ZERO, "what is held is never negative");
    }
}

impl Position {
    fn audit(&self, market: MarketId, found: &mut Vec<Difference>) {
        let mut sums = vec![RunnerSums::default(); self.runners.len()];
        let (mut live, mut unmatched) = (0, 0);
        for bet in &self.bets {
            let parts = [bet.matched, bet.cancelled, bet.lapsed, bet.remaining()];
            let done = bet.stage == Stage::Done;
            let whole = parts.iter().all(|part| *part >= Pence::ZERO)
                && (bet.remaining().is_zero() || !done)
                && !(bet.at_close && (done || !bet.remaining().is_zero()))
                && bet.liability >= Pence::ZERO
                && (bet.stage == Stage::Replacing || bet.held_at == bet.price);
            let placed = bet.matched.is_zero() || bet.matched_at != UtcMillis::default();
            if !whole || !placed || !self.fragments.agree_with(bet) {
                found.push(Difference::Bet { market, bet: bet.id });
            }
            let mine = &mut sums[usize::from(bet.runner)];
            *mine += bet.matched_sums();
            *mine += bet.open_sums();
            live += u32::from(!done);
            unmatched += u32::from(done && bet.matched.is_zero());
        }
        let ordered = self.bets.windows(2).all(|pair| pair[0].id < pair[1].id);
        if !ordered || live != self.live || unmatched != self.unmatched {
            found.push(Difference::Bets { market });
        }
        for ((runner, kept), computed) in self.runners.iter().zip(&sums) {
            if kept != computed {
                found.push(Difference::Runner { market, runner: *runner });
            }
        }
        let resolved = self.resolved.is_some();
        let runs = |(runner, _): &(&(Runner, RunnerSums), _)| !self.removed.contains(&runner.0);
        let open = self.runners.iter().zip(&sums).filter(runs);
        let open = open.map(|(_, sums)| if resolved { sums.open_only() } else { *sums });
        let computed = hold(worst(&self.running(&self.terms), open));
        if computed != i128::from(self.held.0) {
            let computed = Pence(i64::try_from(computed).unwrap_or(i64::MAX));
            found.push(Difference::Hold { market, kept: self.held, computed });
        }
        if let Some(resolved) = &self.resolved {
            let payment = &resolved.payment;
            let net: Pence = payment.profits.iter().map(|(_, profit)| *profit).sum();
            let all_matched = self
                .bets
                .iter()
                .filter(|bet| resolved.results.is_some() && !bet.matched.is_zero())
                .all(|bet| payment.profits.binary_search_by_key(&bet.id, |(bet, _)| *bet).is_ok());
            if net != payment.net || !all_matched {
                found.push(Difference::Payment { market });
            }
        }
    }
}
