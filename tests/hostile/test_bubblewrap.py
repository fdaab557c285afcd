"""Every hostile behaviour in a real bubblewrap sandbox."""

from collections.abc import Iterator

import pytest

from adapters.sandbox.bubblewrap import BubblewrapSandbox
from control_plane.sandboxes.hostile.playing import Stage
from control_plane.sandboxes.hostile.suite import set_stage
from tests.hostile.staging import NAMES, assert_contained, real_doors


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("hostile-bubblewrap")
    sandbox = BubblewrapSandbox(home / "sandboxes")
    available = sandbox.available()
    if not available.works:
        pytest.skip(f"bwrap cannot be used here: {available.detail}")
    with real_doors(home / "egress") as doors, set_stage(sandbox, doors=doors, home=home) as stage:
        yield stage
    assert sandbox.leftovers() == []


@pytest.mark.bubblewrap
@pytest.mark.parametrize("name", NAMES)
def test_contained(stage: Stage, name: str) -> None:
    assert_contained(stage, name, "bubblewrap")
