"""Open a home for commands that only read or decide: nothing is wired that they do not use."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from control_plane.desk import Desk, open_desk
from resources.settings import Settings, load_settings, prepare_home


def open_reading() -> Desk:
    """Open FACTORY_HOME's ledger.

    Raises:
        SettingsInvalid, LedgerOutdated, LedgerUnavailable.
    """
    settings = load_settings()
    with first_use(settings) as is_new:
        return open_desk(settings, migrate=is_new)


@contextmanager
def first_use(settings: Settings) -> Iterator[bool]:
    """Tell whether nobody used this home's own ledger before; then nobody else comes in until its tables are made.

    A ledger that exists, or that FACTORY_DATABASE_URL names, is migrated by hand only.
    """
    ledger = settings.home / "ledger.sqlite"
    if settings.database_url or ledger.exists():
        yield False
        return
    prepare_home(settings)
    with (settings.home / "migrate.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield not ledger.exists()
