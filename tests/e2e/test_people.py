"""A customer's own pages, in Chromium: from the sign-up to the exclusion, with the mail of a folder."""

import json
import os
import pathlib
import subprocess

import pytest
from node import Node
from test_console import shots

DEADLINE_S = 240


@pytest.fixture
def playing(tmp_path):
    """A node of its own, with play money."""
    node = Node(tmp_path, {"ACCOUNTS__PLAY_MONEY": "1000.00"})
    yield node
    said = node.said()
    node.kill()
    assert "panicked" not in said, said[-4000:]


def test_somebody_signs_up_pays_in_limits_and_excludes_themself_in_a_browser(playing):
    for name in ("PLAYWRIGHT", "AXE"):
        assert name in os.environ, f"{name} names a file, see .ci/run"
    script = pathlib.Path(__file__).with_name("account.mjs")
    about = {"base": playing.http, "mail": str(playing.data / "mail"), "shots": shots()}
    run = subprocess.run(
        ["node", script, json.dumps(about)], capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert run.returncode == 0, run.stdout + run.stderr
    seen = json.loads(run.stdout.splitlines()[-1])
    print(seen)
    # Eleven pages, two lights, three widths.
    assert seen["pages"] == 11 * 2 * 3
