"""URL → ledger: SQLite or Postgres, one implementation."""

from dataclasses import dataclass

from adapters.ledger.backlog import Backlog
from adapters.ledger.contract import (
    BacklogInterface,
    EvidenceLedger,
    GovernanceLedger,
    HeadQueue,
    Inbox,
    Lookup,
    OperatorLedger,
    Oversight,
    RunLedger,
)
from adapters.ledger.engine import make_engine
from adapters.ledger.evidence import Evidence
from adapters.ledger.governance import GovernanceReports
from adapters.ledger.heads import Heads
from adapters.ledger.inbox import InboxLedger
from adapters.ledger.lookup import LookupReader
from adapters.ledger.migrate import check_current, downgrade, upgrade
from adapters.ledger.operators import Operators
from adapters.ledger.oversight import OversightReader
from adapters.ledger.runs import Runs


@dataclass(frozen=True)
class Ledger:
    backlog: BacklogInterface
    runs: RunLedger
    evidence: EvidenceLedger
    operators: OperatorLedger
    lookup: Lookup
    oversight: Oversight
    inbox: Inbox
    governance: GovernanceLedger
    heads: HeadQueue


def open_ledger(url: str, *, migrate: bool = False) -> Ledger:
    """Open a ledger; with `migrate`, create or upgrade its tables first.

    Raises:
        LedgerOutdated: its tables are not this release's. LedgerUnavailable: the database does not answer.
    """
    if migrate:
        upgrade(url)
    engine = make_engine(url)
    check_current(engine)
    return Ledger(
        backlog=Backlog(engine),
        runs=Runs(engine),
        evidence=Evidence(engine),
        operators=Operators(engine),
        lookup=LookupReader(engine),
        oversight=OversightReader(engine),
        inbox=InboxLedger(engine),
        governance=GovernanceReports(engine),
        heads=Heads(engine),
    )


def rollback_ledger(url: str, revision: str) -> None:
    """Take the ledger's tables back to a revision (`base`, `-1` or a name)."""
    downgrade(url, revision)
