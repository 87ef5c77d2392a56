//! Double entry: what each record moves between the ledger's accounts.
//!
//! The ledger is folded from the log, in log order; the sum over all its accounts is zero at every offset,
//! since every record balances by itself.

use crate::ids::{AccountId, EntityId, MarketId};
use crate::money::Pence;
use crate::record::{AccountEvent, Event, MarketEvent, Record};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where money can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LedgerAccount {
    /// Outside: deposits leave it, withdrawals return to it.
    World,
    Customer(AccountId),
    /// Between the customers of one market while it is paid out; zero when that is through.
    Clearing(MarketId),
    Commission,
    Rounding,
    CrossMatching,
}

/// The debits and credits of one record; they sum to zero.
pub fn postings(record: &Record) -> impl Iterator<Item = (LedgerAccount, Pence)> {
    use LedgerAccount::{Clearing, Commission, Customer, Rounding, World};
    let nothing = (World, Pence::ZERO);
    let entries = match (&record.event, record.entity) {
        (Event::Account(event), EntityId::Account(id)) => match event {
            AccountEvent::Deposited { amount, .. } => {
                [(World, -*amount), (Customer(id), *amount), nothing]
            }
            AccountEvent::Withdrew { amount, .. } => {
                [(World, *amount), (Customer(id), -*amount), nothing]
            }
            AccountEvent::Noticed(noticed) => match &noticed.payment {
                Some(paid) => [
                    (Clearing(noticed.market), -paid.net),
                    (Customer(id), paid.net - paid.commission),
                    (Commission, paid.commission),
                ],
                None => [nothing; 3],
            },
            _ => [nothing; 3],
        },
        (
            Event::Market(MarketEvent::ResolutionClosed { rounding, .. }),
            EntityId::Market(market),
        ) => [(Clearing(market), -*rounding), (Rounding, *rounding), nothing],
        _ => [nothing; 3],
    };
    entries.into_iter().filter(|(_, amount)| !amount.is_zero())
}

/// What a log adds up to, at one offset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    deposits: Pence,
    withdrawals: Pence,
    commission: Pence,
    rounding: Pence,
    cross_matching: Pence,
    /// Only markets that are being paid out: a zero is dropped.
    clearing: BTreeMap<MarketId, Pence>,
    customers: BTreeMap<AccountId, Customer>,
    /// What customers and clearing accounts come to, so that nobody must walk them.
    customer_balances: Pence,
    in_clearing: Pence,
    holds: Pence,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Customer {
    balance: Pence,
    /// Records seen, so that a live balance can be compared at the same point of the log.
    seq: u64,
    holds: BTreeMap<MarketId, Pence>,
    held: Pence,
}

/// The ledger's totals, as an operator sees them. `difference` is computed, and is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LedgerTotals {
    pub deposits: Pence,
    pub withdrawals: Pence,
    /// Holds are part of them.
    pub customer_balances: Pence,
    pub holds: Pence,
    pub clearing: Pence,
    pub commission: Pence,
    pub rounding: Pence,
    pub cross_matching: Pence,
    pub difference: Pence,
}

impl Ledger {
    pub fn apply(&mut self, record: &Record) {
        for (account, amount) in postings(record) {
            self.post(account, amount);
        }
        if let (Event::Account(event), EntityId::Account(id)) = (&record.event, record.entity) {
            let customer = self.customers.entry(id).or_default();
            customer.seq = record.seq;
            let held = match event {
                AccountEvent::Ordered(ordered) => Some((ordered.market, ordered.exposure)),
                AccountEvent::Noticed(noticed) => Some((noticed.market, noticed.exposure)),
                _ => None,
            };
            if let Some((market, exposure)) = held {
                let before = match exposure {
                    Pence::ZERO => customer.holds.remove(&market),
                    held => customer.holds.insert(market, held),
                };
                let more = exposure - before.unwrap_or_default();
                customer.held += more;
                self.holds += more;
            }
        }
    }

    fn post(&mut self, account: LedgerAccount, amount: Pence) {
        match account {
            LedgerAccount::World if amount < Pence::ZERO => self.deposits -= amount,
            LedgerAccount::World => self.withdrawals += amount,
            LedgerAccount::Customer(id) => {
                self.customers.entry(id).or_default().balance += amount;
                self.customer_balances += amount;
            }
            LedgerAccount::Clearing(market) => {
                self.in_clearing += amount;
                let left = self.clearing.entry(market).or_default();
                *left += amount;
                if left.is_zero() {
                    self.clearing.remove(&market);
                }
            }
            LedgerAccount::Commission => self.commission += amount,
            LedgerAccount::Rounding => self.rounding += amount,
            LedgerAccount::CrossMatching => self.cross_matching += amount,
        }
    }

    pub fn totals(&self) -> LedgerTotals {
        self.totals_of(self.customer_balances, self.in_clearing, self.holds)
    }

    /// The same, counted again account by account: for who does not take the sums on trust.
    pub fn recounted(&self) -> LedgerTotals {
        let balances = self.customers.values().map(|customer| customer.balance).sum();
        let holds = self.customers.values().flat_map(|customer| customer.holds.values());
        self.totals_of(balances, self.clearing.values().copied().sum(), holds.copied().sum())
    }

    fn totals_of(&self, customer_balances: Pence, clearing: Pence, holds: Pence) -> LedgerTotals {
        let everything =
            customer_balances + clearing + self.commission + self.rounding + self.cross_matching;
        LedgerTotals {
            deposits: self.deposits,
            withdrawals: self.withdrawals,
            customer_balances,
            holds,
            clearing,
            commission: self.commission,
            rounding: self.rounding,
            cross_matching: self.cross_matching,
            difference: self.deposits - self.withdrawals - everything,
        }
    }

    pub fn clearing(&self, market: MarketId) -> Pence {
        self.clearing.get(&market).copied().unwrap_or_default()
    }

    /// An account's folded balance and holds, and how many of its records they rest on.
    pub fn customer(&self, account: AccountId) -> Option<(u64, Pence, Pence)> {
        let customer = self.customers.get(&account)?;
        Some((customer.seq, customer.balance, customer.held))
    }
}
