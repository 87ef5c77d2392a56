//! The sports there are, by Betfair's numbers: public facts that clients have hard-coded.

use crate::ids::EventTypeId;

/// Ordered by number.
const EVENT_TYPES: [(u32, &str); 27] = [
    (1, "Soccer"),
    (2, "Tennis"),
    (3, "Golf"),
    (4, "Cricket"),
    (5, "Rugby Union"),
    (6, "Boxing"),
    (7, "Horse Racing"),
    (8, "Motor Sport"),
    (10, "Special Bets"),
    (11, "Cycling"),
    (1477, "Rugby League"),
    (3503, "Darts"),
    (3988, "Athletics"),
    (4339, "Greyhound Racing"),
    (6231, "Financial Bets"),
    (6422, "Snooker"),
    (6423, "American Football"),
    (7511, "Baseball"),
    (7522, "Basketball"),
    (7524, "Ice Hockey"),
    (61420, "Australian Rules"),
    (468328, "Handball"),
    (998917, "Volleyball"),
    (2152880, "Gaelic Games"),
    (2378961, "Politics"),
    (26420387, "Mixed Martial Arts"),
    (27454571, "Esports"),
];

pub fn event_type_name(id: EventTypeId) -> Option<&'static str> {
    let at = EVENT_TYPES.binary_search_by_key(&id.0, |(number, _)| *number).ok()?;
    Some(EVENT_TYPES[at].1)
}

pub fn event_types() -> impl Iterator<Item = (EventTypeId, &'static str)> {
    EVENT_TYPES.iter().map(|(number, name)| (EventTypeId(*number), *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_type_is_found_by_its_number() {
        for (id, name) in event_types() {
            assert_eq!(event_type_name(id), Some(name), "{id}");
        }
        assert_eq!(event_type_name(EventTypeId(7)), Some("Horse Racing"));
        assert_eq!(event_type_name(EventTypeId(0)), None);
    }
}
