"""A lease kept alive by the activity of the step that holds it."""

from datetime import datetime, timedelta

from domain.errors import Canceled
from domain.execution import LeaseRef
from domain.sandbox import Output
from resources.wiring import Factory

INTERVAL = timedelta(seconds=2)  #: also how soon a wish to cancel is noticed


class Pulse:
    """Extends one lease, at most every INTERVAL however often it is called."""

    def __init__(self, factory: Factory, lease: LeaseRef) -> None:
        self._factory = factory
        self.lease = lease
        self._last: datetime | None = None
        self.interrupt: str | None = None  #: who wants the run paused, and why; only a harness at work heeds it

    def beat(self) -> None:
        """Extend the lease.

        Raises:
            LeaseLost: it is no longer ours. Canceled: somebody asked the run to stop.
        """
        now = self._factory.now()
        if self._last is not None and now - self._last < INTERVAL:
            return
        self._last = now
        run = self._factory.backlog.heartbeat(self.lease, ttl_seconds=self._factory.settings.lease_ttl, now=now)
        if run.cancel_requested_by:
            raise Canceled(f"canceled by {run.cancel_requested_by}: {run.cancel_reason}")
        if run.interrupt_requested_by:
            self.interrupt = f"{run.interrupt_requested_by}: {run.interrupt_reason}"

    def observe(self, _output: Output) -> None:
        self.beat()
