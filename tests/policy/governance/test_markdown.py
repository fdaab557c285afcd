"""Hostile text in Markdown: rendered, it mentions nobody, links and loads nothing, and stays in its place."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from policy.governance.markdown import fenced, linked, plain

GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "@octocat see this", "org/repo#12 and #13 and GH-14", "<img src=x onerror=alert(1)>", "<!-- factory: key=governance -->",
    "![pixel](https://evil.example/x.png)", "[click](javascript:alert(1))", "https://evil.example www.evil.example",
    "a | b | c", "```\n# out of the fence", "`code`", "**bold** _it_ ~~gone~~", "&lt;b&gt;", "\u202etxt.exe", "ze\u200bro",
    "mail me@evil.example", "$x^2$", "</details>", "<script>", "\\", "a\\|b", "\r\n\r\n# heading", "- [x] done", "\x1b[31m",
    "<https://evil.example>", "\\@octocat", "&commat;octocat", "\U000e0041tag", "1. one", "2) two", "+ plus",
    "=====", "    indented",
]  # fmt: skip
hostile = (
    st.text(max_size=60)
    | st.sampled_from(HOSTILE)
    | st.lists(st.sampled_from([*"@#`|<>![]()*_~$\\&-:/\n w"]), max_size=40).map("".join)
)


def rendered(markdown: str) -> str:
    return GITHUB.render(markdown)


def prose(html: str) -> str:
    """Return what a mention or reference is looked for in: text outside of code, as a reader sees it."""
    return re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.DOTALL)


def harmless(html: str) -> None:
    assert set(re.findall(r"<(/?\w+)", html)) <= {"p", "/p", "pre", "/pre", "code", "/code"}, html
    assert "<!--" not in html
    outside = prose(html)
    assert not re.search(r"@[A-Za-z0-9]", outside), html
    assert not re.search(r"#\d", outside), html
    assert not re.search(r"(?i)(?:\w://|\bwww\.|\bgh-\d)", outside), html
    assert not re.search("[\u202a-\u202e\u2066-\u2069\ufeff\x00-\x08\x1b]", html), html


@pytest.mark.parametrize("text", HOSTILE)
def test_known_tricks_stay_text(text: str) -> None:
    harmless(rendered(plain(text)))
    harmless(rendered(fenced(text.splitlines())))


@given(hostile)
def test_no_text_gets_out_of_its_line(text: str) -> None:
    told = plain(text)
    assert "\n" not in told
    harmless(rendered(f"x {told}"))


@given(st.lists(hostile, min_size=1, max_size=3))
def test_no_text_gets_out_of_its_cell(cells: list[str]) -> None:
    table = "| a | b |\n|---|---|\n" + "\n".join(f"| `x` | {plain(cell)} |" for cell in cells)
    html = rendered(table)
    assert html.count("<td>") == 2 * len(cells)
    assert html.count("<tr>") == len(cells) + 1


@given(st.lists(hostile.map(lambda text: " ".join(text.split())), max_size=4))
def test_no_text_gets_out_of_its_fence(lines: list[str]) -> None:
    html = rendered(fenced(lines) + "\n\nafter")
    assert html.count("<pre>") == 1
    assert html.endswith("</code></pre>\n<p>after</p>\n")
    assert "<!--" not in fenced(lines)


def test_what_people_write_stays_readable() -> None:
    assert (
        rendered(plain("2 new findings, first src/a_b.py:3: B602 (high)"))
        == "<p>2 new findings, first src/a_b.py:3: B602 (high)</p>\n"
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://factory.example/a/1", "[log](<https://factory.example/a/1>)"),
        ("/v1/artifacts/1?x=1&y=2", "[log](</v1/artifacts/1?x=1&y=2>)"),
        ("https://f.example/a>b|c d\n", "[log](<https://f.example/a%3Eb%7Cc%20d%0A>)"),
        ("javascript:alert(1)", "-"),
        ("", "-"),
        (None, "-"),
    ],
)
def test_links_lead_where_we_say_or_nowhere(address: str | None, expected: str) -> None:
    assert linked("log", address) == expected
