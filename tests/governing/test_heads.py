"""Heads of pull requests as Dagster runs: asked for once, judged, told, and judged again when they move."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from domain.errors import ForgeUnavailable
from domain.forge import CheckTold
from domain.governance import Verdict
from domain.heads import HeadState
from policy.governance.model import RULES
from policy.redelivery import TRIES
from sensors.effects import effects_of
from sensors.heads import HeadWatch
from tests.governing.house import House, house, materialized
from tests.support.repositories import git

pytestmark = pytest.mark.dagster
STAGES = ["pull_head", "change_facts", "governance_report", "governance_told"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, scanning=False) as made:
        yield made


def moved(home: House, number: int = 1) -> str:
    """Push another commit to the pull request's branch, as a person does; return its new head."""
    remote = Path(home.repository.remote)
    pull = home.world.factory.forges["local"].pull(home.repository, number)  # type: ignore[attr-defined]
    tree = git(remote, "rev-parse", f"{pull.head_sha}^{{tree}}").strip()
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    commit = git(remote, *who, "commit-tree", tree, "-p", pull.head_sha, "-m", "More").strip()
    git(remote, "update-ref", f"refs/heads/{pull.branch}", commit)
    path = home.said(number) / "pull_request.json"
    path.write_text(path.read_text().replace(pull.head_sha, commit))
    return commit


def test_a_head_is_judged_and_told_once(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        judged_once(home)


def judged_once(home: House) -> None:
    _ticket, pull = home.delivered()
    (request,) = home.tick()
    assert request.run_key == f"calc#1@{pull.head_sha}:{home.head().policy_sha256[:12]}:1"
    assert home.tick() == []
    result = home.launch(request)
    assert result.success
    assert list(materialized(result)) == STAGES
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert set(checks) == set(RULES)
    assert str(checks["lint"].metadata["command"].value).startswith("factory governance run")
    assert {"findings", "files_read", "seconds", "severity", "verdict"} <= set(checks["lint"].metadata)
    (report,) = home.world.factory.governance.reports(repository="calc", number=1)
    assert (report.head_sha, report.superseded_by) == (pull.head_sha, None)
    assert home.head().state is HeadState.TOLD
    assert [path.name for path in (home.said() / "comments").iterdir()] == ["governance.md"]
    assert home.tick() == []


def test_the_links_of_a_report_open_what_they_name(home: House) -> None:
    home.delivered()
    home.judge()
    text = (home.said() / "comments/governance.md").read_text()
    links = set(re.findall(r"\]\(<([^>]+)>\)", text))
    assert links
    for link in links:
        assert hashlib.sha256(Path(link).read_bytes()).hexdigest() in link


def test_a_webhook_and_a_look_want_it_once(home: House) -> None:
    _ticket, pull = home.delivered()
    effects = effects_of(home.world.factory)
    wired = effects._asked  # what a pull_request delivery comes to
    assert wired.judge(home.repository, pull, False).endswith("is to be judged")
    assert wired.judge(home.repository, pull, False).endswith("is known")
    assert len(home.tick()) == 1


def test_a_head_that_moved_while_it_was_judged_is_told_nothing_of(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _ticket, pull = home.delivered()
    (request,) = home.tick()
    governance = home.world.factory.governance
    heads: list[str] = []
    save = governance.save

    def saving(report: Any) -> None:
        save(report)
        if not heads:
            heads.append(moved(home))

    monkeypatch.setattr(governance, "save", saving)
    result = home.launch(request)
    assert result.success
    assert "governance_told" not in materialized(result)
    comment = (home.said() / "comments/governance.md").read_text()
    assert comment.startswith("**⏳")
    assert not (home.said() / "checks.json").exists()
    (again,) = home.tick()
    assert heads[0] in str(again.run_key)
    assert home.launch(again).success
    found = {one.head_sha: one.superseded_by for one in governance.reports(repository="calc", number=1)}
    assert found == {pull.head_sha: heads[0], heads[0]: None}
    assert heads[0] in (home.said() / "comments/governance.md").read_text()


def test_a_closed_pull_request_is_not_judged(home: House) -> None:
    home.delivered()
    (request,) = home.tick()
    forge = home.world.factory.forges["local"]
    forge.end_pull_request(home.repository, 1, merge=False, actor="ann", reason="no")
    result = home.launch(request)
    assert result.success
    assert materialized(result) == {}
    assert home.head().state is HeadState.GONE


def test_a_dagster_run_that_never_came_is_asked_for_again_under_a_new_key(home: House) -> None:
    home.delivered()
    (first,) = home.tick()
    (second,) = home.tick(later=home.world.factory.settings.not_started_limit)
    assert first.run_key != second.run_key
    late = home.launch(first)
    assert late.success
    assert materialized(late) == {}
    assert list(materialized(home.launch(second))) == STAGES


def test_a_silent_dagster_run_gives_its_slot_back(home: House) -> None:
    home.delivered()
    (first,) = home.tick()
    tags = {**first.tags, "dagster/partition": str(first.partition_key)}
    dead = home.instance.create_run_for_job(home_job(home), tags=tags, status=dg.DagsterRunStatus.STARTED)
    (second,) = home.tick(later=home.world.factory.settings.not_started_limit)
    found = home.instance.get_run_by_id(dead.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.FAILURE
    assert second.tags["factory/fence"] == "2"


def test_a_dagster_run_in_the_queue_is_waited_for(home: House) -> None:
    home.delivered()
    (first,) = home.tick()
    home.instance.create_run_for_job(home_job(home), tags=first.tags, status=dg.DagsterRunStatus.NOT_STARTED)
    assert home.tick(later=home.world.factory.settings.not_started_limit) == []
    assert home.head().fence == 1


def home_job(home: House) -> dg.JobDefinition:
    from factory_pipelines.definitions import define  # noqa: PLC0415

    return define(home.world.factory).resolve_job_def("governance_run")


class Silent:
    """The local forge while it does not answer what is said on pull requests."""

    def __init__(self, forge: Any) -> None:
        self._forge = forge
        self.broken = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._forge, name)

    def tell_checks(self, repository: Any, head_sha: str, checks: tuple[CheckTold, ...]) -> None:
        if self.broken:
            raise ForgeUnavailable("it does not answer")
        self._forge.tell_checks(repository, head_sha, checks)


def test_a_forge_that_does_not_answer_is_asked_again_within_bounds(home: House) -> None:
    home.delivered()
    forge = Silent(home.world.factory.forges["local"])
    home.world.factory = replace(home.world.factory, forges={"local": forge})
    for _ in range(TRIES):
        (request,) = home.tick(later=3_600)
        assert not home.launch(request).success
    assert home.head().state is HeadState.FAILED
    assert home.head().reason.startswith("forge.unavailable")
    assert "undetermined" in (home.said() / "comments/governance.md").read_text()
    assert home.tick(later=3_600) == []
    forge.broken = False
    pull = forge.pull(home.repository, 1)
    assert HeadWatch(home.world.factory).want(home.repository, pull, again=True)
    (request,) = home.tick()
    assert home.launch(request).success
    assert home.head().state is HeadState.TOLD


def test_a_person_may_judge_an_idle_head_again(home: House) -> None:
    home.delivered()
    home.judge()
    result = home.run(home.head().partition)
    assert list(materialized(result)) == STAGES
    assert len(home.world.factory.governance.reports(repository="calc", number=1)) == 1


@pytest.mark.parametrize("partition", ["calc#1", "calc#1@zzzzzzzzzzzz", "../x#1@" + "a" * 12, "calc#9@" + "a" * 12])
def test_a_partition_that_is_no_head_does_nothing(home: House, partition: str) -> None:
    result = home.run(partition)
    assert materialized(result) == {}


def test_verdicts_are_of_the_exact_head(home: House) -> None:
    _ticket, pull = home.delivered()
    home.judge()
    (report,) = home.world.factory.governance.reports()
    assert report.head_sha == pull.head_sha
    assert report.verdict in set(Verdict)
    assert pull.head_sha in (home.said() / "checks.json").read_text()
