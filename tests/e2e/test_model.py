"""The Python package and its example as a model of the real node: its prices stand in the book, and when it is killed
the node prices on and takes it back."""

import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from node import Node, Operator

DEADLINE_S = 60
HERE = Path(__file__).parent
TEAMS = ["Arsenal", "Chelsea", "Everton", "Fulham"]


def configuration(directory, program):
    script = f"PYTHONPATH='{HERE}' PYTHONDONTWRITEBYTECODE=1 exec '{sys.executable}' '{program}'"
    path = directory / "node.toml"
    path.write_text(f'[[models]]\nname = "averages"\ncommand = ["sh", "-c", {json.dumps(script)}]\n')
    return path


@pytest.fixture
def start(tmp_path):
    nodes = []

    def start(program):
        nodes.append(Node(tmp_path, config=configuration(tmp_path, program)))
        return nodes[-1]

    yield start
    for node in nodes:
        said = node.said()
        node.kill()
        assert "panicked" not in said, said[-4000:]


def wait(what, look):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if seen := look():
            return seen
        time.sleep(0.05)
    raise AssertionError(f"not in {DEADLINE_S} s: {what}")


def tell(node, key, what, words):
    request = urllib.request.Request(
        f"{node.http}/v1/football/{what}", json.dumps(words).encode(), method="PUT",
        headers={"X-Api-Key": key, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        assert json.load(answer)["refused"] == []


def league(node, operator):
    """A season that Arsenal win, and a match to come; its id."""
    key = operator.ask("POST", "/tokens", {"name": "feed", "role": "provider"})["token"]
    fixtures, results = [], []
    for home, host in enumerate(TEAMS):
        for away, guest in enumerate(TEAMS):
            if home != away:
                known = {"source": "s", "id": f"{home}-{away}"}
                day = f"2026-09-{1 + home * 4 + away:02}T15:00:00Z"
                fixtures.append(known | {"competition": "League", "season": "1", "kickOff": day,
                                         "home": host, "away": guest})
                results.append(known | {"homeGoals": 4 - home, "awayGoals": 3 - away})
    tell(node, key, "fixtures", fixtures)
    tell(node, key, "results", results)
    tell(node, key, "fixtures", [{"source": "s", "id": "next", "competition": "League", "season": "1",
                                  "kickOff": "2036-01-01T15:00:00Z", "home": "Arsenal", "away": "Fulham"}])
    match = look(node, "matches")["matches"][0]["id"]

    def rated():
        now = look(node, f"matches/{match}/parameters")["now"]
        return now and now["model"] == "ratings"

    # From here on the built-in model has something to say, too.
    wait("the match is rated", rated)
    return match


def look(node, path):
    with urllib.request.urlopen(f"{node.http}/v1/pricing/{path}", timeout=DEADLINE_S) as answer:
        return json.load(answer)


def book(node, match):
    book = look(node, f"matches/{match}")
    assert book["status"] == "OPEN" and len(book["markets"]) == 109, book["reason"]
    return book


def priced_by_it(node, match):
    def look():
        seen = book(node, match)
        return seen if seen["model"]["prices"] else None

    return wait("the model's prices", look)


def test_the_example_prices_and_is_taken_back_when_it_was_killed(start):
    node = start(HERE / "examples" / "model.py")
    operator = Operator(node)
    match = league(node, operator)
    seen = priced_by_it(node, match)
    assert seen["model"] == {"name": "averages", "prices": True, "reason": None}
    assert seen["parameters"]["model"] == "port"
    assert seen["parameters"]["lambda"] > seen["parameters"]["mu"] + 0.5, seen["parameters"]
    before = operator.ask("GET", "/actors/port-0")["state"]
    os.kill(before["process"], signal.SIGKILL)

    def other():
        state = operator.ask("GET", "/actors/port-0").get("state", {})
        book(node, match)
        return state.get("process") not in (None, before["process"]) and state.get("says")

    assert wait("another process", other) == "averages"
    assert priced_by_it(node, match)["parameters"]["lambda"] == seen["parameters"]["lambda"]


def test_a_model_that_raises_or_prints_costs_no_price(start, tmp_path):
    program = tmp_path / "bad.py"
    program.write_text(
        "from laybook_model import Model, run\n"
        "class Bad(Model):\n"
        "    def price(self, match, state):\n"
        "        print('looking at', match['home'])\n"
        "        return 1 / 0\n"
        "run(Bad())\n"
    )
    node = start(program)
    operator = Operator(node)
    match = league(node, operator)

    def declined():
        return (book(node, match)["model"]["reason"] or "").startswith("the model cannot price")

    wait("the reason", declined)
    said = node.said()
    assert "looking at Arsenal" in said and "ZeroDivisionError" in said
    state = operator.ask("GET", "/actors/port-0")["state"]
    assert state["declined"] > 0 and state["lastTrouble"].startswith("ZeroDivisionError"), state
