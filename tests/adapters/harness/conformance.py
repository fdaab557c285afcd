"""What every harness guarantees. A subclass gives the harness and three briefs: one that works, fails, is killed."""

from pathlib import Path

import pytest

from adapters.harness.contract import Harness
from domain.errors import InvalidInput, taxonomy
from domain.harness import Brief, Ending, EventKind
from domain.sandbox import Exit, OutputLine
from tests.adapters.harness.stage import play

SECRET = "constitution: the prompt must not be seen in the process list"
KILLED = Exit(code=None, signal=9, seconds=1)
CLEAN = Exit(code=0, seconds=1)
GARBAGE = ("", "not json", "{", '{"type": 7}', "[1]", "null", '{"type": "end"}', "\x00\ufffd", "::factory-x::{}")


def brief_of(**told: object) -> Brief:
    settings = {"ticket_id": "T1", "run_id": "T1-r1", "title": "a title", "prompt": SECRET}
    return Brief.model_validate(settings | told)


class HarnessConformance:
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        raise NotImplementedError

    @pytest.fixture
    def works(self) -> Brief:
        raise NotImplementedError

    @pytest.fixture
    def lacking(self) -> Brief:
        """A brief without what this harness needs."""
        raise NotImplementedError

    def test_the_prompt_never_reaches_the_process_list(self, harness, works) -> None:
        assert SECRET not in " ".join(harness.command(works).argv)

    def test_the_same_brief_gives_the_same_command(self, harness, works) -> None:
        assert harness.command(works) == harness.command(works)

    def test_a_brief_that_lacks_something_is_refused(self, harness, lacking) -> None:
        with pytest.raises(InvalidInput):
            harness.command(lacking)

    def test_a_run_that_works_succeeds_and_says_so_last(self, harness, works, tmp_path) -> None:
        events, outcome = play(harness, works, tmp_path)
        assert outcome.ending is Ending.SUCCEEDED
        assert outcome.failure_code is None
        assert events[-1].kind is EventKind.FINISHED
        assert sum(event.kind is EventKind.FINISHED for event in events) == 1
        assert {EventKind.TOOL_STARTED, EventKind.TOOL_FINISHED} <= {event.kind for event in events}

    @pytest.mark.parametrize("ended", [CLEAN, KILLED, Exit(code=1, seconds=1)], ids=["clean", "killed", "failed"])
    def test_without_a_terminal_event_it_was_interrupted(self, harness, works, ended) -> None:
        outcome = harness.open(works).finish(ended)
        assert outcome.ending is Ending.INTERRUPTED
        assert outcome.failure_code in taxonomy()

    @pytest.mark.parametrize("line", GARBAGE)
    @pytest.mark.parametrize("stream", ["stdout", "stderr"])
    def test_a_malformed_line_is_a_warning_at_most(self, harness, works, line, stream) -> None:
        session = harness.open(works)
        kinds = {event.kind for event in session.read(OutputLine(stream=stream, text=line))}
        assert kinds <= {EventKind.WARNING, EventKind.MESSAGE}
        if stream == "stdout":
            assert EventKind.WARNING in kinds
        assert session.finish(CLEAN).ending is Ending.INTERRUPTED

    @pytest.mark.parametrize("stream", ["stdout", "stderr"])
    def test_a_line_of_20_mb_gives_small_events(self, harness, works, stream) -> None:
        events = harness.open(works).read(OutputLine(stream=stream, text="x" * 20_000_000))
        assert sum(len(event.model_dump_json()) for event in events) < 5_000

    def test_truncation_is_passed_on(self, harness, works) -> None:
        outcome = harness.open(works).finish(Exit(code=0, seconds=1, truncated=True, dropped_bytes=5))
        assert outcome.output_truncated

    def test_sessions_share_nothing(self, harness, works, tmp_path) -> None:
        play(harness, works, tmp_path)
        assert harness.open(works).finish(CLEAN).ending is Ending.INTERRUPTED
