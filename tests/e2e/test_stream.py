"""betfairlightweight follows markets and orders over the TLS stream, and ends up knowing what the API says."""

import queue
import threading
import time

import pytest
from betfairlightweight import StreamListener, filters
from betfairlightweight.streaming.betfairstream import BetfairStream
from bettor import bet, ladders

DEADLINE_S = 30


@pytest.fixture
def follow(node, monkeypatch):
    """Opens streams of the library as it is installed: only host and port are told to it."""
    host, port = node.addresses["stream"].rsplit(":", 1)
    monkeypatch.setitem(BetfairStream.HOSTS, None, host)
    monkeypatch.setattr(BetfairStream, "_BetfairStream__port", int(port))
    opened = []

    def open_stream(api, subscribe):
        output = queue.Queue()
        listener = StreamListener(output_queue=output, max_latency=None)
        stream = api.streaming.create_stream(listener=listener)
        subscribe(stream)
        thread = threading.Thread(target=stream.start, daemon=True)
        thread.start()
        opened.append((stream, thread))
        return output, listener

    yield open_stream
    for stream, thread in opened:
        stream.stop()
        thread.join(DEADLINE_S)


def latest(output, wanted):
    """Reads on until what is known is as wanted."""
    end = time.monotonic() + DEADLINE_S
    seen = None
    while time.monotonic() < end:
        try:
            for seen in output.get(timeout=0.1):
                if wanted(seen):
                    return seen
        except queue.Empty:
            pass
    raise AssertionError(f"last seen: {seen and seen._data}")


def rows(ladder):
    return [(row.price, row.size) for row in ladder]


def test_a_market_book_from_the_stream_is_the_market_book(follow, customer, market, operator):
    market_id, runners, _ = market
    backer, layer = customer(), customer()

    def subscribe(stream):
        stream.subscribe_to_markets(
            market_filter=filters.streaming_market_filter(market_ids=[market_id]),
            market_data_filter=filters.streaming_market_data_filter(
                fields=["EX_ALL_OFFERS", "EX_TRADED", "EX_TRADED_VOL", "EX_LTP", "EX_MARKET_DEF"]
            ),
        )

    output, _ = follow(backer, subscribe)
    first = latest(output, lambda book: book.market_id == market_id)
    assert (first.status, first.inplay, len(first.runners)) == ("OPEN", False, 3)

    bet(backer, market_id, runners[0], "BACK", 10, 2.0)
    bet(backer, market_id, runners[0], "BACK", 5, 2.1)
    bet(layer, market_id, runners[0], "LAY", 4, 2.0)
    book = latest(output, lambda book: book.total_matched == 8.0)
    (runner,) = [it for it in book.runners if it.selection_id == runners[0]]
    told = rows(runner.ex.available_to_back), rows(runner.ex.available_to_lay)
    assert told == ladders(backer, market_id, runners[0]) == ([], [(2.0, 6.0), (2.1, 5.0)])
    assert rows(runner.ex.traded_volume) == [(2.0, 8.0)]
    assert (runner.last_price_traded, runner.total_matched) == (2.0, 8.0)

    operator.act(market_id, "turn-in-play", betDelay=1)
    latest(output, lambda book: book.inplay and book.bet_delay == 1)
    operator.act(market_id, "settle", winners=[runners[0]])
    book = latest(output, lambda book: book.status == "CLOSED")
    assert [runner.status for runner in book.runners] == ["WINNER", "LOSER", "LOSER"]


def test_what_an_operator_says_beside_a_status_is_understood(follow, customer, market, operator):
    *_, event = market
    sides = [("Leeds", "-0.5"), ("York", "0.5"), ("Leeds", "-1"), ("York", "1")]
    market_id, runners = operator.market(
        event,
        [{"name": name, "handicap": at} for name, at in sides],
        name="Asian Handicap",
        marketType="ASIAN_HANDICAP",
        bettingType="ASIAN_HANDICAP_DOUBLE_LINE",
        betDelayModels=["PASSIVE", "DYNAMIC"],
    )
    leeds, york = runners["Leeds"], runners["York"]
    api = customer()

    def subscribe(stream):
        stream.subscribe_to_markets(
            market_filter=filters.streaming_market_filter(market_ids=[market_id]),
            market_data_filter=filters.streaming_market_data_filter(fields=["EX_MARKET_DEF"]),
        )

    output, _ = follow(api, subscribe)
    latest(output, lambda book: book.market_id == market_id)
    line = [{"selectionId": leeds, "handicap": "-1"}, {"selectionId": york, "handicap": "1"}]
    operator.act(market_id, "key-line", keyLine=line)
    operator.act(market_id, "suspend", suspendReason="a goal")
    told = latest(output, lambda book: book.status == "SUSPENDED").market_definition
    assert (told.suspend_reason, told.bet_delay_models) == ("a goal", ["PASSIVE", "DYNAMIC"])
    wanted = [(leeds, -1.0), (york, 1.0)]
    key_line = told.key_line_definitions.key_line
    assert [(side.selection_id, side.handicap) for side in key_line] == wanted

    (book,) = api.betting.list_market_book([market_id])
    key_line = book.key_line_description.key_line
    assert [(side.selection_id, side.handicap) for side in key_line] == wanted
    assert book.bet_delay_models == ["PASSIVE", "DYNAMIC"]
    operator.act(market_id, "open")
    assert latest(output, lambda book: book.status == "OPEN").market_definition.suspend_reason is None


def test_orders_are_followed_to_their_end(follow, customer, market):
    market_id, runners, _ = market
    backer, layer = customer(), customer()
    output, _ = follow(
        backer,
        lambda stream: stream.subscribe_to_orders(
            order_filter=filters.streaming_order_filter(
                include_overall_position=True, partition_matched_by_strategy_ref=True
            )
        ),
    )
    back = bet(backer, market_id, runners[0], "BACK", 10, 2.0, order_ref="my-back")

    def order(orders):
        return next((it for it in orders.orders if it.bet_id == back.bet_id), None)

    known = latest(output, order)
    assert (order(known).status, order(known).size_remaining) == ("EXECUTABLE", 10)
    assert order(known).customer_order_ref == "my-back"
    bet(layer, market_id, runners[0], "LAY", 10, 2.0)
    known = latest(output, lambda it: order(it) and order(it).size_matched == 10)
    assert order(known).status == "EXECUTION_COMPLETE"
    assert order(known).average_price_matched == 2.0
