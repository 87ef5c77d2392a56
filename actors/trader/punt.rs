//! Somebody who takes a price that is quoted, now and then. Pure.

use crate::market::MarketView;
use domain::definition::MarketStatus;
use domain::football::SplitMix64;
use domain::money::Pence;
use domain::order::{OrderKind, Persistence, Side, Ticket, TimeInForce};

/// Looks of a hundred at which somebody bets.
const BETS_IN_100: u64 = 45;
/// In pence.
const STAKE_MIN: i64 = 200;
const WINNINGS_MAX: u64 = 20_000;

/// A bet at the best price of one side of one runner, for what there is of it at once.
pub(super) fn punt(view: &MarketView, random: &mut SplitMix64) -> Option<Ticket> {
    if view.status != MarketStatus::Open || random.next_below(100) >= BETS_IN_100 {
        return None;
    }
    let runner = view.runners.get(random.next_below(view.runners.len().max(1) as u64) as usize)?;
    let (side, offers) = match random.next_below(2) {
        0 => (Side::Back, &runner.available_to_back),
        _ => (Side::Lay, &runner.available_to_lay),
    };
    let (price, _) = *offers.first()?;
    let most = WINNINGS_MAX / u64::from(price.0 / 100).max(1);
    let size = Pence(STAKE_MIN + random.next_below(most.max(1)) as i64);
    Some(Ticket {
        runner: runner.runner,
        side,
        kind: OrderKind::Limit,
        price,
        size,
        persistence: Persistence::Lapse,
        time_in_force: TimeInForce::FillOrKill { min_fill: Some(Pence(STAKE_MIN)) },
        reference: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::RunnerLadders;
    use domain::ids::{MarketId, Runner, SelectionId};
    use domain::price::Price;

    fn view(status: MarketStatus) -> MarketView {
        let runner = |id: u64| RunnerLadders {
            runner: Runner::plain(SelectionId(id)),
            result: None,
            adjustment_factor: None,
            removed_at: None,
            last_price_traded: None,
            total_matched: Pence::ZERO,
            available_to_back: vec![(Price(200 + id as u32), Pence(6_000))],
            available_to_lay: vec![(Price(210 + id as u32), Pence(6_000))],
            traded: Vec::new(),
            starting_price: None,
            at_close: None,
        };
        MarketView {
            market: Some(MarketId(1)),
            status,
            in_play: false,
            bet_delay_s: 0,
            bet_delay_models: Default::default(),
            suspend_reason: None,
            key_line: Vec::new(),
            version: 1,
            bsp_reconciled: false,
            complete: true,
            cross_matching: false,
            number_of_winners: 1,
            last_match: None,
            total_matched: Pence::ZERO,
            total_available: Pence::ZERO,
            runners: (1..=3).map(runner).collect(),
        }
    }

    #[test]
    fn punters_take_what_is_quoted_while_bets_are_taken() {
        let (open, mut random) = (view(MarketStatus::Open), SplitMix64::new(3));
        let punts: Vec<_> = (0..400).filter_map(|_| punt(&open, &mut random)).collect();
        assert!((100..300).contains(&punts.len()), "{}", punts.len());
        for punt in punts {
            let runner = open.runners.iter().find(|it| it.runner == punt.runner).expect("its own");
            let offers = match punt.side {
                Side::Back => &runner.available_to_back,
                Side::Lay => &runner.available_to_lay,
            };
            assert_eq!((offers[0].0, punt.size >= Pence(STAKE_MIN)), (punt.price, true));
        }
        let shut = view(MarketStatus::Suspended);
        assert!((0..100).all(|_| punt(&shut, &mut random).is_none()));
        let empty = MarketView { runners: Vec::new(), ..open };
        assert!((0..100).all(|_| punt(&empty, &mut random).is_none()));
    }
}
