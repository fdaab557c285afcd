"""Scripts as values and as JSON, and the server as people start it by hand."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.model.talk import Codex, Talk
from tests.support.model import (
    Edit,
    Fault,
    FaultKind,
    Flood,
    Raw,
    Read,
    Script,
    Sh,
    Tokens,
    Turn,
    Write,
    load,
    scripted_model,
)  # fmt: skip

ROOT = Path(__file__).parents[2]
FULL = {
    "name": "fix-1",
    "key": "k",
    "turns": [
        {
            "say": "s",
            "reason": "r",
            "calls": [
                {"sh": "ls"},
                {"edit": "a", "old": "x", "new": "y"},
                {"write": "b", "content": ""},
                {"read": "c"},
                {"flood": 9},
                {"raw": "t", "arguments": "text"},
                {"raw": "u"},
            ],
            "usage": {"input": 5, "cached": 4, "cache_write": 3, "output": 2, "reasoning": 1},
            "fault": {"kind": "rate_limited", "times": 2, "retry_after": 3600},
            "latency": 0.5,
        }
    ],
}


def test_a_script_is_read_from_json(tmp_path: Path):
    file = tmp_path / "script.json"
    file.write_text(json.dumps(FULL))
    calls = (
        Sh(sh="ls"),
        Edit(edit="a", old="x", new="y"),
        Write(write="b", content=""),
        Read(read="c"),
        Flood(flood=9),
        Raw(raw="t", arguments="text"),
        Raw(raw="u"),
    )
    usage = Tokens(input=5, cached=4, cache_write=3, output=2, reasoning=1)
    fault = Fault(kind=FaultKind.RATE_LIMITED, times=2, retry_after=3600)
    turn = Turn(say="s", reason="r", calls=calls, usage=usage, fault=fault, latency=0.5)
    assert load(file) == [Script(name="fix-1", key="k", turns=(turn,))]
    file.write_text(f" [{file.read_text()}] ")
    assert len(load(file)) == 1


def wrong(**changes: Any) -> dict[str, Any]:
    return {"name": "one", "turns": [{"say": "x"} | changes]}


@pytest.mark.parametrize(
    "script",
    [
        {"name": "one"},
        {"name": "one", "turns": []},
        {"name": "", "turns": [{}]},
        {"name": "a b", "turns": [{}]},
        {"name": "x" * 65, "turns": [{}]},
        {"name": "one", "turns": [{}], "key": ""},
        {"name": "one", "turns": [{}], "turn": []},
        wrong(calls=[{"shell": "ls"}]),
        wrong(calls=[{"sh": "ls", "read": "a"}]),
        wrong(calls=[{"edit": "a", "old": "", "new": "x"}]),
        wrong(calls=[{"flood": 0}]),
        wrong(calls=[{"raw": "a", "arguments": ["x"]}]),
        wrong(usage={"input": -1}),
        wrong(usage={"output": 1, "reasoning": 2}),
        wrong(usage={"input": 1, "cache_write": 2}),
        wrong(fault={"kind": "unheard_of"}),
        wrong(fault={"kind": "cut", "times": 0}),
        wrong(fault={"kind": "stall", "seconds": -1}),
        wrong(fault={"kind": "huge_line", "size": 0}),
        wrong(latency=-1),
        wrong(say=7),
        wrong(unknown=1),
    ],
    ids=lambda script: json.dumps(script)[:80],
)
def test_a_script_that_is_wrong_is_refused(script: dict[str, Any], tmp_path: Path):
    with pytest.raises(ValidationError):
        Script.model_validate(script)
    file = tmp_path / "script.json"
    file.write_text(json.dumps(script))
    with pytest.raises(ValueError):
        load(file)


@pytest.mark.parametrize("text", ["", "[", "null", "7", "\ud800"])
def test_a_file_that_is_no_script_is_refused(text: str, tmp_path: Path):
    file = tmp_path / "script.json"
    file.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ValueError):
        load(file)


def test_a_server_needs_scripts_of_different_names():
    one = Script(name="one", turns=(Turn(),))
    with pytest.raises(ValueError, match="one name"), scripted_model([one, one]):
        pytest.fail("it started")
    with pytest.raises(ValueError, match="says nothing"), scripted_model([]):
        pytest.fail("it started")


def test_a_port_that_another_has_is_refused():
    one = Script(name="one", turns=(Turn(),))
    with scripted_model([one]) as model:
        port = int(model.url.rpartition(":")[2])
        with pytest.raises(OSError), scripted_model([one], port):
            pytest.fail("it started")
    with scripted_model([one], port) as again:
        assert again.url == model.url


def test_waiting_in_vain_ends():
    with scripted_model([Script(name="one", turns=(Turn(),))]) as model, pytest.raises(TimeoutError):
        model.wait_for(bool, 0)


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.model", *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_server_started_by_hand_prints_a_line_for_each_request(tmp_path: Path):
    file = tmp_path / "script.json"
    file.write_text(json.dumps({"name": "one", "turns": [{"say": "hello", "usage": {"input": 7, "output": 3}}]}))
    with start("--script", str(file)) as process:
        try:
            assert process.stdout is not None
            begun = json.loads(process.stdout.readline())
            assert Talk(Codex(), begun["url"]).ask("go").text == "hello"
            seen = json.loads(process.stdout.readline())
        finally:
            process.terminate()
    assert begun["scripts"] == ["one"]
    assert (seen["conversation"], seen["turn"], seen["status"], seen["over"]) == ("one", 0, 200, True)
    assert (seen["sent"]["input_tokens"], seen["sent"]["output_tokens"]) == (7, 3)


@pytest.mark.parametrize("text", [None, "{}", '{"name": "one", "turns": [{"fault": {"kind": "x"}}]}'])
def test_the_server_started_by_hand_tells_what_is_wrong_with_its_script(text: str | None, tmp_path: Path):
    file = tmp_path / "script.json"
    if text is not None:
        file.write_text(text)
    with start("--script", str(file)) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "Traceback" not in err
    assert ("turns" if text else "No such file") in err
