"""A ticket: what somebody wants changed, as they wrote it (manifest) and where it stands."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AliasGenerator, BeforeValidator, ConfigDict, Field, PlainSerializer

from domain.lifecycle import Stage
from domain.model import Instant, Name, Record, Sha256, Value

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_SECONDS = 1_000_000 * 86400


class Priority(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 is served first."""
        return list(Priority).index(self)


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        return list(Risk).index(self)


class Tier(StrEnum):
    """How far a repository lets the factory go alone; lower ranks are stricter."""

    CONSTRAINED = "constrained"
    SUPERVISED = "supervised"
    AUTONOMOUS = "autonomous"

    @property
    def rank(self) -> int:
        return list(Tier).index(self)


def parse_duration(text: Any) -> Any:
    """Read `45m`, `4h`, `90s`, `1d` or a number of seconds; anything else is a ValueError."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, (int, float)) and not isinstance(text, bool) and 0 < text <= LONGEST_SECONDS:
        return timedelta(seconds=text)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", str(text).strip())
    if not found or not 0 < float(found[1]) * _SECONDS[found[2]] <= LONGEST_SECONDS:
        raise ValueError("give a positive duration such as 90s, 45m, 4h or 1d")
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str | float),
    PlainSerializer(lambda value: f"{value.total_seconds():g}s", return_type=str),
]
ShellCommand = Annotated[str, Field(min_length=1, max_length=10_000)]
Commands = Annotated[tuple[ShellCommand, ...], BeforeValidator(_texts)]


class Handwritten(Value):
    """A value people write as YAML; its keys are kebab-case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=AliasGenerator(alias=_kebab),
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Criterion(Handwritten):
    """One acceptance item; only a check that passed ticks its box."""

    text: Annotated[str, Field(min_length=1, max_length=2_000)]
    check: ShellCommand | None = None


class RetrySettings(Handwritten):
    """`on` lists failure causes (timeout, crash, verify_failed …); None means every transient one."""

    max: Annotated[int, Field(ge=0, le=20)] = 2
    backoff: Duration = timedelta(seconds=30)
    on: Annotated[tuple[str, ...] | None, BeforeValidator(_texts)] = None


def _criterion(value: Any) -> Any:
    items = [value] if isinstance(value, (str, dict)) else value
    if not isinstance(items, (list, tuple)):
        return items
    return [{"text": item} if isinstance(item, str) else item for item in items]


ReviewPolicy = Literal["auto", "manual"] | dict[Literal["reviewers"], tuple[Name, ...]]


class Manifest(Handwritten):
    """A ticket file: the front matter's keys plus `body`. Never changed once stored."""

    title: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\r\n]+$")]
    body: Annotated[str, Field(max_length=100_000)] = ""
    repository: Name
    base: Annotated[str, Field(max_length=200)] | None = None
    engine: Name = "command"
    commands: Commands = ()
    verify: Commands = ()
    verify_only: Commands | None = None
    acceptance: Annotated[tuple[Criterion, ...], BeforeValidator(_criterion)] = ()
    owner: Annotated[str, Field(max_length=200)] | None = None
    milestone: Annotated[str, Field(max_length=200)] | None = None
    priority: Priority = Priority.MEDIUM
    risk: Risk | None = None
    autonomy: Tier | None = None
    deps: Annotated[tuple[Name, ...], BeforeValidator(_texts)] = ()
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    retry: RetrySettings = RetrySettings()
    timeout: Duration | None = None
    review_policy: ReviewPolicy = "auto"
    lock: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    artifacts: Commands = ()


class TicketDraft(Value):
    """A ticket before it is stored: the manifest and what intake resolved for it."""

    manifest: Manifest
    actor: str
    lock: str
    risk: Risk
    idempotency_key: str


class NextAction(Value):
    """Who must act next and by when; a non-final ticket without it is stalled."""

    actor: str
    action: str
    deadline: Instant | None = None


class Ticket(Record):
    id: Name
    stage: Stage
    manifest: Manifest
    manifest_sha256: Sha256
    idempotency_key: str
    lock: str
    risk: Risk
    created_by: str
    created_at: Instant
    updated_at: Instant
    not_before: Instant
    fence: int = 0  #: the highest fence ever granted
    attempts: int = 0  #: runs that were started or granted
    attempts_base: int = 0  #: attempts when a person last revived it: retries count from there
    reason: str | None = None  #: code and text of why it stands where it stands
    blocked_on: tuple[str, ...] = ()  #: deps that are not yet testing or shipped
    completed_at: Instant | None = None
