"""What following one harness run works with: its limits, and a meter of what it uses."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from adapters.harness.contract import Session
from domain.budgets import Budget
from domain.errors import InterruptRequested
from domain.execution import Run, Usage
from domain.harness import EventKind, HarnessEvent
from domain.sandbox import Exit, Mailbox, Output, OutputLine, Tick
from domain.tickets import Ticket
from policy.limits import RunLimits, Spent
from resources.wiring import Factory
from sensors.pulse import Pulse


@dataclass
class Watch:
    """What monitoring works with, and the exit it leaves behind."""

    session: Session
    limits: RunLimits
    pulse: Pulse
    mail: Mailbox | None = None  #: of a command that converses
    end: Exit | None = None
    heard: Callable[[OutputLine], None] = lambda _line: None  #: gets every line as it came
    heard_all: Callable[[], None] = lambda: None  #: called after each output and each second of silence
    priced: Callable[[Usage], Usage] = lambda usage: usage  #: adds the money a program does not tell
    started: datetime | None = None
    finished: bool = False  #: its terminal event was read

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        """Return the events of a line, after sending what the session replies."""
        self.heard(line)
        events = self._until_finished(self.session.read(line))
        if self.mail is not None:
            self.mail.send(self.session.replies())
            if self.session.is_over():
                self.mail.close()
        return events

    def _until_finished(self, events: list[HarnessEvent]) -> list[HarnessEvent]:
        """Nothing follows the terminal event: what a program still says on its other stream is for its outcome."""
        if self.finished:
            return []
        for place, event in enumerate(events):
            if event.kind is EventKind.FINISHED:
                self.finished = True
                return events[: place + 1]
        return events

    def seconds_left(self, now: datetime) -> float:
        return max(0.0, self.limits.wall - (now - (self.started or now)).total_seconds())

    def heed(self) -> None:
        """Raises InterruptRequested when somebody wants the run paused."""
        if self.pulse.interrupt is not None:
            raise InterruptRequested(f"interrupted by {self.pulse.interrupt}")

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
    priced: Callable[[Usage], Usage] = lambda usage: usage

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
        if event.usage is not None:
            self.usage = self.priced(event.usage)

    def spent(self, now: datetime) -> Spent:
        used = self.usage
        return Spent(
            elapsed=(now - self.started).total_seconds(),
            idle=(now - (self.last_line or self.started)).total_seconds(),
            cpu=self.cpu,
            tool_calls=self.tool_calls,
            in_tool=self.tools > 0,
            tokens=tokens_of(used),
            usd=used.cost_usd,
        )


def limits_for(ticket: Ticket, factory: Factory, run: Run, allowances: int = 1) -> RunLimits:
    """Return the limits of a run's harness; of the ticket's timeout, its budget and the factory's limits, the tightest.

    A budget is of all attempts of a ticket; `allowances` is how many times over people have granted it.
    """
    settings, manifest = factory.settings, ticket.manifest
    budget = manifest.budget or Budget()
    used = [one.usage for one in factory.lookup.runs(ticket_id=ticket.id)] if run.attempt > 1 else [run.usage]
    own = [limit.total_seconds() for limit in (manifest.timeout, budget.wall) if limit is not None]
    return RunLimits(
        wall=min([*own, settings.wall_limit]),
        inactivity=settings.inactivity_limit,
        tool_inactivity=max(settings.tool_inactivity_limit, settings.inactivity_limit),
        cpu=settings.cpu_limit,
        tool_calls=settings.tool_call_limit,
        tokens=min(settings.token_limit, _left(budget.tokens, allowances, sum(map(tokens_of, used)))),
        usd=min(settings.usd_limit, _left(budget.usd, allowances, sum(one.cost_usd for one in used))),
    )


def tokens_of(usage: Usage) -> int:
    return usage.input_tokens + usage.cached_input_tokens + usage.output_tokens


def _left(budget: float | None, allowances: int, used: float) -> float:
    return float("inf") if budget is None else max(0.0, budget * allowances - used)
