"""The shape of `policy/rules/*.yaml`: validated, owned by people, never falling back to something permissive."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PositiveInt

from domain.governance import Clearance, Verdict
from domain.handwriting import Duration, texts
from domain.model import Name, Value
from domain.profiles import Profile
from domain.tickets import Risk, Tier
from policy.action_rules import ActionPolicy
from policy.breakers import BreakerPolicy
from policy.egress import EgressPolicy
from policy.governance.model import GovernancePolicy
from policy.images import ImagePolicy
from policy.prices import PricePolicy
from policy.pull_requests import PullRequestPolicy
from policy.results import ResultPolicy
from policy.scoring import RoutingPolicy
from policy.stages import StagePolicy
from policy.tracker_hints import TrackingPolicy


class RiskRule(Value):
    """A change that touches one of `paths` has at least this risk; paths are shell patterns, `*` crosses folders."""

    rule: Name
    paths: Annotated[tuple[str, ...], BeforeValidator(texts)]
    risk: Risk


class Match(Value):
    """What an approval rule looks at; an empty field matches everything."""

    tier: Annotated[tuple[Tier, ...], BeforeValidator(texts)] = ()
    risk: Annotated[tuple[Risk, ...], BeforeValidator(texts)] = ()
    verdict: Annotated[tuple[Verdict, ...], BeforeValidator(texts)] = ()
    review_policy: Annotated[tuple[Literal["auto", "manual", "reviewers"], ...], BeforeValidator(texts)] = ()
    repository: Annotated[tuple[str, ...], BeforeValidator(texts)] = ()
    harness: Annotated[tuple[str, ...], BeforeValidator(texts)] = ()
    paths: Annotated[tuple[str, ...], BeforeValidator(texts)] = ()


class ApprovalRule(Value):
    rule: Name
    when: Match = Match()
    decision: Clearance
    reason: str


class ApprovalPolicy(Value):
    """The first rule that matches decides; when none does, a person does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    raise_risk: tuple[RiskRule, ...]
    rules: tuple[ApprovalRule, ...]


class GatePolicy(Value):
    """Limits of the gates; a rule named in `advisory` is shown but does not block."""

    max_files: PositiveInt
    max_lines: PositiveInt
    max_file_bytes: PositiveInt
    advisory: tuple[Name, ...] = ()


class RetryPolicy(Value):
    """Bounds no ticket can exceed; `cap` bounds one delay."""

    cap: Duration = timedelta(hours=1)  #: of the pause before one attempt
    max_attempts: Annotated[int, Field(ge=1, le=50)] = 10  #: of one ticket, the first counted
    rest: Duration = timedelta(
        minutes=10
    )  #: of a harness for a ticket it could not serve, unless its API said when; of a ticket without its image
    rests: dict[str, Duration] = {}  #: the same by failure code
    longest_rest: Duration = timedelta(days=7)  #: whatever an API said


LIMITS = ("wall", "inactivity", "cpu", "tool_calls", "tokens", "usd", "memory")  #: that a run may breach


class OnBreach(StrEnum):
    TERMINATE = "terminate"  #: no further attempt without a person
    REQUEUE = "requeue"  #: as its class of failure and the ticket's `retry` say
    PAUSE = "pause"  #: what is done is kept; a person lets it go on


class Ceilings(Value):
    """What no ticket's own budget may exceed; intake refuses one that asks for more."""

    usd: Annotated[float, Field(gt=0, allow_inf_nan=False)]  #: US dollars of all attempts
    tokens: PositiveInt  #: in and out of all attempts
    wall: Duration  #: of all attempts


def _known_limits(told: dict[str, OnBreach]) -> dict[str, OnBreach]:
    unknown = sorted(set(told) - set(LIMITS))
    if unknown:
        raise ValueError(f"no limit {', '.join(unknown)}; known are {', '.join(LIMITS)}")
    return told


class LimitPolicy(Value):
    """What becomes of a run that breached a limit, by the limit's name; without a word it is tried again as its class
    of failure and the ticket's `retry` say."""

    on_breach: Annotated[dict[str, OnBreach], AfterValidator(_known_limits)]  #: by limit, below
    ceilings: Ceilings  #: of tickets' budgets, below


class Policy(Value):
    actions: ActionPolicy
    approvals: ApprovalPolicy
    egress: EgressPolicy
    gates: GatePolicy
    governance: GovernancePolicy
    images: ImagePolicy
    results: ResultPolicy
    retry: RetryPolicy
    limits: LimitPolicy
    breakers: BreakerPolicy
    prices: PricePolicy
    pull_requests: PullRequestPolicy
    routing: RoutingPolicy
    stages: StagePolicy
    tracking: TrackingPolicy
    profiles: dict[Name, Profile]
