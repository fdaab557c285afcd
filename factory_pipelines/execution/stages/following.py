"""Follow a harness at work: its steps go to the timeline, all it says to artifacts, what it uses to the run."""

import json
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.errors import LeaseLost
from domain.execution import RunFacts, SandboxRef, Usage
from domain.harness import Command, EventKind, HarnessEvent
from domain.sandbox import OutputLine
from factory_pipelines.execution.stages.context import RunContext
from policy.prices import priced
from sensors.supervisor import RunSupervisor
from sensors.watching import Watch

EVENT_LIMIT = 2_000  #: harness events written to the ledger for one run; the transcript holds all
RAW_LIMIT = 50_000_000  #: bytes kept of the program's own lines
TOGETHER = 0.1  #: seconds whose events are written in one transaction
USAGE_INTERVAL = timedelta(seconds=5)  #: between two writes of what a run has used so far


@dataclass
class Following:
    """One harness command from its first line to its last."""

    context: RunContext
    watch: Watch
    before: Usage  #: what the run had used before this command
    model: str | None = None
    untold: frozenset[EventKind] = frozenset()  #: kinds that only the transcript holds
    lines: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    _told: int = 0
    _raw_bytes: int = 0
    _usage_at: datetime | None = None
    _untold: list[Mapping[str, object]] = field(default_factory=list)
    _told_at: float = 0.0

    def follow(self, ref: SandboxRef, command: Command) -> None:
        """Run the command and hear it to its end; raises what monitoring raises."""
        sandbox = self.context.factory.sandboxes[ref.backend]
        supervisor = RunSupervisor(self.context.factory)
        self.watch.heard = self._keep_raw
        self.watch.priced = self.price
        self.watch.heard_all = self._tell_soon
        try:
            with closing(iter(sandbox.execute(ref, command, self.watch.mail))) as outputs:  # type: ignore[type-var]
                for event in supervisor.monitor_run(sandbox, ref, outputs, self.watch):
                    self._take(event)
        finally:
            with suppress(LeaseLost):
                self._tell()

    def price(self, usage: Usage) -> Usage:
        return priced(usage, self.model, self.context.factory.policy.prices)

    def total(self, usage: Usage) -> Usage:
        """Return what the run has used in all, with the money."""
        now = self.price(usage).model_dump()
        return Usage(**{name: value + getattr(self.before, name) for name, value in now.items()})

    def _keep_raw(self, line: OutputLine) -> None:
        if self._raw_bytes < RAW_LIMIT:
            told = json.dumps({"stream": line.stream, "text": line.text}, ensure_ascii=False) + "\n"
            self._raw_bytes += len(told)
            self.raw.append(told)

    def _take(self, event: HarnessEvent) -> None:
        if event.kind is EventKind.SESSION_STARTED:
            self.model = event.data.get("model") or self.model
        self.lines.append(event.model_dump_json() + "\n")
        if event.usage is not None:
            self._store_usage(event.usage)
        if event.kind not in self.untold and self._told < EVENT_LIMIT:
            self._told += 1
            self._untold.append(self._payload(event))

    def _tell_soon(self) -> None:
        if self._untold and time.monotonic() - self._told_at >= TOGETHER:
            self._tell()

    def _tell(self) -> None:
        """Write what is not told yet in one transaction: each alone would cost as much."""
        told, self._untold = self._untold, []
        self._told_at = time.monotonic()
        self.context.events("harness_event", told)

    def _store_usage(self, usage: Usage) -> None:
        now = self.context.factory.now()
        if self._usage_at is None or now - self._usage_at >= USAGE_INTERVAL:
            self._usage_at = now
            self.context.record(RunFacts(usage=self.total(usage)))

    def _payload(self, event: HarnessEvent) -> Mapping[str, object]:
        payload: dict[str, object] = {
            "kind": event.kind,
            "text": event.text[:2000],
            "tool": event.tool,
            "status": event.status,
            "harness": self.context.run.harness,
            "version": event.version,
            "seconds_left": round(self.watch.seconds_left(self.context.factory.now()), 1),
        }
        if event.usage is not None:
            payload["usage"] = self.total(event.usage).model_dump()
        return payload
