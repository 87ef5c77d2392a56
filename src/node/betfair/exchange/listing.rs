//! What there is to bet on: event types, events, market catalogue, out of the node's catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use actors::node::Node;
use domain::account::OrderProjection;
use domain::catalogue::{
    Catalogue, CompetitionCount, Granularity, MarketCard, MarketFilter, MarketSort, TextQuery,
    event_type_name,
};
use domain::definition::{BetDelayModel, BettingType};
use domain::home::SportEvent;
use domain::ids::{CompetitionId, EventId, EventTypeId, MarketId};
use domain::time::UtcMillis;

use super::translate::{
    bet_delay_word, bet_delay_words, betting_type_word, date, handicap, ladder_word, money,
    selection,
};
use super::{busy, prices};
use crate::betfair::exception::{Exception, ExceptionWord};
use crate::betfair::request::ListMarketCatalogue;
use crate::betfair::response::catalogue::{
    CompetitionResult, CountryResult, Event, EventResult, EventTypeResult, LineRangeInfo,
    MarketCatalogue, MarketDescription, MarketTypeResult, Named, PriceLadderDescription,
    RunnerCatalogue, TimeRange, TimeRangeResult, VenueResult,
};
use crate::betfair::words::{self, MarketProjection};
use crate::betfair::{filter, region};
use crate::catalogue;

/// A filter as the catalogue takes it, or that nothing can pass it.
pub(super) enum Wanted {
    Filter(Box<MarketFilter>),
    Nothing,
}

pub(super) async fn event_types(
    node: &Node,
    wanted: Wanted,
) -> Result<Vec<EventTypeResult>, Exception> {
    count(node, wanted, |catalogue, filter| {
        let row = |(id, name, markets): (EventTypeId, &str, u64)| EventTypeResult {
            event_type: Named { id: id.to_string(), name: name.to_owned() },
            market_count: fits(markets),
        };
        catalogue.count_event_types(filter).into_iter().map(row).collect()
    })
    .await
}

pub(super) async fn competitions(
    node: &Node,
    wanted: Wanted,
) -> Result<Vec<CompetitionResult>, Exception> {
    count(node, wanted, |catalogue, filter| {
        let row = |found: CompetitionCount<'_>| CompetitionResult {
            competition: Named { id: found.id.to_string(), name: found.name.to_owned() },
            market_count: fits(found.markets),
            competition_region: region::of_country(found.country).to_owned(),
        };
        catalogue.count_competitions(filter).into_iter().map(row).collect()
    })
    .await
}

pub(super) async fn time_ranges(
    node: &Node,
    wanted: Wanted,
    granularity: words::TimeGranularity,
) -> Result<Vec<TimeRangeResult>, Exception> {
    let granularity = match granularity {
        words::TimeGranularity::Days => Granularity::Days,
        words::TimeGranularity::Hours => Granularity::Hours,
        words::TimeGranularity::Minutes => Granularity::Minutes,
    };
    count(node, wanted, move |catalogue, filter| {
        let row = |found: domain::catalogue::TimeRange| TimeRangeResult {
            time_range: TimeRange { from: date(found.from), to: date(found.to) },
            market_count: fits(found.markets),
        };
        catalogue.count_time_ranges(filter, granularity).into_iter().map(row).collect()
    })
    .await
}

pub(super) async fn events(node: &Node, wanted: Wanted) -> Result<Vec<EventResult>, Exception> {
    count(node, wanted, |catalogue, filter| {
        let row =
            |(found, markets)| EventResult { event: event(found), market_count: fits(markets) };
        catalogue.count_events(filter).into_iter().map(row).collect()
    })
    .await
}

pub(super) async fn market_types(
    node: &Node,
    wanted: Wanted,
) -> Result<Vec<MarketTypeResult>, Exception> {
    count(node, wanted, |catalogue, filter| {
        let row =
            |(market_type, markets)| MarketTypeResult { market_type, market_count: fits(markets) };
        catalogue.count_market_types(filter).into_iter().map(row).collect()
    })
    .await
}

pub(super) async fn countries(
    node: &Node,
    wanted: Wanted,
) -> Result<Vec<CountryResult>, Exception> {
    count(node, wanted, |catalogue, filter| {
        let row = |(code, markets): (&str, u64)| CountryResult {
            country_code: code.to_owned(),
            market_count: fits(markets),
        };
        catalogue.count_countries(filter).into_iter().map(row).collect()
    })
    .await
}

pub(super) async fn venues(node: &Node, wanted: Wanted) -> Result<Vec<VenueResult>, Exception> {
    count(node, wanted, |catalogue, filter| {
        let row = |(venue, markets): (&str, u64)| VenueResult {
            venue: venue.to_owned(),
            market_count: fits(markets),
        };
        catalogue.count_venues(filter).into_iter().map(row).collect()
    })
    .await
}

/// What the markets of a filter have in common, counted.
async fn count<T: Send + 'static>(
    node: &Node,
    wanted: Wanted,
    rows: impl FnOnce(&Catalogue, &MarketFilter) -> Vec<T> + Send + 'static,
) -> Result<Vec<T>, Exception> {
    let Wanted::Filter(filter) = wanted else { return Ok(vec![]) };
    read(node, move |catalogue| rows(catalogue, &filter)).await
}

pub(super) async fn catalogue(
    node: &Node,
    wanted: Wanted,
    request: ListMarketCatalogue,
) -> Result<Vec<MarketCatalogue>, Exception> {
    let Wanted::Filter(filter) = wanted else { return Ok(vec![]) };
    let max = usize::try_from(request.max_results).unwrap_or(1);
    let (sort, by_figure) = match request.sort {
        None => (MarketSort::Rank, None),
        Some(words::MarketSort::FirstToStart) => (MarketSort::FirstToStart, None),
        Some(words::MarketSort::LastToStart) => (MarketSort::LastToStart, None),
        Some(figure) => (MarketSort::Rank, Some(figure)),
    };
    // What is traded and available is the markets' own to say: all that pass are asked, then cut.
    let reach = if by_figure.is_some() { usize::MAX } else { max };
    let projection = request.projection;
    let found = read(node, move |catalogue| {
        let cards = catalogue.list(&filter, sort, reach, |_| 0);
        let row = |card: &MarketCard| (card.definition.id, entry(catalogue, card, &projection));
        cards.into_iter().map(row).collect::<Vec<_>>()
    });
    let found = found.await?;
    let figures = prices::totals(node, found.iter().map(|(market, _)| *market)).await;
    let mut rows: Vec<_> = found
        .into_iter()
        .map(|(market, row)| {
            let totals = figures.get(&market).copied().unwrap_or_default();
            (totals, MarketCatalogue { total_matched: money(totals.matched), ..row })
        })
        .collect();
    match by_figure {
        Some(words::MarketSort::MinimumTraded) => rows.sort_by_key(|(it, _)| it.matched),
        Some(words::MarketSort::MaximumTraded) => rows.sort_by_key(|(it, _)| -it.matched),
        Some(words::MarketSort::MinimumAvailable) => rows.sort_by_key(|(it, _)| it.available),
        Some(words::MarketSort::MaximumAvailable) => rows.sort_by_key(|(it, _)| -it.available),
        _ => {}
    }
    rows.truncate(max);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

async fn read<T: Send + 'static>(
    node: &Node,
    question: impl FnOnce(&Catalogue) -> T + Send + 'static,
) -> Result<T, Exception> {
    let answer = catalogue::ask(node, question).await;
    answer.ok_or_else(|| busy("the catalogue is being read, try again"))
}

fn fits(markets: u64) -> u32 {
    u32::try_from(markets).unwrap_or(u32::MAX)
}

/// Markets where the customer has orders of these states.
pub(super) fn with_orders(filter: &filter::MarketFilter) -> Option<OrderProjection> {
    let wanted = filter.with_orders.as_ref()?;
    let has = |state| wanted.contains(&state);
    // An order of a market that is listed is one or the other.
    match (has(words::OrderStatus::Executable), has(words::OrderStatus::ExecutionComplete)) {
        (true, false) => Some(OrderProjection::Executable),
        (false, true) => Some(OrderProjection::ExecutionComplete),
        _ => Some(OrderProjection::All),
    }
}

/// A filter in the catalogue's words, narrowed to some markets when `among` are given. Ids that nothing here
/// can have are conditions that nothing meets.
pub(super) fn wanted(
    asked: filter::MarketFilter,
    among: Option<BTreeSet<MarketId>>,
) -> Result<Wanted, Exception> {
    let narrowed = among.is_some();
    let text = asked.text_query.as_deref().unwrap_or_default();
    let text = TextQuery::new(text).map_err(|error| {
        Exception::new(ExceptionWord::InvalidInputData, format!("filter.textQuery: {error}"))
    })?;
    let betting_types = asked.market_betting_types.map(|types| {
        let known = |word: &words::MarketBettingType| match word {
            words::MarketBettingType::Odds => Some(BettingType::Odds),
            words::MarketBettingType::Line => Some(BettingType::Line),
            words::MarketBettingType::AsianHandicapDoubleLine => {
                Some(BettingType::AsianHandicapDoubleLine)
            }
            words::MarketBettingType::AsianHandicapSingleLine => {
                Some(BettingType::AsianHandicapSingleLine)
            }
            words::MarketBettingType::Range | words::MarketBettingType::FixedOdds => None,
        };
        types.iter().filter_map(known).collect::<Vec<_>>()
    });
    let bet_delay_models = asked.bet_delay_models.map(|models| {
        let named =
            |model: &BetDelayModel| models.iter().any(|word| word == bet_delay_word(*model));
        BetDelayModel::ALL.into_iter().filter(named).collect::<BTreeSet<_>>()
    });
    let none_of = betting_types.as_ref().is_some_and(Vec::is_empty)
        || bet_delay_models.as_ref().is_some_and(BTreeSet::is_empty);
    let (Some(event_types), Some(events), Some(competitions), Some(markets)) = (
        ids(asked.event_type_ids, EventTypeId),
        ids(asked.event_ids, EventId),
        ids(asked.competition_ids, CompetitionId),
        texts(asked.market_ids),
    ) else {
        return Ok(Wanted::Nothing);
    };
    let markets = match among {
        Some(among) if markets.is_empty() => among,
        Some(among) => markets.intersection(&among).copied().collect(),
        None => markets,
    };
    if none_of || (narrowed && markets.is_empty()) {
        return Ok(Wanted::Nothing);
    }
    let range = asked.market_start_time.unwrap_or_default();
    Ok(Wanted::Filter(Box::new(MarketFilter {
        text,
        event_types,
        events,
        competitions,
        markets,
        venues: asked.venues.unwrap_or_default().into_iter().collect(),
        countries: asked.market_countries.unwrap_or_default().into_iter().collect(),
        market_types: asked.market_type_codes.unwrap_or_default().into_iter().collect(),
        race_types: asked.race_types.unwrap_or_default().into_iter().collect(),
        betting_types: betting_types.unwrap_or_default(),
        bet_delay_models: bet_delay_models.unwrap_or_default(),
        bsp: asked.bsp_only.filter(|only| *only),
        turn_in_play: asked.turn_in_play_enabled,
        in_play: asked.in_play_only.filter(|only| *only),
        from: range.from.map(|date| UtcMillis(date.0)),
        to: range.to.map(|date| UtcMillis(date.0)),
    })))
}

/// The ids of a list that are any; `None` when the list names only what can be none.
fn ids<N: FromStr, T: Ord>(list: Option<Vec<String>>, id: impl Fn(N) -> T) -> Option<BTreeSet<T>> {
    let Some(list) = list else { return Some(Default::default()) };
    let known: BTreeSet<T> = list.iter().filter_map(|text| text.parse().ok().map(&id)).collect();
    (!known.is_empty()).then_some(known)
}

fn texts<T: FromStr + Ord>(list: Option<Vec<String>>) -> Option<BTreeSet<T>> {
    ids(list, |id: T| id)
}

fn event(found: &SportEvent) -> Event {
    Event {
        id: found.id.to_string(),
        name: found.name.clone(),
        country_code: found.country.clone(),
        timezone: found.timezone.clone(),
        venue: found.venue.clone(),
        open_date: date(found.open_date),
    }
}

fn entry(
    catalogue: &Catalogue,
    card: &MarketCard,
    projection: &[MarketProjection],
) -> MarketCatalogue {
    let definition = &*card.definition;
    let of = |part: MarketProjection| projection.contains(&part);
    let found = catalogue.event_of(card);
    let metadata = of(MarketProjection::RunnerMetadata);
    let runners = (of(MarketProjection::RunnerDescription) || metadata).then(|| {
        let row = |runner: &domain::definition::RunnerDefinition| RunnerCatalogue {
            selection_id: selection(runner.runner),
            runner_name: runner.name.clone(),
            handicap: handicap(runner.runner),
            sort_priority: u32::from(runner.sort_priority),
            metadata: metadata.then(|| {
                let id = runner.runner.selection.to_string();
                BTreeMap::from([("runnerId".to_owned(), Some(id))])
            }),
        };
        definition.runners.iter().map(row).collect()
    });
    MarketCatalogue {
        market_id: definition.id.to_string(),
        market_name: definition.name.clone(),
        market_start_time: of(MarketProjection::MarketStartTime)
            .then(|| date(definition.start_time)),
        description: of(MarketProjection::MarketDescription).then(|| description(card)),
        total_matched: Default::default(),
        runners,
        event_type: of(MarketProjection::EventType).then(|| Named {
            id: definition.event_type.to_string(),
            name: event_type_name(definition.event_type).unwrap_or("Other").to_owned(),
        }),
        competition: found
            .filter(|_| of(MarketProjection::Competition))
            .and_then(|found| found.competition.as_ref())
            .map(|(id, name)| Named { id: id.to_string(), name: name.clone() }),
        event: found.filter(|_| of(MarketProjection::Event)).map(event),
    }
}

fn description(card: &MarketCard) -> MarketDescription {
    let definition = &*card.definition;
    MarketDescription {
        persistence_enabled: definition.persistence,
        bsp_market: definition.bsp_market,
        market_time: date(definition.start_time),
        suspend_time: date(definition.start_time),
        settle_time: card.settled_at.map(date),
        betting_type: betting_type_word(definition.betting_type),
        turn_in_play_enabled: definition.turn_in_play,
        market_type: definition.market_type.clone(),
        regulator: "GIBRALTAR REGULATOR".to_owned(),
        market_base_rate: crate::betfair::decimal::Hundredths(i64::from(definition.base_rate)),
        discount_allowed: definition.discount_allowed,
        wallet: "UK wallet",
        rules: String::new(),
        rules_has_date: false,
        each_way_divisor: definition.each_way_divisor.map(|divisor| f64::from(divisor) / 100.0),
        line_range_info: definition.line.as_ref().map(|line| LineRangeInfo {
            max_unit_value: f64::from(line.range.max) / 100.0,
            min_unit_value: f64::from(line.range.min) / 100.0,
            interval: f64::from(line.range.interval) / 100.0,
            market_unit: line.unit.clone(),
        }),
        race_type: definition.race_type.clone(),
        price_ladder_description: PriceLadderDescription { kind: ladder_word(definition.ladder()) },
        bet_delay_models: bet_delay_words(&definition.bet_delay_models),
    }
}
