"""Everything on the stand-in's github.com, and what changes it from several places."""

import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.github.access import Actor, Tokens, sees
from tests.support.github.answers import missing
from tests.support.github.bare import Person, make_bare
from tests.support.github.limits import Faults, Limits
from tests.support.github.state import Account, App, Installation, Issue, Label, Repository
from tests.support.github.webhooks import Webhooks

WEB_FLOW = ("GitHub", "noreply@github.com")
SETTINGS = {
    "has_issues": True, "allow_merge_commit": True, "allow_squash_merge": True, "allow_rebase_merge": False,
    "allow_auto_merge": False, "delete_branch_on_merge": False, "allow_update_branch": False, "archived": False,
}  # fmt: skip


@dataclass
class World:
    folder: Path
    host: str  #: http://127.0.0.1:PORT
    accounts: dict[str, Account] = field(default_factory=dict)  #: by login in lower case
    repositories: dict[str, Repository] = field(default_factory=dict)  #: by full name in lower case
    apps: dict[int, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    tokens: Tokens = field(default_factory=Tokens)
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    webhooks: Webhooks = field(default_factory=Webhooks)
    passed: timedelta = timedelta()
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: Iterable[int] = field(default_factory=lambda: itertools.count(1001))

    def __post_init__(self) -> None:
        self.account("web-flow").email = WEB_FLOW[1]

    @property
    def api(self) -> str:
        return f"{self.host}/api/v3"

    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed

    def id(self) -> int:
        return next(iter(self._ids))

    def account(self, login: str, kind: str = "User") -> Account:
        """Return the account of this name, made when it is not there."""
        found = self.accounts.get(login.lower())
        if not found:
            number = self.id()
            email = f"{number}+{login}@users.noreply.github.com"
            found = self.accounts[login.lower()] = Account(number, login, kind, email, self.now())
        return found

    def who(self, login: str) -> Account:
        """Raises: Refused with 404."""
        found = self.accounts.get(login.lower())
        if not found:
            raise missing()
        return found

    def by_email(self, email: str) -> Account | None:
        return next((one for one in self.accounts.values() if one.email.lower() == email.lower()), None)

    def find(self, owner: str, name: str) -> Repository:
        """Raises: Refused with 404."""
        found = self.repositories.get(f"{owner}/{name}".lower())
        if not found:
            raise missing()
        return found

    def add_repository(self, full_name: str, *, private: bool, default: str = "main") -> Repository:
        owner_login, _, name = full_name.partition("/")
        owner = self.account(owner_login, "Organization")
        git = make_bare(self.folder / owner_login / f"{name}.git", default)
        now = self.now()
        made = Repository(self.id(), owner, name, git, private, now, now, now, default, settings=dict(SETTINGS))
        if owner.kind == "User":
            made.roles[owner.login] = "admin"
        self.repositories[full_name.lower()] = made
        return made

    def visible(self, actor: Actor) -> list[Repository]:
        return [one for one in self.repositories.values() if sees(actor, one)]

    def installation_on(self, app: App, repository: Repository) -> Installation | None:
        found = (one for one in self.installations.values() if one.app is app and repository.id in one.repositories)
        return next(found, None)

    def person(self, account: Account | None) -> Person:
        """Return how an account signs a commit made through the API."""
        return Person(account.name or account.login, account.email, self.now()) if account else self.web_flow()

    def web_flow(self) -> Person:
        return Person(*WEB_FLOW, self.now())

    def label(self, repository: Repository, name: str) -> Label:
        """Return a label; GitHub makes one that is used and not there."""
        found = repository.labels.get(name.lower())
        if not found:
            found = repository.labels[name.lower()] = Label(self.id(), name)
        return found

    def next_number(self, repository: Repository) -> int:
        return max(repository.issues, default=0) + 1

    def touch(self, repository: Repository, issue: Issue | None = None) -> None:
        repository.updated_at = self.now()
        if issue:
            issue.updated_at = repository.updated_at


def stamp(when: datetime | None) -> str | None:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if when else None


def instant(text: Any) -> datetime | None:
    """Return an ISO 8601 time; None for what is none."""
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
