"""One storage class for both shapes: SQLite under DAGSTER_HOME, or Postgres when FACTORY_DATABASE_URL names one."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

SCHEMA = "dagster"  #: of Dagster's tables; the ledger's lie in the default one, and both have a table `runs`


class FactoryStorage(DagsterStorage):
    """Never instantiated: Dagster asks it for a storage, and it hands out one of the two."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, _config: Mapping[str, Any]) -> DagsterStorage:
        url = os.environ.get("FACTORY_DATABASE_URL")
        with _one_at_a_time():
            if url and not url.startswith("sqlite"):
                _make_schema(url)
                return DagsterPostgresStorage(postgres_url_for_dagster(url), inst_data=inst_data)
            return DagsterSqliteStorage(base_dir=os.environ["DAGSTER_HOME"], inst_data=inst_data)


def postgres_url_for_dagster(url: str) -> str:
    """Name the driver and the schema: dagster-postgres ships psycopg2, SQLAlchemy 2.1 would pick psycopg 3."""
    address = url.split("://", 1)[1]
    mark = "&" if "?" in address else "?"
    return f"postgresql+psycopg2://{address}{mark}options=-csearch_path%3D{SCHEMA}"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Services that start together must not create the same tables together, which Dagster does not guard."""
    with (Path(os.environ["DAGSTER_HOME"]) / ".storage.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make_schema(url: str) -> None:
    with psycopg.connect("postgresql://" + url.split("://", 1)[1], autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
