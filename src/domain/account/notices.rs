//! What a market says: each notice is taken once and in order, applied, and acknowledged.

use super::payment::{Resolved, payment};
use super::{Account, Outgoing};
use crate::ids::{BetId, MarketId};
use crate::link::Arrival;
use crate::money::Pence;
use crate::order::{LapseReason, Matched};
use crate::record::{AccountEvent, Notice, Noticed, Payment, Reduced, Resolution};
use crate::time::UtcMillis;

/// So many notices of a market are acknowledged together when no command carries the number.
const ACKNOWLEDGE_EVERY: u64 = 32;

/// What became of a notice. On a gap the market must be asked to begin again at the number expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeTaken {
    pub arrival: Arrival,
    /// Folded already, to be journaled.
    pub event: Option<AccountEvent>,
}

impl Account {
    /// Takes the notice if it is the market's next. A repeat is acknowledged again and changes nothing. A
    /// market that the account knows nothing of is a gap: what is not applied is never acknowledged.
    pub fn notice(
        &mut self,
        now: UtcMillis,
        market: MarketId,
        k: u64,
        notice: Notice,
    ) -> NoticeTaken {
        let Some(position) = self.positions.get(&market) else {
            return self.notice_of_the_past(market, k);
        };
        let arrival = position.notices.arrival(k);
        match arrival {
            Arrival::Gap { .. } => return NoticeTaken { arrival, event: None },
            Arrival::Repeat => {
                let paid = position.paid.filter(|(resolution, _)| *resolution == k);
                let (k, paid) = match paid {
                    Some((k, paid)) => (k, Some(paid)),
                    None => (position.notices.last(), None),
                };
                self.outgoing.push(Outgoing::Acknowledge { market, k, paid });
                return NoticeTaken { arrival, event: None };
            }
            Arrival::Next => {}
        }
        let payment = match (&notice, self.profile()) {
            (Notice::Resolved { generation, resolution }, profile) => {
                let profile = profile.copied().unwrap_or_default();
                Some(payment(position, &profile, *generation, resolution))
            }
            _ => None,
        };
        let reduced = match &notice {
            Notice::RunnerRemoved(reduction) => position.reductions(reduction),
            _ => Vec::new(),
        };
        self.fold_notice(now, market, k, &notice, payment.as_ref(), &reduced);
        let exposure = self.positions[&market].exposure();
        self.hold(market, exposure);
        let noticed = Noticed { market, k, notice, exposure, payment, reduced };
        let event = AccountEvent::Noticed(noticed);
        NoticeTaken { arrival, event: Some(event) }
    }

    /// The bets of this market were forgotten long ago; only its numbers are left.
    fn notice_of_the_past(&mut self, market: MarketId, k: u64) -> NoticeTaken {
        let Some(link) = self.history.link(market) else {
            return NoticeTaken { arrival: Arrival::Gap { expected: 1 }, event: None };
        };
        let arrival = link.notices.arrival(k);
        if arrival == Arrival::Repeat {
            let k = link.notices.last();
            self.outgoing.push(Outgoing::Acknowledge { market, k, paid: None });
        }
        NoticeTaken { arrival, event: None }
    }

    /// Everything a notice does but the hold, which follows from it.
    pub(super) fn fold_notice(
        &mut self,
        at: UtcMillis,
        market: MarketId,
        k: u64,
        notice: &Notice,
        payment: Option<&Payment>,
        reduced: &[Reduced],
    ) {
        let position =
            self.positions.get_mut(&market).expect("a notice is taken only where bets were placed");
        position.notices.take(k);
        match notice {
            Notice::Answered { n, answer } => self.fold_answer(at, market, *n, answer),
            Notice::Waiting { n, orders } => {
                position.wait_for_delay(at, *n, orders);
                for (bet, _) in orders {
                    self.outgoing.push(Outgoing::BetChanged { market, bet: *bet });
                }
            }
            Notice::Filled(fills) => self.fold_fills(at, market, fills),
            Notice::Lapsed(lapses) => {
                for (bet, size, reason) in lapses {
                    position.lapse(at, *bet, *size, *reason);
                    self.outgoing.push(Outgoing::BetChanged { market, bet: *bet });
                }
                position.tidy();
            }
            Notice::Closed(bets) => {
                for closed in bets {
                    position.close(at, closed);
                    self.outgoing.push(Outgoing::BetChanged { market, bet: closed.bet });
                }
                position.tidy();
            }
            Notice::Adjusted(bets) => {
                for (bet, price, left) in bets {
                    position.adjust(*bet, *price, *left);
                    self.outgoing.push(Outgoing::BetChanged { market, bet: *bet });
                }
            }
            Notice::RunnerRemoved(reduction) => {
                position.remove_runner(reduction.runner, reduced);
                position.paid = Some((k, Pence::ZERO));
                position.acknowledged = k;
                let matched = position.bets.iter().filter(|bet| !bet.matched.is_zero());
                for bet in matched {
                    self.outgoing.push(Outgoing::BetChanged { market, bet: bet.id });
                }
                self.outgoing.push(Outgoing::Acknowledge { market, k, paid: Some(Pence::ZERO) });
            }
            Notice::Resolved { generation, resolution } => {
                if let Some(payment) = payment {
                    self.fold_resolution(at, market, k, *generation, resolution, payment);
                }
            }
        }
        self.acknowledge_some(market);
    }

    fn fold_fills(&mut self, at: UtcMillis, market: MarketId, fills: &[(BetId, Matched)]) {
        let Some(position) = self.positions.get_mut(&market) else { return };
        for (bet, matched) in fills {
            position.fill(at, *bet, *matched);
            self.outgoing.push(Outgoing::BetChanged { market, bet: *bet });
        }
    }

    fn acknowledge_some(&mut self, market: MarketId) {
        let Some(position) = self.positions.get_mut(&market) else { return };
        let k = position.notices.last();
        if k - position.acknowledged >= ACKNOWLEDGE_EVERY {
            position.acknowledged = k;
            self.outgoing.push(Outgoing::Acknowledge { market, k, paid: None });
        }
    }

    fn fold_resolution(
        &mut self,
        at: UtcMillis,
        market: MarketId,
        k: u64,
        generation: u32,
        resolution: &Resolution,
        payment: &Payment,
    ) {
        let Some(position) = self.positions.get_mut(&market) else { return };
        let fresh = generation > position.generation;
        if fresh {
            position.generation = generation;
            let resting: Vec<BetId> = position.resting().collect();
            match resolution {
                Resolution::Unsettled => {
                    if let Some(resolved) = position.resolved.take() {
                        self.limits.unsettled(resolved.at, resolved.payment.net);
                        self.history.unsettled(market, &resolved);
                    }
                }
                Resolution::Settled(_) | Resolution::Voided => {
                    for bet in resting {
                        let left = Pence(i64::MAX);
                        position.lapse(at, bet, left, LapseReason::MarketClosed);
                    }
                    let results = match resolution {
                        Resolution::Settled(results) => Some(results.clone()),
                        _ => None,
                    };
                    position.resolved = Some(Resolved { at, results, payment: payment.clone() });
                    self.history.resolved(market, at, position.unmatched);
                    self.limits.settled(at, payment.net);
                }
            }
            for bet in &position.bets {
                self.outgoing.push(Outgoing::BetChanged { market, bet: bet.id });
            }
        }
        position.paid = Some((k, payment.net));
        position.acknowledged = k;
        self.pay(at, market, resolution, payment);
        self.outgoing.push(Outgoing::Acknowledge { market, k, paid: Some(payment.net) });
        self.forget(at);
    }

    fn pay(&mut self, at: UtcMillis, market: MarketId, resolution: &Resolution, payment: &Payment) {
        self.statement.push_payment(at, market, resolution, payment, self.money.balance);
        self.money.won += payment.net;
        self.money.commission += payment.commission;
        self.money.balance += payment.net;
        self.money.balance -= payment.commission;
    }
}
