"""A recording that is told over the stream makes the market books that the file itself makes."""

import json
import os
import queue
import subprocess
import threading

import betfairlightweight
import pytest
from betfairlightweight import StreamListener, filters
from betfairlightweight.streaming.betfairstream import BetfairStream

DEADLINE_S = 120

DEFINITION = {
    "betDelay": 0, "bettingType": "ODDS", "bspMarket": True, "bspReconciled": False,
    "complete": True, "countryCode": "GB", "crossMatching": False, "discountAllowed": True,
    "eventId": "1", "eventTypeId": "7", "inPlay": False, "marketBaseRate": 5,
    "marketTime": "2031-05-03T14:00:00.000Z", "numberOfActiveRunners": 2, "numberOfWinners": 1,
    "openDate": "2031-05-03T14:00:00.000Z", "persistenceEnabled": True, "regulators": ["MR_INT"],
    "runners": [
        {"id": 1, "sortPriority": 1, "status": "ACTIVE", "adjustmentFactor": 40.123},
        {"id": 2, "sortPriority": 2, "status": "ACTIVE", "adjustmentFactor": 59.877},
    ],
    "runnersVoidable": False, "status": "OPEN", "suspendTime": "2031-05-03T14:00:00.000Z",
    "timezone": "Europe/London", "turnInPlayEnabled": True, "version": 1,
}
CLOSED = {**DEFINITION, "status": "CLOSED", "version": 2}
SYNTHETIC = [
    {"id": "1.123456789", "img": True, "marketDefinition": DEFINITION, "tv": 0},
    {"id": "1.123456789", "rc": [{"id": 1, "atb": [[2.5, 10.55], [2.48, 3]], "spn": "NaN"}]},
    {"id": "1.123456789", "rc": [{"id": 2, "atl": [[1.7, 4]], "bdatl": [[0, 1.7, 4]]}]},
    {
        "id": "1.123456789", "tv": 8.22, "con": True,
        "rc": [{"id": 1, "atb": [[2.5, 6.44]], "trd": [[2.5, 8.22]], "ltp": 2.5, "tv": 8.22}],
    },
    {"id": "1.123456789", "rc": [{"id": 1, "atb": [[2.48, 0]], "spb": [[1000, 3.1]]}]},
    {"id": "1.123456789", "marketDefinition": CLOSED},
]


def recordings():
    """A made one, and real ones where `LAYBOOK_RECORDINGS` names any."""
    real = os.environ.get("LAYBOOK_RECORDINGS", "")
    return ["made", *filter(None, real.split(":"))]


@pytest.fixture
def passive(tmp_path):
    started = []

    def start(path):
        command = [os.environ["LAYBOOK_BIN"], "replay", str(path), "--passive", "--speed", "max"]
        for listener in ("--http", "--admin", "--stream"):
            command += [listener, "127.0.0.1:0"]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            stderr=open(tmp_path / "stderr.log", "wb"),
        )
        started.append(process)
        said = {}
        for line in process.stdout:
            if line.strip() == "ready":
                return said
            name, _, rest = line.strip().partition(" ")
            said[name] = rest
        raise RuntimeError((tmp_path / "stderr.log").read_text())

    yield start
    for process in started:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


def comparable(book):
    return {key: value for key, value in book.items() if not key.startswith("streaming")}


def from_the_file(api, path):
    listener = StreamListener(max_latency=None, lightweight=True)
    stream = api.streaming.create_historical_generator_stream(file_path=str(path), listener=listener)
    return [comparable(book) for books in stream.get_generator()() for book in books]


@pytest.mark.parametrize("recording", recordings())
def test_books_from_the_stream_are_those_of_the_file(recording, passive, tmp_path, monkeypatch):
    path = recording
    if recording == "made":
        path = tmp_path / "1.123456789"
        lines = [
            json.dumps({"op": "mcm", "clk": str(n), "pt": 1_900_000_000_000 + n * 250, "mc": [change]})
            for n, change in enumerate(SYNTHETIC)
        ]
        path.write_text("\n".join(lines) + "\n")
    said = passive(path)
    username, password, _, app_key = said["log"].removeprefix("in as ").split()
    api = betfairlightweight.APIClient(username, password, app_key=app_key, lightweight=True)
    api.identity_uri = said["http"] + "/api/"
    api.login_interactive()
    host, port = said["stream"].rsplit(":", 1)
    monkeypatch.setitem(BetfairStream.HOSTS, None, host)
    monkeypatch.setattr(BetfairStream, "_BetfairStream__port", int(port))

    output = queue.Queue()
    listener = StreamListener(output_queue=output, max_latency=None, lightweight=True)
    stream = api.streaming.create_stream(listener=listener)
    stream.subscribe_to_markets(
        market_filter=filters.streaming_market_filter(),
        market_data_filter=filters.streaming_market_data_filter(),
    )
    threading.Thread(target=stream.start, daemon=True).start()
    expected = from_the_file(api, path)
    assert expected, "the file holds no book"
    told = []
    while len(told) < len(expected):
        told += [comparable(book) for book in output.get(timeout=DEADLINE_S)]
    stream.stop()
    for number, (one, other) in enumerate(zip(told, expected)):
        assert one == other, f"book {number}"
    assert len(told) == len(expected)
