//! `GET /v1/operator/ledger`: what the log adds up to, held against what the accounts say themselves.

use std::collections::BTreeMap;

use actors::account::AccountView;
use actors::node::Node;
use domain::ids::{AccountId, PartitionId};
use domain::ledger::{Ledger, LedgerTotals};
use domain::money::Pence;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::ask;
use super::problem::Problem;

/// Looks taken before an account that moves all the time is left to its folded balance.
const LOOKS: usize = 3;

/// The totals at one offset. Balances of accounts that are awake are their own wherever they rest on the
/// same records as the fold; the difference is computed from those.
pub async fn read(node: &Node) -> Result<Value, Problem> {
    let mut live: BTreeMap<AccountId, (u64, Pence, Pence)> = BTreeMap::new();
    let (mut ledger, mut offset) = fold(node).await?;
    let mut compared = 0;
    for _ in 0..LOOKS {
        let asked: Vec<_> = ledger
            .customers()
            .filter_map(|account| Some((account, ask::funds_if_awake(node, account)?)))
            .collect();
        for (account, answer) in asked {
            if let Ok(AccountView::Funds { funds, records, .. }) = answer.await {
                live.insert(account, (records, funds.balance, funds.exposure));
            }
        }
        (ledger, offset) = fold(node).await?;
        compared = live
            .iter()
            .filter(|(account, (seq, ..))| {
                folded(&ledger, **account).is_some_and(|it| it.0 == *seq)
            })
            .count();
        if compared == live.len() {
            break;
        }
    }
    let totals = ledger.totals();
    let (mut balances, mut holds) = (totals.customer_balances, totals.holds);
    for (account, (seq, balance, held)) in &live {
        if let Some((folded_seq, folded_balance, folded_held)) = folded(&ledger, *account)
            && folded_seq == *seq
        {
            balances += *balance - folded_balance;
            holds += *held - folded_held;
        }
    }
    Ok(shown(&LedgerTotals { customer_balances: balances, holds, ..totals }, offset, compared))
}

fn folded(ledger: &Ledger, account: AccountId) -> Option<(u64, Pence, Pence)> {
    ledger.customer(account)
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

/// The ledger as the journal's thread has folded it, at a released offset.
async fn fold(node: &Node) -> Result<(Ledger, u64), Problem> {
    let partition = node.partition(PartitionId(0)).ok_or_else(gone)?;
    let (reply, answer) = oneshot::channel();
    let asked = partition.log.query(move |fold, offset| {
        let _ = reply.send((fold.ledger.clone(), offset.get()));
    });
    asked.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())
}

fn gone() -> Problem {
    ask::unavailable("the journal is being restarted, try again")
}
