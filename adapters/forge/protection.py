"""The receiving side's own check: a hook in each bare repository, whatever the pushing side thinks it may do."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from adapters._vendor.files import write_atomically
from adapters._vendor.git import Git, GitError
from adapters.forge.replay import BOT_NAME
from domain.errors import ForgeRefused
from domain.model import Instant, Value

HOOK: Final = (Path(__file__).parent / "pre-receive").read_bytes()
FOLDER: Final = "guard"  #: for git, relative to the repository that receives: it may be moved
RECORD: Final = "refused-pushes.tsv"
_KEY: Final = "factory.protected"
_RECORD_LIMIT: Final = 2_000_000  #: bytes read of a record; the hook stops at half of it
log = structlog.get_logger()


class RefusedPush(Value):
    """One line of what the hook refused."""

    at: Instant
    actor: str
    reference: str
    old: str
    new: str
    reason: str


def protect(git: Git, branches: Sequence[str]) -> None:
    """Install the hook, or repair it, and add to the protected branches; what people added themselves stays."""
    assert git.repository is not None  # noqa: S101 - narrows for the type checker
    hook = git.repository / FOLDER / "pre-receive"
    if not (hook.is_file() and hook.read_bytes() == HOOK and os.access(hook, os.X_OK)):
        write_atomically(hook, HOOK, mode=0o755)
    settings = _settings(git)
    for key, value in (("core.hookspath", FOLDER), ("receive.autogc", "false")):
        if settings.get(key) != [value]:
            git.run("config", "--replace-all", key, value)
    for branch in branches:
        if branch not in settings.get(_KEY, []):
            git.run("config", "--add", _KEY, branch)


def push(git: Git, reference: str, commit: str, expected: str | None) -> None:
    """Move a reference as the bot, through the hook, if it still is where it was expected (None: nowhere).

    Raises:
        ForgeRefused: the receiving side said no; it keeps a record of it.
    """
    try:
        git.run(
            "push", "--quiet", "--no-verify", f"--force-with-lease={reference}:{expected or ''}",
            str(git.repository), f"{commit}:{reference}",
            environment={"FACTORY_ACTOR": BOT_NAME},
        )  # fmt: skip
    except GitError as error:
        if "hook declined" not in error.words:
            raise
        log.warning("push_refused", reference=reference, commit=commit, words=error.words[-500:])
        raise ForgeRefused(f"the push to {reference} was refused: {error.words[-500:]}") from error


def read_refused(repository: Path) -> list[RefusedPush]:
    """Return the pushes that were refused, oldest first; lines that cannot be read are left out."""
    try:
        with (repository / RECORD).open("rb") as file:
            text = file.read(_RECORD_LIMIT).decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    rows = [line.split("\t") for line in text.splitlines()]
    return [_refused_push(row) for row in rows if len(row) == len(RefusedPush.model_fields)]


def _refused_push(row: list[str]) -> RefusedPush:
    at, *rest = row
    told = dict(zip(list(RefusedPush.model_fields)[1:], rest, strict=True))
    return RefusedPush(at=datetime.fromisoformat(at), **told)


def _settings(git: Git) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in git.text("config", "--local", "--list", "-z").split("\0"):
        key, _, value = item.partition("\n")
        found.setdefault(key, []).append(value)
    return found
