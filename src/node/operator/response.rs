//! What operators are answered. Amounts are decimal texts in pounds.

use serde::{Serialize, Serializer};

use super::json::in_full;

/// Pence, written as `"12.50"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(pub i64);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&in_full(self.0))
    }
}

/// A user that there is now; the application key is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserCreated {
    /// The account.
    pub account_id: u64,
    /// As asked for.
    pub username: String,
    /// For `X-Application`.
    pub app_key: String,
}

/// An account's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Funds {
    /// What is the customer's.
    pub balance: Amount,
    /// What may be risked or withdrawn.
    pub available: Amount,
    /// What is at risk, at most zero.
    pub exposure: Amount,
}

/// A user and its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The account.
    pub account_id: u64,
    /// The login's name.
    pub username: String,
    /// Its money.
    #[serde(flatten)]
    pub funds: Funds,
    /// `ACTIVE`, `SUSPENDED` or `CLOSED`.
    pub status: &'static str,
}

/// An event that there is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventCreated {
    /// As the Betfair door prints it.
    pub event_id: String,
}

/// A market that there is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketCreated {
    /// As the Betfair door prints it.
    pub market_id: String,
    /// In the order of the request.
    pub runners: Vec<RunnerCreated>,
}

/// A runner and the id it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunnerCreated {
    /// The runner.
    pub selection_id: u64,
    /// As asked for.
    pub name: String,
}

/// A market after an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MarketState {
    /// `INACTIVE`, `OPEN`, `SUSPENDED` or `CLOSED`.
    pub status: &'static str,
    /// Increased by the act.
    pub version: u64,
}

/// All the money there is, at one offset of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Came in.
    pub deposits: Amount,
    /// Went out.
    pub withdrawals: Amount,
    /// All customers', holds included.
    pub customer_balances: Amount,
    /// Of them, held for bets.
    pub holds: Amount,
    /// Of markets that are being settled.
    pub clearing: Amount,
    /// The operator's.
    pub commission: Amount,
    /// What whole pence left over.
    pub rounding: Amount,
    /// Of virtual bets.
    pub cross_matching: Amount,
    /// What came in, less what went out and what is there. Computed, and never anything but zero.
    pub difference: Amount,
    /// Where the journal was.
    pub offset: u64,
}

impl Ledger {
    /// The ledger with its difference; `None` when a sum does not fit, which no ledger of pence does.
    pub fn with_difference(self) -> Option<Ledger> {
        let there = [self.clearing, self.commission, self.rounding, self.cross_matching];
        let there =
            there.iter().try_fold(self.customer_balances.0, |sum, part| sum.checked_add(part.0))?;
        let came = self.deposits.0.checked_sub(self.withdrawals.0)?;
        Some(Ledger { difference: Amount(came.checked_sub(there)?), ..self })
    }
}

/// A token; it is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenCreated {
    /// For `Authorization: Bearer`.
    pub token: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn money_is_written_in_full() {
        let funds = Funds { balance: Amount(1250), available: Amount(1245), exposure: Amount(-5) };
        let user = User { account_id: 7, username: "alice".into(), funds, status: "ACTIVE" };
        let expect = json!({"accountId": 7, "username": "alice", "balance": "12.50",
            "available": "12.45", "exposure": "-0.05", "status": "ACTIVE"});
        assert_eq!(serde_json::to_value(user).unwrap(), expect);
    }

    #[test]
    fn a_ledger_computes_its_difference() {
        let zero = Amount(0);
        let ledger = Ledger {
            deposits: Amount(100_000),
            withdrawals: Amount(5_000),
            customer_balances: Amount(94_499),
            holds: Amount(200),
            clearing: zero,
            commission: Amount(500),
            rounding: Amount(1),
            cross_matching: zero,
            difference: zero,
            offset: 42,
        };
        let good = ledger.clone().with_difference().unwrap();
        assert_eq!(good.difference, zero, "holds are part of the customers' balances");
        let written = serde_json::to_value(&good).unwrap();
        assert_eq!(written["customerBalances"], "944.99");
        assert_eq!((&written["difference"], &written["offset"]), (&json!("0.00"), &json!(42)));
        let lost = Ledger { rounding: zero, ..ledger.clone() }.with_difference().unwrap();
        assert_eq!(lost.difference, Amount(1), "a penny that is nowhere is seen");
        assert_eq!(Ledger { withdrawals: Amount(i64::MIN), ..ledger }.with_difference(), None);
    }
}
