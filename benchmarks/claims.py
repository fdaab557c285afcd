"""Claim + complete per second on Postgres, against a plain FOR UPDATE SKIP LOCKED loop in the same run."""

import argparse
import json
import multiprocessing
import statistics
import time
from datetime import UTC, datetime
from multiprocessing.queues import Queue

import psycopg
from sqlalchemy import text

from adapters.ledger.engine import make_engine
from domain.errors import HarnessFailed
from domain.execution import ClaimRequest, LeaseRef
from domain.failures import AttemptEnd
from domain.lifecycle import Component, RunState
from resources.ledger import open_ledger
from tests.support.postgres import postgres_server

FLOOR_CLAIM = """
WITH c AS (SELECT id FROM floor_queue WHERE state = 'ready' ORDER BY prio, id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE floor_queue q SET state = 'leased', token = token + 1, lease_until = now() + interval '60 s'
FROM c WHERE q.id = c.id RETURNING q.id, q.token
"""
FLOOR_DONE = (
    "UPDATE floor_queue SET state = 'done', lease_until = NULL WHERE id = %s AND token = %s AND state = 'leased'"
)
MANIFEST = json.dumps({"title": "bench", "repository": "bench", "commands": ["true"]})


def plain(url: str) -> str:
    return "postgresql://" + url.split("://", 1)[1]


def floor(url: str, seconds: float, out: "Queue[int]") -> None:
    done = 0
    with psycopg.connect(plain(url), autocommit=True) as connection:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            row = connection.execute(FLOOR_CLAIM).fetchone()
            if row is None:
                break
            connection.execute(FLOOR_DONE, row)
            done += 1
    out.put(done)


def ours(url: str, seconds: float, out: "Queue[int]") -> None:
    ledger = open_ledger(url)
    request = ClaimRequest(owner="bench", ttl_seconds=60)
    done = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        lease = ledger.backlog.claim_ticket(request, component=Component.DISPATCH, now=datetime.now(UTC))
        if lease is None:
            break
        complete(ledger.backlog, lease.ref)
        done += 1
    out.put(done)


def complete(backlog, lease: LeaseRef) -> None:
    """The shortest legal end of a claimed run, with every event it owes."""
    end = AttemptEnd(error=HarnessFailed("bench"), run_state=RunState.FAILED, retry_at=None)
    backlog.fail_ticket(lease, end=end, component=Component.EXECUTION, now=datetime.now(UTC))


def measure(work, url: str, workers: int, seconds: float) -> float:
    out: Queue[int] = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=work, args=(url, seconds, out)) for _ in range(workers)]
    began = time.monotonic()
    for process in processes:
        process.start()
    done = sum(out.get() for _ in processes)
    for process in processes:
        process.join()
    return done / (time.monotonic() - began)


def fill(url: str, ready: int) -> None:
    open_ledger(url, migrate=True)
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE floor_queue (id bigint PRIMARY KEY, prio int NOT NULL, state text NOT NULL, "
                "token int NOT NULL DEFAULT 0, lease_until timestamptz) WITH (fillfactor=70)"
            )
        )
        connection.execute(text("CREATE INDEX ON floor_queue (prio, id) WHERE state = 'ready'"))
        connection.execute(
            text("INSERT INTO floor_queue SELECT n, n % 4, 'ready' FROM generate_series(1, :n) n"), {"n": ready}
        )
        connection.execute(
            text(
                "INSERT INTO repositories (name, source, forge, remote, settings, enabled, created_at, created_by) "
                "VALUES ('bench', '/', 'local', '/', '{}', true, now(), 'bench')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO tickets (id, seq, stage, manifest, manifest_sha256, idempotency_key, repository, harness, "
                "lock, risk, priority_rank, created_by, created_at, updated_at, not_before) "
                "SELECT 'T-' || n, n, 'queued', CAST(:manifest AS json), repeat('0', 64), 'k' || n, 'bench', "
                "'command', 'l' || n, 'low', n % 4, 'bench', now(), now(), now() FROM generate_series(1, :n) n"
            ),
            {"n": ready, "manifest": MANIFEST},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--workers", type=int, default=4)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--ready", type=int, nargs="+", default=[1_000, 100_000])
    told = options.parse_args()
    with postgres_server() as server:
        print(f"medians of {told.rounds} interleaved rounds, {told.workers} workers")
        print(f"{'ready':>8} {'ours/s':>8} {'floor/s':>8} {'floor/ours':>10}")
        for ready in told.ready:
            rates: dict[str, list[float]] = {"ours": [], "floor": []}
            for _ in range(told.rounds):
                url = server.new()
                fill(url, ready)
                rates["floor"].append(measure(floor, url, told.workers, told.seconds))
                rates["ours"].append(measure(ours, url, told.workers, told.seconds))
            mine, bare = statistics.median(rates["ours"]), statistics.median(rates["floor"])
            print(f"{ready:>8} {mine:>8.0f} {bare:>8.0f} {bare / mine:>10.1f}")


if __name__ == "__main__":
    main()
