"""What betfairlightweight makes of every list and of every part of a book: it refuses what it does not know."""

import pytest
from betfairlightweight import filters
from betfairlightweight.exceptions import APIError
from bettor import bet, limit

PARTS = ["SP_AVAILABLE", "SP_TRADED", "EX_BEST_OFFERS", "EX_ALL_OFFERS", "EX_TRADED"]


def test_every_list_counts_the_same_markets(customer, market):
    api = customer()
    market_id, _, event = market
    one = filters.market_filter(event_ids=[event])
    lists = [
        api.betting.list_event_types(filter=one),
        api.betting.list_competitions(filter=one),
        api.betting.list_time_ranges(filter=one, granularity="DAYS"),
        api.betting.list_events(filter=one),
        api.betting.list_market_types(filter=one),
        api.betting.list_countries(filter=one),
    ]
    for rows in lists:
        assert sum(row.market_count for row in rows) == 1, rows
    assert lists[1][0].competition.name == "English Premier League"
    assert lists[1][0].competition_region == "GBR"
    assert lists[2][0].time_range._from is not None
    assert lists[4][0].market_type == "MATCH_ODDS"
    assert lists[5][0].country_code == "GB"
    assert api.betting.list_venues(filter=one) == []


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_book_is_understood(customer, market, part):
    market_id, runners, _ = market
    backer, layer = customer(), customer()
    bet(backer, market_id, runners[0], "BACK", 10, 2.0)
    bet(layer, market_id, runners[0], "LAY", 4, 2.0)
    projection = filters.price_projection(price_data=[part], virtualise=True)
    (book,) = backer.betting.list_market_book(
        market_ids=[market_id],
        price_projection=projection,
        order_projection="ALL",
        match_projection="NO_ROLLUP",
        partition_matched_by_strategy_ref=True,
    )
    (runner,) = [it for it in book.runners if it.selection_id == runners[0]]
    assert [order.size_matched for order in runner.orders] == [4.0]
    assert [(match.price, match.size) for match in runner.matches] == [(2.0, 4.0)]
    (one,) = backer.betting.list_runner_book(
        market_id=market_id, selection_id=runners[0], price_projection=projection
    )
    assert [it.selection_id for it in one.runners] == [runners[0]]


def test_profit_and_loss_is_understood(customer, market):
    market_id, runners, _ = market
    backer, layer = customer(), customer()
    bet(backer, market_id, runners[0], "BACK", 10, 2.0)
    bet(layer, market_id, runners[0], "LAY", 10, 2.0)
    (profit,) = layer.betting.list_market_profit_and_loss(
        market_ids=[market_id], net_of_commission=True
    )
    assert profit.commission_applied == 5.0
    assert [it.if_win for it in profit.profit_and_losses] == [-10.0, 9.5, 9.5]


def test_too_much_is_refused_with_its_word(customer):
    api = customer()
    with pytest.raises(APIError) as refused:
        api.betting.list_market_catalogue(filter=filters.market_filter(), max_results=1001)
    assert "ANGX-0001" in str(refused.value)
    with pytest.raises(APIError) as refused:
        api.betting.list_current_orders(bet_ids=[str(n) for n in range(251)])
    assert "ANGX-0014" in str(refused.value)


def test_an_async_order_is_understood(customer, market):
    market_id, runners, _ = market
    api = customer()
    order = limit(runners[0], "BACK", 5, 3.0, order_ref="later")
    report = api.betting.place_orders(market_id=market_id, instructions=[order], async_=True)
    (line,) = report.place_instruction_reports
    assert (report.status, line.order_status, line.bet_id) == ("SUCCESS", "PENDING", None)


def test_cleared_orders_are_understood_in_every_group(customer, market, operator):
    market_id, runners, event = market
    backer, layer = customer(), customer()
    bet(backer, market_id, runners[0], "BACK", 10, 2.0)
    bet(layer, market_id, runners[0], "LAY", 10, 2.0)
    operator.act(market_id, "settle", winners=[runners[0]])
    for group in ["EVENT_TYPE", "EVENT", "MARKET", "RUNNER", "SIDE", "BET", "STRATEGY"]:
        cleared = backer.betting.list_cleared_orders(
            bet_status="SETTLED", group_by=group, include_item_description=True
        )
        (row,) = cleared.orders
        assert (row.bet_count, row.profit) == (1, 10.0), group
        commission = 0.5 if group in ("EVENT_TYPE", "EVENT", "MARKET") else None
        assert row.commission == commission, group
