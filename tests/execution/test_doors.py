"""A door for each purpose, with the real broker: what policy allows passes, the rest is in the run's timeline."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.egress import Purpose
from domain.errors import EgressUnavailable
from domain.execution import SandboxRef
from policy.egress import EgressPolicy
from resources.brokers import brokers
from resources.doors import Errand, door_for, opened, tell_attempts
from resources.registries import Registries
from resources.settings import UpstreamSettings
from resources.wiring import Factory
from tests.support.factory import World, make_world

ISOLATED = SandboxRef(backend="bubblewrap", id="run-1-work")
FOUND = Registries(hosts=("index.test:443",), environment={"PIP_INDEX_URL": "https://index.test/simple"})


def policy(**told: object) -> EgressPolicy:
    return EgressPolicy.model_validate(told)


def with_policy(factory: Factory, **told: object) -> Factory:
    return replace(factory, policy=factory.policy.model_copy(update={"egress": policy(**told)}))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def served(world: World) -> Iterator[World]:
    with brokers(world.factory):
        yield world


def allowed(factory: Factory, purpose: Purpose, **told: str) -> tuple[str, ...]:
    return door_for(factory, ISOLATED, Errand("run-1", purpose, **told), FOUND).allow


def test_each_purpose_has_its_own_list(world) -> None:
    factory = with_policy(
        world.factory,
        everywhere=["docs.test"],
        repositories={"shop": ["api.shop.test"]},
        harnesses={"codex": ["model.test"]},
        setup=["files.test"],
        verify={"shop": ["fixtures.test"]},
    )
    work = allowed(factory, Purpose.HARNESS, repository="shop", harness="codex")
    assert set(work) == {"docs.test", "api.shop.test", "model.test"}
    assert set(allowed(factory, Purpose.HARNESS, repository="other", harness="gemini_cli")) == {"docs.test"}
    assert {"index.test:443", "files.test"} <= set(allowed(factory, Purpose.SETUP, repository="shop"))
    assert "index.test:443" not in work
    assert allowed(factory, Purpose.VERIFY, repository="shop") == ("fixtures.test",)
    assert allowed(factory, Purpose.VERIFY, repository="other") == ()


def test_registries_may_be_private_and_only_for_setup(world) -> None:
    setup = door_for(world.factory, ISOLATED, Errand("run-1", Purpose.SETUP), FOUND)
    work = door_for(world.factory, ISOLATED, Errand("run-1", Purpose.HARNESS), FOUND)
    assert (setup.exempt, work.exempt) == (FOUND.hosts, ())


def test_an_upstream_is_for_the_harnesses_it_names(world) -> None:
    told = {
        "model": UpstreamSettings(url="https://model.test", harnesses=("codex",)),
        "any": UpstreamSettings(url="https://any.test"),
    }
    factory = replace(world.factory, settings=world.factory.settings.model_copy(update={"upstreams": told}))
    door = [
        door_for(factory, ISOLATED, Errand("run-1", purpose, harness=harness), FOUND).upstreams
        for purpose, harness in ((Purpose.HARNESS, "codex"), (Purpose.HARNESS, "other"), (Purpose.VERIFY, "codex"))
    ]
    assert door == [("model", "any"), ("any",), ()]


def test_what_isolates_nothing_has_no_door(world) -> None:
    ref = SandboxRef(backend="process", id="run-1-work")
    with opened(world.factory, ref, Errand("run-1", Purpose.HARNESS)) as told:
        assert told is None
    with opened(world.factory, ref, Errand("run-1", Purpose.SETUP)) as told:
        assert told == {}


def test_verify_has_none_unless_policy_grants_one(served) -> None:
    served.factory.doors.prepare(ISOLATED.id)
    with opened(served.factory, ISOLATED, Errand("run-1", Purpose.VERIFY, repository="shop")) as told:
        assert told is None
    granting = with_policy(served.factory, verify={"shop": ["fixtures.test"]})
    with opened(granting, ISOLATED, Errand("run-1", Purpose.VERIFY, repository="shop")) as told:
        assert told is not None
        assert told["https_proxy"] == "http://127.0.0.1:3128"


def test_a_door_is_open_as_long_as_the_block(served) -> None:
    socket = Path(served.factory.doors.prepare(ISOLATED.id)) / "egress.sock"
    with opened(served.factory, ISOLATED, Errand("run-1", Purpose.HARNESS)):
        assert socket.exists()
        assert (served.factory.settings.egress_dir / "doors" / f"{ISOLATED.id}.json").exists()
    assert not (served.factory.settings.egress_dir / "doors" / f"{ISOLATED.id}.json").exists()


def test_without_a_broker_it_says_what_to_do(world) -> None:
    world.factory.doors.prepare(ISOLATED.id)
    door = door_for(world.factory, ISOLATED, Errand("run-1", Purpose.HARNESS), FOUND)
    with pytest.raises(EgressUnavailable) as away:
        world.factory.doors.open(door, patience=0.2)
    assert "factory up" in away.value.remedy


def test_what_was_refused_is_told_once_a_place(world) -> None:
    ticket = world.file(commands=["true"])
    lease = world.dispatch(ticket)
    run = world.factory.run_ledger.find_run(run_id=lease.run_id)
    line = (
        '{"at":"2026-01-01T00:00:00Z","run_id":"%s","door":"%s-work","purpose":"harness","reach":"connect",'
        '"host":"%s","port":443,"allowed":%s,"reason":"%s","bytes_up":3,"bytes_down":5}\n'
    )
    log = world.factory.settings.egress_dir / "log" / f"{run.id}-work.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text(
        line % (run.id, run.id, "evil.test", "false", "name-not-allowed") * 3
        + line % (run.id, run.id, "good.test", "true", "allowed")
    )
    tell_attempts(world.factory, run, SandboxRef(backend="bubblewrap", id=f"{run.id}-work"))
    told = [event for event in world.factory.lookup.timeline(ticket_id=ticket.id) if event.name.startswith("egress")]
    assert [event.name for event in told] == ["egress_refused", "egress_used"]
    assert told[0].payload["host"] == "evil.test:443"
    assert {key: told[1].payload[key] for key in ("allowed", "refused", "bytes_up")} == {
        "allowed": 1,
        "refused": 3,
        "bytes_up": 12,
    }
    assert {event.run_id for event in told} == {run.id}
