"""Limits of one harness run and which one, if any, is breached."""

from domain.errors import (
    CpuExceeded,
    FactoryError,
    MoneyExceeded,
    Stalled,
    TimedOut,
    TokensExceeded,
    ToolCallsExceeded,
)
from domain.model import Value


class RunLimits(Value):
    """Seconds, counts and US dollars; the ticket's own `timeout` may only tighten the wall limit."""

    wall: float
    inactivity: float
    tool_inactivity: float = float("inf")  #: while a tool is at work
    cpu: float = float("inf")
    tool_calls: float = float("inf")
    tokens: float = float("inf")  #: of input, cached input and output together
    usd: float = float("inf")


class Spent(Value):
    """What a run has used so far, in the units of its limits."""

    elapsed: float = 0.0
    idle: float = 0.0
    cpu: float = 0.0
    tool_calls: int = 0
    in_tool: bool = False
    tokens: int = 0
    usd: float = 0.0


def breach(limits: RunLimits, spent: Spent) -> FactoryError | None:
    """Return the error of the limit that is breached, the wall clock first."""
    silence = limits.tool_inactivity if spent.in_tool else limits.inactivity
    if spent.elapsed > limits.wall:
        return TimedOut(f"the harness ran for more than {limits.wall:g} s", limit="wall")
    if spent.idle > silence:
        return Stalled(f"the harness wrote nothing for {silence:g} s", limit="inactivity")
    return _over_count(limits, spent)


def _over_count(limits: RunLimits, spent: Spent) -> FactoryError | None:
    if spent.cpu > limits.cpu:
        return CpuExceeded(f"the harness spent more than {limits.cpu:g} s of processor time", limit="cpu")
    if spent.tool_calls > limits.tool_calls:
        return ToolCallsExceeded(f"the harness made more than {limits.tool_calls:g} tool calls", limit="tool_calls")
    if spent.tokens > limits.tokens:
        return TokensExceeded(f"the harness used more than {limits.tokens:g} tokens", limit="tokens")
    if spent.usd > limits.usd:
        return MoneyExceeded(f"the harness spent more than {limits.usd:.2f} USD", limit="usd")
    return None
