"""Alerts through a program of the operator's, which gets each as JSON on its standard input."""

import subprocess
from collections.abc import Sequence
from typing import Final

import structlog

from domain.alerts import Alert

PATIENCE: Final = 10  #: seconds it may take
log = structlog.get_logger()


class CommandNotifier:
    """Without a program an alert is a line in the log."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = tuple(argv)

    def alert(self, alert: Alert) -> bool:
        log.warning("alert", kind=alert.kind, text=alert.text, ticket_id=alert.ticket_id, run_id=alert.run_id)
        if not self._argv:
            return False
        try:
            done = subprocess.run(
                self._argv, input=alert.model_dump_json().encode(), capture_output=True, timeout=PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.error("alert_not_delivered", kind=alert.kind, reason=str(error)[:500])
            return False
        if done.returncode != 0:
            log.error("alert_not_delivered", kind=alert.kind, reason=done.stderr[-500:].decode(errors="replace"))
        return done.returncode == 0
