//! What a market maker shows, and the orders that lead there from what it has.
//!
//! Pure. Around each runner's fair price stands a quote on the ladder; behind its two prices further ones, each
//! with more to be had. Only what changed is touched: a price that is no longer quoted is cancelled, one that
//! was half eaten is filled up.

use domain::account::CurrentOrder;
use domain::football::SplitMix64;
use domain::football::book::{Kind, market};
use domain::football::quote::Quote;
use domain::football::score_grid::{Chances, GoalLine};
use domain::ids::{BetId, MarketId, Runner};
use domain::money::Pence;
use domain::order::{OrderKind, Persistence, Side, Ticket, TimeInForce};
use domain::price::{LADDER_LEN, LadderIndex, Price};
use std::collections::BTreeMap;

/// The two markets of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Runners: home, away, the draw.
    MatchOdds,
    /// Runners: under, over.
    OverUnder,
}

/// To each side of the fair odds to one.
const SPREAD: f64 = 0.012;
/// What stands at the quoted price, and behind it, in pence, at even money or less; longer odds get less, so
/// that nobody's liability grows with them.
const SIZES: [i64; 4] = [6_000, 11_000, 19_000, 32_000];
const STAKE_MIN: i64 = 200;

/// Orders to take away and to place, of one market.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    pub cancel: Vec<BetId>,
    pub place: Vec<Ticket>,
}

/// Each runner's chances in a book, in the order of the question; nothing when the book has none.
pub fn chances(question: Question, book: &[Chances]) -> Vec<Chances> {
    let (kind, line, order): (_, _, &[usize]) = match question {
        // A book has home, draw, away; and over, under.
        Question::MatchOdds => (Kind::MatchOdds, None, &[0, 2, 1]),
        Question::OverUnder => (Kind::OverUnder, Some(GoalLine(10)), &[1, 0]),
    };
    let first = market(kind, line).map_or(usize::MAX, |market| market.first);
    let chances = order.iter().map(|at| book.get(first.checked_add(*at)?).copied());
    chances.collect::<Option<_>>().unwrap_or_default()
}

/// What the maker wants to show: stake by runner, side of the order and price.
pub fn wanted(runners: &[(Runner, Chances)]) -> BTreeMap<(Runner, Side, Price), Pence> {
    let mut wanted = BTreeMap::new();
    for (runner, chances) in runners {
        let quote = Quote::around(*chances, SPREAD);
        for (side, best) in [(Side::Lay, quote.to_back), (Side::Back, quote.to_lay)] {
            let Some(best) = best.and_then(Price::index) else { continue };
            for (behind, size) in (0_u16..).zip(SIZES) {
                let index = match side {
                    Side::Lay => best.0.checked_sub(behind),
                    Side::Back => Some(best.0 + behind).filter(|at| usize::from(*at) < LADDER_LEN),
                };
                let Some(index) = index else { continue };
                let price = LadderIndex(index).price();
                let size = (size * 100 / i64::from(price.0 - 100).max(100)).max(STAKE_MIN);
                wanted.insert((*runner, side, price), Pence(size));
            }
        }
    }
    wanted
}

/// From the orders that rest to those that are wanted.
pub fn changes(
    market: MarketId,
    wanted: &BTreeMap<(Runner, Side, Price), Pence>,
    resting: &[CurrentOrder],
) -> Changes {
    let mut changes = Changes::default();
    let mut have: BTreeMap<(Runner, Side, Price), Pence> = BTreeMap::new();
    for order in resting.iter().filter(|order| order.market == market) {
        let at = (order.runner, order.side, order.price);
        match wanted.contains_key(&at) {
            true => *have.entry(at).or_default() += order.remaining,
            false => changes.cancel.push(order.bet),
        }
    }
    for ((runner, side, price), size) in wanted {
        let have = have.get(&(*runner, *side, *price)).copied().unwrap_or_default();
        if have.0 * 2 < size.0 {
            let size = *size - have;
            changes.place.push(ticket(*runner, *side, *price, size, TimeInForce::Rest));
        }
    }
    changes
}

/// Somebody who takes a price that is quoted, now and then.
pub fn punt(runners: &[(Runner, Chances)], random: &mut SplitMix64) -> Option<Ticket> {
    if random.next_below(100) >= 45 {
        return None;
    }
    let (runner, chances) = runners.get(random.next_below(runners.len() as u64) as usize)?;
    let quote = Quote::around(*chances, SPREAD);
    let (side, price) = match random.next_below(2) {
        0 => (Side::Back, quote.to_back?),
        _ => (Side::Lay, quote.to_lay?),
    };
    let most = 20_000 / u64::from(price.0 / 100).max(1);
    let size = Pence(STAKE_MIN + random.next_below(most.max(1)) as i64);
    let at_least = TimeInForce::FillOrKill { min_fill: Some(Pence(STAKE_MIN)) };
    Some(ticket(*runner, side, price, size, at_least))
}

fn ticket(runner: Runner, side: Side, price: Price, size: Pence, kind: TimeInForce) -> Ticket {
    let (persistence, time_in_force) = (Persistence::Lapse, kind);
    Ticket {
        runner,
        side,
        kind: OrderKind::Limit,
        price,
        size,
        persistence,
        time_in_force,
        reference: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::football::book::{self, Situation};
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
        let chances = chances(Question::MatchOdds, &book);
        (1..).map(|id| Runner::plain(SelectionId(id))).zip(chances).collect()
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
    }

    #[test]
    fn a_settled_question_is_not_quoted() {
        let certain = Chances { win: 1.0, lose: 0.0 };
        let never = Chances { win: 0.0, lose: 1.0 };
        let runners = [(Runner::plain(SelectionId(1)), never)];
        assert!(wanted(&runners).is_empty());
        let mut random = SplitMix64::new(1);
        assert!((0..100).all(|_| punt(&runners, &mut random).is_none()));
        let sure = wanted(&[(Runner::plain(SelectionId(1)), certain)]);
        assert!(sure.keys().all(|(_, side, _)| *side == Side::Back), "{sure:?}");
    }

    #[test]
    fn punters_take_what_is_quoted() {
        let (runners, mut random) = (runners(1.5), SplitMix64::new(3));
        let wanted = wanted(&runners);
        let punts: Vec<_> = (0..400).filter_map(|_| punt(&runners, &mut random)).collect();
        assert!((100..300).contains(&punts.len()), "{}", punts.len());
        for punt in punts {
            let quoted = (punt.runner, punt.side.opposite(), punt.price);
            assert!(wanted.contains_key(&quoted), "{punt:?}");
        }
    }
}
