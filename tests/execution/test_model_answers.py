"""What an API says to a probe, told as a failure of the taxonomy; its words are another's and may be anything."""

import json

import pytest

from adapters.egress.refusing import ADVICE
from domain.errors import (
    ModelOverloaded,
    ModelUnreachable,
    QuotaExceeded,
    RateLimited,
    RequestRefused,
    SignInFailed,
)
from resources.model_answers import WORDS, Answer, refusal_in, words_of


def error(message: str, **told: object) -> str:
    return json.dumps({"error": {"message": message, **told}})


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_good_answer_is_nothing_against_us(status) -> None:
    assert refusal_in(Answer(status=status, body="anything")) is None


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (401, error("Incorrect API key provided: sk-***", code="invalid_api_key"), SignInFailed),
        (401, error("invalid x-api-key", type="authentication_error"), SignInFailed),
        (400, error("API key not valid. Please pass a valid API key.", status="INVALID_ARGUMENT"), SignInFailed),
        (403, error("permission denied"), SignInFailed),
        (429, error("You exceeded your current quota", code="insufficient_quota"), QuotaExceeded),
        (400, error("Your credit balance is too low"), QuotaExceeded),
        (402, "", QuotaExceeded),
        (429, error("slow down", type="rate_limit_error"), RateLimited),
        (500, error("oops"), ModelOverloaded),
        (529, error("Overloaded", type="overloaded_error"), ModelOverloaded),
        (502, "<html>Bad Gateway</html>", ModelOverloaded),
        (301, "", RequestRefused),
        (0, "", RequestRefused),
    ],
)
def test_each_refusal_is_told_apart(status, body, wanted) -> None:
    found = refusal_in(Answer(status=status, body=body))
    assert type(found) is wanted
    assert str(status) in found.message
    assert found.remedy


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
def test_a_gateway_that_has_no_list_of_models_is_nothing_against_us(status) -> None:
    assert refusal_in(Answer(status=status, body=error("no such path"))) is None


def door(reason: str) -> Answer:
    return Answer(status=503, body=f"refused by the factory's egress broker ({reason}): do something\n")


@pytest.mark.parametrize("reason", sorted(ADVICE))
def test_what_the_door_refuses_is_never_taken_for_the_apis_word(reason) -> None:
    found = refusal_in(door(reason))
    if reason.startswith("path-"):
        assert found is None
    else:
        assert type(found) is (SignInFailed if reason == "credential-missing" else ModelUnreachable)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\x00\x1b[2J\u202e",
        "[" * 100_000,
        '{"error": {"error": {}}}',
        '{"error": null}',
        '{"error": {"message": 7}}',
        "[1, 2]",
        "7",
        '"text"',
        "é" * 100_000,
        error("\x1b]0;title\x07" + "long " * 10_000),
        "refused by the factory's egress broker (",
        "refused by the factory's egress broker (" + "a" * 5_000 + ")",
    ],
)
def test_hostile_words_become_one_short_printable_line(body) -> None:
    said = words_of(body)
    assert 0 < len(said) <= WORDS
    assert said.isprintable()
    assert type(refusal_in(Answer(status=401, body=body))) is SignInFailed
