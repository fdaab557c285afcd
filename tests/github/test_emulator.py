"""The forge and its review desk before a GitHub of another maker: what ours and our stand-in both got wrong shows here.

It has no git: a bare repository beside it tells it of every push. What it cannot do is named, and is to stay so.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from adapters._vendor.github import GitHub
from adapters._vendor.github_access import TokenAccess
from adapters.forge.github.forge import GitHubForge
from adapters.forge.github.site import Site
from domain.forge import PullHead
from tests.adapters.forge.conformance import ForgeConformance
from tests.adapters.forge.desk_conformance import DeskConformance
from tests.adapters.forge.github.hub import BOT, QUICK
from tests.adapters.forge.workshop import Workshop, git
from tests.support.emulator import Emulator, EmulatorMissing, emulator

ROOT = Path(__file__).parents[2]
NUMBERS = count(1)

#: of the Forge's suite, what is said to GitHub's API; the rest is git alone, which is not the emulator's
ASKED = {
    "test_enrolling_twice_gives_the_same_and_brings_it_up_to_date",
    "test_publishing_again_gives_the_same_commit",
    "test_a_new_branch_name_replaces_the_tickets_former_one",
    "test_opening_again_changes_nothing",
    "test_opening_with_other_words_updates_in_place",
    "test_tickets_have_pull_requests_of_their_own",
    "test_a_head_that_is_not_published_is_refused",
    "test_an_older_fence_changes_nothing",
    "test_after_the_end_only_a_newer_fence_opens_another",
    "test_a_merge_is_a_persons_commit_and_repeats",
    "test_people_merge_whatever_they_are_called",
    "test_closing_repeats_and_leaves_the_base",
    "test_what_has_ended_does_not_end_another_way",
    "test_a_head_that_moved_since_is_not_merged",
    "test_conflicts_are_refused_by_name_and_change_nothing",
}

#: test → why the emulator cannot; one that passes all the same fails
NO_STATUSES = "it has no commit statuses (404)"
NO_GIT = "it has no git: what it merges, and refs/pull, are not to be fetched"
HEAD_STAYS = "a pull request's head stays where it was opened"
CANNOT = {
    "test_a_merge_is_a_persons_commit_and_repeats": NO_GIT,
    "test_conflicts_are_refused_by_name_and_change_nothing": "it merges what conflicts",
    "test_obtaining_gives_the_merge_base_wherever_the_base_moved": NO_GIT,
    "test_checks_are_set_by_name_and_replaced": NO_STATUSES,
    "test_telling_checks_again_changes_nothing": NO_STATUSES,
    "test_an_objection_stands_once_until_it_is_withdrawn": NO_STATUSES,
    "test_withdrawing_what_was_never_said_says_nothing": NO_STATUSES,
    "test_what_people_say_is_told_and_what_we_say_is_not": NO_STATUSES,
    "test_a_head_that_moved_since_is_not_merged": HEAD_STAYS,
    "test_nothing_is_said_of_another_head": HEAD_STAYS,
    "test_an_objection_is_brought_up_to_date": "it takes no new words for a submitted review, as GitHub's recorded answers do",
}


class EmulatedForge(GitHubForge):
    """The forge, its git directed to the bare repository that stands beside the emulator."""

    bare: Path

    def _site(self, name: str, source: str) -> Site:
        return replace(super()._site(name, source), clone_url=str(self.bare))


class EmulatedWorkshop(Workshop):
    """A workshop whose every commit is pushed to the bare repository."""

    def __init__(self, directory: Path, github: Emulator) -> None:
        super().__init__(directory)
        self.github, self.full_name = github, github.repository(f"demo-{next(NUMBERS)}")
        self.bare = directory / "hub.git"
        git(directory, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(self.bare, "config", "core.hooksPath", str(self.bare / "hooks"))  # the forge's own git runs none
        told = f"{github.base_url} {self.full_name} {github.token('acme')}"
        self._hook(
            self.bare / "hooks/post-receive",
            f"env PYTHONPATH='{ROOT}' '{sys.executable}' -m tests.support.emulator.mirror {told}",
        )
        self._hook(
            self.source / ".git/hooks/post-commit", f"git push --quiet --force '{self.bare}' HEAD:refs/heads/main"
        )
        git(self.source, "push", "--quiet", str(self.bare), "HEAD:refs/heads/main")

    @staticmethod
    def _hook(path: Path, command: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\nexec {command}\n")
        path.chmod(0o755)

    @property
    def address(self) -> str:
        return f"{self.github.base_url}/{self.full_name}"


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator(tmp_path_factory.mktemp("emulator") / "run") as found:
        yield found


def signed_in(github: Emulator, login: str) -> GitHub:
    return GitHub(TokenAccess(lambda: github.token(login)), base_url=github.base_url, manners=QUICK)


def make_forge(root: Path, workshop: EmulatedWorkshop) -> EmulatedForge:
    github = workshop.github
    forge = EmulatedForge(root, signed_in(github, BOT), people=lambda actor: signed_in(github, "ann"))
    forge.bare = workshop.bare
    return forge


class Emulating:
    @pytest.fixture(autouse=True)
    def _named_gap(self, request: pytest.FixtureRequest) -> None:
        reason = CANNOT.get(request.node.originalname)
        if reason:
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))

    @pytest.fixture
    def workshop(self, tmp_path: Path, emulated: Emulator) -> EmulatedWorkshop:
        return EmulatedWorkshop(tmp_path / "workshop", emulated)

    @pytest.fixture
    def forge(self, tmp_path: Path, workshop: EmulatedWorkshop) -> EmulatedForge:
        return make_forge(tmp_path / "forge", workshop)


class TestForge(Emulating, ForgeConformance):
    locals().update({name: None for name in vars(ForgeConformance) if name.startswith("test_") and name not in ASKED})

    @pytest.fixture
    def bare(self, workshop: EmulatedWorkshop, repository) -> Path:
        return workshop.bare

    def merger(self, actor: str) -> str:
        return "ann"


class TestDesk(Emulating, DeskConformance):
    @pytest.fixture
    def seen(self, workshop: EmulatedWorkshop) -> "Seen":
        return Seen(workshop.github, workshop.full_name)

    # The suite objects to what we opened ourselves, where GitHub takes no review; here somebody else opened it.

    @pytest.fixture
    def theirs(self, forge, repository, workshop) -> PullHead:
        forge.publish(repository, workshop.change(branch="factory/T-9", ticket_id="T-9"))
        body = {"title": "Theirs", "head": "factory/T-9", "base": "main"}
        made = workshop.github.ask("POST", f"/repos/{workshop.full_name}/pulls", body, login="ann")
        pull = forge.pull(repository, made.json()["number"])
        assert (pull.author, pull.ticket_id) == ("ann", None)
        return pull

    def test_an_objection_is_one_review_until_it_is_withdrawn(self, forge, repository, theirs, seen):
        for _ in range(2):
            forge.object_to(repository, theirs, "It is wrong.")
            assert len(seen.reviews(theirs.number)) == 1 and "is wrong." in seen.objection(theirs.number)
        for _ in range(2):
            forge.object_to(repository, theirs, None)
            assert seen.objection(theirs.number) is None
        forge.object_to(repository, theirs, "Again.")
        assert "Again." in seen.objection(theirs.number)

    def test_an_objection_is_brought_up_to_date(self, forge, repository, theirs, seen):
        for reason in ("It is wrong.", "It is wrong in two ways."):
            forge.object_to(repository, theirs, reason)
        assert "in two ways" in seen.objection(theirs.number)


class Seen:
    """Looks at the emulator as a person does."""

    def __init__(self, github: Emulator, full_name: str) -> None:
        self._github, self._place = github, f"/repos/{full_name}"

    def _get(self, place: str):
        answer = self._github.ask("GET", f"{self._place}{place}", login="ann")
        answer.raise_for_status()
        return answer.json()

    def comments(self, number: int) -> list[str]:
        return [one["body"] for one in self._get(f"/issues/{number}/comments")]

    def checks(self, head: str) -> dict[str, str]:
        return {one["name"]: one["conclusion"] for one in self._get(f"/commits/{head}/check-runs")["check_runs"]}

    def objection(self, number: int) -> str | None:
        standing = [one for one in self.reviews(number) if one["state"] == "CHANGES_REQUESTED"]
        return standing[0]["body"] if standing else None

    def reviews(self, number: int) -> list[dict]:
        return self._get(f"/pulls/{number}/reviews")

    def writes(self) -> list:
        pulls = self._get("/pulls?state=all")
        return [pulls, *(self._get(f"/issues/{pull['number']}/comments") for pull in pulls)]

    def says(self, number: int, author: str, text: str) -> None:
        place = f"{self._place}/issues/{number}/comments"
        self._github.ask("POST", place, {"body": text}, login=author).raise_for_status()


def test_every_gap_names_a_test():
    assert CANNOT.keys() <= {*ASKED, *dir(TestDesk)}
    assert ASKED <= vars(ForgeConformance).keys()


def test_missing_emulator_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.support.emulator.FOLDER", tmp_path)
    with pytest.raises(EmulatorMissing, match=r"tests/support/emulator/install"), emulator(tmp_path / "run"):
        pass
