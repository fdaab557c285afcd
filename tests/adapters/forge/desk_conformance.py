"""What every review desk must do. Subclass it, give the fixtures, and tell how to look at the forge."""

from pathlib import Path

import pytest

from domain.errors import ForgeRefused
from domain.forge import CheckTold, PullRequest, PullRequestState
from domain.repositories import Repository
from tests.adapters.forge.workshop import Workshop, commit, git, question

HOSTILE = (
    "<!-- factory: key=governance -->\n<script>alert(1)</script> @everyone ![x](http://evil.example/x.png)\n"
    "\u202e\u200b | a | b |\n```\nopen fence \x1b[31m\n<!-- factory: ticket=T-9 run=r fence=99 -->\n"
)


def check(name: str = "lint", conclusion: str = "success", **told: str) -> CheckTold:
    return CheckTold(
        name=name, conclusion=conclusion, **{"title": f"{name}: {conclusion}", "summary": "All *good*.", **told}
    )


class DeskConformance:
    @pytest.fixture
    def workshop(self, tmp_path: Path) -> Workshop:
        return Workshop(tmp_path / "workshop")

    @pytest.fixture
    def forge(self, tmp_path: Path):
        raise NotImplementedError

    @pytest.fixture
    def repository(self, forge, workshop: Workshop) -> Repository:
        return workshop.repository(forge.enrol("demo", workshop.address, None)[0])

    @pytest.fixture
    def opened(self, forge, repository: Repository, workshop: Workshop) -> PullRequest:
        return forge.open_pull_request(repository, workshop.request(forge.publish(repository, workshop.change())))

    @pytest.fixture
    def seen(self, forge, tmp_path):
        """Looks at the forge: comments(number), checks(head), objection(number), says(number, author, text)."""
        raise NotImplementedError

    # reading

    def test_open_pull_requests_are_listed_oldest_first(self, forge, repository, workshop, opened):
        head = forge.publish(repository, workshop.change(ticket_id="T-2", branch="factory/T-2"))
        second = forge.open_pull_request(repository, workshop.request(head, ticket_id="T-2", branch="factory/T-2"))
        found = forge.open_pulls(repository)
        assert [(one.number, one.head_sha, one.branch, one.base, one.ticket_id) for one in found] == [
            (opened.number, opened.head_sha, "factory/T-1", "main", "T-1"),
            (second.number, head, "factory/T-2", "main", "T-2"),
        ]
        assert [forge.pull(repository, one.number) for one in found] == found
        assert not found[0].is_fork and found[0].title == "Answer rightly" and found[0].url == opened.url

    def test_no_pull_request_is_none(self, forge, repository):
        assert forge.open_pulls(repository) == []
        assert forge.pull(repository, 7) is None

    @pytest.mark.parametrize("merge", [True, False])
    def test_what_has_ended_is_told_and_not_listed(self, forge, repository, opened, merge):
        ended = forge.end_pull_request(repository, opened.number, merge=merge, actor="ann", reason="done")
        found = forge.pull(repository, opened.number)
        assert found.state is (PullRequestState.MERGED if merge else PullRequestState.CLOSED)
        assert (found.merge_sha, found.merged_by) == (ended.merge_sha, ended.merged_by)
        assert forge.open_pulls(repository) == []

    def test_obtaining_gives_the_merge_base_wherever_the_base_moved(self, forge, repository, workshop, opened):
        head = forge.pull(repository, opened.number)
        assert forge.obtain(repository, head) == workshop.base_sha
        commit(workshop.source, {"other.txt": "elsewhere\n"})
        forge.fetch(repository, "main")
        assert [forge.obtain(repository, head) for _ in range(2)] == [workshop.base_sha] * 2
        assert git(Path(repository.remote), "cat-file", "-t", head.head_sha) == "commit"

    # report

    def test_a_report_is_one_comment_kept_up_to_date(self, forge, repository, opened, seen):
        first = forge.report(repository, opened.number, marker="governance", text="# One\n\nfine")
        again = forge.report(repository, opened.number, marker="governance", text="# One\n\nfine")
        changed = forge.report(repository, opened.number, marker="governance", text="# Two")
        assert first == again == changed
        (comment,) = seen.comments(opened.number)
        assert "# Two" in comment and "# One" not in comment

    def test_markers_have_comments_of_their_own(self, forge, repository, opened, seen):
        told = {
            marker: forge.report(repository, opened.number, marker=marker, text=f"of {marker}")
            for marker in ("a", "b", "odd marker --> é", "../../x")
        }
        assert len(set(told.values())) == len(seen.comments(opened.number)) == 4
        assert forge.report(repository, opened.number, marker="../../x", text="of ../../x") == told["../../x"]

    def test_a_hostile_report_stays_one_and_readable(self, forge, repository, opened, seen):
        for text in (HOSTILE, HOSTILE + "more", "x" * 300_000, "\n".join(["```"] + ["line"] * 40_000), "", "\0"):
            forge.report(repository, opened.number, marker="governance", text=text)
            assert len(seen.comments(opened.number)) == 1

    def test_there_is_no_reporting_on_nothing(self, forge, repository):
        with pytest.raises(ForgeRefused):
            forge.report(repository, 99, marker="governance", text="x")
        with pytest.raises(ForgeRefused):
            forge.remarks(repository, 99)

    # checks

    def test_checks_are_set_by_name_and_replaced(self, forge, repository, opened, seen):
        forge.tell_checks(repository, opened.head_sha, [check("lint"), check("sast", "failure")])
        forge.tell_checks(
            repository, opened.head_sha, [check("sast"), check("size", "neutral"), check("sbom", "action_required")]
        )
        assert seen.checks(opened.head_sha) == {
            "lint": "success",
            "sast": "success",
            "size": "neutral",
            "sbom": "action_required",
        }

    def test_telling_checks_again_changes_nothing(self, forge, repository, opened, seen):
        told = [check("lint"), check("sast", "failure", summary="line\n" * 20_000, title="t" * 400)]
        forge.tell_checks(repository, opened.head_sha, told)
        before = seen.writes()
        forge.tell_checks(repository, opened.head_sha, told)
        assert seen.writes() == before

    def test_nothing_is_said_of_another_head(self, forge, repository, workshop, opened, seen):
        old = forge.pull(repository, opened.number)
        head = forge.publish(repository, workshop.change(question, fence=2))
        forge.open_pull_request(repository, workshop.request(head, fence=2))
        forge.tell_checks(repository, old.head_sha, [check("lint", "failure")])
        forge.object_to(repository, old, "It is wrong.")
        assert seen.checks(old.head_sha) == seen.checks(head) == {}
        assert seen.objection(opened.number) is None

    # objections

    def test_an_objection_stands_once_until_it_is_withdrawn(self, forge, repository, opened, seen):
        pull = forge.pull(repository, opened.number)
        for reason in ("It is wrong.", "It is wrong.", "It is wrong in two ways."):
            forge.object_to(repository, pull, reason)
        assert "in two ways" in seen.objection(opened.number)
        for _ in range(2):
            forge.object_to(repository, pull, None)
            assert seen.objection(opened.number) is None
        forge.object_to(repository, pull, "Again.")
        assert "Again." in seen.objection(opened.number)

    def test_withdrawing_what_was_never_said_says_nothing(self, forge, repository, opened, seen):
        before = seen.writes()
        forge.object_to(repository, forge.pull(repository, opened.number), None)
        assert seen.writes() == before

    # remarks

    def test_what_people_say_is_told_and_what_we_say_is_not(self, forge, repository, opened, seen):
        assert forge.remarks(repository, opened.number) == []
        forge.report(repository, opened.number, marker="governance", text="ours")
        forge.object_to(repository, forge.pull(repository, opened.number), "ours too")
        forge.tell_checks(repository, opened.head_sha, [check("sast", "failure")])
        seen.says(opened.number, "ann", "Please rename it.")
        seen.says(opened.number, "bob", HOSTILE)
        found = forge.remarks(repository, opened.number)
        assert [(one.author, one.kind, one.text.strip()) for one in found] == [
            ("ann", "comment", "Please rename it."),
            ("bob", "comment", HOSTILE.strip()),
        ]
        assert len({one.id for one in found}) == 2
