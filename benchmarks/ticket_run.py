"""Overhead of a ticket run with a harness that does next to nothing, against the sum of its floor.

Both sides are measured in turn in one process: the eight steps without Dagster, and the git clone, commit, push and
database commits that no implementation could leave out. What Dagster adds is measured as whole runs in-process.
"""

import argparse
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.factory import World, make_world
from tests.support.repositories import ENV, git

COMMITS = 40  #: database commits of one run, counted from its timeline


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def one_run(world: World, number: int) -> None:
    ticket = world.file(title=f"bench {number}", commands=[f"echo {number} > bench.txt"])
    error = world.run(ticket)
    if error is not None:
        raise error


def floor(folder: Path, source: Path, number: int) -> None:
    work, bare = folder / f"work{number}", folder / "bare.git"
    if not bare.exists():
        subprocess.run(["git", "clone", "-q", "--bare", str(source), str(bare)], check=True, env=ENV)
    for clone in (work, folder / f"check{number}"):
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(bare), str(clone)], check=True, env=ENV)
    (work / "bench.txt").write_text(f"{number}\n")
    git(work, "checkout", "-q", "-b", f"bench{number}")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "bench")
    git(work, "push", "-q", "origin", f"bench{number}")
    connection = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, body TEXT)")
    for _ in range(COMMITS):
        connection.execute("INSERT INTO event (body) VALUES (?)", ("x" * 200,))
    connection.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7)
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = make_world(folder, verify=["true"])
        ours: list[float] = []
        bare: list[float] = []
        for number in range(told.rounds):
            bare.append(timed(lambda n=number: floor(folder, world.source, n)))  # type: ignore[misc]
            ours.append(timed(lambda n=number: one_run(world, n)))  # type: ignore[misc]
        mine, least = statistics.median(ours), statistics.median(bare)
        print(f"eight steps {mine * 1000:.0f} ms, floor {least * 1000:.0f} ms, ratio {mine / least:.1f}")
        print(f"medians of {told.rounds} interleaved rounds; floor: two clones, commit, push, {COMMITS} SQLite commits")


if __name__ == "__main__":
    main()
