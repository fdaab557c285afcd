"""Limits of one harness run and which one, if any, is breached."""

from domain.errors import FactoryError, Stalled, TimedOut
from domain.model import Value


class RunLimits(Value):
    """Seconds; the ticket's own `timeout` may only tighten the wall limit."""

    wall: float
    inactivity: float


def breach(limits: RunLimits, *, elapsed: float, idle: float) -> FactoryError | None:
    """Return the error of the limit that is breached, the wall clock first."""
    if elapsed > limits.wall:
        return TimedOut(f"the harness ran for more than {limits.wall:g} s", limit="wall")
    if idle > limits.inactivity:
        return Stalled(f"the harness wrote nothing for {limits.inactivity:g} s", limit="inactivity")
    return None
