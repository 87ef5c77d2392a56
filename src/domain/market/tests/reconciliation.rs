//! Random books and queues brought to their starting price, and what must hold of any such price: nobody is
//! met beyond their limit, everybody with a better one is met in full, those at the price are met first come
//! first, both sides are equal but for the pence that rounding takes, and nobody may lose more than was held.
//!
//! Seen to fail when planted: the queue at the price met last come first; the price of the far side's limit
//! taken for the near's; what converts left out of the balance; the book's queue at the price met before
//! those who waited; a lay's liability read as a stake.

use super::*;
use crate::price::{ExactPrice, StartingPrice};
use crate::record::ClosedBet;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Wish {
    account: u64,
    side: Side,
    /// Above 1.01, in steps of the ladder.
    steps: u16,
    pence: i64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Book,
    Converts,
    LimitOnClose,
    MarketOnClose,
}

fn wish() -> impl Strategy<Value = Wish> {
    let kind = prop_oneof![
        3 => Just(Kind::Book),
        1 => Just(Kind::Converts),
        3 => Just(Kind::LimitOnClose),
        2 => Just(Kind::MarketOnClose),
    ];
    let side = prop_oneof![Just(Side::Back), Just(Side::Lay)];
    (1_u64..4, side, 0_u16..9, 1_i64..40_000, kind).prop_map(
        |(account, side, steps, pence, kind)| Wish {
            account,
            side,
            steps: steps * 35,
            pence,
            kind,
        },
    )
}

/// One who was there when the price was made: what was brought, and the limit.
#[derive(Debug)]
struct Party {
    bet: u64,
    side: Side,
    limit: Price,
    money: i64,
    kind: Kind,
}

/// Places what is wished, and says who is there when it is over: the book may have matched some of it.
fn placed(table: &mut Table, wishes: &[Wish]) -> Vec<Party> {
    for (bet, wish) in (1..).zip(wishes) {
        let price = crate::price::LadderIndex(wish.steps).price();
        let limit = order(bet, HOME, wish.side, price.0, wish.pence);
        let order = match wish.kind {
            Kind::Book => persisting(limit),
            Kind::Converts => NewOrder { persistence: Persistence::MarketOnClose, ..limit },
            Kind::LimitOnClose => on_close(limit),
            Kind::MarketOnClose => at_any_price(bet, wish.side, wish.pence),
        };
        table.place(wish.account, order);
    }
    let mut parties: Vec<Party> = Vec::new();
    for view in table.market.orders() {
        let kind = match (view.closing, view.persistence) {
            (true, _) => Kind::LimitOnClose,
            (false, Persistence::MarketOnClose) => Kind::Converts,
            (false, _) => Kind::Book,
        };
        let exact = view.price.profit(view.remaining) / 100;
        let (limit, money) = match (kind, view.side) {
            (Kind::Converts, Side::Back) => (Price::MIN, view.remaining.0),
            (Kind::Converts, Side::Lay) => (Price::MAX, exact as i64),
            _ => (view.price, view.remaining.0),
        };
        parties.push(Party { bet: view.bet.0, side: view.side, limit, money, kind });
    }
    // Bet ids grow with time; who waited stands before who converts, and both before the book.
    let last = |kind: Kind| match kind {
        Kind::LimitOnClose | Kind::MarketOnClose => 0,
        Kind::Converts => 1,
        Kind::Book => 2,
    };
    parties.sort_by_key(|party| (last(party.kind), party.bet));
    parties
}

fn told(table: &Table) -> BTreeMap<u64, ClosedBet> {
    let closed = table.told.iter().filter_map(|(_, notice)| match notice {
        Notice::Closed(bets) => Some(bets),
        _ => None,
    });
    closed.flatten().map(|closed| (closed.bet.0, *closed)).collect()
}

fn check(parties: &[Party], price: ExactPrice, told: &BTreeMap<u64, ClosedBet>) {
    let (mut backed, mut laid, mut lays) = (0_i128, 0_i128, 0_i128);
    // By side: has somebody at the price not been met in full?
    let mut short = BTreeMap::new();
    for party in parties {
        let limit = ExactPrice::from(party.limit);
        let says_liability = party.side == Side::Lay && party.kind != Kind::Book;
        let small = party.kind == Kind::Converts && party.side == Side::Lay && party.money < 1_000;
        let none = ClosedBet {
            bet: BetId(party.bet),
            liability: Pence::ZERO,
            matched: Pence::ZERO,
            value: 0,
            lapsed: Pence::ZERO,
            reason: LapseReason::StartingPrice,
        };
        let closed = told.get(&party.bet).copied().unwrap_or(none);
        if small {
            assert_eq!((closed.liability, closed.matched), (Pence::ZERO, Pence::ZERO));
            assert_eq!(closed.reason, LapseReason::SmallStake);
            continue;
        }
        let matched = i128::from(closed.matched.0);
        let over_one = i128::from(price.0) - 1_000_000;
        let full = match says_liability {
            // The price was rounded down, so this is no less than the exact price buys.
            true => i128::from(party.money) * 1_000_000 / over_one,
            false => i128::from(party.money),
        };
        // How much a penny of rounding may be, in stake: a millionth of the price moves large ones.
        let slack = if says_liability { 1 + full / over_one } else { 0 };
        let better = match party.side {
            Side::Back => limit < price,
            Side::Lay => limit > price,
        };
        if limit == price {
            let before = short.entry(party.side == Side::Back).or_insert(false);
            assert!(
                !*before || matched == 0,
                "{party:?} was met before who came first: {closed:?}"
            );
            *before |= matched + slack < full;
        } else if better {
            assert!((full - slack..=full).contains(&matched), "{party:?} is not met: {closed:?}");
        } else {
            assert_eq!(matched, 0, "{party:?} was met beyond its limit");
        }
        assert_eq!(i128::from(closed.value), price.times(closed.matched));
        if says_liability {
            let lost = (i128::from(closed.value) - 100 * matched + 99) / 100;
            assert!(lost <= i128::from(party.money), "{party:?} may lose {lost}: {closed:?}");
            assert!(lost <= i128::from(party.money - closed.lapsed.0), "{party:?} {closed:?}");
        }
        if party.kind != Kind::Book {
            assert_eq!(closed.liability, Pence(party.money), "{party:?} brought {closed:?}");
            let kept = closed.lapsed.0 + if says_liability { 0 } else { closed.matched.0 };
            assert!(kept <= party.money, "{party:?} is counted twice: {closed:?}");
        }
        match party.side {
            Side::Back => backed += matched,
            Side::Lay => laid += matched,
        }
        lays += 1;
    }
    // Each order may lose a penny to rounding, and lays of liabilities a millionth of the price.
    let slack = lays + backed.max(laid) / (i128::from(price.0) - 1_000_000).max(1);
    assert!((backed - laid).abs() <= slack, "{backed} is backed and {laid} is laid");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn at_the_starting_price_everybody_gets_what_their_limit_says(wishes in vec(wish(), 0..14)) {
        let mut table = Table::with_starting_price();
        let parties = placed(&mut table, &wishes);
        table.done(MarketAct::TurnInPlay { bet_delay_s: Some(0) });
        let view = table.market.runner_view(HOME).expect("the runner is there");
        let told = told(&table);
        match view.actual_price() {
            Some(StartingPrice::At(price)) => check(&parties, price, &told),
            Some(_) => {
                for closed in told.values() {
                    prop_assert_eq!(closed.matched, Pence::ZERO);
                    prop_assert_eq!(closed.liability.is_zero(), closed.reason == LapseReason::SmallStake);
                }
            }
            None => prop_assert!(false, "no price was made"),
        }
        let waits = table.market.orders().filter(|order| order.closing).count();
        prop_assert_eq!(waits, 0);
    }
}
