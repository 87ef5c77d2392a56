//! One market as a list of orders and a list of matches.
//!
//! Whoever came first stands first; to match, the list is searched and sorted anew; fill or kill goes penny
//! by penny. Every record of the real market is worked out from its command and compared.

use super::crossing::VirtualBet;
use super::money::NaivePayment;
use super::removal::Removal;
use super::starting_price::NaiveClose;
use crate::sim::law::{Check, hold};
use domain::act::MarketAct;
use domain::definition::{MarketDefinition, MarketStatus};
use domain::ids::{AccountId, BetId, Handle, Runner};
use domain::market::Market;
use domain::money::Pence;
use domain::order::{
    CancelledOrder, Conditions, InstructionFault, LapseReason, NewOrder, OrderKind, Persistence,
    Side, TimeInForce,
};
use domain::price::Price;
use domain::record::{CommandRef, Fill, Lapsed, Resolution, StatusChanged, Taken};
use domain::time::UtcMillis;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub(super) struct NaiveOrder {
    pub(super) account: AccountId,
    pub(super) n: u64,
    pub(super) order: NewOrder,
    pub(super) remaining: i64,
    pub(super) waiting: bool,
    /// For the starting price: what remains is what may be lost.
    pub(super) closing: bool,
}

/// One match: a backer's bet, a layer's bet.
#[derive(Debug, Clone, Copy)]
pub(super) struct NaiveMatch {
    pub(super) runner: Runner,
    /// At which they met.
    pub(super) price: Price,
    /// What that is since other runners were removed.
    pub(super) worth: Price,
    pub(super) size: i64,
    /// Backer's, layer's; one of them is the house's where bets were cross matched.
    pub(super) bets: [(AccountId, BetId); 2],
    /// The runner was removed.
    pub(super) void: bool,
}

/// A command whose orders wait for the bet delay.
#[derive(Debug, Clone)]
pub(super) struct Wait {
    pub(super) account: AccountId,
    pub(super) n: u64,
    pub(super) until: UtcMillis,
    pub(super) bets: Vec<NewOrder>,
    /// The cancel half of a replacement.
    pub(super) cancelled: Option<Vec<CancelLine>>,
}

pub(super) type CancelLine = Result<(CancelledOrder, Handle), InstructionFault>;

#[derive(Debug, Default)]
pub(in crate::sim) struct NaiveMarket {
    pub(super) definition: Option<Box<MarketDefinition>>,
    pub(super) status: MarketStatus,
    pub(super) in_play: bool,
    pub(super) delay_s: u16,
    pub(super) version: u64,
    pub(super) material: u64,
    /// The first comes first.
    pub(super) orders: Vec<NaiveOrder>,
    pub(super) matches: Vec<NaiveMatch>,
    pub(super) closings: Vec<NaiveClose>,
    pub(super) waits: Vec<Wait>,
    /// The first removed stands first.
    pub(super) removed: Vec<Removal>,
    /// What the status will be when everybody has heard of the last removal.
    pub(super) removing: Option<MarketStatus>,
    /// Of those who run, in hundredths of a percent.
    pub(super) chances: BTreeMap<Runner, u32>,
    /// The starting prices are made.
    pub(super) reconciled: bool,
    pub(super) resolution: Option<Resolution>,
    pub(super) generation: u32,
    /// What each generation pays.
    pub(super) payments: BTreeMap<(u32, AccountId), NaivePayment>,
    pub(super) settled_by: u32,
    pub(super) paid: i64,
    /// What settlements so far have paid the house, less what was taken back.
    pub(in crate::sim) house_paid: i64,
}

/// A resting bet that is met: whose, at what price, how much of it.
pub(super) type Met = (AccountId, BetId, Price, i64);

/// What should come of an order: fills of resting bets, virtual bets, whether the rest rests, why it does not.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    fills: Vec<Met>,
    crossed: Vec<VirtualBet>,
    /// With a target, what its stake turned out to be.
    size: i64,
    rests: bool,
    gone: Option<LapseReason>,
}

pub(super) fn met(fill: &Fill) -> Met {
    (fill.account, fill.bet, fill.price, fill.size.0)
}

impl NaiveMarket {
    pub(super) fn create(
        &mut self,
        definition: &MarketDefinition,
        status: MarketStatus,
        at: UtcMillis,
    ) {
        self.definition = Some(Box::new(definition.clone()));
        let runners = definition.runners.iter();
        self.chances = runners.filter_map(|r| Some((r.runner, r.adjustment_factor?))).collect();
        self.status = status;
        self.version = at.0 as u64;
        self.material = self.version;
    }

    pub(super) fn find(&self, account: AccountId, bet: BetId) -> Option<usize> {
        self.orders.iter().position(|other| other.order.bet == bet && other.account == account)
    }

    pub(super) fn knows(&self, bet: BetId) -> bool {
        self.orders.iter().any(|other| other.order.bet == bet)
            || self.matches.iter().any(|m| m.bets.iter().any(|(_, other)| *other == bet))
            || self.closings.iter().any(|close| close.bet == bet)
    }

    pub(super) fn matched_at(&self, bet: BetId, price: Price) -> i64 {
        let of_bet =
            |m: &&NaiveMatch| m.price == price && m.bets.iter().any(|(_, other)| *other == bet);
        // A bet that met one of its own account's is there once: its other half is another bet.
        self.matches.iter().filter(of_bet).map(|m| m.size).sum()
    }

    // -------------------------------------------------------------------------------------- match

    /// Whom an order could meet, best price first, then the first to come.
    pub(super) fn opposite(&self, order: &NewOrder) -> Vec<usize> {
        self.queue(order.runner, order.side.opposite())
    }

    /// Who stands on a side of a runner, the best price for a taker first, then the first to come.
    pub(super) fn queue(&self, runner: Runner, side: Side) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.orders.len())
            .filter(|at| {
                let NaiveOrder { order, waiting, closing, .. } = &self.orders[*at];
                !(*waiting || *closing) && order.runner == runner && order.side == side
            })
            .collect();
        found.sort_by_key(|at| {
            let price = i64::from(self.orders[*at].order.price.0);
            if side == Side::Lay { -price } else { price }
        });
        found
    }

    fn meets(order: &NewOrder, price: Price) -> bool {
        match order.side {
            Side::Back => price >= order.price,
            Side::Lay => price <= order.price,
        }
    }

    fn fills(&self, order: &NewOrder) -> Vec<(usize, i64)> {
        let (mut fills, mut pence, mut priced) = (Vec::new(), 0, 0);
        for at in self.opposite(order) {
            let other = &self.orders[at];
            let price = other.order.price;
            let mut size = 0;
            while size < other.remaining && pence < order.size.0 {
                let fits = if order.time_in_force == TimeInForce::Rest {
                    Self::meets(order, price)
                } else {
                    let sum = priced + i64::from(price.0);
                    let limit = (pence + 1) * i64::from(order.price.0);
                    if order.side == Side::Back { sum >= limit } else { sum <= limit }
                };
                if !fits {
                    break;
                }
                (size, pence, priced) = (size + 1, pence + 1, priced + i64::from(price.0));
            }
            if size > 0 {
                fills.push((at, size));
            }
        }
        fills
    }

    /// Penny by penny until the target is reached: the fills, and the stake that is left to reach it.
    fn fills_to(&self, order: &NewOrder, target: Pence) -> (Vec<(usize, i64)>, i64) {
        let profit = matches!(order.kind, OrderKind::BackersProfit(_));
        let yields = |price: Price| i64::from(price.0) - if profit { 100 } else { 0 };
        let (mut fills, mut needed) = (Vec::new(), 100 * target.0);
        for at in self.opposite(order) {
            let other = &self.orders[at];
            let price = other.order.price;
            if !Self::meets(order, price) {
                break;
            }
            let mut size = 0;
            while size < other.remaining && needed >= yields(price) {
                (size, needed) = (size + 1, needed - yields(price));
            }
            if size > 0 {
                fills.push((at, size));
            }
            // What is left of the target is less than a penny of stake brings.
            if needed < yields(price) {
                return (fills, 0);
            }
        }
        (fills, needed / yields(order.price))
    }

    fn expect(&self, account: AccountId, order: &NewOrder, conditions: &Conditions) -> Expected {
        let size = order.size.0;
        let gone = |size, reason| Expected { size, gone: Some(reason), ..Expected::default() };
        if order.kind.is_on_close() {
            return Expected { size, rests: true, ..Expected::default() };
        }
        let best = self.opposite(order).first().map(|at| self.orders[*at].order.price);
        let mut better = best.is_some_and(|best| best != order.price && Self::meets(order, best));
        let mut crossed: Vec<VirtualBet> = Vec::new();
        let (fills, size) = match order.kind.target() {
            None if self.is_crossing() => {
                let met = self.meet_crossing(order);
                (better, crossed) = (met.improved, met.crossed);
                (met.fills, size)
            }
            None => (self.fills(order), size),
            Some(target) => {
                let (fills, left) = self.fills_to(order, target);
                let size = left + fills.iter().map(|(_, size)| size).sum::<i64>();
                (fills, size)
            }
        };
        if better && !conditions.best_execution {
            return gone(order.size.0, LapseReason::PriceImprovementTooLarge);
        }
        if !conditions.self_match && fills.iter().any(|(at, _)| self.orders[*at].account == account)
        {
            return gone(size, LapseReason::SelfMatch);
        }
        let real: i64 = fills.iter().map(|(_, size)| size).sum();
        let left = size - real - crossed.iter().map(|bet| bet.size).sum::<i64>();
        let fills = fills.into_iter().map(|(at, size)| self.stands(at, size)).collect();
        match order.time_in_force {
            TimeInForce::FillOrKill { min_fill }
                if size - left < min_fill.map_or(size, |least| least.0) =>
            {
                gone(size, LapseReason::Killed)
            }
            TimeInForce::FillOrKill { .. } => {
                let gone = (left > 0).then_some(LapseReason::Killed);
                Expected { fills, crossed, size, rests: false, gone }
            }
            TimeInForce::Rest => Expected { fills, crossed, size, rests: left > 0, gone: None },
        }
    }

    pub(super) fn stands(&self, at: usize, size: i64) -> Met {
        let other = &self.orders[at];
        (other.account, other.order.bet, other.order.price, size)
    }

    /// One order of a command, compared and carried out; `waited`: it stands in the list already.
    pub(super) fn take(
        &mut self,
        command: &CommandRef,
        mut order: NewOrder,
        conditions: &Conditions,
        waited: bool,
        taken: &Taken,
    ) -> Check {
        let account = command.account;
        let mut expected = None;
        if waited {
            match self.find(account, order.bet) {
                None => {
                    order.size = Pence::ZERO;
                    expected = Some(Expected::default());
                }
                Some(at) => {
                    let stood = self.orders.remove(at);
                    if stood.remaining < order.size.0 {
                        // What was cut is a stake, and no target any more.
                        order.kind = OrderKind::Limit;
                    }
                    order.size = Pence(stood.remaining);
                    order.persistence = stood.order.persistence;
                    let overtaken = conditions.market_version.is_some_and(|v| v < self.material);
                    let gone = match self.status {
                        MarketStatus::Open if overtaken => Some(LapseReason::MarketVersion),
                        MarketStatus::Open => None,
                        _ => Some(LapseReason::MarketSuspended),
                    };
                    let size = order.size.0;
                    expected = gone.map(|_| Expected { size, gone, ..Expected::default() });
                }
            }
        }
        self.crosses_fairly(account, &order, taken)?;
        let expected = expected.unwrap_or_else(|| self.expect(account, &order, conditions));
        let real = Expected {
            fills: taken.fills.iter().map(met).collect(),
            crossed: taken.crossed.iter().flat_map(|c| &c.0).map(VirtualBet::of).collect(),
            size: taken.order.size.0,
            rests: taken.rests.is_some(),
            gone: taken.gone,
        };
        order.size = Pence(expected.size);
        hold!(
            Naive,
            expected == real && taken.order == order,
            "{order:?} under {conditions:?} should be {expected:?}, was {taken:?}"
        );
        let mut left = order.size.0;
        for (other, bet, price, size) in expected.fills {
            let at = self.find(other, bet).expect("it was met");
            self.orders[at].remaining -= size;
            left -= size;
            let (mine, theirs) = ((account, order.bet), (other, bet));
            let bets = if order.side == Side::Back { [mine, theirs] } else { [theirs, mine] };
            let (runner, worth, void) = (order.runner, price, false);
            self.matches.push(NaiveMatch { runner, price, worth, size, bets, void });
        }
        for virtual_bet in &expected.crossed {
            left -= virtual_bet.size;
            self.cross((account, order.bet), &order, virtual_bet);
        }
        if expected.rests {
            let n = command.n;
            let (remaining, closing) = (left, order.kind.is_on_close());
            let order = NaiveOrder { account, n, order, remaining, waiting: false, closing };
            self.orders.push(order);
        }
        self.orders.retain(|order| order.remaining > 0);
        Ok(())
    }

    // -------------------------------------------------------------------------------------- status

    /// Takes away what lapses, if it is exactly what should.
    pub(super) fn lapse(&mut self, lapsed: &[Lapsed], goes: impl Fn(&NaiveOrder) -> bool) -> Check {
        let mut expected: Vec<(BetId, AccountId, i64)> = self
            .orders
            .iter()
            .filter(|order| goes(order))
            .map(|order| (order.order.bet, order.account, order.remaining))
            .collect();
        let mut real: Vec<_> =
            lapsed.iter().map(|line| (line.bet, line.account, line.size.0)).collect();
        expected.sort_unstable();
        real.sort_unstable();
        hold!(Naive, expected == real, "{expected:?} should lapse, {real:?} did");
        self.orders.retain(|order| !goes(order));
        Ok(())
    }

    pub(super) fn status_changed(
        &mut self,
        act: Option<&MarketAct>,
        change: &StatusChanged,
    ) -> Check {
        let lapsing =
            |order: &NaiveOrder| order.order.persistence != Persistence::Persist && !order.closing;
        let (status, lapses) = match act {
            Some(MarketAct::Open) => (MarketStatus::Open, false),
            Some(MarketAct::Suspend { lapse, .. }) => (MarketStatus::Suspended, *lapse),
            Some(MarketAct::TurnInPlay { .. }) => (MarketStatus::Open, true),
            Some(MarketAct::Reopen) => (MarketStatus::Suspended, false),
            None => (self.removing.unwrap_or(MarketStatus::Suspended), false),
            Some(other) => {
                hold!(Naive, false, "{other:?} became {change:?}");
                return Ok(());
            }
        };
        hold!(
            Naive,
            change.status == status && change.material == lapses && change.version > self.version,
            "{act:?} became {change:?}"
        );
        self.changed(change);
        self.lapse(&change.lapsed, |order| lapses && lapsing(order))
    }

    fn changed(&mut self, change: &StatusChanged) {
        self.status = change.status;
        self.in_play = change.in_play;
        self.delay_s = change.bet_delay_s;
        self.version = change.version;
        if change.material {
            self.material = change.version;
        }
    }

    pub(super) fn closes(&mut self, change: &StatusChanged) -> Check {
        hold!(Naive, change.status == MarketStatus::Closed, "{change:?}");
        self.changed(change);
        self.lapse(&change.lapsed, |_| true)
    }

    pub(super) fn withdrawn(&mut self, command: &CommandRef, lapsed: &[Lapsed]) -> Check {
        let CommandRef { account, n, .. } = *command;
        self.lapse(lapsed, |order| order.account == account && order.n == n)
    }

    // ------------------------------------------------------------------------------------- compare

    pub(super) fn agrees(&self, market: &Market) -> Check {
        let mut expected: Vec<_> = self
            .orders
            .iter()
            .map(|o| (o.order.bet, o.account, o.order.price, o.remaining, o.waiting, o.order.side))
            .collect();
        let mut real: Vec<_> = market
            .orders()
            .map(|o| (o.bet, o.account, o.price, o.remaining.0, o.waiting, o.side))
            .collect();
        expected.sort_unstable_by_key(|line| line.0);
        real.sort_unstable_by_key(|line| line.0);
        hold!(Naive, expected == real, "the book should be {expected:?}, is {real:?}");
        let closed = self.closings.iter().filter(|close| close.side == Side::Back);
        let closed: i64 = closed.map(|close| close.size).sum();
        let matched = closed + self.matches.iter().map(|m| m.size).sum::<i64>();
        hold!(Naive, market.total_matched().0 == 2 * matched, "matched {matched} a side");
        hold!(
            Naive,
            market.status() == self.status,
            "{:?}, not {:?}",
            market.status(),
            self.status
        );
        self.house_agrees(market)
    }
}
