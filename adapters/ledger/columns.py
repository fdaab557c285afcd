"""What every table of the ledger is made of: column types, stamps, checks and partial indexes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, MetaData, Table, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.model import DEFAULT_PRODUCT

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An instant, always UTC: timestamptz on Postgres, sortable text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from anywhere: what Postgres cannot store (NUL, lone surrogates) becomes a replacement character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


Serial: Final = BigInteger().with_variant(Integer(), "sqlite")


def among(column: str, values: Iterable[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    return CheckConstraint(among(column, values), name=column)


def need(
    name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words, *items: SchemaItem, **options: Any
) -> Column[Any]:
    return Column(name, kind, *items, nullable=False, **options)


def count(name: str) -> Column[Any]:
    return need(name, Integer, server_default=text("0"))


def table(name: str, *items: SchemaItem, **options: Any) -> Table:
    return Table(
        name,
        metadata,
        *(_any_text(item) for item in items if isinstance(item, Column)),
        need("product_id", Text, server_default=text(f"'{DEFAULT_PRODUCT}'")),
        need("schema_version", Integer, server_default=text("1")),
        *(item for item in items if not isinstance(item, Column)),
        **options,
    )


def _any_text(column: Column[Any]) -> Column[Any]:
    """Let a key be asked for by any text: what no row can hold finds nothing, on either database."""
    if type(column.type) is Text:
        column.type = Words()
    return column


def only(name: str, *columns: Any, where: str, unique: bool = True) -> Index:
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))
