"""The committed file may refine what was enrolled; it never raises autonomy."""

from itertools import product

import pytest

from domain.repositories import RepositoryFile, RepositorySettings, effective_settings
from domain.tickets import Tier


@pytest.mark.parametrize(("enrolled", "committed"), list(product(Tier, [*Tier, None])))
def test_committed_file_only_lowers_autonomy(enrolled: Tier, committed: Tier | None):
    settings = effective_settings(RepositorySettings(autonomy=enrolled), RepositoryFile(autonomy=committed))
    assert settings.autonomy.rank == min(enrolled.rank, (committed or enrolled).rank)


def test_committed_file_replaces_what_it_names_and_keeps_the_rest():
    enrolled = RepositorySettings(base="main", verify=("pytest",), lock="one", sandbox="bubblewrap")
    settings = effective_settings(enrolled, RepositoryFile(verify=("tox",)))
    assert settings == enrolled.model_copy(update={"verify": ("tox",)})


def test_committed_file_may_empty_a_list():
    assert effective_settings(RepositorySettings(scope=("src/*",)), RepositoryFile(scope=())).scope == ()


def test_without_a_file_nothing_changes():
    enrolled = RepositorySettings(verify=("pytest",))
    assert effective_settings(enrolled, None) is enrolled


def test_committed_file_cannot_choose_the_sandbox():
    assert "sandbox" not in RepositoryFile.model_fields
