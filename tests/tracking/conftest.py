"""A journey with the local tracker; test_round_trip has one with GitHub's too."""

from pathlib import Path

import pytest

from tests.tracking.journey import Journey, local_people, make_journey


@pytest.fixture
def journey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journey:
    return make_journey(tmp_path, local_people(tmp_path), monkeypatch, autonomy="autonomous")
