//! What a resolution of a market pays: profit for each bet, commission on the net, and both taken back.

use super::position::Position;
use crate::act::AccountProfile;
use crate::definition::MarketTerms;
use crate::ids::{BetId, Runner};
use crate::money::{Pence, round_half_up};
use crate::record::{Payment, Resolution, RunnerResult};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

/// How a market stands resolved, kept so that it can be taken back to the penny.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Resolved {
    pub(super) at: UtcMillis,
    /// `None`: void.
    pub(super) results: Option<Vec<(Runner, RunnerResult)>>,
    pub(super) payment: Payment,
}

impl Resolved {
    /// `None`: the bets on the runner are void.
    pub(super) fn result(&self, runner: Runner) -> Option<RunnerResult> {
        let results = self.results.as_ref()?;
        let result = results.iter().find(|(named, _)| *named == runner).map(|(_, result)| *result);
        result.filter(|result| *result != RunnerResult::Removed)
    }

    pub(super) fn profit(&self, bet: BetId) -> Pence {
        let profits = &self.payment.profits;
        profits.binary_search_by_key(&bet, |(bet, _)| *bet).map_or(Pence::ZERO, |at| profits[at].1)
    }
}

/// Commission on net winnings: rate and discount are hundredths of a percent; rounded half up once.
pub(super) fn commission(net: Pence, terms: &MarketTerms, profile: &AccountProfile) -> Pence {
    let discount = if terms.discount_allowed { profile.discount_rate.min(10_000) } else { 0 };
    let parts = i128::from(terms.base_rate) * i128::from(10_000 - discount);
    let exact = i128::from(net.0.max(0)) * parts;
    Pence(i64::try_from(round_half_up(exact, 100_000_000)).expect("a part of the net"))
}

/// What a resolution moves. A reversal moves the stored amounts back, whatever the rules say by now.
pub(super) fn payment(
    position: &Position,
    profile: &AccountProfile,
    generation: u32,
    resolution: &Resolution,
) -> Payment {
    let nothing =
        Payment { generation, profits: Vec::new(), net: Pence::ZERO, commission: Pence::ZERO };
    if generation <= position.generation {
        return nothing;
    }
    match (resolution, &position.resolved) {
        (Resolution::Settled(results), None) => settled(position, profile, generation, results),
        (Resolution::Unsettled, Some(resolved)) => {
            let before = &resolved.payment;
            Payment {
                generation,
                profits: before.profits.iter().map(|(bet, profit)| (*bet, -*profit)).collect(),
                net: -before.net,
                commission: -before.commission,
            }
        }
        _ => nothing,
    }
}

fn settled(
    position: &Position,
    profile: &AccountProfile,
    generation: u32,
    results: &[(Runner, RunnerResult)],
) -> Payment {
    let by_index: Vec<RunnerResult> = position
        .runners
        .iter()
        .map(|(runner, _)| {
            let named = results.iter().find(|(named, _)| named == runner);
            named.map_or(RunnerResult::Removed, |(_, result)| *result)
        })
        .collect();
    let profits: Vec<(BetId, Pence)> = position
        .bets
        .iter()
        .filter(|bet| !bet.matched.is_zero())
        .map(|bet| {
            let result = by_index[usize::from(bet.runner)];
            (bet.id, bet.profit(if bet.void { RunnerResult::Removed } else { result }))
        })
        .collect();
    let net: i128 = profits.iter().map(|(_, profit)| i128::from(profit.0)).sum();
    let net = Pence(i64::try_from(net).expect("what is won was held by others in pence"));
    Payment { generation, profits, net, commission: commission(net, &position.terms, profile) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commission_is_a_part_of_net_winnings_only() {
        let cases = [
            ("400 at 5 % less 40 %", 40_000, 500, 4_000, true, 1_200),
            ("no discount where none is allowed", 40_000, 500, 4_000, false, 2_000),
            ("losses pay none", -40_000, 500, 0, true, 0),
            ("half a penny is rounded up", 10, 500, 0, true, 1),
            ("less is not", 9, 500, 0, true, 0),
            ("a full discount", 40_000, 500, 10_000, true, 0),
        ];
        for (name, net, base_rate, discount_rate, discount_allowed, expected) in cases {
            let terms = MarketTerms {
                number_of_winners: 1,
                runners: 2,
                complete: true,
                base_rate,
                discount_allowed,
                persistence: true,
                bsp_market: false,
            };
            let profile = AccountProfile { discount_rate, ..AccountProfile::default() };
            assert_eq!(commission(Pence(net), &terms, &profile), Pence(expected), "{name}");
        }
    }
}
