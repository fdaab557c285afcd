"""The floor of event ingest: rows as the ledger's, inserted by the bare driver."""

import json
import sqlite3
import time
from datetime import UTC, datetime
from typing import Any

import psycopg

from benchmarks.together import together

COLUMNS = "name text, version int, at text, ticket_id text, run_id text, actor text, component text, payload text"
NAMES = "name, version, at, ticket_id, run_id, actor, component, payload"
PAYLOAD = json.dumps({"kind": "message", "text": "x" * 220, "harness": "claude_code", "version": 1, "seconds_left": 9})


def bare_rate(url: str, streams: int, rows: int) -> float:
    """Return rows a second of so many processes that commit each row by itself."""
    with connected(url) as connection:
        connection.execute("DROP TABLE IF EXISTS floor_events")
        serial = "integer primary key" if url.startswith("sqlite") else "bigint generated always as identity"
        connection.execute(f"CREATE TABLE floor_events (seq {serial}, {COLUMNS})")
        connection.execute("CREATE INDEX floor_ticket ON floor_events (ticket_id, seq)")
        connection.execute("CREATE INDEX floor_run ON floor_events (run_id, seq)")
        connection.commit()
    told = together(insert, [(url, rows, number) for number in range(streams)])
    return streams * rows / (max(end for _, end in told) - min(began for began, _ in told))


def insert(gate: Any, spans: Any, url: str, rows: int, number: int) -> None:
    mark = "?" if url.startswith("sqlite") else "%s"
    statement = f"INSERT INTO floor_events ({NAMES}) VALUES ({', '.join([mark] * 8)})"
    with connected(url) as connection:
        gate.wait()
        began = time.time()
        for _ in range(rows):
            now = datetime.now(UTC).isoformat()
            row = ("harness_event", 1, now, f"T-{number}", f"T-{number}-r1", "factory", "execution", PAYLOAD)
            connection.execute(statement, row)
            connection.commit()
        spans.put((began, time.time()))


def connected(url: str) -> Any:
    """Return a connection of the bare driver, as durable as the ledger's."""
    if not url.startswith("sqlite"):
        return psycopg.connect("postgresql://" + url.split("://", 1)[1])
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection
