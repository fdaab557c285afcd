"""Reports as they were stored: found by id or pull request, and judged again from their facts."""

from typing import Any, NamedTuple

from adapters.ledger.contract import GovernanceLedger
from control_plane.governance.documents import differences
from control_plane.governance.targets import PULL
from domain.errors import NotFound
from domain.governed import GovernanceReport
from resources.governance.verdict import judge_again
from resources.wiring import Factory


class Replay(NamedTuple):
    stored: GovernanceReport
    again: GovernanceReport
    differences: list[str]

    @property
    def equal(self) -> bool:
        return not self.differences

    def document(self) -> dict[str, Any]:
        return {
            "id": self.stored.id,
            "equal": self.equal,
            "verdict": self.stored.verdict.value,
            "again": self.again.verdict.value,
            "differences": self.differences,
        }


def find_report(ledger: GovernanceLedger, what: str) -> GovernanceReport:
    """Return the report of an id, or the newest of NAME#NUMBER.

    Raises:
        NotFound: there is none.
    """
    pull = PULL.fullmatch(what)
    if pull is None:
        return ledger.find(what)
    found = ledger.reports(repository=pull[1], number=int(pull[2]), limit=1)
    if not found:
        raise NotFound(f"no governance report on {what}", report=what)
    return found[0]


def replay(factory: Factory, what: str) -> Replay:
    """Judge the stored facts of a report again by the stored policy.

    Raises:
        NotFound: no such report, or its facts are gone.
    """
    stored = find_report(factory.governance, what)
    again = judge_again(factory, stored)
    told = differences(stored.verdicts, again.verdicts)
    if stored.verdict is not again.verdict:
        told.insert(0, f"verdict: {stored.verdict}, now {again.verdict}")
    return Replay(stored, again, told)
