"""What escaped governance, by the ledger alone."""

from adapters.ledger.contract import GovernanceLedger, Lookup
from policy.governance.escapes import Escapes, escapes_of
from resources.merged import MOST, merge_commits


def escapes(lookup: Lookup, governance: GovernanceLedger) -> Escapes:
    """Count over all merged changes that were judged again."""
    return escapes_of(governance.reports(limit=MOST), merge_commits(lookup))
