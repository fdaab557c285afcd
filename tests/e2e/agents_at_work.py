"""A factory in this process whose agents are the real programs: what tests of failures share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from adapters.sandbox.cgroups import Group
from adapters.sandbox.rooted import RootedSandbox
from domain.execution import Run, SandboxRef
from domain.tickets import Ticket
from tests.e2e.workshop import AGENTS, changed, leftovers, variables
from tests.support.backends import serving
from tests.support.factory import World, make_world
from tests.support.model import Fault, FaultKind, Model, Script, Sh, Tokens, Turn
from tests.support.services import kill_all

OTHER = "    return 2 * x"
TURN_ROUND = Sh(sh="sed -i 's/x [*] 2/2 * x/' calc.py")
DEAR = Tokens(output=80_000)  #: about 2 USD at the shipped prices, which the router takes for the price of a change
BUDGET = {"usd": 5}  #: breached by the third dear answer
SLEEP = "sleep 300"  #: nobody waits for its end: a test ends what sleeps, or lets it go
IN_TOOL = (Turn(calls=(TURN_ROUND,)), Turn(calls=(Sh(sh=f"{SLEEP} || true"),)))
#: script of an agent that is stopped while its tool sleeps; codex waits 10 s for a tool and then asks its model, who
#: keeps still the first time; claude_code writes an answer of its own into a session that is interrupted
SLEEPERS = {
    "codex": Script(
        name="codex-sleeps", turns=(*IN_TOOL, Turn(say="Done.", fault=Fault(kind=FaultKind.STALL, times=1)))
    ),
    "claude_code": Script(name="claude-sleeps", turns=(*IN_TOOL, Turn(say="Done."), Turn(say="Done."))),
}


def told_to_agents(model: Model) -> dict[str, str]:
    """Return the environment of a factory whose agents all ask for one model, which is dear."""
    return {**variables(model), "FACTORY_HARNESSES__CLAUDE_CODE__MODEL": "scripted-1"}


@contextmanager
def agents_world(folder: Path, model: Model, scripts: dict[str, str] | None = None) -> Iterator[World]:
    """Serve a factory until the block ends; what is left of it then is an error.

    Args:
        folder: Of the home and the repository.
        model: What every agent asks.
        scripts: Harness → script of every conversation that names none.
    """
    told = {**told_to_agents(model), "FACTORY_SANDBOX": "bubblewrap"}
    for harness, script in (scripts or {}).items():
        told[f"FACTORY_HARNESSES__{harness.upper()}__BASE_URL"] = model.at(script)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            patch.setenv(name, value)
        with serving(folder / "home", "bubblewrap"):
            world = make_world(folder)
            yield world
            assert leftovers(world) == []


def file(world: World, engine: str, conversation: str | None = None, **front: object) -> Ticket:
    """File a ticket for an engine whose conversation is that one, `SCRIPT#LABEL`."""
    assert engine in AGENTS
    body = f"Do what script:{conversation} says." if conversation else "Do it."
    return world.file(title=f"Tidy calc with {engine}", body=body, engine=engine, commands=[], **front)


def file_sleeper(world: World, engine: str, label: str, **front: object) -> Ticket:
    """File a ticket in whose work an agent's tool sleeps; nobody else works at the same time under its lock."""
    return file(world, engine, f"{SLEEPERS[engine].name}#{label}", lock=f"{engine}-{label}", **front)


def runs(world: World, ticket: Ticket) -> list[Run]:
    return world.factory.lookup.runs(ticket_id=ticket.id)


def pull_request(world: World, ticket: Ticket) -> dict[str, str]:
    """Return path → text of what the ticket's pull request changes."""
    pull = world.factory.lookup.pull_request(ticket.id)
    assert pull is not None
    return changed(Path(world.factory.lookup.repository("calc").remote), pull)


def events(world: World, ticket: Ticket, name: str) -> list[dict[str, object]]:
    """Return the payloads of a ticket's events of one name, oldest first."""
    timeline = world.factory.lookup.timeline(ticket_id=ticket.id)
    return [dict(event.payload) for event in timeline if event.name == name]


def processes(world: World, ticket: Ticket) -> list[psutil.Process]:
    """Return what lives in the sandboxes of a ticket's runs."""
    return [process for run in runs(world, ticket) for process in inside(world, run.id)]


def inside(world: World, run_id: str) -> list[psutil.Process]:
    """Return what lives in a run's sandbox: all in its control group, for agents hide their tools from their marks."""
    sandbox = world.factory.sandboxes["bubblewrap"]
    assert isinstance(sandbox, RootedSandbox)
    mark = sandbox.mark(SandboxRef(backend=sandbox.name, id=f"{run_id}-work"))
    return [found for pid in Group(mark).processes() if (found := process_of(pid))]


def process_of(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def sleepers(world: World, ticket: Ticket) -> list[psutil.Process]:
    """Return the processes in which a ticket's agents now sleep."""
    return [process for process in processes(world, ticket) if words(process) == SLEEP.split()]


def conversation_of(ticket: Ticket) -> str:
    """Return the conversation that a ticket's text names."""
    return ticket.manifest.body.partition("script:")[2].split()[0]


def is_asleep(world: World, model: Model, ticket: Ticket) -> bool:
    """Tell whether a ticket's agent sleeps in a tool and, if it is one that waits no longer, in the model too."""
    held = [seen for seen in model.requests if seen.fault and seen.conversation == conversation_of(ticket)]
    return bool(sleepers(world, ticket)) and (ticket.manifest.engine != "codex" or bool(held))


def words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def wake(world: World, *tickets: Ticket) -> None:
    """End what sleeps, so that the agents go on."""
    kill_all([process for ticket in tickets for process in sleepers(world, ticket)])
