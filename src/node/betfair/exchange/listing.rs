//! What there is to bet on: event types, events, market catalogue, out of the node's catalogue.

use std::collections::BTreeMap;
use std::str::FromStr;

use actors::node::Node;
use domain::catalogue::{
    Catalogue, MarketCard, MarketFilter, MarketSort, TextQuery, event_type_name,
};
use domain::definition::BettingType;
use domain::home::SportEvent;
use domain::ids::{CompetitionId, EventId, EventTypeId};
use domain::time::UtcMillis;

use super::translate::{betting_type_word, date, handicap, ladder_word, money, selection};
use super::{busy, prices};
use crate::betfair::exception::{Exception, ExceptionWord};
use crate::betfair::filter;
use crate::betfair::request::ListMarketCatalogue;
use crate::betfair::response::catalogue::{
    Event, EventResult, EventTypeResult, LineRangeInfo, MarketCatalogue, MarketDescription, Named,
    PriceLadderDescription, RunnerCatalogue,
};
use crate::betfair::words::{self, MarketProjection};
use crate::catalogue;

/// A filter as the catalogue takes it, or that nothing can pass it.
enum Wanted {
    Filter(Box<MarketFilter>),
    Nothing,
}

pub(super) async fn event_types(
    node: &Node,
    filter: filter::MarketFilter,
) -> Result<Vec<EventTypeResult>, Exception> {
    let Wanted::Filter(filter) = wanted(filter)? else { return Ok(vec![]) };
    read(node, move |catalogue| {
        let row = |(id, name, markets): (EventTypeId, &str, u64)| EventTypeResult {
            event_type: Named { id: id.to_string(), name: name.to_owned() },
            market_count: count(markets),
        };
        catalogue.count_event_types(&filter).into_iter().map(row).collect()
    })
    .await
}

pub(super) async fn events(
    node: &Node,
    filter: filter::MarketFilter,
) -> Result<Vec<EventResult>, Exception> {
    let Wanted::Filter(filter) = wanted(filter)? else { return Ok(vec![]) };
    read(node, move |catalogue| {
        let counts = catalogue.count_events(&filter);
        let row =
            |(found, markets)| EventResult { event: event(found), market_count: count(markets) };
        counts.into_iter().map(row).collect()
    })
    .await
}

pub(super) async fn catalogue(
    node: &Node,
    request: ListMarketCatalogue,
) -> Result<Vec<MarketCatalogue>, Exception> {
    let Wanted::Filter(filter) = wanted(request.filter)? else { return Ok(vec![]) };
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

fn count(markets: u64) -> u32 {
    u32::try_from(markets).unwrap_or(u32::MAX)
}

/// Ids that nothing here can have are conditions that nothing meets.
fn wanted(asked: filter::MarketFilter) -> Result<Wanted, Exception> {
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
    let none_of = betting_types.as_ref().is_some_and(Vec::is_empty) || asked.race_types.is_some();
    let (Some(event_types), Some(events), Some(competitions), Some(markets)) = (
        ids(asked.event_type_ids, EventTypeId),
        ids(asked.event_ids, EventId),
        ids(asked.competition_ids, CompetitionId),
        texts(asked.market_ids),
    ) else {
        return Ok(Wanted::Nothing);
    };
    if none_of {
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
        betting_types: betting_types.unwrap_or_default(),
        bsp: asked.bsp_only.filter(|only| *only),
        turn_in_play: asked.turn_in_play_enabled,
        in_play: asked.in_play_only.filter(|only| *only),
        from: range.from.map(|date| UtcMillis(date.0)),
        to: range.to.map(|date| UtcMillis(date.0)),
    })))
}

/// The ids of a list that are any; `None` when the list names only what can be none.
fn ids<N: FromStr, T: Ord>(
    list: Option<Vec<String>>,
    id: impl Fn(N) -> T,
) -> Option<std::collections::BTreeSet<T>> {
    let Some(list) = list else { return Some(Default::default()) };
    let known: std::collections::BTreeSet<T> =
        list.iter().filter_map(|text| text.parse().ok().map(&id)).collect();
    (!known.is_empty()).then_some(known)
}

fn texts<T: FromStr + Ord>(list: Option<Vec<String>>) -> Option<std::collections::BTreeSet<T>> {
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
        price_ladder_description: PriceLadderDescription { kind: ladder_word(definition.ladder()) },
    }
}
