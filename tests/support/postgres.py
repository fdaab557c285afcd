"""A real Postgres for the tests: one server a session, one migrated template, one cloned database a test."""

import importlib
import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from adapters.ledger.migrate import upgrade
from adapters.ledger.schema import tickets

TEMPLATE = "factory_template"
# Nothing here outlives the tests, so nothing needs to reach the disk.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass
class PostgresServer:
    """Databases by number; `admin` is the URL of the database that makes them."""

    admin: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return self.admin.replace("/postgres?", f"/{database}?")

    def new(self, *, template: str = TEMPLATE) -> str:
        """Return the URL of a new database; the default template is already migrated."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def empty(self, url: str) -> None:
        """Make a database as new: twenty times faster than another one. Triggers rest meanwhile."""
        tables = sql.SQL(", ").join(sql.Identifier(name) for name in tickets.metadata.tables if name != "counters")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(tables))
            connection.execute("UPDATE counters SET value = 0")

    def prepare(self) -> None:
        for name, value in FAST.items():
            self._run(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        self._run(sql.SQL("SELECT pg_reload_conf()"))
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        upgrade(self.url(TEMPLATE))

    def _run(self, statement: sql.Composable) -> None:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server of its own in a temporary directory; stopped and removed at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR
        pgserver = importlib.import_module("pgserver")
    # short, because a Unix socket's path is at most 107 bytes
    running = pgserver.get_server(Path(tempfile.mkdtemp(prefix="pg-")), cleanup_mode="delete")
    try:
        server = PostgresServer(running.get_uri())
        server.prepare()
        yield server
    finally:
        running.cleanup()
