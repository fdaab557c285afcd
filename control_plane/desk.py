"""The part of the factory that people read and decide with: a ledger and the settings, no adapter beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from adapters.harness.contract import Harness
from adapters.ledger.contract import GovernanceLedger, Inbox, Lookup, OperatorLedger, Oversight, RunLedger
from resources.ledger import open_ledger
from resources.looking import Looks
from resources.settings import Settings

if TYPE_CHECKING:
    from policy.rules_model import Policy


class Reads(Looks, Protocol):
    """What reading asks for; a whole Factory offers it too."""

    @property
    def run_ledger(self) -> RunLedger: ...


@dataclass(frozen=True)
class Desk:
    settings: Settings
    lookup: Lookup
    oversight: Oversight
    run_ledger: RunLedger
    operators: OperatorLedger
    inbox: Inbox
    governance: GovernanceLedger
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @cached_property
    def policy(self) -> "Policy":
        """Raises PolicyInvalid."""
        from resources.policy_files import load_policy  # noqa: PLC0415 - few who read ask for it

        return load_policy(self.settings.policy_dir)

    @cached_property
    def harnesses(self) -> dict[str, Harness]:
        from resources.catalogue import harnesses_of  # noqa: PLC0415 - few who read ask for them

        return harnesses_of(self.settings)


def open_desk(settings: Settings, *, migrate: bool = False) -> Desk:
    """Open the ledger of a home without wiring anything else; raises as open_ledger does."""
    ledger = open_ledger(settings.ledger_url, migrate=migrate)
    reading = ledger.lookup, ledger.oversight, ledger.runs
    return Desk(settings, *reading, ledger.operators, ledger.inbox, ledger.governance)
