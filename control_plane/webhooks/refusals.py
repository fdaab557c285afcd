"""Why webhooks were refused, told to the log and not to their sender."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

log = structlog.get_logger()

NO_SIGNATURE: Final = "no_signature"
NO_SECRET: Final = "no_secret_known"
WRONG_SIGNATURE: Final = "wrong_signature"
SILENCE: Final = timedelta(minutes=1)  #: after a line, of the same reason: anybody may send


class Refusals:
    """One line a minute for each reason and whom it is about; `unsaid` counts those of the same in between."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._said: dict[tuple[str, ...], datetime] = {}
        self._unsaid: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()

    def tell(self, reason: str, *repositories: str) -> None:
        """Log a 401; `repositories` are enrolled ones, so that no word of a sender gets into the log."""
        about, now = (reason, *repositories), self._now()
        with self._lock:
            said = self._said.get(about)
            if said is not None and now < said + SILENCE:
                self._unsaid[about] += 1
                return
            self._said[about] = now
            unsaid = self._unsaid.pop(about, 0)
        log.warning("webhook_refused", status=401, reason=reason, repositories=list(repositories), unsaid=unsaid)
