//! Who wins what, and what may be lost, by writing everything out: each match by itself as an exact
//! fraction, each outcome by itself.

use super::Oracle;
use super::book::{NaiveMarket, NaiveMatch};
use super::crossing::HOUSE;
use super::starting_price::NaiveClose;
use crate::sim::law::{Check, hold};
use domain::act::{AccountProfile, MarketAct, Verdict};
use domain::definition::MarketDefinition;
use domain::ids::{AccountId, BetId, MarketId, Runner};
use domain::money::Pence;
use domain::order::Side;
use domain::record::{Payment, Resolution, RunnerResult, StatusChanged};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(in crate::sim) struct NaiveAccount {
    pub(super) profile: AccountProfile,
    /// Deposits less withdrawals, and what settlements moved.
    pub(in crate::sim) balance: i64,
    /// Commission of the generation that stands, by market.
    pub(in crate::sim) commission: BTreeMap<MarketId, i64>,
}

/// What a generation pays an account: each bet's profit in whole pence.
#[derive(Debug, Default, Clone, PartialEq)]
pub(in crate::sim) struct NaivePayment {
    pub(in crate::sim) profits: BTreeMap<BetId, i64>,
}

/// Stakes of a bet, and the sum of price times stake of what is not void.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::sim) struct NaiveBet {
    pub(in crate::sim) matched: i64,
    pub(in crate::sim) voided: i64,
    pub(in crate::sim) value: i64,
}

impl NaivePayment {
    pub(in crate::sim) fn net(&self) -> i64 {
        self.profits.values().sum()
    }
}

/// A whole number of pence, halves up.
fn rounded(numerator: i128, denominator: i128) -> i64 {
    let (whole, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    (whole + i128::from(2 * rest >= denominator)) as i64
}

/// Stakes are shared by as many as divide this.
const PARTS: i128 = 12;

/// What amounts are multiplied by to stay whole.
fn scale(definition: &MarketDefinition) -> i128 {
    PARTS * i128::from(definition.each_way_divisor.unwrap_or(100))
}

/// What a backer of `size` wins, in hundredths of a penny times the scale; `value` is price times size.
fn pays(definition: &MarketDefinition, result: RunnerResult, value: i64, size: i64) -> i128 {
    use RunnerResult::*;
    let stake = 100 * i128::from(size);
    let gain = i128::from(value) - stake;
    let part = |gain: i128, stake: i128, places: u16, of: u16| {
        let won = PARTS * i128::from(places.min(of)) / i128::from(of);
        won * gain - (PARTS - won) * stake
    };
    let (win, place) = match result {
        Winner { places, of } => ((places, of), (definition.number_of_winners, of)),
        Placed { places, of } => ((0, 1), (places, of)),
        _ => ((0, 1), (0, 1)),
    };
    if let Some(divisor) = definition.each_way_divisor.map(i128::from) {
        let on_winning = divisor * part(gain, stake, win.0, win.1);
        return on_winning + part(100 * gain, divisor * stake, place.0, place.1);
    }
    100 * part(gain, stake, win.0, win.1)
}

/// What the operator's word means for a runner.
fn ends(definition: &MarketDefinition, verdict: &Verdict, runner: Runner) -> RunnerResult {
    let won = verdict.winners.len() as u16;
    let wins = if definition.each_way_divisor.is_some() { 1 } else { definition.number_of_winners };
    match (verdict.winners.contains(&runner), verdict.placed.contains(&runner)) {
        (true, _) => RunnerResult::Winner { places: wins.min(won), of: won },
        (false, true) => RunnerResult::Placed { places: 1, of: 1 },
        (false, false) => RunnerResult::Loser,
    }
}

/// Every way in which a market may end, runner by runner; nobody of `removed` wins.
fn endings(definition: &MarketDefinition, removed: &BTreeSet<Runner>) -> Vec<Vec<RunnerResult>> {
    use RunnerResult::*;
    let (runners, full) = (definition.runners.len(), Winner { places: 1, of: 1 });
    let runs = |at: usize| !removed.contains(&definition.runners[at].runner);
    let running = (0..runners).filter(|at| runs(*at)).count() as u32;
    let places = u32::from(definition.number_of_winners).min(running);
    let sets = (0_u32..1 << runners).filter(|set| {
        let named = set.count_ones();
        (0..runners).all(|at| set >> at & 1 == 0 || runs(at))
            && (named == places || (named < places && !definition.complete))
    });
    sets.flat_map(|set| {
        let named = move |at: usize| set >> at & 1 == 1;
        // Each-way, each of those who are placed may be the winner.
        let winners = match definition.each_way_divisor {
            Some(_) => (0..runners).filter(|at| named(*at)).map(Some).collect(),
            None => vec![None],
        };
        winners.into_iter().map(move |winner| {
            let fate = |at: usize| match (named(at), winner) {
                (false, _) => Loser,
                (true, Some(winner)) if winner != at => Placed { places: 1, of: 1 },
                (true, _) => full,
            };
            (0..runners).map(fate).collect::<Vec<_>>()
        })
    })
    .collect()
}

impl NaiveMarket {
    pub(super) fn resolved(
        &mut self,
        act: &MarketAct,
        generation: u32,
        resolution: &Resolution,
        change: &StatusChanged,
    ) -> Check {
        hold!(Settlement, generation == self.generation + 1, "generation {generation}");
        self.generation = generation;
        self.paid = 0;
        self.closes(change)?;
        match (act, resolution) {
            (MarketAct::Settle(verdict), Resolution::Settled(results)) => {
                let definition = self.definition.as_ref().expect("it was created");
                let runners = definition.runners.iter().map(|runner| runner.runner);
                let ended = |runner| match self.is_removed(runner) {
                    true => RunnerResult::Removed,
                    false => ends(definition, verdict, runner),
                };
                let named: Vec<_> = runners.map(|runner| (runner, ended(runner))).collect();
                hold!(Settlement, named == *results, "{act:?} became {results:?}");
                self.settle(generation, results);
                self.settled_by = generation;
                self.resolution = Some(resolution.clone());
            }
            (MarketAct::Void, Resolution::Voided) => {
                self.settled_by = generation;
                self.resolution = Some(Resolution::Voided);
            }
            (MarketAct::Unsettle, Resolution::Unsettled) => {
                let before: Vec<_> = self.payments_of(self.settled_by).collect();
                for (account, mut payment) in before {
                    payment.profits.values_mut().for_each(|profit| *profit = -*profit);
                    self.payments.insert((generation, account), payment);
                }
                self.resolution = None;
            }
            _ => hold!(Settlement, false, "{act:?} became {resolution:?}"),
        }
        Ok(())
    }

    fn payments_of(
        &self,
        generation: u32,
    ) -> impl Iterator<Item = (AccountId, NaivePayment)> + use<'_> {
        let all = self.payments.iter();
        let of = all.filter(move |((of, _), _)| *of == generation);
        of.map(|((_, account), payment)| (*account, payment.clone()))
    }

    fn settle(&mut self, generation: u32, results: &[(Runner, RunnerResult)]) {
        let definition = self.definition.as_ref().expect("it was created");
        // By account and bet: hundredths of a penny times the scale.
        let mut exact: BTreeMap<(AccountId, BetId), i128> = BTreeMap::new();
        for NaiveMatch { runner, worth, size, bets, void, .. } in &self.matches {
            let result =
                results.iter().find(|(named, _)| named == runner).map(|(_, result)| *result);
            let backer = match void {
                true => 0,
                false => {
                    let value = i64::from(worth.0) * size;
                    pays(definition, result.expect("every runner ends"), value, *size)
                }
            };
            *exact.entry(bets[0]).or_default() += backer;
            *exact.entry(bets[1]).or_default() -= backer;
        }
        for close in &self.closings {
            let result = results.iter().find(|(named, _)| *named == close.runner);
            let result = result.map(|(_, result)| *result).expect("every runner ends");
            let backer = match close.void {
                true => 0,
                false => pays(definition, result, close.value, close.size),
            };
            let profit = if close.side == Side::Back { backer } else { -backer };
            *exact.entry((close.account, close.bet)).or_default() += profit;
        }
        let scale = 100 * scale(definition);
        for ((account, bet), profit) in exact {
            let payment = self.payments.entry((generation, account)).or_default();
            // The house has what it has in whole pence.
            let house = (account, bet) == HOUSE;
            let pence =
                if house { profit.div_euclid(scale) as i64 } else { rounded(profit, scale) };
            payment.profits.insert(bet, pence);
        }
    }

    pub(super) fn was_paid(&mut self, payments: &[(AccountId, u64, Pence)]) -> Check {
        for (account, _, paid) in payments {
            let due = self.payments.get(&(self.generation, *account)).map_or(0, NaivePayment::net);
            // A removal pays nobody.
            let expected = if self.removing.is_some() { 0 } else { due };
            hold!(
                Settlement,
                paid.0 == expected,
                "clearing paid {account} {paid}, not {}",
                Pence(expected)
            );
            self.paid += paid.0;
        }
        Ok(())
    }

    pub(super) fn closed(&mut self, rounding: Pence, crossed: Pence) -> Check {
        if let Some(resumes) = self.removing {
            hold!(Settlement, rounding.is_zero(), "{rounding} of rounding for a removal");
            return self.removal_closed(resumes);
        }
        let all: i64 = self.payments_of(self.generation).map(|(_, payment)| payment.net()).sum();
        let house = self.payments.get(&(self.generation, HOUSE.0)).map_or(0, NaivePayment::net);
        let all = all - house;
        hold!(
            Settlement,
            all == self.paid && crossed.0 == house && rounding.0 == -all - house,
            "all are paid {}, {} was, the house {}, {crossed} was, {rounding} is rounding",
            Pence(all),
            Pence(self.paid),
            Pence(house)
        );
        self.house_paid += house;
        hold!(House, self.house_paid >= 0, "the house has lost {}", Pence(-self.house_paid));
        // Rounded to the penny by bet, what is left is less than a penny for each; at a starting price backs
        // and lays may be a penny of stake apart for each, and a removal rounds the price of each.
        let apart = |close: &NaiveClose| 2 + close.value / (100 * close.size) + close.size / 100;
        let closed: i64 = self.closings.iter().map(apart).sum();
        let bets = 2 * self.matches.len() as i64 + closed;
        hold!(Settlement, rounding.0.abs() <= bets, "{rounding} of rounding for {bets} bets");
        Ok(())
    }

    /// The hold of an account, by trying every set of winners.
    pub(in crate::sim) fn hold_of(&self, account: AccountId) -> i64 {
        let Some(definition) = self.definition.as_deref() else { return 0 };
        if self.resolution.is_some() {
            return 0;
        }
        let endings = endings(definition, &self.removed_for(account)).into_iter();
        let worst = endings.map(|ending| self.result(definition, account, &ending)).min();
        let worst = worst.unwrap_or_default();
        // Rounded up to the penny.
        let scale = 100 * scale(definition);
        ((-worst.min(0) + scale - 1) / scale) as i64
    }

    /// What an account gets when the runners end like this and its open orders do what is worst for it.
    fn result(
        &self,
        definition: &MarketDefinition,
        account: AccountId,
        ending: &[RunnerResult],
    ) -> i128 {
        let backer = |runner: Runner, value: i64, size: i64| {
            let at = definition.runners.iter().position(|named| named.runner == runner);
            at.map_or(0, |at| pays(definition, ending[at], value, size))
        };
        let mut sum = 0;
        for m in self.matches.iter().filter(|m| !m.void) {
            let profit = backer(m.runner, i64::from(m.worth.0) * m.size, m.size);
            sum += if m.bets[0].0 == account { profit } else { 0 };
            sum -= if m.bets[1].0 == account { profit } else { 0 };
        }
        for close in self.closings.iter().filter(|close| close.account == account && !close.void) {
            let profit = backer(close.runner, close.value, close.size);
            sum += if close.side == Side::Back { profit } else { -profit };
        }
        for order in self.orders.iter().filter(|order| order.account == account) {
            // At the starting price a back loses its stake at most, and a lay what it says: as at evens.
            let price = if order.closing { 200 } else { i64::from(order.order.price.0) };
            let profit = backer(order.order.runner, price * order.remaining, order.remaining);
            let profit = if order.order.side == Side::Back { profit } else { -profit };
            sum += profit.min(0);
        }
        sum
    }

    /// What each bet of an account has matched.
    pub(in crate::sim) fn matched_of(&self, account: AccountId) -> BTreeMap<BetId, NaiveBet> {
        let mut bets: BTreeMap<BetId, NaiveBet> = BTreeMap::new();
        for m in &self.matches {
            for (_, bet) in m.bets.iter().filter(|(owner, _)| *owner == account) {
                let sums = bets.entry(*bet).or_default();
                if m.void || self.is_void() {
                    sums.voided += m.size;
                } else {
                    sums.matched += m.size;
                    sums.value += m.size * i64::from(m.worth.0);
                }
            }
        }
        for close in self.closings.iter().filter(|close| close.account == account) {
            let sums = bets.entry(close.bet).or_default();
            if close.void || self.is_void() {
                sums.voided += close.size;
            } else {
                sums.matched += close.size;
                sums.value += close.value;
            }
        }
        bets
    }

    /// What remains of each order of an account.
    pub(in crate::sim) fn open_of(&self, account: AccountId) -> BTreeMap<BetId, i64> {
        let own = self.orders.iter().filter(|order| order.account == account);
        own.map(|order| (order.order.bet, if order.closing { 0 } else { order.remaining }))
            .collect()
    }

    /// What each order of an account may lose that waits for the starting price.
    pub(in crate::sim) fn closing_of(&self, account: AccountId) -> BTreeMap<BetId, i64> {
        let own = self.orders.iter().filter(|order| order.account == account && order.closing);
        own.map(|order| (order.order.bet, order.remaining)).collect()
    }

    /// Who was at the starting price of a runner, and the highest it was: backs and lays may be so many
    /// pence apart.
    pub(in crate::sim) fn pence_apart(&self, runner: Runner) -> (i64, i128) {
        let of = self.closings.iter().filter(|close| close.runner == runner);
        let apart = of.clone().count() as i64;
        let price = of.map(|close| close.made / close.size + 1).max().unwrap_or_default();
        // Reducing rounds each bet's price by itself.
        let sizes: i64 = self.closings.iter().map(|close| close.size).sum();
        let reduced = if self.removed.is_empty() { 0 } else { sizes };
        (apart, i128::from(apart * (price + 1) + reduced))
    }

    /// How the market stands settled, and what that paid an account.
    pub(in crate::sim) fn standing(&self, account: AccountId) -> Option<NaivePayment> {
        self.resolution.as_ref()?;
        Some(self.payments.get(&(self.settled_by, account)).cloned().unwrap_or_default())
    }

    pub(in crate::sim) fn is_void(&self) -> bool {
        self.resolution == Some(Resolution::Voided)
    }
}

impl NaiveAccount {
    /// An account applied a generation: each bet and the commission are as they should be.
    pub(super) fn paid(
        &mut self,
        id: AccountId,
        market_id: MarketId,
        market: &NaiveMarket,
        generation: u32,
        payment: &Payment,
    ) -> Check {
        let expected = market.payments.get(&(generation, id)).cloned().unwrap_or_default();
        let real: BTreeMap<BetId, i64> =
            payment.profits.iter().map(|(bet, profit)| (*bet, profit.0)).collect();
        let (net, rate) = (expected.net(), market.definition.as_ref().map_or(0, |d| d.base_rate));
        let commission = if generation == market.settled_by && market.resolution.is_some() {
            let allowed = market.definition.as_ref().is_some_and(|d| d.discount_allowed);
            let discount = if allowed { self.profile.discount_rate } else { 0 };
            let due = rounded(
                i128::from(net.max(0)) * i128::from(rate) * i128::from(10_000 - discount),
                100_000_000,
            );
            self.commission.insert(market_id, due);
            due
        } else {
            -self.commission.remove(&market_id).unwrap_or_default()
        };
        hold!(
            Settlement,
            real == expected.profits && payment.net.0 == net,
            "generation {generation} of {market_id} pays {id} {expected:?}, not {payment:?}"
        );
        hold!(
            Settlement,
            payment.commission.0 == commission,
            "generation {generation} of {market_id} costs {id} {commission}, not {payment:?}"
        );
        self.balance += net - commission;
        Ok(())
    }
}

impl Oracle {
    pub(in crate::sim) fn balance(&self, account: AccountId) -> i64 {
        self.accounts.get(&account).map_or(0, |account| account.balance)
    }
}
