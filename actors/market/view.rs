//! What a door is told of a market: copied out of the actor, as deep as it was asked for.

use domain::definition::{BetDelayModel, MarketStatus};
use domain::ids::{MarketId, Runner};
use domain::market::Market;
use domain::money::Pence;
use domain::order::Side;
use domain::price::{ExactPrice, Price, StartingPrice};
use domain::record::{Resolution, RunnerResult};
use domain::time::UtcMillis;
use std::collections::BTreeSet;

/// How much of each ladder is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LadderDepth {
    None,
    /// The best prices of each side.
    Best(usize),
    All,
    /// All of it, and what can be made of the other runners where the market is cross matched.
    Virtual,
}

#[derive(Debug, Clone, Copy)]
pub struct ViewRequest {
    pub offers: LadderDepth,
    pub traded: bool,
    /// What waits for the starting price and what it would be.
    pub starting_price: bool,
}

/// A market at one moment. Traded sizes count both sides.
#[derive(Debug, Clone)]
pub struct MarketView {
    /// `None`: the market does not exist.
    pub market: Option<MarketId>,
    pub status: MarketStatus,
    pub in_play: bool,
    pub bet_delay_s: u16,
    pub bet_delay_models: BTreeSet<BetDelayModel>,
    /// Of a suspension, where one was named.
    pub suspend_reason: Option<String>,
    /// The line that a market of handicaps is now about.
    pub key_line: Vec<Runner>,
    pub version: u64,
    pub bsp_reconciled: bool,
    pub complete: bool,
    pub cross_matching: bool,
    pub number_of_winners: u16,
    pub last_match: Option<UtcMillis>,
    pub total_matched: Pence,
    /// Everything unmatched, both sides.
    pub total_available: Pence,
    pub runners: Vec<RunnerLadders>,
}

#[derive(Debug, Clone)]
pub struct RunnerLadders {
    pub runner: Runner,
    /// How the runner ended, once the market is settled.
    pub result: Option<RunnerResult>,
    /// Its chance in hundredths of a percent, where one is given.
    pub adjustment_factor: Option<u32>,
    pub removed_at: Option<UtcMillis>,
    pub last_price_traded: Option<Price>,
    pub total_matched: Pence,
    pub available_to_back: Vec<(Price, Pence)>,
    pub available_to_lay: Vec<(Price, Pence)>,
    pub traded: Vec<(Price, Pence)>,
    /// The starting price, once it is made.
    pub starting_price: Option<StartingPrice>,
    /// `None` when it was not asked for.
    pub at_close: Option<AtClose>,
}

/// What waits for a runner's starting price, or was matched at it.
#[derive(Debug, Clone)]
pub struct AtClose {
    /// The starting price as it would be now, with the book's orders and without.
    pub near_price: StartingPrice,
    pub far_price: StartingPrice,
    /// Stakes of backs by the lowest price they take; one row once the price is made.
    pub back_stakes: Vec<(ExactPrice, Pence)>,
    /// Liabilities of lays by the highest price they take; one row once the price is made.
    pub lay_liabilities: Vec<(ExactPrice, Pence)>,
}

impl MarketView {
    pub(super) fn of(market: &Market, request: &ViewRequest) -> MarketView {
        let definition = market.definition();
        let mut total_available = Pence::ZERO;
        let runners = market
            .runners()
            .map(|runner| {
                for (_, size) in runner.available_to_back().chain(runner.available_to_lay()) {
                    total_available += size;
                }
                RunnerLadders {
                    runner: runner.runner,
                    result: result(market.resolution(), runner.runner),
                    adjustment_factor: runner.adjustment_factor,
                    removed_at: runner.removed_at,
                    last_price_traded: runner.last_price_traded(),
                    total_matched: runner.total_matched(),
                    available_to_back: match request.offers {
                        LadderDepth::Virtual => {
                            market.offers(runner.runner, Side::Back, usize::MAX)
                        }
                        depth => cut(runner.available_to_back(), depth),
                    },
                    available_to_lay: match request.offers {
                        LadderDepth::Virtual => market.offers(runner.runner, Side::Lay, usize::MAX),
                        depth => cut(runner.available_to_lay(), depth),
                    },
                    traded: match request.traded {
                        true => runner.traded().collect(),
                        false => Vec::new(),
                    },
                    starting_price: runner.actual_price(),
                    at_close: request.starting_price.then(|| AtClose {
                        near_price: runner.near_price(),
                        far_price: runner.far_price(),
                        back_stakes: runner.back_stakes_taken(),
                        lay_liabilities: runner.lay_liabilities_taken(),
                    }),
                }
            })
            .collect();
        MarketView {
            market: definition.map(|definition| definition.id),
            status: market.status(),
            in_play: market.in_play(),
            bet_delay_s: market.bet_delay_s(),
            bet_delay_models: definition.map(|it| it.bet_delay_models.clone()).unwrap_or_default(),
            suspend_reason: market.suspend_reason().map(str::to_owned),
            key_line: market.key_line().to_vec(),
            version: market.version(),
            bsp_reconciled: market.bsp_reconciled(),
            complete: definition.is_some_and(|definition| definition.complete),
            cross_matching: definition.is_some_and(|definition| definition.cross_matching),
            number_of_winners: definition.map_or(0, |definition| definition.number_of_winners),
            last_match: market.last_match(),
            total_matched: market.total_matched(),
            total_available,
            runners,
        }
    }
}

fn cut(ladder: impl Iterator<Item = (Price, Pence)>, depth: LadderDepth) -> Vec<(Price, Pence)> {
    match depth {
        LadderDepth::None => Vec::new(),
        LadderDepth::Best(levels) => ladder.take(levels).collect(),
        LadderDepth::All | LadderDepth::Virtual => ladder.collect(),
    }
}

fn result(resolution: Option<&Resolution>, runner: Runner) -> Option<RunnerResult> {
    match resolution? {
        Resolution::Settled(results) => {
            results.iter().find(|(other, _)| *other == runner).map(|(_, result)| *result)
        }
        Resolution::Voided | Resolution::Unsettled => None,
    }
}
