//! What a customer's matched bets of open markets would pay, runner by runner.

use actors::account::{AccountQuery, AccountView};
use domain::account::ProfitAndLoss;
use domain::catalogue::Catalogue;
use domain::definition::{BettingType, MarketDefinition, MarketStatus};
use domain::ids::MarketId;
use domain::money::round_half_up;

use super::translate::{market_id, selection};
use super::{Customer, NodeExchange, busy, unexpected};
use crate::betfair::decimal::Hundredths;
use crate::betfair::exception::Exception;
use crate::betfair::request::ListMarketProfitAndLoss;
use crate::betfair::response::profit::{MarketProfitAndLoss, RunnerProfitAndLoss};
use crate::catalogue;

pub(super) async fn of_markets(
    exchange: &NodeExchange,
    customer: &Customer,
    request: ListMarketProfitAndLoss,
) -> Result<Vec<MarketProfitAndLoss>, Exception> {
    let markets: Vec<MarketId> =
        request.market_ids.iter().filter_map(|text| market_id(text)).collect();
    let wanted = markets.clone();
    let open = catalogue::ask(&exchange.node, move |catalogue: &Catalogue| {
        let card = |market: MarketId| catalogue.card(market);
        let open = wanted.into_iter().filter_map(card).filter(|card| {
            card.status != MarketStatus::Closed && card.definition.betting_type == BettingType::Odds
        });
        open.map(|card| card.definition.clone()).collect::<Vec<_>>()
    });
    let open = open.await.ok_or_else(|| busy("the catalogue is being read, try again"))?;
    let query = AccountQuery::ProfitAndLoss { markets, with_bsp: request.with_bsp };
    let AccountView::ProfitAndLoss { markets: known, profile } =
        exchange.account(customer, query).await?
    else {
        return Err(unexpected());
    };
    let discount = profile.map_or(0, |profile| profile.discount_rate);
    let row = |definition: &std::sync::Arc<MarketDefinition>| {
        let commission = request.net_of_commission.then(|| rate(definition, discount));
        let profits = known.iter().find(|(market, _)| *market == definition.id);
        market(definition, profits.map(|(_, profits)| profits), commission)
    };
    Ok(open.iter().map(row).collect())
}

/// Hundredths of a percent of a percent: what the base rate comes to for this customer.
fn rate(definition: &MarketDefinition, discount: u32) -> i128 {
    let discount = if definition.discount_allowed { discount.min(10_000) } else { 0 };
    i128::from(definition.base_rate) * i128::from(10_000 - discount)
}

fn market(
    definition: &MarketDefinition,
    known: Option<&ProfitAndLoss>,
    commission: Option<i128>,
) -> MarketProfitAndLoss {
    let several = definition.number_of_winners != 1;
    let each_way = definition.each_way_divisor.is_some();
    let pounds = |exact: i128| {
        let kept = match commission {
            Some(rate) if exact > 0 => exact * (100_000_000 - rate) / 100_000_000,
            _ => exact,
        };
        Hundredths(i64::try_from(round_half_up(kept, 100)).unwrap_or(i64::MAX))
    };
    let row = |runner: &domain::definition::RunnerDefinition| {
        let own =
            known.and_then(|known| known.runners.iter().find(|it| it.runner == runner.runner));
        // A runner without bets wins what all the others lose.
        let without = known.map_or(0, |known| if several { 0 } else { known.all_lose });
        RunnerProfitAndLoss {
            selection_id: selection(runner.runner),
            if_win: pounds(own.map_or(without, |own| own.if_win)),
            if_lose: several.then(|| pounds(own.map_or(0, |own| own.if_lose))),
            if_place: own.and_then(|own| own.if_place).or(each_way.then_some(0)).map(pounds),
        }
    };
    MarketProfitAndLoss {
        market_id: definition.id.to_string(),
        commission_applied: commission.map(|rate| rate as f64 / 1_000_000.0),
        profit_and_losses: definition.runners.iter().map(row).collect(),
    }
}
