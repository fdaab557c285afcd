"""Whether a pull request of ours could be merged without a person: weighed and told. Nothing in the factory merges."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PositiveInt

from domain.governance import Verdict
from domain.handwriting import texts
from domain.model import Value
from domain.outcomes import RunOutcome
from domain.tickets import Risk
from policy.evidence import telling

Share = Annotated[float, Field(gt=0, le=1)]
LEARNT_FROM: Final = timedelta(days=30)


class MergePolicy(Value):
    """From when on a change would be trusted; it is shown, and a person merges all the same."""

    confidence: Share = 0.95  #: of the harness's runs in the repository that were verified
    least_runs: PositiveInt = 20  #: with fewer there is no confidence
    risk: Annotated[tuple[Risk, ...], BeforeValidator(texts)] = (Risk.LOW,)  #: of the change


class Eligibility(Value):
    eligible: bool
    confidence: float | None  #: None: too few runs
    against: tuple[str, ...]


def merge_eligibility(
    policy: MergePolicy, *, verdict: Verdict, risk: Risk, outcomes: Sequence[RunOutcome]
) -> Eligibility:
    """Weigh one change.

    Args:
        policy: The thresholds.
        verdict: Of governance on the exact head.
        risk: Of the change.
        outcomes: Of the same harness in the same repository, lately.
    """
    ended = telling(outcomes)
    confidence = sum(one.verified for one in ended) / len(ended) if len(ended) >= policy.least_runs else None
    against = tuple(_against(policy, verdict, risk, confidence))
    return Eligibility(eligible=not against, confidence=confidence, against=against)


def _against(policy: MergePolicy, verdict: Verdict, risk: Risk, confidence: float | None) -> Iterator[str]:
    if verdict is not Verdict.PASS:
        yield f"governance: {verdict}"
    if risk not in policy.risk:
        yield f"the risk is {risk}"
    if confidence is None:
        yield f"fewer than {policy.least_runs} runs to learn from"
    elif confidence < policy.confidence:
        yield f"a confidence of {confidence:.0%}, below {policy.confidence:.0%}"
