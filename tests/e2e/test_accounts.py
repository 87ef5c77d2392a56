"""An account as a real client reads it: its statement, rates, and the menu."""

import pytest
from betfairlightweight import filters
from betfairlightweight.exceptions import APIError
from bettor import bet


def test_a_statement_is_read_item_by_item(customer, market, operator):
    market_id, runners, _ = market
    backer, layer = customer(), customer()
    won = bet(backer, market_id, runners[0], "BACK", 10, 3.0).bet_id
    bet(layer, market_id, runners[0], "LAY", 10, 3.0)
    operator.act(market_id, "settle", winners=[runners[0]])
    report = backer.account.get_account_statement()
    assert report.more_available is False
    commission, profit, deposit = report.account_statement
    assert [it.amount for it in (commission, profit, deposit)] == [-1, 20, 100]
    assert [it.balance for it in (commission, profit, deposit)] == [119, 120, 100]
    assert profit.ref_id == won and profit.item_date is not None
    legacy = profit.legacy_data
    assert (legacy.avg_price, legacy.bet_size, legacy.bet_type) == (3.0, 10, "B")
    assert (legacy.win_lose, legacy.selection_id) == ("RESULT_WON", runners[0])
    assert legacy.placed_date is not None and legacy.start_date is not None
    only = lambda what: backer.account.get_account_statement(include_item=what).account_statement
    assert len(only("EXCHANGE")) == 2 and len(only("DEPOSITS_WITHDRAWALS")) == 1
    never = filters.time_range(from_="2100-01-01T00:00:00Z")
    assert backer.account.get_account_statement(item_date_range=never).account_statement == []


def test_there_is_one_currency(customer):
    api = customer()
    (rate,) = api.account.list_currency_rates()
    assert (rate.currency_code, rate.rate) == ("GBP", 1.0)
    with pytest.raises(APIError, match="INVALID_INPUT_DATA"):
        api.account.list_currency_rates(from_currency="EUR")


def test_the_menu_leads_to_the_market(customer, market, node):
    market_id, _, event = market
    api = customer()
    api.navigation_uri = node.http + "/exchange/betting/rest/v1/en/navigation/menu.json"

    def find(item, path):
        if item["id"] == market_id:
            return path + [item["type"]]
        for child in item.get("children", []):
            if found := find(child, path + [item["type"]]):
                return found

    path = find(api.navigation.list_navigation(), [])
    assert path == ["GROUP", "EVENT_TYPE", "GROUP", "EVENT", "MARKET"]
