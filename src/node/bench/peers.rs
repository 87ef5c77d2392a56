//! Other engines of the Rust registry, driven as their own examples drive them.
//!
//! Each is told every operation by itself, with the ids that it asks for, and its fills are read. Only with
//! the feature `peers`: the product does not carry them.

use super::match_bench::{Engine, NewEngine};
use super::match_flow::{Flow, Operation, Totals, What};
use anyhow::ensure;
use domain::order::Side;
use lobster::{OrderEvent, OrderType};
use orderbook_rs::{DefaultOrderBook, Id, TimeInForce};

/// `lobster`: sorted maps of queues, ids in a hash map.
#[derive(Debug)]
pub(super) struct Lobster {
    book: lobster::OrderBook,
    totals: Totals,
}

impl NewEngine for Lobster {
    fn new(_: &Flow) -> Self {
        Lobster { book: lobster::OrderBook::new(200_000, 100, false), totals: Totals::default() }
    }
}

impl Engine for Lobster {
    fn play(&mut self, together: &[Operation]) {
        for operation in together {
            let id = u128::from(operation.order);
            let order = match operation.what {
                What::Place { side, index, size } => OrderType::Limit {
                    id,
                    side: match side {
                        Side::Back => lobster::Side::Ask,
                        Side::Lay => lobster::Side::Bid,
                    },
                    qty: u64::from(size),
                    price: u64::from(index) + 1,
                },
                What::Cancel => OrderType::Cancel { id },
            };
            if let OrderEvent::Filled { fills, .. } | OrderEvent::PartiallyFilled { fills, .. } =
                self.book.execute(order)
            {
                self.totals.trades += fills.len() as u64;
                self.totals.volume += fills.iter().map(|fill| fill.qty).sum::<u64>();
            }
        }
    }

    fn totals(&self) -> anyhow::Result<Totals> {
        Ok(self.totals)
    }
}

/// `orderbook-rs`: concurrent maps of lock-free queues.
pub(super) struct OrderbookRs {
    book: DefaultOrderBook,
    totals: Totals,
    refused: u64,
}

impl NewEngine for OrderbookRs {
    fn new(_: &Flow) -> Self {
        OrderbookRs { book: DefaultOrderBook::new("1.1"), totals: Totals::default(), refused: 0 }
    }
}

impl Engine for OrderbookRs {
    fn play(&mut self, together: &[Operation]) {
        for operation in together {
            let id = Id::from_u64(u64::from(operation.order) + 1);
            match operation.what {
                What::Place { side, index, size } => {
                    let side = match side {
                        Side::Back => orderbook_rs::Side::Sell,
                        Side::Lay => orderbook_rs::Side::Buy,
                    };
                    let (price, size) = (u128::from(index) + 1, u64::from(size));
                    let taken = self.book.add_limit_order_with_result(
                        id,
                        price,
                        size,
                        side,
                        TimeInForce::Gtc,
                        None,
                    );
                    match taken {
                        Ok((_, Some(result))) => {
                            let trades = result.match_result.trades().as_vec();
                            self.totals.trades += trades.len() as u64;
                            self.totals.volume +=
                                trades.iter().map(|trade| trade.quantity().as_u64()).sum::<u64>();
                        }
                        Ok((_, None)) => {}
                        Err(_) => self.refused += 1,
                    }
                }
                What::Cancel => match self.book.cancel_order(id) {
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => self.refused += 1,
                },
            }
        }
    }

    fn totals(&self) -> anyhow::Result<Totals> {
        ensure!(self.refused == 0, "orderbook-rs refused {} operations", self.refused);
        Ok(self.totals)
    }
}
