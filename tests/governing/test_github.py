"""A person's pull request on the stand-in GitHub, judged by a factory that knows of it by its settings alone."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from adapters.scanner.catalogue import SCANNERS
from control_plane.repositories.enrolment import EnrolRequest, enrol
from domain.heads import HeadState
from policy.governance.model import RULES
from resources.settings import ScannerSettings, load_settings
from resources.wiring import Factory, open_factory
from sensors.effects import ourselves
from tests.adapters.forge.github.hub import BOT, FULL_NAME, TOKEN_PERMISSIONS
from tests.governing.house import House
from tests.support.factory import Clock, World
from tests.support.github.stand_in import StandIn, github_stand_in

pytestmark = pytest.mark.dagster


@pytest.fixture
def github(tmp_path: Path) -> Iterator[StandIn]:
    with github_stand_in(tmp_path / "github.com") as found:
        found.repository(FULL_NAME)
        found.commit(FULL_NAME, {"calc.py": "def double(x):\n    return x * 2\n"}, "First")
        for login in ("ann", BOT):
            found.grant(FULL_NAME, login, "write")
        yield found


@pytest.fixture
def factory(tmp_path: Path, github: StandIn, monkeypatch: pytest.MonkeyPatch) -> Factory:
    monkeypatch.setenv("FACTORY_GITHUB__BASE_URL", github.base_url)
    monkeypatch.setenv("FACTORY_SECRET_GITHUB_TOKEN", github.fine_grained_token(BOT, {FULL_NAME: TOKEN_PERMISSIONS}))
    settings = load_settings(tmp_path / "home")
    off = {name: ScannerSettings(enabled=False) for name in SCANNERS}
    return open_factory(settings.model_copy(update={"scanners": off}), migrate=True)


def test_a_persons_pull_request_gets_one_comment_and_one_status_a_rule(
    tmp_path: Path, github: StandIn, factory: Factory
) -> None:
    request = EnrolRequest("calc", f"{github.host}/{FULL_NAME}", {"verify": ["true"]}, "ann")
    assert enrol(factory, request).repository.forge == "github"
    assert ourselves(factory).logins == (BOT,)
    github.commit(FULL_NAME, {"new.py": "x = 1\n"}, "More", branch="topic")
    hub = github.as_person("ann").get_repo(FULL_NAME)
    pull = hub.create_pull(title="More", body="", head="topic", base="main")
    with dg.DagsterInstance.ephemeral() as instance:
        home = House(World(factory=factory, source=tmp_path, clock=Clock()), instance)
        for _ in range(2):
            (asked,) = home.tick()
            assert home.launch(asked).success
            head = home.head(pull.number)
            assert head.state is HeadState.TOLD
            told = (head.repository, head.number, head.head_sha, head.policy_sha256)
            factory.heads.want(*told, now=factory.now(), again=True)
            comments = [one.body for one in hub.get_issue(pull.number).get_comments() if one.user.login == BOT]
            assert len(comments) == 1
            assert pull.head.sha in comments[0]
            statuses = [one.context for one in hub.get_commit(pull.head.sha).get_combined_status().statuses]
            assert {f"governance/{rule}" for rule in RULES} <= set(statuses)
            assert len(statuses) == len(set(statuses))
