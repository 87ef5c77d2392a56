//! The catalogue against a weekend of markets, and against a scan of all cards.

use super::*;
use crate::home::{By, Home, HomeRequest, NewEvent, Operated};
use crate::ids::{Runner, SelectionId};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;

fn sport_event(id: u64, kind: u32, name: &str, competition: Option<(u64, &str)>) -> SportEvent {
    SportEvent {
        id: EventId(id),
        event_type: EventTypeId(kind),
        name: name.to_owned(),
        competition: competition.map(|(id, name)| (CompetitionId(id), name.to_owned())),
        country: None,
        venue: None,
        open_date: UtcMillis(0),
        timezone: "Europe/London".to_owned(),
    }
}

fn definition(id: u64, event: u64, kind: u32, market_type: &str, start: i64) -> MarketDefinition {
    MarketDefinition {
        event: EventId(event),
        event_type: EventTypeId(kind),
        name: market_type.to_lowercase(),
        market_type: market_type.to_owned(),
        start_time: UtcMillis(start),
        turn_in_play: id.is_multiple_of(2),
        bet_delay_s: 5,
        ..MarketDefinition::plain(
            MarketId(id),
            (1..=3).map(|number| Runner::plain(SelectionId(number))),
        )
    }
}

fn record(market: u64, at: i64, event: MarketEvent) -> Record {
    Record {
        entity: EntityId::Market(MarketId(market)),
        seq: 1,
        at: UtcMillis(at),
        wake: None,
        event: Event::Market(event),
    }
}

fn created(definition: MarketDefinition) -> Record {
    let id = definition.id.0;
    let definition = Box::new(definition);
    record(id, 0, MarketEvent::Created { n: 1, definition, status: MarketStatus::Open })
}

fn change(status: MarketStatus, in_play: bool, version: u64) -> StatusChanged {
    StatusChanged {
        n: None,
        status,
        in_play,
        bet_delay_s: 5,
        version,
        material: false,
        lapsed: Vec::new(),
        suspend_reason: None,
    }
}

fn weekend() -> Catalogue {
    let mut catalogue = Catalogue::default();
    catalogue.insert_event(sport_event(1, 1, "Arsenal v Chelsea", Some((7, "Premier League"))));
    catalogue.insert_event(SportEvent {
        country: Some("DE".to_owned()),
        ..sport_event(2, 1, "Bayern Munich v Köln", Some((8, "Bundesliga")))
    });
    catalogue.insert_event(SportEvent {
        venue: Some("Ascot".to_owned()),
        ..sport_event(3, 7, "Ascot 21st Nov", None)
    });
    for (id, event, kind, market_type, start) in [
        (11, 1, 1, "MATCH_ODDS", 2 * HOUR),
        (12, 1, 1, "OVER_UNDER_25", 2 * HOUR),
        (13, 2, 1, "MATCH_ODDS", HOUR),
        (14, 3, 7, "WIN", 3 * HOUR),
        (15, 3, 7, "WIN", 30 * HOUR),
    ] {
        catalogue.apply(&created(definition(id, event, kind, market_type, start)));
    }
    catalogue.check_invariants().unwrap();
    catalogue
}

fn ids(cards: &[&MarketCard]) -> Vec<u64> {
    cards.iter().map(|card| card.definition.id.0).collect()
}

fn found(catalogue: &Catalogue, filter: &MarketFilter) -> Vec<u64> {
    ids(&catalogue.list(filter, MarketSort::FirstToStart, 1_000, |_| 0))
}

#[test]
fn a_filter_asks_for_all_its_conditions_and_any_of_their_values() {
    let catalogue = weekend();
    let check = |spoil: fn(&mut MarketFilter), expected: &[u64]| {
        let mut filter = MarketFilter::default();
        spoil(&mut filter);
        assert_eq!(found(&catalogue, &filter), expected, "{filter:?}");
    };
    check(|_| {}, &[13, 11, 12, 14, 15]);
    check(|f| f.event_types = [EventTypeId(7)].into(), &[14, 15]);
    check(|f| f.event_types = [EventTypeId(7), EventTypeId(1)].into(), &[13, 11, 12, 14, 15]);
    check(|f| f.event_types = [EventTypeId(2)].into(), &[]);
    check(|f| f.events = [EventId(1), EventId(3), EventId(99)].into(), &[11, 12, 14, 15]);
    check(|f| f.competitions = [CompetitionId(7)].into(), &[11, 12]);
    check(|f| f.markets = [MarketId(15), MarketId(13), MarketId(99)].into(), &[13, 15]);
    check(
        |f| f.market_types = ["MATCH_ODDS".to_owned(), "WIN".to_owned()].into(),
        &[13, 11, 14, 15],
    );
    check(|f| f.countries = ["DE".to_owned()].into(), &[13]);
    check(|f| f.countries = ["GB".to_owned()].into(), &[11, 12, 14, 15]);
    check(|f| f.venues = ["Ascot".to_owned()].into(), &[14, 15]);
    check(|f| f.turn_in_play = Some(true), &[12, 14]);
    check(|f| f.in_play = Some(true), &[]);
    check(|f| f.bsp = Some(false), &[13, 11, 12, 14, 15]);
    check(|f| f.bsp = Some(true), &[]);
    check(|f| f.text = TextQuery::new("bayern*").unwrap(), &[13]);
    check(
        |f| (f.from, f.to) = (Some(UtcMillis(2 * HOUR)), Some(UtcMillis(3 * HOUR))),
        &[11, 12, 14],
    );
    check(|f| (f.from, f.to) = (Some(UtcMillis(3)), Some(UtcMillis(2))), &[]);
    check(
        |f| {
            f.event_types = [EventTypeId(1)].into();
            f.market_types = ["MATCH_ODDS".to_owned()].into();
            f.countries = ["GB".to_owned()].into();
        },
        &[11],
    );
}

#[test]
fn lists_are_sorted_and_cut() {
    let catalogue = weekend();
    let all = MarketFilter::default();
    let traded = |id: MarketId| i128::from([5, 3, 9, 0, 3][(id.0 - 11) as usize]);
    for (sort, max, expected) in [
        (MarketSort::FirstToStart, 2, vec![13, 11]),
        (MarketSort::LastToStart, 9, vec![15, 14, 11, 12, 13]),
        (MarketSort::LastToStart, 3, vec![15, 14, 11]),
        (MarketSort::Maximum, 3, vec![13, 11, 12]),
        (MarketSort::Minimum, 3, vec![14, 12, 15]),
        (MarketSort::Rank, 0, vec![]),
    ] {
        assert_eq!(ids(&catalogue.list(&all, sort, max, traded)), expected, "{sort:?} {max}");
    }
}

#[test]
fn what_the_markets_have_in_common_is_counted() {
    let catalogue = weekend();
    let all = MarketFilter::default();
    let soccer = MarketFilter { event_types: [EventTypeId(1)].into(), ..MarketFilter::default() };
    assert_eq!(
        catalogue.count_event_types(&all),
        [(EventTypeId(1), "Soccer", 3), (EventTypeId(7), "Horse Racing", 2)]
    );
    assert_eq!(catalogue.count_event_types(&soccer), [(EventTypeId(1), "Soccer", 3)]);
    let events: Vec<_> =
        catalogue.count_events(&soccer).iter().map(|(event, n)| (event.id.0, *n)).collect();
    assert_eq!(events, [(1, 2), (2, 1)]);
    let competitions: Vec<_> = catalogue
        .count_competitions(&all)
        .iter()
        .map(|count| (count.id.0, count.name, count.country, count.markets))
        .collect();
    assert_eq!(competitions, [(7, "Premier League", "GB", 2), (8, "Bundesliga", "DE", 1)]);
    assert_eq!(catalogue.count_countries(&all), [("DE", 1), ("GB", 4)]);
    assert_eq!(catalogue.count_venues(&all), [("Ascot", 2)]);
    let types = catalogue.count_market_types(&soccer);
    assert_eq!(types, [("MATCH_ODDS".to_owned(), 2), ("OVER_UNDER_25".to_owned(), 1)]);
    let days: Vec<_> = catalogue
        .count_time_ranges(&all, Granularity::Days)
        .iter()
        .map(|range| (range.from.0 / HOUR, range.to.0 / HOUR, range.markets))
        .collect();
    assert_eq!(days, [(0, 24, 4), (24, 48, 1)]);
    assert_eq!(catalogue.count_time_ranges(&all, Granularity::Hours).len(), 4);
}

#[test]
fn a_closed_market_leaves_the_lists_and_keeps_its_card() {
    let mut catalogue = weekend();
    catalogue.apply(&record(
        13,
        5,
        MarketEvent::StatusChanged(change(MarketStatus::Open, true, 2)),
    ));
    let in_play = MarketFilter { in_play: Some(true), ..MarketFilter::default() };
    assert_eq!(found(&catalogue, &in_play), [13]);
    let settled = |resolution, status, version| MarketEvent::Resolved {
        n: 2,
        generation: 1,
        resolution,
        change: change(status, true, version),
    };
    let close = settled(Resolution::Settled(Vec::new()), MarketStatus::Closed, 3);
    catalogue.apply(&record(13, 9, close));
    catalogue.check_invariants().unwrap();
    assert_eq!(found(&catalogue, &MarketFilter::default()), [11, 12, 14, 15]);
    let named = MarketFilter { markets: [MarketId(13)].into(), ..MarketFilter::default() };
    assert_eq!(found(&catalogue, &named), [0; 0]);
    let card = catalogue.card(MarketId(13)).unwrap();
    assert_eq!((card.settled_at, card.version), (Some(UtcMillis(9)), 3));
    assert_eq!(catalogue.event_of(card).unwrap().name, "Bayern Munich v Köln");
    assert_eq!(catalogue.terms(MarketId(13)).unwrap().runners, 3);

    let back = settled(Resolution::Unsettled, MarketStatus::Closed, 4);
    catalogue.apply(&record(13, 10, back));
    let card = catalogue.card(MarketId(13)).unwrap();
    assert_eq!((card.closed_at, card.settled_at), (Some(UtcMillis(9)), None));
    let reopened = MarketEvent::StatusChanged(change(MarketStatus::Suspended, true, 5));
    catalogue.apply(&record(13, 11, reopened));
    catalogue.check_invariants().unwrap();
    assert_eq!(found(&catalogue, &named), [13]);
    assert_eq!(catalogue.card(MarketId(13)).unwrap().settled_at, None);
}

#[test]
fn cards_of_closed_markets_go_in_the_order_they_were_closed() {
    let mut catalogue = Catalogue::default();
    let shared = Arc::new(definition(0, 1, 1, "WIN", 0));
    let card = |id: u64, at: i64| MarketCard {
        definition: Arc::new(MarketDefinition {
            id: MarketId(id),
            runners: Vec::new(),
            ..(*shared).clone()
        }),
        status: MarketStatus::Closed,
        in_play: false,
        bet_delay_s: 0,
        version: 1,
        closed_at: Some(UtcMillis(at)),
        settled_at: None,
    };
    for id in 0..=MAX_CLOSED_CARDS as u64 {
        catalogue.insert_card(card(id, 1_000_000 - id as i64));
    }
    assert!(catalogue.card(MarketId(MAX_CLOSED_CARDS as u64)).is_none(), "it closed first");
    assert!(catalogue.card(MarketId(0)).is_some());
    assert_eq!(catalogue.cards().count(), MAX_CLOSED_CARDS);
    catalogue.check_invariants().unwrap();
    // What happens to a market whose card is gone is nobody's list's business.
    let late = MarketEvent::StatusChanged(change(MarketStatus::Suspended, false, 9));
    catalogue.apply(&record(MAX_CLOSED_CARDS as u64, 2_000_000, late));
    assert_eq!(catalogue.listed_len(), 0);
}

#[test]
fn events_come_from_homes_records_and_may_come_after_their_markets() {
    let mut catalogue = Catalogue::default();
    catalogue.apply(&created(definition(11, 10_000_001, 1, "MATCH_ODDS", HOUR)));
    let by_name =
        MarketFilter { text: TextQuery::new("arsenal").unwrap(), ..MarketFilter::default() };
    assert_eq!(found(&catalogue, &by_name), [0; 0]);
    assert_eq!(found(&catalogue, &MarketFilter::default()), [11]);

    let request = HomeRequest::CreateEvent(Box::new(NewEvent {
        event_type: EventTypeId(1),
        name: "Arsenal v Chelsea".to_owned(),
        competition: None,
        country: None,
        venue: None,
        open_date: UtcMillis(HOUR),
        timezone: "Europe/London".to_owned(),
    }));
    let by = By { operator: "ops".to_owned(), reason: None, key: None };
    let operated = Home::default().operate(UtcMillis(1), by, request);
    let Ok(Operated::Begun { event, .. }) = operated else { panic!("{operated:?}") };
    catalogue.apply(&Record {
        entity: EntityId::Home,
        seq: 1,
        at: UtcMillis(1),
        wake: None,
        event: Event::Home(event),
    });
    assert_eq!(found(&catalogue, &by_name), [11]);
}

fn small_set<T: Ord + std::fmt::Debug>(
    values: std::ops::Range<u64>,
    make: fn(u64) -> T,
) -> impl Strategy<Value = BTreeSet<T>> {
    prop::collection::btree_set(values.prop_map(make), 0..3)
}

fn any_filter() -> impl Strategy<Value = MarketFilter> {
    let flag = || prop::option::weighted(0.3, any::<bool>());
    let moment = || prop::option::weighted(0.3, (0..50 * HOUR).prop_map(UtcMillis));
    let text =
        prop::option::weighted(0.3, prop::sample::select(vec!["Event", "1*", "Event 2", "x"]));
    (
        (
            text,
            small_set(1..4, |n| EventTypeId(n as u32)),
            small_set(1..7, EventId),
            small_set(1..3, CompetitionId),
            small_set(1..30, MarketId),
        ),
        small_set(0..3, |n| format!("TYPE_{n}")),
        (flag(), flag(), moment(), moment()),
    )
        .prop_map(|(ids, market_types, (turn_in_play, in_play, from, to))| {
            let (text, event_types, events, competitions, markets) = ids;
            MarketFilter {
                text: text.and_then(|text| TextQuery::new(text).unwrap()),
                event_types,
                events,
                competitions,
                markets,
                market_types,
                turn_in_play,
                in_play,
                from,
                to,
                ..MarketFilter::default()
            }
        })
}

/// A market and how its status moves: (event, type, start, statuses).
fn any_market() -> impl Strategy<Value = (u64, u64, i64, Vec<u8>)> {
    (1..7_u64, 0..3_u64, 0..50 * HOUR, prop::collection::vec(0..5_u8, 0..4))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_filter_finds_what_a_scan_finds(
        markets in prop::collection::vec(any_market(), 0..30),
        filter in any_filter(),
    ) {
        check_against_a_scan(&markets, &filter);
    }
}

fn check_against_a_scan(markets: &[(u64, u64, i64, Vec<u8>)], filter: &MarketFilter) {
    let mut catalogue = Catalogue::default();
    for event in 1..7 {
        let competition = [None, Some((1, "One")), Some((2, "Two"))][(event % 3) as usize];
        let kind = 1 + (event % 3) as u32;
        catalogue.insert_event(sport_event(event, kind, &format!("Event {event}"), competition));
    }
    for (id, (event, market_type, start, statuses)) in (1..).zip(markets) {
        let kind = 1 + (event % 3) as u32;
        let market_type = format!("TYPE_{market_type}");
        catalogue.apply(&created(definition(id, *event, kind, &market_type, *start)));
        for (version, status) in (2..).zip(statuses) {
            let (status, in_play) = match status {
                0 => (MarketStatus::Open, false),
                1 => (MarketStatus::Open, true),
                2 => (MarketStatus::Suspended, true),
                3 => (MarketStatus::Inactive, false),
                _ => (MarketStatus::Closed, true),
            };
            let moved = MarketEvent::StatusChanged(change(status, in_play, version));
            catalogue.apply(&record(id, version as i64, moved));
            catalogue.check_invariants().unwrap();
        }
    }
    let mut scan: Vec<_> = catalogue
        .cards()
        .filter(|card| card.status != MarketStatus::Closed)
        .filter(|card| naive(filter, card, &catalogue.events[&card.definition.event]))
        .map(|card| (card.definition.start_time, card.definition.id.0))
        .collect();
    scan.sort_unstable();
    let expected: Vec<_> = scan.iter().map(|(_, id)| *id).collect();
    assert_eq!(found(&catalogue, filter), expected);
    let counted: u64 =
        catalogue.count_event_types(filter).iter().map(|(.., markets)| markets).sum();
    assert_eq!(counted, expected.len() as u64);
    let counted: u64 = catalogue.count_events(filter).iter().map(|(_, markets)| markets).sum();
    assert_eq!(counted, expected.len() as u64);
}

fn naive(filter: &MarketFilter, card: &MarketCard, event: &SportEvent) -> bool {
    let market = &card.definition;
    let competition = event.competition.as_ref().map(|(id, _)| *id);
    (filter.event_types.is_empty() || filter.event_types.contains(&market.event_type))
        && (filter.events.is_empty() || filter.events.contains(&market.event))
        && (filter.competitions.is_empty()
            || competition.is_some_and(|id| filter.competitions.contains(&id)))
        && (filter.markets.is_empty() || filter.markets.contains(&market.id))
        && (filter.market_types.is_empty() || filter.market_types.contains(&market.market_type))
        && (filter.turn_in_play.is_none() || filter.turn_in_play == Some(market.turn_in_play))
        && (filter.in_play.is_none() || filter.in_play == Some(card.in_play))
        && (filter.from.is_none() || filter.from <= Some(market.start_time))
        && (filter.to.is_none() || Some(market.start_time) <= filter.to)
        && filter.text.as_ref().is_none_or(|text| text.matches(&event.name))
}
