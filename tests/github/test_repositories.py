"""Repositories, branches, protection, collaborators."""

import pytest
from github import GithubException, UnknownObjectException
from github.Repository import Repository

from tests.github.conftest import APP, refused
from tests.support.github import StandIn


def test_repository_tells_who_may_what(github: StandIn, ann: Repository, eve: Repository):
    assert (ann.full_name, ann.private, ann.default_branch, ann.owner.login) == (APP, True, "main", "acme")
    assert ann.permissions.admin
    assert (eve.permissions.pull, eve.permissions.push) == (True, False)
    assert [one.full_name for one in github.as_person("bob").get_user().get_repos()] == [APP]
    assert list(github.as_person("out").get_user().get_repos()) == []


def test_private_repository_is_not_there_for_a_stranger(github: StandIn):
    with pytest.raises(UnknownObjectException):
        github.as_person("out").get_repo(APP)
    with pytest.raises(UnknownObjectException):
        github.as_person("ann").get_repo("acme/nothing")


def test_public_repository_is_read_by_anybody(github: StandIn):
    github.repository("acme/open", {"a": "b"}, private=False)
    assert github.client(None).get_repo("acme/open").get_contents("a").decoded_content == b"b"
    with pytest.raises(GithubException) as error:
        github.client(None).get_repo("acme/open").create_issue("spam")
    assert refused(error)[0] == 401


def test_administrator_edits_the_repository(ann: Repository, bob: Repository):
    ann.edit(description="sums", allow_squash_merge=False)
    assert (bob.get_branches().totalCount, ann.description, ann.allow_squash_merge) == (1, "sums", False)
    with pytest.raises(GithubException) as error:
        bob.edit(description="mine")
    assert refused(error)[0] == 403
    with pytest.raises(GithubException) as error:
        ann.edit(default_branch="nothing")
    assert refused(error)[0] == 422


def test_branches_are_listed_and_found(github: StandIn, ann: Repository):
    github.commit(APP, {"x": "y"}, "x", branch="feature/deep/one")
    assert {one.name: one.protected for one in ann.get_branches()} == {"feature/deep/one": False, "main": False}
    assert ann.get_branch("feature/deep/one").commit.commit.message == "x"
    with pytest.raises(UnknownObjectException):
        ann.get_branch("feature")


def test_protection_is_put_read_and_taken_away(ann: Repository, bob: Repository):
    branch = ann.get_branch("main")
    branch.edit_protection(
        strict=True,
        contexts=["lint"],
        enforce_admins=True,
        required_approving_review_count=2,
        dismiss_stale_reviews=True,
    )
    found = branch.get_protection()
    assert (found.required_status_checks.strict, found.required_status_checks.contexts) == (True, ["lint"])
    assert found.required_pull_request_reviews.required_approving_review_count == 2
    assert found.required_pull_request_reviews.dismiss_stale_reviews
    assert (found.enforce_admins, ann.get_branch("main").protected) == (True, True)
    with pytest.raises(GithubException) as error:
        bob.get_branch("main").get_protection()
    assert refused(error)[0] == 403
    branch.remove_protection()
    with pytest.raises(GithubException) as error:
        branch.get_protection()
    assert refused(error) == (404, refused(error)[1])
    assert "Branch not protected" in refused(error)[1]


@pytest.mark.parametrize(
    ("login", "permission", "role"),
    [
        ("ann", "admin", "admin"),
        ("bob", "write", "write"),
        ("eve", "read", "read"),
        ("out", "none", "none"),
        ("kim", "write", "maintain"),
    ],
)
def test_permission_of_a_person(github: StandIn, eve: Repository, login: str, permission: str, role: str):
    github.grant(APP, "kim", "maintain")
    assert eve.get_collaborator_permission(login) == permission
    assert eve.get_collaborator_role_name(login) == role


def test_permission_of_nobody_is_not_found(ann: Repository):
    with pytest.raises(UnknownObjectException):
        ann.get_collaborator_permission("ghost")


def test_collaborators_and_assignees(ann: Repository):
    assert {one.login for one in ann.get_collaborators()} == {"ann", "bob", "eve"}
    assert (ann.has_in_collaborators("eve"), ann.has_in_collaborators("out")) == (True, False)
    assert (ann.has_in_assignees("bob"), ann.has_in_assignees("out")) == (True, False)


def test_fork_belongs_to_who_asked(github: StandIn, eve: Repository):
    made = eve.create_fork()
    assert (made.full_name, made.fork, made.parent.full_name) == ("eve/app", True, APP)
    assert made.get_branch("main").commit.sha == eve.get_branch("main").commit.sha
