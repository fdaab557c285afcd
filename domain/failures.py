"""How an attempt ended, as policy decided it before the ledger writes it."""

from dataclasses import dataclass
from datetime import datetime

from domain.errors import FactoryError
from domain.lifecycle import RunState


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """`retry_at` None means no further attempt: the ticket goes to the dead letters."""

    error: FactoryError
    run_state: RunState
    retry_at: datetime | None
