//! `marketDefinition`: every key that clients require, and no other.

use actors::board::PublicMarket;
use domain::definition::{MarketStatus, RunnerDefinition};
use domain::market::RunnerStanding;
use domain::price::StartingPrice;
use serde::Serialize;

use crate::betfair::dates::Date;
use crate::betfair::decimal::Hundredths;
use crate::betfair::exchange::{QUARANTINED, bet_delay_words, ladder_word};
use crate::betfair::words;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition<'m> {
    bsp_market: bool,
    turn_in_play_enabled: bool,
    persistence_enabled: bool,
    market_base_rate: Hundredths,
    event_id: String,
    event_type_id: String,
    number_of_winners: u16,
    betting_type: words::MarketBettingType,
    market_type: &'m str,
    market_time: Date,
    suspend_time: Date,
    bsp_reconciled: bool,
    complete: bool,
    in_play: bool,
    cross_matching: bool,
    runners_voidable: bool,
    number_of_active_runners: usize,
    bet_delay: u16,
    status: words::MarketStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_time: Option<Date>,
    runners: Vec<Runner>,
    regulators: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    venue: Option<&'m str>,
    country_code: &'m str,
    discount_allowed: bool,
    timezone: &'m str,
    open_date: Date,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    race_type: Option<&'m str>,
    price_ladder_definition: PriceLadder,
    #[serde(skip_serializing_if = "Option::is_none")]
    each_way_divisor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_max_unit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_min_unit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_interval: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_line_definition: Option<KeyLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspend_reason: Option<&'m str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bet_delay_models: Vec<&'static str>,
}

#[derive(Serialize)]
struct KeyLine {
    kl: Vec<Side>,
}

#[derive(Serialize)]
struct Side {
    id: u64,
    hc: Hundredths,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Runner {
    #[serde(skip_serializing_if = "Option::is_none")]
    adjustment_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bsp: Option<f64>,
    status: words::RunnerStatus,
    sort_priority: u16,
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    hc: Option<Hundredths>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removal_date: Option<Date>,
}

#[derive(Serialize)]
struct PriceLadder {
    r#type: &'static str,
}

/// Of an event that has not come yet.
const UNKNOWN_COUNTRY: &str = "GB";
const UNKNOWN_TIMEZONE: &str = "Europe/London";

pub(super) fn push(out: &mut Vec<u8>, market: &PublicMarket) {
    let (definition, standing) = (&*market.definition, &market.standing);
    let event = market.facts.event.as_deref();
    let start = Date(definition.start_time.0);
    let range = definition.line.as_ref().map(|line| line.range);
    let hundredths = |number: u32| f64::from(number) / 100.0;
    let stands =
        standing.runners.iter().copied().chain(std::iter::repeat(RunnerStanding::default()));
    let runners: Vec<Runner> = definition
        .runners
        .iter()
        .zip(stands)
        .map(|(runner, standing)| self::runner(runner, standing))
        .collect();
    let active = runners.iter().filter(|it| it.status == words::RunnerStatus::Active).count();
    let quarantined = market.quarantined && standing.status == MarketStatus::Open;
    let written = Definition {
        bsp_market: definition.bsp_market,
        turn_in_play_enabled: definition.turn_in_play,
        persistence_enabled: definition.persistence,
        market_base_rate: Hundredths(i64::from(definition.base_rate)),
        event_id: definition.event.to_string(),
        event_type_id: definition.event_type.to_string(),
        number_of_winners: definition.number_of_winners,
        betting_type: crate::betfair::exchange::betting_type_word(definition.betting_type),
        market_type: &definition.market_type,
        market_time: start,
        suspend_time: start,
        bsp_reconciled: standing.bsp_reconciled,
        complete: definition.complete,
        in_play: standing.in_play,
        cross_matching: definition.cross_matching,
        runners_voidable: false,
        number_of_active_runners: match standing.status {
            MarketStatus::Closed => 0,
            _ => active,
        },
        bet_delay: standing.bet_delay_s,
        status: match quarantined {
            true => words::MarketStatus::Suspended,
            false => crate::betfair::exchange::status_word(standing.status),
        },
        settled_time: market.facts.settled_at.map(|at| Date(at.0)),
        runners,
        regulators: ["MR_INT"],
        venue: event.and_then(|event| event.venue.as_deref()),
        country_code: event.and_then(|it| it.country.as_deref()).unwrap_or(UNKNOWN_COUNTRY),
        discount_allowed: definition.discount_allowed,
        timezone: event.map_or(UNKNOWN_TIMEZONE, |event| &event.timezone),
        open_date: event.map_or(start, |event| Date(event.open_date.0)),
        version: standing.version,
        race_type: definition.race_type.as_deref(),
        price_ladder_definition: PriceLadder { r#type: ladder_word(definition.ladder()) },
        each_way_divisor: definition.each_way_divisor.map(hundredths),
        line_max_unit: range.map(|range| hundredths(range.max)),
        line_min_unit: range.map(|range| hundredths(range.min)),
        line_interval: range.map(|range| hundredths(range.interval)),
        key_line_definition: (!standing.key_line.is_empty()).then(|| KeyLine {
            kl: standing.key_line.iter().map(|runner| side(*runner)).collect(),
        }),
        suspend_reason: match quarantined {
            true => Some(QUARANTINED),
            false => standing.suspend_reason.as_deref(),
        },
        bet_delay_models: bet_delay_words(&definition.bet_delay_models),
    };
    // Writing into memory does not fail, and nothing in it refuses to be written.
    let _ = serde_json::to_writer(out, &written);
}

fn side(runner: domain::ids::Runner) -> Side {
    Side { id: runner.selection.0, hc: Hundredths(i64::from(runner.handicap)) }
}

fn runner(runner: &RunnerDefinition, standing: RunnerStanding) -> Runner {
    let handicap = runner.runner.handicap;
    Runner {
        adjustment_factor: standing.adjustment_factor.map(|factor| f64::from(factor) / 100.0),
        // Where there was nobody to meet there is no price, and no key.
        bsp: match standing.starting_price {
            Some(StartingPrice::At(price)) => Some(f64::from(price.0) / 1e6),
            _ => None,
        },
        status: match standing.removed_at {
            None => crate::betfair::exchange::runner_word(standing.result),
            Some(_) => words::RunnerStatus::Removed,
        },
        sort_priority: runner.sort_priority,
        id: runner.runner.selection.0,
        hc: (handicap != 0).then(|| Hundredths(i64::from(handicap))),
        removal_date: standing.removed_at.map(|at| Date(at.0)),
    }
}
