"""Pull requests: made, found, edited, refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from github import GithubException, UnknownObjectException
from github.Repository import Repository

from tests.github.conftest import APP, open_pull, refused
from tests.support.github import StandIn


def test_pull_request_is_made_and_found(github: StandIn, bob: Repository):
    made = open_pull(
        github, bob, "factory/T-1", body="why <!-- marker -->", draft=True, files={"a": "1\n2\n", "README.md": "new\n"}
    )
    found = bob.get_pull(made.number)
    assert (found.title, found.body, found.draft, found.state) == (
        "Add factory/T-1",
        "why <!-- marker -->",
        True,
        "open",
    )
    assert (found.head.ref, found.base.ref, found.user.login) == ("factory/T-1", "main", "bob")
    assert (found.mergeable, found.mergeable_state, found.merged, found.commits) == (True, "draft", False, 1)
    assert (found.additions, found.deletions, found.changed_files) == (3, 1, 2)
    assert {one.filename: one.status for one in found.get_files()} == {"README.md": "modified", "a": "added"}
    assert [one.commit.message for one in found.get_commits()] == ["Add factory/T-1"]
    assert bob.get_issue(made.number).pull_request is not None


def test_pull_requests_are_found_by_head_base_and_state(github: StandIn, bob: Repository):
    one, two = open_pull(github, bob, "one"), open_pull(github, bob, "two")
    two.edit(state="closed")
    assert [each.number for each in bob.get_pulls(head="acme:one")] == [one.number]
    assert [each.number for each in bob.get_pulls(head="acme:two")] == []
    assert [each.number for each in bob.get_pulls(head="acme:two", state="all")] == [two.number]
    assert [each.number for each in bob.get_pulls(state="all", base="main", sort="created", direction="asc")] == [
        one.number,
        two.number,
    ]
    assert [each.number for each in bob.get_pulls(base="other")] == []


@pytest.mark.parametrize(
    ("head", "base", "words"),
    [
        ("nothing", "main", '"field": "head", "code": "invalid"'),
        ("feature", "nothing", '"field": "base", "code": "invalid"'),
        ("stranger:feature", "main", '"field": "head", "code": "invalid"'),
        ("feature", "main", "A pull request already exists for acme:feature."),
        ("same", "main", "No commits between main and same"),
    ],
)
def test_wrong_pull_request_is_refused(github: StandIn, bob: Repository, head: str, base: str, words: str):
    open_pull(github, bob)
    bob.create_git_ref("refs/heads/same", bob.get_branch("main").commit.sha)
    with pytest.raises(GithubException) as error:
        bob.create_pull(base=base, head=head, title="again")
    assert refused(error)[0] == 422
    assert words in refused(error)[1]
    assert bob.get_pulls(state="all").totalCount == 1


def test_branch_without_common_history_is_refused(github: StandIn, bob: Repository):
    tree = bob.get_git_tree("main")
    alone = bob.create_git_commit("alone", tree, [])
    bob.create_git_ref("refs/heads/alone", alone.sha)
    with pytest.raises(GithubException) as error:
        bob.create_pull(base="main", head="alone", title="x")
    assert "no history in common" in refused(error)[1]


@pytest.mark.parametrize(("title", "body"), [("", "x"), ("  ", "x"), ("x" * 257, ""), ("x", "y" * 65537)])
def test_wrong_words_are_refused(github: StandIn, bob: Repository, title: str, body: str):
    github.commit(APP, {"x": "y"}, "x", branch="feature")
    with pytest.raises(GithubException) as error:
        bob.create_pull(base="main", head="feature", title=title, body=body)
    assert refused(error)[0] == 422
    bob.create_pull(base="main", head="feature", title="x", body="y" * 65536)


def test_closed_pull_request_can_be_made_again_or_opened_again(github: StandIn, bob: Repository):
    first = open_pull(github, bob)
    first.edit(state="closed")
    second = bob.create_pull(base="main", head="feature", title="again")
    assert second.number == first.number + 1
    with pytest.raises(GithubException) as error:
        first.edit(state="open")
    assert refused(error)[0] == 422
    second.edit(state="closed")
    first.edit(state="open", title="new", body="words")
    assert (first.state, first.title, first.body) == ("open", "new", "words")


def test_base_can_be_changed(github: StandIn, bob: Repository):
    pull = open_pull(github, bob)
    bob.create_git_ref("refs/heads/release", bob.get_branch("main").commit.sha)
    pull.edit(base="release")
    assert pull.base.ref == "release"
    with pytest.raises(GithubException):
        pull.edit(base="nothing")


def test_push_moves_the_head_and_a_deleted_branch_closes(github: StandIn, bob: Repository):
    pull = open_pull(github, bob)
    newer = github.commit(APP, {"more": "x"}, "more", branch="feature")
    assert (bob.get_pull(pull.number).head.sha, bob.get_pull(pull.number).commits) == (newer, 2)
    assert github.find(APP).git.ref(f"refs/pull/{pull.number}/head") == newer
    bob.get_git_ref("heads/feature").delete()
    assert bob.get_pull(pull.number).state == "closed"
    with pytest.raises(GithubException) as error:
        pull.edit(state="open")
    assert refused(error)[0] == 422


def test_draft_becomes_ready_and_back(github: StandIn, bob: Repository):
    pull = open_pull(github, bob, draft=True)
    pull.mark_ready_for_review()
    assert not bob.get_pull(pull.number).draft
    pull.convert_to_draft()
    assert bob.get_pull(pull.number).draft


def test_pull_request_from_a_fork(github: StandIn, bob: Repository, eve: Repository):
    fork = eve.create_fork()
    fork.create_file("theirs.txt", "Add", "x\n", branch="main")
    pull = eve.create_pull(base="main", head="eve:main", title="From a fork")
    assert (pull.head.repo.full_name, pull.user.login, [one.filename for one in pull.get_files()]) == (
        "eve/app",
        "eve",
        ["theirs.txt"],
    )
    assert github.find(APP).git.ref(f"refs/pull/{pull.number}/head") == pull.head.sha
    assert bob.get_pull(pull.number).merge().merged


def test_reviewers_are_asked_and_dropped(github: StandIn, bob: Repository):
    pull = open_pull(github, bob)
    pull.create_review_request(reviewers=["ann", "eve"])
    assert [one.login for one in pull.get_review_requests()[0]] == ["ann", "eve"]
    pull.delete_review_request(reviewers=["eve"])
    assert [one.login for one in bob.get_pull(pull.number).requested_reviewers] == ["ann"]
    for login in ("bob", "out", "ghost"):
        with pytest.raises(GithubException) as error:
            pull.create_review_request(reviewers=[login])
        assert refused(error)[0] == 422


def test_issue_is_no_pull_request(bob: Repository):
    number = bob.create_issue("x").number
    with pytest.raises(UnknownObjectException):
        bob.get_pull(number)


def test_reader_may_not_open_one_from_a_branch_they_cannot_push(github: StandIn, eve: Repository):
    github.commit(APP, {"x": "y"}, "x", branch="feature")
    with pytest.raises(GithubException) as error:
        eve.create_pull(base="main", head="feature", title="x")
    assert refused(error)[0] == 403


@pytest.mark.parametrize("place", ["CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS"])
def test_code_owners_are_asked(github: StandIn, bob: Repository, place: str):
    text = "* @eve\n*.py @ann @bob # both\n/docs/ @ann@example.invalid\n"
    github.commit(APP, {place: text}, "Own")
    github.grant(APP, "kim", "write")
    pull = open_pull(github, bob, files={"src/calc.py": "x = 1\n", "notes.txt": "x\n"})
    assert [one.login for one in bob.get_pull(pull.number).requested_reviewers] == [
        "ann"
    ]  # eve cannot write, bob wrote it


def test_code_owners_of_a_draft_are_asked_when_it_is_ready(github: StandIn, bob: Repository):
    github.commit(APP, {"CODEOWNERS": "* @ann\n"}, "Own")
    pull = open_pull(github, bob, draft=True)
    assert bob.get_pull(pull.number).requested_reviewers == []
    pull.mark_ready_for_review()
    assert [one.login for one in bob.get_pull(pull.number).requested_reviewers] == ["ann"]


def test_many_at_once_make_one(github: StandIn, bob: Repository):
    github.commit(APP, {"x": "y"}, "x", branch="feature")
    token = github.token("bob")

    def attempt(_: int) -> int:
        body = {"title": "x", "head": "feature", "base": "main"}
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(f"{github.base_url}/repos/{APP}/pulls", json=body, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == [201] + [422] * 7
    assert bob.get_pulls().totalCount == 1
