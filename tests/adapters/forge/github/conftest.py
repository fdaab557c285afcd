"""The stand-in and the workshop, one for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.forge.github.forge import GitHubForge
from domain.repositories import Repository
from tests.adapters.forge.github.hub import GitHubWorkshop, make_forge
from tests.support.github.stand_in import StandIn, github_stand_in


@pytest.fixture
def github(tmp_path: Path) -> Iterator[StandIn]:
    with github_stand_in(tmp_path / "github.com") as found:
        yield found


@pytest.fixture
def workshop(tmp_path: Path, github: StandIn) -> GitHubWorkshop:
    return GitHubWorkshop(tmp_path / "workshop", github)


@pytest.fixture
def forge(tmp_path: Path, github: StandIn, workshop: GitHubWorkshop) -> GitHubForge:
    return make_forge(tmp_path / "forge", github)


@pytest.fixture
def repository(forge: GitHubForge, workshop: GitHubWorkshop) -> Repository:
    return workshop.repository(forge.enrol("demo", workshop.address, None)[0])
