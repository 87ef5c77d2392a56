"""Every example runs as its header says, and README's bot exactly as README prints it."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import NAMES, PASSWORD
from test_demo import Demo

HERE = Path(__file__).parent
EXAMPLES = HERE / "examples"
README = HERE.parent.parent / "README.md"
# Longer than any of them takes; one that hangs is a failure with a name.
PATIENCE_S = 200


def run(command, **more):
    """What it printed; fails with all of it when it ends badly."""
    done = subprocess.run(
        command, cwd=EXAMPLES, capture_output=True, text=True, timeout=PATIENCE_S, **more
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def example(name, *arguments):
    return run([sys.executable, name, *arguments])


def where(node):
    return ["--http", node.http, "--stream", node.stream]


@pytest.fixture
def player(operator):
    """Makes customers with money: (username, application key)."""

    def make(deposit="5000.00"):
        username = f"player{next(NAMES)}"
        return username, operator.user(username, PASSWORD, deposit)

    return make


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_bot_that_readme_prints_trades_on_the_demo():
    programs = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (bot,) = [program for program in programs if "betfairlightweight" in program]
    lines = [line for line in bot.splitlines() if line.strip()]
    assert len(lines) <= 10, "README says ten lines"
    usual = is_free(8080) and is_free(8081) and is_free(8443)
    demo = Demo(usual)
    try:
        http = demo.line(r"customers\s+(http://\S+)").group(1)
        # On a machine where somebody else has the usual port, only the address is another one.
        bot = bot if usual else bot.replace("http://127.0.0.1:8080", http.rstrip("/"))
        status, matched, price = run([sys.executable, "-c", bot]).split()
        assert (status, float(matched)) == ("SUCCESS", 5.0)
        assert float(price) > 1.01, "the best price there is, not the worst that would do"
    finally:
        demo.process.kill()
        demo.process.wait()


def test_a_bot_bets_and_follows_on_the_stream(node, player, market):
    username, key = player()
    who = ["--username", username, "--password", PASSWORD, "--key", key]
    said = example("bot.py", *where(node), *who, "--market", market[0])
    assert said.splitlines()[-1] == "done", said
    assert "stream: OPEN" in said and "order: EXECUTABLE 0" in said, said


def duel(node, player, market_id, *more, when_traded=lambda: None):
    """What the duel prints at its end; `when_traded` is called when it says that all is traded."""
    pairs = []
    for role in ("maker", "taker"):
        username, key = player()
        pairs += [f"--{role}", f"{username}:{PASSWORD}:{key}"]
    command = [sys.executable, "flumine_duel.py", *where(node), "--market", market_id, *pairs, *more]
    with subprocess.Popen(command, cwd=EXAMPLES, stdout=subprocess.PIPE, text=True) as process:
        end = threading.Timer(PATIENCE_S, process.kill)
        end.start()
        said = []
        for line in process.stdout:
            said.append(line)
            if line.strip() == "traded":
                when_traded()
        end.cancel()
    assert process.returncode == 0, said
    return json.loads(said[-1])


def test_two_strategies_trade_five_hundred_orders_and_their_blotters_are_right(node, player, market):
    market_id, _, _ = market
    result = duel(node, player, market_id, "--orders", "500")
    assert not result["late"], result
    assert result["orders"] >= 500 and result["matched"] >= 100, result
    assert result["different"] == []
    assert not [said for said in result["said"] if said[0] == "CRITICAL"], result["said"]
    made = result["did"]["maker"]
    assert all(made.get(act) for act in ("place", "cancel", "replace", "update")), result["did"]


def test_a_market_that_closes_is_cleared_order_by_order(node, player, market, operator):
    market_id, runners, _ = market
    settle = lambda: operator.act(market_id, "settle", winners=[runners[0]])
    more = ["--orders", "60", "--until-closed"]
    result = duel(node, player, market_id, *more, when_traded=settle)
    assert not result["late"], result
    assert result["matched"] >= 10, result
    for name, (by_fills, by_blotter, by_exchange) in result["profits"].items():
        assert by_fills == pytest.approx(by_exchange, abs=0.05), (name, result["profits"])
        assert by_blotter == by_exchange, (name, result["profits"])
    assert sum(told[2] for told in result["profits"].values()) == pytest.approx(0, abs=0.05)
    assert not [said for said in result["said"] if said[0] == "CRITICAL"], result["said"]


def test_a_browser_follows_a_market_over_a_websocket(node, player, market):
    assert "PLAYWRIGHT" in os.environ, "PLAYWRIGHT names the browser library's index.mjs, see .ci/run"
    username, key = player()
    said = run(["node", "browser_stream.mjs", node.http, username, PASSWORD, key, market[0]])
    seen = json.loads(said.splitlines()[-1])
    assert seen["statuses"] == ["SUCCESS", "SUCCESS"]
    assert seen["changes"][0] == "SUB_IMAGE"
    assert seen["ladder"][1] == 2


def test_a_program_in_rust_follows_the_stream(node, player, market):
    program = os.environ["LAYBOOK_EXAMPLES"] + "/stream_client"
    username, key = player()
    said = run([program, node.http.removeprefix("http://").rstrip("/"), node.stream_plain,
                username, PASSWORD, key])
    first, *_, last = said.splitlines()
    assert first.startswith("SUB_IMAGE of "), said
    assert last.startswith("then "), said
