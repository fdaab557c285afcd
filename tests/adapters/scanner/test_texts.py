"""The canaries of secrets in each kind of text the factory keeps; a clean one has none."""

import json

import pytest

from adapters.scanner.texts import secrets_of_text
from tests.adapters.scanner.test_secrets import AWS, GITHUB, PEM, SLACK, STRIPE

TEXTS = {
    "log": "2026-11-21 started\nusing {}\ndone\n",
    "metadata": json.dumps({"environment": {"KEY": "{}"}}),
    "manifest": "title: a ticket\nbody: |\n  my key is {}\n",
    "event": json.dumps({"version": 1, "kind": "message", "text": "key='{}'"}) + "\n",
    "artifact": "\x00\x01 binary {} \x02",
    "crlf": "a\r\nkey = '{}'\r\n",
}


@pytest.mark.parametrize("secret", [AWS, PEM, GITHUB, SLACK, STRIPE])
@pytest.mark.parametrize("kind", TEXTS)
def test_a_secret_in_any_text_is_found_and_not_repeated(kind, secret) -> None:
    found = secrets_of_text(kind, TEXTS[kind].replace("{}", secret).encode())
    assert {one.path for one in found} == {kind}
    assert secret not in "".join(one.model_dump_json() for one in found)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_clean_one_has_none(kind) -> None:
    assert secrets_of_text(kind, TEXTS[kind].replace("{}", "nothing").encode()) == ()


@pytest.mark.parametrize("content", [b"", b"\n\n\n", bytes(range(256)) * 100, b"\xff\xfe\xfd"])
def test_any_bytes_are_a_text(content) -> None:
    assert secrets_of_text("x", content) == ()


@pytest.mark.parametrize("at", [0, 8_990, 9_000, 9_985, 10_000, 45_678, 99_970])
def test_a_long_line_is_read_to_its_end(at) -> None:
    line = ("-" * at + f" {AWS} " + "-" * (100_000 - at)).encode()
    assert [one.line for one in secrets_of_text("x", b"first\n" + line)] == [2]
