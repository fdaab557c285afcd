"""Tokens, as Gemini CLI tells them: in its terminal event, and while it works in its own telemetry."""

import re
from typing import Any, Final

from adapters.harness.gemini_cli_watching import FIGURES, RESPONSE
from adapters.harness.reading import ID_LIMIT, count_at, fit
from domain.execution import Usage

LAST_FIGURE = FIGURES[-1]
_FIGURE = re.compile(rf'\s*"(?:event\.name": "{re.escape(RESPONSE)}"|({"|".join(FIGURES)})": ([0-9]{{1,12}})),?$')


class Meter:
    """Adds up what each answer of the model took."""

    def __init__(self) -> None:
        self.total = Usage()
        self._answer: dict[str, int] = {}
        self._is_open = False

    def read(self, line: str) -> tuple[bool, bool]:
        """Return whether the line was one of ours, and whether the total changed."""
        told = _FIGURE.match(line)
        if told is None:
            return False, False
        if told[1] is None:
            self._answer, self._is_open = {}, True
            return True, False
        self._answer[told[1]] = int(told[2])
        if not self._is_open or told[1] != LAST_FIGURE:
            return True, False
        self._is_open = False
        self.total = _sum(self.total, _of_answer(*(self._answer.get(name, 0) for name in FIGURES)))
        return True, True


def _of_answer(asked: int, said: int, cached: int, total: int) -> Usage:
    """Reasoning is told only as what the total has beyond the rest."""
    cached = min(cached, asked)
    return Usage(input_tokens=asked - cached, cached_input_tokens=cached, output_tokens=max(said, total - asked))


def usage_of(stats: Any, calls: int) -> Usage:
    """Read the terminal event's figures; `calls` is how many tools were seen to start."""
    asked, cached = count_at(stats, "input_tokens"), count_at(stats, "cached")
    told = _of_answer(asked, count_at(stats, "output_tokens"), cached, count_at(stats, "total_tokens"))
    return told.model_copy(update={"tool_calls": max(calls, count_at(stats, "tool_calls"))})


_NAMES: Final = ("input_tokens", "cached_input_tokens", "output_tokens", "tool_calls")


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(**{name: getattr(one, name) + getattr(other, name) for name in _NAMES})


def larger(one: Usage, other: Usage) -> Usage:
    """Return the larger of each figure: neither of two sources tells too much."""
    return Usage(**{name: max(getattr(one, name), getattr(other, name)) for name in _NAMES})


def busiest(models: Any) -> str | None:
    """Return the model that took the most tokens, when any took some."""
    if not isinstance(models, dict):
        return None
    name = max(models, key=lambda one: count_at(models, one, "total_tokens"), default="")
    return fit(name, ID_LIMIT) if count_at(models, name, "total_tokens") else None
