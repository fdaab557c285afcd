"""The sandboxes that isolate, each in turn; Docker's by way of the container broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sandbox.bubblewrap import BubblewrapSandbox
from adapters.sandbox.contract import Sandbox
from tests.support.backends import BACKENDS
from tests.support.containers import BrokeredDocker, broker


@pytest.fixture(params=BACKENDS)
def isolating(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    if request.param == "docker":
        with broker(tmp_path):
            yield BrokeredDocker(tmp_path / "sandboxes")
        return
    found = BubblewrapSandbox(tmp_path / "sandboxes")
    if not (works := found.available()).works:
        pytest.skip(f"bwrap cannot make namespaces here: {works.detail}")
    yield found
