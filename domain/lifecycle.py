"""Lifecycles are tables: one for a ticket's stage, one for a run's state, one function that reads them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from domain.errors import IllegalTransition, NotPermitted


class Component(StrEnum):
    """Who may make a move."""

    INTAKE = "intake"
    DISPATCH = "dispatch"
    EXECUTION = "execution"
    RECOVERY = "recovery"
    PERSON = "person"


class Stage(StrEnum):
    QUEUED = "queued"  #: wanted; nobody works on it
    ASSIGNED = "assigned"  #: leased to a run that has not started
    BUILDING = "building"  #: a harness is at work, or its patch is being collected
    REVIEW = "review"  #: a patch exists: being validated and judged, or waiting for a person
    TESTING = "testing"  #: a verified pull request is open
    SHIPPED = "shipped"  #: a person merged it
    FAILED = "failed"  #: an attempt ended and the ticket's fate is being decided
    DEAD_LETTER = "dead_letter"  #: no further attempt without a person


class StageEvent(StrEnum):
    LEASE = "lease"
    START = "start"
    RELEASE = "release"
    PRODUCE = "produce"
    VERIFY = "verify"
    FAIL = "fail"
    RETRY = "retry"
    EXHAUST = "exhaust"
    CANCEL = "cancel"
    REVIVE = "revive"
    SHIP = "ship"
    REWORK = "rework"


class RunState(StrEnum):
    CLAIMED = "claimed"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting_approval"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELED = "canceled"


class RunEvent(StrEnum):
    START = "start"
    WAIT = "wait"
    RESUME = "resume"
    SUCCEED = "succeed"
    FAIL = "fail"
    TIME_OUT = "time_out"
    CANCEL = "cancel"


S, E, R, V = Stage, StageEvent, RunState, RunEvent

STAGES: Final[Mapping[tuple[Stage, StageEvent], Stage]] = {
    (S.QUEUED, E.LEASE): S.ASSIGNED,
    (S.QUEUED, E.CANCEL): S.DEAD_LETTER,
    (S.ASSIGNED, E.START): S.BUILDING,
    (S.ASSIGNED, E.RELEASE): S.QUEUED,
    (S.ASSIGNED, E.FAIL): S.FAILED,
    (S.ASSIGNED, E.CANCEL): S.DEAD_LETTER,
    (S.BUILDING, E.PRODUCE): S.REVIEW,
    (S.BUILDING, E.FAIL): S.FAILED,
    (S.BUILDING, E.CANCEL): S.DEAD_LETTER,
    (S.REVIEW, E.VERIFY): S.TESTING,
    (S.REVIEW, E.FAIL): S.FAILED,
    (S.REVIEW, E.CANCEL): S.DEAD_LETTER,
    (S.REVIEW, E.SHIP): S.SHIPPED,
    (S.TESTING, E.SHIP): S.SHIPPED,
    (S.TESTING, E.CANCEL): S.DEAD_LETTER,
    (S.TESTING, E.REWORK): S.QUEUED,
    (S.REVIEW, E.REWORK): S.QUEUED,
    (S.FAILED, E.RETRY): S.QUEUED,
    (S.FAILED, E.EXHAUST): S.DEAD_LETTER,
    (S.FAILED, E.CANCEL): S.DEAD_LETTER,
    (S.DEAD_LETTER, E.REVIVE): S.QUEUED,
}

RUNS: Final[Mapping[tuple[RunState, RunEvent], RunState]] = {
    (R.CLAIMED, V.START): R.RUNNING,
    (R.CLAIMED, V.FAIL): R.FAILED,
    (R.CLAIMED, V.CANCEL): R.CANCELED,
    (R.RUNNING, V.WAIT): R.AWAITING_APPROVAL,
    (R.RUNNING, V.SUCCEED): R.SUCCEEDED,
    (R.RUNNING, V.FAIL): R.FAILED,
    (R.RUNNING, V.TIME_OUT): R.TIMED_OUT,
    (R.RUNNING, V.CANCEL): R.CANCELED,
    (R.AWAITING_APPROVAL, V.RESUME): R.RUNNING,
    (R.AWAITING_APPROVAL, V.FAIL): R.FAILED,
    (R.AWAITING_APPROVAL, V.CANCEL): R.CANCELED,
}

STAGE_OWNERS: Final[Mapping[StageEvent, frozenset[Component]]] = {
    E.LEASE: frozenset({Component.DISPATCH, Component.EXECUTION}),
    E.START: frozenset({Component.EXECUTION}),
    E.RELEASE: frozenset({Component.DISPATCH, Component.EXECUTION, Component.RECOVERY}),
    E.PRODUCE: frozenset({Component.EXECUTION}),
    E.VERIFY: frozenset({Component.EXECUTION}),
    E.FAIL: frozenset({Component.EXECUTION, Component.RECOVERY}),
    E.RETRY: frozenset({Component.EXECUTION, Component.RECOVERY}),
    E.EXHAUST: frozenset({Component.EXECUTION, Component.RECOVERY}),
    E.CANCEL: frozenset({Component.PERSON, Component.EXECUTION, Component.RECOVERY}),
    E.REVIVE: frozenset({Component.PERSON, Component.EXECUTION}),
    E.SHIP: frozenset({Component.PERSON}),
    E.REWORK: frozenset({Component.DISPATCH}),
}

RUN_OWNERS: Final[Mapping[RunEvent, frozenset[Component]]] = {
    V.START: frozenset({Component.EXECUTION}),
    V.WAIT: frozenset({Component.EXECUTION}),
    V.RESUME: frozenset({Component.EXECUTION}),
    V.SUCCEED: frozenset({Component.EXECUTION}),
    V.FAIL: frozenset({Component.EXECUTION, Component.RECOVERY, Component.DISPATCH}),
    V.TIME_OUT: frozenset({Component.EXECUTION}),
    V.CANCEL: frozenset({Component.EXECUTION, Component.RECOVERY, Component.PERSON}),
}

FINAL_STAGES: Final = frozenset(Stage) - {stage for stage, _ in STAGES}
RESTING_STAGES: Final = FINAL_STAGES | {S.DEAD_LETTER}
FINAL_RUN_STATES: Final = frozenset(RunState) - {state for state, _ in RUNS}
LIVE_RUN_STATES: Final = frozenset({R.CLAIMED, R.RUNNING})
DEPENDENCY_MET: Final = frozenset({S.TESTING, S.SHIPPED})

_State = TypeVar("_State", Stage, RunState)
_Event = TypeVar("_Event", StageEvent, RunEvent)


def advance_stage(stage: Stage, event: StageEvent, by: Component) -> Stage:
    """Return the stage that follows.

    Raises:
        IllegalTransition: the table has no such row.
        NotPermitted: the component does not own this event.
    """
    return _advance(STAGES, STAGE_OWNERS, stage, event, by)


def advance_run(state: RunState, event: RunEvent, by: Component) -> RunState:
    """Return the run state that follows; raises as advance_stage does."""
    return _advance(RUNS, RUN_OWNERS, state, event, by)


def _advance(
    table: Mapping[tuple[_State, _Event], _State],
    owners: Mapping[_Event, frozenset[Component]],
    state: _State,
    event: _Event,
    by: Component,
) -> _State:
    if (state, event) not in table:
        raise IllegalTransition(f"{state} does not accept {event}", state=state, event=event)
    if by not in owners[event]:
        raise NotPermitted(f"{by} may not make the move {event} from {state}", state=state, event=event, by=by)
    return table[state, event]
