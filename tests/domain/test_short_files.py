"""Ticket files of the first kind keep working: `engine`, `cwd`, `yolo`, `lock`, `timeout`, `verify`, then the task."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.tickets.ticket_file import parse_ticket, read_ticket_file
from domain.errors import InvalidInput
from domain.short_files import completed
from domain.tickets import Manifest

CORPUS = Path(__file__).with_name("short_files")
EXPECTED = {
    "claude.md": {
        "engine": "claude_code",
        "title": "Make the date parser accept week numbers",
        "repository": "calendar",
        "cwd": "~/code/calendar",
        "verify": ("python -m pytest -q",),
        "timeout": timedelta(minutes=45),
    },
    "codex.md": {"engine": "codex", "title": "Fix the sum of an empty list.", "repository": "calc", "yolo": False},
    "devin.md": {"engine": "devin", "title": "Port the build to the new runner", "repository": "site", "lock": "site"},
}


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))
def test_old_file_is_read_and_everything_else_has_its_default(name: str):
    manifest = read_ticket_file(CORPUS / name).manifest
    expected = EXPECTED[name]
    for key, field in Manifest.model_fields.items():
        if key in expected:
            assert getattr(manifest, key) == expected[key], key
        elif key not in ("body", "cwd"):
            assert getattr(manifest, key) == field.default, key


def test_what_the_file_names_itself_wins():
    told = {"cwd": "/srv/calc", "title": "Mine", "repository": "other", "body": "# Theirs"}
    assert completed(told) == told


@pytest.mark.parametrize(
    ("front", "body", "missing"),
    [
        ("cwd: ~/code/calc", "", ["title"]),
        ("cwd: ~/code/calc", "#\n\n##  \n", ["title"]),
        ("cwd: /", "Do it.", ["repository"]),
        ("cwd: src", "Do it.", ["title", "repository"]),
        ("engine: codex", "Do it.", ["title", "repository"]),
        ("cwd: /srv/my code", "Do it.", ["repository"]),
    ],
)
def test_what_cannot_be_read_from_a_short_file_is_told_as_missing(front: str, body: str, missing: list[str]):
    with pytest.raises(InvalidInput) as refused:
        parse_ticket(f"---\n{front}\n---\n{body}".encode(), "t.md")
    assert [one["path"] for one in refused.value.details["errors"]] == missing


@pytest.mark.parametrize("cwd", ["../x", "/srv/../etc", "~/../x", "a\\b", "a\x1bb", 7, ["a"]])
def test_hostile_places_are_refused_with_their_key(cwd: object):
    with pytest.raises(ValueError) as refused:
        Manifest.model_validate({"title": "t", "repository": "r", "cwd": cwd})
    assert {one["loc"][0] for one in refused.value.errors()} == {"cwd"}  # type: ignore[attr-defined]


def test_a_long_first_line_is_cut_to_a_title():
    assert len(completed({"cwd": "/srv/calc", "body": "x" * 5000})["title"]) == 200


@given(
    st.dictionaries(
        st.text(max_size=8) | st.sampled_from(["cwd", "body", "title"]),
        st.none() | st.integers() | st.text(max_size=40),
    )
)
def test_nothing_that_was_told_is_lost(told: dict):
    assert told.items() <= completed(told).items()
