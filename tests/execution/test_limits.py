"""Each limit of a run ends it with a reason of its own, in a real sandbox of each kind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.errors import CpuExceeded, MemoryExceeded, TimedOut, ToolCallsExceeded
from tests.support.backends import BACKENDS, serving
from tests.support.factory import make_world

HOGS: dict[str, tuple[dict[str, Any], list[str], type[Exception], dict[str, Any]]] = {
    "memory": (
        {"MEMORY_LIMIT": str(128 * 1024**2)},
        ["python3 -c 'held = [bytearray(50_000_000) for _ in range(20)]'"],
        MemoryExceeded,
        {},
    ),
    "processor": ({"CPU_LIMIT": "1"}, ["while :; do :; done"], CpuExceeded, {"timeout": "60s"}),
    "wall clock": ({}, ["trap '' INT TERM; sleep 300; sleep 300"], TimedOut, {"timeout": "2s"}),
    "tool calls": ({"TOOL_CALL_LIMIT": "3"}, ["sleep 0.2"] * 30, ToolCallsExceeded, {}),
}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("FACTORY_SANDBOX", request.param)
    return str(request.param)


@pytest.fixture
def served(tmp_path: Path, backend: str) -> Iterator[None]:
    with serving(tmp_path / "home", backend):
        yield


@pytest.mark.parametrize("hog", HOGS)
def test_a_hog_ends_with_its_own_reason(tmp_path: Path, monkeypatch, backend, served, hog) -> None:
    told, commands, error, front = HOGS[hog]
    for name, value in told.items():
        monkeypatch.setenv(f"FACTORY_{name}", value)
    world = make_world(tmp_path)
    ticket = world.file(commands=commands, retry={"max": 0}, **front)
    ended = world.run(ticket)
    assert isinstance(ended, error), ended
    run = world.factory.lookup.runs(ticket_id=ticket.id)[-1]
    assert run.reason_code == error.code
    assert world.factory.sandboxes[backend].leftovers() == []
