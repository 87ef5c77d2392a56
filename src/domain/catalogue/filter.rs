//! Which markets a list is about: every condition that is given must hold, any value of it will do.

use super::{Catalogue, DEFAULT_COUNTRY, MarketCard};
use crate::definition::{BetDelayModel, BettingType};
use crate::home::SportEvent;
use crate::ids::{CompetitionId, EventId, EventTypeId, MarketId};
use crate::time::UtcMillis;
use std::collections::{BTreeMap, BTreeSet};

/// Longer text queries are refused.
pub const MAX_TEXT_QUERY_CHARS: usize = 250;

/// An empty set, or `None`, is no condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MarketFilter {
    pub text: Option<TextQuery>,
    pub event_types: BTreeSet<EventTypeId>,
    pub events: BTreeSet<EventId>,
    pub competitions: BTreeSet<CompetitionId>,
    pub markets: BTreeSet<MarketId>,
    pub venues: BTreeSet<String>,
    pub countries: BTreeSet<String>,
    pub market_types: BTreeSet<String>,
    /// With [`NO_RACE_TYPE`] also those that have none.
    pub race_types: BTreeSet<String>,
    pub betting_types: Vec<BettingType>,
    pub bet_delay_models: BTreeSet<BetDelayModel>,
    pub bsp: Option<bool>,
    pub turn_in_play: Option<bool>,
    pub in_play: Option<bool>,
    /// Start at this moment or later.
    pub from: Option<UtcMillis>,
    /// Start at this moment or earlier.
    pub to: Option<UtcMillis>,
}

/// Stands for the race type of a market that has none.
pub const NO_RACE_TYPE: &str = "NO_VALUE";

impl MarketFilter {
    pub fn is_empty(&self) -> bool {
        *self == MarketFilter::default()
    }

    /// What the market itself must be.
    pub(super) fn takes_market(&self, card: &MarketCard) -> bool {
        let definition = &*card.definition;
        let start = definition.start_time;
        among(&self.event_types, &definition.event_type)
            && among(&self.events, &definition.event)
            && among(&self.markets, &definition.id)
            && among(&self.market_types, &definition.market_type)
            && (self.race_types.is_empty()
                || self
                    .race_types
                    .contains(definition.race_type.as_deref().unwrap_or(NO_RACE_TYPE)))
            && (self.betting_types.is_empty()
                || self.betting_types.contains(&definition.betting_type))
            && (self.bet_delay_models.is_empty()
                || !self.bet_delay_models.is_disjoint(&definition.bet_delay_models))
            && self.bsp.is_none_or(|wanted| wanted == definition.bsp_market)
            && self.turn_in_play.is_none_or(|wanted| wanted == definition.turn_in_play)
            && self.in_play.is_none_or(|wanted| wanted == card.in_play)
            && self.from.is_none_or(|from| start >= from)
            && self.to.is_none_or(|to| start <= to)
    }

    /// What its event must be; an event that has not come yet meets no condition.
    pub(super) fn takes_event(&self, event: Option<&SportEvent>) -> bool {
        let any = self.text.is_none()
            && self.competitions.is_empty()
            && self.venues.is_empty()
            && self.countries.is_empty();
        let Some(event) = event else { return any };
        any || (self.text.as_ref().is_none_or(|text| text.matches(&event.name))
            && among_some(&self.competitions, event.competition.as_ref().map(|(id, _)| id))
            && among_some(&self.venues, event.venue.as_ref())
            && (self.countries.is_empty() || self.countries.contains(country(event))))
    }
}

pub(super) fn country(event: &SportEvent) -> &str {
    event.country.as_deref().unwrap_or(DEFAULT_COUNTRY)
}

fn among<T: Ord>(wanted: &BTreeSet<T>, value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

fn among_some<T: Ord>(wanted: &BTreeSet<T>, value: Option<&T>) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.contains(value))
}

impl Catalogue {
    /// The listed markets that the filter takes, by start and id. Cost: the narrowest of the filter's
    /// ids, events, competitions, event type and times, through its index.
    pub fn markets<'a, 'f>(
        &'a self,
        filter: &'f MarketFilter,
    ) -> impl DoubleEndedIterator<Item = &'a MarketCard> + use<'a, 'f> {
        // Each event is asked once, however many markets it has: text queries are the dear part.
        let mut asked = BTreeMap::<EventId, bool>::new();
        self.candidates(filter).filter_map(|id| self.cards.get(&id)).filter(move |card| {
            let event = card.definition.event;
            filter.takes_market(card)
                && *asked
                    .entry(event)
                    .or_insert_with(|| filter.takes_event(self.events.get(&event)))
        })
    }

    /// Whether the filter takes one market, listed or not.
    pub fn takes(&self, filter: &MarketFilter, card: &MarketCard) -> bool {
        filter.takes_market(card) && filter.takes_event(self.event_of(card))
    }

    fn candidates<'a>(
        &'a self,
        filter: &MarketFilter,
    ) -> Box<dyn DoubleEndedIterator<Item = MarketId> + 'a> {
        if !filter.markets.is_empty() {
            return self.by_start_of(filter.markets.iter().copied());
        }
        if !filter.events.is_empty() {
            return self.by_start_of(self.of_events(&filter.events));
        }
        if !filter.competitions.is_empty() {
            let of = |competition| self.by_competition.get(competition);
            let events = filter.competitions.iter().filter_map(of).flatten();
            return self.by_start_of(self.of_events(events));
        }
        let index = match (filter.event_types.first(), filter.event_types.len()) {
            (Some(only), 1) => match self.by_type.get(only) {
                Some(of_type) => of_type,
                None => return Box::new(std::iter::empty()),
            },
            _ => &self.by_start,
        };
        let from = (filter.from.unwrap_or(UtcMillis(i64::MIN)), MarketId(0));
        let to = (filter.to.unwrap_or(UtcMillis::MAX), MarketId(u64::MAX));
        if from > to {
            return Box::new(std::iter::empty());
        }
        Box::new(index.range(from..=to).map(|(_, id)| *id))
    }

    fn of_events<'a>(
        &'a self,
        events: impl IntoIterator<Item = &'a EventId>,
    ) -> impl Iterator<Item = MarketId> {
        events.into_iter().filter_map(|event| self.by_event.get(event)).flatten().copied()
    }

    fn by_start_of(
        &self,
        ids: impl Iterator<Item = MarketId>,
    ) -> Box<dyn DoubleEndedIterator<Item = MarketId> + 'static> {
        let mut listed: Vec<_> = ids
            .filter_map(|id| self.cards.get(&id))
            .filter(|card| card.closed_at.is_none())
            .map(|card| (card.definition.start_time, card.definition.id))
            .collect();
        listed.sort_unstable();
        Box::new(listed.into_iter().map(|(_, id)| id))
    }
}

/// Words to be found in an event's name, whatever their case. `*` stands for any text: `Man* C*` finds
/// `Leeds v Man City`. A query begins where a word begins, and ends where a word ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextQuery {
    /// In small letters, without the stars at the end.
    pattern: Vec<char>,
    open_end: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("a text query may not begin with *")]
    WildcardFirst,
    #[error("a text query has at most {MAX_TEXT_QUERY_CHARS} characters")]
    TextTooLong,
}

impl TextQuery {
    /// `None`: a query of blanks asks for nothing.
    pub fn new(text: &str) -> Result<Option<Self>, FilterError> {
        let text = text.trim();
        if text.starts_with('*') {
            return Err(FilterError::WildcardFirst);
        }
        if text.chars().count() > MAX_TEXT_QUERY_CHARS {
            return Err(FilterError::TextTooLong);
        }
        let pattern = text.trim_end_matches('*');
        let open_end = pattern.len() < text.len();
        let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
        Ok((!pattern.is_empty()).then_some(TextQuery { pattern, open_end }))
    }

    /// Keeps the set of places in `name` that the pattern so far may end at, and moves it on character by
    /// character: no pattern makes it take longer than pattern times name.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
        let mut ends: Vec<bool> =
            (0..=name.len()).map(|at| at < name.len() && begins_word(&name, at)).collect();
        for wanted in &self.pattern {
            if *wanted == '*' {
                for place in 1..ends.len() {
                    ends[place] |= ends[place - 1];
                }
            } else {
                for place in (1..ends.len()).rev() {
                    ends[place] = ends[place - 1] && name[place - 1] == *wanted;
                }
                ends[0] = false;
            }
            if !ends.contains(&true) {
                return false;
            }
        }
        (0..ends.len()).any(|place| ends[place] && (self.open_end || ends_word(&name, place)))
    }
}

fn begins_word(name: &[char], at: usize) -> bool {
    at == 0 || !name[at].is_alphanumeric() || !name[at - 1].is_alphanumeric()
}

fn ends_word(name: &[char], at: usize) -> bool {
    at == name.len() || at == 0 || !name[at].is_alphanumeric() || !name[at - 1].is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_query_finds_words() {
        let name = "Man City v Nott'm Forest";
        let cases = [
            ("man city", true),
            ("City", true),
            ("Cit", false),
            ("Cit*", true),
            ("ity", false),
            ("Man* v Nott*", true),
            ("man*forest", true),
            ("man*fores", false),
            ("forest*man", false),
            ("Man United", false),
            ("v", true),
            ("nott'm", true),
            ("MAN CITY V NOTT'M FOREST", true),
            ("Man City v Nott'm Forest*", true),
        ];
        for (query, found) in cases {
            let query_ = TextQuery::new(query).unwrap().unwrap();
            assert_eq!(query_.matches(name), found, "{query}");
        }
        let umlaut = TextQuery::new("KÖLN").unwrap().unwrap();
        assert!(umlaut.matches("1. FC Köln v Mainz"));
        assert_eq!(TextQuery::new("*City"), Err(FilterError::WildcardFirst));
        assert_eq!(TextQuery::new(&"x".repeat(251)), Err(FilterError::TextTooLong));
        assert_eq!(TextQuery::new("  "), Ok(None));
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_its_length() {
        let query = TextQuery::new(&"a*".repeat(125)).unwrap().unwrap();
        assert!(!query.matches(&"a".repeat(100)), "100 letters do not hold 125");
        assert!(query.matches(&"a".repeat(125)));
    }
}
