//! How much is ahead of a customer's resting orders, out of the markets' own queues.

use std::collections::BTreeMap;

use actors::market::MarketMsg;
use actors::node::Node;
use actors::partition::deliver;
use domain::account::CurrentOrder;
use domain::ids::{BetId, EntityId, Handle, MarketId};
use domain::money::Pence;
use tokio::sync::oneshot;

use super::{ANSWER_WITHIN, PARTITION};

/// Of every order that rests and whose market answers.
pub(super) async fn sizes_ahead(node: &Node, orders: &[CurrentOrder]) -> BTreeMap<BetId, Pence> {
    let mut by_market = BTreeMap::<MarketId, Vec<(BetId, Handle)>>::new();
    for order in orders.iter().filter(|order| order.executable) {
        if let Some(handle) = order.handle {
            by_market.entry(order.market).or_default().push((order.bet, handle));
        }
    }
    let asked: Vec<_> = by_market
        .into_iter()
        .map(|(market, orders)| {
            let (reply, answer) = oneshot::channel();
            let message = MarketMsg::SizeAhead { orders, reply };
            deliver(node, PARTITION, EntityId::Market(market), message);
            answer
        })
        .collect();
    let mut ahead = BTreeMap::new();
    for answer in asked {
        if let Ok(Ok(found)) = tokio::time::timeout(ANSWER_WITHIN, answer).await {
            ahead.extend(found);
        }
    }
    ahead
}
