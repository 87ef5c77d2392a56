"""A real client finds its market."""

from datetime import datetime, timezone

from betfairlightweight import filters

KICK_OFF = datetime(2031, 5, 3, 14, tzinfo=timezone.utc)
PROJECTION = [
    "COMPETITION",
    "EVENT",
    "EVENT_TYPE",
    "MARKET_START_TIME",
    "MARKET_DESCRIPTION",
    "RUNNER_DESCRIPTION",
    "RUNNER_METADATA",
]


def test_the_way_from_the_sport_to_the_runner(customer, market):
    api = customer()
    market_id, runners, event = market
    (sport,) = api.betting.list_event_types(filter=filters.market_filter(event_ids=[event]))
    assert (sport.event_type.id, sport.market_count) == ("1", 1)
    (found,) = api.betting.list_events(filter=filters.market_filter(market_ids=[market_id]))
    assert found.event.id == event
    assert found.event.country_code == "GB"
    assert found.event.open_date == KICK_OFF
    (listed,) = api.betting.list_market_catalogue(
        filter=filters.market_filter(event_ids=[event]),
        market_projection=PROJECTION,
        max_results=10,
    )
    assert listed.market_id == market_id
    assert listed.market_name == "Match Odds"
    assert listed.event.id == event
    assert listed.event_type.id == "1"
    assert listed.competition.name == "English Premier League"
    assert listed.market_start_time == KICK_OFF
    assert listed.description.market_type == "MATCH_ODDS"
    assert listed.description.betting_type == "ODDS"
    assert [runner.selection_id for runner in listed.runners] == runners
    assert listed.runners[2].runner_name == "The Draw"


def test_a_filter_that_fits_nothing_finds_nothing(customer, market):
    api = customer()
    nothing = filters.market_filter(event_ids=["99999999"])
    assert api.betting.list_events(filter=nothing) == []
    assert api.betting.list_market_catalogue(filter=nothing, max_results=10) == []
    assert api.betting.list_market_book(market_ids=["1.999999999"]) == []


def test_a_new_market_has_an_empty_open_book(customer, market):
    api = customer()
    market_id, runners, _ = market
    prices = filters.price_data(ex_all_offers=True, ex_traded=True)
    projection = filters.price_projection(price_data=prices)
    (book,) = api.betting.list_market_book(market_ids=[market_id], price_projection=projection)
    assert (book.status, book.inplay, book.number_of_winners) == ("OPEN", False, 1)
    assert [runner.selection_id for runner in book.runners] == runners
    for runner in book.runners:
        assert runner.status == "ACTIVE"
        empty = runner.ex
        assert (empty.available_to_back, empty.available_to_lay, empty.traded_volume) == ([], [], [])
