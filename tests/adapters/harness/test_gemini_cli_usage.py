"""The figures of Gemini CLI's telemetry: read, and passed on by the shell it starts in."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from adapters.harness.gemini_cli import GeminiCli
from domain.execution import Usage
from domain.harness import EventKind, HarnessEvent, Options
from domain.sandbox import OutputLine
from tests.adapters.harness.conformance import CLEAN, KILLED, brief_of
from tests.adapters.harness.replay import play

STAND_IN = """#!/bin/sh
cat > "$HOME"/said
test -s "$HOME"/.gemini/settings.json || exit 3
cat figures >> "$GEMINI_TELEMETRY_OUTFILE"
%s
"""


def answer(asked: object, said: object, cached: object, total: object) -> list[str]:
    """Return what the telemetry says of one answer of the model."""
    return [
        '    "event.name": "gemini_cli.api_response",',
        '    "model": "gemini-2.5-pro",',
        f'    "input_token_count": {asked},',
        f'    "output_token_count": {said},',
        f'    "cached_content_token_count": {cached},',
        '    "thoughts_token_count": 5,',
        f'    "total_token_count": {total},',
    ]


def feed(lines: list[str], stdout: object = None) -> tuple[list[HarnessEvent], Usage]:
    session = GeminiCli().open(brief_of())
    events = [event for line in lines for event in session.read(OutputLine(stream="stderr", text=line))]
    if stdout is not None:
        events += session.read(OutputLine(stream="stdout", text=json.dumps(stdout)))
    return events, session.finish(KILLED).usage


def figures(usage: Usage) -> tuple[int, int, int]:
    return usage.input_tokens, usage.cached_input_tokens, usage.output_tokens


class TestMeter:
    def test_each_answer_adds_up_and_reasoning_is_output(self) -> None:
        events, usage = feed(answer(1000, 20, 400, 1025) + answer(2000, 30, 1400, 2030))
        told = [figures(event.usage) for event in events if event.usage is not None]
        assert told == [(600, 400, 25), (1200, 1800, 55)]
        assert figures(usage) == told[-1]

    def test_recorded_live_it_is_told_before_the_end_and_agrees_with_it(self) -> None:
        played = play(GeminiCli(), brief_of(), "gemini-live-success", CLEAN)
        told = [figures(event.usage) for event in played.events if event.usage is not None]
        assert told == [(600, 400, 25), (1200, 800, 50), (1800, 1200, 75), (1800, 1200, 75)]

    def test_the_terminal_event_counts_where_the_telemetry_tells_less(self) -> None:
        stats = {"input_tokens": 5000, "output_tokens": 7, "cached": 100, "total_tokens": 5009}
        _, usage = feed(answer(1000, 20, 400, 1025), {"type": "result", "status": "success", "stats": stats})
        assert figures(usage) == (4900, 400, 25)

    def test_other_lines_with_such_words_are_not_figures(self) -> None:
        lines = [line.replace("api_response", "api_request") for line in answer(9, 9, 9, 9)]
        assert figures(feed(lines)[1]) == (0, 0, 0)
        assert figures(feed(['    "total_token_count": 7,'] * 3)[1]) == (0, 0, 0)

    @pytest.mark.parametrize("odd", ["-1", "1e9", '"7"', "null", "9" * 13, "9" * 1_000_000, "[[", "٣"])
    def test_a_wrong_figure_counts_as_none(self, odd) -> None:
        events, usage = feed([*answer(odd, odd, odd, odd), *answer(10, 2, 0, 12)])
        assert figures(usage) == (10, 0, 2)
        assert all(len(event.text) <= 2_000 for event in events)

    def test_a_total_told_twice_counts_once(self) -> None:
        lines = answer(10, 2, 0, 12)
        assert figures(feed(lines + lines[-1:] * 50)[1]) == (10, 0, 2)

    def test_more_cached_than_asked_is_no_debt(self) -> None:
        assert figures(feed(answer(10, 2, 50, 3))[1]) == (0, 10, 2)


class TestPassingOn:
    """With a stand-in for the program: a shell script that writes what the telemetry would."""

    def start(
        self, place: Path, then: str, program: str = "gemini", **told: object
    ) -> subprocess.CompletedProcess[str]:
        stand_in, work, home = place / "gemini", place / "work", place / "home"
        work.mkdir()
        home.mkdir(exist_ok=True)
        stand_in.write_text(STAND_IN % then)
        stand_in.chmod(0o755)
        (work / "figures").write_text("\n".join([*answer(10, 2, 0, 12), '    "user": "x",', ""]))
        command = GeminiCli().command(brief_of(options=Options(executable=str(place / program)), **told))
        environment = {"PATH": os.environ["PATH"], "HOME": str(home)} | command.environment
        return subprocess.run(
            command.argv,
            cwd=work,
            env=environment,
            input=command.stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_figures_reach_standard_error_and_nothing_else_does(self, tmp_path) -> None:
        ended = self.start(tmp_path, "sleep 1; echo told; exit 7")
        assert (ended.returncode, ended.stdout) == (7, "told\n")
        lines = ended.stderr.splitlines()
        assert [line for line in lines if "_count" not in line] == ['    "event.name": "gemini_cli.api_response",']
        events, usage = feed(lines)
        assert figures(usage) == (10, 0, 2)
        assert [event.kind for event in events] == [EventKind.USAGE]

    def test_the_prompt_is_its_input(self, tmp_path) -> None:
        self.start(tmp_path, "exit 0", prompt="line\n'$(id)'\n")
        assert (tmp_path / "home/said").read_text() == "line\n'$(id)'\n"

    def test_its_settings_are_there_when_it_starts(self, tmp_path) -> None:
        self.start(tmp_path, "exit 0")
        settings = json.loads((tmp_path / "home/.gemini/settings.json").read_text())
        assert settings["security"]["auth"] == {"selectedType": "gemini-api-key"}
        assert settings["security"]["environmentVariableRedaction"] == {"enabled": True}
        assert settings["privacy"] == {"usageStatisticsEnabled": False}
        assert settings["general"]["maxAttempts"] == 1
        assert settings["general"]["enableAutoUpdate"] is False

    def test_a_missing_program_is_127(self, tmp_path) -> None:
        assert self.start(tmp_path, "exit 0", program="no-such-program").returncode == 127

    def test_it_is_the_process_that_was_started(self, tmp_path) -> None:
        """So that signals reach it, and its end ends what watches it."""
        ended = self.start(tmp_path, "kill -TERM $$; sleep 30")
        assert ended.returncode == -15

    def test_figures_of_an_earlier_run_do_not_count_again(self, tmp_path) -> None:
        (tmp_path / "home/.gemini").mkdir(parents=True)
        (tmp_path / "home/.gemini/telemetry.log").write_text("\n".join(answer(10**6, 1, 1, 10**6 + 1)) + "\n")
        ended = self.start(tmp_path, "sleep 1", session_id="s")
        assert figures(feed(ended.stderr.splitlines())[1]) == (10, 0, 2)
