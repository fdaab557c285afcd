"""The program that keeps OpenHands in a sandbox, as a process, with a stand-in for OpenHands."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from adapters.harness.openhands import KEEPER, OpenHands
from domain.harness import Ending, EventKind, Options
from tests.adapters.harness.conformance import brief_of
from tests.adapters.harness.stage import play

STAND_IN = Path(__file__).with_name("openhands_stand_in.py")
SAID = {"kind": "MessageEvent", "source": "agent", "llm_message": {"content": [{"type": "text", "text": "Done."}]}}
ANSWER = {"response": {"model": "m-9", "usage": {"prompt_tokens": 7, "completion_tokens": 2}}}
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def program(tmp_path: Path) -> str:
    file = tmp_path / "openhands"
    file.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    file.chmod(0o755)
    return str(file)


def run(folder: Path, program: str, session: str | None = None, **task: Any):
    options = Options(executable=program, model="anthropic/m")
    return play(OpenHands(), brief_of(prompt=json.dumps(task), options=options, session_id=session), folder)


def test_a_run_is_told_from_its_session_to_its_end(tmp_path, program) -> None:
    events, outcome = run(tmp_path, program, events=[SAID], answers=[ANSWER, ANSWER], status="finished")
    assert (outcome.ending, outcome.summary, outcome.model) == (Ending.SUCCEEDED, "Done.", "m-9")
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (14, 4)
    assert events[-1].kind is EventKind.FINISHED
    assert outcome.session_id in {path.name for path in (tmp_path / ".openhands" / "conversations").iterdir()}


def test_what_was_told_is_not_kept_and_nobody_else_may_read_the_rest(tmp_path, program) -> None:
    run(tmp_path, program, answers=[ANSWER], status="finished")
    own = tmp_path / ".openhands"
    assert list((own / "calls").iterdir()) == []
    assert {oct(path.stat().st_mode & 0o077) for path in (own, own / "task.md", own / "agent_settings.json")} == {"0o0"}


def test_only_json_is_an_event_and_the_rest_are_last_words(tmp_path, program) -> None:
    events, outcome = run(
        tmp_path, program, prose=["Initializing", "no {json}"], events=[SAID], status="running", code=3
    )
    assert EventKind.WARNING not in {event.kind for event in events}
    assert (outcome.failure_code, outcome.summary) == ("harness.crashed", "Initializing | no {json}")


@pytest.mark.parametrize("answer", [[], None, {"response": 3}, {"response": {"usage": []}}])
def test_an_answer_of_another_shape_counts_for_nothing(tmp_path, program, answer) -> None:
    _, outcome = run(tmp_path, program, events=[SAID], answers=[answer], status="finished")
    assert (outcome.ending, outcome.usage.input_tokens) == (Ending.SUCCEEDED, 0)


@pytest.mark.parametrize(("status", "code"), [(None, 0), (7, 1), ([], -9), ("running", 0), ("", -2), ({"a": 1}, 0)])
def test_a_state_that_is_not_final_is_an_interruption_whatever_the_code(tmp_path, program, status, code) -> None:
    assert run(tmp_path, program, events=[SAID], status=status, code=code)[1].ending is Ending.INTERRUPTED


def test_a_state_that_is_not_there_is_an_interruption(tmp_path, program) -> None:
    assert run(tmp_path, program, events=[SAID], spoil=True)[1].ending is Ending.INTERRUPTED


def test_what_its_tools_put_into_its_folders_does_no_harm(tmp_path) -> None:
    """A pipe nobody writes to, a folder, a link, a file without an end, and no folder at all."""
    program = tmp_path / "openhands"
    own = tmp_path / ".openhands"
    program.write_text(
        f"#!/bin/sh\ncd {own}/calls; mkfifo pipe; mkdir folder; ln -s /dev/zero link; truncate -s 100G huge\n"
        "sleep 1; rm -r ../conversations; sleep 1; echo '{}'\n"
    )
    program.chmod(0o755)
    assert run(tmp_path, str(program))[1].ending is Ending.INTERRUPTED


def test_a_session_goes_on_under_its_name(tmp_path, program) -> None:
    _, first = run(tmp_path, program, events=[SAID], status="finished")
    _, again = run(tmp_path, program, session=first.session_id, events=[SAID], status="finished")
    assert (again.ending, again.session_id) == (Ending.SUCCEEDED, first.session_id)
    assert len(list((tmp_path / ".openhands" / "conversations").iterdir())) == 1


def test_a_session_that_nobody_knows_starts_nothing(tmp_path) -> None:
    _, outcome = run(tmp_path, "/nowhere/openhands", session=NOBODY)
    assert (outcome.ending, outcome.failure_code) == (Ending.FAILED, "harness.session_unknown")


def test_a_program_that_is_not_there(tmp_path) -> None:
    assert run(tmp_path, "/nowhere/openhands")[1].failure_code == "harness.program_missing"


def test_a_prompt_of_a_megabyte_arrives_whole(tmp_path, program) -> None:
    text = "é" * 1_000_000
    assert run(tmp_path, program, events=[SAID], status="finished", ballast=text)[1].ending is Ending.SUCCEEDED
    assert text in json.loads((tmp_path / ".openhands" / "task.md").read_text())["ballast"]


def test_an_interrupt_of_both_leaves_the_keeper_to_tell_the_end(tmp_path) -> None:
    program = tmp_path / "openhands"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/begun\nexec sleep 300\n")
    program.chmod(0o755)
    argv = [sys.executable, "-I", "-c", KEEPER, "{}", "", str(program)]
    keeper = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True, cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert keeper.stdin is not None
    keeper.stdin.close()
    until = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(keeper.pid, signal.SIGINT)
    assert keeper.stdout is not None
    told = [json.loads(line) for line in keeper.stdout]
    assert told == [{"kind": "factory.end", "status": None, "code": 130}]
    assert keeper.wait(60) == 130
