"""The ready_tickets sensor, asked twice: what it granted once it asks for again, by the same key."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from factory_pipelines.definitions import define
from sensors.ready import ready_tickets
from sensors.supervisor import RunSupervisor
from tests.support.factory import World, make_world

pytestmark = pytest.mark.dagster


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def evaluate(world: World, instance: dg.DagsterInstance) -> dg.SensorResult | dg.SkipReason:
    definitions = define(world.factory)
    context = dg.build_sensor_context(
        instance=instance, definitions=definitions, resources={"factory": world.factory}, cursor=None
    )
    told = ready_tickets(context)
    assert isinstance(told, dg.SensorResult | dg.SkipReason)
    assert context.cursor is None
    return told


def keys(told: dg.SensorResult | dg.SkipReason) -> list[str | None]:
    assert isinstance(told, dg.SensorResult)
    assert told.cursor is None
    return [request.run_key for request in told.run_requests or []]


def test_a_second_look_asks_for_the_same_run_and_grants_nothing(world: World, instance: dg.DagsterInstance) -> None:
    tickets = [world.file(title=f"ticket {n}", lock=f"lock-{n}") for n in range(2)]
    first = keys(evaluate(world, instance))
    assert first == [f"{ticket.id}:1" for ticket in tickets]
    assert keys(evaluate(world, instance)) == first
    assert [lease.fence for lease in world.factory.oversight.live_leases()] == [1, 1]
    assert all(world.names(ticket).count("lease_granted") == 1 for ticket in tickets)


def test_a_started_run_is_not_asked_for_again(world: World, instance: dg.DagsterInstance) -> None:
    world.file()
    told = evaluate(world, instance)
    assert isinstance(told, dg.SensorResult)
    (request,) = told.run_requests or []
    lease = world.factory.oversight.live_leases()[0]
    assert request.tags["factory/fence"] == "1"
    world.factory.run_ledger.start_run(lease.ref, dagster_run_id="one", ttl_seconds=60, now=world.factory.now())
    assert isinstance(evaluate(world, instance), dg.SkipReason)


def test_a_lease_that_never_started_is_granted_anew_under_a_new_key(world: World, instance: dg.DagsterInstance) -> None:
    ticket = world.file(retry={"max": 2, "backoff": "1s"})
    assert keys(evaluate(world, instance)) == [f"{ticket.id}:1"]
    world.clock.move(world.factory.settings.not_started_limit + 1)
    assert isinstance(evaluate(world, instance), dg.SkipReason), "recovery ends it, not dispatch"
    RunSupervisor(world.factory).recover_stale_runs()
    world.clock.move(2)
    assert keys(evaluate(world, instance)) == [f"{ticket.id}:2"]
