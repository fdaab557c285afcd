"""How an attempt ended, as policy decided it before the ledger writes it."""

from dataclasses import dataclass
from datetime import datetime

from domain.errors import FactoryError
from domain.lifecycle import RunState


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """`retry_at` None means no further attempt: the ticket goes to the dead letters.

    `spends` False gives the attempt back: it failed for a reason outside the ticket. `harness_until` is when
    the run's harness may be asked again, None when nothing speaks against it.
    """

    error: FactoryError
    run_state: RunState
    retry_at: datetime | None
    spends: bool = True
    harness_until: datetime | None = None
