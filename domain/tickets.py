"""A ticket: what somebody wants changed, as they wrote it (manifest) and where it stands."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from domain.budgets import Budget
from domain.capabilities import Requirements
from domain.engines import AUTO, COMMAND, Engine
from domain.handwriting import Commands, Duration, Handwritten, ShellCommand, texts
from domain.lifecycle import Stage
from domain.model import Instant, Name, Record, Sha256, Value
from domain.short_files import WorkFolder, completed

#: A key of a later release: left out where it is not used, so that older releases read the stored ticket.
_Later = Field(exclude_if=lambda value: value is None or value in (True, ()))


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


class Criterion(Handwritten):
    """One acceptance item; only a check that passed ticks its box."""

    text: Annotated[str, Field(min_length=1, max_length=2_000)]
    check: ShellCommand | None = None


class RetrySettings(Handwritten):
    """`on` lists failure causes (timeout, crash, verify_failed …); None means every transient one."""

    max: Annotated[int, Field(ge=0, le=20)] = 2
    backoff: Duration = timedelta(seconds=30)
    on: Annotated[tuple[str, ...] | None, BeforeValidator(texts)] = None


def _criterion(value: Any) -> Any:
    items = [value] if isinstance(value, (str, dict)) else value
    if not isinstance(items, (list, tuple)):
        return items
    return [{"text": item} if isinstance(item, str) else item for item in items]


class Review(TypedDict):
    """People who decide by name; `approvals` of them must say yes: `all` (the default), `any` or a number."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # how pydantic is told

    reviewers: tuple[Name, ...]
    approvals: NotRequired[Literal["all", "any"] | Annotated[int, Field(ge=1, le=100)]]


ReviewPolicy = Literal["auto", "manual"] | Review


def _item(text: str) -> str:
    if not text.isprintable() or " " in text:
        raise ValueError("give the item's id or address, without spaces")
    return text


TrackerItem = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_item)]


class Manifest(Handwritten):
    """A ticket file: the front matter's keys plus `body`. Never changed once stored.

    Without `engine` the `command` harness does the work; with an `engine-class`, or a `profile` and no `commands`,
    the router chooses (`engine` is then `auto`).
    """

    title: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\r\n]+$")]
    body: Annotated[str, Field(max_length=100_000)] = ""
    repository: Name
    base: Annotated[str, Field(max_length=200)] | None = None
    profile: Annotated[Name | None, _Later] = None
    engine: Engine = COMMAND
    engine_class: Annotated[Name | None, _Later] = None
    capabilities: Annotated[Requirements, _Later] = ()
    prefers: Annotated[Requirements, _Later] = ()
    commands: Commands = ()
    verify: Commands = ()
    verify_only: Commands | None = None
    acceptance: Annotated[tuple[Criterion, ...], BeforeValidator(_criterion)] = ()
    owner: Annotated[str, Field(max_length=200)] | None = None
    milestone: Annotated[str, Field(max_length=200)] | None = None
    priority: Priority = Priority.MEDIUM
    risk: Risk | None = None
    autonomy: Tier | None = None
    deps: Annotated[tuple[Name, ...], BeforeValidator(texts)] = ()
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    retry: RetrySettings = RetrySettings()
    timeout: Duration | None = None
    review_policy: ReviewPolicy = "auto"
    lock: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    artifacts: Commands = ()
    allowed_scope: Annotated[Commands, _Later] = ()
    budget: Annotated[Budget | None, _Later] = None
    yolo: Annotated[bool, _Later] = True
    cwd: Annotated[WorkFolder | None, _Later] = None
    tracker_item: Annotated[TrackerItem | None, _Later] = None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        told = completed(told)
        if "engine" in told:
            return told
        named = told.get("engine-class", told.get("engine_class")) is not None
        chosen_later = named or (told.get("profile") is not None and not told.get("commands"))
        return {**told, "engine": AUTO if chosen_later else COMMAND}


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
