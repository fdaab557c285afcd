"""The stand-in agent is held to the contract as real ones are."""

import json

import pytest

from domain.harness import Ending, EventKind
from tests.adapters.harness.conformance import HarnessConformance, brief_of
from tests.adapters.harness.scripted import ScriptedHarness
from tests.adapters.harness.stage import play


def scripted(folder, *steps) -> ScriptedHarness:
    file = folder / "script.json"
    file.write_text(json.dumps(steps))
    return ScriptedHarness(str(file))


class TestScriptedHarness(HarnessConformance):
    @pytest.fixture
    def harness(self, tmp_path):
        return scripted(tmp_path, ["edit", "new/file", "text"], ["usage", {"input_tokens": 7}], ["done"])

    @pytest.fixture
    def works(self):
        return brief_of()

    @pytest.fixture
    def lacking(self):
        return brief_of(prompt="")

    def test_it_is_not_trusted(self, harness) -> None:
        assert not harness.trusted

    def test_it_edits_counts_and_names_its_session(self, harness, works, tmp_path) -> None:
        _, outcome = play(harness, works, tmp_path)
        assert (tmp_path / "new" / "file").read_text() == "text"
        assert (outcome.usage.input_tokens, outcome.session_id) == (7, "stand-in-1")

    def test_a_failure_it_tells_is_a_result(self, works, tmp_path) -> None:
        _, outcome = play(scripted(tmp_path, ["fail", "harness.failed", "I could not"]), works, tmp_path)
        assert (outcome.ending, outcome.summary) == (Ending.FAILED, "I could not")

    @pytest.mark.parametrize(
        "steps", [[["say", "hm"]], [["die"]], [["raw", "{half"]]], ids=["silent", "dies", "garbage"]
    )
    def test_an_end_without_a_word_is_interrupted(self, works, tmp_path, steps) -> None:
        assert play(scripted(tmp_path, *steps), works, tmp_path)[1].ending is Ending.INTERRUPTED

    def test_a_flood_with_a_broken_line_still_finishes(self, works, tmp_path) -> None:
        events, outcome = play(scripted(tmp_path, ["flood", 5000], ["raw", "x", 3_000_000], ["done"]), works, tmp_path)
        assert sum(event.kind is EventKind.WARNING for event in events) == 1
        assert outcome.ending is Ending.SUCCEEDED
