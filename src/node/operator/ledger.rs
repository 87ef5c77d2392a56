//! `GET /v1/operator/ledger`: what the log adds up to, held against what the accounts say themselves.
//!
//! The journal's thread keeps the sums as it folds, so a look costs it one answer and a look-up for each
//! account that is awake, however many there are in all.

use std::collections::BTreeMap;

use actors::account::AccountView;
use actors::node::Node;
use domain::ids::{AccountId, PartitionId};
use domain::ledger::LedgerTotals;
use domain::money::Pence;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::ask;
use super::problem::Problem;

/// Looks taken before an account that moves all the time is left to its folded balance.
const LOOKS: usize = 3;
/// Accounts that are asked at one look; more that are awake are left to their folded balances.
const ACCOUNTS_ASKED_MAX: usize = 10_000;
/// One node alone runs one partition.
const PARTITION: PartitionId = PartitionId(0);

/// An account's balance and what is held of it, and how many of its records they rest on.
type Stand = (u64, Pence, Pence);

/// The totals at one offset. Balances of accounts that are awake are their own wherever they rest on the
/// same records as the fold; the difference is computed from those.
pub async fn read(node: &Node) -> Result<Value, Problem> {
    let mut live: BTreeMap<AccountId, Stand> = BTreeMap::new();
    let mut folded = Folded::default();
    for _ in 0..LOOKS {
        let awake = node.registry.accounts(PARTITION).into_iter().take(ACCOUNTS_ASKED_MAX);
        let asked: Vec<_> = awake
            .filter_map(|account| Some((account, ask::funds_if_awake(node, account)?)))
            .collect();
        for (account, answer) in asked {
            if let Ok(AccountView::Funds { funds, records, .. }) = answer.await {
                live.insert(account, (records, funds.balance, funds.exposure));
            }
        }
        folded = fold(node, live.keys().copied().collect()).await?;
        if live.iter().all(|(account, stand)| folded.agrees_on(*account, stand.0)) {
            break;
        }
    }
    let mut totals = folded.totals;
    let mut compared = 0;
    for (account, (records, balance, held)) in &live {
        if let Some((seen, folded_balance, folded_held)) = folded.stands.get(account)
            && seen == records
        {
            compared += 1;
            totals.customer_balances += *balance - *folded_balance;
            totals.holds += *held - *folded_held;
        }
    }
    Ok(shown(&totals, folded.offset, compared))
}

/// What the journal's thread has folded, at a released offset.
#[derive(Default)]
struct Folded {
    totals: LedgerTotals,
    /// Of the accounts that were asked for.
    stands: BTreeMap<AccountId, Stand>,
    offset: u64,
}

impl Folded {
    fn agrees_on(&self, account: AccountId, records: u64) -> bool {
        self.stands.get(&account).is_some_and(|(seen, ..)| *seen == records)
    }
}

fn shown(totals: &LedgerTotals, offset: u64, compared: usize) -> Value {
    let difference = totals.deposits
        - totals.withdrawals
        - (totals.customer_balances
            + totals.clearing
            + totals.commission
            + totals.rounding
            + totals.cross_matching);
    json!({
        "deposits": totals.deposits.to_string(),
        "withdrawals": totals.withdrawals.to_string(),
        "customerBalances": totals.customer_balances.to_string(),
        "holds": totals.holds.to_string(),
        "clearing": totals.clearing.to_string(),
        "commission": totals.commission.to_string(),
        "rounding": totals.rounding.to_string(),
        "crossMatching": totals.cross_matching.to_string(),
        "difference": difference.to_string(),
        "offset": offset,
        "accountsCompared": compared,
    })
}

async fn fold(node: &Node, accounts: Vec<AccountId>) -> Result<Folded, Problem> {
    let partition = node.partition(PARTITION).ok_or_else(gone)?;
    let (reply, answer) = oneshot::channel();
    let asked = partition.log.query(move |fold, offset| {
        let stand = |account| Some((account, fold.ledger.customer(account)?));
        let folded = Folded {
            totals: fold.ledger.totals(),
            stands: accounts.into_iter().filter_map(stand).collect(),
            offset: offset.get(),
        };
        // Who asked may have gone.
        let _ = reply.send(folded);
    });
    asked.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())
}

fn gone() -> Problem {
    ask::unavailable("the journal is being restarted, try again")
}
