"""Migrations go up and down, agree with the tables the code uses, and are checked at every start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from adapters.ledger import migrate
from adapters.ledger.engine import make_engine, normal_url
from adapters.ledger.schema import tickets
from domain.errors import LedgerOutdated, LedgerUnavailable, SettingsInvalid
from tests.support.postgres import PostgresServer

DUMP = {
    "sqlite": "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name",
    "postgresql": """
        SELECT 'column', table_name || '.' || column_name,
               data_type || is_nullable || coalesce(column_default, '') FROM information_schema.columns
          WHERE table_schema = 'public'
        UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
          WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        ORDER BY 1, 2, 3""",
}


def dump(url: str) -> list[tuple[str, ...]]:
    engine = make_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text(DUMP[engine.dialect.name])).all()
    engine.dispose()
    return [tuple(row) for row in rows]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new(template="template1")


def test_down_and_up_again_gives_the_same_schema(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    first = dump(empty_url)
    for name in ("tickets", "runs", "leases", "run_events", "artifacts", "ix_tickets_ready"):
        assert any(name in row[1] for row in first)
    migrate.upgrade(empty_url)  # nothing left to do
    migrate.downgrade(empty_url, "base")
    assert {row[1].partition(".")[0] for row in dump(empty_url)} <= {"alembic_version", "alembic_version_pkc"}
    migrate.upgrade(empty_url)
    assert dump(empty_url) == first


def test_the_migrations_make_what_the_code_expects(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    engine = make_engine(empty_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tickets.metadata) == []
    engine.dispose()


def test_checks_and_partial_indexes_agree_too(tmp_path: Path) -> None:
    """Alembic does not compare these, so the text SQLite keeps is compared instead."""
    migrated, made = f"sqlite:///{tmp_path / 'a'}", f"sqlite:///{tmp_path / 'b'}"
    migrate.upgrade(migrated)
    engine = create_engine(made)
    tickets.metadata.create_all(engine)
    engine.dispose()

    def parts(url: str) -> dict[str, list[str]]:
        rows = [row for row in dump(url) if row[0] != "trigger" and row[1] != "alembic_version"]
        return {name: sorted(filter(None, map(str.strip, re.split(r"[,\n]", sql or "")))) for _, name, sql in rows}

    assert parts(migrated) == parts(made)


def test_head_is_the_newest_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


def test_an_outdated_ledger_is_refused(empty_url: str) -> None:
    engine = make_engine(empty_url)
    with pytest.raises(LedgerOutdated, match="revision none"):
        migrate.check_current(engine)
    migrate.upgrade(empty_url)
    migrate.check_current(engine)
    migrate.downgrade(empty_url, "base")
    with pytest.raises(LedgerOutdated):
        migrate.check_current(engine)
    engine.dispose()


def test_a_start_does_not_import_alembic() -> None:
    code = "import sys; import adapters.ledger.migrate, adapters.ledger.backlog; sys.exit('alembic' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_a_silent_database_is_unavailable(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/nowhere/x.sqlite", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"):
        with pytest.raises(LedgerUnavailable):
            migrate.check_current(make_engine(url))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_spelling_of_postgres_is_psycopg_3(scheme: str) -> None:
    assert normal_url(f"{scheme}://u:p@h/d").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["mysql://h/d", "nonsense", ""])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid):
        normal_url(url)


def test_sqlite_is_durable_and_checks_keys(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'x'}")
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}
