"""TRACK-5: the installed `aq`, as somebody types it, against issues on GitHub."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub import HubHouse, hub_house


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubHouse]:
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    with hub_house(tmp_path, hooked=False) as found:
        yield found


def aq(*words: str) -> Any:
    program = Path(sys.executable).with_name("aq")
    done = subprocess.run([str(program), *words, "--json"], env=os.environ, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def test_from_and_to_the_tracker(house: HubHouse) -> None:
    number = house.issue("Tidy calc", "Please.", "engine:codex", "P1")
    code, document = aq("from-tracker", f"ITEM-{number}")
    assert (code, document["id"], document["created"]) == (0, "T-1", True)
    assert house.ticket().manifest.priority == "high"
    code, document = aq("to-tracker", "T-1")
    assert (code, document) == (0, {"ticket": "T-1", "item": f"calc#{number}", "status": "open"})
    (said,) = house.ours(number)
    assert "In the queue" in said.body
    code, document = aq("from-tracker", "ITEM-789")
    assert (code, document["error"]["code"]) == (1, "input.not_found")
