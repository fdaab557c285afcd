"""GitHub's refusals in our words: what broke, and what a person can do about it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from github.GithubException import BadAttributeException, GithubException
from pydantic import ValidationError

from adapters._vendor.github_limits import limited_for, words_of
from domain.errors import FactoryError, ForgeRefused, ForgeUnavailable

_REMEDIES = {
    401: "renew the token, or the App's private key, that the forge's settings name",
    403: "grant the token or the App the permission",
    404: "check the address, and that the token or the App may see the repository",
    405: "GitHub does not allow it now",
    409: "it changed meanwhile, or conflicts",
    410: "the feature is switched off in the repository's settings",
    413: "it is too large",
    422: "GitHub refuses the content",
    451: "GitHub has blocked the repository",
}


@contextmanager
def github_failures() -> Iterator[None]:
    """Everything that goes wrong between us and GitHub leaves as a FactoryError, without a secret in it."""
    try:
        yield
    except GithubException as error:
        raise told(error) from error
    except requests.RequestException as error:
        raise ForgeUnavailable(f"GitHub did not answer: {type(error).__name__}") from error
    except (ValidationError, BadAttributeException, KeyError) as error:
        raise ForgeRefused(f"GitHub's answer is not of the expected shape: {_short(error)}") from error
    except json.JSONDecodeError as error:
        raise ForgeUnavailable("GitHub's answer was cut short or is no JSON") from error
    except (AssertionError, RuntimeError) as error:
        raise ForgeRefused(
            f"GitHub's answer leads elsewhere; was the repository moved, or is the base URL wrong? {_short(error)}"
        ) from error


def told(error: GithubException) -> FactoryError:
    """Return the failure with GitHub's words, its hint of the missing permission, and what to do."""
    words = "; ".join(filter(None, (words_of(error), *_particulars(error.data))))[:700]
    wait = limited_for(error, time.time())
    if error.status >= 500 or wait is not None:
        when = "" if wait is None else f"; it may be asked again in {wait:.0f} s"
        return ForgeUnavailable(f"GitHub answered {error.status}: {words or 'no words'}{when}", status=error.status)
    needed = (error.headers or {}).get("x-accepted-github-permissions") if error.status == 403 else None
    remedy = _REMEDIES.get(error.status, "read GitHub's words")
    hint = f"{remedy} ({needed})" if needed else remedy
    return ForgeRefused(f"GitHub answered {error.status}: {words or 'no words'}; {hint}", status=error.status)


def _particulars(data: object) -> list[str]:
    errors = data.get("errors") if isinstance(data, dict) else None
    if not isinstance(errors, list):
        return []
    return [_particular(one) for one in errors[:5]]


def _particular(one: object) -> str:
    if not isinstance(one, dict):
        return " ".join(str(one).split())[:200]
    return " ".join(str(one[key]) for key in ("field", "code", "message") if one.get(key))[:200]


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:200]
