"""Every move of every lifecycle, through the database: allowed ones are stored, others undone and recorded."""

from itertools import product

import pytest
from sqlalchemy import select

from adapters.ledger.moves import lock_run, lock_ticket, move_run, move_ticket
from adapters.ledger.rows import one
from adapters.ledger.schema import runs
from adapters.ledger.transaction import Unit, transact
from domain.errors import IllegalTransition, NotPermitted
from domain.lifecycle import RUN_OWNERS, RUNS, STAGE_OWNERS, STAGES, Component, RunEvent, RunState, Stage, StageEvent
from tests.adapters.ledger.book import NOON, Book, open_book


@pytest.fixture(scope="module")
def book() -> Book:
    opened = open_book("sqlite://")
    opened.leased()
    return opened


@pytest.mark.parametrize(("stage", "move"), list(product(Stage, StageEvent)))
def test_every_stage_and_event(book: Book, stage: Stage, move: StageEvent) -> None:
    owners = STAGE_OWNERS[move]
    for by in Component:
        book.sql("UPDATE tickets SET stage = :stage", stage=stage)
        before = len(book.events())

        def work(unit: Unit) -> Stage:
            return move_ticket(unit, lock_ticket(unit, "T-1"), [move])

        if (stage, move) in STAGES and by in owners:
            assert transact(book.engine, work, now=NOON, by=by) is STAGES[stage, move]
            assert book.ticket("T-1").stage is STAGES[stage, move]
            assert book.events()[before:] == ["stage_changed"]
            continue
        with pytest.raises(NotPermitted if (stage, move) in STAGES else IllegalTransition):
            transact(book.engine, work, now=NOON, by=by)
        assert book.ticket("T-1").stage is stage
        rejected = book.lookup.timeline()[before:]
        assert [(event.name, event.component) for event in rejected] == [("transition_rejected", by)]
        assert (rejected[0].payload["from"], rejected[0].payload["event"]) == (stage, move)


@pytest.mark.parametrize(("state", "move"), list(product(RunState, RunEvent)))
def test_every_run_state_and_event(book: Book, state: RunState, move: RunEvent) -> None:
    for by in Component:
        book.sql("UPDATE runs SET state = :state", state=state)
        before = len(book.events())

        def work(unit: Unit) -> RunState:
            return move_run(unit, lock_run(unit, "T-1-r1"), move)

        if (state, move) in RUNS and by in RUN_OWNERS[move]:
            assert transact(book.engine, work, now=NOON, by=by) is RUNS[state, move]
            continue
        with pytest.raises((NotPermitted, IllegalTransition)):
            transact(book.engine, work, now=NOON, by=by)
        assert book.events()[before:] == ["transition_rejected"]
        with book.engine.connect() as connection:
            assert one(connection, select(runs.c.state))["state"] == state
