//! A command that went out, folded: its bets, its request, its number.

use super::bet::References;
use super::position::{Position, Sent};
use super::{Account, Outgoing};
use crate::definition::MarketTerms;
use crate::ids::MarketId;
use crate::order::OrderCommand;
use crate::record::Ordered;
use crate::time::UtcMillis;

impl Account {
    pub(super) fn apply_ordered(&mut self, at: UtcMillis, ordered: &Ordered) {
        if let Some(key) = ordered.request {
            self.sessions.take(at, key, ordered.more);
        }
        self.customer_refs.take(at, ordered);
        let market = ordered.market;
        let position = self.position_of(market, ordered.terms);
        let n = position.commands.push(Sent {
            at,
            request: ordered.request,
            command: ordered.command.clone(),
            faults: ordered.faults.clone(),
        });
        debug_assert_eq!(n, ordered.n, "commands are numbered without holes");
        position.add_orders(at, ordered);
        position.withdrawn.extend(&ordered.withdraws);
        position.acknowledged = position.notices.last();
        let acknowledged = position.acknowledged;
        for n in &ordered.withdraws {
            self.outgoing.push(Outgoing::Withdraw { market, n: *n });
        }
        let command = ordered.command.clone();
        self.outgoing.push(Outgoing::ToMarket { market, n, acknowledged, command });
        self.hold(market, ordered.exposure);
    }

    /// The position in a market, begun or taken up again with the first command.
    fn position_of(&mut self, market: MarketId, terms: Option<MarketTerms>) -> &mut Position {
        let history = &mut self.history;
        let position = self.positions.entry(market).or_insert_with(|| {
            let terms = terms.expect("the first command to a market carries its terms");
            let mut position = Position::new(terms);
            if let Some(link) = history.take_link(market) {
                link.resume(&mut position);
            }
            position
        });
        if let Some(terms) = terms {
            position.terms = terms;
        }
        position
    }
}

impl Position {
    fn add_orders(&mut self, at: UtcMillis, ordered: &Ordered) {
        match &ordered.command {
            OrderCommand::Place { orders, .. } => {
                for (position, order) in orders.iter().enumerate() {
                    let named = ordered.references.get(position).and_then(|name| name.as_deref());
                    let references = References::boxed(named, ordered.strategy_ref.as_deref());
                    self.add(at, order, references);
                }
            }
            OrderCommand::Replace { orders, .. } => {
                for order in orders {
                    self.replacing(order.bet, order.new_price);
                }
            }
            OrderCommand::Cancel { .. } | OrderCommand::Update { .. } => {}
        }
    }
}
