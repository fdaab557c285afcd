"""How GitHub is asked: repeated where that is safe, waiting as it says, bounded, and without a secret in any message."""

import time

import pytest
import requests
from github.GithubException import BadCredentialsException, GithubException, UnknownObjectException

from adapters._vendor import github_requests
from adapters._vendor.github_access import CurrentToken
from adapters._vendor.github_failures import github_failures
from adapters._vendor.github_limits import Manners, ensured, patience
from adapters._vendor.github_requests import PoliteRequester
from domain.errors import ForgeRefused, ForgeUnavailable
from tests.adapters.vendor.scripted_api import CUT, DROP, scripted_api

OK = (200, {"login": "ann"})
BUSY = (502, {"message": "Server Error"})
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
PRIMARY = {"message": "API rate limit exceeded for installation ID 1."}
SECRET = "stand-in-secret-4711"


class Clock:
    """Waits that take no time but are remembered."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def api():
    with scripted_api() as found:
        yield found


def _requester(api, clock, **told):
    manners = Manners(**{"attempts": 4, "reading_pause": None, "writing_pause": None, "sleep": clock.sleep, **told})
    return PoliteRequester(CurrentToken(lambda: SECRET), api.url, manners)


@pytest.mark.parametrize("failure", [BUSY, (500, {}), (503, b"<html>busy</html>"), DROP, CUT])
@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "DELETE"])
def test_what_may_be_repeated_is_repeated_after_a_failure_of_the_server(api, clock, verb, failure):
    api.say(failure, failure, OK)
    assert _requester(api, clock).requestJsonAndCheck(verb, "/user")[1]["login"] == "ann"
    assert [asked.verb for asked in api.asked] == [verb] * 3
    assert len(clock.waits) == 2 and 0.5 <= clock.waits[0] <= 1.0 <= clock.waits[1] <= 2.0


@pytest.mark.parametrize("failure", [BUSY, DROP, CUT])
def test_a_post_is_not_repeated_blindly(api, clock, failure):
    api.say(failure, OK)
    with pytest.raises((GithubException, requests.RequestException)):
        _requester(api, clock).requestJsonAndCheck("POST", "/repos/o/n/issues/1/comments", input={"body": "x"})
    assert len(api.asked) == 1


def test_attempts_are_bounded_and_the_last_failure_is_told(api, clock):
    api.say(BUSY)
    with pytest.raises(ForgeUnavailable, match="502: Server Error"), github_failures():
        _requester(api, clock).requestJsonAndCheck("GET", "/user")
    assert len(api.asked) == 4


def test_refusals_are_not_repeated(api, clock):
    for status, kind in ((401, BadCredentialsException), (404, UnknownObjectException), (422, GithubException)):
        api.say((status, {"message": {401: "Bad credentials", 404: "Not Found"}.get(status, "Validation Failed")}))
        with pytest.raises(kind):
            _requester(api, clock).requestJsonAndCheck("GET", "/user")
        assert len(api.asked) == 1
    assert clock.waits == []


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        ((403, SECONDARY, {"Retry-After": "7"}), 6.0, 7.0),
        ((429, {"message": "slow down"}, {"Retry-After": "7"}), 6.0, 7.0),
        ((403, SECONDARY), 59.0, 60.0),
        ((429, {"message": "slow down"}), 59.0, 60.0),
    ],
)
def test_limits_are_waited_for_as_told_whatever_the_verb(api, clock, verb, answer, least, most):
    api.say(answer, OK)
    assert _requester(api, clock).requestJsonAndCheck(verb, "/user")[1]["login"] == "ann"
    assert least <= clock.waits[0] <= most
    assert len(api.asked) == 2


def test_a_primary_limit_is_waited_for_until_its_reset(api, clock):
    reset = int(time.time()) + 30
    api.say((403, PRIMARY, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}), OK)
    _requester(api, clock).requestJsonAndCheck("GET", "/user")
    assert 25 < clock.waits[0] <= 31.5


def test_a_limit_that_is_too_long_is_told_with_when_and_asked_no_more(api, clock):
    reset = int(time.time()) + 3000
    api.say((403, PRIMARY, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}))
    requester = _requester(api, clock, patience=60.0)
    for _ in range(3):
        with pytest.raises(
            ForgeUnavailable, match=r"rate limit is used up; GitHub may be asked again at 20..-"
        ) as told:
            requester.requestJsonAndCheck("GET", "/user")
        assert abs(told.value.details["retry_at"].timestamp() - reset) < 5
    assert len(api.asked) == 1
    assert clock.waits == []


def test_a_missing_permission_is_no_limit(api, clock):
    api.say(
        (403, {"message": "Resource not accessible by integration"}, {"x-accepted-github-permissions": "checks=write"})
    )
    with pytest.raises(ForgeRefused, match=r"not accessible.*grant .*permission \(checks=write\)"), github_failures():
        _requester(api, clock).requestJsonAndCheck("POST", "/repos/o/n/check-runs", input={})
    assert len(api.asked) == 1


def test_all_of_an_operation_shares_one_patience(api, clock):
    api.say(BUSY)
    with patience(0.3), pytest.raises(ForgeUnavailable, match="may be asked again"):
        _requester(api, clock).requestJsonAndCheck("GET", "/user")
    assert len(api.asked) == 1


def test_an_unchanged_answer_is_not_sent_again(api, clock):
    tagged = {"ETag": '"one"', "Link": f'<{api.url}/user?page=2>; rel="next"'}
    api.say((200, {"login": "ann"}, tagged), (304, None, {"ETag": '"one"'}), (200, {"login": "bob"}, {"ETag": '"two"'}))
    requester = _requester(api, clock)
    first = requester.requestJsonAndCheck("GET", "/user")
    first[1]["login"] = "changed by its reader"
    second = requester.requestJsonAndCheck("GET", "/user")
    third = requester.requestJsonAndCheck("GET", "/user")
    assert [found["login"] for _, found in (second, third)] == ["ann", "bob"]
    assert second[0]["link"] == tagged["Link"]
    assert [asked.headers.get("if-none-match") for asked in api.asked] == [None, '"one"', '"one"']


def test_conditional_answers_are_kept_apart_by_address_and_bounded(api, clock, monkeypatch):
    monkeypatch.setattr(github_requests, "REMEMBERED", 5)
    api.say((200, {"login": "ann"}, {"ETag": '"one"'}))
    requester = _requester(api, clock)
    for page in range(12):
        requester.requestJsonAndCheck("GET", "/user", {"page": page})
    assert len(requester._answers) == 5
    assert not any("if-none-match" in asked.headers for asked in api.asked)


def test_what_was_lost_after_its_effect_is_found_again(api, clock):
    made: list[str] = []

    def create():
        made.append("made")
        raise requests.ConnectionError("gone")

    found = ensured(lambda: made[0] if made else None, create, Manners(sleep=clock.sleep))
    assert (found, made) == ("made", ["made"])


def test_what_was_lost_before_its_effect_is_created_again(api, clock):
    failures = [requests.Timeout(), GithubException(502, None, {})]

    def create():
        if failures:
            raise failures.pop()
        return "made"

    assert ensured(lambda: None, create, Manners(sleep=clock.sleep)) == "made"


def test_creating_gives_up_within_bounds_and_never_repeats_a_refusal(clock):
    tried = []

    def refused(error):
        def create():
            tried.append(error)
            raise error

        return create

    with pytest.raises(requests.Timeout):
        ensured(lambda: None, refused(requests.Timeout()), Manners(attempts=3, sleep=clock.sleep))
    assert len(tried) == 3
    with pytest.raises(GithubException):
        ensured(lambda: None, refused(GithubException(422, None, {})), Manners(attempts=3, sleep=clock.sleep))
    assert len(tried) == 4


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([(401, {"message": "Bad credentials"})], ForgeRefused),
        ([(403, {"message": "Resource not accessible by personal access token"})], ForgeRefused),
        ([(404, {"message": "Not Found"})], ForgeRefused),
        (
            [(422, {"message": "Validation Failed", "errors": [{"field": "base", "code": "invalid"}, "words", 7]})],
            ForgeRefused,
        ),
        ([(422, [1, 2])], ForgeRefused),
        ([(418, b"<html>tea</html>")], ForgeRefused),
        ([(200, b'{"login": ')], ForgeUnavailable),
        ([(301, {}, {"Location": "http://elsewhere.example/user"})], ForgeRefused),
        ([BUSY], ForgeUnavailable),
        ([DROP], ForgeUnavailable),
        ([CUT], ForgeUnavailable),
    ],
)
def test_every_failure_leaves_as_ours_and_without_the_credential(api, clock, answers, kind, caplog):
    api.say(*answers)
    with caplog.at_level("DEBUG"), pytest.raises(kind) as told, github_failures():
        _requester(api, clock).requestJsonAndCheck("GET", "/user")
    assert SECRET not in str(told.value) + repr(told.value.details) + caplog.text
    assert api.asked[0].headers["authorization"] == f"Bearer {SECRET}"


def test_nobody_listening_is_unavailable(clock):
    with scripted_api() as gone:
        pass
    with pytest.raises(ForgeUnavailable, match="did not answer"), github_failures():
        _requester(gone, clock).requestJsonAndCheck("GET", "/user")


@pytest.mark.parametrize("bad", [None, "", "  ", "two words", "a\r\nX-Evil: 1", "é", "x" * 5000])
def test_a_credential_that_cannot_be_one_is_refused_and_not_shown(api, clock, bad):
    api.say(OK)
    requester = PoliteRequester(CurrentToken(lambda: bad), api.url, Manners(reading_pause=None))
    with pytest.raises(ForgeRefused, match="set FACTORY_SECRET_GITHUB_TOKEN, or the secret") as told:
        requester.requestJsonAndCheck("GET", "/user")
    assert api.asked == []
    assert not bad or not bad.strip() or bad not in str(told.value)


def test_a_credential_that_changes_is_used_at_once(api, clock):
    api.say(OK)
    tokens = iter(["first", "second\n"])
    requester = PoliteRequester(CurrentToken(lambda: next(tokens)), api.url, Manners(reading_pause=None))
    requester.requestJsonAndCheck("GET", "/user")
    requester.requestJsonAndCheck("GET", "/user")
    assert [asked.headers["authorization"] for asked in api.asked] == ["Bearer first", "Bearer second"]
