"""The console as an operator uses it, in Chromium, on a node that takes bets all the while."""

import itertools
import json
import os
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest
from betfairlightweight.exceptions import BetfairError
from bettor import limit, place
from conftest import NAMES

HERE = Path(__file__).parent
# Longer than it takes; a page that hangs says itself what it waited for.
PATIENCE_S = 240


def shots():
    """Where pictures of the pages are kept for whoever wants to look."""
    return os.environ.get("CONSOLE_SHOTS", str(HERE.parent.parent / "target" / "console-shots"))


def browse(what, **about):
    """What the browser saw; fails with all that it said when something was not as it should be."""
    for name in ("PLAYWRIGHT", "AXE"):
        assert name in os.environ, f"{name} names a file, see .ci/run"
    command = ["node", str(HERE / "console.mjs"), what, json.dumps({**about, "shots": shots()})]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def load(customer, market):
    """Two customers who bet with each other until the test ends; how many bets were taken."""
    market_id, runners, _ = market
    done = threading.Event()
    taken = []
    one, other = customer("5000.00"), customer("5000.00")

    def bet():
        # Each takes either side in turn, so that nobody's money is ever tied up for good.
        for layer, backer in itertools.cycle([(one, other), (other, one)]):
            if done.is_set():
                return
            for api, side in ((layer, "LAY"), (backer, "BACK")):
                try:
                    report = place(api, market_id, limit(runners[0], side, 2.0, 3.0))
                    if report.status == "SUCCESS":
                        taken.append(report.place_instruction_reports[0].bet_id)
                except BetfairError:
                    # A plug was pulled just then: the outcome is unknown, and the next bet is tried.
                    done.wait(0.05)

    thread = threading.Thread(target=bet)
    thread.start()
    yield taken
    done.set()
    thread.join()
    assert taken, "nothing was bet"


@pytest.fixture
def about(node, operator, market):
    """Where the console is, who looks at it and what they open."""
    viewer = operator.ask("POST", "/tokens", {"name": f"eyes{next(NAMES)}", "role": "viewer"})
    username = f"watched{next(NAMES)}"
    operator.user(username, "correct horse", "10.00")
    account = operator.ask("GET", f"/users/{username}")["accountId"]
    return {
        "base": node.admin.rstrip("/"),
        "token": operator.token,
        "viewer": viewer["token"],
        "market": f"market-{market[0]}",
        "account": f"account-{account}",
        "subtree": "markets-0",
        "playing": played(node, operator),
    }


def played(node, operator):
    """A match that has begun, as a provider tells of it; its number."""
    key = operator.ask("POST", "/tokens", {"name": f"feed{next(NAMES)}", "role": "provider"})["token"]
    named = {"source": "feed", "id": str(next(NAMES))}
    match = {"competition": "League", "season": "now", "kickOff": "2026-11-28T15:00:00Z"}
    happened = [("kickOff", None, 0), ("goal", "home", 12), ("clock", None, 14)]
    words = {
        "fixtures": [{**named, **match, "home": "Ipswich", "away": f"Burnley {named['id']}"}],
        "events": [
            {**named, "seq": seq, "type": kind, "minute": minute, **({"side": side} if side else {})}
            for seq, (kind, side, minute) in enumerate(happened, 1)
        ],
    }
    for what, told in words.items():
        url, body = f"{node.http}/v1/football/{what}", json.dumps(told).encode()
        request = urllib.request.Request(url, data=body, method="PUT")
        request.add_header("X-Api-Key", key)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            assert json.load(answer)["refused"] == []
    matches = operator.ask("GET", "/models/live?limit=500")["matches"]
    return next(it["id"] for it in matches if it["away"].endswith(f" {named['id']}"))


def test_a_market_is_killed_from_the_page_and_is_seen_to_heal(about, load):
    seen = browse("story", **about)
    print(seen)
    assert seen["refused"] == 403


def test_every_page_is_for_everybody_on_a_wall_and_on_a_phone(about, load):
    # All four looks of every page are seen on the mock, `.ci/run web`.
    seen = browse("pages", **about, looks=["light-wide", "dark-narrow"])
    print(seen)
    assert seen["pages"] == 28


def test_the_link_that_the_demo_prints_lets_in_without_a_token():
    from test_demo import Demo

    demo = Demo()
    try:
        link = demo.line(r"(http://\S+/console/open\?code=\S+)").group(1)
        seen = browse("link", base=link.partition("/console/")[0], link=link)
        assert seen["role"] == "admin"
        assert seen["again"] >= 400, "a link that was used lets in once more"
    finally:
        demo.process.kill()
        demo.process.wait()
