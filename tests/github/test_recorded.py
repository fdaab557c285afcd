"""Our client and everything of ours that reads GitHub's answers, held to answers that github.com has really given.

They go back to 2011, lack what GitHub did not tell then, and have nulls where today's description has none.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from adapters._vendor.github import GitHub
from adapters._vendor.github_access import TokenAccess
from adapters._vendor.github_limits import Manners
from adapters.forge.github import checks, remarks
from adapters.forge.github.desk import GitHubDesk
from adapters.forge.github.inspection import Wanted, inspect
from adapters.forge.github.marks import TicketMark
from adapters.forge.github.protection import Protection, inspected
from adapters.forge.github.pulls import get
from adapters.forge.github.showing import NOBODY, pull_request
from adapters.forge.github.site import Site, hub_failures
from adapters.tracker.github.tracker import STANDINGS, GitHubTracker
from domain.errors import FactoryError, ForgeRefused, ForgeUnavailable
from domain.forge import PullRequestState
from domain.repositories import Repository, RepositorySettings
from domain.tracking import ItemStatus, Standing
from tests.adapters.forge.workshop import NOON
from tests.support.recorded import GITHUB, Exchange, Recordings, Replaying, recordings, replaying

REPO = "/repos/{}/{}"
ONCE = Manners(attempts=2, patience=5.0, first_wait=0.01, reading_pause=None, writing_pause=None)
ME = Exchange("ours", "GET", "/user", 200, {"content-type": "application/json"}, '{"login": "factory-bot", "id": 1}')


def nothing(verb: str, path: str, body: str = "[]") -> Exchange:
    return Exchange("ours", verb, path, 200, {"content-type": "application/json"}, body)


def person(user: dict) -> Exchange:
    """Until 2013 an issue did not tell its author's type, for which PyGithub asks again."""
    return nothing("GET", f"/users/{user['login']}", json.dumps({"type": "User", **user}))


class Desk(GitHubDesk):
    """The desk, without a mirror: what is read here needs none."""

    def __init__(self, github: GitHub, folder: Path) -> None:
        self._github, self._folder = github, folder

    def site(self, repository: Repository) -> Site:
        name = self._github.addresses.full_name(repository.source)
        return Site(repository.name, name, self._github, self._folder / "x.git", self._folder, repository.source)


class Reader:
    """One client and what reads with it, for the repository of an exchange."""

    def __init__(self, server: Replaying, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.say()

    def say(self, *exchanges: Exchange, at: str | None = None) -> None:
        """Let the server say this, to a client that remembers nothing of what was said before."""
        self.server.say(*exchanges, at=at)
        self.github = GitHub(TokenAccess(lambda: "a-token"), base_url=self.server.address, manners=ONCE)
        self.desk = Desk(self.github, self.folder)

    def body(self, exchange: Exchange) -> Any:
        """Return what the client sees of an answer: addresses lead to the server."""
        return json.loads(exchange.text.replace(GITHUB, self.server.address))

    def repository(self, exchange: Exchange) -> Repository:
        owner, name = exchange.path.split("/")[2:4]
        address = f"{self.github.addresses.web}/{owner}/{name}"
        return Repository(
            name="demo",
            source=address,
            remote="x",
            settings=RepositorySettings(base="main"),
            created_at=NOON,
            created_by="ann",
        )

    def site(self, exchange: Exchange) -> Site:
        return self.desk.site(self.repository(exchange))

    def tracker(self, exchange: Exchange, may_ask: Callable[[str], bool] = lambda text: True) -> GitHubTracker:
        name = self.site(exchange).full_name
        return GitHubTracker(lambda repository: (self.github, name), may_ask)


@pytest.fixture(scope="session")
def recorded(pytestconfig: pytest.Config) -> Recordings:
    assert pytestconfig.cache is not None
    return recordings(pytestconfig.cache.mkdir("sdists"))


@pytest.fixture(scope="module")
def server() -> Iterator[Replaying]:
    with replaying() as found:
        yield found


@pytest.fixture
def reader(server: Replaying, tmp_path: Path) -> Reader:
    return Reader(server, tmp_path)


def number_of(exchange: Exchange) -> int:
    return int(exchange.path.split("/")[5])


def login(told: dict | None) -> str:
    return told["login"] if told else NOBODY


# pull requests


def test_pull_requests(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    found = recorded.of("GET", f"{REPO}/pulls/{{N}}")
    assert len(found) >= 20
    for one in found:
        with subtests.test(one.name):
            reader.say(one, ME)
            told, pull = reader.body(one), reader.desk.pull(reader.repository(one), number_of(one))
            assert pull is not None
            assert (pull.number, pull.title, pull.head_sha) == (told["number"], told["title"], told["head"]["sha"])
            assert (pull.author, pull.branch, pull.base) == (
                login(told["user"]),
                told["head"]["ref"],
                told["base"]["ref"],
            )
            state = "merged" if told["merged_at"] else told["state"]
            assert pull.state == PullRequestState(state)
            assert pull.merged_by == (login(told["merged_by"]) if told["merged_at"] else None)
            home = told["head"]["repo"]
            assert pull.is_fork == (not home or home["full_name"].lower() != told["base"]["repo"]["full_name"].lower())
            assert pull.ticket_id is None
            shown = get(reader.site(one), pull.number)
            ours = pull_request(reader.site(one), shown, TicketMark(ticket_id="T-1", run_id="r", fence=1))
            assert (ours.head_sha, ours.created_at.astimezone(UTC).isoformat()[:19]) == (
                told["head"]["sha"],
                told["created_at"][:19],
            )


def test_lists_of_pull_requests(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    found = recorded.of("GET", f"{REPO}/pulls")
    assert len(found) >= 4
    for one in found:
        with subtests.test(one.name):
            # a merged one in a list is asked for once more, for who merged it
            reader.say(one, ME, *(nothing("GET", urlsplit(pull["url"]).path, "{}") for pull in reader.body(one)))
            pulls = reader.desk.open_pulls(reader.repository(one))
            assert [(pull.number, pull.head_sha) for pull in pulls] == [
                (told["number"], told["head"]["sha"]) for told in reader.body(one)
            ]


@pytest.mark.parametrize(
    ("kind", "least"), [("issues/{}/comments", 3), ("pulls/{}/reviews", 2), ("pulls/{}/comments", 1)]
)
def test_remarks(recorded: Recordings, reader: Reader, subtests: pytest.Subtests, kind: str, least: int):
    found = recorded.of("GET", f"{REPO}/{kind.format('{N}')}")
    assert len(found) >= least
    (pull, *_) = recorded.of("GET", "/repos/PyGithub/PyGithub/pulls/31")
    commit = f"/repos/PyGithub/PyGithub/commits/{reader.body(pull)['head']['sha']}"
    for one in found:
        with subtests.test(one.name):
            reader.say(one, pull, ME, at=f"/repos/PyGithub/PyGithub/{kind.format(31)}")
            for empty in ("issues/{}/comments", "pulls/{}/reviews", "pulls/{}/comments"):
                reader.server.also(nothing("GET", f"/repos/PyGithub/PyGithub/{empty.format(31)}"))
            reader.server.also(nothing("GET", f"{commit}/check-runs", '{"total_count": 0, "check_runs": []}'))
            reader.server.also(nothing("GET", f"{commit}/statuses"))
            said = reader.desk.remarks(reader.repository(pull), 31)
            told = [
                each
                for each in reader.body(one)
                if (each.get("state") in {"APPROVED", "CHANGES_REQUESTED"}) or each["body"]
            ]
            assert sorted((remark.author, remark.text) for remark in said) == sorted(
                (login(each["user"]), each["body"] or "") for each in told
            )
            assert all(remark.at.year > 2010 for remark in said)


# checks


def test_check_runs(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    found = recorded.of("GET", f"{REPO}/commits/{{}}/check-runs")
    assert len(found) >= 5
    for one in found:
        with subtests.test(one.name):
            reader.say(one, ME)
            site, sha = reader.site(one), one.path.split("/")[5]
            with hub_failures(site.manners):
                runs = remarks._runs(site, sha)
                assert [checks.is_ours(site, run) for run in runs] == [False] * len(reader.body(one)["check_runs"])
                told = [(run.name, run.conclusion, run.output.title, run.output.summary) for run in runs]
            assert told == [
                (run["name"], run["conclusion"], run["output"]["title"], run["output"]["summary"])
                for run in reader.body(one)["check_runs"]
            ]


def test_statuses(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    found = recorded.of("GET", f"{REPO}/statuses/{{}}") + recorded.of("GET", f"{REPO}/commits/{{}}/statuses")
    assert found
    for one in found:
        with subtests.test(one.name):
            reader.say(one, ME, at=f"/repos/{'/'.join(one.path.split('/')[2:4])}/commits/{'a' * 40}/statuses")
            site = reader.site(one)
            with hub_failures(site.manners):
                told = {name: each.state for name, each in checks.newest(checks.statuses_of(site, "a" * 40)).items()}
            newest = {
                each.get("context", "default"): each for each in sorted(reader.body(one), key=lambda each: each["id"])
            }
            assert {name or "default": state for name, state in told.items()} == {
                name: each["state"] for name, each in newest.items()
            }


# issues


def test_issues(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    found = [one for one in recorded.of("GET", f"{REPO}/issues/{{N}}") if told_apart(one.body)]
    assert len(found) >= 10
    for one in found:
        with subtests.test(one.name):
            reader.say(one, nothing("GET", f"{one.path}/comments"), person(one.body["user"]), ME)
            item, told = reader.tracker(one).item("demo", number_of(one)), reader.body(one)
            if _is_pull(told):
                assert item is None
                continue
            assert item is not None
            assert (item.number, item.title, item.text) == (told["number"], told["title"], told["body"] or "")
            assert item.labels == tuple(label["name"] for label in told["labels"])
            assert item.status.is_over == (told["state"] == "closed")
            assert (item.status is ItemStatus.WONT_FIX) == (told.get("state_reason") == "not_planned")
            assignees = told.get("assignees", [told.get("assignee")])
            assert set(item.assignees) == {each["login"] for each in assignees if each}


def test_lists_of_issues(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    found = [one for one in recorded.of("GET", f"{REPO}/issues") if all(map(told_apart, one.body))]
    assert len(found) >= 15
    for one in found:
        with subtests.test(one.name):
            home = "/".join(one.path.split("/")[:4])
            reader.say(one, ME, nothing("GET", f"{home}/issues/comments"))
            for issue in one.body:
                place = f"{home}/issues/{issue['number']}"
                reader.server.also(nothing("GET", place, json.dumps(issue)))
                reader.server.also(nothing("GET", f"{place}/comments"))
                reader.server.also(person(issue["user"]))
            wanted = {item.number for item in reader.tracker(one).wanted("demo")}
            assert wanted == {issue["number"] for issue in one.body if not _is_pull(issue)}
            if all(TOLD_NOW <= issue.keys() for issue in one.body):
                again = [place for verb, place in reader.server.asked if place.split("/")[-1].isdecimal()]
                assert not again, "an issue of a list is asked for no more"


#: what a list tells of an issue since GitHub gives reasons for closing
TOLD_NOW = {"assignees", "reactions", "state_reason", "html_url", "comments"}


def _is_pull(issue: dict) -> bool:
    return "/pull/" in issue["html_url"]


def told_apart(issue: dict) -> bool:
    """Until 2013 every issue had the key of pull requests, and pull requests had the addresses of issues."""
    return "number" in issue and any((issue.get("pull_request") or {}).values()) == _is_pull(issue)


def noting(seen: list[str]) -> Callable[[str], bool]:
    return lambda text: bool(seen.append(text))


def test_comments_of_a_repository_over_all_pages(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    found = recorded.of("GET", f"{REPO}/issues/comments")
    assert found
    for one in found:
        with subtests.test(one.name):
            seen: list[str] = []
            reader.say(one, *recorded.beside(one), ME)
            reader.server.also(nothing("GET", f"{'/'.join(one.path.split('/')[:4])}/issues"))
            reader.tracker(one, noting(seen)).wanted("demo")
            assert seen[: len(reader.body(one))] == [told["body"] for told in reader.body(one)]
            if "link" in one.headers:
                assert len(seen) > len(reader.body(one))


def test_standings(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    place = f"{REPO}/collaborators/{{}}/permission"
    found = recorded.of("GET", place)
    assert found
    for one in found:
        with subtests.test(one.name):
            reader.say(one)
            told = reader.tracker(one).standing("demo", one.path.split("/")[5])
            assert told == STANDINGS.get(reader.body(one)["permission"], Standing.NONE)
    (denied,) = recorded.of("GET", place, 403)
    reader.say(denied)
    with pytest.raises(ForgeRefused, match="Must have push access"):
        reader.tracker(denied).standing("demo", denied.path.split("/")[5])


# the repository


def test_branches_and_repositories(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    repositories = recorded.of("GET", REPO)
    branches = [one for one in recorded.of("GET", f"{REPO}/branches/{{}}") if "commit" in one.body]  # one was cut short
    assert (len(branches) >= 5, len(repositories) >= 50) == (True, True)
    for one in branches:
        with subtests.test(one.name):
            reader.say(one)
            branch = reader.site(one).hub.get_branch(unquote(one.path.split("/")[5]))
            assert branch.commit.sha == reader.body(one)["commit"]["sha"]
    for one in repositories:
        with subtests.test(one.name):
            reader.say(one)
            hub = reader.site(one).hub
            with hub_failures(ONCE):
                told = (hub.default_branch or None, bool(hub.archived), bool(hub.has_issues))
            body = reader.body(one)
            assert told == (body.get("default_branch"), bool(body.get("archived")), bool(body.get("has_issues")))


def test_protection(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    found = recorded.of("GET", f"{REPO}/branches/{{}}/protection")
    assert len(found) >= 2
    for one in found:
        with subtests.test(one.name):
            reader.say(one)
            body = reader.body(one)
            contexts = (body.get("required_status_checks") or {}).get("contexts", [])
            needs = inspected(reader.site(one), one.path.split("/")[5], Protection(checks=tuple(contexts), approvals=1))
            states = {need.what.partition(": ")[2]: need.state for need in needs}
            assert all(states[f"check {name!r} is required"] == "ok" for name in contexts)
            approvals = (body.get("required_pull_request_reviews") or {}).get("required_approving_review_count", 0)
            assert (states["1 approval(s) are required"] == "ok") == (approvals >= 1)


def test_hooks_and_labels(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    labels, hooks = recorded.of("GET", f"{REPO}/labels"), recorded.of("GET", f"{REPO}/hooks")
    assert labels and hooks
    for one in (*labels, *hooks):
        with subtests.test(one.name):
            home = "/".join(one.path.split("/")[:4])
            repository = nothing("GET", home, '{"archived": false, "has_issues": true}')
            reader.say(one, ME, repository, nothing("GET", f"{home}/hooks"), nothing("GET", f"{home}/labels"))
            names = tuple(told["name"] for told in reader.body(one) if told["name"] != "web")
            hook = next((told["config"]["url"] for told in reader.body(one) if "url" in told.get("config", {})), None)
            wanted = Wanted("main", hook, labels=names if one in labels else ())
            states = {need.what: need.state for need in inspect(reader.site(one), wanted)}
            assert all(states[f"label {name}"] == "ok" for name in wanted.labels)
            assert hook is None or states[f"webhook to {hook}"] == "ok"


# writing: what comes back


def test_answers_to_writes(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    writes = {
        ("POST", f"{REPO}/check-runs", 201): lambda hub, one: hub.create_check_run("x", "a" * 40).html_url,
        ("POST", f"{REPO}/issues/{{}}/comments", 201): lambda hub, one: hub.get_issue(number_of(one)).create_comment("x").html_url,
        ("POST", f"{REPO}/pulls", 201): lambda hub, one: hub.create_pull(base="a", head="b", title="c").html_url,
    }  # fmt: skip
    for (verb, path, status), write in writes.items():
        found = recorded.of(verb, path, status)
        told = [one for one in found if "html_url" in reader.body(one)]
        assert found
        for one in told:
            with subtests.test(one.name):
                reader.say(one)
                if "/issues/" in one.path:
                    place = one.path.removesuffix("/comments")
                    reader.server.also(nothing("GET", place, f'{{"url": "{reader.server.address}{place}"}}'))
                with hub_failures(ONCE):
                    assert write(reader.site(one).hub, one) == reader.body(one)["html_url"]


# what is unchanged, and what goes wrong


def test_unchanged_answers_are_not_sent_again(recorded: Recordings, reader: Reader, subtests: pytest.Subtests):
    tagged = [one for one in recorded.of("GET", f"{REPO}/pulls/{{N}}") if one.headers.get("etag")]
    assert len(tagged) >= 10
    for one in tagged:
        with subtests.test(one.name):
            reader.say(one, ME)
            first, again = (reader.desk.pull(reader.repository(one), number_of(one)) for _ in range(2))
            assert first == again is not None
            assert 304 in reader.server.statuses


FAILURES = [
    (404, "GET", REPO, ForgeRefused), (404, "GET", f"{REPO}/branches/{{}}", ForgeRefused),
    (400, "GET", REPO, ForgeRefused), (502, "GET", REPO, ForgeUnavailable), (500, "GET", REPO, ForgeUnavailable),
    (401, "GET", "/user", ForgeRefused), (403, "GET", "/users/{}", FactoryError), (503, "GET", "/users/{}", ForgeUnavailable),
    (422, "POST", "/user/keys", ForgeRefused), (404, "POST", "/app/installations/{}/access_tokens", ForgeRefused),
    (401, "POST", "/app/installations/{}/access_tokens", ForgeRefused),
    (422, "POST", "/app/installations/{}/access_tokens", ForgeRefused),
]  # fmt: skip


@pytest.mark.parametrize(("status", "verb", "path", "failure"), FAILURES)
def test_failures(recorded: Recordings, reader: Reader, status: int, verb: str, path: str, failure: type[FactoryError]):
    found = recorded.of(verb, path, status)
    assert found
    for one in found:
        reader.say(one)
        with pytest.raises(failure) as error, hub_failures(ONCE):
            reader.github.requester("a/b").requestJsonAndCheck(verb, one.path, input={} if verb == "POST" else None)
        assert type(error.value) in {ForgeRefused, ForgeUnavailable}
        words = reader.body(one).get("message") if one.text.startswith("{") else None
        assert not words or status == 403 or " ".join(words.split())[:60] in str(error.value)
        assert "a-token" not in str(error.value)


def test_used_up_rate_limit_is_waited_for_and_not_refused(recorded: Recordings, reader: Reader):
    limited = [
        one
        for one in recorded.exchanges
        if one.status == 403 and one.verb == "GET" and one.headers.get("x-ratelimit-remaining") == "0"
    ]
    assert limited
    for one in limited:
        reader.say(one)
        with pytest.raises(ForgeUnavailable), hub_failures(ONCE):
            reader.github.requester("a/b").requestJsonAndCheck("GET", one.path)


def test_moved_repository_is_told(recorded: Recordings, reader: Reader):
    (moved, *_) = recorded.of("GET", REPO, 301)
    reader.say(moved)
    with pytest.raises(ForgeRefused), hub_failures(ONCE):
        _ = reader.site(moved).hub.default_branch
