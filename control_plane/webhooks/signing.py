"""Who signed a webhook. The work depends on the body's size only, so that an answer's time tells nothing."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Final

MOST_HASHED: Final = 32 * 1024 * 1024  #: bytes, body times secrets; beyond it only secrets of named repositories count
NAMED_IN: Final = 64 * 1024  #: last bytes in which a refused body is searched for whose it is
LIKELY: Final = 4  #: secrets tried then, always so many
_DECOYS: Final = tuple(secrets.token_bytes(32) for _ in range(LIKELY))  #: tried where there is no secret
_FULL_NAME: Final = re.compile(
    rb"""full_name(?:"|%22)\s*(?::|%3A)[\s+]*(?:"|%22)([A-Za-z0-9_.-]{1,100})(?:/|%2F)([A-Za-z0-9_.-]{1,100})""", re.I
)


def signature_of(body: bytes, secret: bytes) -> str:
    """Return what GitHub sends as X-Hub-Signature-256."""
    return f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"


def signers(body: bytes, signature: str, known: Mapping[str, bytes], named: Mapping[str, str]) -> frozenset[str]:
    """Return the names whose secret made this signature of this body.

    Args:
        body: As it came, JSON or a form.
        signature: As it came.
        known: Name → secret.
        named: OWNER/NAME in lower case → name: whose secrets are tried of a body too large to try all.
    """
    given = signature.encode("utf-8", "replace")
    tried = list(dict.fromkeys(known.values())) or [_DECOYS[0]]
    if len(tried) > LIKELY and len(tried) * len(body) > MOST_HASHED:
        tried = [*(known[name] for name in _likely(body, named) if name in known), *_DECOYS][:LIKELY]
    right = {one for one in tried if hmac.compare_digest(signature_of(body, one).encode(), given)}
    return frozenset(name for name, one in known.items() if one in right)


def named_in(body: bytes, named: Mapping[str, str]) -> list[str]:
    """Return the names of repositories that the end of a body, which nobody vouches for, speaks of."""
    return _likely(body[-NAMED_IN:], named)


def _likely(body: bytes, named: Mapping[str, str]) -> list[str]:
    """Return the names of repositories that a body speaks of, last first: what an event is of comes at its end."""
    found: dict[str, None] = {}
    for match in _FULL_NAME.finditer(body):
        name = named.get(f"{match[1].decode()}/{match[2].decode()}".lower())
        if name is not None:
            found.pop(name, None)
            found[name] = None
    return list(reversed(found))
