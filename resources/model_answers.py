"""What a model's API, or the door before it, says to a probe: nothing against us, or which failure it is."""

import json
import re
from typing import Any

from domain.egress import REFUSED
from domain.errors import (
    FactoryError,
    ModelOverloaded,
    ModelUnreachable,
    QuotaExceeded,
    RateLimited,
    RequestRefused,
    SignInFailed,
)
from domain.model import Value

ANOTHER_QUESTION = frozenset({400, 404, 405, 422, 501})  #: of a gateway that serves a model, and no list of models
WORDS = 300  #: characters of an answer that are passed on
NO_KEY = re.compile(r"api.?key", re.IGNORECASE)
NO_MONEY = re.compile(r"insufficient_quota|billing|credit balance", re.IGNORECASE)


class Answer(Value):
    """The start of an HTTP answer; its body is another's text."""

    status: int
    body: str = ""


def refusal_in(answer: Answer) -> FactoryError | None:
    """Return what the answer says against the key, the account or the address; None when it was a good one."""
    if 200 <= answer.status < 300:
        return None
    found = REFUSED.match(answer.body)
    return _by_the_door(found[1]) if found else _by_the_api(answer)


def _by_the_door(reason: str) -> FactoryError | None:
    if reason == "credential-missing":
        return SignInFailed("the egress broker was not given the secret that `credential` names", reason=reason)
    if reason == "unknown-upstream":
        words = "the egress broker does not know it yet: restart `factory up` after a change of settings"
        return ModelUnreachable(words, reason=reason)
    if reason.startswith("path-"):
        return None  # an operator's own upstream, which opens to less than a probe asks for
    return ModelUnreachable(f"the egress broker could not ask its API: {reason}", reason=reason)


def _by_the_api(answer: Answer) -> FactoryError | None:
    said = f"its API answers {answer.status}: {words_of(answer.body)}"
    if answer.status == 402 or (answer.status in (400, 403, 429) and NO_MONEY.search(answer.body)):
        return QuotaExceeded(said)
    if answer.status in (401, 403) or (answer.status == 400 and NO_KEY.search(answer.body)):
        return SignInFailed(said)
    if answer.status == 429:
        return RateLimited(said)
    if answer.status in ANOTHER_QUESTION:
        return None
    return ModelOverloaded(said) if answer.status >= 500 else RequestRefused(said)


def words_of(body: str) -> str:
    """Return the message in an error's body, in one printable line."""
    text = _message(body) or body
    return "".join(one for one in " ".join(text.split()) if one.isprintable())[:WORDS] or "nothing"


def _message(body: str) -> str | None:
    try:
        told: Any = json.loads(body)
        error = told.get("error", told)
        found = error.get("message") if isinstance(error, dict) else error
    except (ValueError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, str) else None
