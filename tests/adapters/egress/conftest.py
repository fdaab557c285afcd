"""A world outside, a broker, and doors: real processes in real network namespaces, shared by the tests of a module."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from adapters.egress.doors import DoorFolder
from domain.egress import Door, Purpose
from tests.adapters.egress.inside import Inside
from tests.adapters.egress.outside import Outside, await_broker, make_outside, stop

ALLOWED = ("files.test", "*.wide.test", "private.test", "metadata.test", "mixed.test", "own.test", "loop.test:8443")
NUMBERS = count(1)


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    made = make_outside(tmp_path_factory.mktemp("outside"))
    yield made
    stop(made.process)


@pytest.fixture(scope="session")
def broker_root(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of a broker that runs as long as the tests do."""
    root = tmp_path_factory.mktemp("broker") / "root"
    process = outside.start(root)
    await_broker(DoorFolder(root))
    yield root
    stop(process)


@pytest.fixture
def opened(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Inside]]:
    """Open a door of a broker's root; it is removed at the end."""
    monkeypatch.setenv("SSL_CERT_FILE", str(outside.folder / "ca.pem"))
    made: list[Inside] = []

    def open_(root: Path, **changes: Any) -> Inside:
        number = next(NUMBERS)
        rules = {"allow": ALLOWED, "exempt": ("loop.test:8443",), "upstreams": ("model", "based", "local")}
        words = {"id": f"box-{number}", "run_id": f"run-{number}", "purpose": Purpose.HARNESS, **rules, **changes}
        inside = Inside(Door.model_validate(words), DoorFolder(root), root)
        inside.doors.open(inside.door)
        made.append(inside)
        return inside

    yield open_
    for inside in made:
        inside.doors.remove(inside.door.id)


@pytest.fixture
def inside(opened: Callable[..., Inside], broker_root: Path) -> Inside:
    return opened(broker_root)
