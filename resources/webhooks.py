"""The secrets that sign webhooks: one a repository, each read where it is used."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from domain.repositories import Repository
from resources.secrets import secret, variable

FORGE: Final = "github"  #: whose repositories send webhooks
WEBHOOK: Final = "webhook"  #: how their names begin; the web process gets no other secret
_SCP: Final = re.compile(r"(?:[^@/]+@)?([^/:]+):(?!//)(.+)")


def webhook_secret_name(repository: Repository) -> str:
    """Return the name of the secret: FACTORY_SECRET_WEBHOOK_<REPOSITORY>, unless its settings name another."""
    own = re.sub(r"[^A-Za-z0-9]", "_", repository.name)
    return repository.settings.webhook_secret or f"{WEBHOOK}-{own}"


def webhook_secret(repository: Repository) -> bytes | None:
    """Return the secret; None when this process was not given it."""
    found = secret(webhook_secret_name(repository))
    return None if found is None else found.encode("utf-8", "surrogateescape")


def without_secret(repositories: Iterable[Repository]) -> dict[str, str]:
    """Return repository → variable of the secret that this process lacks: whatever such a one sends is refused."""
    return {
        one.name: variable(webhook_secret_name(one))
        for one in repositories
        if one.enabled and one.forge == FORGE and webhook_secret(one) is None
    }


def address_of(source: str) -> tuple[str, str] | None:
    """Return host and OWNER/NAME of a repository on a forge, in lower case; None for anything else.

    >>> address_of("https://github.com/Octo/Hello.git"), address_of("git@github.com:octo/hello"), address_of("/srv/x")
    (('github.com', 'octo/hello'), ('github.com', 'octo/hello'), None)
    """
    told = _SCP.fullmatch(source)
    try:
        host, path = (told[1], told[2]) if told else (urlsplit(source).netloc.rpartition("@")[2], urlsplit(source).path)
    except ValueError:
        return None
    parts = path.strip("/").removesuffix(".git").lower().split("/")
    if not host or len(parts) < 2 or not all(parts[-2:]):
        return None
    return host.lower(), "/".join(parts[-2:])
