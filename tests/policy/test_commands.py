"""A command is what a reader sees standing at the start of a line of its author's own words; all else is talk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.commands import LONGEST, MOST, Command, Verb, commands_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/factory run", Command(verb=Verb.RUN)),
        ("/factory cancel not needed", Command(verb=Verb.CANCEL, argument="not needed")),
        ("/factory retry", Command(verb=Verb.RETRY)),
        ("/factory status", Command(verb=Verb.STATUS)),
        ("/factory approve T-1-r2", Command(verb=Verb.APPROVE, run_id="T-1-r2")),
        (
            "/factory reject T-1-r2 breaks the API",
            Command(verb=Verb.REJECT, run_id="T-1-r2", argument="breaks the API"),
        ),
        ("/approve", Command(verb=Verb.APPROVE)),
        ("/approve looks good", Command(verb=Verb.APPROVE, argument="looks good")),
        ("/approve T-10-r3", Command(verb=Verb.APPROVE, run_id="T-10-r3")),
        ("/reject too risky", Command(verb=Verb.REJECT, argument="too risky")),
        ("/claude fix the `parser`", Command(verb=Verb.WORK, engine="claude_code", argument="fix the `parser`")),
        ("/codex do it", Command(verb=Verb.WORK, engine="codex", argument="do it")),
        ("/gemini", Command(verb=Verb.WORK, engine="gemini_cli")),
        ("Thanks!\n/approve", Command(verb=Verb.APPROVE)),
        ("Thanks!\r\n\r\n/approve\r\n", Command(verb=Verb.APPROVE)),
        ("/approve   \nwell done", Command(verb=Verb.APPROVE)),
    ],
)
def test_what_is_a_command(text: str, expected: Command) -> None:
    assert commands_in(text) == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "please /approve",
        " /approve",
        "    /approve",
        "\t/approve",
        "> /approve",
        "> somebody said\n/approve",  # Markdown shows it inside the quotation
        "```\n/approve\n```",
        "~~~\n/approve",  # a fence that never closes
        "`` `\n/approve\n` ``",
        "- /approve",
        "1. x\n/approve",
        "# /approve",
        "<!--\n/approve\n-->",
        "<div>\n/approve\n</div>",
        'see <span title="\n/approve\n">this</span>',
        "`/approve`",
        "**/approve**",
        "/approved",
        "/Approve",
        "/factory",
        "/factory approveX",
        "/factory run-everything",
        "/factory sh -c x",
        "/command rm -rf",
        "\uff0fapprove",
        "\u202e/approve",
        "\u200b/approve",
    ],
)
def test_what_is_talk(text: str) -> None:
    assert commands_in(text) == ()


def test_several_commands_come_in_order_and_are_bounded() -> None:
    assert [one.verb for one in commands_in("/reject a\n/approve\n\n/factory run")] == ["reject", "approve", "run"]
    assert len(commands_in("/approve\n" * 100)) == MOST


def test_a_huge_comment_commands_nothing() -> None:
    assert commands_in("/approve\n" + "x" * LONGEST) == ()
    assert len(commands_in("/claude " + "y" * 60_000)[0].argument) == 2_000


@pytest.mark.parametrize("nest", ["> ", "- ", "[", "*", "`", "<!--", "![", "(", "**a "])
def test_deep_nesting_is_read_without_a_fall(nest: str) -> None:
    assert commands_in(nest * (20_000 // len(nest)) + "\n\n/approve")[-1:] in ((), (Command(verb=Verb.APPROVE),))


@given(st.text())
def test_whatever_is_written_is_read(text: str) -> None:
    for command in commands_in(text):
        assert command.verb in Verb


@given(st.text(alphabet="/aprove >`-\n\t<!#*"))
def test_quoting_a_comment_disarms_it(text: str) -> None:
    assert commands_in("\n".join(f"> {line}" for line in text.split("\n"))) == ()
