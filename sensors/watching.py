"""What following one harness run works with: its limits, and a meter of what it uses."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.harness.contract import Session
from domain.execution import Usage
from domain.harness import EventKind, HarnessEvent
from domain.sandbox import Exit, Mailbox, Output, OutputLine, Tick
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
    mail: Mailbox | None = None  #: of a command that converses
    end: Exit | None = None

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        """Return the events of a line, after sending what the session replies."""
        events = self.session.read(line)
        if self.mail is not None:
            self.mail.send(self.session.replies())
            if self.session.is_over():
                self.mail.close()
        return events

    def ask_to_stop(self) -> bool:
        """Ask the harness to stop in its own protocol; False when it has none."""
        words = self.session.interrupt() if self.mail is not None else ""
        if self.mail is not None and words:
            self.mail.send(words)
        return bool(words)


@dataclass
class Meter:
    """What one harness run uses, read off its outputs."""

    started: datetime
    last_line: datetime | None = None
    cpu: float = 0.0
    tool_calls: int = 0
    tools: int = 0  #: at work now
    usage: Usage = field(default_factory=Usage)

    def see(self, output: Output, now: datetime) -> None:
        if isinstance(output, OutputLine):
            self.last_line = now
        elif isinstance(output, Tick):
            self.cpu = output.cpu_seconds or self.cpu

    def count(self, event: HarnessEvent) -> None:
        if event.kind is EventKind.TOOL_STARTED:
            self.tool_calls += 1
            self.tools += 1
        elif event.kind is EventKind.TOOL_FINISHED:
            self.tools = max(self.tools - 1, 0)
        elif event.usage is not None:
            self.usage = event.usage

    def spent(self, now: datetime) -> Spent:
        used = self.usage
        return Spent(
            elapsed=(now - self.started).total_seconds(),
            idle=(now - (self.last_line or self.started)).total_seconds(),
            cpu=self.cpu,
            tool_calls=self.tool_calls,
            in_tool=self.tools > 0,
            tokens=used.input_tokens + used.cached_input_tokens + used.output_tokens,
            usd=used.cost_usd,
        )


def limits_for(ticket: Ticket, settings: Settings) -> RunLimits:
    """Return the run's limits; the tighter of the ticket's timeout and the factory's wall limit wins."""
    own = ticket.manifest.timeout or timedelta(seconds=settings.wall_limit)
    return RunLimits(
        wall=min(own.total_seconds(), settings.wall_limit),
        inactivity=settings.inactivity_limit,
        tool_inactivity=max(settings.tool_inactivity_limit, settings.inactivity_limit),
        cpu=settings.cpu_limit,
        tool_calls=settings.tool_call_limit,
        tokens=settings.token_limit,
        usd=settings.usd_limit,
    )
