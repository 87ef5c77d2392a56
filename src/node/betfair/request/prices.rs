//! Queries of prices: which markets, which parts of their books, and what that weighs.

use super::super::coerce::{Fault, Field};
use super::super::dates::Date;
use super::super::decimal::Decimal;
use super::super::filter::some;
use super::super::operation::Parameters;
use super::super::words::{MatchProjection, OrderProjection, PriceData, RollupModel};

/// The deepest that best offers go.
const MAX_DEPTH: u32 = 10;
/// Their depth without a word.
const DEFAULT_DEPTH: u32 = 3;

/// `listMarketBook`, and `listRunnerBook` for one runner of one market.
#[derive(Debug, Clone, PartialEq)]
pub struct ListMarketBook {
    /// Which markets.
    pub market_ids: Vec<String>,
    /// Only this runner, by selection and handicap in hundredths.
    pub runner: Option<(i64, i64)>,
    /// Which prices.
    pub prices: PriceProjection,
    /// Which of the customer's orders, if any.
    pub orders: Option<OrderProjection>,
    /// Which of the customer's fills, if any.
    pub matches: Option<MatchProjection>,
    /// Fills of all strategies too.
    pub include_overall_position: bool,
    /// Fills by strategy.
    pub partition_by_strategy: bool,
    /// Only these strategies.
    pub strategy_refs: Option<Vec<String>>,
    /// Only orders with a fill since then.
    pub matched_since: Option<Date>,
    /// Only these bets.
    pub bet_ids: Option<Vec<String>>,
}

/// Which prices of a market, and how merged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceProjection {
    /// The parts asked for.
    pub data: Vec<PriceData>,
    /// Prices on each side of EX_BEST_OFFERS, up to ten; three without a word.
    pub best_prices_depth: Option<u32>,
    /// How small amounts are merged.
    pub rollup_model: Option<RollupModel>,
    /// Up to which amount, in the account's units.
    pub rollup_limit: Option<u32>,
    /// MANAGED_LIABILITY merges by stake up to this price, and by liability above it.
    pub liability_threshold: Option<Decimal>,
    /// The liability that counts there, in the account's units.
    pub liability_factor: Option<u32>,
    /// With virtual bets of cross matching.
    pub virtualise: bool,
}

/// `listMarketProfitAndLoss`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMarketProfitAndLoss {
    /// Which markets.
    pub market_ids: Vec<String>,
    /// Commission taken off.
    /// Bets at the starting price count too.
    pub with_bsp: bool,
    pub net_of_commission: bool,
}

impl ListMarketBook {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<ListMarketBook, Fault> {
        let ids = parameters.get("marketIds").must(Field::texts)?;
        book(parameters, ids, None)
    }

    pub(super) fn read_runner(parameters: &Parameters<'_>) -> Result<ListMarketBook, Fault> {
        let market = parameters.get("marketId").must(Field::text)?;
        let selection = parameters.get("selectionId").must(Field::integer)?;
        let handicap = parameters.get("handicap").decimal()?.unwrap_or(Decimal::Fits(0));
        // No runner has a handicap of three decimals.
        let runner = (selection, handicap.pence().unwrap_or(i64::MAX));
        book(parameters, vec![market], Some(runner))
    }

    /// Whether it shows the customer's own, which is dearer than prices alone.
    pub fn is_of_orders(&self) -> bool {
        self.orders.is_some() || self.matches.is_some()
    }
}

fn book(
    parameters: &Parameters<'_>,
    market_ids: Vec<String>,
    runner: Option<(i64, i64)>,
) -> Result<ListMarketBook, Fault> {
    let get = |name| parameters.get(name);
    Ok(ListMarketBook {
        market_ids,
        runner,
        prices: get("priceProjection").object(PriceProjection::read)?.unwrap_or_default(),
        orders: get("orderProjection").word()?,
        matches: get("matchProjection").word()?,
        include_overall_position: get("includeOverallPosition").truth()?.unwrap_or(true),
        partition_by_strategy: get("partitionMatchedByStrategyRef").truth()?.unwrap_or(false),
        strategy_refs: some(get("customerStrategyRefs").texts()?),
        matched_since: get("matchedSince").date()?,
        bet_ids: some(get("betIds").texts()?),
    })
}

impl ListMarketProfitAndLoss {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<ListMarketProfitAndLoss, Fault> {
        let get = |name| parameters.get(name);
        // No market here is settled in part.
        get("includeSettledBets").truth()?;
        Ok(ListMarketProfitAndLoss {
            market_ids: get("marketIds").must(Field::texts)?,
            with_bsp: get("includeBspBets").truth()?.unwrap_or(false),
            net_of_commission: get("netOfCommission").truth()?.unwrap_or(false),
        })
    }
}

impl PriceProjection {
    fn read(field: &Field<'_, '_>) -> Result<PriceProjection, Fault> {
        let overrides = field.get("exBestOffersOverrides");
        overrides.object(|_| Ok(()))?;
        Ok(PriceProjection {
            data: field.get("priceData").words()?.unwrap_or_default(),
            best_prices_depth: overrides.get("bestPricesDepth").count()?,
            rollup_model: overrides.get("rollupModel").word()?,
            rollup_limit: overrides.get("rollupLimit").count()?,
            liability_threshold: overrides.get("rollupLiabilityThreshold").decimal()?,
            liability_factor: overrides.get("rollupLiabilityFactor").count()?,
            virtualise: field.get("virtualise").truth()?.unwrap_or(false),
        })
    }

    /// Whether a part was asked for.
    pub fn has(&self, part: PriceData) -> bool {
        self.data.contains(&part)
    }

    /// Prices on each side of the best offers.
    pub fn depth(&self) -> u32 {
        self.best_prices_depth.unwrap_or(DEFAULT_DEPTH).min(MAX_DEPTH)
    }

    /// What one market's book weighs with these prices.
    pub(super) fn weight(&self) -> u64 {
        let (best, all, traded) = (
            self.has(PriceData::ExBestOffers),
            self.has(PriceData::ExAllOffers),
            self.has(PriceData::ExTraded),
        );
        let ladders = match (all, best, traded) {
            (true, _, true) => 32,
            (true, _, false) => 17,
            (false, true, true) => 20,
            (false, true, false) => 5,
            (false, false, true) => 17,
            (false, false, false) => 0,
        };
        // Only the best offers come in another depth, and then weigh by it; three is usual.
        let depth = u64::from(self.best_prices_depth.unwrap_or(DEFAULT_DEPTH));
        let ladders =
            if best && !all { ladders * depth / u64::from(DEFAULT_DEPTH) } else { ladders };
        let starting = 3 * u64::from(self.has(PriceData::SpAvailable));
        let reconciled = 7 * u64::from(self.has(PriceData::SpTraded));
        if self.data.is_empty() { 2 } else { ladders + starting + reconciled }
    }
}
