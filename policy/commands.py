"""What people tell the factory in comments: `/factory run`, `/claude TASK`, `/approve` …, each at the start of a line.

What Markdown shows as a quotation, as code, in a list or not at all is talk about a command, not one.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from domain.model import Value
from policy.shown_text import LONGEST, shown_lines

LONGEST_ARGUMENT: Final = 2_000  #: characters
MOST: Final = 5  #: commands of one comment


class Verb(StrEnum):
    RUN = "run"
    CANCEL = "cancel"
    RETRY = "retry"
    STATUS = "status"
    APPROVE = "approve"
    REJECT = "reject"
    WORK = "work"  #: `/claude TASK`: this task, by this engine


class Command(Value):
    """`run_id` is the run that an approval names; None: the one that waits."""

    verb: Verb
    argument: str = ""  #: the task, or the reason
    engine: str | None = None
    run_id: str | None = None


#: the word after the slash → the engine that is asked for
ENGINES: Final[Mapping[str, str]] = {"claude": "claude_code", "codex": "codex", "gemini": "gemini_cli"}
#: verbs after `/factory`; those of approvals also stand alone
VERBS: Final = frozenset({Verb.RUN, Verb.CANCEL, Verb.RETRY, Verb.STATUS, Verb.APPROVE, Verb.REJECT})
_LINE: Final = re.compile(r"/(factory|approve|reject|claude|codex|gemini)(?:[ \t]+(.*))?", re.S)
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,90}-r\d{1,9}")
_MAYBE: Final = re.compile(r"^/(?:factory|approve|reject|claude|codex|gemini)\b", re.M)


def may_command(text: str) -> bool:
    """Tell cheaply whether a comment is worth a closer look."""
    return len(text) <= LONGEST and _MAYBE.search(text.replace("\r", "\n")) is not None


def commands_in(text: str) -> tuple[Command, ...]:
    """Return the commands of a comment in their order, at most MOST; words that are none are talk."""
    if not may_command(text):
        return ()
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    found = (_command(line) for line in shown_lines(plain))
    return tuple(one for one in found if one is not None)[:MOST]


def _command(line: str) -> Command | None:
    found = _LINE.fullmatch(line.rstrip())
    if found is None:
        return None
    word, rest = found[1], (found[2] or "").strip()[:LONGEST_ARGUMENT]
    if word in ENGINES:
        return Command(verb=Verb.WORK, argument=rest, engine=ENGINES[word])
    if word != "factory":
        return _decision(Verb(word), rest)
    verb, _, rest = rest.partition(" ")
    if verb not in VERBS:
        return None
    if verb in (Verb.APPROVE, Verb.REJECT):
        return _decision(Verb(verb), rest.strip())
    return Command(verb=Verb(verb), argument=rest.strip())


def _decision(verb: Verb, rest: str) -> Command:
    first, _, reason = rest.partition(" ")
    if _RUN_ID.fullmatch(first):
        return Command(verb=verb, argument=reason.strip(), run_id=first)
    return Command(verb=verb, argument=rest)
