"""The benchmark of event ingest says what it should; how fast it is, no test asks."""

import subprocess
import sys

import pytest

from tests.support.services import ROOT

pytestmark = pytest.mark.bubblewrap


def run(*words: str) -> subprocess.CompletedProcess[str]:
    asked = [sys.executable, "-m", "benchmarks.ingest", "--only", "sqlite", "--rounds", "1", *words]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


def test_it_follows_streams_past_what_the_ledger_takes_of_one():
    done = run("--events", "20", "--rate", "200", "--long", "2500")
    assert done.returncode == 0, done.stderr[-3000:]
    for words in ("3 streams of 20 events", "at 200/s:", "as fast as it goes:", "floor/ours", "one of 2500:"):
        assert words in done.stdout


def test_a_sandbox_that_does_not_exist_stops_it():
    done = run("--events", "20", "--long", "0", "--sandbox", "nowhere")
    assert done.returncode != 0
