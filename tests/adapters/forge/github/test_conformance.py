"""The GitHub forge does what every forge must do, against a stand-in with real git behind it."""

from pathlib import Path

import pytest

from adapters.forge.github.forge import GitHubForge
from domain.errors import RepositoryInvalid
from tests.adapters.forge.conformance import ForgeConformance
from tests.adapters.forge.github.hub import FULL_NAME, GitHubWorkshop, make_forge
from tests.adapters.forge.workshop import commit, git
from tests.support.github.stand_in import StandIn


class TestGitHubForge(ForgeConformance):
    @pytest.fixture
    def workshop(self, tmp_path: Path, github: StandIn) -> GitHubWorkshop:
        return GitHubWorkshop(tmp_path / "workshop", github)

    @pytest.fixture
    def forge(self, tmp_path: Path, github: StandIn, workshop: GitHubWorkshop) -> GitHubForge:
        return make_forge(tmp_path / "forge", github)

    @pytest.fixture
    def bare(self, github: StandIn, repository) -> Path:
        return github.folder(FULL_NAME)

    def merger(self, actor: str) -> str:
        """GitHub shows the account that merged, whatever name the factory knows the person by."""
        return "ann"

    def test_a_base_branch_that_is_gone_is_invalid(self, forge, repository, bare):
        git(bare, "branch", "-m", "main", "trunk")
        with pytest.raises(RepositoryInvalid, match="no branch 'main'"):
            forge.fetch(repository, "main")

    def test_fetch_refuses_to_choose_between_two_histories(self, forge, repository, workshop, opened):
        """On GitHub source and forge are one: there is no other history, and a rewritten one is followed."""
        forge.fetch(repository, "main")
        rewritten = commit(workshop.source, {"README.md": "# other\n"})
        assert forge.fetch(repository, "main") == rewritten
