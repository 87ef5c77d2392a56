"""A bot with betfairlightweight: it logs in, looks, bets, and follows market and orders on the stream.

    python bot.py --http http://127.0.0.1:8080 --stream 127.0.0.1:8443 \\
        --username alice --password alice --key alice-key

It backs the first runner of a market (`--market`, or the first there is) for two pounds at 1.01, which takes the best price there is,
or rests as the best lay price when there is none. Then it waits until the stream has shown both the market
and the order, prints them, takes back what rests, and leaves.

Only what is in `laybook_target.py` is about Laybook: everything here runs against Betfair as it stands.
"""

import argparse
import queue
import threading
import time

import betfairlightweight
from betfairlightweight import filters

import laybook_target

PATIENCE_S = 30


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--http", default="http://127.0.0.1:8080")
    parser.add_argument("--stream", default="127.0.0.1:8443")
    parser.add_argument("--username", default="alice")
    parser.add_argument("--password", default="alice")
    parser.add_argument("--key", default="alice-key")
    parser.add_argument("--market", help="an id; the first market there is without it")
    return parser.parse_args()


def follow(api, subscribe):
    """A stream in a thread of its own: what it says goes into a queue."""
    said = queue.Queue()
    listener = betfairlightweight.StreamListener(output_queue=said, max_latency=None)
    stream = api.streaming.create_stream(listener=listener)
    subscribe(stream)
    threading.Thread(target=stream.start, daemon=True).start()
    return stream, said


def wait_for(said, wanted):
    """The first of the things said that is wanted."""
    end = time.monotonic() + PATIENCE_S
    while True:
        for thing in said.get(timeout=max(0.1, end - time.monotonic())):
            if found := wanted(thing):
                return found


def main():
    args = arguments()
    locale = laybook_target.at(args.http, args.stream)
    api = betfairlightweight.APIClient(args.username, args.password, app_key=args.key, locale=locale)
    api.login_interactive()
    print("money:", api.account.get_account_funds().available_to_bet_balance)

    (market,) = api.betting.list_market_catalogue(
        filter=filters.market_filter(
            in_play_only=False, market_ids=[args.market] if args.market else None
        ),
        market_projection=["RUNNER_DESCRIPTION", "EVENT"],
        max_results=1,
    )
    runner = market.runners[0]
    print("market:", market.market_id, market.event.name, "/", market.market_name)

    markets, market_said = follow(
        api,
        lambda stream: stream.subscribe_to_markets(
            market_filter=filters.streaming_market_filter(market_ids=[market.market_id]),
            market_data_filter=filters.streaming_market_data_filter(
                fields=["EX_ALL_OFFERS", "EX_MARKET_DEF", "EX_LTP"]
            ),
        ),
    )
    orders, order_said = follow(
        api, lambda stream: stream.subscribe_to_orders(order_filter=filters.streaming_order_filter())
    )
    book = wait_for(market_said, lambda book: book.market_id == market.market_id and book)
    print("stream:", book.status, [(it.selection_id, it.last_price_traded) for it in book.runners])

    report = api.betting.place_orders(
        market_id=market.market_id,
        instructions=[
            filters.place_instruction(
                order_type="LIMIT",
                selection_id=runner.selection_id,
                side="BACK",
                limit_order=filters.limit_order(size=2, price=1.01, persistence_type="LAPSE"),
            )
        ],
    )
    assert report.status == "SUCCESS", report.error_code
    placed = report.place_instruction_reports[0]
    print("bet:", placed.bet_id, placed.order_status, placed.size_matched, placed.average_price_matched)

    mine = lambda book: next((it for it in book.orders if it.bet_id == placed.bet_id), None)
    order = wait_for(order_said, mine)
    print("order:", order.status, order.size_matched, order.size_remaining)
    if order.size_remaining:
        rest = [filters.cancel_instruction(bet_id=placed.bet_id)]
        report = api.betting.cancel_orders(market_id=market.market_id, instructions=rest)
        assert report.status == "SUCCESS", report.error_code
    markets.stop()
    orders.stop()
    api.logout()
    print("done")


if __name__ == "__main__":
    main()
