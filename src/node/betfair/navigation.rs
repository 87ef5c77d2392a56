//! The navigation menu: sports, competitions, events, races and markets as one tree.
//!
//! ```text
//!   GROUP ROOT ─ EVENT_TYPE ─┬─ GROUP (competition) ─ EVENT ─┬─ MARKET
//!                            └─ EVENT ───────────────────────┴─ RACE (racing only) ─ MARKET
//! ```
//! Pure: it is given what is listed and gives the tree. Which markets, and how often, is its caller's.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalogue::{DEFAULT_COUNTRY, event_type_name};
use domain::definition::MarketDefinition;
use domain::home::SportEvent;
use domain::ids::{EventId, EventTypeId};
use domain::time::UtcMillis;
use jiff::Timestamp;
use serde::Serialize;

use super::dates::Date;

/// Horses and greyhounds: the markets of one start are a race.
const RACING: [EventTypeId; 2] = [EventTypeId(7), EventTypeId(4339)];

/// A node of the menu. A market has no children.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum MenuNode {
    /// The root, or a competition.
    Group { name: String, id: MenuId, children: Vec<MenuNode> },
    /// A sport.
    EventType { name: String, id: String, children: Vec<MenuNode> },
    /// A match or a meeting.
    Event { name: String, id: String, country_code: String, children: Vec<MenuNode> },
    /// The markets of one start at a meeting.
    Race {
        name: String,
        id: String,
        start_time: Date,
        venue: String,
        race_number: String,
        country_code: String,
        children: Vec<MenuNode>,
    },
    /// A market, always a leaf.
    Market {
        name: String,
        id: String,
        exchange_id: &'static str,
        market_type: String,
        market_start_time: Date,
        number_of_winners: u16,
    },
}

/// The root's id is a number, any other a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum MenuId {
    Root(u8),
    Of(String),
}

type Markets = Vec<Arc<MarketDefinition>>;

/// The tree of these markets, each level in the order of its children's first start; a market whose event
/// has not come yet is left out.
pub fn menu(events: &BTreeMap<EventId, SportEvent>, markets: Markets) -> MenuNode {
    let mut by_type: Groups<EventTypeId, Markets> = Groups::default();
    for market in markets.into_iter().filter(|market| events.contains_key(&market.event)) {
        by_type.of(market.event_type).push(market);
    }
    let children = by_type.into_iter().map(|(event_type, markets)| MenuNode::EventType {
        name: event_type_name(event_type).unwrap_or("Other").to_owned(),
        id: event_type.to_string(),
        children: competitions(event_type, events, markets),
    });
    MenuNode::Group { name: "ROOT".to_owned(), id: MenuId::Root(0), children: children.collect() }
}

fn competitions(
    event_type: EventTypeId,
    events: &BTreeMap<EventId, SportEvent>,
    markets: Markets,
) -> Vec<MenuNode> {
    let mut by_event: Groups<EventId, Markets> = Groups::default();
    for market in markets {
        by_event.of(market.event).push(market);
    }
    let mut by_competition: Groups<Option<(String, String)>, Vec<MenuNode>> = Groups::default();
    for (event, markets) in by_event {
        let Some(event) = events.get(&event) else { continue };
        let competition = event.competition.as_ref();
        let competition = competition.map(|(id, name)| (id.to_string(), name.clone()));
        by_competition.of(competition).push(event_node(event_type, event, markets));
    }
    let mut nodes = Vec::new();
    for (competition, children) in by_competition {
        match competition {
            Some((id, name)) => nodes.push(MenuNode::Group { name, id: MenuId::Of(id), children }),
            None => nodes.extend(children),
        }
    }
    nodes
}

fn event_node(event_type: EventTypeId, event: &SportEvent, markets: Markets) -> MenuNode {
    let country = event.country.as_deref().unwrap_or(DEFAULT_COUNTRY).to_owned();
    let children = match RACING.contains(&event_type) {
        false => markets.iter().map(|market| leaf(market)).collect(),
        true => races(event, &country, markets),
    };
    MenuNode::Event {
        name: event.name.clone(),
        id: event.id.to_string(),
        country_code: country,
        children,
    }
}

fn races(event: &SportEvent, country: &str, markets: Markets) -> Vec<MenuNode> {
    let mut by_start: Groups<UtcMillis, Markets> = Groups::default();
    for market in markets {
        by_start.of(market.start_time).push(market);
    }
    let race = |(place, (start, markets)): (usize, (UtcMillis, Markets))| {
        let win = markets.iter().find(|market| market.market_type == "WIN").or(markets.first());
        let (hour, minute) = clock(start);
        MenuNode::Race {
            name: win.map(|market| market.name.clone()).unwrap_or_default(),
            id: format!("{}.{hour:02}{minute:02}", event.id),
            start_time: Date(start.0),
            venue: event.venue.clone().unwrap_or_else(|| event.name.clone()),
            race_number: format!("R{}", place + 1),
            country_code: country.to_owned(),
            children: markets.iter().map(|market| leaf(market)).collect(),
        }
    };
    by_start.into_iter().enumerate().map(race).collect()
}

/// Hour and minute of a moment, in UTC.
fn clock(at: UtcMillis) -> (i8, i8) {
    let time = Timestamp::from_millisecond(at.0).unwrap_or_default();
    let time = jiff::tz::TimeZone::UTC.to_datetime(time);
    (time.hour(), time.minute())
}

fn leaf(market: &MarketDefinition) -> MenuNode {
    MenuNode::Market {
        name: market.name.clone(),
        id: market.id.to_string(),
        exchange_id: "1",
        market_type: market.market_type.clone(),
        market_start_time: Date(market.start_time.0),
        number_of_winners: market.number_of_winners,
    }
}

/// Values by key, in the order in which the keys came.
struct Groups<K, V> {
    places: BTreeMap<K, usize>,
    groups: Vec<(K, V)>,
}

impl<K, V> Default for Groups<K, V> {
    fn default() -> Self {
        Groups { places: BTreeMap::new(), groups: Vec::new() }
    }
}

impl<K: Ord + Clone, V: Default> Groups<K, V> {
    fn of(&mut self, key: K) -> &mut V {
        let place = *self.places.entry(key.clone()).or_insert(self.groups.len());
        if place == self.groups.len() {
            self.groups.push((key, V::default()));
        }
        &mut self.groups[place].1
    }
}

impl<K, V> IntoIterator for Groups<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.groups.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::definition::BettingType;
    use domain::ids::{CompetitionId, MarketId, PartitionId};
    use serde_json::json;

    fn event(id: u64, event_type: u32, name: &str, competition: Option<&str>) -> SportEvent {
        SportEvent {
            id: EventId(id),
            event_type: EventTypeId(event_type),
            name: name.into(),
            competition: competition.map(|name| (CompetitionId(31), name.into())),
            country: None,
            venue: (event_type == 7).then(|| "Ascot".into()),
            open_date: UtcMillis(0),
            timezone: "Europe/London".into(),
        }
    }

    fn market(id: u64, event: &SportEvent, name: &str, start: i64) -> Arc<MarketDefinition> {
        let market_type = if name == "To Be Placed" { "PLACE" } else { "WIN" };
        Arc::new(MarketDefinition {
            id: MarketId(id),
            event: event.id,
            event_type: event.event_type,
            name: name.into(),
            market_type: market_type.into(),
            start_time: UtcMillis(start),
            ..plain()
        })
    }

    fn plain() -> MarketDefinition {
        let json = json!({
            "id": 0, "partition": 0, "event": 0, "event_type": 1, "name": "", "market_type": "",
            "start_time": 0, "runners": [], "number_of_winners": 1, "betting_type": "Odds",
            "bsp_market": false, "turn_in_play": true, "persistence": true,
            "cross_matching": false, "complete": true, "discount_allowed": true, "base_rate": 500,
            "bet_delay_s": 0, "jurisdiction": null,
        });
        let definition: MarketDefinition = serde_json::from_value(json).unwrap();
        assert_eq!(
            (definition.partition, definition.betting_type),
            (PartitionId(0), BettingType::Odds)
        );
        definition
    }

    #[test]
    fn a_match_stands_under_its_competition_and_a_race_under_its_meeting() {
        let (leeds, cup) =
            (event(1, 1, "Leeds v York", Some("Premier League")), event(2, 1, "Cup", None));
        let ascot = event(3, 7, "Ascot 3rd May", None);
        let markets = vec![
            market(100_000_001, &leeds, "Match Odds", 0),
            market(100_000_004, &ascot, "5f Hcap", 3_600_000),
            market(100_000_005, &ascot, "To Be Placed", 3_600_000),
            market(100_000_002, &cup, "Winner", 4_000_000),
            market(100_000_003, &leeds, "Both Score", 5_000_000),
            market(100_000_009, &event(99, 1, "Unknown", None), "Not yet", 5_000_000),
        ];
        let events = [leeds, cup, ascot].map(|event| (event.id, event)).into();
        let menu = serde_json::to_value(menu(&events, markets)).unwrap();
        assert_eq!(
            (&menu["type"], &menu["name"], &menu["id"]),
            (&json!("GROUP"), &json!("ROOT"), &json!(0))
        );
        let soccer = &menu["children"][0];
        assert_eq!((&soccer["type"], &soccer["id"]), (&json!("EVENT_TYPE"), &json!("1")));
        let league = &soccer["children"][0];
        assert_eq!((&league["type"], &league["id"]), (&json!("GROUP"), &json!("31")));
        let leeds = &league["children"][0];
        assert_eq!((&leeds["type"], &leeds["countryCode"]), (&json!("EVENT"), &json!("GB")));
        assert_eq!(leeds["children"].as_array().unwrap().len(), 2);
        assert_eq!(
            leeds["children"][0],
            json!({
                "type": "MARKET", "name": "Match Odds", "id": "1.100000001", "exchangeId": "1",
                "marketType": "WIN", "marketStartTime": "1970-01-01T00:00:00.000Z",
                "numberOfWinners": 1,
            })
        );
        assert_eq!(soccer["children"][1]["type"], "EVENT");
        let race = &menu["children"][1]["children"][0]["children"][0];
        assert_eq!(race["children"].as_array().unwrap().len(), 2);
        assert_eq!((&race["type"], &race["name"]), (&json!("RACE"), &json!("5f Hcap")));
        assert_eq!((&race["id"], &race["raceNumber"]), (&json!("3.0100"), &json!("R1")));
        assert_eq!((&race["venue"], &race["countryCode"]), (&json!("Ascot"), &json!("GB")));
        assert_eq!(race["startTime"], "1970-01-01T01:00:00.000Z");
    }
}
