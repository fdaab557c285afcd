"""The real agents, their model scripted, take bugs that were really there to a pull request, in a real sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.execution import Run
from domain.lifecycle import RunState, Stage
from domain.tickets import Ticket
from tests.e2e.released import PROJECTS, TOMLKIT, Project, Release, fetch
from tests.e2e.workshop import AGENTS, FLAGGED, KEY, Workshop, leftovers, tokens, workshop
from tests.support.model import Script, Sh, Turn, Write, scripted_model
from tests.support.openhands import needs_openhands

pytestmark = [pytest.mark.e2e]
ALL = (*AGENTS, FLAGGED)
CLAIM = "All tests pass now; the fix is complete."
LIARS = (
    Script(name="claims", key=KEY, turns=(Turn(say=CLAIM),)),
    Script(name="decorates", key=KEY, turns=(Turn(calls=(Write(write="NOTES.md", content="Fixed.\n"),)), Turn(say=CLAIM))),
    Script(name="litters", key=KEY, turns=(Turn(calls=(Sh(sh="python -m pytest -q tests/test_api.py"),)), Turn(say=CLAIM))),
)  # fmt: skip


@pytest.fixture(scope="module")
def releases(pytestconfig: pytest.Config) -> list[Release]:
    assert pytestconfig.cache is not None
    return [fetch(project, pytestconfig.cache.mkdir("sdists")) for project in PROJECTS]


@pytest.fixture(scope="module", params=[pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, releases: list[Release]
) -> Iterator[Workshop]:
    scripts = [release.script(release.project.name, KEY) for release in releases]
    folder = tmp_path_factory.mktemp("fixes")
    with scripted_model([*scripts, *LIARS]) as model, workshop(folder, model, releases, request.param, ALL) as made:
        yield made


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_the_tests_of_the_next_release_find_what_it_fixed(shop: Workshop, project: Project) -> None:
    assert set(shop.bases[project.name].failing_tests) == project.fixed


@pytest.mark.parametrize("engine", AGENTS)
@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_an_agent_makes_the_released_fix(shop: Workshop, project: Project, engine: str) -> None:
    check_delivered(shop, shop.file(project, engine, project.name), project)


@needs_openhands
def test_openhands_does_too_and_leaves_what_the_others_leave(shop: Workshop) -> None:
    """Its run, events and artifacts are those of any other harness: the same fields, filled."""
    (project,) = (one for one in PROJECTS if one is not TOMLKIT)
    ticket = shop.file(project, FLAGGED, project.name)
    check_delivered(shop, ticket, project)
    assert shape(shop, shop.run(ticket)) == shape(shop, another(shop))


@pytest.mark.docker
@pytest.mark.parametrize("backend", ["docker"])
def test_an_agent_makes_the_released_fix_in_a_container(backend: str, tmp_path: Path, releases: list[Release]) -> None:
    (release,) = (one for one in releases if one.project is TOMLKIT)
    with (
        scripted_model([release.script("tomlkit", KEY)]) as model,
        workshop(tmp_path, model, [release], backend) as shop,
    ):
        ticket = shop.file(TOMLKIT, "codex", "tomlkit")
        check_delivered(shop, ticket, TOMLKIT)
        ref = shop.run(ticket).sandbox
        assert ref is not None
        assert ref.backend == "docker"


LYING = [("claims", engine, "patch.empty") for engine in AGENTS]


@pytest.mark.parametrize(
    ("script", "engine", "code"),
    [*LYING, ("litters", "codex", "patch.empty"), ("decorates", "claude_code", "verify.failed")],
)
def test_who_only_claims_success_gets_no_pull_request(shop: Workshop, script: str, engine: str, code: str) -> None:
    told = {"verify": ["python -m pytest -q tests/test_items.py"], "retry": {"max": 0}}
    ticket = shop.file(TOMLKIT, engine, script, **told)
    run = shop.work(ticket)
    assert (run.state, run.reason_code) == (RunState.FAILED, code), shop.said(run)
    assert shop.world.ticket(ticket).stage is Stage.DEAD_LETTER
    assert shop.pull_request(ticket) is None
    assert shop.branches(ticket) == []
    assert tokens(run.usage) == tokens(shop.model.sent(f"{script}#{engine}"))
    assert leftovers(shop.world) == []


def another(shop: Workshop) -> Run:
    """Return a run of another harness that succeeded."""
    for run in shop.world.factory.lookup.runs(state=RunState.SUCCEEDED):
        if run.harness == "claude_code":
            return run
    return shop.work(shop.file(TOMLKIT, "claude_code", "tomlkit"))


def shape(shop: Workshop, run: Run) -> tuple[set[str], set[str], dict[str, set[str]]]:
    """Return the fields of a run that hold something, the kinds of its artifacts, and the keys of each kind of event."""
    lookup = shop.world.factory.lookup
    artifacts, _ = lookup.evidence(run.id)
    events: dict[str, set[str]] = {}
    for event in lookup.timeline(ticket_id=run.ticket_id):
        if event.name == "egress_refused":
            continue  # OpenHands looks for a newer version of itself
        keys = {f"{key}.{one}" for key, told in event.payload.items() if isinstance(told, dict) for one in told}
        events.setdefault(event.name, set()).update(
            event.payload, keys - {key for key in keys if key.startswith("data.")}
        )
    return set(run.model_dump(exclude_defaults=True)), {one.ref.kind for one in artifacts}, events


def check_delivered(shop: Workshop, ticket: Ticket, project: Project) -> None:
    """Work on a ticket; its pull request holds the released fix, no more, and shows what it turned green."""
    run = shop.work(ticket)
    assert (run.state, run.reason) == (RunState.SUCCEEDED, None), shop.said(run)
    assert shop.world.ticket(ticket).stage is Stage.TESTING
    assert tokens(run.usage) == tokens(shop.model.sent(f"{project.name}#{run.harness}"))
    pull = shop.pull_request(ticket)
    assert pull is not None
    wanted = {path: after for path, (_, after) in shop.releases[project.name].fix.items()}
    assert shop.differences(pull, wanted) == []
    (check,) = shop.facts(run).checks
    assert (check.exit_code, check.failed_tests) == (0, ())
    assert set(check.turned_green) == project.fixed
    assert {line[5:-3] for line in shop.page(pull).splitlines() if line.startswith("- `` tests.")} == project.fixed
    assert leftovers(shop.world) == []
