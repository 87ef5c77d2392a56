"""The real binary as a child process, and an operator at its admin listener.

Only the standard library: what is tested is what betfairlightweight makes of the node, so nothing of it
stands here.
"""

import json
import os
import queue
import subprocess
import threading
import time
import urllib.error
import urllib.request

DEADLINE_S = 60


class Node:
    """A node on ports of its own; `LAYBOOK_BIN` names the binary."""

    def __init__(self, directory, settings=None, config=None):
        """`settings` are environment names without their prefix, such as `MAIL__TRANSPORT`; `config` is a file."""
        self.data = directory / "data"
        self.log_path = directory / "stderr.log"
        self.log = open(self.log_path, "ab")
        binary = os.environ.get("LAYBOOK_BIN")
        if not binary:
            raise RuntimeError("LAYBOOK_BIN does not name the binary under test")
        command = [binary, "serve", "--data", str(self.data)]
        for listener in ("--http", "--admin", "--stream", "--stream-plain"):
            command += [listener, "127.0.0.1:0"]
        if config:
            command += ["--config", str(config)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=os.environ | {f"LAYBOOK__{key}": value for key, value in (settings or {}).items()},
        )
        self.addresses = {}
        # The reader goes on for as long as the node talks, so that the node never meets a full pipe.
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())
        self.lines.put(None)

    def _wait_until_ready(self):
        end = time.monotonic() + DEADLINE_S
        while True:
            line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            if line is None:
                raise RuntimeError(f"the node ended instead of becoming ready\n{self.said()}")
            if line == "ready":
                return
            name, _, address = line.partition(" ")
            self.addresses[name] = address

    @property
    def http(self):
        return self.addresses["http"]

    @property
    def stream(self):
        """Host and port of the stream over TLS."""
        return self.addresses["stream"].rpartition("/")[2]

    @property
    def stream_plain(self):
        """Host and port of the stream over plain TCP."""
        return self.addresses["stream_plain"].rpartition("/")[2]

    @property
    def admin(self):
        return self.addresses["admin"]

    def said(self):
        """All that the node wrote to its standard error."""
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """An orderly stop, as an operator's shell does it; the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=DEADLINE_S)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Operator:
    """The operator API, with the token that the first start left in the data directory."""

    def __init__(self, node):
        self.base = node.admin + "/v1/operator"
        self.token = (node.data / "operator.token").read_text().strip()

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method)
        request.add_header("Authorization", "Bearer " + self.token)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path} {body}: {error.code} {error.read()}") from None

    def user(self, username, password, deposit):
        """A customer with money; the application key."""
        body = {"username": username, "password": password, "deposit": deposit}
        return self.ask("POST", "/users", body)["appKey"]

    def event(self, name):
        body = {
            "eventTypeId": "1",
            "name": name,
            "countryCode": "GB",
            "competition": "English Premier League",
            "openDate": "2031-05-03T14:00:00Z",
        }
        return self.ask("POST", "/events", body)["eventId"]

    def market(self, event, runners, **more):
        """An open market, of match odds unless told otherwise: its id, and selection ids by name. A runner is a
        name, or a name with a handicap."""
        body = {
            "eventId": event,
            "name": "Match Odds",
            "marketType": "MATCH_ODDS",
            "startTime": "2031-05-03T14:00:00Z",
            "runners": [{"name": it} if isinstance(it, str) else it for it in runners],
            **more,
        }
        made = self.ask("POST", "/markets", body)
        return made["marketId"], {it["name"]: it["selectionId"] for it in made["runners"]}

    def act(self, market, act, **body):
        return self.ask("POST", f"/markets/{market}/{act}", body)

    def ledger(self):
        return self.ask("GET", "/ledger")
