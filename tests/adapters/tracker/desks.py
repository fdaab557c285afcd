"""A tracker with people around it: they write, label and close as people do, past the adapter."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from github.Issue import Issue

from adapters._vendor.github import GitHub
from adapters._vendor.github_access import PERMISSIONS, AppAccess, TokenAccess
from adapters._vendor.github_limits import Manners
from adapters.tracker.contract import Tracker
from adapters.tracker.github.tracker import GitHubTracker
from adapters.tracker.local import MYSELF, LocalTracker
from policy.commands import may_command
from tests.support.github import StandIn

NAME = "calc"
FULL_NAME = "acme/calc"
APP = "factory-app"
QUICK = Manners(attempts=4, patience=60.0, first_wait=0.01, reading_pause=None, writing_pause=None)
STANDINGS = {"ann": "write", "bob": "admin", "eve": "read"}


class People(ABC):
    """ann may write, bob is an admin, eve may read; everybody else is a stranger."""

    tracker: Tracker
    login: str  #: the factory's

    @abstractmethod
    def write(
        self, title: str = "Tidy calc", text: str = "Please tidy.", *, author: str = "ann", labels: Sequence[str] = ()
    ) -> int: ...

    @abstractmethod
    def comment(self, number: int, text: str, *, author: str = "ann") -> int: ...

    @abstractmethod
    def comments(self, number: int) -> list[tuple[str, str]]: ...

    @abstractmethod
    def edit(self, number: int, **told: Any) -> None:
        """Change title, text, labels or status (open or closed) as a person."""


class LocalPeople(People):
    login = MYSELF

    def __init__(self, folder: Path) -> None:
        self.folder = folder / NAME
        self.folder.mkdir(parents=True)
        self.tracker = LocalTracker(folder, may_command)
        (self.folder / "people.yaml").write_text(yaml.safe_dump(STANDINGS))

    def write(self, title="Tidy calc", text="Please tidy.", *, author="ann", labels=()) -> int:
        number = 1 + sum(path.is_dir() for path in self.folder.iterdir())
        (self.folder / str(number)).mkdir()
        self._save(number, {"title": title, "author": author, "labels": list(labels), "status": "open"}, text)
        return number

    def comment(self, number, text, *, author="ann") -> int:
        folder = self.folder / str(number) / "comments"
        folder.mkdir(exist_ok=True)
        newest = 1 + max((int(path.stem) for path in folder.glob("*.md")), default=0)
        (folder / f"{newest}.md").write_text(f"---\nauthor: {author}\n---\n\n{text}\n", encoding="utf-8")
        return newest

    def comments(self, number) -> list[tuple[str, str]]:
        item = self.tracker.item(NAME, number)
        assert item is not None
        return [(one.author, one.text) for one in item.comments]

    def edit(self, number, **told) -> None:
        item = self.tracker.item(NAME, number)
        assert item is not None
        kept = item.model_dump(mode="json", include={"title", "author", "labels", "status"})
        text = told.pop("text", item.text)
        self._save(number, {**kept, **told}, text)

    def _save(self, number: int, keys: dict[str, Any], text: str) -> None:
        front = yaml.safe_dump(keys, allow_unicode=True)
        (self.folder / str(number) / "item.md").write_text(f"---\n{front}---\n\n{text}\n", encoding="utf-8")


class GitHubPeople(People):
    """People on the stand-in; the factory signs in as an App, or with a person's fine-grained token."""

    def __init__(self, github: StandIn, access: Literal["app", "token"] = "app") -> None:
        self.github = github
        if FULL_NAME not in github.world.repositories:
            github.repository(FULL_NAME, {"README.md": "x"})
        for person, role in STANDINGS.items():
            github.grant(FULL_NAME, person, role)
        self.hub = self._signed_in(access)
        self.login = f"{APP}[bot]" if access == "app" else "factory-bot"
        self.tracker = GitHubTracker(lambda _name: (self.hub, FULL_NAME), may_command)

    def write(self, title="Tidy calc", text="Please tidy.", *, author="ann", labels=()) -> int:
        number = self._as(author).create_issue(title, text).number
        if labels:
            self._as("bob").get_issue(number).set_labels(*labels)
        return number

    def comment(self, number, text, *, author="ann") -> int:
        return self._issue(number, author).create_comment(text).id

    def comments(self, number) -> list[tuple[str, str]]:
        return [(one.user.login, one.body) for one in self._issue(number, "bob").get_comments()]

    def edit(self, number, **told) -> None:
        issue = self._issue(number, "bob")
        if "labels" in told:
            issue.set_labels(*told.pop("labels"))
        if "status" in told:
            told["state"] = "closed" if told.pop("status") != "open" else "open"
        if "text" in told:
            told["body"] = told.pop("text")
        if told:
            issue.edit(**told)

    def _issue(self, number: int, login: str) -> Issue:
        return self._as(login).get_issue(number)

    def _as(self, login: str) -> Any:
        if login not in STANDINGS:
            self.github.grant(FULL_NAME, login, "read")  # the repository is private: a stranger would not get in
        return self.github.as_person(login).get_repo(FULL_NAME)

    def _signed_in(self, access: str) -> GitHub:
        if access == "token":
            self.github.grant(FULL_NAME, "factory-bot", "write")
            told = {name: level for name, level in PERMISSIONS.items() if name != "checks"}
            token = self.github.fine_grained_token("factory-bot", {FULL_NAME: told})
            return GitHub(TokenAccess(lambda: token), base_url=self.github.base_url, manners=QUICK)
        installation = self.github.install(self.github.app(APP, PERMISSIONS), FULL_NAME)
        app = installation.app
        way_in = AppAccess(str(app.id), installation.id, lambda: app.private_key)
        return GitHub(way_in, base_url=self.github.base_url, manners=QUICK)
