"""What a newcomer sees: `laybook demo` moves, lets them in, and ends when it is told to."""

import os
import queue
import re
import signal
import subprocess
import threading
import time

import pytest
from betfairlightweight import filters
from bettor import client, limit, place
from node import DEADLINE_S


class Demo:
    """The demo as a child process: what it has printed, and where customers come in."""

    def __init__(self, usual=False):
        """`usual`: at the addresses that everybody gets, and as fast as life."""
        command = [os.environ["LAYBOOK_BIN"], "demo"]
        if not usual:
            command += ["--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--speed", "20"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.printed = []

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip())
        self.lines.put(None)

    def line(self, pattern):
        """The first line from here on that matches."""
        end = time.monotonic() + DEADLINE_S
        while True:
            line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            assert line is not None, "the demo ended:\n" + "\n".join(self.printed)
            self.printed.append(line)
            if found := re.search(pattern, line):
                return found

    @property
    def http(self):
        return self.address


@pytest.fixture
def demo():
    demo = Demo()
    try:
        demo.address = demo.line(r"customers\s+(http://\S+)").group(1)
        yield demo
    finally:
        demo.process.kill()
        demo.process.wait()


def best_prices(api):
    """The best prices of every runner that can be bet on."""
    catalogue = api.betting.list_market_catalogue(filter=filters.market_filter(), max_results=100)
    projection = filters.price_projection(price_data=["EX_BEST_OFFERS"])
    books = api.betting.list_market_book(
        market_ids=[market.market_id for market in catalogue], price_projection=projection
    )
    prices = {}
    for book in books:
        for runner in book.runners:
            best = [side[0].price for side in (runner.ex.available_to_back, runner.ex.available_to_lay) if side]
            prices[book.market_id, runner.selection_id] = best
    return prices


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_prices_move_and_the_demo_ends_when_it_is_told(demo, told):
    api = client(demo, "alice", "alice", "alice-key")
    api.login_interactive()
    end = time.monotonic() + DEADLINE_S
    first = best_prices(api)
    assert any(first.values()), "nobody quotes a price"
    while best_prices(api) == first:
        assert time.monotonic() < end, "no price moves"
    demo.process.send_signal(told)
    assert demo.process.wait(timeout=DEADLINE_S) == 0
    assert not any("panicked" in line for line in demo.printed)


def test_a_newcomer_bets(demo):
    api = client(demo, "alice", "alice", "alice-key")
    api.login_interactive()
    before = api.account.get_account_funds().available_to_bet_balance
    end = time.monotonic() + DEADLINE_S
    while True:
        priced = [runner for runner, best in best_prices(api).items() if best]
        assert priced, "nobody quotes a price"
        # Markets are suspended at goals, so one that is open now may not be in a moment.
        for market_id, selection in priced:
            report = place(api, market_id, limit(selection, "BACK", 5, 1.01))
            if report.status == "SUCCESS":
                assert report.place_instruction_reports[0].size_matched == 5
                assert api.account.get_account_funds().available_to_bet_balance < before
                return
        assert time.monotonic() < end, report._data
