"""Events of three harnesses at work at once, written into one ledger as the launch step writes them.

A stand-in for an agent prints Claude Code's lines in a sandbox; each stream is followed in a process of its own, as a
run's is, by the same code: read, normalised, transcribed, metered, its lease kept, its events and usage stored.
First at a given rate, then as fast as it goes. An event that is not there at the end stops the benchmark.

Floor: the same rows inserted by the bare driver, from as many processes, each row committed by itself.
"""

import argparse
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.ingest_floor import bare_rate
from benchmarks.ingest_streams import Followed, follow_streams
from factory_pipelines.execution.stages.following import EVENT_LIMIT
from tests.support.factory import World, make_world
from tests.support.postgres import FAST, postgres_server

MIB = 1024**2
HELD_UP = 0.98  #: an agent that prints less than this of what it would was held up
BEHIND = 0.5  #: seconds that the last event may be written after it was printed


def world_on(folder: Path, url: str | None) -> World:
    """Return a factory whose ledger is at that URL, for the processes started from here too."""
    os.environ.pop("FACTORY_DATABASE_URL", None)
    if url is not None:
        os.environ["FACTORY_DATABASE_URL"] = url
    return make_world(folder)


def make_durable(admin: str) -> None:
    """Let commits reach the disk again, which the tests' server spares itself."""
    with psycopg.connect(admin, autocommit=True) as connection:
        for name in FAST:
            connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")


def middle(rounds: list[Followed]) -> Followed:
    return sorted(rounds, key=lambda one: one.rate)[len(rounds) // 2]


def tell(what: str, one: Followed) -> None:
    seen = f"seen {one.age * 1000:.0f} ms old, at most {one.oldest * 1000:.0f} ms"
    memory = f"{one.memory / MIB:.0f} MiB a process, {one.grown / MIB:.0f} of them by following"
    print(f"  {what}: {one.rate:.0f}/s, the last {one.behind * 1000:.0f} ms behind; {seen}; peak memory {memory}")


def compare(name: str, world: World, database: str, asked: argparse.Namespace) -> None:
    paced: list[Followed] = []
    flat: list[Followed] = []
    floor: list[float] = []
    for _ in range(asked.rounds):
        floor.append(bare_rate(database, asked.streams, asked.events))
        paced.append(follow_streams(world, asked.streams, asked.events, asked.rate / asked.streams, asked.sandbox))
        flat.append(follow_streams(world, asked.streams, asked.events, 0, asked.sandbox))
    print(f"{name}, {asked.streams} streams of {asked.events} events:")
    tell(f"at {asked.rate:.0f}/s", middle(paced))
    tell("as fast as it goes", middle(flat))
    mine, bare, at_rate = middle(flat).rate, statistics.median(floor), middle(paced)
    kept = at_rate.printed >= HELD_UP * asked.rate and at_rate.behind <= BEHIND
    print(f"  floor {bare:.0f}/s, floor/ours {bare / mine:.2f}; {asked.rate:.0f}/s {'kept' if kept else 'MISSED'}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--streams", type=int, default=3)
    options.add_argument("--events", type=int, default=EVENT_LIMIT, help="of each stream; more go to transcripts only")
    options.add_argument("--rate", type=float, default=1000.0, help="events a second, of all streams")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--sandbox", default="bubblewrap")
    options.add_argument("--long", type=int, default=100_000, help="events of one long stream, 0 for none")
    options.add_argument("--only", choices=("sqlite", "postgres"))
    asked = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        print(f"medians of {asked.rounds} interleaved rounds")
        if asked.only != "postgres":
            world = world_on(folder / "sqlite", None)
            compare("SQLite file", world, f"sqlite:///{folder / 'floor.sqlite'}", asked)
            if asked.long:
                tell(f"one of {asked.long}", follow_streams(world, 1, asked.long, 0, asked.sandbox))
        if asked.only != "sqlite":
            server = stack.enter_context(postgres_server())
            make_durable(server.admin)
            compare("Postgres", world_on(folder / "postgres", server.new()), server.new(), asked)


if __name__ == "__main__":
    main()
