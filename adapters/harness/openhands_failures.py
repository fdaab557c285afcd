"""Why a conversation of OpenHands failed, in the words of the failure taxonomy."""

import re
from dataclasses import dataclass
from typing import Final

from adapters.harness.outside import broker_refusal

#: by the class of the exception that ended it, of the program itself or of LiteLLM, which asks the model for it
NAMED: Final = {
    "AuthenticationError": "harness.sign_in",
    "LLMAuthenticationError": "harness.sign_in",
    "PermissionDeniedError": "harness.sign_in",
    "LLMRateLimitError": "harness.rate_limited",
    "RateLimitError": "harness.rate_limited",
    "NotFoundError": "harness.model_unknown",
    "LLMServiceUnavailableError": "harness.overloaded",
    "BadGatewayError": "harness.overloaded",
    "InternalServerError": "harness.overloaded",
    "ServiceUnavailableError": "harness.overloaded",
    "APIError": "harness.overloaded",
    "LLMTimeoutError": "harness.unreachable",
    "Timeout": "harness.unreachable",
    "LLMContextWindowExceedError": "harness.context_overflow",
    "LLMContextWindowTooSmallError": "harness.context_overflow",
    "NoCondensationAvailableException": "harness.context_overflow",
    "LLMNoResponseError": "harness.stream_broken",
    "LLMResponseError": "harness.stream_broken",
    "LLMMalformedActionError": "harness.stream_broken",
    "LLMNoActionError": "harness.stream_broken",
    "LLMBadRequestError": "harness.request_refused",
    "BadRequestError": "harness.request_refused",
    "UnprocessableEntityError": "harness.request_refused",
    "ContentPolicyViolationError": "harness.request_refused",
}
#: what tells more than the class does, and of which classes
WORDS: Final = (
    (re.compile(r"credit balance|insufficient_quota|exceeded your current quota|billing", re.I), "harness.quota"),
    (re.compile(r"model_not_found|model .{0,200} does not exist", re.I), "harness.model_unknown"),
    (re.compile(r"prompt is too long|context (window|length)|maximum context", re.I), "harness.context_overflow"),
)
#: a server that is away, and one that goes away, are one class
ABSENT: Final = (
    (re.compile(r"peer closed|incomplete chunked|json response|server disconnected", re.I), "harness.stream_broken"),
    (
        re.compile(r"connection (error|refused)|cannot connect|attempts failed|name or service", re.I),
        "harness.unreachable",
    ),
)
AGAIN: Final = re.compile(
    r"(?:try again|retry) (?:in|after) ([0-9]{1,9}(?:\.[0-9]{1,9})?)"
    r"(?: ?(ms|s(?:econds?)?|m(?:inutes?)?|h(?:ours?)?)\b|(?![ .]?\w))",
    re.IGNORECASE,
)
SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
SAID_LIMIT: Final = 20_000  #: characters of a message that are looked at


@dataclass(frozen=True)
class Failure:
    code: str
    text: str
    retry_after: float | None = None  #: seconds


def failure_of(kind: str, detail: str) -> Failure:
    """Read the event that ended a conversation: the exception's class and its words."""
    said = detail[:SAID_LIMIT]
    code = broker_refusal(said) or _code(kind, said)
    return Failure(code, f"{kind}: {detail}", _wait(said) if code == "harness.rate_limited" else None)


def _code(kind: str, said: str) -> str:
    named = NAMED.get(kind, "harness.failed")
    if named == "harness.overloaded":
        return _worded(ABSENT, said) or named
    if named in ("harness.request_refused", "harness.rate_limited", "harness.model_unknown"):
        return _worded(WORDS, said) or named
    return named


def _worded(rules: tuple[tuple[re.Pattern[str], str], ...], said: str) -> str | None:
    return next((code for pattern, code in rules if pattern.search(said)), None)


def _wait(said: str) -> float | None:
    found = AGAIN.search(said)
    if found is None:
        return None
    unit = (found[2] or "s").lower()
    return float(found[1]) * SECONDS[unit if unit == "ms" else unit[0]]
