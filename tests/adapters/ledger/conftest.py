import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.ledger.migrate import upgrade
from tests.support.postgres import PostgresServer, postgres_server

pytest.register_assert_rewrite(
    *(f"tests.adapters.ledger.{name}" for name in ("conformance", "inbox_conformance", "heads_conformance", "book"))
)

from tests.adapters.ledger.book import Book, open_book  # noqa: E402

PLACES = ("sqlite-memory", "sqlite-file", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    return postgres.new()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=PLACES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty ledger on each database we promise."""
    match request.param:
        case "sqlite-memory":
            yield "sqlite://"
        case "sqlite-file":
            path = tmp_path / "ledger.sqlite"
            shutil.copy(request.getfixturevalue("migrated_file"), path)
            yield f"sqlite:///{path}"
        case _:
            emptied = request.getfixturevalue("postgres_url")
            request.getfixturevalue("postgres").empty(emptied)
            yield emptied


@pytest.fixture
def book(url: str) -> Iterator[Book]:
    opened = open_book(url)
    yield opened
    opened.engine.dispose()
