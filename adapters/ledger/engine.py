"""URL → engine, and the one place where a driver's failure becomes LedgerUnavailable."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.errors import LedgerUnavailable, SettingsInvalid

BUSY_SECONDS: Final = 30
_PRAGMAS: Final = (
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
_POSTGRES: Final = frozenset({"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"})


def normal_url(url: str) -> URL:
    """Read a database URL; every spelling of Postgres becomes psycopg 3.

    Raises:
        SettingsInvalid: it is neither SQLite nor Postgres.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsInvalid("database_url is not a database URL") from error
    if parsed.drivername in _POSTGRES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return parsed.set(drivername="sqlite")
    raise SettingsInvalid(f"database_url names {parsed.drivername!r}; give sqlite:///FILE or postgresql://…")


def is_private(url: URL) -> bool:
    """Tell whether the database lives and dies with one engine (SQLite in memory)."""
    return url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}


def make_engine(url: str) -> Engine:
    """Return an engine with a small pool; nothing is connected yet."""
    parsed = normal_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed, pool_size=4, max_overflow=4, pool_pre_ping=True)
    # In memory the one pooled connection is the database: threads take turns, as writers of a file do.
    room = {"pool_size": 1, "max_overflow": 0} if is_private(parsed) else {"pool_size": 4, "max_overflow": 4}
    arguments: dict[str, Any] = {"check_same_thread": False, "timeout": BUSY_SECONDS}
    engine = create_engine(parsed, poolclass=QueuePool, connect_args=arguments, **room)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def opened(engine: Engine, *, writing: bool = False) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back on any error.

    Raises:
        LedgerUnavailable: the database does not answer.
    """
    try:
        with engine.connect() as connection, connection.execution_options(writing=writing).begin():
            yield connection
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        cause = error.orig if isinstance(error, OperationalError | InterfaceError) else error
        raise LedgerUnavailable(f"the ledger's database does not answer: {str(cause).strip()}") from error
