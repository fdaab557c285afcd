"""The review desk on GitHub: conformance signed in as an App and with a token, and what only GitHub knows."""

from pathlib import Path

import pytest

from adapters._vendor.github_markers import signed
from adapters.forge.github.forge import GitHubForge
from domain.errors import ForgeRefused, ForgeUnavailable
from domain.forge import PullRequestState
from tests.adapters.forge.desk_conformance import DeskConformance, check
from tests.adapters.forge.github.hub import (
    APP,
    BOT,
    FULL_NAME,
    GitHubWorkshop,
    make_forge,
    signed_in_as_app,
    signed_in_with_token,
)
from tests.support.github.stand_in import StandIn


class GitHubSight:
    """What a person sees on GitHub."""

    def __init__(self, github: StandIn, me: str) -> None:
        self._github = github
        self.hub = github.as_person("ann").get_repo(FULL_NAME)
        self.me = me

    def comments(self, number):
        return [one.body for one in self.hub.get_issue(number).get_comments() if one.user.login == self.me]

    def runs(self, head_sha):
        return {
            one.name: one.conclusion for one in self.hub.get_commit(head_sha).get_check_runs() if one.app.slug == APP
        }

    def statuses(self, head_sha):
        return {one.context: one.state for one in self.hub.get_commit(head_sha).get_combined_status().statuses}

    def checks(self, head_sha):
        return self.runs(head_sha)

    def objection(self, number):
        pull = self.hub.get_pull(number)
        held = [
            one.body for one in pull.get_reviews() if one.user.login == self.me and one.state == "CHANGES_REQUESTED"
        ]
        said = [
            run.output.summary
            for run in self.hub.get_commit(pull.head.sha).get_check_runs()
            if run.name.startswith("factory/") and run.conclusion == "failure"
        ]
        assert len(held) + len(said) <= 1
        return (held + said)[0] if held + said else None

    def says(self, number, author, text):
        self._github.as_person(author).get_repo(FULL_NAME).get_issue(number).create_comment(text)

    def writes(self):
        return len([one for one in self._github.writes() if "access_tokens" not in one.template])


class StatusSight(GitHubSight):
    """A token that may not write checks leaves statuses, which know success and failure only."""

    KNOWN = {"lint": "success", "sast": "success", "size": "neutral", "sbom": "action_required"}

    def checks(self, head_sha):
        told = self.statuses(head_sha)
        expected = {name: ("success" if self.KNOWN.get(name) in {"success", "neutral"} else "failure") for name in told}
        return {name: self.KNOWN[name] for name in told} if told and told == expected else told

    def objection(self, number):
        states = self.statuses(self.hub.get_pull(number).head.sha)
        if states.get("factory/changes-requested") != "failure":
            return None
        told = self.hub.get_commit(self.hub.get_pull(number).head.sha).get_combined_status().statuses
        return next(one.description for one in told if one.context == "factory/changes-requested")


class _OnGitHub(DeskConformance):
    @pytest.fixture
    def workshop(self, tmp_path: Path, github: StandIn) -> GitHubWorkshop:
        return GitHubWorkshop(tmp_path / "workshop", github)


class TestDeskAsApp(_OnGitHub):
    @pytest.fixture
    def forge(self, tmp_path, github, workshop) -> GitHubForge:
        return make_forge(tmp_path / "forge", github, signed_in_as_app)

    @pytest.fixture
    def seen(self, github, workshop):
        return GitHubSight(github, f"{APP}[bot]")


class TestDeskWithToken(_OnGitHub):
    @pytest.fixture
    def forge(self, tmp_path, github, workshop) -> GitHubForge:
        return make_forge(tmp_path / "forge", github, signed_in_with_token)

    @pytest.fixture
    def seen(self, github, workshop):
        return StatusSight(github, BOT)


# what only GitHub has


@pytest.fixture
def seen(github, workshop):
    return GitHubSight(github, f"{APP}[bot]")


@pytest.fixture
def theirs(github, workshop):
    """A person's own pull request."""
    github.commit(FULL_NAME, {"src/app.py": "x = 1\n"}, "Try", branch="try", login="ann")
    return (
        github.as_person("ann")
        .get_repo(FULL_NAME)
        .create_pull(base="main", head="try", title="Try", body="<!-- factory: ticket=T-1 run=r fence=9 -->")
    )


@pytest.fixture
def forked(github, workshop):
    """A stranger's pull request from a fork."""
    stranger = github.as_person("eve")
    github.grant(FULL_NAME, "eve", "read")
    stranger.get_repo(FULL_NAME).create_fork()
    github.commit("eve/demo", {"src/app.py": "evil = 1\n"}, "Evil", branch="factory/T-1", login="eve")
    return stranger.get_repo(FULL_NAME).create_pull(
        base="main", head="eve:factory/T-1", title="Evil", body="<!-- factory: ticket=T-1 run=r fence=9 -->"
    )


def test_changes_are_requested_on_a_persons_pull_request_and_withdrawn(forge, repository, seen, theirs):
    pull = forge.pull(repository, theirs.number)
    for reason in ("It is wrong.", "It is wrong.", "In two ways."):
        forge.object_to(repository, pull, reason)
    (review,) = theirs.get_reviews()
    assert (review.state, "In two ways." in review.body, review.user.login) == ("CHANGES_REQUESTED", True, seen.me)
    for _ in range(2):
        forge.object_to(repository, pull, None)
    assert [one.state for one in theirs.get_reviews()] == ["DISMISSED"]


def test_nobody_elses_review_is_touched(forge, repository, github, theirs):
    bob = github.as_person("bob").get_repo(FULL_NAME).get_pull(theirs.number)
    bob.create_review(event="REQUEST_CHANGES", body=signed("mine, says bob", "objection"))
    pull = forge.pull(repository, theirs.number)
    forge.object_to(repository, pull, None)
    forge.object_to(repository, pull, "Ours.")
    forge.object_to(repository, pull, None)
    assert {one.user.login: one.state for one in theirs.get_reviews()} == {
        "bob": "CHANGES_REQUESTED",
        f"{APP}[bot]": "DISMISSED",
    }


def test_a_fork_is_told_as_one_obtained_and_not_taken_for_ours(forge, repository, forked, workshop):
    pull = forge.pull(repository, forked.number)
    assert (pull.is_fork, pull.ticket_id, pull.author, pull.branch) == (True, None, "eve", "factory/T-1")
    assert forge.obtain(repository, pull) == workshop.base_sha
    assert forge.read_file(repository, pull.head_sha, "src/app.py", limit=99) == "evil = 1\n"
    assert forge.find_pull_request(repository, "T-1") is None


def test_a_forged_marker_makes_nobodys_pull_request_ours(forge, repository, theirs):
    assert forge.pull(repository, theirs.number).ticket_id is None
    assert forge.find_pull_request(repository, "T-1") is None
    with pytest.raises(ForgeRefused, match="not the factory's"):
        forge.end_pull_request(repository, theirs.number, merge=False, actor="ann", reason="x")
    assert forge.pull(repository, theirs.number).state is PullRequestState.OPEN


def test_a_head_that_moved_and_is_gone_cannot_be_obtained(forge, repository, theirs):
    pull = forge.pull(repository, theirs.number).model_copy(update={"head_sha": "0" * 40})
    with pytest.raises(ForgeUnavailable, match="now, not at 000000000000"):
        forge.obtain(repository, pull)


def test_our_marker_in_somebody_elses_comment_is_not_ours(forge, repository, seen, theirs):
    forged = signed("not by the factory", "governance")
    seen.says(theirs.number, "ann", forged)
    for text in ("one", "two"):
        forge.report(repository, theirs.number, marker="governance", text=text)
    (comment,) = seen.comments(theirs.number)
    assert "two" in comment
    assert [one.author for one in forge.remarks(repository, theirs.number)] == ["ann"]


def test_doubles_that_a_crash_made_are_folded_into_the_oldest(forge, repository, github, seen, theirs):
    first = forge.report(repository, theirs.number, marker="governance", text="one")
    ours = github.as_app(next(iter(github.world.installations.values()))).get_repo(FULL_NAME).get_issue(theirs.number)
    for text in ("double", "double again"):
        ours.create_comment(signed(text, "governance"))
    assert forge.report(repository, theirs.number, marker="governance", text="two") == first
    assert len(seen.comments(theirs.number)) == 1


def test_failed_checks_that_are_not_ours_are_remarks(forge, repository, github, theirs):
    head = theirs.head.sha
    ci = github.ci(FULL_NAME).get_repo(FULL_NAME)
    output = {"title": "2 tests failed", "summary": "test_a\ntest_b"}
    ci.create_check_run(
        "pytest", head, status="completed", conclusion="failure", output=output, external_id="factory:forged"
    )
    ci.create_check_run("docs", head, status="completed", conclusion="success")
    ci.create_check_run("slow", head, status="in_progress")
    github.as_person("bob").get_repo(FULL_NAME).get_commit(head).create_status(
        "error", description="it broke", context="jenkins"
    )
    forge.tell_checks(repository, head, [check("sast", "failure")])
    found = forge.remarks(repository, theirs.number)
    assert [(one.kind, one.state, one.head_sha) for one in found] == [
        ("check", "failure", head),
        ("check", "error", head),
    ]
    assert "test_a" in found[0].text and "it broke" in found[1].text


def test_reviews_and_their_comments_are_remarks(forge, repository, github, theirs):
    bob = github.as_person("bob").get_repo(FULL_NAME)
    pull = bob.get_pull(theirs.number)
    pull.create_review(commit=bob.get_commit(theirs.head.sha), event="REQUEST_CHANGES", body="Rename x.", comments=[{"path": "src/app.py", "line": 1, "side": "RIGHT", "body": "this one"}])  # fmt: skip
    found = {one.kind: one for one in forge.remarks(repository, theirs.number)}
    assert (found["review"].text, found["review"].state) == ("Rename x.", "changes_requested")
    assert (found["review_comment"].path, found["review_comment"].line, found["review_comment"].text) == (
        "src/app.py",
        1,
        "this one",
    )


def test_a_status_that_somebody_painted_green_is_painted_red_again(forge, repository, github, seen, theirs):
    head = theirs.head.sha
    forge.tell_checks(repository, head, [check("sast", "failure")])
    github.as_person("ann").get_repo(FULL_NAME).get_commit(head).create_status(
        "success", description="sast: success", context="sast"
    )
    forge.tell_checks(repository, head, [check("sast", "failure")])
    assert (seen.statuses(head), seen.runs(head)) == ({"sast": "failure"}, {"sast": "failure"})


def test_every_rule_has_a_check_run_and_a_status(forge, repository, seen, theirs):
    told = [check("lint"), check("sast", "failure"), check("size", "neutral"), check("sbom", "action_required")]
    forge.tell_checks(repository, theirs.head.sha, told)
    assert seen.runs(theirs.head.sha) == {one.name: one.conclusion for one in told}
    assert seen.statuses(theirs.head.sha) == {
        "lint": "success",
        "sast": "failure",
        "size": "success",
        "sbom": "failure",
    }


def test_polling_what_has_not_changed_costs_nothing(forge, repository, github, theirs):
    forge.open_pulls(repository)
    installation = next(iter(github.world.installations.values()))
    quota = github.world.limits.quota(f"installation:{installation.id}", "core", github.now())
    before = quota.used
    for _ in range(5):
        forge.open_pulls(repository)
    assert quota.used == before


def test_more_than_a_page_of_everything_is_read(forge, repository, github, seen, theirs):
    for number in range(103):
        seen.says(theirs.number, "ann", f"remark {number}")
    forge.report(repository, theirs.number, marker="governance", text="one")
    forge.report(repository, theirs.number, marker="governance", text="two")
    assert len(forge.remarks(repository, theirs.number)) == 103
    assert len(seen.comments(theirs.number)) == 1


def test_a_withdrawal_github_does_not_allow_is_said(forge, repository, github, theirs):
    forge.object_to(repository, forge.pull(repository, theirs.number), "It is wrong.")
    github.fail(
        on="PUT /repos/{}/{}/pulls/{}/reviews/{}/dismissals",
        status=403,
        message="Resource not accessible by integration",
    )
    with pytest.raises(ForgeRefused, match="grant"):
        forge.object_to(repository, forge.pull(repository, theirs.number), None)
