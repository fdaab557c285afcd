"""What following one harness run works with: its limits, and a meter of what it uses."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.harness.contract import Session
from domain.sandbox import Exit, Output, OutputLine, Tick
from domain.tickets import Ticket
from policy.limits import RunLimits, Spent
from resources.settings import Settings
from sensors.pulse import Pulse


@dataclass
class Watch:
    """What monitoring works with, and the exit it leaves behind."""

    session: Session
    limits: RunLimits
    pulse: Pulse
    end: Exit | None = None


@dataclass
class Meter:
    """What one harness run uses, read off its outputs."""

    started: datetime
    last_line: datetime | None = None
    cpu: float = 0.0
    tool_calls: int = 0

    def see(self, output: Output, now: datetime) -> None:
        if isinstance(output, OutputLine):
            self.last_line = now
        elif isinstance(output, Tick):
            self.cpu = output.cpu_seconds or self.cpu

    def spent(self, now: datetime) -> Spent:
        idle = (now - (self.last_line or self.started)).total_seconds()
        return Spent(elapsed=(now - self.started).total_seconds(), idle=idle, cpu=self.cpu, tool_calls=self.tool_calls)


def limits_for(ticket: Ticket, settings: Settings) -> RunLimits:
    """Return the run's limits; the tighter of the ticket's timeout and the factory's wall limit wins."""
    own = ticket.manifest.timeout or timedelta(seconds=settings.wall_limit)
    return RunLimits(
        wall=min(own.total_seconds(), settings.wall_limit),
        inactivity=settings.inactivity_limit,
        cpu=settings.cpu_limit,
        tool_calls=settings.tool_call_limit,
    )
