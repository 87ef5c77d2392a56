"""The OpenAPI document against the real binary: what it says is so, and what it does not say does not happen.

A tour calls every route of the document once, as who may, and holds each answer against its schema; a route that the
tour does not know fails it. Then schemathesis sends what fits the schemas and what does not, the same every time.
"""

import itertools
import json
import pathlib
import re
import subprocess
import sys
import time

import pytest
import schemathesis
from node import Node, Operator

DEADLINE_S = 60
PASSWORD = "correct horse"
NAMES = itertools.count(1)
METHODS = ("get", "post", "put", "patch", "delete")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
)


class Api:
    """The document's operations, each call held against it."""

    def __init__(self, node):
        self.node = node
        self.schema = schemathesis.openapi.from_url(node.http + "/openapi.json")
        paths = self.schema.raw_schema["paths"]
        self.operations = {
            (method.upper(), path) for path, item in paths.items() for method in item if method in METHODS
        }
        self.seen = set()

    def ask(self, method, path, body=None, *, token=None, key=None, query=None, **names):
        """Calls a route as its schema says, and wants the status of success that it names first."""
        operation = self.schema[path][method]
        headers = {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        case = operation.Case(
            path_parameters=names, query=query or {}, headers=headers,
            **({} if body is None else {"body": body, "media_type": "application/json"}),
        )
        answer = case.call(timeout=DEADLINE_S)
        case.validate_response(answer)
        wanted = min(int(it) for it in operation.definition.raw["responses"])
        assert answer.status_code == wanted, (method, path, answer.status_code, answer.text)
        self.seen.add((method, path))
        is_json = "json" in answer.headers.get("content-type", [""])[0]
        return answer.json() if is_json else answer.text

    def log_in(self, username, password=PASSWORD):
        return self.ask("POST", "/v1/login", {"username": username, "password": password})["token"]


@pytest.fixture(scope="module")
def playing(tmp_path_factory):
    """A node of its own, with play money."""
    node = Node(tmp_path_factory.mktemp("openapi"), {"ACCOUNTS__PLAY_MONEY": "1000.00"})
    yield node
    said = node.said()
    node.kill()
    assert "panicked" not in said, said[-4000:]


def link(node, to, place):
    """The token of the newest link to a place in the letters to an address."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        for letter in sorted((node.data / "mail").glob("*.eml"), reverse=True):
            text = letter.read_text().replace("=\n", "").replace("=3D", "=")
            if f"To: {to}\n" in text and (found := re.search(rf"/{place}#(\w+)", text)):
                return found.group(1)
        time.sleep(0.05)
    raise AssertionError(f"no {place} among the letters to {to}")


def customer(api, operator, deposit="100.00"):
    """A customer who has logged in: name and token."""
    username = f"tourist{next(NAMES)}"
    operator.user(username, PASSWORD, deposit)
    return username, api.log_in(username)


def people(api):
    """Everything about accounts, from the sign-up to the exclusion."""
    zoe = {"username": "zoe", "email": "zoe@mail.example", "password": PASSWORD}
    api.ask("POST", "/v1/sign-up", zoe)
    # Who has the address is not told, so somebody else's will do: a second letter would make the first one worthless.
    api.ask("POST", "/v1/sign-up/again", {"email": "nobody@mail.example"})
    api.ask("POST", "/v1/sign-up/confirm", {"token": link(api.node, zoe["email"], "confirm")})
    token = api.log_in("zoe")
    other = api.log_in("zoe")
    sessions = api.ask("GET", "/v1/sessions", token=token)["sessions"]
    [ended] = [it["id"] for it in sessions if not it["current"]]
    api.ask("DELETE", "/v1/sessions/{id}", token=token, id=ended)
    assert other
    api.ask("POST", "/v1/password", {"current": PASSWORD, "password": "battery staple"}, token=token)
    api.ask("POST", "/v1/password/forgotten", {"email": zoe["email"]})
    reset = {"token": link(api.node, zoe["email"], "reset"), "password": PASSWORD}
    api.ask("POST", "/v1/password/reset", reset)
    token = api.log_in("zoe")
    api.ask("GET", "/v1/account", token=token)
    api.ask("PATCH", "/v1/account", {"mailAboutBets": True}, token=token)
    deposit = {"amount": "50.00"}
    once = api.ask("POST", "/v1/account/deposit", deposit, token=token, key="first")
    assert api.ask("POST", "/v1/account/deposit", deposit, token=token, key="first") == once
    limit = {"kind": "deposit", "window": "day", "amount": "60.00"}
    api.ask("PUT", "/v1/account/limits", limit, token=token)
    api.ask("PUT", "/v1/account/limits", limit | {"amount": "70.00"}, token=token)
    limits = api.ask("GET", "/v1/account/limits", token=token)["limits"]
    assert limits[0]["next"]["amount"] == "70.00"
    api.ask("GET", "/v1/account/statement", token=token, query={"count": 5, "kind": "payments"})
    api.ask("GET", "/v1/account/statement.csv", token=token)
    made = {"name": "bot", "scopes": ["read", "bet"], "expires": "2031-01-01T00:00:00Z"}
    key = api.ask("POST", "/v1/api-keys", made, token=token)
    api.ask("GET", "/v1/account", token=key["key"])
    api.ask("GET", "/v1/api-keys", token=token)
    api.ask("DELETE", "/v1/api-keys/{id}", token=token, id=key["id"])
    api.ask("GET", "/v1/account/exclusion", token=token)
    api.ask("POST", "/v1/account/exclusion", {"days": 7}, token=token)
    assert api.ask("GET", "/v1/account/exclusion", token=token)["excluded"]
    api.ask("POST", "/v1/logout", {}, token=token)


def bets(api, operator):
    """What there is to bet on, and bets on it."""
    market, runners = operator.market(operator.event("Tour v Guide"), ["Tour", "Guide", "The Draw"])
    [runner, *_] = runners.values()
    token, other = customer(api, operator)[1], customer(api, operator)[1]
    ours = api.ask("GET", "/v1/markets", query={"text": "tour", "inPlay": "false"})["markets"]
    assert [it["marketId"] for it in ours] == [market]
    api.ask("GET", "/v1/markets/{id}", id=market)
    order = {"selectionId": runner, "side": "back", "price": "3.00", "size": "10.00"}
    place = lambda token, **more: api.ask(
        "POST", "/v1/markets/{id}/orders", order | more, token=token, id=market
    )
    place(token)
    assert place(other, side="lay", size="4.00", persistence="persist")["matched"] == "4.00"
    book = api.ask("GET", "/v1/markets/{id}/book", id=market, query={"depth": 10})
    assert book["totalMatched"] == "8.00", book
    orders = api.ask("GET", "/v1/account/orders", token=token, query={"marketId": market})["orders"]
    assert orders[0]["matched"] == "4.00"
    cancelled = api.ask("POST", "/v1/markets/{id}/cancel", {}, token=token, id=market)["cancelled"]
    assert cancelled[0]["size"] == "6.00"
    return market


def football(api, operator):
    """What a provider tells, and what is priced from it."""
    key = operator.ask("POST", "/tokens", {"name": "tour", "role": "provider"})["token"]
    tell = lambda what, *words: api.ask("PUT", f"/v1/football/{what}", list(words), token=key)
    match = lambda id, home, away, day: {
        "source": "tour", "id": id, "competition": "Tour League", "season": "2030/31",
        "kickOff": f"2030-0{1 + day // 28}-{1 + day % 28:02}T15:00:00Z", "home": home, "away": away,
    }
    clubs = [f"Club {letter}" for letter in "ABCD"]
    pairs = list(itertools.permutations(clubs, 2))
    told = tell("fixtures", *[match(f"p{at}", home, away, at) for at, (home, away) in enumerate(pairs)])
    assert told["taken"] == len(pairs), told
    tell("results", *[
        {"source": "tour", "id": f"p{at}", "homeGoals": 1 + at % 3, "awayGoals": at % 2, "halfTime": "1-0",
         "stats": {"homeShotsOnTarget": 5, "awayShotsOnTarget": 3}}
        for at in range(len(pairs))
    ])
    tell("fixtures", match("live", *clubs[:2], 40) | {"neutral": False})
    asks = {"home": "2.10", "draw": "3.40", "away": "3.60"}
    line = {"line": "2.5", "over": "1.95", "under": "1.95"}
    quoted = tell("quotes", {
        "source": "tour", "id": "live", "share": 80, "matchOdds": asks, "totals": [line],
        "handicaps": [{"line": "-0.25", "home": "1.85", "away": "2.05"}], "bothScore": {"yes": "1.80", "no": "2.02"},
    })
    assert quoted["taken"] == 1, quoted
    event = lambda seq, type, minute, **more: {
        "source": "tour", "id": "live", "seq": seq, "type": type, "minute": minute, **more,
    }
    tell("events", event(1, "kickOff", 0), event(2, "goal", 23, side="home"), event(3, "clock", 24))
    refused = tell("events", event(3, "clock", 24), event(4, "goal", 30, side="away") | {"id": "who"})
    assert refused["refused"][0]["field"] == "[1].id", refused

    matches = api.ask("GET", "/v1/pricing/matches", query={"competition": "Tour League", "limit": 10})
    [ours] = [it["id"] for it in matches["matches"]]
    book = api.ask("GET", "/v1/pricing/matches/{id}", id=ours)
    assert book["score"] == {"home": 1, "away": 0}, book
    assert (book["parameters"]["model"], book["market"]["share"]) == ("market", 80), book
    api.ask("GET", "/v1/pricing/matches/{id}/markets/{code}", id=ours, code="MATCH_ODDS")
    api.ask("GET", "/v1/pricing/matches/{id}/parameters", id=ours)
    api.ask("GET", "/v1/pricing/matches/{id}/history", id=ours)
    [league] = [it["id"] for it in api.ask("GET", "/v1/pricing/ratings")["competitions"]]
    by_name = api.ask("GET", "/v1/pricing/ratings/{competition}", competition="Tour League")
    assert by_name == api.ask("GET", "/v1/pricing/ratings/{competition}", competition=str(league))
    api.ask("GET", "/v1/pricing/ratings/{competition}/history", competition=str(league))
    api.ask("GET", "/v1/pricing/performance")
    return ours, league


@pytest.fixture(scope="module")
def toured(playing):
    api, operator = Api(playing), Operator(playing)
    people(api)
    market = bets(api, operator)
    match, league = football(api, operator)
    return api, operator, {"market": market, "match": match, "league": league}


def test_every_route_answers_as_its_row_says(toured):
    api, operator, _ = toured
    assert api.seen == api.operations
    assert operator.ledger()["difference"] == "0.00"


def test_what_schemathesis_sends_is_answered_as_documented(toured, tmp_path):
    api, operator, known = toured
    settings = tmp_path / "schemathesis.toml"
    # Ids that are there, so that there is something to answer with.
    ids = [("/v1/markets/", "id", known["market"]), ("/v1/pricing/matches/", "id", known["match"]),
           ("/v1/pricing/ratings/", "competition", known["league"])]
    settings.write_text("".join(
        f'[[operations]]\ninclude-path-regex = "^{prefix}"\nparameters = {{ "path.{name}" = "{value}" }}\n'
        for prefix, name, value in ids
    ))
    # What ends the session that it comes with is asked last, each by somebody of its own.
    last = ["/v1/logout", "/v1/password", "/v1/account/exclusion"]
    alone = "^(" + "|".join(last) + ")$"
    passes = [(["--exclude-path-regex", alone], 12)] + [(["--include-path", path], 6) for path in last]
    for only, examples in passes:
        _, token = customer(api, operator)
        command = [
            pathlib.Path(sys.executable).with_name("schemathesis"), "--config-file", settings, "run",
            api.node.http + "/openapi.json", "--header", f"Authorization: Bearer {token}",
            "--checks", ",".join(CHECKS), "--max-examples", str(examples), "--generation-deterministic",
            "--seed", "1", "--phases", "examples,coverage,fuzzing", "--warnings", "off", "--no-color",
            "--continue-on-failure", *only,
        ]
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, timeout=180, cwd=tmp_path
        )
        print(*[line for line in done.stdout.splitlines() if "generated" in line or "passed" in line])
        assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
    assert operator.ledger()["difference"] == "0.00"
