//! The naive market's starting price and removals: every price of the ladder is tried in turn, and every
//! order asked whether it would be met there.

use super::naive::{Naive, NaiveOrder};
use super::*;
use crate::price::{ExactPrice, LADDER_LEN, LadderIndex, StartingPrice};
use crate::record::ClosedBet;

/// One who may be met: the worst price it takes, what it says, and whether that is a liability.
struct Party {
    at: usize,
    side: Side,
    limit: i128,
    money: i128,
    says_liability: bool,
    waited: bool,
    taken: i128,
}

/// A price less one, as a fraction.
#[derive(Clone, Copy)]
struct Over {
    above: i128,
    below: i128,
}

impl Party {
    fn stake(&self, over: Over) -> i128 {
        // Times `above`, so that both ways of saying it are whole.
        self.money * if self.says_liability { over.below } else { over.above }
    }
}

impl Naive {
    /// What waits or converts in the order of arrival, then the book from the best price outward.
    fn parties(&self, runner: Runner) -> (Vec<Party>, Vec<usize>) {
        let on_runner = |at: &usize| self.orders[*at].order.runner == runner;
        let all: Vec<usize> = (0..self.orders.len()).filter(on_runner).collect();
        let (mut parties, mut small) = (vec![], vec![]);
        let mut waiting: Vec<usize> =
            all.iter().copied().filter(|at| self.orders[*at].closing.is_some()).collect();
        waiting.sort_by_key(|at| self.orders[*at].closing);
        for at in waiting {
            let NaiveOrder { order, remaining, .. } = &self.orders[at];
            let (limit, money) = (i128::from(order.price.0), i128::from(*remaining));
            let says_liability = order.side == Side::Lay;
            let (side, taken) = (order.side, 0);
            parties.push(Party { at, side, limit, money, says_liability, waited: true, taken });
        }
        let mut resting: Vec<usize> =
            all.into_iter().filter(|at| self.orders[*at].joined.is_some()).collect();
        let converts =
            |at: &usize| self.orders[*at].order.persistence == Persistence::MarketOnClose;
        let mut converting: Vec<usize> = resting.iter().copied().filter(converts).collect();
        converting.sort_by_key(|at| self.orders[*at].order.bet);
        for at in converting {
            let NaiveOrder { order, remaining, .. } = &self.orders[at];
            let (side, stake) = (order.side, i128::from(*remaining));
            let (limit, money) = match side {
                Side::Back => (101, stake),
                Side::Lay => (100_000, stake * (i128::from(order.price.0) - 100) / 100),
            };
            if side == Side::Lay && money < 1_000 {
                small.push(at);
                continue;
            }
            let says_liability = side == Side::Lay;
            parties.push(Party { at, side, limit, money, says_liability, waited: true, taken: 0 });
        }
        resting.retain(|at| !converts(at));
        resting.sort_by_key(|at| {
            let order = &self.orders[*at];
            let price = i64::from(order.order.price.0);
            (if order.order.side == Side::Back { price } else { -price }, order.joined)
        });
        for at in resting {
            let NaiveOrder { order, remaining, .. } = &self.orders[at];
            let (limit, money) = (i128::from(order.price.0), i128::from(*remaining));
            let (side, taken) = (order.side, 0);
            let says_liability = false;
            parties.push(Party { at, side, limit, money, says_liability, waited: false, taken });
        }
        (parties, small)
    }

    pub(super) fn start_all(&mut self) {
        self.reconciled = true;
        for runner in [HOME, AWAY, DRAW] {
            if !self.removed.contains(&runner) {
                let price = self.start(runner);
                self.prices.push((runner, price));
            }
        }
    }

    /// The starting price of one runner, and what everybody who was there is told.
    fn start(&mut self, runner: Runner) -> StartingPrice {
        let (mut parties, small) = self.parties(runner);
        for at in small {
            let lapsed = self.orders[at].remaining;
            self.tell_closed(at, 0, 0, lapsed, None, LapseReason::SmallStake);
        }
        let sum = |side: Side| -> i128 {
            parties.iter().filter(|party| party.side == side).map(|party| party.money).sum()
        };
        let (price, met) = match (sum(Side::Back), sum(Side::Lay)) {
            (_, 0) => (StartingPrice::NotANumber, None),
            (0, _) => (StartingPrice::Infinity, None),
            _ => {
                let (over, low, high) = where_it_turns(&parties);
                let exact = ExactPrice((1_000_000 + 1_000_000 * over.above / over.below) as u32);
                (StartingPrice::At(exact), Some((over, low, high, exact)))
            }
        };
        if let Some((over, low, high, _)) = met {
            meet(&mut parties, over, low, high);
        }
        for party in &parties {
            let (stake, used) = match met {
                Some((over, ..)) => {
                    let stake = party.taken / over.above;
                    let used = match party.says_liability {
                        true if stake > 0 => (party.taken + over.below - 1) / over.below,
                        true => 0,
                        false => stake,
                    };
                    (stake, used)
                }
                None => (0, 0),
            };
            let exact = met.map(|(.., exact)| exact);
            let brought = if party.waited { party.money } else { 0 };
            let lapsed = if party.waited { party.money - used } else { 0 };
            if party.waited || stake > 0 {
                let (stake, lapsed) = (stake as i64, lapsed as i64);
                let reason = LapseReason::StartingPrice;
                self.tell_closed(party.at, brought as i64, stake, lapsed, exact, reason);
            }
            self.orders[party.at].remaining -= if party.waited { 0 } else { stake as i64 };
            if party.side == Side::Back {
                self.matched += stake as i64;
            }
        }
        self.orders.retain(|order| {
            let goes = order.closing.is_some()
                || (order.joined.is_some()
                    && order.order.persistence == Persistence::MarketOnClose);
            order.remaining > 0 && !(order.order.runner == runner && goes)
        });
        price
    }

    fn tell_closed(
        &mut self,
        at: usize,
        liability: i64,
        matched: i64,
        lapsed: i64,
        price: Option<ExactPrice>,
        reason: LapseReason,
    ) {
        let order = &self.orders[at];
        let value = price.map_or(0, |price| price.times(Pence(matched)) as i64);
        self.closed.push((
            order.account,
            ClosedBet {
                bet: order.order.bet,
                liability: Pence(liability),
                matched: Pence(matched),
                value,
                lapsed: Pence(lapsed),
                reason,
            },
        ));
    }

    /// A runner does not run: its chance is a fifth, nobody else's is given, and one of them wins.
    pub(super) fn remove(&mut self, removed: Runner) {
        self.removed.push(removed);
        let reduced_money = |order: &NaiveOrder| order.remaining * 8_000 / 10_000;
        let goes = |order: &NaiveOrder| {
            let persists =
                order.joined.is_some() && order.order.persistence == Persistence::Persist;
            let of_book = order.closing.is_none() && !persists;
            let nothing_left = order.closing.is_some() && reduced_money(order) == 0;
            order.order.runner == removed
                || (order.order.side == Side::Lay && (of_book || nothing_left))
        };
        for order in self.orders.extract_if(.., |order| goes(order)) {
            let reason = LapseReason::RunnerRemoved;
            self.lapsed.push((order.account, order.order.bet.0, order.remaining, reason));
        }
        let mut lays: Vec<&mut NaiveOrder> =
            self.orders.iter_mut().filter(|order| order.order.side == Side::Lay).collect();
        // The best price moves first, and each joins the end of where it comes.
        lays.sort_by_key(|lay| (std::cmp::Reverse(lay.order.price), lay.joined));
        for lay in lays {
            if lay.closing.is_some() {
                lay.remaining = reduced_money(lay);
                continue;
            }
            let exact = Price(((lay.order.price.0 * 80 + 50) / 100).max(101));
            if exact.ladder_at_or_below() != lay.order.price {
                self.count += 1;
                lay.order.price = exact.ladder_at_or_below();
                lay.joined = Some(self.count);
            }
        }
    }
}

/// The price less one, the highest limit of backs met in full and the lowest of lays; between them, if
/// anything, is the limit that is met in part.
fn where_it_turns(parties: &[Party]) -> (Over, i128, i128) {
    let price = |index: usize| i128::from(LadderIndex(index as u16).price().0);
    // Backs below `backs` and lays above `lays`, at the price `hundredths`: what is wanted too much.
    let excess = |backs: i128, lays: i128, hundredths: i128| -> i128 {
        let over = Over { above: hundredths - 100, below: 100 };
        let of = |party: &Party| match party.side {
            Side::Back if party.limit <= backs => party.stake(over),
            Side::Lay if party.limit >= lays => -party.stake(over),
            _ => 0,
        };
        parties.iter().map(of).sum()
    };
    let mut levels: Vec<i128> = vec![];
    for index in 0..LADDER_LEN {
        let (at, below) = (price(index), price(index) - 1);
        let (low, high) = (excess(below, at, at), excess(at, at + 1, at));
        if low > 0 && levels.is_empty() {
            // It turned between the last price and this one, with the same orders at both.
            let before = price(index - 1);
            let (mut stakes, mut liability) = (0, 0);
            for party in parties {
                match party.side {
                    Side::Back if party.limit <= before => stakes += party.money,
                    Side::Lay if party.limit >= at && party.says_liability => {
                        liability += party.money;
                    }
                    Side::Lay if party.limit >= at => stakes -= party.money,
                    _ => {}
                }
            }
            return (Over { above: liability, below: stakes }, before, at);
        }
        if low == 0 || high == 0 {
            levels.push(at);
        }
        if low < 0 && high > 0 {
            return (Over { above: at - 100, below: 100 }, at - 1, at + 1);
        }
        if high > 0 && !levels.is_empty() {
            break;
        }
    }
    // Only prices at which somebody stands are ends of the stretch on which nothing is in excess.
    let is_limit = |level: &&i128| parties.iter().any(|party| party.limit == **level);
    let ends: Vec<i128> = levels.iter().filter(is_limit).copied().collect();
    // It may turn exactly at a price at which nobody does.
    let ends = if ends.is_empty() { levels } else { ends };
    let (low, high) = (ends[0], ends[ends.len() - 1]);
    match low == high {
        true => (Over { above: low - 100, below: 100 }, low - 1, low + 1),
        false => (Over { above: low + high - 200, below: 200 }, low, high),
    }
}

/// Everybody within the limits is met; those between them share what is left for their side.
fn meet(parties: &mut [Party], over: Over, low: i128, high: i128) {
    let full = |party: &Party| match party.side {
        Side::Back => party.limit <= low,
        Side::Lay => party.limit >= high,
    };
    let part =
        |party: &Party| !full(party) && low < party.limit && party.limit < high && high - low == 2;
    let sum = |side: Side, of: &dyn Fn(&Party) -> bool| -> i128 {
        let of_side = parties.iter().filter(|party| party.side == side && of(party));
        of_side.map(|party| party.stake(over)).sum()
    };
    let (backs, lays) = (sum(Side::Back, &full), sum(Side::Lay, &full));
    let met = (backs + sum(Side::Back, &part)).min(lays + sum(Side::Lay, &part));
    let (mut backs, mut lays) = (met - backs, met - lays);
    for party in parties {
        let room = if party.side == Side::Back { &mut backs } else { &mut lays };
        if full(party) {
            party.taken = party.stake(over);
        } else if part(party) {
            party.taken = party.stake(over).min(*room);
            *room -= party.taken;
        }
    }
}
