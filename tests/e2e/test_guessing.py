"""10,000 guesses at passwords: they slow down, tell nothing of who is here, and the node goes on.

Guesses come from many addresses of the loopback network, as they would from a botnet, and from one.
"""

import http.client
import json
import statistics
import time
import urllib.request

import pytest
from node import Node, Operator

DEADLINE_S = 60
RIGHT, WRONG = "correct horse", "wrong horse"
NAMES = 40
FREE_TRIES = 5
ADDRESS_BURST, ADDRESS_EACH_S = 20, 3
PAUSE_MAX_S = 60


@pytest.fixture
def guessed(tmp_path):
    """A node of its own: what is counted here would slow others down."""
    node = Node(tmp_path)
    yield node
    said = node.said()
    node.kill()
    assert "panicked" not in said, said[-4000:]
    assert WRONG not in said and RIGHT not in said


def address(number):
    """One of 65,025 addresses that are all this machine."""
    return f"127.7.{1 + number // 250}.{1 + number % 250}"


class Guesser:
    """One address, one connection, one guess after the other."""

    def __init__(self, node, source):
        host = node.http.rpartition("/")[2]
        self.connection = http.client.HTTPConnection(
            host, timeout=DEADLINE_S, source_address=(source, 0)
        )

    def guess(self, username, password=WRONG):
        """Status, body and Retry-After, and how long it took."""
        body = json.dumps({"username": username, "password": password})
        since = time.perf_counter()
        self.connection.request("POST", "/v1/login", body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        return (answer.status, text, answer.getheader("Retry-After")), time.perf_counter() - since

    def close(self):
        self.connection.close()


def guess_once(node, source, username, password=WRONG):
    guesser = Guesser(node, source)
    try:
        return guesser.guess(username, password)
    finally:
        guesser.close()


def test_ten_thousand_guesses_tell_nothing_and_get_slower(guessed):
    operator = Operator(guessed)
    known = [f"known{number}" for number in range(NAMES)]
    strangers = [f"nobody{number}" for number in range(NAMES)]
    for username in known + ["bystander"]:
        operator.user(username, RIGHT, "10.00")
    sources = iter(range(60_000))
    guesses = 0

    # Within the free tries every guess costs a hash, whoever is guessed at: the same answer, the same time.
    took = {"known": [], "unknown": []}
    for _ in range(FREE_TRIES):
        answers = set()
        for pair in zip(known, strangers):
            for kind, username in zip(took, pair):
                answer, seconds = guess_once(guessed, address(next(sources)), username)
                answers.add(answer)
                took[kind].append(seconds)
                guesses += 1
        assert len(answers) == 1, answers
        [(status, _, _)] = answers
        assert status == 401
    medians = {kind: statistics.median(seconds) for kind, seconds in took.items()}
    for kind, seconds in took.items():
        deciles = statistics.quantiles(seconds, n=10)
        print(
            f"{kind}: {len(seconds)} guesses, "
            f"ms p10 {1e3 * deciles[0]:.1f} p50 {1e3 * medians[kind]:.1f} p90 {1e3 * deciles[-1]:.1f}"
        )
    assert max(medians.values()) < 2 * min(medians.values()), medians

    # Behind them the name is held, from wherever the guess comes, and nobody is told whether it is one.
    for pair in zip(known, strangers):
        rounds = [[guess_once(guessed, address(next(sources)), name)[0] for name in pair] for _ in range(2)]
        guesses += 4
        assert all(ours == theirs for ours, theirs in rounds), rounds
        (looked_at, _, _), (held, _, after) = (ours for ours, _ in rounds)
        assert (looked_at, held) == (401, 429) and int(after) <= PAUSE_MAX_S, rounds

    # One address guesses at whatever it likes: soon nothing it sends is looked at.
    hammer = Guesser(guessed, address(next(sources)))
    since, looked_at = time.monotonic(), 0
    while guesses < 10_000:
        (status, text, after), _ = hammer.guess(f"nobody{guesses}")
        guesses += 1
        assert status in (401, 429), text
        looked_at += status == 401
        if status == 429:
            assert 1 <= int(after) <= PAUSE_MAX_S
    hammer.close()
    elapsed = time.monotonic() - since
    print(f"{guesses} guesses; one address: {looked_at} looked at in {elapsed:.1f} s")
    assert looked_at <= ADDRESS_BURST + elapsed / ADDRESS_EACH_S + 1

    # The node is well: others come in at once, and who was guessed at comes in when the pause is over.
    with urllib.request.urlopen(guessed.admin + "/readyz", timeout=DEADLINE_S) as answer:
        assert answer.status == 200
    (status, text, _), seconds = guess_once(guessed, address(next(sources)), "bystander", RIGHT)
    assert status == 200, text
    print(f"a bystander came in within {1e3 * seconds:.0f} ms")
    end = time.monotonic() + 2 * PAUSE_MAX_S
    while True:
        (status, text, after), _ = guess_once(guessed, address(next(sources)), known[0], RIGHT)
        if status == 200:
            break
        assert status == 429 and time.monotonic() < end, text
        time.sleep(0.1)
    assert operator.ledger()["difference"] == "0.00"
