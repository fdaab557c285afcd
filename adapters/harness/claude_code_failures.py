"""Why a turn of Claude Code failed, in the words of the failure taxonomy."""

import re
from dataclasses import dataclass
from typing import Final

from adapters.harness.claude_code_protocol import amount, count, dig, many, storable, text
from adapters.harness.outside import broker_refusal

#: What the program itself says of an answer of the API.
NAMED: Final = {
    "authentication_failed": "harness.sign_in",
    "oauth_org_not_allowed": "harness.sign_in",
    "billing_error": "harness.quota",
    "rate_limit": "harness.rate_limited",
    "overloaded": "harness.overloaded",
    "model_not_found": "harness.model_unknown",
}
STATUS: Final = {
    401: "harness.sign_in",
    402: "harness.quota",
    403: "harness.sign_in",
    413: "harness.context_overflow",
    429: "harness.rate_limited",
}
SPENT: Final = re.compile(r"credit balance|billing|quota|usage limit", re.I)
TOO_LONG: Final = re.compile(r"prompt is too long|context (window|limit)|too many tokens", re.I)
UNKNOWN_SESSION: Final = re.compile(r"no conversation found", re.I)
WORDS: Final = (
    (UNKNOWN_SESSION, "harness.session_unknown"),
    (re.compile(r"not logged in|please run /login|invalid api key", re.I), "harness.sign_in"),
    (
        re.compile(
            r"connection closed|stalled|ECONNRESET|EPIPE|socket (connection|hang)|stream|parse JSON|JSON parse", re.I
        ),
        "harness.stream_broken",
    ),
    (re.compile(r"unable to connect|timed out|ENOTFOUND|EAI_AGAIN", re.I), "harness.unreachable"),
    (re.compile(r"overloaded|server error", re.I), "harness.overloaded"),
    (re.compile(r"usage policy", re.I), "harness.request_refused"),
)


@dataclass(frozen=True)
class Failure:
    code: str
    text: str
    retry_after: float | None = None  #: seconds


def failure_of(result: object, kind: str, said: str, wait: float | None) -> Failure:
    """Read a failed turn: its end, and what the program said of the answer before (its kind, its words)."""
    errors = "; ".join(one for one in many(result, "errors") if isinstance(one, str))
    told = storable(errors or said or text(result, "result")) or "it told no reason"
    code = broker_refusal(told) or _code(result, kind, told)
    return Failure(code, told, wait if code == "harness.rate_limited" else None)


def _code(result: object, kind: str, told: str) -> str:
    status = count(result, "api_error_status")
    if dig(result, "terminal_reason") == "prompt_too_long" or (400 <= status < 500 and TOO_LONG.search(told)):
        return "harness.context_overflow"
    if status in (400, 429) and SPENT.search(told):
        return "harness.quota"
    if kind in NAMED:
        return NAMED[kind]
    if status >= 400:
        return _by_status(status)
    return next((code for pattern, code in WORDS if pattern.search(told)), "harness.failed")


def _by_status(status: int) -> str:
    if status in (408, 504):
        return "harness.unreachable"
    return "harness.overloaded" if status >= 500 else STATUS.get(status, "harness.request_refused")


def wait_in(retry: object) -> float | None:
    """Return the seconds the API told to wait before the next attempt; None when it made the pause up."""
    if dig(retry, "error") != "rate_limit":
        return None
    pause = amount(retry, "retry_delay_ms")
    # its own pauses have a random part below a millisecond; those the API tells are whole seconds
    return pause / 1_000 if pause >= 1_000 and pause % 1_000 == 0 else None


def words_of(retry: object) -> str:
    """Return why and how often a request is repeated."""
    status = count(retry, "error_status")
    why = f"{text(retry, 'error', limit=80)}{f' ({status})' if status else ''}"
    seconds = amount(retry, "retry_delay_ms") / 1_000
    return f"{why}: again in {seconds:.1f} s ({count(retry, 'attempt')} of {count(retry, 'max_retries')})"
