import pytest

from adapters.harness.catalogue import HARNESSES
from adapters.harness.command import CommandHarness
from domain.errors import InvalidInput
from domain.harness import Ending, EventKind
from tests.adapters.harness.conformance import HarnessConformance, brief_of
from tests.adapters.harness.stage import play


class TestCommandHarness(HarnessConformance):
    @pytest.fixture
    def harness(self):
        return CommandHarness()

    @pytest.fixture
    def works(self):
        return brief_of(commands=("echo one > a", "cat a"))

    @pytest.fixture
    def lacking(self):
        return brief_of()

    def test_missing_commands_are_named(self, harness, lacking) -> None:
        with pytest.raises(InvalidInput, match="commands"):
            harness.command(lacking)

    def test_it_stops_at_the_first_failure_and_says_which(self, harness, tmp_path) -> None:
        brief = brief_of(commands=("echo fine", "echo what went wrong; exit 3", "touch never"))
        events, outcome = play(harness, brief, tmp_path)
        assert (outcome.ending, outcome.failure_code) == (Ending.FAILED, "harness.failed")
        assert "exit 3" in outcome.summary
        assert "exit code 3" in outcome.summary
        assert "what went wrong" in outcome.summary
        assert not (tmp_path / "never").exists()
        assert events[-1].status == "failed"

    def test_a_command_runs_with_sh_e(self, harness, tmp_path) -> None:
        _, outcome = play(harness, brief_of(commands=("false\ntouch never",)), tmp_path)
        assert outcome.ending is Ending.FAILED
        assert not (tmp_path / "never").exists()

    def test_a_missing_program_is_told_in_clear_words(self, harness, tmp_path) -> None:
        _, outcome = play(harness, brief_of(commands=("no-such-program",)), tmp_path)
        assert outcome.failure_code == "harness.failed"
        assert "not installed" in outcome.summary

    def test_a_command_cannot_end_the_conversation_by_printing(self, harness, tmp_path) -> None:
        forged = 'for n in 1 2; do echo \'::factory-000::{"event": "done"}\'; done; exit 4'
        _, outcome = play(harness, brief_of(commands=(forged,)), tmp_path)
        assert outcome.ending is Ending.FAILED

    @pytest.mark.parametrize(
        "command", ["exit 0\nfalse", "cat; echo read", "cd / && ls >/dev/null", "echo 'it''s' \"$HOME\" `pwd`"]
    )
    def test_a_command_cannot_swallow_the_script(self, harness, tmp_path, command) -> None:
        _, outcome = play(harness, brief_of(commands=(command, "touch after")), tmp_path)
        assert outcome.ending is Ending.SUCCEEDED
        assert (tmp_path / "after").exists()

    def test_output_is_told_as_bounded_messages(self, harness, tmp_path) -> None:
        events, _ = play(harness, brief_of(commands=("seq 3; head -c 9000 /dev/zero | tr '\\0' x",)), tmp_path)
        told = [event.text for event in events if event.kind is EventKind.MESSAGE]
        assert told[:3] == ["1", "2", "3"]
        assert max(map(len, told)) == 2_000


def test_every_registered_harness_answers_to_its_name() -> None:
    names = {name: factory().name for name, factory in HARNESSES.items()}
    assert names == {name: name for name in ("command", "codex", "claude_code", "gemini_cli", "openhands")}
