//! Which markets and figures, and which orders, a subscription is about.

use std::collections::BTreeSet;
use std::str::FromStr;

use domain::catalogue::{Catalogue, MarketCard, MarketFilter};
use domain::ids::{EventId, EventTypeId};

use super::market::{DEFAULT_LEVELS, Fields, MarketShape};
use crate::betfair::coerce::{Fault, FaultKind, Field};
use crate::betfair::exchange::betting_type_word;
use crate::betfair::words::MarketBettingType;

/// What the markets of a subscription have in common. An empty list is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Markets {
    filter: MarketFilter,
    betting_types: Vec<MarketBettingType>,
    /// A condition that no market meets.
    nothing: bool,
}

impl Markets {
    pub(super) fn read(field: &Field<'_, '_>) -> Result<Markets, Fault> {
        let read = field.object(|filter| {
            let mut nothing = false;
            let texts = |name| -> Result<BTreeSet<String>, Fault> {
                Ok(filter.get(name).texts()?.unwrap_or_default().into_iter().collect())
            };
            let markets = known(texts("marketIds")?, &mut nothing);
            let events = known(texts("eventIds")?, &mut nothing);
            let event_types = known(texts("eventTypeIds")?, &mut nothing);
            Ok(Markets {
                filter: MarketFilter {
                    markets,
                    events: events.into_iter().map(EventId).collect(),
                    event_types: event_types.into_iter().map(EventTypeId).collect(),
                    venues: texts("venues")?,
                    countries: texts("countryCodes")?,
                    market_types: texts("marketTypes")?,
                    race_types: texts("raceTypes")?,
                    bsp: filter.get("bspMarket").truth()?,
                    turn_in_play: filter.get("turnInPlayEnabled").truth()?,
                    ..MarketFilter::default()
                },
                betting_types: filter.get("bettingTypes").words()?.unwrap_or_default(),
                nothing,
            })
        })?;
        Ok(read.unwrap_or_default())
    }

    /// Those of the catalogue: listed ones, and closed ones that are named.
    pub(super) fn find<'c>(&self, catalogue: &'c Catalogue) -> Vec<&'c MarketCard> {
        if self.nothing {
            return Vec::new();
        }
        let takes = |card: &&MarketCard| self.takes_betting_type(card);
        let mut found: Vec<&MarketCard> = catalogue.markets(&self.filter).filter(takes).collect();
        let named = self.filter.markets.iter().filter_map(|id| catalogue.card(*id));
        let closed = named.filter(|card| card.closed_at.is_some());
        found.extend(closed.filter(|card| catalogue.takes(&self.filter, card)).filter(takes));
        found
    }

    /// Whether a new market is one of them.
    pub(super) fn takes(&self, catalogue: &Catalogue, card: &MarketCard) -> bool {
        !self.nothing && self.takes_betting_type(card) && catalogue.takes(&self.filter, card)
    }

    /// Names its markets: none of those created later can be one.
    pub(super) fn is_named(&self) -> bool {
        self.nothing || !self.filter.markets.is_empty()
    }

    fn takes_betting_type(&self, card: &MarketCard) -> bool {
        self.betting_types.is_empty()
            || self.betting_types.contains(&betting_type_word(card.definition.betting_type))
    }
}

/// The ids that are any. A list of others only is a condition that nothing meets.
fn known<T: FromStr + Ord>(list: BTreeSet<String>, nothing: &mut bool) -> BTreeSet<T> {
    let known: BTreeSet<T> = list.iter().filter_map(|text| text.parse().ok()).collect();
    *nothing |= known.is_empty() && !list.is_empty();
    known
}

/// Reads which figures are wanted; without a word, all of them.
pub(super) fn read_shape(field: &Field<'_, '_>) -> Result<MarketShape, Fault> {
    let read = field.object(|filter| {
        let words = filter.get("fields").texts()?.unwrap_or_default();
        let mut fields = Fields::default();
        for word in &words {
            fields = fields.with(Fields::of_word(word).ok_or_else(|| Fault {
                path: "marketDataFilter.fields".to_owned(),
                kind: FaultKind::Unreadable,
                reason: format!("{word} is no field"),
            })?);
        }
        let fields = if words.is_empty() { Fields::ALL } else { fields };
        let levels = match filter.get("ladderLevels").integer()? {
            None => DEFAULT_LEVELS,
            // As for other bounds of the stream, the nearest that is possible is taken.
            Some(levels) => usize::try_from(levels.clamp(1, 10)).unwrap_or(DEFAULT_LEVELS),
        };
        Ok(MarketShape { fields, levels })
    })?;
    Ok(read.unwrap_or(MarketShape { fields: Fields::ALL, levels: DEFAULT_LEVELS }))
}

/// Which orders, and how their positions are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Orders {
    pub(super) overall_position: bool,
    pub(super) strategies: Option<BTreeSet<String>>,
    pub(super) by_strategy: bool,
}

impl Orders {
    pub(super) fn read(field: &Field<'_, '_>) -> Result<Orders, Fault> {
        let read = field.object(|filter| {
            let accounts = filter.get("accountIds").texts()?.unwrap_or_default();
            if !accounts.is_empty() {
                return Err(Fault {
                    path: "orderFilter.accountIds".to_owned(),
                    kind: FaultKind::Unreadable,
                    reason: "only one's own orders can be followed".to_owned(),
                });
            }
            let strategies = filter.get("customerStrategyRefs").texts()?;
            Ok(Orders {
                overall_position: filter.get("includeOverallPosition").truth()?.unwrap_or(true),
                strategies: strategies
                    .filter(|list| !list.is_empty())
                    .map(|list| list.into_iter().collect()),
                by_strategy: filter.get("partitionMatchedByStrategyRef").truth()?.unwrap_or(false),
            })
        })?;
        let all = Orders { overall_position: true, strategies: None, by_strategy: false };
        Ok(read.unwrap_or(all))
    }
}
