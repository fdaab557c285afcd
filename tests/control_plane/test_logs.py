"""factory logs: what a harness said, from real runs; hostile lines are stored by the test."""

import io
import json
import sys

import pytest

from tests.support.factory import FIX

LOUD = "printf 'to out\\n'; printf 'to \\033[31merr\\n' >&2"


@pytest.fixture
def ran(world):
    ticket = world.file(commands=[LOUD, FIX])
    assert world.run(ticket) is None
    return ticket


def keep(world, content: bytes, kind: str):
    """A run at work that has stored something."""
    ticket = world.file()
    lease = world.dispatch(ticket)
    now = world.factory.now()
    world.factory.run_ledger.start_run(lease.ref, dagster_run_id="d", ttl_seconds=60, now=now)
    ref = world.factory.artifacts.put(content, kind=kind, name="x")
    world.factory.evidence.add_artifact(lease.ref, ref, now=now)
    return ticket, ref


def test_the_transcript_in_words_and_as_events(cli, ran):
    lines = cli("logs", ran.id).out.splitlines()
    assert lines.index(f"runs sh: {FIX}") < lines.index("finished (succeeded)")
    document = cli("logs", f"{ran.id}-r1", "--json").document
    assert (document["run"], document["kind"], document["left_out"]) == (f"{ran.id}-r1", "transcript", 0)
    assert [line["kind"] for line in document["lines"]].count("finished") == 1
    assert set(document["artifacts"][0]) == {"sha256", "size", "path"}


def test_raw_lines_are_untouched_in_a_pipe_and_harmless_on_a_terminal(cli, ran, monkeypatch):
    piped = cli("logs", ran.id, "--stderr").out
    assert "to \033[31merr\n" in piped
    assert "::factory-" not in piped
    assert "::factory-" in cli("logs", ran.id, "--raw").out
    assert {line["stream"] for line in cli("logs", ran.id, "--stderr", "--json").document["lines"]} == {"stderr"}

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    cli("logs", ran.id, "--stderr")
    assert "to " in screen.getvalue()
    assert "\033" not in screen.getvalue()


def test_the_newest_lines_are_shown_and_the_rest_is_told(cli, ran):
    whole = cli("logs", ran.id).out.splitlines()
    said = cli("logs", ran.id, "--limit", "2")
    assert said.out.splitlines() == whole[-2:]
    assert "earlier line(s) are left out" in said.err
    assert cli("logs", ran.id, "--limit", "0").code == 2


HOSTILE = [
    b"\xff\xfe\n{}\n[1]\n" + b'{"kind": "message", "text": "a\\u001b[2Jb\\ud800"}\n',
    b"[" * 100_000,
    json.dumps({"kind": ["x"], "text": {"a": 1}, "tool": 5, "status": None}).encode(),
    b'{"kind": "message", "text": "' + b"x" * 3_000_000 + b'"}',
    b"",
]


@pytest.mark.parametrize("content", HOSTILE)
@pytest.mark.parametrize("kind", ["transcript", "raw"])
def test_whatever_was_stored_is_shown(cli, world, content, kind):
    ticket, _ = keep(world, content, kind)
    words = ["logs", ticket.id, *(["--raw"] if kind == "raw" else [])]
    said = cli(*words)
    assert said.code == 0
    said.out.encode()
    assert kind == "raw" or all(character.isprintable() or character == "\n" for character in said.out)
    assert cli(*words, "--json").document["kind"] == kind


def test_a_run_without_a_transcript_says_why(cli, world):
    ticket = world.file()
    world.dispatch(ticket)
    said = cli("logs", ticket.id, "--json")
    assert (said.code, said.error["code"]) == (1, "input.not_found")
    assert "--follow" in said.error["message"]


def test_an_artifact_that_is_gone_is_a_failure_not_a_bug(cli, world):
    ticket, ref = keep(world, b"{}", "transcript")
    path = world.factory.artifacts.path(ref)
    with open(path, "w") as file:  # noqa: PTH123
        file.write("other")
    assert cli("logs", ticket.id, "--json").error["code"] == "input.not_found"
