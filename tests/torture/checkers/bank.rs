//! The bank checker: every penny that came in is somewhere, and no sum is taken on trust.

use std::ops::RangeInclusive;

use crate::harness::operator::{Ledger, Wallet};

/// `deposits`: from what was acknowledged to what was tried.
pub(crate) fn check(ledger: &Ledger, deposits: &RangeInclusive<i64>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut complain = |wrong: bool, what: &str| {
        if wrong {
            complaints.push(format!("{what}: {ledger:?}"));
        }
    };
    let held = ledger.customer_balances
        + ledger.clearing
        + ledger.commission
        + ledger.rounding
        + ledger.cross_matching;
    complain(ledger.difference != 0, "the node itself says that its books do not add up");
    complain(held != ledger.deposits - ledger.withdrawals, "what is held is not what came in");
    complain(!deposits.contains(&ledger.deposits), &format!("deposits are not in {deposits:?}"));
    complain(ledger.withdrawals != 0, "nobody withdrew");
    complaints
}

/// Once nothing is under way: the wallets are the ledger's customers.
pub(crate) fn check_wallets(ledger: &Ledger, wallets: &[(String, Wallet)]) -> Vec<String> {
    let mut complaints = Vec::new();
    let sum = |of: fn(&Wallet) -> i64| wallets.iter().map(|(_, it)| of(it)).sum::<i64>();
    if sum(|wallet| wallet.balance) != ledger.customer_balances {
        complaints.push(format!("balances do not add up to {ledger:?}: {wallets:?}"));
    }
    if sum(|wallet| wallet.exposure.abs()) != ledger.holds.abs() {
        complaints.push(format!("holds do not add up to {ledger:?}: {wallets:?}"));
    }
    for (name, wallet) in wallets {
        if wallet.available != wallet.balance - wallet.exposure.abs() || wallet.available < 0 {
            complaints.push(format!("{name} has what is not there: {wallet:?}"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        Ledger {
            deposits: 1_000,
            customer_balances: 900,
            holds: 100,
            commission: 90,
            rounding: 10,
            ..Ledger::default()
        }
    }

    fn wallets() -> Vec<(String, Wallet)> {
        let wallet =
            |balance, exposure| Wallet { balance, exposure, available: balance - exposure };
        vec![("ann".to_owned(), wallet(600, 100)), ("ben".to_owned(), wallet(300, 0))]
    }

    #[test]
    fn it_is_content_with_books_that_add_up() {
        assert_eq!(check(&ledger(), &(1_000..=1_000)), Vec::<String>::new());
        assert_eq!(check_wallets(&ledger(), &wallets()), Vec::<String>::new());
    }

    #[test]
    fn it_finds_every_planted_bug() {
        type Bug = fn(&mut Ledger);
        let bugs: [(&str, Bug); 4] = [
            ("the node itself", |it| it.difference = 1),
            ("what is held", |it| it.customer_balances += 1),
            ("deposits are not in", |it| {
                it.deposits -= 100;
                it.customer_balances -= 100;
            }),
            ("nobody withdrew", |it| {
                it.withdrawals = 5;
                it.customer_balances -= 5;
            }),
        ];
        for (words, bug) in bugs {
            let mut ledger = ledger();
            bug(&mut ledger);
            let complaints = check(&ledger, &(1_000..=1_050));
            assert!(complaints.iter().any(|it| it.contains(words)), "{words}: {complaints:?}");
        }
        type WalletBug = fn(&mut Wallet);
        let bugs: [(&str, WalletBug); 4] = [
            ("balances do not add up", |it| it.balance += 1),
            ("holds do not add up", |it| it.exposure -= 1),
            ("has what is not there", |it| it.available += 1),
            ("has what is not there", |it| *it = Wallet { balance: 0, exposure: 1, available: -1 }),
        ];
        for (words, bug) in bugs {
            let mut wallets = wallets();
            bug(&mut wallets[0].1);
            let complaints = check_wallets(&ledger(), &wallets);
            assert!(complaints.iter().any(|it| it.contains(words)), "{words}: {complaints:?}");
        }
    }
}
