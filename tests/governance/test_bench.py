"""Many programs started by one command: each with its own files, time and account."""

from datetime import timedelta

import pytest

from domain.harness import Command
from resources.governance.accounts import Streams, read_account
from resources.governance.bench import Job, opened_bench
from resources.settings import load_settings
from resources.wiring import open_factory

NOTHING = Streams(b"", b"")


@pytest.fixture(params=["process", pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
def bench(request, tmp_path, monkeypatch):
    """A bench in a home whose path has what shells split at."""
    monkeypatch.setenv("FACTORY_SANDBOX", request.param)
    factory = open_factory(load_settings(tmp_path / "ho me 'x'"), migrate=True)
    with opened_bench(factory) as found:
        yield found


def job(name: str, script: str, seconds: float = 60, limit: int = 1000, **told) -> Job:
    command = Command(argv=("sh", "-c", script), output_limit=limit, **told)
    return Job(name=name, command=command, seconds=seconds)


def test_each_has_its_own_end_whatever_becomes_of_the_others(bench):
    jobs = [
        job("reads", 'cat "my file"; pwd >&2; cat -', stdin="told\n"),
        job("fails", "exit 3"),
        job("dies", "kill -SEGV $$"),
        job("hangs", "sleep 300", seconds=1),
        job("talks", "head -c 5000 /dev/zero"),
        job("works", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"),
        job("hears", 'echo "$WORD"', environment={"WORD": "a 'b' $c"}),
        Job(name="missing", command=Command(argv=("/nowhere/program",)), seconds=60),
    ]
    found, late = bench.run("one", {"work/my file": b"here\n"}, jobs, parallel=3, seconds=120)
    assert not late
    assert found["reads"].stdout == "here\ntold\n"
    assert found["reads"].stderr.strip().endswith("/work")
    assert found["fails"].end.code == 3
    assert (found["dies"].end.code, found["dies"].end.signal) == (None, 11)
    assert found["hangs"].end.timed_out
    assert (found["talks"].end.truncated, found["talks"].stdout) == (True, "")
    assert found["works"].end.cpu_seconds > 0
    assert found["hears"].stdout == "a 'b' $c\n"
    assert found["missing"].end.code == 127


def test_what_did_not_end_in_time_has_no_account(bench, monkeypatch):
    monkeypatch.setattr("resources.governance.bench.GRACE_SECONDS", 0.0)
    found, late = bench.run("one", {}, [job("hangs", "sleep 300", seconds=300)], parallel=1, seconds=2)
    assert late
    assert found == {"hangs": None}


def test_two_rounds_do_not_mix(bench):
    jobs = [job("lists", "ls")]
    assert bench.run("one", {"work/a": b""}, jobs, parallel=1, seconds=60)[0]["lists"].stdout == "a\n"
    assert bench.run("two", {"work/b": b""}, jobs, parallel=1, seconds=60)[0]["lists"].stdout == "b\n"


@pytest.mark.parametrize(
    "account", [None, b"", b"0", b"0 1\n0m0s 0m0s\n", b"x 1 2\n0m0s 0m0s\n0m0s 0m0s\n", b"0 1 2\n\n", b"\xff\n\n", b"0 1 2\nno\nno\n"]
)  # fmt: skip
def test_an_account_that_cannot_be_read_is_none(account):
    assert read_account(account, 10, NOTHING) is None


def test_an_account_tells_time_and_signals():
    end = read_account(b"137 10.00 20.10\n0m0.00s 0m0.00s\n1m0.50s 0m0.25s\n", 10, NOTHING)
    assert (end.timed_out, end.cpu_seconds, end.seconds) == (True, 60.75, 10.1)
    killed = read_account(b"137 10.00 12.00\n0m0.00s 0m0.00s\n0m0.00s 0m0.00s\n", 10, Streams(None, b""))
    assert (killed.timed_out, killed.signal, killed.truncated) == (False, 9, True)
    assert timedelta(seconds=killed.seconds) == timedelta(seconds=2)
