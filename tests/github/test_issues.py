"""Issues, comments and labels."""

from datetime import UTC, datetime, timedelta

import pytest
from github import GithubException, UnknownObjectException
from github.Repository import Repository

from tests.github.conftest import APP, open_pull, refused
from tests.support.github import StandIn


def test_issue_is_made_edited_closed_and_opened_again(ann: Repository):
    made = ann.create_issue("Broken", "It *fails*", labels=["agent:run", "new label"], assignees=["bob"])
    found = ann.get_issue(made.number)
    assert (found.title, found.body, found.state, found.user.login) == ("Broken", "It *fails*", "open", "ann")
    assert ([one.name for one in found.labels], [one.login for one in found.assignees]) == (
        ["agent:run", "new label"],
        ["bob"],
    )
    found.edit(title="Mended", body="", labels=["x"], assignees=["eve"])
    assert (found.title, [one.name for one in found.labels], found.assignee.login) == ("Mended", ["x"], "eve")
    found.edit(state="closed", state_reason="not_planned")
    assert (found.state, found.state_reason, found.closed_by.login) == ("closed", "not_planned", "ann")
    found.edit(state="open")
    assert (found.state, found.closed_at, found.state_reason) == ("open", None, "reopened")


def test_issues_are_listed_by_label_assignee_state_and_time(github: StandIn, ann: Repository):
    one = ann.create_issue("one", labels=["agent:run", "bug"], assignee="bob")
    two = ann.create_issue("two", labels=["agent:run"])
    three = ann.create_issue("three")
    three.edit(state="closed")

    def numbers(**how: object) -> list[int]:
        return [each.number for each in ann.get_issues(**how)]

    assert numbers() == [two.number, one.number]
    assert numbers(state="all", sort="created", direction="asc") == [1, 2, 3]
    assert (numbers(labels=["agent:run", "bug"]), numbers(assignee="bob"), numbers(assignee="none")) == ([1], [1], [2])
    assert numbers(creator="bob") == []
    assert numbers(state="all", since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert numbers(state="all", since=datetime.now(UTC) - timedelta(hours=1)) == [3, 2, 1]


def test_pull_requests_are_issues_too(github: StandIn, bob: Repository):
    pull = open_pull(github, bob)
    assert [one.pull_request is not None for one in bob.get_issues()] == [True]
    pull.add_to_labels("agent:review")
    assert [one.name for one in bob.get_pull(pull.number).labels] == ["agent:review"]


@pytest.mark.parametrize(("title", "body"), [("", None), (" ", "x"), ("t" * 257, "x"), ("t", "b" * 65537)])
def test_wrong_issue_is_refused(ann: Repository, title: str, body: str | None):
    with pytest.raises(GithubException) as error:
        ann.create_issue(title, body or "")
    assert refused(error)[0] == 422


def test_stranger_cannot_be_assigned(ann: Repository):
    with pytest.raises(GithubException) as error:
        ann.create_issue("x", assignee="out")
    assert refused(error)[0] == 422


def test_reader_opens_issues_but_sets_no_labels(eve: Repository, ann: Repository):
    made = eve.create_issue("x", labels=["agent:run"], assignee="bob")
    assert (ann.get_issue(made.number).labels, ann.get_issue(made.number).assignees) == ([], [])
    with pytest.raises(GithubException) as error:
        made.add_to_labels("agent:run")
    assert refused(error)[0] == 403
    made.edit(title="their own")
    with pytest.raises(GithubException) as error:
        eve.get_issue(ann.create_issue("y").number).edit(state="closed")
    assert refused(error)[0] == 403


def test_comment_is_made_listed_edited_and_deleted(eve: Repository, ann: Repository):
    issue = eve.create_issue("x")
    made = issue.create_comment("first <!-- marker -->")
    ann.get_issue(issue.number).create_comment("second")
    assert [(one.user.login, one.body) for one in issue.get_comments()] == [
        ("eve", "first <!-- marker -->"),
        ("ann", "second"),
    ]
    made.edit("changed")
    assert issue.get_comment(made.id).body == "changed"
    assert [one.body for one in ann.get_issues_comments()] == ["changed", "second"]
    assert [one.body for one in issue.get_comments(since=datetime.now(UTC) + timedelta(hours=1))] == []
    made.delete()
    assert [one.body for one in issue.get_comments()] == ["second"]
    with pytest.raises(UnknownObjectException):
        issue.get_comment(made.id)


@pytest.mark.parametrize("body", ["", " \n", "x" * 65537])
def test_wrong_comment_is_refused(ann: Repository, body: str):
    issue = ann.create_issue("x")
    with pytest.raises(GithubException) as error:
        issue.create_comment(body)
    assert refused(error)[0] == 422
    made = issue.create_comment("x" * 65536)
    with pytest.raises(GithubException) as error:
        made.edit(body)
    assert refused(error)[0] == 422


def test_hostile_words_come_back_as_they_were(ann: Repository):
    words = "@ann <script>\u202e\U0001f600\t```\n/factory run\r\n\"'\\"
    assert ann.create_issue(words.replace("\n", " ").replace("\r", ""), words).body == words


def test_comment_of_another_is_edited_only_by_who_may_write(ann: Repository, bob: Repository, eve: Repository):
    made = ann.create_issue("x").create_comment("ann's")
    theirs = eve.get_issue(1).get_comment(made.id)
    for act in (lambda: theirs.edit("eve's"), theirs.delete):
        with pytest.raises(GithubException) as error:
            act()
        assert refused(error)[0] == 403
    bob.get_issue(1).get_comment(made.id).edit("bob's")
    assert ann.get_issue(1).get_comment(made.id).body == "bob's"


def test_labels_of_the_repository(ann: Repository, eve: Repository):
    made = ann.create_label("agent:run", "00ff00", "Let the factory work")
    assert [one.name for one in eve.get_labels()] == ["agent:run"]
    made.edit("agent:go", "ff0000", "Go")
    found = ann.get_label("agent:go")
    assert (found.color, found.description) == ("ff0000", "Go")
    for name, color in (("AGENT:GO", "00ff00"), ("x", "green"), ("x" * 51, "00ff00")):
        with pytest.raises(GithubException) as error:
            ann.create_label(name, color)
        assert refused(error)[0] == 422
    with pytest.raises(GithubException) as error:
        eve.create_label("mine", "00ff00")
    assert refused(error)[0] == 403
    issue = ann.create_issue("x", labels=["agent:go"])
    found.delete()
    assert ann.get_issue(issue.number).labels == []


def test_labels_of_an_issue(ann: Repository):
    issue = ann.create_issue("x")
    issue.add_to_labels("a", "b/c")
    issue.add_to_labels("a")
    assert [one.name for one in issue.get_labels()] == ["a", "b/c"]
    issue.remove_from_labels("b/c")
    issue.set_labels("z", "y")
    assert [one.name for one in issue.get_labels()] == ["z", "y"]
    with pytest.raises(GithubException) as error:
        issue.remove_from_labels("a")
    assert refused(error)[0] == 404
    issue.delete_labels()
    assert list(issue.get_labels()) == []


def test_assignees_come_and_go(ann: Repository):
    issue = ann.create_issue("x")
    issue.add_to_assignees("bob", "eve")
    issue.remove_from_assignees("bob")
    assert [one.login for one in ann.get_issue(issue.number).assignees] == ["eve"]


def test_change_that_changes_nothing_moves_no_time(github: StandIn, ann: Repository):
    issue = ann.create_issue("x", "y", labels=["a"], assignees=["bob"])
    before = ann.get_issue(issue.number).updated_at
    github.pass_time(60)
    same = {"title": "x", "body": "y", "labels": ["a"], "assignees": ["bob"], "state": "open"}
    for name, value in same.items():
        issue.edit(**{name: value})
    issue.edit(**same)
    issue.add_to_assignees("bob")
    issue.add_to_labels("a")
    assert ann.get_issue(issue.number).updated_at == before
    blank = ann.create_issue("z")
    made = ann.get_issue(blank.number).updated_at
    github.pass_time(60)
    blank.edit(body="")
    assert ann.get_issue(blank.number).updated_at == made
    for number, change in enumerate(
        ({"title": "X"}, {"body": ""}, {"labels": []}, {"assignees": []}, {"state": "closed"}), 1
    ):
        github.pass_time(60)
        issue.edit(**change)
        assert ann.get_issue(issue.number).updated_at >= before + timedelta(minutes=number)


def test_search(github: StandIn, ann: Repository, bob: Repository):
    github.repository("acme/other", {"a": "b"})
    ann.create_issue("about parsing", "marker ticket=T-1", labels=["agent:run"])
    pull = open_pull(github, bob, body="marker ticket=T-2")

    def found(query: str) -> list[int]:
        return [one.number for one in github.as_person("bob").search_issues(query)]

    assert found(f'repo:{APP} "ticket=T-1"') == [1]
    assert found(f"repo:{APP} is:pr is:open ticket=T-2 in:body") == [pull.number]
    assert found(f"repo:{APP} label:agent:run author:ann") == [1]
    assert found(f"repo:{APP} -is:pr") == [1]
    assert found("repo:acme/other is:open") == []
    assert github.as_person("out").search_issues(f"repo:{APP}").totalCount == 0
