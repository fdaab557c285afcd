"""Limits of one harness run and which one, if any, is breached."""

from domain.errors import CpuExceeded, FactoryError, Stalled, TimedOut, ToolCallsExceeded
from domain.model import Value


class RunLimits(Value):
    """Seconds and counts; the ticket's own `timeout` may only tighten the wall limit."""

    wall: float
    inactivity: float
    cpu: float = float("inf")
    tool_calls: float = float("inf")


class Spent(Value):
    """What a run has used so far, in the units of its limits."""

    elapsed: float = 0.0
    idle: float = 0.0
    cpu: float = 0.0
    tool_calls: int = 0


def breach(limits: RunLimits, spent: Spent) -> FactoryError | None:
    """Return the error of the limit that is breached, the wall clock first."""
    elapsed, idle = spent.elapsed, spent.idle
    if elapsed > limits.wall:
        return TimedOut(f"the harness ran for more than {limits.wall:g} s", limit="wall")
    if idle > limits.inactivity:
        return Stalled(f"the harness wrote nothing for {limits.inactivity:g} s", limit="inactivity")
    if spent.cpu > limits.cpu:
        return CpuExceeded(f"the harness spent more than {limits.cpu:g} s of processor time", limit="cpu")
    if spent.tool_calls > limits.tool_calls:
        return ToolCallsExceeded(f"the harness made more than {limits.tool_calls:g} tool calls", limit="tool_calls")
    return None
