"""A factory and a GitHub in one process: real webhooks over HTTP into the real inbox, sensors and jobs ticked by hand.

The agent is a stand-in that runs one command; between two requests nobody rests.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import uvicorn
from github.IssueComment import IssueComment
from github.PullRequest import PullRequest as Shown
from github.Repository import Repository as Hub
from starlette.applications import Starlette

from adapters._vendor.github import GitHub
from adapters._vendor.github_access import PERMISSIONS
from adapters._vendor.github_limits import Manners
from adapters.forge.github.inspection import EVENTS
from adapters.scanner.catalogue import SCANNERS
from control_plane.front_guard import FrontGuard
from control_plane.repositories.enrolment import EnrolRequest, enrol
from control_plane.webhooks.route import PATH, webhooks_route
from domain.repositories import Repository
from domain.tickets import Ticket
from factory_pipelines.definitions import OUTSIDE, define
from resources import github_access
from resources.settings import GitHubSettings, ScannerSettings, Settings, load_settings
from resources.wiring import Factory, open_factory
from sensors.open_heads import open_heads
from sensors.ready import ready_tickets
from sensors.tracker_sync import SyncReport, TrackerSync
from tests.support.factory import FIX, VERIFY, Clock, World
from tests.support.github.stand_in import StandIn, github_stand_in
from tests.support.repositories import MODULE, TEST
from tests.support.services import free_port
from tests.tracking.journey import Worker

FULL_NAME, NAME, APP = "acme/calc", "calc", "factory-app"
BOT = f"{APP}[bot]"
FILES = {"calc.py": MODULE, "test_calc.py": TEST, "README.md": "calc\n"}
SECRET = "only GitHub and the factory know"
QUICK = Manners(attempts=4, patience=60.0, first_wait=0.01, reading_pause=None, writing_pause=None)
PEOPLE = {"ann": "write", "bob": "write", "eve": "read", "root": "admin"}
(DELIVERIES,) = (one for one in OUTSIDE if one.name == "webhook_deliveries")


@dataclass
class HubHouse:
    world: World
    github: StandIn
    instance: dg.DagsterInstance
    worker: Worker
    said: list[str] = field(default_factory=list)  #: by the deliveries' sensor

    @property
    def factory(self) -> Factory:
        return self.world.factory

    @property
    def repository(self) -> Repository:
        return self.factory.lookup.repository(NAME)

    def sign_in_anew(self) -> None:
        """Forget tokens and connections, as another process begins."""
        github_access._client = cache(_quick)  # type: ignore[assignment]

    def hub(self, login: str = "ann") -> Hub:
        return self.github.as_person(login).get_repo(FULL_NAME)

    def ticket(self) -> Ticket:
        (found,) = self.factory.lookup.tickets()
        return found

    def pull(self) -> Shown:
        (found,) = self.hub().get_pulls(state="all")
        return found

    def issue(self, title: str = "Tidy calc", body: str = "Please.", *labels: str, login: str = "ann") -> int:
        """File one as a person; one with no labels asks for nothing."""
        number = self.hub(login).create_issue(title, body).number
        if labels:
            self.hub("root").get_issue(number).add_to_labels(*labels)
        return number

    def ours(self, number: int) -> list[IssueComment]:
        """Return the factory's comments on an issue or pull request."""
        return [one for one in self.hub().get_issue(number).get_comments() if one.user.login == BOT]

    def hear(self) -> str:
        """Let everything that GitHub sent arrive, then carry it out as the sensor does; return what it says."""
        self.github.settle()
        told = DELIVERIES(dg.build_sensor_context(instance=self.instance, resources={"factory": self.factory}))
        assert isinstance(told, dg.SkipReason)
        self.said.append(told.skip_message or "")
        return self.said[-1]

    def outcomes(self, event: str) -> list[str]:
        return [one.outcome for one in reversed(self.factory.inbox.newest(limit=10_000)) if one.event == event]

    def tell(self) -> SyncReport:
        """Look at all items, as the poller does."""
        return TrackerSync(self.factory).sync()

    def work(self) -> list[dg.ExecuteInProcessResult]:
        """Run what the dispatch sensor asks for."""
        return [self.launch("ticket_run", "tickets", one) for one in self.asked(ready_tickets)]

    def judge(self) -> list[dg.ExecuteInProcessResult]:
        """Run what the sensor of open heads asks for."""
        return [self.launch("governance_run", "heads", one) for one in self.asked(open_heads)]

    def deliver(self, *labels: str) -> int:
        """Take an issue to its open pull request, which everybody has heard of; return the issue's number."""
        number = self.issue("Tidy calc", "Please.", "engine:codex", "agent:run", *labels)
        self.hear()
        assert [one.success for one in self.work()] == [True]
        self.hear()
        return number

    def asked(self, sensor: Any) -> list[dg.RunRequest]:
        resources, definitions = {"factory": self.factory}, define(self.factory)
        told = sensor(dg.build_sensor_context(instance=self.instance, definitions=definitions, resources=resources))
        return list(told.run_requests or []) if isinstance(told, dg.SensorResult) else []

    def launch(self, job: str, partitions: str, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        key = str(request.partition_key)
        self.instance.add_dynamic_partitions(partitions, [key])
        asked = define(self.factory).resolve_job_def(job)
        return asked.execute_in_process(
            instance=self.instance, partition_key=key, raise_on_error=False, tags=dict(request.tags)
        )


@contextmanager
def hub_house(
    folder: Path, *, change: str = FIX, hooked: bool = True, scanning: bool = False, **told: Any
) -> Iterator[HubHouse]:
    """Yield a house whose repository is on the stand-in; `change` is what the agent runs, `told` its settings.

    Where nothing is scanned every verdict is undetermined, which is quicker to learn.
    """
    with github_stand_in(folder / "github.com") as github, pytest.MonkeyPatch.context() as patch:
        github.repository(FULL_NAME, FILES)
        for login, role in PEOPLE.items():
            github.grant(FULL_NAME, login, role)
        for name, value in variables(github).items():
            patch.setenv(name, value)
        patch.setattr(github_access, "_client", cache(_quick))
        factory, worker = _opened(folder / "home", scanning), Worker(change)
        factory = replace(factory, harnesses={**factory.harnesses, "codex": worker}, now=Clock())
        settings = {"verify": [VERIFY], "autonomy": "autonomous", **told}
        enrol(factory, EnrolRequest(NAME, f"{github.host}/{FULL_NAME}", settings, "ann"))
        with dg.DagsterInstance.ephemeral() as instance, _listening(factory.settings) as address:
            if hooked:
                config = {"url": address, "content_type": "json", "secret": SECRET}
                github.as_person("root").get_repo(FULL_NAME).create_hook("web", config, list(EVENTS), active=True)
            yield HubHouse(World(factory, folder, factory.now), github, instance, worker)  # type: ignore[arg-type]


def variables(github: StandIn) -> dict[str, str]:
    """Install the factory's App, and return what the factory is told of GitHub."""
    installation = github.install(github.app(APP, PERMISSIONS), FULL_NAME)
    return {
        "FACTORY_GITHUB__BASE_URL": github.base_url,
        "FACTORY_GITHUB__APP_ID": str(installation.app.id),
        "FACTORY_GITHUB__INSTALLATION_ID": str(installation.id),
        "FACTORY_SECRET_GITHUB_APP_KEY": installation.app.private_key,
        "FACTORY_SECRET_WEBHOOK_CALC": SECRET,
        "FACTORY_HARNESSES__CODEX__BASE_URL": "http://127.0.0.1:9/",
    }


def _quick(told: str) -> GitHub:
    settings = GitHubSettings.model_validate_json(told)
    return GitHub(github_access._access(settings), base_url=settings.base_url, manners=QUICK)


def _opened(home: Path, scanning: bool) -> Factory:
    off = {} if scanning else {name: ScannerSettings(enabled=False) for name in SCANNERS}
    return open_factory(load_settings(home).model_copy(update={"scanners": off}), migrate=True)


@contextmanager
def _listening(settings: Settings) -> Iterator[str]:
    """Serve the webhooks' address, behind the front door's guard."""
    port = free_port()
    app = FrontGuard(Starlette(routes=[webhooks_route(settings)]), token="t" * 20, port=port)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        _wait(lambda: server.started)
        yield f"http://127.0.0.1:{port}{PATH}"
    finally:
        server.should_exit = True
        thread.join(30)


def _wait(what: Callable[[], bool]) -> None:
    while not what():
        time.sleep(0.01)
