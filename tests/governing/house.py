"""A factory with one enrolled repository on the local forge, pull requests on it, and Dagster runs in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg

from adapters.scanner.catalogue import SCANNERS
from domain.forge import PullHead
from domain.heads import WantedHead
from domain.repositories import Repository
from domain.tickets import Ticket
from factory_pipelines.definitions import define
from resources.desks import review_desk
from resources.settings import ScannerSettings
from sensors.heads import LOOK_EVERY
from sensors.open_heads import open_heads
from tests.support.factory import World, make_world


@dataclass
class House:
    world: World
    instance: dg.DagsterInstance

    @property
    def repository(self) -> Repository:
        return self.world.factory.lookup.repository("calc")

    def delivered(self, **front: Any) -> tuple[Ticket, PullHead]:
        """Run a ticket to its open pull request."""
        ticket = self.world.file(**front)
        error = self.world.run(ticket)
        assert error is None, error
        return self.world.ticket(ticket), self.pull_of(ticket)

    def pull_of(self, ticket: Ticket) -> PullHead:
        found = self.world.factory.lookup.pull_request(ticket.id)
        assert found is not None
        pull = review_desk(self.world.factory, self.repository).pull(self.repository, found.number)
        assert pull is not None
        return pull

    def tick(self, *, later: float = 0) -> list[dg.RunRequest]:
        """Ask the sensor, after everything was looked at long enough ago to look again."""
        self.world.clock.move(later + LOOK_EVERY.total_seconds())
        context = dg.build_sensor_context(
            instance=self.instance,
            definitions=define(self.world.factory),
            resources={"factory": self.world.factory},
        )
        told = open_heads(context)
        if not isinstance(told, dg.SensorResult):
            return []
        for request in told.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
        return list(told.run_requests or [])

    def launch(self, request: dg.RunRequest, **tags: str) -> dg.ExecuteInProcessResult:
        return self.run(str(request.partition_key), **{**request.tags, **tags})

    def run(self, partition: str, **tags: str) -> dg.ExecuteInProcessResult:
        self.instance.add_dynamic_partitions("heads", [partition])
        return (
            define(self.world.factory)
            .resolve_job_def("governance_run")
            .execute_in_process(instance=self.instance, partition_key=partition, raise_on_error=False, tags=tags)
        )

    def judge(self) -> list[dg.ExecuteInProcessResult]:
        """Judge whatever waits; the Dagster runs have ended."""
        return [self.launch(request) for request in self.tick()]

    def head(self, number: int = 1) -> WantedHead:
        found = self.world.factory.heads.find("calc", number)
        assert found is not None
        return found

    def said(self, number: int = 1) -> Path:
        """Return the folder of what the local forge shows of a pull request."""
        return self.world.factory.settings.forge_dir / "calc.pulls" / str(number)


@contextmanager
def house(folder: Path, *, scanning: bool = True, **settings: Any) -> Iterator[House]:
    """Yield a house; where nothing is scanned every verdict is undetermined, which is quicker to learn."""
    with dg.DagsterInstance.ephemeral() as instance:
        world = make_world(folder, **settings)
        if not scanning:
            off = {name: ScannerSettings(enabled=False) for name in SCANNERS}
            told = world.factory.settings.model_copy(update={"scanners": off})
            world.factory = replace(world.factory, settings=told)
        yield House(world, instance)


def materialized(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """Return asset → its metadata."""
    return {
        one.materialization.asset_key.to_user_string(): one.materialization.metadata
        for one in result.get_asset_materialization_events()
    }
