import pytest

from adapters.egress.refusing import ADVICE, advice
from adapters.harness.outside import broker_refusal


@pytest.mark.parametrize("reason", [*ADVICE, "bad-answer"])
def test_each_refusal_of_the_broker_is_known(reason: str) -> None:
    said = f"API Error: 502 {advice(reason, 'api.test', 443)}"
    assert broker_refusal(said) == ("harness.sign_in" if reason == "credential-missing" else "harness.unreachable")


@pytest.mark.parametrize(
    "said", ["", "refused by the factory", "refused by the factory's egress broker (A B): no", "x" * 1_000_000]
)
def test_other_words_are_not(said: str) -> None:
    assert broker_refusal(said) is None
