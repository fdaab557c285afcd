"""Every pair of both tables, who may make each move, and that no state is a trap."""

from collections.abc import Mapping
from itertools import product

import pytest

from domain.errors import IllegalTransition, NotPermitted
from domain.lifecycle import (
    DEPENDENCY_MET,
    FINAL_RUN_STATES,
    FINAL_STAGES,
    LIVE_RUN_STATES,
    RESTING_STAGES,
    RUN_OWNERS,
    RUNS,
    STAGE_OWNERS,
    STAGES,
    Component,
    RunEvent,
    RunState,
    Stage,
    StageEvent,
    advance_run,
    advance_stage,
)

TABLES = [
    pytest.param(STAGES, STAGE_OWNERS, Stage, StageEvent, advance_stage, id="ticket"),
    pytest.param(RUNS, RUN_OWNERS, RunState, RunEvent, advance_run, id="run"),
]


@pytest.mark.parametrize(("stage", "event"), list(product(Stage, StageEvent)))
def test_every_stage_pair(stage: Stage, event: StageEvent):
    check_pair(STAGES, STAGE_OWNERS, advance_stage, stage, event)


@pytest.mark.parametrize(("state", "event"), list(product(RunState, RunEvent)))
def test_every_run_pair(state: RunState, event: RunEvent):
    check_pair(RUNS, RUN_OWNERS, advance_run, state, event)


def check_pair(table, owners, advance, state, event):
    for component in Component:
        if (state, event) not in table:
            with pytest.raises(IllegalTransition) as refused:
                advance(state, event, component)
            assert refused.value.details == {"state": state, "event": event}
        elif component in owners[event]:
            assert advance(state, event, component) is table[state, event]
        else:
            with pytest.raises(NotPermitted):
                advance(state, event, component)


@pytest.mark.parametrize(("table", "owners", "states", "events", "advance"), TABLES)
def test_every_event_has_an_owner_and_a_row(table, owners, states, events, advance):
    assert set(owners) == set(events) == {event for _, event in table}
    assert all(owners.values())


@pytest.mark.parametrize(("table", "owners", "states", "events", "advance"), TABLES)
def test_every_state_is_reachable_and_every_open_one_can_end(table, owners, states, events, advance):
    first, final = next(iter(states)), set(states) - {state for state, _ in table}
    assert reachable(table, first) == set(states)
    for state in states:
        assert reachable(table, state) & final, f"{state} cannot end"


def reachable(table: Mapping, start) -> set:
    seen, todo = {start}, [start]
    while todo:
        here = todo.pop()
        for target in {target for (state, _), target in table.items() if state is here} - seen:
            seen.add(target)
            todo.append(target)
    return seen


def test_named_groups_of_states():
    assert FINAL_STAGES == {Stage.SHIPPED}
    assert RESTING_STAGES == {Stage.SHIPPED, Stage.DEAD_LETTER}
    assert FINAL_RUN_STATES == {RunState.SUCCEEDED, RunState.FAILED, RunState.TIMED_OUT, RunState.CANCELED}
    assert LIVE_RUN_STATES == {RunState.CLAIMED, RunState.RUNNING}
    assert DEPENDENCY_MET <= set(Stage)


def test_only_a_person_ships():
    assert STAGE_OWNERS[StageEvent.SHIP] == {Component.PERSON}
    assert {stage for (stage, event) in STAGES if event is StageEvent.SHIP} == {Stage.REVIEW, Stage.TESTING}


def test_a_dead_letter_leaves_only_by_a_revival():
    assert [event for stage, event in STAGES if stage is Stage.DEAD_LETTER] == [StageEvent.REVIVE]
