"""Migrations, run by the program itself; the check every start makes does not import Alembic."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from adapters.ledger.engine import is_private, make_engine, opened
from domain.errors import LedgerOutdated

HEAD: Final = "0005"  #: a test compares it with migrations/versions
_SCRIPTS: Final = Path(__file__).parent / "migrations"
_TURN: Final = 0x666163746F7279  #: advisory lock: one migration at a time


def upgrade(url: str, revision: str = "head") -> None:
    """Create or upgrade the tables; a second caller waits and finds nothing left to do."""
    _migrate(make_engine(url), revision, up=True)


def downgrade(url: str, revision: str) -> None:
    """Go back to a revision; `base` removes every table with all it holds."""
    _migrate(make_engine(url), revision, up=False)


def check_current(engine: Engine) -> None:
    """Refuse tables of another release. A database in memory is private and new, so it is made ready instead.

    Raises:
        LedgerOutdated: `factory db migrate` must run first.
    """
    with opened(engine, writing=is_private(engine.url)) as connection:
        found = _revision(connection)
        if found != HEAD and is_private(engine.url):
            _run(connection, "head", up=True)
            return
    if found != HEAD:
        raise LedgerOutdated(f"the ledger is at revision {found or 'none'}, this release needs {HEAD}")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _migrate(engine: Engine, revision: str, *, up: bool) -> None:
    try:
        with opened(engine, writing=True) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
            _run(connection, revision, up=up)
    finally:
        engine.dispose()


def _run(connection: Connection, revision: str, *, up: bool) -> None:
    from alembic import command  # noqa: PLC0415 - 0.1 s that only a migration pays
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    (command.upgrade if up else command.downgrade)(config, revision)
