"""A ticket file gives a manifest, or every error with its path and line."""

import pytest

from control_plane.tickets.ticket_file import MAX_BYTES, parse_ticket, read_ticket_file
from domain.errors import InvalidInput
from domain.tickets import Priority
from resources.intake import content_key

GOOD = """---
title: "Modern syntax"
repository: shop
commands:
  - pyupgrade --py311-plus src/*.py
verify-only: python -m pytest -q tests/unit
acceptance:
  - It reads better
  - {text: No percent format, check: "! grep -rn '% (' src"}
priority: high
deps: [T-1]
retry: {max: 3, backoff: 10s, on: [timeout]}
timeout: 20m
review-policy: {reviewers: [ann]}
---

Please.

---
A rule in the body is only a rule.
"""


def errors_of(content: bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(InvalidInput) as caught:
        parse_ticket(content, "t.md")
    return [(one["line"], one["path"], one["message"]) for one in caught.value.details["errors"]]


def test_a_good_file_gives_its_manifest():
    manifest = parse_ticket(GOOD.encode(), "t.md").manifest
    assert manifest.title == "Modern syntax"
    assert manifest.priority is Priority.HIGH
    assert manifest.verify_only == ("python -m pytest -q tests/unit",)
    assert [item.check for item in manifest.acceptance] == [None, "! grep -rn '% (' src"]
    assert manifest.body == "Please.\n\n---\nA rule in the body is only a rule."


@pytest.mark.parametrize(
    "change", [str.encode, lambda t: ("\ufeff" + t).encode(), lambda t: t.replace("\n", "\r\n").encode()]
)
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(change):
    assert parse_ticket(change(GOOD), "t.md").manifest == parse_ticket(GOOD.encode(), "t.md").manifest


def front(*lines: str) -> bytes:
    """A file whose first front matter line is line 2: title and repository are given on 2 and 3."""
    return "\n".join(["---", "title: x", "repository: shop", *lines, "---", "body"]).encode()


BAD = {
    "no front matter": (b"# A title\n\ntext\n", [(1, "", "must begin with a line `---`")]),
    "an empty file": (b"", [(1, "", "must begin with a line `---`")]),
    "never closed": (b"---\ntitle: x\nrepository: shop\n", [(1, "", "never closed")]),
    "empty front matter": (b"---\n---\nbody\n", [(2, "", "keys with values")]),
    "a list instead of keys": (b"---\n- title\n- repository\n---\n", [(2, "", "keys with values")]),
    "required keys missing": (
        b"---\nowner: ann\n---\n",
        [(2, "title", "required key is missing"), (2, "repository", "required key is missing")],
    ),
    "unknown key": (front("verfy: x"), [(4, "verfy", "did you mean 'verify'?")]),
    "snake case": (front("idempotency_key: x"), [(4, "idempotency_key", "did you mean 'idempotency-key'?")]),
    "nothing like it": (front("zzzz: x"), [(4, "zzzz", "unknown key; known are acceptance,")]),
    "body as a key": (front("body: x"), [(4, "body", "below the front matter")]),
    "duplicate key": (front("owner: a", "owner: b"), [(5, "owner", "given twice, first on line 4")]),
    "duplicate and wrong": (
        front("owner: a", "owner: b", "risk: huge"),
        [(5, "owner", "given twice"), (6, "risk", "'low', 'medium' or 'high'")],
    ),
    "tab": (front("retry:", "\tmax: 1"), [(5, "", "a tab cannot indent YAML")]),
    "broken YAML": (front("owner: [a"), [(5, "", "not valid YAML")]),
    "not UTF-8": (b"---\ntitle: x\nrepository: \xff\n---\n", [(3, "", "not UTF-8: byte 0xff")]),
    "NUL": (b"---\ntitle: x\n---\nbo\0dy\n", [(4, "", "NUL")]),
    "control character": (front("owner: a\x07"), [(4, "", "not valid YAML")]),
    "alias": (
        front("deps: &a [T-1]", "commands: *a"),
        [(4, "", "anchors and aliases"), (5, "", "anchors and aliases")],
    ),
    "bomb": (
        front("a: &a [x,x]", "b: &b [*a,*a]", "c: [*b,*b]"),
        [
            (4, "", "anchors"),
            (5, "", "anchors"),
            (5, "", "anchors"),
            (5, "", "anchors"),
            (6, "", "anchors"),
            (6, "", ""),
        ],
    ),
    "tag": (front("owner: !!python/object/apply:os.system [id]"), [(4, "", "YAML tags such as")]),
    "deep": (front("owner: " + "[" * 2000), [(4, "", "nested deeper than")]),
    "too large": (b"---\n" + b"x" * MAX_BYTES, [(1, "", f"at most {MAX_BYTES} bytes")]),
    "number for text": (front("milestone: 1.0"), [(4, "milestone", "put it in quotes, '1.0'")]),
    "no value": (front("owner:"), []),
    "wrong name": (b"---\ntitle: x\nrepository: a b\n---\n", [(3, "repository", "letters, digits")]),
    "wrong choice": (front("priority: now"), [(4, "priority", "not 'now'")]),
    "wrong duration": (front("timeout: soon"), [(4, "timeout", "give a positive duration")]),
    "wrong union": (front("review-policy: never"), [(4, "review-policy", "'auto' or 'manual'")]),
    "nested": (
        front("retry:", "  max: 99", "  bakoff: 3s"),
        [(5, "retry.max", "less than or equal to 20"), (6, "retry.bakoff", "did you mean 'backoff'?")],
    ),
    "in a list": (
        front("acceptance:", "  - fine", "  - text: a", "    chek: b", "  - check: c"),
        [(7, "acceptance[1].chek", "did you mean 'check'?"), (8, "acceptance[2].text", "required key is missing")],
    ),
    "huge number": (front("retry: {max: " + "9" * 5000 + "}"), [(2, "", "a value cannot be read")]),
}


@pytest.mark.parametrize("name", [name for name in BAD if BAD[name][1]])
def test_a_bad_file_names_each_error_with_path_and_line(name):
    content, expected = BAD[name]
    found = errors_of(content)
    assert [(line, path) for line, path, _ in found] == [(line, path) for line, path, _ in expected]
    for (_, _, message), (_, _, words) in zip(found, expected, strict=True):
        assert words in message


def test_an_empty_optional_key_is_as_if_it_were_not_there():
    assert parse_ticket(BAD["no value"][0], "t.md").manifest.owner is None


def test_yaml_keeps_its_old_surprises_to_itself():
    found = parse_ticket(front("owner: no", "milestone: 2026-12-24", "retry: {on: timeout}"), "t.md").manifest
    assert (found.owner, found.milestone, found.retry.on) == ("no", "2026-12-24", ("timeout",))


def test_the_message_has_one_line_an_error_with_file_and_line():
    with pytest.raises(InvalidInput) as caught:
        parse_ticket(front("verfy: x", "risk: huge"), "some/t.md")
    lines = caught.value.message.splitlines()
    assert lines[0] == "some/t.md: 2 error(s)"
    assert lines[1].startswith("some/t.md:4: verfy: unknown key")
    assert lines[2].startswith("some/t.md:5: risk: ")


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="No such file"):
        read_ticket_file(tmp_path / "missing.md")
    with pytest.raises(InvalidInput, match="must be a file"):
        read_ticket_file(tmp_path)


def test_the_default_idempotency_key_follows_repository_and_content():
    manifest = parse_ticket(GOOD.encode(), "t.md").manifest
    other = manifest.model_copy(update={"repository": "other"})
    changed = manifest.model_copy(update={"body": "Please do."})
    assert content_key(manifest) == content_key(parse_ticket(GOOD.encode(), "u.md").manifest)
    assert len({content_key(manifest), content_key(other), content_key(changed)}) == 3
