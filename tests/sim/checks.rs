//! What holds when nothing is on its way: nothing is open, and everything is what the naive exchange says.

use super::law::{Check, hold};
use super::world::World;
use crate::harness::Random;
use domain::account::{ClearedFilter, ClearedGroup, ClearedStatus, Page};
use domain::ids::{AccountId, BetId, EntityId, MarketId};
use domain::money::Pence;
use domain::order::Side;
use std::collections::{BTreeMap, BTreeSet};

/// So often timers may have to fire before all is said: three for a command that is refused at its third
/// attempt, the rest for answers that follow from answers.
const ROUNDS: usize = 60;

/// Far more than any honest history has on its way at once.
const MESSAGES_MAX: usize = 20_000;

impl World {
    /// Lets everything come to an end that can, then compares.
    pub(super) fn settle_down(&mut self, random: &mut Random) -> Check {
        for _ in 0..ROUNDS {
            self.deliver_all(random)?;
            self.sync(self.log.len())?;
            self.pass_open();
            if self.queues.is_empty() && self.open().is_none() {
                return self.quiet();
            }
            self.tick(700)?;
            self.home_repeats();
            let accounts: Vec<AccountId> = self.accounts.keys().copied().collect();
            let markets: Vec<MarketId> = self.markets.keys().copied().collect();
            accounts.into_iter().for_each(|id| self.account_repeats(id));
            markets.into_iter().for_each(|id| self.market_repeats(id));
        }
        hold!(Quiet, false, "after {ROUNDS} rounds there is open: {:?}", self.open());
        Ok(())
    }

    /// Delivers until nothing is on its way. Talk without an end breaks the same law.
    pub(super) fn deliver_all(&mut self, random: &mut Random) -> Check {
        for _ in 0..MESSAGES_MAX {
            if !self.deliver(random)? {
                return Ok(());
            }
        }
        hold!(Quiet, false, "after {MESSAGES_MAX} messages there are more on their way");
        Ok(())
    }

    /// Something that somebody still waits for.
    fn open(&self) -> Option<String> {
        for (id, shell) in &self.accounts {
            if let Some((market, n, command, _)) = shell.state.open_commands().next() {
                return Some(format!("command {n} of {id} to {market}: {command:?}"));
            }
        }
        for (id, shell) in &self.markets {
            let state = &shell.state;
            if let Some(account) = state.accounts_to_resume().next() {
                let notice = state.open_notices(account, 0).next();
                return Some(format!("notice of {id} to {account}: {notice:?}"));
            }
            if state.settling() || state.wake().is_some() {
                return Some(format!("{id} is settling or waits"));
            }
        }
        if !self.clients_are_quiet() {
            return Some(format!("requests of {:?}", self.clients));
        }
        (!self.home.is_quiet()).then(|| format!("acts of {:?}", self.home))
    }

    fn quiet(&self) -> Check {
        self.released_holds()?;
        for (id, shell) in &self.accounts {
            let funds = shell.state.funds();
            let balance = self.oracle.balance(*id);
            hold!(
                Settlement,
                funds.balance.0 == balance,
                "account {id} has {}, should have {}",
                funds.balance,
                Pence(balance)
            );
            let mut held = 0;
            for market in self.markets.keys() {
                held += self.position_agrees(*id, *market)?;
            }
            hold!(Exposure, held == funds.exposure.0, "account {id} holds {}", funds.exposure);
        }
        for market in self.markets.keys() {
            self.backs_are_lays(*market)?;
        }
        let totals = self.fold.ledger.totals();
        hold!(Settlement, totals == self.fold.ledger.recounted(), "{totals:?} is no sum");
        hold!(Settlement, totals.clearing.is_zero(), "{} is in clearing", totals.clearing);
        let house: i64 = self.oracle.markets.values().map(|market| market.house_paid).sum();
        let cross_matching = totals.cross_matching;
        hold!(House, cross_matching.0 == house, "the house has {cross_matching}, not {house}");
        let entities: BTreeSet<EntityId> = self.fold.entities().map(|(entity, _)| entity).collect();
        for entity in entities {
            let records = self.records_of(entity, 0);
            let right = (1..).zip(&records).all(|(seq, record)| record.seq == seq);
            hold!(Sequence, right, "{entity} has holes in its records");
        }
        Ok(())
    }

    /// Bets, hold and cleared profits of an account in a market; says the hold.
    fn position_agrees(&self, id: AccountId, market_id: MarketId) -> Check<i64> {
        let account = &self.accounts[&id].state;
        let market = &self.oracle.markets[&market_id];
        let held = market.hold_of(id);
        let real = account.exposure_in(market_id);
        hold!(
            Exposure,
            real.0 == held,
            "account {id} holds {real} in {market_id}, not {}",
            Pence(held)
        );
        let (matched, open) = (market.matched_of(id), market.open_of(id));
        let closing = market.closing_of(id);
        let known: BTreeSet<BetId> = matched.keys().chain(open.keys()).copied().collect();
        for bet in known {
            let due = matched.get(&bet).copied().unwrap_or_default();
            let left = open.get(&bet).copied().unwrap_or_default();
            let closing = closing.get(&bet).copied();
            let real = account.current_order(market_id, bet);
            let agrees = real.as_ref().is_some_and(|real| {
                (real.matched.0, real.voided.0) == (due.matched, due.voided)
                    && real.matched_times_price == due.value
                    && real.remaining.0 == left
                    && real.at_close.then_some(real.liability.0) == closing
            });
            hold!(Naive, agrees, "bet {bet} of {id} is matched {due:?}, open {left}: {real:?}");
            let (told, size) = (self.oracle.told(bet).0, due.matched + due.voided);
            hold!(Book, told == size, "{id} heard of {told} of bet {bet}, {size} is matched");
        }
        if let Some(payment) = market.standing(id)
            && !market.is_void()
        {
            let filter = ClearedFilter {
                status: ClearedStatus::Settled,
                markets: Some(BTreeSet::from([market_id])),
                ..ClearedFilter::default()
            };
            let page = Page { from: 0, count: 1_000 };
            let rows = account.cleared_orders(&filter, ClearedGroup::Bet, page).orders;
            let rows: BTreeMap<BetId, i64> =
                rows.iter().filter_map(|row| Some((row.bet?, row.profit.0))).collect();
            let mut cleared = payment.profits.clone();
            cleared.retain(|bet, _| matched.get(bet).is_some_and(|bet| bet.voided == 0));
            hold!(
                Settlement,
                rows == cleared,
                "{id} cleared {rows:?} in {market_id}, not {payment:?}"
            );
            let whole = account.cleared_orders(&filter, ClearedGroup::Market, page).orders;
            let commission: i64 =
                whole.iter().filter_map(|row| row.commission).map(|pence| pence.0).sum();
            let due = self.oracle.accounts[&id].commission.get(&market_id).copied();
            let due = if payment.profits.is_empty() { 0 } else { due.unwrap_or_default() };
            hold!(
                Settlement,
                commission == due,
                "{id} paid {commission} in {market_id}, not {due}"
            );
        }
        Ok(held)
    }

    /// What all accounts and the house have backed is what they have laid, runner by runner.
    fn backs_are_lays(&self, market: MarketId) -> Check {
        let mut sums: BTreeMap<domain::ids::Runner, [(i64, i128); 2]> = BTreeMap::new();
        for shell in self.accounts.values() {
            for row in shell.state.matches(market, None) {
                let sides = sums.entry(row.runner).or_default();
                let side = &mut sides[usize::from(row.side == Side::Lay)];
                side.0 += row.size.0;
                side.1 += row.matched_times_price;
            }
        }
        for (runner, mut sides) in sums {
            let house = self.oracle.markets[&market].house_stands(runner);
            for (sum, (size, value)) in sides.iter_mut().zip(house) {
                (sum.0, sum.1) = (sum.0 + size, sum.1 + value);
            }
            let [backs, lays] = sides;
            let (size, value) = self.oracle.markets[&market].pence_apart(runner);
            let apart = ((backs.0 - lays.0).abs(), (backs.1 - lays.1).abs());
            let right = apart.0 <= size && apart.1 <= value;
            hold!(Book, right, "{market} {runner:?}: backed {backs:?}, laid {lays:?}");
        }
        Ok(())
    }
}
