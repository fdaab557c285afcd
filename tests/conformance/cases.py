"""What the model does, and what is to become of the run: one table for every program, and where one differs, why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.support.model import Edit, Fault, FaultKind, Flood, Raw, Read, Script, Sh, Tokens, Turn

SUCCEEDS: Final = None
HARNESSES: Final = ("codex", "claude_code", "gemini_cli", "openhands")
#: codex takes a minute for 20 MB
LONG = {"codex": 4_000_000, "claude_code": 20_000_000, "gemini_cli": 4_000_000, "openhands": 4_000_000}
MODEL: Final = "scripted-1"
MODELS: Final = {"openhands": f"anthropic/{MODEL}"}  #: as the settings have to name it, where that is not its name


@dataclass(frozen=True)
class Other:
    """What one program makes of a fault that the others take otherwise. `wait` is None when it tells none."""

    reason: str
    code: str | None = ""  #: empty: as the others
    wait: float | None = None
    uncounted: bool = False  #: what the server told of the broken answer is not in the program's figures


@dataclass(frozen=True)
class Case:
    """A fault in the answer to the first tool's result, and the failure's code."""

    fault: Fault
    code: str
    wait: float | None = None  #: seconds the outcome passes on
    other: Mapping[str, Other] = field(default_factory=dict)

    def of(self, harness: str) -> Other:
        """Return what is expected of one harness."""
        found = self.other.get(harness)
        if found is None:
            return Other("", self.code, self.wait)
        return Other(found.reason, self.code if found.code == "" else found.code, found.wait, found.uncounted)


def _case(
    kind: FaultKind, code: str, *, wait: float | None = None, retry_after: int | None = None, **other: Other
) -> Case:
    return Case(Fault(kind=kind, retry_after=retry_after), code, wait, other)


MUTE = Other("its protocol does not tell the wait")
UNTOLD = Other("it passes on the words of a refusal, not the headers")
SILENT = Other("it gives up at once and tells no wait that long")
BROKEN = Other("it drops the figures of an answer that broke", uncounted=True)
TRUSTING = Other("after a tool's result it takes an answer without a finish reason for a whole one", SUCCEEDS)
CASES: Final[Mapping[str, Case]] = {
    "unauthorized": _case(FaultKind.UNAUTHORIZED, "harness.sign_in"),
    "forbidden": _case(FaultKind.FORBIDDEN, "harness.sign_in"),
    "rate_limit": _case(FaultKind.RATE_LIMITED, "harness.rate_limited"),
    "rate_limit_told": _case(
        FaultKind.RATE_LIMITED, "harness.rate_limited", wait=2, retry_after=2, codex=MUTE, openhands=UNTOLD
    ),
    "rate_limit_hour": _case(
        FaultKind.RATE_LIMITED,
        "harness.rate_limited",
        wait=3600,
        retry_after=3600,
        codex=MUTE,
        claude_code=SILENT,
        openhands=UNTOLD,
    ),
    "server_error": _case(FaultKind.SERVER_ERROR, "harness.overloaded"),
    "bad_gateway": _case(FaultKind.BAD_GATEWAY, "harness.overloaded"),
    "overloaded": _case(FaultKind.OVERLOADED, "harness.overloaded"),
    "context_overflow": _case(FaultKind.CONTEXT_OVERFLOW, "harness.context_overflow"),
    "bad_request": _case(FaultKind.BAD_REQUEST, "harness.request_refused"),
    "model_unknown": _case(FaultKind.MODEL_UNKNOWN, "harness.model_unknown"),
    "cut": _case(FaultKind.CUT, "harness.stream_broken", gemini_cli=BROKEN),
    "ended": _case(FaultKind.ENDED, "harness.stream_broken", gemini_cli=TRUSTING),
    "stream_error": _case(FaultKind.STREAM_ERROR, "harness.overloaded", gemini_cli=TRUSTING),
    "malformed": _case(FaultKind.MALFORMED, "harness.stream_broken", gemini_cli=BROKEN),
    "refused": _case(FaultKind.REFUSED, "harness.unreachable"),
}
STALLS: Final = {"stall": FaultKind.STALL, "stall_midway": FaultKind.STALL_MIDWAY}
USAGE = Tokens(input=1_100, cached=300, cache_write=100, output=50, reasoning=10)
FIRST = Turn(say="Let me look.", calls=(Sh(sh="echo first >> ran"),), usage=USAGE)
LAST = Turn(say="Done.", usage=USAGE)
SEE = "python3 -m unittest -q && cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline > seen; env >> seen"
#: in a shell of its own: a program that keeps one shell for all its commands waits half a minute for one that ended
STUBBORN = "([ -e begun ] && exit 0; touch begun; trap '' TERM INT HUP; while :; do sleep 300; done)"


def _script(name: str, *turns: Turn) -> Script:
    return Script(name=name, turns=turns)


def _faulty(name: str, fault: Fault) -> Script:
    return _script(name, FIRST, LAST.model_copy(update={"fault": fault}))


SCRIPTS: Final = [
    *(_faulty(name, case.fault) for name, case in CASES.items()),
    *(_faulty(name, Fault(kind=kind)) for name, kind in STALLS.items()),
    *(_faulty(f"long-{name}", Fault(kind=FaultKind.HUGE_LINE, size=size)) for name, size in LONG.items()),
    _faulty("quota", Fault(kind=FaultKind.QUOTA)),
    _script(
        "fix",
        Turn(say="Let me see it fail.", calls=(Sh(sh="python3 -m unittest -q"), Read(read="calc.py")), usage=USAGE),
        Turn(calls=(Edit(edit="calc.py", old="    return x + x + x", new="    return x * 2"),), usage=USAGE),
        Turn(calls=(Sh(sh=SEE),), usage=USAGE),
        Turn(say="The test passes now.", usage=USAGE),
    ),
    _script("flood", Turn(calls=(Flood(flood=10_000_000),), usage=USAGE), LAST),
    _script("invention", Turn(calls=(Raw(raw="no_such_tool", arguments={"x": "\ud7ff\0" * 9}),), usage=USAGE), LAST),
    _script("stubborn", FIRST, Turn(calls=(Sh(sh=STUBBORN),), usage=USAGE), LAST),
    _script("talk", FIRST, LAST, Turn(say="And so on.", usage=USAGE)),
]
