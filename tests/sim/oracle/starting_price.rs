//! The starting price: who was there, and the laws of what came of it.
//!
//! The price itself is not searched here (the market's own tests do that): whatever it is, nobody is matched
//! beyond their limit, everybody with a better one is matched in full, nobody is left over who could have
//! met somebody, and both sides are the same but for pennies.

use super::book::{NaiveMarket, NaiveOrder};
use crate::sim::law::{Check, hold};
use domain::act::MarketAct;
use domain::definition::MarketStatus;
use domain::ids::{AccountId, BetId, Runner};
use domain::money::Pence;
use domain::order::{LapseReason, Persistence, Side};
use domain::price::StartingPrice;
use domain::record::{AtClose, ClosedBet, Reconciled};

/// A millionth is a unit of the starting price, a ten thousandth of them one of the ladder's.
const MILLION: i128 = 1_000_000;

/// A lay of the book converts only if it brings as much.
const LEAST_LIABILITY: i64 = 1_000;

/// What one bet came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct NaiveClose {
    pub(super) account: AccountId,
    pub(super) bet: BetId,
    pub(super) runner: Runner,
    pub(super) side: Side,
    pub(super) size: i64,
    /// Price times size.
    pub(super) value: i64,
    /// As it was made.
    pub(super) made: i64,
    pub(super) void: bool,
}

/// One who may be met, in the order in which they are.
#[derive(Debug)]
struct Party {
    account: AccountId,
    bet: BetId,
    side: Side,
    /// In millionths.
    limit: i128,
    /// A stake, or what a lay that waited may lose.
    money: i64,
    waited: bool,
    converts: bool,
    closed: ClosedBet,
}

impl Party {
    fn says_liability(&self) -> bool {
        self.waited && self.side == Side::Lay
    }

    fn is_better(&self, price: i128) -> bool {
        if self.side == Side::Back { self.limit < price } else { self.limit > price }
    }

    fn is_worse(&self, price: i128) -> bool {
        if self.side == Side::Back { self.limit > price } else { self.limit < price }
    }

    /// The fewest and the most pence of stake that all of the money is: a price is rounded down to millionths.
    fn stakes(&self, price: i128) -> (i64, i64) {
        if !self.says_liability() {
            return (self.money, self.money);
        }
        let of = |over: i128| (i128::from(self.money) * MILLION / over) as i64;
        (of(price - MILLION + 1), of(price - MILLION))
    }
}

impl NaiveMarket {
    /// Orders on close are taken.
    pub(in crate::sim) fn awaits_starting_price(&self) -> bool {
        let bsp = self.definition.as_ref().is_some_and(|definition| definition.bsp_market);
        bsp && !self.reconciled && !self.in_play
    }

    pub(super) fn reconciled(&mut self, act: Option<&MarketAct>, made: &Reconciled) -> Check {
        let status = match act {
            Some(MarketAct::ReconcileSp) => MarketStatus::Suspended,
            // The turn in-play makes them first, and its own record follows.
            None => self.status,
            Some(_) => MarketStatus::Closed,
        };
        hold!(
            Naive,
            self.awaits_starting_price()
                && (made.status, made.prepared) == (status, 0)
                && made.version > self.version,
            "{act:?} became {made:?}"
        );
        self.reconciled = true;
        self.status = status;
        (self.version, self.material) = (made.version, made.version);
        let runners = self.definition.iter().flat_map(|definition| &definition.runners);
        let running: Vec<Runner> =
            runners.map(|named| named.runner).filter(|runner| !self.is_removed(*runner)).collect();
        let priced: Vec<Runner> = made.prices.iter().map(|(runner, _)| *runner).collect();
        hold!(Naive, running == priced, "{running:?} run, {priced:?} have a starting price");
        let mut left: Vec<AtClose> = made.orders.clone();
        for (runner, price) in &made.prices {
            self.starts(*runner, *price, &mut left)?;
        }
        hold!(Naive, left.is_empty(), "{left:?} was not at the starting price");
        Ok(())
    }

    /// What a bet matched at the starting price, and the price times that, as it was made.
    pub(super) fn closed_of(&self, bet: BetId) -> (i64, i64) {
        let of_bet = self.closings.iter().find(|close| close.bet == bet);
        of_bet.map_or((0, 0), |close| (close.size, close.made))
    }

    /// One runner's starting price.
    fn starts(&mut self, runner: Runner, price: StartingPrice, lines: &mut Vec<AtClose>) -> Check {
        let mut parties = Vec::new();
        for order in self.orders.iter().filter(|order| order.order.runner == runner) {
            let at = lines.iter().position(|line| line.closed.bet == order.order.bet);
            let closed = at.map(|at| lines.remove(at));
            let named = closed.as_ref().is_none_or(|line| line.account == order.account);
            hold!(Naive, named && !order.waiting, "{closed:?} of {order:?}");
            let closed = closed.map(|line| line.closed);
            parties.extend(party(order, closed)?);
        }
        // Who waited, then who converts, then the book.
        parties.sort_by_key(|party| (!party.waited, party.converts.then_some(party.bet)));
        let (backs, lays): (Vec<&Party>, Vec<&Party>) =
            parties.iter().partition(|party| party.side == Side::Back);
        match price {
            StartingPrice::NotANumber => hold!(Naive, lays.is_empty(), "{lays:?} have no price"),
            StartingPrice::Infinity => hold!(Naive, backs.is_empty(), "{backs:?} have no price"),
            StartingPrice::At(exact) => fair(i128::from(exact.0), &parties)?,
        }
        if !matches!(price, StartingPrice::At(_)) {
            let all_gone = parties.iter().all(|party| {
                let lapsed = if party.waited { party.money } else { 0 };
                (party.closed.matched.0, party.closed.lapsed.0) == (0, lapsed)
            });
            hold!(Naive, all_gone, "without a starting price: {parties:?}");
        }
        for party in &parties {
            let at = self.find(party.account, party.bet).expect("it was there");
            let order = &mut self.orders[at];
            let size = party.closed.matched.0;
            order.remaining = if party.waited { 0 } else { order.remaining - size };
            if size > 0 {
                self.closings.push(NaiveClose {
                    account: party.account,
                    bet: party.bet,
                    runner,
                    side: party.side,
                    size,
                    value: party.closed.value,
                    made: party.closed.value,
                    void: false,
                });
            }
        }
        // What converts is gone, also what was too small to.
        self.orders.retain(|order| {
            let converts = order.order.persistence == Persistence::MarketOnClose;
            order.remaining > 0 && !(converts && order.order.runner == runner)
        });
        Ok(())
    }
}

/// What an order brings to the starting price, with what is said to have come of it.
fn party(order: &NaiveOrder, closed: Option<ClosedBet>) -> Check<Option<Party>> {
    let (side, limit) = (order.order.side, order.order.price);
    let converts = !order.closing && order.order.persistence == Persistence::MarketOnClose;
    let waited = order.closing || converts;
    let (limit, money) = match (converts, side) {
        (false, _) => (limit.0, order.remaining),
        (true, Side::Back) => (101, order.remaining),
        (true, Side::Lay) => (100_000, (i64::from(limit.0) - 100) * order.remaining / 100),
    };
    let nothing = ClosedBet {
        bet: order.order.bet,
        liability: Pence::ZERO,
        matched: Pence::ZERO,
        value: 0,
        lapsed: Pence::ZERO,
        reason: LapseReason::StartingPrice,
    };
    if converts && side == Side::Lay && money < LEAST_LIABILITY {
        let lapsed = Pence(order.remaining);
        let expected = ClosedBet { lapsed, reason: LapseReason::SmallStake, ..nothing };
        hold!(Naive, closed == Some(expected), "{order:?} is too small: {closed:?}");
        return Ok(None);
    }
    hold!(Naive, closed.is_some() || !waited, "{order:?} waited for nothing");
    let closed = closed.unwrap_or(nothing);
    let brings = if waited { money } else { 0 };
    hold!(Naive, closed.liability.0 == brings, "{order:?} brings {brings}, not {closed:?}");
    let (account, bet) = (order.account, order.order.bet);
    let limit = i128::from(limit) * 10_000;
    Ok(Some(Party { account, bet, side, limit, money, waited, converts, closed }))
}

/// The laws of a starting price, in millionths.
fn fair(price: i128, parties: &[Party]) -> Check {
    let pennies = parties.len() as i64;
    let (mut sums, mut could_more) = ([0, 0], [false, false]);
    for party in parties {
        let ClosedBet { matched, value, lapsed, .. } = party.closed;
        let (fewest, most) = party.stakes(price);
        let exact = (price * i128::from(matched.0) / 10_000) as i64;
        hold!(Naive, value == exact, "{party:?} at {price} is worth {exact}");
        hold!(Naive, !party.is_worse(price) || matched.0 == 0, "{party:?} is met at {price}");
        let in_full = (fewest..=most).contains(&matched.0);
        hold!(Naive, in_full || !party.is_better(price), "{party:?} is left out at {price}");
        hold!(Naive, matched.0 <= most, "{party:?} is met too much at {price}");
        // What is used is what is lost at most, and no more than another penny of stake would be.
        let lost = |stake: i64| match party.says_liability() {
            true => i128::from(stake) * (price - MILLION),
            false => i128::from(stake) * MILLION,
        };
        let used =
            MILLION * i128::from(if party.waited { party.money - lapsed.0 } else { matched.0 });
        let right = match matched.0 {
            0 => used == 0,
            matched => lost(matched) <= used && used <= lost(matched + 1) + 2 * MILLION,
        };
        hold!(Naive, right && lapsed.0 >= 0, "{party:?} has lost {used} millionths at {price}");
        let side = usize::from(party.side == Side::Lay);
        sums[side] += matched.0;
        could_more[side] |= !party.is_worse(price) && fewest - matched.0 > pennies;
    }
    let [backed, laid] = sums;
    hold!(Naive, (backed - laid).abs() <= pennies, "{backed} backed, {laid} laid at {price}");
    hold!(Naive, could_more != [true, true], "at {price} somebody is left over: {parties:?}");
    first_come(price, parties)
}

/// At the limit who waited comes first, in the order of arrival, then the book's queue.
fn first_come(price: i128, parties: &[Party]) -> Check {
    for side in [Side::Back, Side::Lay] {
        let at_limit = parties.iter().filter(|party| party.side == side && party.limit == price);
        let mut short = None;
        for party in at_limit {
            let matched = party.closed.matched.0;
            hold!(Naive, matched == 0 || short.is_none(), "{party:?} before {short:?} at {price}");
            if matched < party.stakes(price).0 {
                short = Some(party);
            }
        }
    }
    Ok(())
}
