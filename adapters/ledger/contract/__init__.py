"""What the factory remembers: one small contract per context, held to by one conformance suite.

All times are arguments: the ledger has no clock. Every write that a run makes carries its LeaseRef and
is refused with LeaseLost when the fence is old, the lease released or `now` past its expiry; nothing is
written then. Each method is one transaction. A database that does not answer raises LedgerUnavailable.
"""

from adapters.ledger.contract.people import OperatorLedger
from adapters.ledger.contract.reading import Lookup, Oversight
from adapters.ledger.contract.reviews import GovernanceLedger, HeadQueue, Inbox
from adapters.ledger.contract.runs import EvidenceLedger, RunLedger
from adapters.ledger.contract.tickets import BacklogInterface

__all__ = [
    "BacklogInterface",
    "EvidenceLedger",
    "GovernanceLedger",
    "HeadQueue",
    "Inbox",
    "Lookup",
    "OperatorLedger",
    "Oversight",
    "RunLedger",
]
