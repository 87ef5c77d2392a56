"""A customer's own page, in Chromium: from the sign-up to the exclusion, with the mail of a folder."""

import json
import os
import pathlib
import subprocess

import pytest
from node import Node

DEADLINE_S = 120


@pytest.fixture
def playing(tmp_path):
    """A node of its own, with play money."""
    node = Node(tmp_path, {"ACCOUNTS__PLAY_MONEY": "1000.00"})
    yield node
    said = node.said()
    node.kill()
    assert "panicked" not in said, said[-4000:]


def test_somebody_signs_up_pays_in_limits_and_excludes_themself_in_a_browser(playing):
    assert "PLAYWRIGHT" in os.environ, "PLAYWRIGHT names the browser library's index.mjs, see .ci/run"
    script = pathlib.Path(__file__).with_name("account.mjs")
    about = json.dumps({"base": playing.http, "mail": str(playing.data / "mail")})
    run = subprocess.run(
        ["node", script, about], capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert run.returncode == 0 and run.stdout.strip() == "seen", run.stdout + run.stderr
