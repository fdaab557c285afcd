"""GitHub's issues as a tracker."""

import re
from collections.abc import Callable, Collection
from itertools import islice
from typing import Final

from github.GithubException import UnknownObjectException
from github.Issue import Issue
from github.Repository import Repository

from adapters._vendor.github import GitHub
from adapters._vendor.github_failures import github_failures
from adapters._vendor.github_limits import ensured
from adapters._vendor.github_markers import is_signed, signed
from adapters.tracker.github.reading import author_of, is_pull, item_of
from domain.tracking import FactoryLabel, Item, ItemStatus, Standing

RECENT: Final = 100  #: newest comments of a repository that are looked through for commands
STANDINGS: Final = {"admin": Standing.ADMIN, "maintain": Standing.WRITE, "write": Standing.WRITE, "read": Standing.READ}
_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")
COLOURS: Final = {FactoryLabel.NEEDS_HUMAN: "d93f0b", FactoryLabel.DONE: "0e8a16"}


class GitHubTracker:
    """`place` gives the GitHub and the `OWNER/NAME` of an enrolled repository; `may_ask` tells whether a comment is
    worth reading for commands."""

    def __init__(self, place: Callable[[str], tuple[GitHub, str]], may_ask: Callable[[str], bool]) -> None:
        self._place = place
        self._may_ask = may_ask

    def myself(self, repository: str) -> str:
        with github_failures():
            return self._place(repository)[0].login()

    def item(self, repository: str, number: int) -> Item | None:
        with github_failures():
            issue = self._issue(repository, number)
            return None if issue is None else item_of(repository, issue)

    def wanted(self, repository: str) -> list[Item]:
        with github_failures():
            github, name = self._place(repository)
            found = self._marked(github.repository(name), github.login())
            for number in self._spoken_of(github.repository(name)) - found.keys():
                issue = self._issue(repository, number)
                if issue is not None and issue.state == "open":
                    found[number] = issue
            return [item_of(repository, found[number]) for number in sorted(found)]

    def standing(self, repository: str, login: str) -> Standing:
        if not _LOGIN.fullmatch(login):
            return Standing.NONE
        with github_failures():
            github, name = self._place(repository)
            try:
                told = github.repository(name).get_collaborator_permission(login)
            except UnknownObjectException:
                return Standing.NONE
            return STANDINGS.get(told, Standing.NONE)

    def say(self, repository: str, number: int, *, marker: str, text: str) -> str:
        with github_failures():
            github, _ = self._place(repository)
            issue = self._told_issue(repository, number)
            body = signed(text, marker, "… cut here: `factory ticket show` tells all")

            def ours() -> list[int]:
                login = github.login().lower()
                said = issue.get_comments()
                return [one.id for one in said if author_of(one).lower() == login and is_signed(one.body, marker)]

            def create() -> int:
                return issue.create_comment(body).id

            known = ours()
            kept = known[0] if known else ensured(lambda: next(iter(ours()), None), create, github.manners)
            comment = issue.get_comment(kept)
            if comment.body != body:
                comment.edit(body)
            for spare in known[1:]:
                issue.get_comment(spare).delete()
            return comment.html_url

    def move(
        self, repository: str, number: int, status: ItemStatus, *, labels: Collection[FactoryLabel] | None = None
    ) -> None:
        with github_failures():
            issue = self._told_issue(repository, number)
            if labels is not None:
                self._label(repository, issue, labels)
            if issue.state == "open" and status.is_over:
                reason = "not_planned" if status is ItemStatus.WONT_FIX else "completed"
                issue.edit(state="closed", state_reason=reason)

    def _label(self, repository: str, issue: Issue, wanted: Collection[FactoryLabel]) -> None:
        """Only what differs is changed, one by one: a label that a person sets meanwhile stays."""
        there = {label.name for label in issue.labels}
        for label in (one for one in FactoryLabel if one in wanted and one not in there):
            self._ensure_label(repository, label)
            issue.add_to_labels(label.value)
        for label in (one for one in FactoryLabel if one not in wanted and one in there):
            try:
                issue.remove_from_labels(label.value)
            except UnknownObjectException:
                continue  # a person was quicker

    def _ensure_label(self, repository: str, label: FactoryLabel) -> None:
        github, name = self._place(repository)
        repo = github.repository(name)
        try:
            repo.get_label(label.value)
        except UnknownObjectException:
            repo.create_label(label.value, COLOURS.get(label, "1d76db"), "kept by the factory")

    def _marked(self, repo: Repository, login: str) -> dict[int, Issue]:
        found = list(repo.get_issues(state="open", labels=[FactoryLabel.RUN.value]))
        if not login.endswith("[bot]"):  # an App cannot be assigned
            found += repo.get_issues(state="open", assignee=login)
        return {issue.number: issue for issue in found if not is_pull(issue)}

    def _spoken_of(self, repo: Repository) -> set[int]:
        """Return the numbers of issues and pull requests with a comment that may hold a command."""
        recent = islice(repo.get_issues_comments(sort="created", direction="desc"), RECENT)
        return {int(one.issue_url.rpartition("/")[2]) for one in recent if self._may_ask(one.body or "")}

    def _issue(self, repository: str, number: int) -> Issue | None:
        github, name = self._place(repository)
        try:
            issue = github.repository(name).get_issue(number)
        except UnknownObjectException:
            return None
        return None if is_pull(issue) else issue

    def _told_issue(self, repository: str, number: int) -> Issue:
        github, name = self._place(repository)
        return github.repository(name).get_issue(number)
