"""A betfairlightweight client that is pointed at a Laybook node.

The library is used as it is installed: the addresses it speaks to are attributes of the client.
"""

import betfairlightweight
from betfairlightweight import filters


def client(node, username, password, app_key):
    """A client that has not logged in."""
    api = betfairlightweight.APIClient(username, password, app_key=app_key)
    api.identity_uri = node.http + "/api/"
    api.identity_cert_uri = node.http + "/api/"
    api.api_uri = node.http + "/exchange/"
    return api


def limit(selection, side, size, price, persistence="LAPSE", order_ref=None, **more):
    """A LIMIT instruction, built by the library's own filters."""
    order = filters.limit_order(
        size=size, price=price, persistence_type=persistence, **more
    )
    return filters.place_instruction(
        order_type="LIMIT",
        selection_id=selection,
        side=side,
        handicap=0,
        limit_order=order,
        customer_order_ref=order_ref,
    )


def place(api, market, *instructions, **more):
    return api.betting.place_orders(market_id=market, instructions=list(instructions), **more)


def bet(api, market, selection, side, size, price, **more):
    """One order that must be taken: its report."""
    report = place(api, market, limit(selection, side, size, price, **more))
    assert report.status == "SUCCESS", report._data
    return report.place_instruction_reports[0]


def orders(api, **filter_by):
    return {order.bet_id: order for order in api.betting.list_current_orders(**filter_by).orders}


def ladders(api, market, selection):
    """What can be taken of one runner: (price, size), best first, to back and to lay."""
    projection = filters.price_projection(price_data=filters.price_data(ex_all_offers=True))
    books = api.betting.list_market_book(market_ids=[market], price_projection=projection)
    (runner,) = [it for it in books[0].runners if it.selection_id == selection]
    rows = lambda ladder: [(row.price, row.size) for row in ladder]
    return rows(runner.ex.available_to_back), rows(runner.ex.available_to_lay)
