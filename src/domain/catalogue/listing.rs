//! The lists themselves: markets in some order, and what the markets of a filter have in common, counted.

use super::filter::country;
use super::{Catalogue, MarketCard, MarketFilter, event_type_name};
use crate::home::SportEvent;
use crate::ids::{CompetitionId, EventId, EventTypeId, MarketId};
use crate::time::UtcMillis;
use std::cmp::Reverse;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MarketSort {
    /// Ours: by start.
    #[default]
    Rank,
    FirstToStart,
    LastToStart,
    /// By the figure that the caller gives for each market: traded, or available.
    Minimum,
    Maximum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    Days,
    Hours,
    Minutes,
}

/// `from` inclusive, `to` exclusive, on whole UTC days, hours or minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    pub from: UtcMillis,
    pub to: UtcMillis,
    pub markets: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompetitionCount<'a> {
    pub id: CompetitionId,
    pub name: &'a str,
    /// Of the first of its events.
    pub country: &'a str,
    pub markets: u64,
}

impl Catalogue {
    /// At most `max` markets. `figure` is asked only for [`MarketSort::Minimum`] and `Maximum`; among
    /// equals the first to start comes first.
    pub fn list(
        &self,
        filter: &MarketFilter,
        sort: MarketSort,
        max: usize,
        figure: impl Fn(MarketId) -> i128,
    ) -> Vec<&MarketCard> {
        let by_figure = |sign: i128| {
            let mut cards: Vec<_> = self
                .markets(filter)
                .map(|card| (sign * figure(card.definition.id), card))
                .collect();
            cards.sort_by_key(|(figure, _)| *figure);
            cards.into_iter().map(|(_, card)| card).take(max).collect()
        };
        match sort {
            MarketSort::Rank | MarketSort::FirstToStart => self.markets(filter).take(max).collect(),
            MarketSort::LastToStart => {
                let mut last: Vec<&MarketCard> = Vec::new();
                for card in self.markets(filter).rev() {
                    // Equal starts stay in the order of their ids: the last group is read to its end.
                    let start = |card: &MarketCard| card.definition.start_time;
                    if last.len() >= max && last.last().is_some_and(|at| start(at) != start(card)) {
                        break;
                    }
                    last.push(card);
                }
                last.sort_by_key(|card| (Reverse(card.definition.start_time), card.definition.id));
                last.truncate(max);
                last
            }
            MarketSort::Minimum => by_figure(1),
            MarketSort::Maximum => by_figure(-1),
        }
    }

    /// Event types with how many listed markets each has, by number.
    pub fn count_event_types(
        &self,
        filter: &MarketFilter,
    ) -> Vec<(EventTypeId, &'static str, u64)> {
        let counts: BTreeMap<EventTypeId, u64> = match filter.is_empty() {
            true => self.by_type.iter().map(|(id, of_type)| (*id, of_type.len() as u64)).collect(),
            false => count(self.markets(filter).map(|card| card.definition.event_type)),
        };
        let named = |(id, markets)| (id, event_type_name(id).unwrap_or("Other"), markets);
        counts.into_iter().map(named).collect()
    }

    pub fn count_events(&self, filter: &MarketFilter) -> Vec<(&SportEvent, u64)> {
        self.per_event(filter).collect()
    }

    pub fn count_competitions(&self, filter: &MarketFilter) -> Vec<CompetitionCount<'_>> {
        let mut counts = BTreeMap::<CompetitionId, CompetitionCount<'_>>::new();
        for (event, markets) in self.per_event(filter) {
            let Some((id, name)) = &event.competition else { continue };
            let first = || CompetitionCount { id: *id, name, country: country(event), markets: 0 };
            counts.entry(*id).or_insert_with(first).markets += markets;
        }
        counts.into_values().collect()
    }

    pub fn count_countries(&self, filter: &MarketFilter) -> Vec<(&str, u64)> {
        let mut counts = BTreeMap::new();
        for (event, markets) in self.per_event(filter) {
            *counts.entry(country(event)).or_default() += markets;
        }
        counts.into_iter().collect()
    }

    pub fn count_venues(&self, filter: &MarketFilter) -> Vec<(&str, u64)> {
        let mut counts = BTreeMap::new();
        for (event, markets) in self.per_event(filter) {
            if let Some(venue) = &event.venue {
                *counts.entry(venue.as_str()).or_default() += markets;
            }
        }
        counts.into_iter().collect()
    }

    pub fn count_market_types(&self, filter: &MarketFilter) -> Vec<(String, u64)> {
        let types = count(self.markets(filter).map(|card| card.definition.market_type.as_str()));
        types.into_iter().map(|(name, markets)| (name.to_owned(), markets)).collect()
    }

    pub fn count_time_ranges(
        &self,
        filter: &MarketFilter,
        granularity: Granularity,
    ) -> Vec<TimeRange> {
        let length_ms = match granularity {
            Granularity::Days => 24 * 60 * 60 * 1_000,
            Granularity::Hours => 60 * 60 * 1_000,
            Granularity::Minutes => 60 * 1_000,
        };
        let range = |card: &MarketCard| card.definition.start_time.0.div_euclid(length_ms);
        count(self.markets(filter).map(range))
            .into_iter()
            .map(|(number, markets)| TimeRange {
                from: UtcMillis(number * length_ms),
                to: UtcMillis((number + 1) * length_ms),
                markets,
            })
            .collect()
    }

    /// Events of the filter's markets, by id, each with how many there are.
    fn per_event(&self, filter: &MarketFilter) -> impl Iterator<Item = (&SportEvent, u64)> {
        count(self.markets(filter).map(|card| card.definition.event))
            .into_iter()
            .filter_map(|(id, markets): (EventId, u64)| Some((self.events.get(&id)?, markets)))
    }
}

fn count<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}
