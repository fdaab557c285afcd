"""Links to artifacts that open for whoever holds them: each carries a capability for just that artifact.

The key lies in FACTORY_HOME; who removes it makes every link ever given worthless.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from adapters.artifacts.contract import ArtifactStore
from domain.errors import SettingsInvalid
from domain.execution import ArtifactRef
from domain.repositories import Repository
from resources.settings import Settings

PATH: Final = "/v1/artifacts/"
KEY_FILE: Final = "artifact-links.key"
KEY_BYTES: Final = 32

Links = Callable[[ArtifactRef], str | None]


def links_to(settings: Settings, artifacts: ArtifactStore, repository: Repository) -> Links:
    """Return what gives an artifact's address: for the local forge its file, else the front door's, if it has one."""
    if repository.forge == "local":
        return lambda ref: str(Path(artifacts.path(ref)).absolute())
    return public_links(settings)


def public_links(settings: Settings) -> Links:
    """Return links to the front door; None for each where no public address is set."""
    if settings.public_url is None:
        return lambda _ref: None
    key, door = link_key(settings), settings.public_url.rstrip("/")

    def link(ref: ArtifactRef) -> str:
        return f"{door}{PATH}{ref.sha256}?{urlencode({'kind': ref.kind, 'key': capability(key, ref.sha256, ref.kind)})}"

    return link


def capability(key: bytes, digest: str, kind: str) -> str:
    return hmac.new(key, f"artifact {digest} {kind}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def opens(key: bytes, digest: str, kind: str, given: str) -> bool:
    """Tell whether a capability is the artifact's, in constant time."""
    return hmac.compare_digest(capability(key, digest, kind).encode(), given.encode("utf-8", "replace"))


def link_key(settings: Settings) -> bytes:
    """Return the key of this home, made once, readable by its owner and the services of its group."""
    path = settings.home / KEY_FILE
    with suppress(FileNotFoundError):
        return _read(path)
    draft = path.with_name(f".{KEY_FILE}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    return _read(path)


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise SettingsInvalid(f"{path} is no key of {KEY_BYTES} bytes: remove it, and a new one is made")
    return key
