"""A night at work: the services, a real agent with a scripted model, and a GitHub with people, webhooks and all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from github.IssueComment import IssueComment
from github.PullRequest import PullRequest as Shown
from github.Repository import Repository as Hub

from adapters._vendor.github_access import PERMISSIONS
from adapters.forge.github.inspection import EVENTS
from control_plane.repositories.enrolment import EnrolRequest, enrol
from domain.deliveries import DeliveryState
from domain.governed import GovernanceReport
from domain.lifecycle import Stage
from domain.tickets import Ticket
from resources.settings import load_settings
from resources.wiring import open_factory
from tests.e2e.workshop import leftovers, variables
from tests.support.backends import serving
from tests.support.factory import VERIFY, World
from tests.support.github.stand_in import StandIn, github_stand_in
from tests.support.live import Live, live
from tests.support.model import Model
from tests.support.services import free_port

FULL_NAME, NAME, BOT = "acme/calc", "calc", "factory-app[bot]"
SECRET = "signed by a stand-in"
FILES = {
    "calc.py": "def double(x: int) -> int:\n    return x * 2\n",
    "test_calc.py": (
        "import unittest\n\nfrom calc import double\n\n\nclass Doubling(unittest.TestCase):\n"
        "    def test_it(self) -> None:\n        self.assertEqual(double(2), 4)\n"
    ),
}
#: nobody waits for minutes whether more is said
REWORK = "draft: {}\nreviewers: {}\nrework: {enabled: true, quiet: 2s, longest: 1m, most: 3}\n"
REWORK += "merge: {confidence: 0.5, least_runs: 1, risk: [low, medium]}\n"  # what is fit to be merged is merged by a person all the same


@dataclass
class Night:
    """One enrolled repository; ann writes code and merges, root owns it."""

    services: Live
    github: StandIn
    model: Model

    @property
    def world(self) -> World:
        return self.services.world

    def hub(self, login: str = "ann") -> Hub:
        return self.github.as_person(login).get_repo(FULL_NAME)

    def until(self, what: Callable[[], bool], words: str) -> None:
        self.services.until(what, words)

    def ticket(self) -> Ticket:
        (found,) = self.world.factory.lookup.tickets()
        return found

    def pull(self) -> Shown:
        (found,) = self.hub().get_pulls(state="all")
        return found

    def pull_opened(self) -> bool:
        """Tell whether there is one; a ticket that will get no further attempt fails the test."""
        ticket = self.ticket()
        assert ticket.stage is not Stage.DEAD_LETTER, ticket.reason
        return self.hub().get_pulls(state="all").totalCount > 0

    def deliveries(self, event: str) -> list[Any]:
        return [one for one in self.world.factory.inbox.newest(limit=10_000) if one.event == event]

    def settled(self) -> bool:
        """Tell whether everything GitHub sent was carried out; one that failed fails the test."""
        found = self.world.factory.inbox.newest(limit=10_000)
        failed = [(one.event, one.outcome) for one in found if one.state is DeliveryState.FAILED]
        assert not failed, failed
        return all(one.state is not DeliveryState.WAITING for one in found)

    def report_of(self, number: int, head: str) -> GovernanceReport | None:
        found = self.world.factory.governance.reports(repository=NAME, number=number)
        return next((one for one in found if one.head_sha == head), None)

    def told(self, number: int, head: str) -> bool:
        """Tell whether the report of this head stands on the forge."""
        wanted = self.world.factory.heads.find(NAME, number)
        return wanted is not None and (wanted.head_sha, wanted.state.value) == (head, "told")

    def said_by_us(self, number: int) -> list[IssueComment]:
        return [one for one in self.hub().get_issue(number).get_comments() if one.user.login == BOT]

    def statuses(self, sha: str) -> dict[str, str]:
        return {one.context: one.state for one in self.hub().get_commit(sha).get_combined_status().statuses}

    def check_runs(self, sha: str) -> dict[str, str | None]:
        """Return each check run's conclusion; two of one name fail."""
        found = list(self.hub().get_commit(sha).get_check_runs())
        assert len({one.name for one in found}) == len(found)
        return {one.name: one.conclusion for one in found}


@contextmanager
def a_night(folder: Path, model: Model, script: str) -> Iterator[Night]:
    """Run everything until the block ends; `script` is what codex does where no words tell otherwise."""
    port = free_port()
    with github_stand_in(folder / "github.com") as github, pytest.MonkeyPatch.context() as patch:
        told = {**variables(model), **_signed_in(github), "FACTORY_SANDBOX": "bubblewrap"}
        told["FACTORY_HARNESSES__CODEX__BASE_URL"] = model.at(script)
        told["FACTORY_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        told["FACTORY_POLICY_DIR"] = str(_policy(folder / "policy"))
        told["FACTORY_SECRET_WEBHOOK_CALC"] = SECRET
        for name, value in told.items():
            patch.setenv(name, value)
        with serving(folder / "home", "bubblewrap"):
            world = _enrolled(folder, github)
        with live(world, variables=told, port=port, sandbox="bubblewrap") as services:
            _hook(github, port)
            yield Night(services, github, model)
        assert leftovers(world) == []


def _signed_in(github: StandIn) -> dict[str, str]:
    """Make the repository, its people and the App, and return what the factory is told of them."""
    github.repository(FULL_NAME, FILES)
    for login, role in {"ann": "write", "root": "admin", "eve": "read"}.items():
        github.grant(FULL_NAME, login, role)
    installation = github.install(github.app("factory-app", PERMISSIONS), FULL_NAME)
    return {
        "FACTORY_GITHUB__BASE_URL": github.base_url,
        "FACTORY_GITHUB__APP_ID": str(installation.app.id),
        "FACTORY_GITHUB__INSTALLATION_ID": str(installation.id),
        "FACTORY_SECRET_GITHUB_APP_KEY": installation.app.private_key,
    }


def _enrolled(folder: Path, github: StandIn) -> World:
    factory = open_factory(load_settings(folder / "home"), migrate=True)
    told = {"verify": [VERIFY], "autonomy": "autonomous"}
    enrol(factory, EnrolRequest(NAME, f"{github.host}/{FULL_NAME}", told, "ann"))
    return World(factory, folder)


def _policy(folder: Path) -> Path:
    folder.mkdir()
    (folder / "pull_requests.yaml").write_text(REWORK)
    return folder


def _hook(github: StandIn, port: int) -> None:
    hub = github.as_person("root").get_repo(FULL_NAME)
    config = {"url": f"http://127.0.0.1:{port}/v1/webhooks/github", "content_type": "json", "secret": SECRET}
    hub.create_hook("web", config, list(EVENTS), active=True)
