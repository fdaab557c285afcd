"""Tokens, as Claude Code tells them: with each message of its model, and in all at the end."""

from typing import Final

from adapters.harness.claude_code_protocol import amount, count, dig, name
from domain.execution import Usage

Counts = tuple[int, int, int]  #: input, cached input, output
NONE: Final = (0, 0, 0)
REMEMBERED: Final = 1_000  #: messages that may still be told more of
OF_A_MESSAGE: Final = (
    ("input_tokens", "cache_creation_input_tokens"),
    ("cache_read_input_tokens",),
    ("output_tokens",),
)
OF_A_MODEL: Final = (("inputTokens", "cacheCreationInputTokens"), ("cacheReadInputTokens",), ("outputTokens",))


def _counts(told: object, names: tuple[tuple[str, ...], ...]) -> Counts:
    asked, cached, said = (sum(count(told, one) for one in those) for those in names)
    return asked, cached, said


def _larger(one: Counts, other: Counts) -> Counts:
    return max(one[0], other[0]), max(one[1], other[1]), max(one[2], other[2])


def _sum(one: Counts, other: Counts) -> Counts:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


class Tally:
    """What this run has used. Of several sources the larger figure counts: none of them tells too much.

    A message's own figures grow until it is whole. Those told at the end are of the main conversation in one turn
    (`usage`), and of everything this process asked (`modelUsage`).
    """

    def __init__(self) -> None:
        self._messages: dict[str, Counts] = {}
        self._seen = NONE
        self._turns = NONE
        self._all = NONE
        self._cost = 0.0
        self._speaking: dict[str, str] = {}  #: the tool call that asks, if any → id of the message being told

    def hear(self, event: object, parent: str) -> bool:
        """Take a piece of an answer as the model's API tells it; return whether it changed the total."""
        kind = dig(event, "type")
        if kind == "message_start":
            if len(self._speaking) >= REMEMBERED:
                self._speaking.clear()
            self._speaking[parent] = name(event, "message", "id") or parent
            return self.take(dig(event, "message"))
        if kind == "message_delta":
            return self._take(self._speaking.get(parent, parent), _counts(dig(event, "usage"), OF_A_MESSAGE))
        return False

    def take(self, message: object) -> bool:
        """Take a message's own figures; return whether they changed the total."""
        told = name(message, "id")
        return told is not None and self._take(told, _counts(dig(message, "usage"), OF_A_MESSAGE))

    def _take(self, message: str, counts: Counts) -> bool:
        known = self._messages.pop(message, NONE)  # and put back as the newest
        counts = _larger(known, counts)
        if len(self._messages) >= REMEMBERED:
            del self._messages[next(iter(self._messages))]
        self._messages[message] = counts
        more = counts[0] - known[0], counts[1] - known[1], counts[2] - known[2]
        self._seen = _sum(self._seen, more)
        return more != NONE

    def close(self, result: object) -> None:
        """Take what a turn's end says."""
        self._turns = _sum(self._turns, _counts(dig(result, "usage"), OF_A_MESSAGE))
        models = dig(result, "modelUsage")
        total = NONE
        for told in models.values() if isinstance(models, dict) else ():
            total = _sum(total, _counts(told, OF_A_MODEL))
        self._all = _larger(self._all, total)
        self._cost = max(self._cost, amount(result, "total_cost_usd"))

    def usage(self, tool_calls: int) -> Usage:
        tokens, cached, output = _larger(self._all, _larger(self._turns, self._seen))
        return Usage(
            input_tokens=tokens,
            cached_input_tokens=cached,
            output_tokens=output,
            cost_usd=self._cost,
            tool_calls=tool_calls,
        )
