"""One node for all tests of a run; every test brings its own market and its own customers."""

import itertools

import pytest
from bettor import client
from node import Node, Operator

NAMES = itertools.count(1)
PASSWORD = "correct horse"


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("laybook"))
    yield node
    code = node.stop()
    said = node.said()
    node.kill()
    assert code == 0, said[-4000:]
    assert "panicked" not in said, said[-4000:]


@pytest.fixture(scope="session")
def operator(node):
    return Operator(node)


@pytest.fixture
def customer(node, operator):
    """Makes customers with money who have logged in, and logs them out after the test."""
    made = []

    def make(deposit="100.00"):
        username = f"customer{next(NAMES)}"
        api = client(node, username, PASSWORD, operator.user(username, PASSWORD, deposit))
        api.login_interactive()
        made.append(api)
        return api

    yield make
    for api in made:
        if api.session_token:
            api.logout()
    assert operator.ledger()["difference"] == "0.00"


@pytest.fixture
def market(operator):
    """An open market of an event of its own: (market id, selection ids by name, event id)."""
    home, away = f"Home {next(NAMES)}", "Away"
    event = operator.event(f"{home} v {away}")
    market_id, runners = operator.market(event, [home, away, "The Draw"])
    return market_id, list(runners.values()), event
