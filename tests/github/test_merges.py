"""Merging: what GitHub does, and what it refuses."""

import subprocess

import pytest
from github import GithubException
from github.Repository import Repository

from tests.github.conftest import APP, open_pull, refused
from tests.support.github import StandIn


def log(github: StandIn, form: str) -> str:
    command = ["git", f"--git-dir={github.folder(APP)}", "log", "-1", f"--format={form}", "main"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_merge_commit(github: StandIn, ann: Repository, bob: Repository):
    pull = open_pull(github, bob)
    base, head = ann.get_branch("main").commit.sha, pull.head.sha
    told = ann.get_pull(pull.number).merge(sha=head)
    found = ann.get_pull(pull.number)
    assert (found.merged, found.state, found.merged_by.login, found.merge_commit_sha) == (
        True,
        "closed",
        "ann",
        told.sha,
    )
    assert log(github, "%H %P") == f"{told.sha} {base} {head}"
    assert log(github, "%s|%an|%cn") == "Merge pull request #1 from acme/feature|ann|GitHub"
    assert (found.is_merged(), found.commits, found.changed_files) == (True, 1, 1)


def test_squash(github: StandIn, ann: Repository, bob: Repository):
    pull = open_pull(github, bob)
    github.commit(APP, {"more": "x"}, "more", branch="feature")
    base = ann.get_branch("main").commit.sha
    assert ann.get_pull(pull.number).merge(merge_method="squash", commit_title="Together").merged
    assert log(github, "%P|%s") == f"{base}|Together"
    assert ann.get_contents("more").decoded_content == b"x"


def test_conflict_is_refused(github: StandIn, ann: Repository, bob: Repository):
    pull = open_pull(github, bob, files={"README.md": "theirs\n"})
    github.commit(APP, {"README.md": "ours\n"}, "ours")
    found = ann.get_pull(pull.number)
    assert (found.mergeable, found.mergeable_state) == (False, "dirty")
    with pytest.raises(GithubException) as error:
        found.merge()
    assert refused(error)[0] == 405
    assert not ann.get_pull(pull.number).merged


def test_moved_head_is_refused(github: StandIn, ann: Repository, bob: Repository):
    pull = open_pull(github, bob)
    github.commit(APP, {"more": "x"}, "more", branch="feature")
    with pytest.raises(GithubException) as error:
        pull.merge(sha=pull.head.sha)
    assert refused(error)[0] == 409


def test_draft_closed_and_merged_are_refused(github: StandIn, ann: Repository, bob: Repository):
    for pull in (
        open_pull(github, bob, "one", draft=True),
        open_pull(github, bob, "two"),
        open_pull(github, bob, "three"),
    ):
        if pull.number == 2:
            pull.edit(state="closed")
        if pull.number == 3:
            pull.merge()
        with pytest.raises(GithubException) as error:
            pull.merge()
        assert refused(error)[0] == 405


def test_method_that_is_switched_off_is_refused(github: StandIn, ann: Repository, bob: Repository):
    ann.edit(allow_squash_merge=False)
    for method in ("squash", "rebase"):
        with pytest.raises(GithubException) as error:
            open_pull(github, bob, method).merge(merge_method=method)
        assert refused(error)[0] == 405


def test_reader_may_not_merge(github: StandIn, bob: Repository, eve: Repository):
    number = open_pull(github, bob).number
    with pytest.raises(GithubException) as error:
        eve.get_pull(number).merge()
    assert refused(error)[0] == 403


def test_protected_branch_waits_for_review_and_checks(github: StandIn, ann: Repository, bob: Repository):
    ann.get_branch("main").edit_protection(
        strict=False, contexts=["factory/lint"], enforce_admins=True, required_approving_review_count=1
    )
    pull = open_pull(github, bob)
    assert bob.get_pull(pull.number).mergeable_state == "blocked"
    for step, words in (
        (lambda: None, "At least 1 approving review"),
        (
            lambda: ann.get_pull(pull.number).create_review(body="no", event="REQUEST_CHANGES"),
            "Changes have been requested",
        ),
        (lambda: ann.get_pull(pull.number).create_review(event="APPROVE"), 'factory/lint\\" is expected'),
        (lambda: bob.get_commit(pull.head.sha).create_status("failure", context="factory/lint"), "is failing"),
        (lambda: bob.get_commit(pull.head.sha).create_status("pending", context="factory/lint"), "is pending"),
    ):
        step()
        with pytest.raises(GithubException) as error:
            ann.get_pull(pull.number).merge()
        assert refused(error)[0] == 405
        assert words in refused(error)[1]
    bob.get_commit(pull.head.sha).create_status("success", context="factory/lint")
    assert ann.get_pull(pull.number).mergeable_state == "clean"
    assert ann.get_pull(pull.number).merge().merged


def test_check_pinned_to_its_app_is_not_met_by_a_status(github: StandIn, ann: Repository, bob: Repository):
    app = github.app("gate", {"checks": "write", "contents": "read"})
    gate = github.as_app(github.install(app, APP)).get_repo(APP)
    ann.get_branch("main").edit_protection(strict=False, checks=[("factory/gate", app.id)], enforce_admins=True)
    pull = open_pull(github, bob)
    bob.get_commit(pull.head.sha).create_status("success", context="factory/gate")
    github.ci(APP).get_repo(APP).create_check_run("factory/gate", pull.head.sha, conclusion="success")
    with pytest.raises(GithubException) as error:
        pull.merge()
    assert "is expected" in refused(error)[1]
    gate.create_check_run("factory/gate", pull.head.sha, conclusion="success")
    assert pull.merge().merged


def test_administrator_passes_unless_rules_hold_for_them_too(github: StandIn, ann: Repository, bob: Repository):
    ann.get_branch("main").edit_protection(required_approving_review_count=1)
    pull = open_pull(github, bob)
    with pytest.raises(GithubException) as error:
        bob.get_pull(pull.number).merge()
    assert refused(error)[0] == 405
    assert ann.get_pull(pull.number).merge().merged


def test_new_push_dismisses_an_approval_where_asked(github: StandIn, ann: Repository, bob: Repository):
    ann.get_branch("main").edit_protection(required_approving_review_count=1, dismiss_stale_reviews=True)
    pull = open_pull(github, bob)
    ann.get_pull(pull.number).create_review(event="APPROVE")
    github.commit(APP, {"more": "x"}, "more", branch="feature")
    assert [one.state for one in pull.get_reviews()] == ["DISMISSED"]


def test_branch_is_brought_up_to_date(github: StandIn, bob: Repository):
    pull = open_pull(github, bob)
    github.commit(APP, {"other": "x"}, "other")
    assert pull.update_branch(pull.head.sha)
    found = bob.get_pull(pull.number)
    assert (found.commits, bob.compare("main", "feature").behind_by) == (2, 0)
    assert not pull.update_branch("f" * 40)


def test_pushed_merge_is_recognised_and_the_branch_deleted_where_asked(
    github: StandIn, ann: Repository, bob: Repository
):
    first, second = open_pull(github, bob, "one"), open_pull(github, bob, "two")
    ann.get_git_ref("heads/main").edit(first.head.sha)
    assert ann.get_pull(first.number).merged
    ann.edit(delete_branch_on_merge=True)
    assert ann.get_pull(second.number).merge().merged
    assert "two" not in {one.name for one in ann.get_branches()}
