"""The shape of `policy/rules/*.yaml`: validated, owned by people, never falling back to something permissive."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PositiveInt

from domain.governance import Clearance, Verdict
from domain.model import Name, Value
from domain.tickets import Duration, Risk, Tier
from policy.egress import EgressPolicy
from policy.results import ResultPolicy


def _many(value: object) -> object:
    return [value] if isinstance(value, str) else value


class RiskRule(Value):
    """A change that touches one of `paths` has at least this risk; paths are shell patterns, `*` crosses folders."""

    rule: Name
    paths: Annotated[tuple[str, ...], BeforeValidator(_many)]
    risk: Risk


class Match(Value):
    """What an approval rule looks at; an empty field matches everything."""

    tier: Annotated[tuple[Tier, ...], BeforeValidator(_many)] = ()
    risk: Annotated[tuple[Risk, ...], BeforeValidator(_many)] = ()
    verdict: Annotated[tuple[Verdict, ...], BeforeValidator(_many)] = ()
    review_policy: Annotated[tuple[Literal["auto", "manual", "reviewers"], ...], BeforeValidator(_many)] = ()
    repository: Annotated[tuple[str, ...], BeforeValidator(_many)] = ()
    harness: Annotated[tuple[str, ...], BeforeValidator(_many)] = ()
    paths: Annotated[tuple[str, ...], BeforeValidator(_many)] = ()


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

    cap: Duration = timedelta(hours=1)
    max_attempts: Annotated[int, Field(ge=1, le=50)] = 10


class Policy(Value):
    approvals: ApprovalPolicy
    egress: EgressPolicy
    gates: GatePolicy
    results: ResultPolicy
    retry: RetryPolicy
