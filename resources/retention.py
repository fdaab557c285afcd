"""What is kept for a while only: bodies of webhooks, mirrors of checkouts that nobody has judged for long."""

import shutil
import time
from pathlib import Path
from typing import Final

import structlog

from resources.governance.checkout import checkouts_dir
from resources.settings import Settings
from resources.wiring import Factory

log = structlog.get_logger()

EVERY_SECONDS: Final = 3600.0
WEBHOOK: Final = "webhook"  #: kind of artifact
_STAMP: Final = ".forgot"


def forget_old(factory: Factory, now: float | None = None) -> None:
    """Remove what is older than the settings keep it, at most once an hour; what cannot be removed waits.

    Args:
        factory: Whose home it is.
        now: Unix seconds; none: by this machine's clock.
    """
    settings, at = factory.settings, time.time() if now is None else now
    if not _is_due(settings, at):
        return
    bodies = factory.artifacts.forget(WEBHOOK, before=at - settings.webhooks_kept)
    mirrors = forget_checkouts(settings, at)
    if bodies or mirrors:
        log.info("old_things_forgotten", webhook_bodies=bodies, mirrors=mirrors)


def forget_checkouts(settings: Settings, at: float) -> int:
    """Remove the mirrors that were last used too long ago; a later use makes one anew."""
    folder = checkouts_dir(settings)
    old = [one for one in _folders(folder) if one.stat().st_mtime < at - settings.checkouts_kept]
    for one in old:
        shutil.rmtree(one, ignore_errors=True)
    return len(old)


def _folders(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []


def _is_due(settings: Settings, at: float) -> bool:
    stamp = settings.governance_dir / _STAMP
    try:
        if 0 <= at - stamp.stat().st_mtime < EVERY_SECONDS:
            return False
    except FileNotFoundError:
        stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()
    return True
