"""The part of the factory that people read and decide with: a ledger and the settings, no adapter beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from adapters.ledger.contract import Lookup, OperatorLedger, Oversight, RunLedger
from resources.ledger import open_ledger
from resources.settings import Settings


class Reads(Protocol):
    """What reading asks for; a whole Factory offers it too."""

    @property
    def settings(self) -> Settings: ...
    @property
    def lookup(self) -> Lookup: ...
    @property
    def oversight(self) -> Oversight: ...
    @property
    def run_ledger(self) -> RunLedger: ...
    @property
    def now(self) -> Callable[[], datetime]: ...


@dataclass(frozen=True)
class Desk:
    settings: Settings
    lookup: Lookup
    oversight: Oversight
    run_ledger: RunLedger
    operators: OperatorLedger
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def open_desk(settings: Settings, *, migrate: bool = False) -> Desk:
    """Open the ledger of a home without wiring anything else; raises as open_ledger does."""
    ledger = open_ledger(settings.ledger_url, migrate=migrate)
    return Desk(settings, ledger.lookup, ledger.oversight, ledger.runs, ledger.operators)
