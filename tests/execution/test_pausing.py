"""A harness that is paused keeps what it did, and only a person lets it go on; a yes to that approves no change."""

import json
import sys
from pathlib import Path

import pytest

from adapters.harness.contract import Session
from domain.execution import Usage
from domain.harness import Brief, Command, Ending, EventKind, HarnessEvent, HarnessOutcome, Traits
from domain.lifecycle import RunState, Stage
from domain.sandbox import Exit, OutputLine
from domain.tickets import Ticket
from policy.prompt import SO_FAR
from tests.support.factory import World, make_world

#: changes a file, notes its session in its HOME; the first time it then waits to be stopped, later it finishes
PROGRAM = """
import os, pathlib, sys
notes = pathlib.Path(os.environ["HOME"], ".stand-in", "sessions")
seen = (notes / "one").read_text() if (notes / "one").exists() else ""
notes.mkdir(parents=True, exist_ok=True)
(notes / "one").write_text(seen + "x")
calc = pathlib.Path("calc.py")
print("session", "resumed" if "--resume" in sys.argv and seen else "new", flush=True)
print("prompt", "notes" in sys.stdin.readline(), flush=True)
if "x * 2" in calc.read_text():
    calc.write_text(calc.read_text().replace("x * 2", "2 * x"))
    print("used 900", flush=True)
    sys.stdin.read()
print("used 50", flush=True)
print("over", flush=True)
"""


class Resumable:
    """A stand-in for a program whose sessions can be resumed."""

    name = "command"
    trusted = True
    traits = Traits(program="python3", converses=True, resumes=True, session_paths=(".stand-in/sessions", ".none"))

    def command(self, brief: Brief) -> Command:
        resume = ("--resume",) if brief.session_id else ()
        first = brief.prompt.replace("\n", " ") + "\n"
        return Command(argv=(sys.executable, "-c", PROGRAM, *resume), stdin=first, converses=True)

    def open(self, brief: Brief) -> "Sitting":
        return Sitting()


class Sitting(Session):
    def __init__(self) -> None:
        self._over, self._usage, self.said = False, Usage(), ""

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        word, _, rest = line.text.partition(" ")
        if word == "used":
            self._usage = Usage(output_tokens=int(rest), cost_usd=int(rest) / 1000)
            return [HarnessEvent(kind=EventKind.USAGE, usage=self._usage)]
        self._over = word == "over"
        return [HarnessEvent(kind=EventKind.TOOL_STARTED, text=line.text)]

    def is_over(self) -> bool:
        return self._over

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002
        ending = Ending.SUCCEEDED if self._over else Ending.INTERRUPTED
        code = None if self._over else "harness.crashed"
        return HarnessOutcome(ending=ending, failure_code=code, session_id="one", usage=self._usage)


def world_of(folder: Path) -> World:
    world = make_world(folder)
    world.factory.harnesses["command"] = Resumable()
    return world


def pause_by_budget(world: World) -> None:
    limits = world.factory.policy.limits
    chosen = {**limits.on_breach, "usd": "pause"}
    world.factory.policy.__dict__["limits"] = limits.model_validate({**limits.model_dump(), "on_breach": chosen})


def let_go_on(world: World, ticket: Ticket) -> None:
    (run,) = world.factory.lookup.runs(ticket_id=ticket.id)
    world.factory.operators.decide_approval(run.id, approved=True, actor="ann", reason="go on", now=world.factory.now())


def told(world: World, ticket: Ticket) -> list[str]:
    events = world.factory.lookup.timeline(ticket_id=ticket.id)
    return [event.payload["text"] for event in events if event.name == "harness_event"]


def test_a_run_over_budget_waits_and_goes_on_in_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alerts = tmp_path / "alerts"
    program = f"import sys; open({str(alerts)!r}, 'a').write(sys.stdin.read() + chr(10))"
    monkeypatch.setenv("FACTORY_ALERT_COMMAND", json.dumps([sys.executable, "-c", program]))
    world = world_of(tmp_path)
    pause_by_budget(world)
    ticket = world.file(commands=["unused"], budget={"usd": 0.5}, autonomy="constrained")
    assert world.run(ticket) is None
    (run,) = world.factory.lookup.runs(ticket_id=ticket.id)
    assert (run.state, run.usage.output_tokens) == (RunState.AWAITING_APPROVAL, 900)
    assert world.factory.sandboxes["process"].leftovers() == []
    (approval,) = world.factory.oversight.approvals(run_id=run.id)
    assert approval.rule == "budget"
    breached = [event for event in world.factory.lookup.timeline(ticket_id=ticket.id) if event.name == "limit_breached"]
    assert [event.payload["action"] for event in breached] == ["pause"]
    (alert,) = [json.loads(line) for line in alerts.read_text().splitlines()]
    assert (alert["kind"], alert["run_id"], alert["details"]["limit"]) == ("limit_breached", run.id, "usd")
    assert world.factory.oversight.live_leases() == []  # nobody but a person makes it go on

    let_go_on(world, ticket)
    world.steps(world.present(world.dispatch(ticket)))
    (run,) = world.factory.lookup.runs(ticket_id=ticket.id)
    assert {"session resumed", "prompt True"} <= set(told(world, ticket))
    assert (run.attempt, run.usage.output_tokens) == (1, 950)
    # the change itself is still to be approved: the ticket is constrained
    assert (run.state, world.ticket(ticket).stage) == (RunState.AWAITING_APPROVAL, Stage.REVIEW)


def test_an_interrupted_run_keeps_its_work(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    ticket = world.file(commands=["unused"])
    lease = world.dispatch(ticket)

    class Hurried:
        """Asks for the pause as soon as the harness has worked."""

        def __init__(self) -> None:
            self.record = world.factory.run_ledger.record_events

        def __call__(self, drafts, *, lease, now) -> None:
            self.record(drafts, lease=lease, now=now)
            if any(draft.payload.get("kind") == EventKind.USAGE for draft in drafts):
                run = world.factory.run_ledger.find_run(run_id=lease.run_id)
                if run is not None and run.interrupt_requested_by is None:
                    world.factory.operators.request_interrupt(run.id, actor="ann", reason="let me look", now=now)
                    world.clock.move(3)

    world.factory.run_ledger.record_events = Hurried()  # type: ignore[method-assign]
    world.steps(world.present(lease))
    (run,) = world.factory.lookup.runs(ticket_id=ticket.id)
    assert (run.state, run.interrupt_requested_by) == (RunState.AWAITING_APPROVAL, None)
    assert run.handover is not None
    assert run.handover.session is not None
    assert b"2 * x" in world.factory.artifacts.get(run.handover.patch)
    assert 0 < len(run.handover.summary) <= SO_FAR
