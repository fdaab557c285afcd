"""A ticket with an open pull request in a real ledger, a stand-in desk that shows the forge's pull requests as they are
now, and an inbox that is fed deliveries in any order."""

import json
import shutil
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.deliveries import Delivery
from domain.forge import Edits, PullHead, PullRequestState
from domain.repositories import Repository
from policy.inbox import Ourselves
from resources.wiring import Factory
from sensors.inbox import InboxDrain
from sensors.inbox_effects import Asked, ForgeEffects
from tests.adapters.ledger.book import NOON, SHA, Book, open_book
from tests.support.webhooks.sending import enrol

US = Ourselves(logins=("factory[bot]",))
ANN = {"login": "ann", "type": "User"}
SOURCE = "https://github.com/octo/calc"


@dataclass
class StandInDesk:
    """What a ReviewDesk shows; the only part of it that effects ask."""

    pulls: dict[int, PullHead] = field(default_factory=dict)
    asked: int = 0

    def pull(self, repository: Repository, number: int) -> PullHead | None:
        self.asked += 1
        return self.pulls.get(number)

    def open_pulls(self, repository: Repository) -> list[PullHead]:
        return [pull for pull in self.pulls.values() if pull.state is PullRequestState.OPEN]


@dataclass
class Scene:
    factory: Factory
    book: Book
    ticket: str
    desk: StandInDesk = field(default_factory=StandInDesk)
    judged: set[tuple[int, str]] = field(default_factory=set)
    reworked: set[tuple[int, str]] = field(default_factory=set)
    reconciled: list[Any] = field(default_factory=list)
    taken: int = 0
    edits: Edits | None = None  #: by people, in what they merged

    @property
    def number(self) -> int:
        return int(self.ticket[2:])

    def show(self, **more: Any) -> PullHead:
        """Have the forge show our pull request so from now on."""
        told = {
            "number": self.number,
            "head_sha": SHA,
            "state": PullRequestState.OPEN,
            "ticket_id": self.ticket,
            **more,
        }
        pull = PullHead(
            repository="calc", url="x", title="Tidy", author="factory[bot]", branch="factory/x", base="main", **told
        )
        self.desk.pulls[pull.number] = pull
        return pull

    def take(self, event: str, **told: Any) -> None:
        body = self.factory.artifacts.put(json.dumps({"sender": ANN, **told}).encode(), kind="json", name="x.json")
        self.taken += 1
        received = NOON + timedelta(seconds=self.taken)
        delivery = Delivery(
            id=f"d-{self.taken}", forge="github", event=event, repository="calc", body=body, received_at=received
        )
        assert self.factory.inbox.take(delivery)

    def effects(self) -> ForgeEffects:
        asked = Asked(
            reconcile=self._reconcile,
            obey=self._reconcile,
            judge=self._judge,
            rework=self._rework,
            edits=lambda _repository, _ticket, _pull: self.edits,
        )
        return ForgeEffects(self.factory, lambda _repository: self.desk, asked)  # type: ignore[arg-type,return-value]

    def drain(self) -> Any:
        return InboxDrain(self.factory, self.effects(), US).drain()

    def outcome(self) -> tuple[Any, ...]:
        """What is true at the end: for people, for governance, and in the ledger's history."""
        events = self.book.events(self.ticket)
        pull = self.book.lookup.pull_request(self.ticket)
        ticket = self.book.ticket(self.ticket)
        return (ticket.stage, ticket.reason, pull, events, sorted(self.judged), sorted(self.reworked))

    def _reconcile(self, _repository: Repository, wish: Any) -> str:
        self.reconciled.append(wish)
        return "looked at"

    def _judge(self, _repository: Repository, pull: PullHead, _again: bool) -> str:
        self.judged.add((pull.number, pull.head_sha))
        return "judged"

    def _rework(self, _repository: Repository, pull: PullHead, reason: str) -> str:
        self.reworked.add((pull.number, reason))
        return "reworked"


def make_scene(url: str, factory: Factory) -> Scene:
    """Return a scene on a migrated ledger: one ticket in testing, its pull request open."""
    book = open_book(url)
    told = {"inbox": book.inbox, "lookup": book.lookup, "operators": book.operators, "oversight": book.oversight}
    own = replace(factory, **told, now=lambda: NOON + timedelta(hours=1), jitter=lambda: 0.5)
    enrol(own, "calc", SOURCE)
    ticket = book.file()
    book.testing(ticket)
    return Scene(own, book, ticket.id)


def copy_of(template: Path, to: Path) -> str:
    shutil.copy(template, to)
    return f"sqlite:///{to}"
