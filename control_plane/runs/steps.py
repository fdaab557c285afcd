"""An agent's steps: the ledger's `harness_event`s as canonical documents, and as lines for people."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from control_plane.desk import Reads
from control_plane.runs.wording import harmless
from domain.execution import Event

STEP: Final = "harness_event"
Step = dict[str, Any]
FIELDS: Final[Mapping[str, Any]] = {
    "kind": "", "text": "", "tool": None, "status": None, "usage": None, "seconds_left": None
}  # fmt: skip
WORDS: Final[Mapping[str, str]] = {
    "session_started": "session started",
    "message": "says",
    "reasoning": "thinks",
    "tool_started": "runs",
    "tool_finished": "ran",
    "file_changed": "changes",
    "retrying": "asks its model again",
    "finished": "finished",
}


class Steps:
    """Makes documents of events, looking each run's harness up once."""

    def __init__(self, factory: Reads) -> None:
        self._factory = factory
        self._harnesses: dict[str, str] = {}

    def document(self, event: Event) -> Step:
        """Return an event as one canonical JSON object, every key of FIELDS in it."""
        whose = {"at": event.at.isoformat(), "ticket_id": event.ticket_id, "run_id": event.run_id}
        whose["harness"] = event.payload.get("harness") or self._harness(event.run_id)
        return {**whose, **FIELDS, **event.payload, **whose}

    def _harness(self, run_id: str | None) -> str | None:
        if run_id is not None and run_id not in self._harnesses:
            run = self._factory.run_ledger.find_run(run_id=run_id)
            self._harnesses[run_id] = run.harness if run else ""
        return self._harnesses.get(run_id or "") or None


def step_words(step: Mapping[str, Any]) -> str:
    """Return one line about a step: what it is, with which tool, how it ended, its text."""
    kind = str(step.get("kind"))
    head = [WORDS.get(kind, kind), step.get("tool"), step.get("status") and f"({step['status']})"]
    text = str(step.get("text") or "")
    return harmless(" ".join(str(part) for part in head if part) + (f": {text}" if text else ""))


def step_line(step: Mapping[str, Any]) -> str:
    at = datetime.fromisoformat(step["at"]).astimezone()
    return f"{at:%H:%M:%S}  {step['run_id'] or '-':12}  {step['harness'] or '-':12}  {step_words(step)}"


def spent_words(step: Mapping[str, Any], now: datetime) -> str:
    """Say what a run used by a step of it, and the time it has left; empty when the step tells neither."""
    usage, left = step.get("usage"), step.get("seconds_left")
    parts = _used(usage) if isinstance(usage, Mapping) else []
    if isinstance(left, (int, float)):
        since = (now - datetime.fromisoformat(step["at"])).total_seconds()
        parts.append(f"{_time(max(left - max(since, 0.0), 0.0))} left")
    return ", ".join(parts)


def _used(usage: Mapping[str, Any]) -> list[str]:
    told = {name: usage.get(name) or 0 for name in ("input_tokens", "cached_input_tokens", "output_tokens")}
    cached = f" and {told['cached_input_tokens']:,} cached" if told["cached_input_tokens"] else ""
    tokens = f"{told['input_tokens']:,}{cached} tokens in, {told['output_tokens']:,} out"
    return [tokens, f"{usage.get('cost_usd') or 0:.4f} USD"]


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
