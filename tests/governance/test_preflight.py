"""Before any work: a ticket's scope is checked, and work on shared packages waits for all other work there."""

import pytest
import yaml

from domain.errors import CapacityRefused, InvalidInput
from domain.governance import Verdict
from domain.lifecycle import RunState
from domain.tickets import Manifest
from policy.governance.model import PathPolicy
from policy.governance.preflight import may_touch_shared, preflight
from resources.desks import review_desk
from resources.governance.pulls import subject_of_pull
from resources.governance.verdict import govern
from resources.intake import admit
from resources.policy_files import load_policy
from resources.settings import SOURCE, load_settings
from resources.wiring import open_factory
from sensors.supervisor import RunSupervisor
from tests.support.factory import AFTER_APPROVAL, FIX, World, enrol
from tests.support.repositories import make_repository

PATHS = PathPolicy(protected=(), shared=("libs/core/*",))


def manifest(*scope: str, **told) -> Manifest:
    front = {"title": "Tidy calc", "repository": "calc", "commands": [FIX], "allowed-scope": list(scope), **told}
    return Manifest.model_validate(front)


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("src/*", None),
        ("src/a.py", None),
        ("*", None),
        ("../other/*", "leads out"),
        ("/etc/*", "leads out"),
        ("src/../../x", "leads out"),
        ("docs/*", "outside of the repository's scope"),
        ("libs/core/a.py", "outside of the repository's scope"),
    ],
)
def test_a_scope_lies_in_the_repository_s(scope, words):
    against = [words for _, words in preflight(manifest(scope), ("src/*",), PathPolicy(protected=()))]
    assert [one for one in against if words and words in one] == against
    assert bool(against) is (words is not None)


@pytest.mark.parametrize(
    ("scope", "touches"),
    [
        ((), True),
        (("*",), True),
        (("libs/*",), True),
        (("LIBS/Core/a.py",), True),
        (("src/*",), False),
        (("src/*", "lib*"), True),
    ],
)
def test_who_may_touch_shared_packages(scope, touches):
    assert may_touch_shared(manifest(*scope), PATHS) is touches
    assert not may_touch_shared(manifest(*scope), PathPolicy(protected=()))
    named = bool(scope) and touches
    assert bool(list(preflight(manifest(*scope), (), PATHS))) is named
    assert list(preflight(manifest(*scope, profile="reviewer"), (), PATHS)) == []


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Return a world whose policy is told with `paths`."""

    def world(enrolled=("src/*", "libs/*"), **paths) -> World:
        rules = tmp_path / "policy"
        rules.mkdir()
        told = yaml.safe_load((SOURCE / "policy" / "rules" / "governance.yaml").read_text())
        told["paths"] |= paths
        (rules / "governance.yaml").write_text(yaml.safe_dump(told))
        monkeypatch.setenv("FACTORY_POLICY_DIR", str(tmp_path / "policy"))
        source = make_repository(tmp_path / "source")
        factory = open_factory(load_settings(tmp_path / "home"), migrate=True)
        enrol(factory, source, scope=list(enrolled), autonomy="autonomous")
        return World(factory, source)

    return world


def test_a_ticket_out_of_scope_is_refused_and_in_mode_warn_it_is_not(make):
    world = make(scope="enforce")
    with pytest.raises(InvalidInput, match="outside of the repository's scope"):
        admit(world.factory, manifest("docs/*"), actor="ann")
    assert admit(world.factory, manifest("src/*"), actor="ann")[1]


def test_in_mode_warn_it_is_told_only(make):
    assert admit(make(scope="warn").factory, manifest("docs/*"), actor="ann")[1]


def test_edits_of_shared_packages_go_one_after_the_other(make):
    world = make(shared=["libs/core/*"])
    shared = [
        admit(world.factory, manifest("libs/core/*", profile="reviewer", lock=name, title=name), actor="ann")[0]
        for name in ("one", "two")
    ]
    alone = admit(world.factory, manifest("src/*", lock="three"), actor="ann")[0]
    assert [ticket.lock for ticket in (*shared, alone)] == ["calc", "calc", "three"]
    world.dispatch(shared[0])
    with pytest.raises(CapacityRefused):
        world.dispatch(shared[1])
    assert world.dispatch(alone)


def test_our_own_policy_names_no_shared_package_of_others():
    assert load_policy().governance.paths.shared == ()


def test_a_shared_edit_waits_for_a_person_whose_yes_holds_for_that_head_alone(make):
    world = make(shared=["calc.py"], enrolled=[])
    ticket, _ = admit(world.factory, manifest("calc.py", profile="reviewer"), actor="ann")
    assert world.run(ticket) is None
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    assert (run.state, world.factory.lookup.pull_request(ticket.id)) == (RunState.AWAITING_APPROVAL, None)
    (asked,) = world.factory.oversight.approvals(run_id=run.id)
    assert "shared_edit" in asked.request_reason
    now = world.factory.now()
    world.factory.operators.decide_approval(run.id, approved=True, actor="ann", reason="looked at it", now=now)
    (lease,) = RunSupervisor(world.factory).dispatch().granted
    world.steps(world.present(lease), AFTER_APPROVAL)

    subject = subject_of(world, ticket)
    assert [one.action for one in subject.grants if one.action == "shared_edit"] == ["shared_edit"]
    judged = govern(world.factory, subject, lambda _line: None)
    assert [(one.verdict, "approved by ann" in one.evidence[0]) for one in judged.verdicts] == [(Verdict.WARN, True)]

    moved = subject_of(world, ticket, head_sha=subject.base_sha)
    assert (moved.ours, moved.grants) == (True, ())


def subject_of(world, ticket, **told):
    repository = world.factory.lookup.repository("calc")
    desk = review_desk(world.factory, repository)
    pull = desk.pull(repository, world.factory.lookup.pull_request(ticket.id).number)
    base = desk.obtain(repository, pull)
    return subject_of_pull(world.factory, repository, pull.model_copy(update=told), base, ("protected",))
