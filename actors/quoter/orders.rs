//! What a market maker shows, and the orders that lead there from what it has.
//!
//! Pure. Around each runner's fair price stands a quote on the ladder; behind its two prices further ones, each
//! with more to be had. Only what changed is touched: a price that is no longer quoted is cancelled, one that
//! was half eaten is filled up.

use domain::account::CurrentOrder;
use domain::football::quote::Quote;
use domain::football::score_grid::Chances;
use domain::ids::{BetId, MarketId, Runner};
use domain::money::Pence;
use domain::order::{OrderKind, Persistence, Side, Ticket, TimeInForce};
use domain::price::{LADDER_LEN, LadderIndex, Price};
use std::collections::BTreeMap;

/// What stands at the quoted price, and behind it, in parts of the stake. Longer odds get less, so that nobody's
/// liability grows with them.
const LEVELS: [f64; 4] = [1.0, 1.8, 3.2, 5.3];
/// In pence: what is less is no bet.
const STAKE_MIN: i64 = 200;

/// Orders to take away and to place, of one market.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Changes {
    pub(super) cancel: Vec<BetId>,
    pub(super) place: Vec<Ticket>,
}

/// What is to be shown, by runner, side of the order and price.
pub(super) type Wanted = BTreeMap<(Runner, Side, Price), Pence>;

/// Quotes around the chances of each runner: `spread` to each side of the fair odds to one, `stake` at the best price.
pub(super) fn wanted(runners: &[(Runner, Chances)], spread: f64, stake: Pence) -> Wanted {
    let mut wanted = BTreeMap::new();
    for (runner, chances) in runners {
        let quote = Quote::around(*chances, spread);
        for (side, best) in [(Side::Lay, quote.to_back), (Side::Back, quote.to_lay)] {
            let Some(best) = best.and_then(Price::index) else { continue };
            for (behind, part) in (0_u16..).zip(LEVELS) {
                let index = match side {
                    Side::Lay => best.0.checked_sub(behind),
                    Side::Back => Some(best.0 + behind).filter(|at| usize::from(*at) < LADDER_LEN),
                };
                let Some(index) = index else { continue };
                let price = LadderIndex(index).price();
                let odds_to_one = (f64::from(price.0) / 100.0 - 1.0).max(1.0);
                let size = (stake.0 as f64 * part / odds_to_one) as i64;
                let size = size.max(STAKE_MIN);
                wanted.insert((*runner, side, price), Pence(size));
            }
        }
    }
    wanted
}

/// From the orders that rest to those that are wanted. An answer that was lost may have left an order twice: what is
/// more than half too much goes.
pub(super) fn changes(market: MarketId, wanted: &Wanted, resting: &[CurrentOrder]) -> Changes {
    let mut changes = Changes::default();
    let mut have = Wanted::new();
    for order in resting.iter().filter(|order| order.market == market) {
        let at = (order.runner, order.side, order.price);
        let before = have.get(&at).copied().unwrap_or_default();
        let with_it = before + order.remaining;
        match wanted.get(&at) {
            Some(size) if with_it.0 * 2 <= size.0 * 3 => drop(have.insert(at, with_it)),
            _ => changes.cancel.push(order.bet),
        }
    }
    for ((runner, side, price), size) in wanted {
        let have = have.get(&(*runner, *side, *price)).copied().unwrap_or_default();
        if have.0 * 2 < size.0 {
            let size = (*size - have).max(Pence(STAKE_MIN));
            changes.place.push(ticket(*runner, *side, *price, size));
        }
    }
    changes
}

fn ticket(runner: Runner, side: Side, price: Price, size: Pence) -> Ticket {
    Ticket {
        runner,
        side,
        kind: OrderKind::Limit,
        price,
        size,
        persistence: Persistence::Lapse,
        time_in_force: TimeInForce::Rest,
        reference: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::football::book::{self, Kind, Situation};
    use domain::football::inplay::MatchState;
    use domain::football::score_grid::Expectancy;
    use domain::ids::SelectionId;
    use domain::order::OrderType;
    use domain::time::UtcMillis;

    const MARKET: MarketId = MarketId(1);

    fn runners(home: f64) -> Vec<(Runner, Chances)> {
        let state = MatchState::before(Expectancy::new(home, 1.2), -0.06);
        let mut book = Vec::new();
        book::chances(&Situation::before(state), &mut book);
        let odds = book::market(Kind::MatchOdds, None).unwrap();
        let chances = book[odds.first..odds.first + odds.selections].to_vec();
        (1..).map(|id| Runner::plain(SelectionId(id))).zip(chances).collect()
    }

    fn wanted(runners: &[(Runner, Chances)]) -> Wanted {
        super::wanted(runners, 0.012, Pence(6_000))
    }

    fn resting(changes: &Changes, first: u64) -> Vec<CurrentOrder> {
        let order = |(bet, ticket): (u64, &Ticket)| CurrentOrder {
            bet: BetId(bet),
            market: MARKET,
            runner: ticket.runner,
            side: ticket.side,
            price: ticket.price,
            size: ticket.size,
            persistence: ticket.persistence,
            order_type: OrderType::Limit,
            fill_or_kill: false,
            executable: true,
            at_close: false,
            liability: Pence::ZERO,
            placed_at: UtcMillis(0),
            matched_at: None,
            matched: Pence::ZERO,
            matched_times_price: 0,
            remaining: ticket.size,
            lapsed: Pence::ZERO,
            cancelled: Pence::ZERO,
            voided: Pence::ZERO,
            ended_at: None,
            lapse_reason: None,
            order_ref: None,
            strategy_ref: None,
            handle: None,
        };
        (first..).zip(&changes.place).map(order).collect()
    }

    #[test]
    fn both_sides_are_quoted_and_nothing_moves_while_the_fair_price_stands() {
        let wanted = wanted(&runners(1.5));
        assert_eq!(wanted.len(), 3 * 2 * 4);
        let first = changes(MARKET, &wanted, &[]);
        assert_eq!((first.place.len(), first.cancel.len()), (24, 0));
        let rests = resting(&first, 1);
        assert_eq!(changes(MARKET, &wanted, &rests), Changes::default());
        for runner in runners(1.5) {
            let of = |side| wanted.keys().filter(move |(r, s, _)| (*r, *s) == (runner.0, side));
            let best_lay = of(Side::Lay).map(|key| key.2).max().unwrap();
            let best_back = of(Side::Back).map(|key| key.2).min().unwrap();
            let fair = runner.1.fair_price() * 100.0;
            assert!(f64::from(best_lay.0) <= fair && fair <= f64::from(best_back.0));
        }
    }

    #[test]
    fn only_what_changed_is_touched() {
        let rests = resting(&changes(MARKET, &wanted(&runners(1.5)), &[]), 1);
        let moved = changes(MARKET, &wanted(&runners(1.52)), &rests);
        assert!(!moved.cancel.is_empty() && moved.cancel.len() < 24, "{moved:?}");
        let mut eaten = rests.clone();
        eaten[0].remaining = Pence(1);
        let filled_up = changes(MARKET, &wanted(&runners(1.5)), &eaten);
        assert_eq!((filled_up.cancel.len(), filled_up.place.len()), (0, 1));
        assert_eq!(filled_up.place[0].size + Pence(1), rests[0].size);
        // Placed twice, because the first answer was lost.
        let twice =
            [rests.clone(), resting(&changes(MARKET, &wanted(&runners(1.5)), &[]), 100)].concat();
        let cut = changes(MARKET, &wanted(&runners(1.5)), &twice);
        assert_eq!((cut.cancel.len(), cut.place.len()), (24, 0));
        let gone = changes(MARKET, &Wanted::new(), &rests);
        assert_eq!((gone.cancel.len(), gone.place.len()), (24, 0), "nothing is to be shown");
    }

    #[test]
    fn a_settled_question_is_not_quoted() {
        let certain = Chances { win: 1.0, lose: 0.0 };
        let never = Chances { win: 0.0, lose: 1.0 };
        let runners = [(Runner::plain(SelectionId(1)), never)];
        assert!(wanted(&runners).is_empty());
        let sure = wanted(&[(Runner::plain(SelectionId(1)), certain)]);
        assert!(sure.keys().all(|(_, side, _)| *side == Side::Back), "{sure:?}");
    }
}
