//! What a market book shows of the customer's own: their orders and their matches, out of their account.

use std::collections::BTreeMap;

use actors::account::{AccountQuery, AccountView};
use domain::account::{CurrentOrder, Match, OrderFilter, OrderSort, Page};
use domain::ids::{MarketId, Runner};
use domain::money::Pence;
use domain::order::Side;

use super::history::{known, order_filter_words};
use super::translate::{average, bet_id, date, money, side_word};
use super::{Customer, NodeExchange, unexpected};
use crate::betfair::exception::Exception;
use crate::betfair::request::ListMarketBook;
use crate::betfair::response::book::{BookMatch, StrategyMatches};
use crate::betfair::words::MatchProjection;

/// The customer's own orders and matches in the markets, as far as they were asked for.
pub(super) struct Own {
    orders: Option<Vec<CurrentOrder>>,
    matches: Option<BTreeMap<MarketId, Vec<Match>>>,
}

impl Own {
    pub(super) async fn read(
        exchange: &NodeExchange,
        customer: &Customer,
        request: &ListMarketBook,
        markets: &[MarketId],
    ) -> Result<Own, Exception> {
        let mut own = Own { orders: None, matches: None };
        if let Some(projection) = request.orders {
            let filter = OrderFilter {
                bets: request.bet_ids.as_deref().map(|ids| known(ids, bet_id)),
                markets: Some(markets.iter().copied().collect()),
                projection: order_filter_words(projection),
                strategy_refs: request.strategy_refs.clone().map(|refs| refs.into_iter().collect()),
                ..OrderFilter::default()
            };
            let mut orders = all_orders(exchange, customer, filter).await?;
            // What may still be matched is shown whenever it was matched last.
            if let Some(since) = request.matched_since {
                let matched =
                    |order: &CurrentOrder| order.matched_at.is_some_and(|at| at.0 >= since.0);
                orders.retain(|order| order.executable || matched(order));
            }
            own.orders = Some(orders);
        }
        if request.is_of_orders() {
            let query = AccountQuery::Matches(markets.to_vec());
            let AccountView::Matches(matches) = exchange.account(customer, query).await? else {
                return Err(unexpected());
            };
            own.matches = Some(matches.into_iter().collect());
        }
        Ok(own)
    }

    /// `None` when they were not asked for.
    pub(super) fn orders(
        &self,
        market: MarketId,
        runner: Runner,
    ) -> Option<impl Iterator<Item = &CurrentOrder>> {
        let here = move |order: &&CurrentOrder| order.market == market && order.runner == runner;
        Some(self.orders.as_ref()?.iter().filter(here))
    }

    /// Matches of all strategies together.
    pub(super) fn matches(
        &self,
        market: MarketId,
        runner: Runner,
        request: &ListMarketBook,
    ) -> Option<Vec<BookMatch>> {
        let all = self.of_runner(market, runner)?;
        request.include_overall_position.then(|| rolled_up(all, request.matches))
    }

    /// The same by strategy, of those that were named; what no strategy placed stands under no name.
    pub(super) fn matches_by_strategy(
        &self,
        market: MarketId,
        runner: Runner,
        request: &ListMarketBook,
    ) -> Option<BTreeMap<String, StrategyMatches>> {
        let all = self.of_runner(market, runner)?;
        if !request.partition_by_strategy {
            return None;
        }
        let mut by_strategy = BTreeMap::<String, Vec<&Match>>::new();
        for one in all {
            let strategy = one.strategy_ref.as_deref().unwrap_or_default();
            let named = |refs: &Vec<String>| refs.iter().any(|named| named == strategy);
            if request.strategy_refs.as_ref().is_none_or(named) {
                by_strategy.entry(strategy.to_owned()).or_default().push(one);
            }
        }
        let row = |(strategy, matches): (String, Vec<&Match>)| {
            let matches = rolled_up(matches.into_iter(), request.matches);
            (strategy, StrategyMatches { matches })
        };
        Some(by_strategy.into_iter().map(row).collect())
    }

    fn of_runner(&self, market: MarketId, runner: Runner) -> Option<impl Iterator<Item = &Match>> {
        let matches = self.matches.as_ref()?.get(&market).map_or(&[][..], Vec::as_slice);
        Some(matches.iter().filter(move |one| one.runner == runner))
    }
}

async fn all_orders(
    exchange: &NodeExchange,
    customer: &Customer,
    filter: OrderFilter,
) -> Result<Vec<CurrentOrder>, Exception> {
    let mut all = Vec::new();
    loop {
        let page = Page { from: u32::try_from(all.len()).unwrap_or(u32::MAX), count: 0 };
        let (filter, sort) = (filter.clone(), OrderSort::default());
        let query = AccountQuery::CurrentOrders { filter, sort, page };
        let AccountView::CurrentOrders(orders) = exchange.account(customer, query).await? else {
            return Err(unexpected());
        };
        all.extend(orders.orders);
        if !orders.more {
            return Ok(all);
        }
    }
}

/// Without a word each match stands for itself.
fn rolled_up<'m>(
    matches: impl Iterator<Item = &'m Match>,
    projection: Option<MatchProjection>,
) -> Vec<BookMatch> {
    let price = |one: &Match| average(one.matched_times_price, one.size);
    match projection {
        None | Some(MatchProjection::NoRollup) => {
            let row = |one: &Match| BookMatch {
                bet_id: Some(one.bet.to_string()),
                match_id: None,
                side: side_word(one.side),
                price: price(one),
                size: money(one.size),
                match_date: Some(date(one.at)),
            };
            matches.map(row).collect()
        }
        // Prices of matches are a fraction each: equal ones are equal doubles.
        Some(MatchProjection::RolledUpByPrice) => sums(matches, |one| price(one).to_bits()),
        Some(MatchProjection::RolledUpByAvgPrice) => sums(matches, |_| 0),
    }
}

/// One row for each side and key.
fn sums<'m>(
    matches: impl Iterator<Item = &'m Match>,
    key: impl Fn(&Match) -> u64,
) -> Vec<BookMatch> {
    let mut sums = BTreeMap::<(Side, u64), (Pence, i128)>::new();
    for one in matches {
        let (size, value) = sums.entry((one.side, key(one))).or_default();
        *size += one.size;
        *value += one.matched_times_price;
    }
    let row = |((side, _), (size, value)): ((Side, u64), (Pence, i128))| BookMatch {
        bet_id: None,
        match_id: None,
        side: side_word(side),
        price: average(value, size),
        size: money(size),
        match_date: None,
    };
    sums.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use domain::ids::{BetId, SelectionId};
    use domain::time::UtcMillis;

    use super::*;

    fn matched(bet: u64, side: Side, price: i128, size: i64) -> Match {
        Match {
            bet: BetId(bet),
            runner: Runner { selection: SelectionId(1), handicap: 0 },
            side,
            size: Pence(size),
            matched_times_price: price * i128::from(size),
            at: UtcMillis(0),
            strategy_ref: None,
        }
    }

    #[test]
    fn matches_are_told_apart_or_rolled_up() {
        let all = [
            matched(1, Side::Back, 200, 100),
            matched(1, Side::Back, 210, 100),
            matched(2, Side::Back, 200, 300),
            matched(3, Side::Lay, 200, 50),
        ];
        let rows = |projection| -> Vec<(f64, i64)> {
            let rows = rolled_up(all.iter(), projection);
            rows.iter().map(|row| (row.price, row.size.0)).collect()
        };
        let each = [(2.0, 100), (2.1, 100), (2.0, 300), (2.0, 50)];
        assert_eq!(rows(None), each);
        assert_eq!(rows(Some(MatchProjection::NoRollup)), each);
        let by_price = [(2.0, 400), (2.1, 100), (2.0, 50)];
        assert_eq!(rows(Some(MatchProjection::RolledUpByPrice)), by_price);
        let averages = [(2.02, 500), (2.0, 50)];
        assert_eq!(rows(Some(MatchProjection::RolledUpByAvgPrice)), averages);
    }
}
