//! What there is to bet on, as the doors list it: a read model folded from home's records (events) and the
//! markets' own (a market exists once its `Created` is journaled).
//!
//! Markets that are not closed are *listed*: found by filters, through indices by event, by event type and
//! by start. A closed market is listed no more, but its card can be asked for by id until
//! [`MAX_CLOSED_CARDS`] later ones have closed. Nothing here decides; sums of money are asked elsewhere.
//!
//! It can be rebuilt at any time: by the records, or from what home and the markets know
//! ([`Catalogue::insert_event`], [`Catalogue::insert_card`]).

mod event_type;
mod filter;
mod listing;
#[cfg(test)]
mod tests;

pub use event_type::{event_type_name, event_types};
pub use filter::{FilterError, MAX_TEXT_QUERY_CHARS, MarketFilter, NO_RACE_TYPE, TextQuery};
pub use listing::{CompetitionCount, Granularity, MarketSort, TimeRange};

use crate::definition::{MarketDefinition, MarketStatus, MarketTerms};
use crate::home::{Change, HomeEvent, SportEvent};
use crate::ids::{CompetitionId, EntityId, EventId, EventTypeId, MarketId};
use crate::record::{Event, MarketEvent, Record, Resolution, StatusChanged};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// Closed markets whose cards are kept; the one that closed first goes first.
pub const MAX_CLOSED_CARDS: usize = 100_000;
/// Betfair's country of an event that names none.
pub const DEFAULT_COUNTRY: &str = "GB";

/// What a list shows of a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketCard {
    pub definition: Arc<MarketDefinition>,
    pub status: MarketStatus,
    pub in_play: bool,
    pub bet_delay_s: u16,
    pub version: u64,
    /// When it was closed, while it is.
    pub closed_at: Option<UtcMillis>,
    /// When it was settled or voided, unless that was taken back.
    pub settled_at: Option<UtcMillis>,
}

/// What the list of markets looked like at a moment, for whoever keeps something made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingMark {
    events: usize,
    markets: usize,
    last_market: Option<MarketId>,
    closed: usize,
    last_closed: Option<(UtcMillis, MarketId)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Catalogue {
    events: BTreeMap<EventId, SportEvent>,
    by_competition: BTreeMap<CompetitionId, BTreeSet<EventId>>,
    cards: BTreeMap<MarketId, MarketCard>,
    closed: BTreeSet<(UtcMillis, MarketId)>,
    /// The rest are of listed markets only.
    by_event: BTreeMap<EventId, BTreeSet<MarketId>>,
    by_type: BTreeMap<EventTypeId, BTreeSet<(UtcMillis, MarketId)>>,
    by_start: BTreeSet<(UtcMillis, MarketId)>,
}

impl Catalogue {
    /// Folds any record in; those of accounts, and of orders, change nothing.
    pub fn apply(&mut self, record: &Record) {
        match (&record.event, record.entity) {
            (
                Event::Home(HomeEvent::Operated { change: Change::EventCreated(event), .. }),
                EntityId::Home,
            ) => self.insert_event((**event).clone()),
            (Event::Market(event), EntityId::Market(market)) => {
                self.apply_market(record.at, market, event);
            }
            _ => {}
        }
    }

    fn apply_market(&mut self, at: UtcMillis, market: MarketId, event: &MarketEvent) {
        match event {
            MarketEvent::Created { definition, status, .. } => self.insert_card(MarketCard {
                status: *status,
                in_play: false,
                bet_delay_s: definition.bet_delay_s,
                version: 0,
                closed_at: None,
                settled_at: None,
                definition: Arc::new((**definition).clone()),
            }),
            MarketEvent::StatusChanged(change) => self.change(at, market, change, |_| {}),
            MarketEvent::Resolved { resolution, change, .. } => {
                let settled_at = match resolution {
                    Resolution::Settled(_) | Resolution::Voided => Some(at),
                    Resolution::Unsettled => None,
                };
                self.change(at, market, change, |card| card.settled_at = settled_at);
            }
            _ => {}
        }
    }

    /// A market whose card has gone (it was closed long ago) is passed over.
    fn change(
        &mut self,
        at: UtcMillis,
        market: MarketId,
        change: &StatusChanged,
        also: impl FnOnce(&mut MarketCard),
    ) {
        let Some(mut card) = self.remove_card(market) else { return };
        card.status = change.status;
        card.in_play = change.in_play;
        card.bet_delay_s = change.bet_delay_s;
        card.version = change.version;
        card.closed_at = match change.status {
            MarketStatus::Closed => card.closed_at.or(Some(at)),
            _ => None,
        };
        also(&mut card);
        self.insert_card(card);
    }

    /// A new event, or what has changed of one.
    pub fn insert_event(&mut self, event: SportEvent) {
        if let Some((competition, _)) = &event.competition {
            self.by_competition.entry(*competition).or_default().insert(event.id);
        }
        if let Some(before) = self.events.insert(event.id, event.clone())
            && let Some((competition, _)) = before.competition
            && event.competition.as_ref().is_none_or(|(now, _)| *now != competition)
            && let Some(events) = self.by_competition.get_mut(&competition)
        {
            events.remove(&event.id);
        }
    }

    /// A new market, or what has changed of one. Its event may follow.
    pub fn insert_card(&mut self, card: MarketCard) {
        let id = card.definition.id;
        self.remove_card(id);
        let start = (card.definition.start_time, id);
        match card.closed_at {
            None => {
                self.by_event.entry(card.definition.event).or_default().insert(id);
                self.by_type.entry(card.definition.event_type).or_default().insert(start);
                self.by_start.insert(start);
            }
            Some(at) => {
                self.closed.insert((at, id));
            }
        }
        self.cards.insert(id, card);
        if self.closed.len() > MAX_CLOSED_CARDS
            && let Some((_, oldest)) = self.closed.pop_first()
        {
            self.cards.remove(&oldest);
        }
    }

    fn remove_card(&mut self, id: MarketId) -> Option<MarketCard> {
        let card = self.cards.remove(&id)?;
        let definition = &card.definition;
        let start = (definition.start_time, id);
        match card.closed_at {
            Some(at) => {
                self.closed.remove(&(at, id));
            }
            None => {
                remove_from(&mut self.by_event, definition.event, &id);
                remove_from(&mut self.by_type, definition.event_type, &start);
                self.by_start.remove(&start);
            }
        }
        Some(card)
    }

    /// Of any market, closed ones included while their cards are kept.
    pub fn card(&self, market: MarketId) -> Option<&MarketCard> {
        self.cards.get(&market)
    }

    pub fn terms(&self, market: MarketId) -> Option<MarketTerms> {
        self.card(market).map(|card| card.definition.terms())
    }

    pub fn event(&self, event: EventId) -> Option<&SportEvent> {
        self.events.get(&event)
    }

    /// Of the market's event; `None` while it has not come yet.
    pub fn event_of(&self, card: &MarketCard) -> Option<&SportEvent> {
        self.event(card.definition.event)
    }

    /// Every card, listed or not, by id.
    pub fn cards(&self) -> impl Iterator<Item = &MarketCard> {
        self.cards.values()
    }

    /// Listed markets by their start, behind the one that a page before ended with.
    pub fn listed_after(
        &self,
        last: Option<(UtcMillis, MarketId)>,
    ) -> impl Iterator<Item = &MarketCard> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let listed = self.by_start.range((from, Bound::Unbounded));
        listed.filter_map(|(_, market)| self.cards.get(market))
    }

    /// Equal for two moments between which no event came and no market came, went or came back.
    pub fn listing_mark(&self) -> ListingMark {
        ListingMark {
            events: self.events.len(),
            markets: self.cards.len(),
            last_market: self.cards.last_key_value().map(|(market, _)| *market),
            closed: self.closed.len(),
            last_closed: self.closed.last().copied(),
        }
    }

    /// How many markets are listed.
    pub fn listed_len(&self) -> usize {
        self.by_start.len()
    }

    /// Tests call it after every step.
    pub fn check_invariants(&self) -> Result<(), String> {
        for (id, card) in &self.cards {
            let start = (card.definition.start_time, *id);
            let by_event = self.by_event.get(&card.definition.event);
            let by_type = self.by_type.get(&card.definition.event_type);
            let found = [
                self.by_start.contains(&start),
                by_event.is_some_and(|markets| markets.contains(id)),
                by_type.is_some_and(|markets| markets.contains(&start)),
            ];
            let listed = card.closed_at.is_none();
            if found != [listed; 3] {
                return Err(format!("market {id} is listed: {listed}, found: {found:?}"));
            }
            if listed == (card.status == MarketStatus::Closed) {
                return Err(format!("market {id} is listed: {listed}, but {:?}", card.status));
            }
        }
        let listed = self.by_start.len();
        let counts = [
            self.cards.len() - self.closed.len(),
            self.by_event.values().map(BTreeSet::len).sum(),
            self.by_type.values().map(BTreeSet::len).sum(),
        ];
        if counts != [listed; 3] || self.closed.len() > MAX_CLOSED_CARDS {
            return Err(format!("{listed} markets listed, but indices of {counts:?}"));
        }
        if self.by_event.values().any(BTreeSet::is_empty) {
            return Err("an index keeps an event without markets".to_owned());
        }
        Ok(())
    }
}

fn remove_from<K: Ord, V: Ord>(index: &mut BTreeMap<K, BTreeSet<V>>, key: K, value: &V) {
    if let Some(values) = index.get_mut(&key) {
        values.remove(value);
        if values.is_empty() {
            index.remove(&key);
        }
    }
}
