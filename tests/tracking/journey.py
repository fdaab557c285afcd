"""A factory whose `codex` is a stand-in that makes one small change, beside a tracker with people around it."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adapters.harness.contract import Session
from domain.harness import Brief, Command, Ending, HarnessEvent, HarnessOutcome, Traits
from domain.lifecycle import Stage
from domain.sandbox import Exit, OutputLine
from domain.tickets import Ticket
from domain.tracking import Item
from resources.wiring import open_factory
from sensors.tracker_desk import TrackerDesk
from sensors.tracker_sync import SyncReport, TrackerSync
from tests.adapters.tracker.desks import NAME, LocalPeople, People
from tests.support.factory import FIX, World, make_world


class Worker:
    """A stand-in for an agent: it runs one command, and is trusted so that any sandbox will do."""

    name = "codex"
    trusted = True
    traits = Traits(program="sh")

    def __init__(self, change: str = FIX) -> None:
        self.change = change

    def command(self, brief: Brief) -> Command:
        return Command(argv=("sh", "-c", self.change))

    def open(self, brief: Brief) -> "WorkerSession":
        return WorkerSession()


class WorkerSession(Session):
    def read(self, line: OutputLine) -> list[HarnessEvent]:
        return []

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002
        return HarnessOutcome(ending=Ending.SUCCEEDED if exit.code == 0 else Ending.FAILED)


@dataclass
class Journey:
    world: World
    people: People
    seq: int = 0

    @property
    def factory(self):
        return self.world.factory

    def sync(self) -> SyncReport:
        report = TrackerSync(self.factory, {"local": self.people.tracker}).sync(self.seq)
        self.seq = report.after_seq
        return report

    def look(self, number: int) -> SyncReport:
        sync = TrackerSync(self.factory, {"local": self.people.tracker})
        return sync.look(self.factory.lookup.repository(NAME), number)

    def desk(self) -> TrackerDesk:
        found = TrackerSync(self.factory, {"local": self.people.tracker}).desk(self.factory.lookup.repository(NAME))
        assert found is not None
        return found

    def wanted(self, **told) -> int:
        return self.people.write(labels=["agent:run"], **told)

    def item(self, number: int) -> Item:
        found = self.people.tracker.item(NAME, number)
        assert found is not None
        return found

    def said(self, number: int) -> str:
        """Return the one comment of the factory; none or several fail."""
        [text] = [text for author, text in self.people.comments(number) if author == self.people.login]
        return text

    def tickets(self) -> list[Ticket]:
        return self.factory.lookup.tickets()

    def work(self, ticket: Ticket) -> Ticket:
        """Run one attempt to its end."""
        self.world.run(ticket)
        return self.world.ticket(ticket)

    def stage(self) -> Stage:
        [ticket] = self.tickets()
        return ticket.stage


def make_journey(folder: Path, people: People, monkeypatch: pytest.MonkeyPatch, **settings) -> Journey:
    monkeypatch.setenv("FACTORY_HARNESSES__CODEX__BASE_URL", "http://127.0.0.1:9/")
    world = make_world(folder, **settings)
    opened = open_factory(world.factory.settings)
    harnesses = {**opened.harnesses, "codex": Worker()}
    world.factory = replace(opened, harnesses=harnesses, now=world.clock)
    (world.factory.settings.home / "tracker" / NAME).mkdir(parents=True, exist_ok=True)
    return Journey(world, people)


def local_people(folder: Path) -> LocalPeople:
    """Return people at the tracker of the home that make_journey makes in this folder."""
    return LocalPeople(folder / "home" / "tracker")
