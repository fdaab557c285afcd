"""What Gemini CLI's error messages and exit codes mean in the failure taxonomy."""

import json
import re
from dataclasses import dataclass
from typing import Final

from adapters.harness.outside import broker_refusal

SAID_LIMIT = 20_000  #: characters of a message that are looked at
STATUS_OFFSET = 256  #: it exits with the HTTP status, of which a process keeps the low byte

_Rules = tuple[tuple[re.Pattern[str], str], ...]


@dataclass(frozen=True)
class Refusal:
    code: str
    retry_after: float | None = None  #: seconds


def _rules(*rules: tuple[str, str]) -> _Rules:
    return tuple((re.compile(pattern, re.IGNORECASE), code) for pattern, code in rules)


#: what tells more than the HTTP status does; a wrong key may come as a 400, a spent quota as a 429
_TELLING: Final = _rules(
    (r"error resuming session", "harness.session_unknown"),
    (r"input token count|maximum number of tokens|the token limit|context window", "harness.context_overflow"),
    (r"API key (?:not valid|not found|expired)|API_KEY_INVALID|specify the GEMINI_API_KEY", "harness.sign_in"),
    (r"daily quota|limit:\s*0(?![\d.])|CREDITS_BALANCE|QUOTA_EXHAUSTED", "harness.quota"),
)

#: looked at when there is no HTTP status
_WORDED: Final = _rules(
    (r"is not found|model not found", "harness.model_unknown"),
    (r"resource has been exhausted|exceeded your current quota", "harness.rate_limited"),
    (r"overloaded|internal error|UNAVAILABLE", "harness.overloaded"),
    (r"fetch failed|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT", "harness.unreachable"),
    (
        r"^\W*API Error: terminated|incomplete JSON|in JSON at position|not valid JSON"
        r"|finish reason|empty response|no final response|invalid stream",
        "harness.stream_broken",
    ),
    (r"response was blocked", "harness.request_refused"),
)

_BY_STATUS: Final = {
    401: "harness.sign_in",
    403: "harness.sign_in",
    404: "harness.model_unknown",
    413: "harness.context_overflow",
    429: "harness.rate_limited",
    499: "harness.stream_broken",
}

#: its own exit codes, and what they say when nothing else does
_BY_EXIT: Final = {
    41: "harness.sign_in",
    42: "harness.failed",  # its input
    44: "harness.failed",  # a sandbox of its own
    52: "harness.failed",  # its settings
    53: "harness.failed",  # too many turns
    54: "harness.failed",  # a tool
    55: "harness.failed",  # an untrusted folder
    127: "harness.program_missing",
}

_RETRY_AFTER = re.compile(
    r"(?:retry (?:after|in)|\"retryDelay\":\s*\")\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)", re.IGNORECASE
)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BODY = re.compile(r"\[API Error: (\{.*\})\]", re.DOTALL)


def refusal_of(message: str, exit_code: int | None) -> Refusal:
    """Read a terminal error; `exit_code` is None when a signal ended the program."""
    said = message[:SAID_LIMIT]
    wait = _wait(said)
    status = _status_in(said) or _status_of(exit_code)
    code = (
        broker_refusal(said)
        or _worded(_TELLING, said)
        or _of_status(status, said, wait)
        or _worded(_WORDED, said)
        or "harness.failed"
    )
    return Refusal(code, wait if code in ("harness.rate_limited", "harness.quota", "harness.overloaded") else None)


def refusal_unsaid(diagnostics: str, exit_code: int | None) -> Refusal | None:
    """Read an end without a terminal event; None when neither its exit code nor standard error tells why."""
    if exit_code in _BY_EXIT:
        return Refusal(_worded(_TELLING, diagnostics[:SAID_LIMIT]) or _BY_EXIT[exit_code])
    if _status_of(exit_code) is not None:
        return refusal_of(diagnostics, exit_code)
    code = _worded(_TELLING[:1], diagnostics[:SAID_LIMIT])
    return Refusal(code) if code is not None else None


def _worded(rules: _Rules, said: str) -> str | None:
    return next((code for pattern, code in rules if pattern.search(said)), None)


def _of_status(status: int | None, said: str, wait: float | None) -> str | None:
    if status is None:
        return None
    if status == 429 and wait is None and "billing details" in said:
        return "harness.quota"
    if status >= 500:
        return "harness.overloaded"
    return _BY_STATUS.get(status, "harness.request_refused")


def _status_of(exit_code: int | None) -> int | None:
    status = (exit_code or 0) + STATUS_OFFSET
    return status if 400 <= status <= 504 else None


def _status_in(said: str) -> int | None:
    body = _BODY.search(said)
    try:
        code = json.loads(body[1])["error"]["code"] if body else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return code if isinstance(code, int) and 400 <= code <= 599 else None


def _wait(said: str) -> float | None:
    told = _RETRY_AFTER.search(said)
    return float(told[1]) * _SECONDS[told[2].lower()] if told else None
