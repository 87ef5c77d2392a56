//! Random lives of a cross matched market beside a naive one: the same answers, ladders and sums of the
//! house, whatever wins.

use super::*;
use crate::act::Verdict;
use crate::market::cross_match::{LEAST, TRIED};
use crate::price::LadderIndex;
use proptest::collection::vec;
use proptest::prelude::*;

const RUNNERS: [Runner; 3] = [HOME, AWAY, DRAW];

#[derive(Debug, Clone, Copy)]
struct Standing {
    order: NewOrder,
    left: i64,
}

/// In the order of arrival.
#[derive(Debug, Default)]
struct NaiveCross {
    orders: Vec<Standing>,
    /// Hundredths of a penny that the house has when each runner wins.
    house: [i128; 3],
    /// What all customers together have.
    customers: [i128; 3],
    matched: i64,
}

/// Everything is exact: the virtual price as a fraction.
fn virtual_price(taker: Side, others: [u32; 2]) -> Option<(i128, i128)> {
    let [a, b] = others.map(i128::from);
    let left = a * b - 100 * a - 100 * b;
    let price = (left > 0).then_some((100 * a * b, left))?;
    let rounded = match taker {
        Side::Back => price.0 / price.1,
        Side::Lay => (price.0 + price.1 - 1) / price.1,
    };
    (101..=100_000).contains(&rounded).then_some(price)
}

/// The price of the ladder that is no better for the taker.
fn against(taker: Side, (above, below): (i128, i128)) -> Option<Price> {
    let mut ladder = (0..350).map(|index| LadderIndex(index).price());
    match taker {
        Side::Back => ladder.rfind(|price| i128::from(price.0) * below <= above),
        Side::Lay => ladder.find(|price| i128::from(price.0) * below >= above),
    }
}

fn over(order: &NewOrder, price: Price) -> i64 {
    let over = i64::from(price.0) - i64::from(order.price.0);
    if order.side == Side::Back { over } else { -over }
}

impl NaiveCross {
    /// Best price first, then the first to come.
    fn queue(&self, runner: Runner, side: Side) -> Vec<usize> {
        let stands = |at: &usize| {
            let order = &self.orders[*at];
            order.order.runner == runner && order.order.side == side && order.left > 0
        };
        let mut found: Vec<usize> = (0..self.orders.len()).filter(stands).collect();
        found.sort_by_key(|at| {
            let price = i64::from(self.orders[*at].order.price.0);
            if side == Side::Lay { -price } else { price }
        });
        found
    }

    /// The best of a runner that makes a pound, at the worst of its prices.
    fn pound(&self, runner: Runner, side: Side) -> Option<(u32, i64)> {
        let (mut price, mut sum) = (None, 0);
        for at in self.queue(runner, side) {
            let Standing { order, left, .. } = self.orders[at];
            if sum >= LEAST.0 && price != Some(order.price.0) {
                break;
            }
            (price, sum) = (Some(order.price.0), sum + left);
        }
        price.map(|price| (price, sum))
    }

    /// Price, the taker's stake, the others' stakes.
    fn step(
        &self,
        order: &NewOrder,
        most: impl Fn(Price) -> i64,
    ) -> Option<(Price, i64, [i64; 2])> {
        let mut others = RUNNERS.into_iter().filter(|other| *other != order.runner);
        let mut next = || self.pound(others.next()?, order.side);
        let there = [next()?, next()?];
        let exact = virtual_price(order.side, there.map(|(price, _)| price))?;
        let price = against(order.side, exact)?;
        let wanted = most(price);
        if wanted <= 0 {
            return None;
        }
        let stake = |total: i64, price: u32| match order.side {
            Side::Back => 100 * total / i64::from(price),
            Side::Lay => (100 * total + i64::from(price) - 1) / i64::from(price),
        };
        let fits = |total: i64| there.iter().all(|(price, size)| stake(total, *price) <= *size);
        let asked = (i128::from(wanted) * exact.0 / exact.1 / 100) as i64;
        // Stakes grow with the total: the largest that fits is found by halving.
        let (mut first, mut beyond) = (0, asked + 1);
        while first + 1 < beyond {
            let middle = (first + beyond) / 2;
            if fits(middle) { first = middle } else { beyond = middle }
        }
        let mut affordable = None;
        for total in (1.max(first - TRIED + 1)..=first).rev() {
            let others = there.map(|(price, _)| stake(total, price));
            let own = total - others[0] - others[1];
            if own <= 0 || own > wanted {
                continue;
            }
            let returned = own * i64::from(price.0);
            if (order.side == Side::Back && returned <= 100 * total)
                || (order.side == Side::Lay && returned >= 100 * total)
            {
                return Some((price, own, others));
            }
            affordable = affordable.or(Some((total, own, others)));
        }
        let (total, own, others) = affordable?;
        let exact = (100 * i128::from(total), i128::from(own));
        let whole = match order.side {
            Side::Back => exact.0 / exact.1,
            Side::Lay => (exact.0 + exact.1 - 1) / exact.1,
        };
        if !(101..=100_000).contains(&whole) {
            return None;
        }
        let price = against(order.side, exact)?;
        (own <= most(price)).then_some((price, own, others))
    }

    /// A customer's side of a match.
    fn bet(&mut self, runner: Runner, side: Side, price: Price, size: i64) {
        for (sum, winner) in self.customers.iter_mut().zip(RUNNERS) {
            let back = match winner == runner {
                true => price.profit(Pence(size)),
                false => -100 * i128::from(size),
            };
            *sum += if side == Side::Back { back } else { -back };
        }
    }

    fn meet(&mut self, runner: Runner, side: Side, mut size: i64) -> i128 {
        let mut returned = 0;
        for at in self.queue(runner, side) {
            let met = size.min(self.orders[at].left);
            self.orders[at].left -= met;
            size -= met;
            self.bet(runner, side, self.orders[at].order.price, met);
            returned += i128::from(met) * i128::from(self.orders[at].order.price.0);
        }
        assert_eq!(size, 0, "what is taken is there");
        returned
    }

    fn place(&mut self, order: NewOrder) -> Vec<(u32, i64)> {
        let before = (self.orders.clone(), self.house, self.customers, self.matched);
        let kills = order.time_in_force != TimeInForce::Rest;
        let (mut left, mut saved) = (order.size.0, 0_i128);
        let mut matched: Vec<(u32, i64)> = vec![];
        while left > 0 {
            let most = |price| match over(&order, price) {
                0.. => left,
                worse if kills => left.min((saved / i128::from(-worse)) as i64),
                _ => 0,
            };
            let queue = self.queue(order.runner, order.side.opposite());
            let real = queue.first().map(|at| {
                let price = self.orders[*at].order.price;
                let level = queue.iter().map(|at| &self.orders[*at]);
                (price, level.filter(|o| o.order.price == price).map(|o| o.left).sum::<i64>())
            });
            let step = self.step(&order, most);
            let better = |real: Price| {
                step.is_none_or(|(price, ..)| over(&order, real) >= over(&order, price))
            };
            let (price, size) = match (real.filter(|(price, _)| better(*price)), step) {
                (Some((price, there)), _) => {
                    let size = most(price).min(there);
                    self.meet(order.runner, order.side.opposite(), size);
                    self.matched += size;
                    (price, size)
                }
                (None, Some((price, size, others))) => {
                    self.cross(&order, price, size, others);
                    (price, size)
                }
                (None, None) => break,
            };
            if size == 0 {
                break;
            }
            left -= size;
            saved += i128::from(over(&order, price)) * i128::from(size);
            self.bet(order.runner, order.side, price, size);
            match matched.iter_mut().find(|(other, _)| *other == price.0) {
                Some((_, sum)) => *sum += size,
                None => matched.push((price.0, size)),
            }
        }
        matched.sort_by_key(|(price, _)| -over(&order, Price(*price)));
        if kills && left > 0 {
            (self.orders, self.house, self.customers, self.matched) = before;
            return vec![];
        }
        if left > 0 {
            self.orders.push(Standing { order, left });
        }
        matched
    }

    fn cross(&mut self, order: &NewOrder, price: Price, size: i64, others: [i64; 2]) {
        let mut returned = [0_i128; 3];
        let mut all = size;
        let mut others = others.into_iter();
        for (at, runner) in RUNNERS.into_iter().enumerate() {
            if runner == order.runner {
                returned[at] = i128::from(size) * i128::from(price.0);
            } else {
                let stake = others.next().expect("two others");
                returned[at] = self.meet(runner, order.side, stake);
                all += stake;
            }
        }
        self.matched += all;
        for (sum, returned) in self.house.iter_mut().zip(returned) {
            let kept = 100 * i128::from(all) - returned;
            *sum += if order.side == Side::Back { kept } else { -kept };
        }
    }
}

fn order() -> impl Strategy<Value = (usize, bool, usize, i64, bool)> {
    // Two or three runners near evens to six: sums of reciprocals around one.
    let price = prop_oneof![4 => 100_usize..200, 1 => 0_usize..349];
    let size = prop_oneof![3 => 100_i64..3_000, 1 => 1_i64..200];
    (0_usize..3, any::<bool>(), price, size, prop::bool::weighted(0.15))
}

fn open() -> Table {
    Table::with(MarketDefinition { cross_matching: true, ..definition() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cross_matched_market_does_what_the_naive_one_does(
        orders in vec((1_u64..4, order()), 1..60),
        winner in 0_usize..3,
    ) {
        let mut table = open();
        let mut naive = NaiveCross::default();
        for (bet, (account, (runner, back, price, size, kills))) in (1..).zip(orders) {
            let order = NewOrder {
                runner: RUNNERS[runner],
                side: if back { Side::Back } else { Side::Lay },
                price: LadderIndex(price as u16).price(),
                size: Pence(size),
                time_in_force: match kills {
                    true => TimeInForce::FillOrKill { min_fill: None },
                    false => TimeInForce::Rest,
                },
                ..super::back(bet, 200, 1)
            };
            let expected = naive.place(order);
            table.place(account, order);
            let n = table.numbers[&account];
            let Some(Answer::Placed(placed)) = table.answer(account, n) else {
                panic!("placed");
            };
            let matched: Vec<_> =
                placed[0].matched.iter().map(|m| (m.price.0, m.size.0)).collect();
            prop_assert_eq!(matched, expected, "{:?}", order);
            for (at, runner) in RUNNERS.into_iter().enumerate() {
                prop_assert_eq!(table.market.crossed_if_wins(runner), naive.house[at]);
                prop_assert!(naive.house[at] >= 0, "the house loses");
                prop_assert_eq!(naive.house[at] + naive.customers[at], 0);
                for side in [Side::Back, Side::Lay] {
                    let view = table.market.runner_view(runner).unwrap();
                    let real: Vec<(u32, i64)> = match side {
                        Side::Back => view.available_to_lay().map(|(p, s)| (p.0, s.0)).collect(),
                        Side::Lay => view.available_to_back().map(|(p, s)| (p.0, s.0)).collect(),
                    };
                    let mut ladder: Vec<(u32, i64)> = vec![];
                    for at in naive.queue(runner, side) {
                        let Standing { order, left, .. } = naive.orders[at];
                        match ladder.last_mut().filter(|(price, _)| *price == order.price.0) {
                            Some((_, sum)) => *sum += left,
                            None => ladder.push((order.price.0, left)),
                        }
                    }
                    prop_assert_eq!(real, ladder);
                }
            }
            prop_assert_eq!(table.market.total_matched(), Pence(2 * naive.matched));
        }
        let standing: i64 = naive.orders.iter().map(|order| order.left).sum();
        let remaining: Pence = table.market.orders().map(|order| order.remaining).sum();
        prop_assert_eq!(remaining, Pence(standing));
        // All customers are one: what they are paid leaves the house its own, and a penny or so of rounding.
        let verdict = Verdict::won_by(vec![RUNNERS[winner]]);
        let paid = crate::money::round_half_up(naive.customers[winner], 100) as i64;
        let house = naive.house[winner].div_euclid(100) as i64;
        prop_assert_eq!(resolved(&mut table, MarketAct::Settle(verdict), paid), house);
        prop_assert_eq!(resolved(&mut table, MarketAct::Unsettle, -paid), -house);
        prop_assert_eq!(resolved(&mut table, MarketAct::Void, 0), 0);
    }
}

/// Resolves, pays the first account everything, and says what the exchange got.
fn resolved(table: &mut Table, act: MarketAct, mut paid: i64) -> i64 {
    table.act(act);
    for account in 1..4 {
        let heard = table.heard.get(&account).copied().unwrap_or_default();
        if heard > 0 {
            table.acknowledge(account, heard, Some(paid));
            paid = 0;
        }
    }
    match table.records.last() {
        Some(MarketEvent::ResolutionClosed { rounding, crossed, .. }) => {
            assert!(rounding.0.abs() <= 1, "{rounding}");
            crossed.0
        }
        other => panic!("not closed: {other:?}"),
    }
}

#[test]
fn the_published_example_is_matched_and_paid() {
    let mut table = open();
    table.place(1, NewOrder { runner: AWAY, ..back(1, 200, 12_000) });
    table.place(2, NewOrder { runner: DRAW, ..back(2, 300, 15_000) });
    let offers = |table: &Table, runner, side| table.market.offers(runner, side, 3);
    assert_eq!(offers(&table, HOME, Side::Back), [(Price(600), Pence(4_000))]);
    assert_eq!(offers(&table, AWAY, Side::Lay), [(Price(200), Pence(12_000))]);
    table.place(3, back(3, 500, 5_000));
    assert_eq!(table.fills_of(1), [(1, 200, 12_000)]);
    assert_eq!(table.fills_of(2), [(2, 300, 8_000)]);
    // What was not made rests at its own price: a back at 5.0 beside 3.0 on the draw offers a lay of AWAY.
    assert_eq!(
        table.market.runner_view(HOME).unwrap().available_to_lay().next(),
        Some((Price(500), Pence(1_000)))
    );
    assert_eq!(offers(&table, AWAY, Side::Back), [(Price(214), Pence(2_336))]);
    for runner in RUNNERS {
        assert_eq!(table.market.crossed_if_wins(runner), 0, "the pennies come out");
    }
    table.place(3, NewOrder { runner: AWAY, ..back(4, 200, 777) });
    assert_eq!(table.fills_of(2)[1..], [(2, 300, 555)]);
    // 7.77 at 2.14 returns 16.6278; 3.33 and 5.55 returned 16.65 with it.
    let sums: Vec<i128> = RUNNERS.map(|runner| table.market.crossed_if_wins(runner)).into();
    assert_eq!(sums, [0, 222, 0]);
}

#[test]
fn a_real_price_goes_before_an_equal_virtual_one() {
    let mut table = open();
    table.place(1, NewOrder { runner: AWAY, ..back(1, 200, 12_000) });
    table.place(2, NewOrder { runner: DRAW, ..back(2, 300, 15_000) });
    table.place(1, lay(3, 600, 500));
    assert_eq!(table.market.offers(HOME, Side::Back, 3), [(Price(600), Pence(4_500))]);
    table.place(3, back(4, 600, 500));
    assert_eq!(table.fills_of(1), [(3, 600, 500)]);
    assert_eq!(table.fills_of(2), []);
}

#[test]
fn a_dead_heat_pays_the_house_the_mean_of_its_winners_rounded_once() {
    let mut table = open();
    table.place(1, NewOrder { runner: AWAY, ..back(1, 305, 111) });
    table.place(2, NewOrder { runner: DRAW, ..back(2, 365, 93) });
    table.place(3, back(3, 250, 136));
    let sums: Vec<i128> = RUNNERS.map(|runner| table.market.crossed_if_wins(runner)).into();
    assert_eq!(sums, [0, 145, 55]);
    // Half of each is a penny together, though neither half is whole in hundredths of one.
    let verdict = Verdict { dead_heat: true, ..Verdict::won_by(vec![AWAY, DRAW]) };
    assert_eq!(resolved(&mut table, MarketAct::Settle(verdict), -1), 1);
    assert_eq!(resolved(&mut table, MarketAct::Unsettle, 1), -1);
}
