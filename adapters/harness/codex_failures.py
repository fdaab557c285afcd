"""Why a Codex turn failed, in the words of the failure taxonomy."""

import re
from dataclasses import dataclass
from typing import Final

from adapters.harness.codex_protocol import count, dig, text
from adapters.harness.outside import broker_refusal

NAMED: Final = {
    "contextWindowExceeded": "harness.context_overflow",
    "sessionBudgetExceeded": "harness.quota",
    "usageLimitExceeded": "harness.quota",
    "rateLimitExceeded": "harness.rate_limited",
    "flexUnavailable": "harness.overloaded",
    "serverOverloaded": "harness.overloaded",
    "policyCapacityUnavailable": "harness.overloaded",
    "internalServerError": "harness.overloaded",
    "modelNotFound": "harness.model_unknown",
    "unauthorized": "harness.sign_in",
    "inferenceHookDenied": "harness.request_refused",
    "cyberPolicy": "harness.request_refused",
    "misalignmentPolicyViolation": "harness.request_refused",
}
#: Connections that failed without a status; the words below are looked at first.
CONNECTION: Final = {
    "httpConnectionFailed": "harness.unreachable",
    "responseStreamConnectionFailed": "harness.unreachable",
    "responseStreamDisconnected": "harness.stream_broken",
    "responseTooManyFailedAttempts": "harness.stream_broken",
}
STATUS: Final = {
    401: "harness.sign_in",
    402: "harness.quota",
    403: "harness.sign_in",
    408: "harness.overloaded",
    429: "harness.rate_limited",
}
WORDS: Final = (
    (r"error sending request|connection refused|dns error|failed to lookup", "harness.unreachable"),
    (r"missing environment variable|not logged in|please log in", "harness.sign_in"),
    (r"rate limit", "harness.rate_limited"),
    (r"overloaded|at capacity|server had an error|server_error", "harness.overloaded"),
    (r"stream (disconnected|closed)|idle timeout|timeout waiting", "harness.stream_broken"),
    (r"invalid_request_error", "harness.request_refused"),
    (r"^input exceeds the maximum length", "harness.context_overflow"),
)
#: What a refused request says when it was refused for something better known by another name.
REFUSALS: Final = (
    (r"context_length_exceeded|context window|maximum context", "harness.context_overflow"),
    (
        r"model_not_found|model\b.{0,120}?(does not exist|not found|not supported|do not have access)",
        "harness.model_unknown",
    ),
)
SPENT: Final = r"insufficient_quota|quota|billing"
OWN_STATUS: Final = re.compile(r"(?:unexpected|last) status:? (\d{3})\b")
AGAIN: Final = re.compile(
    r"try again in ((?:[\d.]+\s?(?:ms|milliseconds?|s|seconds?|m|minutes?|h|hours?|days?)(?![a-z])[, ]*)+)", re.I
)
PART: Final = re.compile(r"([\d.]+)\s?([a-z]+)", re.I)
SECONDS: Final = {"ms": 0.001, "mi": 60.0, "m": 60.0, "s": 1.0, "h": 3_600.0, "d": 86_400.0}
LONGEST: Final = 30 * 86_400.0
PATIENCE: Final = 5.0  #: seconds of a told wait
PASSING: Final = {"harness.overloaded", "harness.stream_broken", "harness.unreachable"}


@dataclass(frozen=True)
class Failure:
    code: str
    text: str
    retry_after: float | None = None  #: seconds

    @property
    def may_pass(self) -> bool:
        """Tell whether the program's own few retries are worth waiting for; it obeys a wait of any length."""
        if self.code == "harness.rate_limited":
            return self.retry_after is not None and self.retry_after <= PATIENCE
        return self.code in PASSING


def failure_of(error: object) -> Failure:
    """Read a turn's or an answer's `error`. What the program itself classified counts before any wording."""
    message, details = text(error, "message"), text(error, "additionalDetails")
    said = f"{message} {details}".strip()
    code = broker_refusal(said) or _code(dig(error, "codexErrorInfo"), said)
    waits = _seconds(said) if code in ("harness.rate_limited", "harness.quota") else None
    return Failure(code, details or message or "it told no reason", waits)


def _code(info: object, said: str) -> str:
    if isinstance(info, str) and info in NAMED:
        return NAMED[info]
    kind = next(iter(info), "") if isinstance(info, dict) else ""
    status = count(info, kind, "httpStatusCode") if kind else 0
    status = status or _own_status(said) or (400 if info == "badRequest" else 0)
    if status >= 400:
        return _by_status(status, said)
    return _first(WORDS, said) or CONNECTION.get(kind, "harness.failed")


def _own_status(said: str) -> int:
    found = OWN_STATUS.search(said)
    return int(found.group(1)) if found else 0


def _by_status(status: int, said: str) -> str:
    if status == 429 and re.search(SPENT, said, re.I):
        return "harness.quota"
    if status >= 500:
        return "harness.overloaded"
    return STATUS.get(status) or _first(REFUSALS, said) or "harness.request_refused"


def _first(table: tuple[tuple[str, str], ...], said: str) -> str | None:
    return next((code for pattern, code in table if re.search(pattern, said, re.I)), None)


def _seconds(said: str) -> float | None:
    found = AGAIN.search(said)
    if not found:
        return None
    try:
        total = sum(float(number) * _unit(unit.lower()) for number, unit in PART.findall(found.group(1)))
    except ValueError:
        return None
    return min(total, LONGEST)


def _unit(unit: str) -> float:
    if unit.startswith("milli"):
        return SECONDS["ms"]
    return SECONDS.get(unit) or SECONDS.get(unit[:2]) or SECONDS[unit[:1]]
