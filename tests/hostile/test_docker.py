"""Every hostile behaviour in a real Docker sandbox, made through the container broker."""

import subprocess
from collections.abc import Iterator

import pytest

from control_plane.sandboxes.hostile.playing import Stage
from control_plane.sandboxes.hostile.suite import set_stage
from tests.hostile.staging import NAMES, assert_contained, real_doors
from tests.support.containers import BrokeredDocker, broker


def containers_of(name: str) -> list[str]:
    words = ["docker", "ps", "-aq", "--filter", f"label=factory.sandbox={name}"]
    found = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return [f"container {one}" for one in found.split()]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("hostile-docker")
    with broker(home), real_doors(home / "egress") as doors:
        sandbox = BrokeredDocker(home / "sandboxes")
        told = {"doors": doors, "more": containers_of, "home": home}
        with set_stage(sandbox, **told) as stage:
            yield stage
        assert sandbox.leftovers() == []


@pytest.mark.docker
@pytest.mark.parametrize("name", NAMES)
def test_contained(stage: Stage, name: str) -> None:
    assert_contained(stage, name, "docker")
