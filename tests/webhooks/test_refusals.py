"""A webhook that gets 401: who runs the factory is told why, and its sender is not."""

import json
import socket
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from control_plane.webhooks.receiving import Receiver
from tests.control_plane.conftest import cli  # noqa: F401 - a fixture
from tests.support.webhooks.sending import enrol
from tests.webhooks.test_receiving import OPENED

OTHER = {"full_name": "octo/other", "html_url": "https://github.com/octo/other"}
FROM_OTHER = {"action": "opened", "repository": OTHER}
LACKED = {"other": "FACTORY_SECRET_WEBHOOK_OTHER"}


@pytest.fixture
def other(sender):
    """Another repository, without a secret."""
    return enrol(sender.factory, "other", OTHER["html_url"])


def logged(sender, *letters, **changed):
    with capture_logs() as told:
        answers = [sender.send("push", one, **changed) for one in letters]
    assert {(one.status, one.body) for one in answers} == {(401, b'{"error": "the signature is missing or wrong"}')}
    return [(one["reason"], one["repositories"], one["unsaid"]) for one in told if one["event"] == "webhook_refused"]


def test_the_log_tells_a_secret_that_nobody_set_from_a_wrong_signature(sender, other):
    assert logged(sender, FROM_OTHER, secret="right") == [("no_secret_known", ["other"], 0)]
    assert logged(sender, FROM_OTHER) == [], "signed with another's secret: known to be so within the same minute"
    assert logged(sender, OPENED, secret="wrong") == [("wrong_signature", [], 0)]
    assert logged(sender, OPENED, x_hub_signature_256=None) == [("no_signature", [], 0)]


def test_what_a_stranger_sends_is_not_in_the_log(sender, other):
    evil = {"full_name": "evil/\u001b[2J", "html_url": "https://github.com/evil/x"}
    for body in ({"repository": evil}, json.dumps(FROM_OTHER).encode() + b" " * 100_000, b"\xff" * 1_000, b""):
        with capture_logs() as told:
            assert sender.send("push", body, secret="guess").status == 401
        assert "evil" not in str(told)


def test_whoever_sends_often_fills_no_log(sender, other):
    assert logged(sender, *[OPENED] * 50, secret="wrong") == [("wrong_signature", [], 0)]


def test_what_was_not_said_is_counted(sender):
    clock = [sender.factory.now()]
    receiver = Receiver(sender.factory.settings, now=lambda: clock[0])
    with capture_logs() as told:
        for minutes in (0, 0, 0, 2):
            clock[0] += timedelta(minutes=minutes)
            assert receiver.unsigned().status == 401
    assert [one["unsaid"] for one in told] == [0, 2]


def test_the_list_tells_of_repositories_without_a_secret(sender, other, cli):  # noqa: F811
    assert cli("webhook", "list", "--json").document["without_secret"] == LACKED
    said = cli("webhook", "list").out
    assert "no secret is known here for webhooks of other: each gets 401" in said
    assert "FACTORY_SECRET_WEBHOOK_OTHER" in said


def test_a_hundred_of_them_are_one_short_line(sender, cli):  # noqa: F811
    for number in range(100):
        enrol(sender.factory, f"r{number}", f"https://github.com/octo/r{number}")
    assert len(cli("webhook", "list", "--json").document["without_secret"]) == 100
    assert "and 90 more: each gets 401" in cli("webhook", "list").out


@pytest.mark.parametrize("change", [{"enabled": False}, {"forge": "local"}])
def test_of_one_that_sends_nothing_nothing_is_said(sender, cli, change):  # noqa: F811
    enrol(sender.factory, "other", OTHER["html_url"], **change)
    assert cli("webhook", "list", "--json").document["without_secret"] == {}


def test_up_warns_once(sender, other, cli):  # noqa: F811
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = cli("up", "--port", taken.getsockname()[1])
    assert (said.code, said.err.count("warning: no secret is known here for webhooks of other")) == (1, 1)
