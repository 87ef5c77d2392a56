"""Real clients bet with each other."""

import pytest
from betfairlightweight import filters
from betfairlightweight.exceptions import APIError
from bettor import bet, ladders, limit, orders, place


def funds(api):
    funds = api.account.get_account_funds()
    return funds.available_to_bet_balance, funds.exposure


def test_two_customers_match(customer, market):
    market_id, runners, _ = market
    backer, layer = customer(), customer()
    back = bet(backer, market_id, runners[0], "BACK", 10, 2.0, order_ref="my-back")
    assert (back.order_status, back.size_matched) == ("EXECUTABLE", 0)
    assert funds(backer) == (90.0, -10.0)
    assert ladders(layer, market_id, runners[0]) == ([], [(2.0, 10.0)])

    lay = bet(layer, market_id, runners[0], "LAY", 4, 2.0)
    assert (lay.order_status, lay.size_matched) == ("EXECUTION_COMPLETE", 4)
    assert lay.average_price_matched == 2.0
    assert funds(layer) == (96.0, -4.0)

    order = orders(backer)[back.bet_id]
    assert (order.status, order.size_matched, order.size_remaining) == ("EXECUTABLE", 4, 6)
    assert (order.customer_order_ref, order.market_id) == ("my-back", market_id)
    assert (order.price_size.price, order.price_size.size) == (2.0, 10)
    assert ladders(backer, market_id, runners[0]) == ([], [(2.0, 6.0)])
    (book,) = backer.betting.list_market_book(
        market_ids=[market_id],
        price_projection=filters.price_projection(price_data=["EX_ALL_OFFERS", "EX_TRADED"]),
    )
    (runner,) = [it for it in book.runners if it.selection_id == runners[0]]
    # Public volumes count both sides of a bet.
    assert [(row.price, row.size) for row in runner.ex.traded_volume] == [(2.0, 8.0)]
    assert book.total_matched == 8.0


def test_a_better_price_is_given(customer, market):
    market_id, runners, _ = market
    layer, backer = customer(), customer()
    bet(layer, market_id, runners[1], "LAY", 2, 2.1)
    bet(layer, market_id, runners[1], "LAY", 2, 2.08)
    report = bet(backer, market_id, runners[1], "BACK", 4, 2.0)
    assert (report.size_matched, report.order_status) == (4, "EXECUTION_COMPLETE")
    assert report.average_price_matched == pytest.approx(2.09)


def test_an_order_is_cancelled_in_part_and_whole(customer, market):
    market_id, runners, _ = market
    api = customer()
    bet_id = bet(api, market_id, runners[0], "BACK", 10, 3.0).bet_id
    part = filters.cancel_instruction(bet_id=bet_id, size_reduction=4)
    report = api.betting.cancel_orders(market_id=market_id, instructions=[part])
    assert report.status == "SUCCESS"
    assert report.cancel_instruction_reports[0].size_cancelled == 4
    order = orders(api)[bet_id]
    assert (order.size_remaining, order.size_cancelled) == (6, 4)
    rest = filters.cancel_instruction(bet_id=bet_id)
    report = api.betting.cancel_orders(market_id=market_id, instructions=[rest])
    assert report.cancel_instruction_reports[0].size_cancelled == 6
    assert orders(api)[bet_id].status == "EXECUTION_COMPLETE"
    assert funds(api) == (100.0, 0)
    report = api.betting.cancel_orders(market_id=market_id, instructions=[rest])
    assert report.status == "FAILURE"
    assert report.cancel_instruction_reports[0].error_code == "BET_TAKEN_OR_LAPSED"


def test_cancel_with_nothing_cancels_all_of_ones_own(customer, market, operator):
    market_id, runners, event = market
    other_market, other_runners = operator.market(event, ["Over", "Under"])
    api, other = customer(), customer()
    for _ in range(2):
        bet(api, market_id, runners[0], "BACK", 2, 5.0)
        bet(api, other_market, other_runners["Over"], "BACK", 2, 5.0)
    theirs = bet(other, market_id, runners[0], "BACK", 2, 5.0).bet_id
    assert api.betting.cancel_orders().status == "SUCCESS"
    assert funds(api) == (100.0, 0)
    assert {order.size_remaining for order in orders(api).values()} == {0}
    assert orders(other)[theirs].size_remaining == 2


def test_replace_takes_a_new_place_at_the_new_price(customer, market):
    market_id, runners, _ = market
    api = customer()
    old = bet(api, market_id, runners[0], "BACK", 5, 3.0, order_ref="kept").bet_id
    instruction = filters.replace_instruction(bet_id=old, new_price=3.5)
    report = api.betting.replace_orders(market_id=market_id, instructions=[instruction])
    assert report.status == "SUCCESS"
    (line,) = report.replace_instruction_reports
    assert line.cancel_instruction_reports.size_cancelled == 5
    new = line.place_instruction_reports.bet_id
    assert new != old
    found = orders(api)
    assert found[old].size_remaining == 0
    assert (found[new].price_size.price, found[new].size_remaining) == (3.5, 5)
    assert found[new].customer_order_ref == "kept"
    assert ladders(api, market_id, runners[0]) == ([], [(3.5, 5.0)])


def test_update_changes_what_happens_at_the_off(customer, market):
    market_id, runners, _ = market
    api = customer()
    bet_id = bet(api, market_id, runners[0], "BACK", 5, 3.0).bet_id
    persist = filters.update_instruction(bet_id=bet_id, new_persistence_type="PERSIST")
    report = api.betting.update_orders(market_id=market_id, instructions=[persist])
    assert report.status == "SUCCESS"
    assert orders(api)[bet_id].persistence_type == "PERSIST"
    report = api.betting.update_orders(market_id=market_id, instructions=[persist])
    assert report.update_instruction_reports[0].error_code == "NO_ACTION_REQUIRED"


def test_a_settled_market_pays_and_shows_cleared_orders(customer, market, operator):
    market_id, runners, _ = market
    backer, layer = customer(), customer()
    back = bet(backer, market_id, runners[0], "BACK", 10, 3.0).bet_id
    lay = bet(layer, market_id, runners[0], "LAY", 10, 3.0).bet_id
    rest = bet(backer, market_id, runners[1], "BACK", 5, 9.0).bet_id
    operator.act(market_id, "settle", winners=[runners[0]])
    # 5 % commission on what was won.
    assert funds(backer) == (119.0, 0)
    assert funds(layer) == (80.0, 0)
    (won,) = backer.betting.list_cleared_orders(bet_status="SETTLED").orders
    assert (won.bet_id, won.bet_outcome, won.profit) == (back, "WON", 20)
    assert (won.price_matched, won.size_settled, won.side) == (3.0, 10, "BACK")
    (lost,) = layer.betting.list_cleared_orders(market_ids=[market_id]).orders
    assert (lost.bet_id, lost.bet_outcome, lost.profit) == (lay, "LOST", -20)
    (lapsed,) = backer.betting.list_cleared_orders(bet_status="LAPSED").orders
    assert (lapsed.bet_id, lapsed.size_cancelled) == (rest, 5)
    (total,) = backer.betting.list_cleared_orders(group_by="MARKET").orders
    assert (total.profit, total.commission) == (20, 1)
    assert orders(backer) == {}
    assert backer.betting.list_market_catalogue(
        filter=filters.market_filter(market_ids=[market_id])
    ) == []


def test_fill_or_kill_fills_or_dies(customer, market):
    market_id, runners, _ = market
    layer, backer = customer(), customer()
    bet(layer, market_id, runners[0], "LAY", 4, 2.0)
    killed = bet(backer, market_id, runners[0], "BACK", 10, 2.0, time_in_force="FILL_OR_KILL")
    assert (killed.order_status, killed.size_matched) == ("EXPIRED", 0)
    part = bet(
        backer, market_id, runners[0], "BACK", 10, 2.0, time_in_force="FILL_OR_KILL", min_fill_size=4
    )
    assert part.size_matched == 4
    assert funds(backer) == (96.0, -4.0)


def test_a_refused_order_names_its_reason_and_changes_nothing(customer, market):
    market_id, runners, _ = market
    api = customer("20.00")

    def refused(instruction, *codes):
        report = place(api, market_id, instruction)
        assert report.status == "FAILURE", report._data
        (line,) = report.place_instruction_reports
        assert {report.error_code, line.error_code} & set(codes), report._data

    refused(limit(runners[0], "BACK", 2, 2.01), "INVALID_ODDS")
    refused(limit(runners[0], "BACK", 0.005, 2.0), "INVALID_BET_SIZE")
    refused(limit(1, "BACK", 2, 2.0), "INVALID_RUNNER")
    refused(limit(runners[0], "BACK", 20.01, 2.0), "INSUFFICIENT_FUNDS")
    assert orders(api) == {}
    assert funds(api) == (20.0, 0)


def test_a_repeated_reference_places_once(customer, market):
    market_id, runners, _ = market
    api = customer()
    instruction = limit(runners[0], "BACK", 2, 2.0)
    assert place(api, market_id, instruction, customer_ref="once").status == "SUCCESS"
    again = place(api, market_id, instruction, customer_ref="once")
    assert (again.status, again.error_code) == ("FAILURE", "DUPLICATE_TRANSACTION")
    assert len(orders(api)) == 1


def test_a_suspended_market_takes_no_orders(customer, market, operator):
    market_id, runners, _ = market
    api = customer()
    operator.act(market_id, "suspend")
    report = place(api, market_id, limit(runners[0], "BACK", 2, 2.0))
    assert (report.status, report.error_code) == ("FAILURE", "MARKET_SUSPENDED")
    operator.act(market_id, "open")
    assert place(api, market_id, limit(runners[0], "BACK", 2, 2.0)).status == "SUCCESS"


def test_a_request_too_many_is_refused_by_name(customer, market):
    api = customer()
    with pytest.raises(APIError, match="TOO_MUCH_DATA"):
        api.betting.list_market_catalogue(filter=filters.market_filter(), max_results=1001)
    with pytest.raises(APIError, match="REQUEST_SIZE_EXCEEDS_LIMIT"):
        api.betting.list_current_orders(bet_ids=[str(100_000_000_000 + n) for n in range(251)])
