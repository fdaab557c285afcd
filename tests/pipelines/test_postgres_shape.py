"""The production shape: ledger and Dagster's own storage in one Postgres, whose connections may drop at any time."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from domain.errors import FactoryError
from domain.lifecycle import FINAL_RUN_STATES, RunState, Stage
from resources.settings import load_settings
from resources.wiring import open_factory
from sensors.supervisor import RunSupervisor
from tests.support.factory import FIX, Clock, World, enrol, make_world
from tests.support.live import Live
from tests.support.live import live as running
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.repositories import make_repository

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def url(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    made = postgres.new()
    monkeypatch.setenv("FACTORY_DATABASE_URL", made)
    return made


def test_a_ticket_gets_its_pull_request_with_everything_in_postgres(url: str, tmp_path: Path) -> None:
    world = make_world(tmp_path)
    assert world.factory.settings.ledger_url == url
    ticket = world.file()
    with running(world, database_url=url) as live:
        live.rest(ticket)
        live.check_one_pull_request(ticket)
        live.until(lambda: {run["status"] for run in live.dagster_runs(ticket)} == {"SUCCESS"}, "the Dagster run")
        (dagster_run,) = live.dagster_runs(ticket)
    with psycopg.connect(url) as connection:
        stored = connection.execute("SELECT run_id, status FROM dagster.runs").fetchall()
        dagster_ids = connection.execute("SELECT id FROM public.runs").fetchall()
    assert stored == [(dagster_run["runId"], "SUCCESS")]
    assert dagster_ids == [(run.id,) for run in world.factory.lookup.runs(ticket_id=ticket.id)]
    assert not list(world.factory.settings.home.glob("**/*.sqlite"))
    assert not list((world.factory.settings.home / "dagster").glob("**/*.db"))


class Cutter(threading.Thread):
    """Ends every connection to a database but its own, again and again, more and more seldom to reach late steps."""

    def __init__(self, server: PostgresServer, url: str) -> None:
        super().__init__(daemon=True)
        self._admin, self._name = server.admin, conninfo_to_dict(url)["dbname"]
        self.stopped = threading.Event()
        self.cuts = 0

    def run(self) -> None:
        query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
        pause = 0.1
        with psycopg.connect(self._admin, autocommit=True) as connection:
            while not self.stopped.wait(pause):
                found = connection.execute(query, (self._name,)).fetchone()
                self.cuts += found[0] if found else 0
                pause += 0.05


def attempt(world: World) -> None:
    """One tick of the factory: recover, dispatch, and run what was granted; the database may refuse any of it."""
    supervisor = RunSupervisor(world.factory)
    try:
        supervisor.recover_stale_runs()
        supervisor.dispatch()
        for lease, _ in supervisor.unstarted():
            world.steps(world.present(lease))
    except FactoryError:
        pass
    world.clock.move(world.factory.settings.not_started_limit + 1)  # what died unheard is found when its lease ends


def test_connections_cut_while_a_ticket_runs_cost_attempts_and_nothing_else(
    postgres: PostgresServer, url: str, tmp_path: Path
) -> None:
    source = make_repository(tmp_path / "source")
    clock = Clock()
    factory = replace(open_factory(load_settings(tmp_path / "home"), migrate=True), now=clock)
    enrol(factory, source)
    world = World(factory=factory, source=source, clock=clock)
    ticket = world.file(commands=["sleep 0.3", FIX], retry={"max": 20, "backoff": "1s"})
    cutter = Cutter(postgres, url)
    cutter.start()
    for _ in range(12):
        attempt(world)
    cutter.stopped.set()  # from now on the database is well again
    cutter.join()
    for _ in range(3):
        attempt(world)
    assert cutter.cuts > 0
    assert (world.ticket(ticket).stage, world.ticket(ticket).reason) == (Stage.TESTING, None)
    runs = world.factory.lookup.runs(ticket_id=ticket.id)
    assert all(run.state in FINAL_RUN_STATES for run in runs)
    assert [run.state for run in runs].count(RunState.SUCCEEDED) == 1
    assert runs[-1].state is RunState.SUCCEEDED
    Live(world).check_one_pull_request(ticket)
    assert world.factory.oversight.live_leases() == []
