"""What the factory adds to an agent's work: a run's eight steps without Dagster against the bare program.

Both do the same task in a sandbox of the same kind, through the same broker, asked by the same scripted model, which
answers at once: what is left is the program's own time and ours. The bare side is the program's one command alone, as
a person types it; its sandbox is made and removed outside of the clock.
"""

import argparse
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from domain.egress import Purpose
from domain.execution import SandboxRef, Step
from domain.harness import Brief, Command
from domain.sandbox import Exit, SandboxSpec
from factory_pipelines.execution.stages.runner import run_step
from resources.brokers import brokers
from resources.doors import Errand, opened
from resources.harnesses import options_for
from resources.sandboxes import provision, remove
from tests.conformance.cases import SCRIPTS
from tests.e2e.workshop import variables
from tests.support.factory import World, make_world
from tests.support.model import scripted_model
from tests.support.repositories import TEST, git

WRONG = "def double(x):\n    return x + x + x\n"
PROMPT = "Mend calc.py. script:fix#{}"
MADE = "return x * 2"  #: what the script leaves in calc.py
CODEX = ("codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
CLAUDE = ("claude", "-p", "--disallowedTools=WebFetch,WebSearch", "--strict-mcp-config")


def bare_command(world: World, harness: str, prompt: str) -> Command:
    """Return what a person would type, with the settings the harness is given."""
    options = options_for(world.factory.settings, harness)
    brief = Brief(ticket_id="bare", run_id="bare", title="bare", prompt=prompt, options=options)
    command = world.factory.harnesses[harness].command(brief)
    if harness == "codex":
        argv = (*CODEX, *command.argv[2:], "-")
    else:
        argv = (*CLAUDE, "--dangerously-skip-permissions", f"--model={options.model}")
    told = {"argv": argv, "stdin": prompt, "converses": False, "timeout": timedelta(minutes=5)}
    return command.model_copy(update=told)


@contextmanager
def workspace(world: World, sandbox: str) -> Iterator[SandboxRef]:
    """Keep a sandbox with a clone of the repository as long as the block lasts."""
    name = f"bare-{uuid.uuid4().hex[:12]}"
    remote = world.factory.lookup.repository("calc").remote
    commit = git(world.source, "rev-parse", "HEAD")
    spec = SandboxSpec(id=name, run_id=name, mirror=remote, commit=commit)
    ref = provision(world.factory, world.factory.sandboxes[sandbox], spec)
    try:
        yield ref
    finally:
        remove(world.factory, ref)


def bare(world: World, harness: str, sandbox: str, number: int) -> float:
    """Return the seconds of the program alone."""
    command = bare_command(world, harness, PROMPT.format(f"bare-{harness}-{number}"))
    with workspace(world, sandbox) as ref:
        errand = Errand(ref.id, Purpose.HARNESS, repository="calc", harness=harness)
        with opened(world.factory, ref, errand) as door:
            told = {"environment": {**command.environment, **(door or {})}, "network": True}
            began = time.perf_counter()
            outputs = list(world.factory.sandboxes[sandbox].execute(ref, command.model_copy(update=told)))
            seconds = time.perf_counter() - began
        look = world.factory.sandboxes[sandbox].execute(ref, Command(argv=("grep", "-qF", MADE, "calc.py")))
        found = list(look)[-1]
        assert isinstance(found, Exit)
        assert found.code == 0, outputs
    return seconds


def ours(world: World, harness: str, number: int) -> dict[Step, float]:
    """Return the seconds of each step of a run that opens a pull request."""
    told = {"title": "Mend calc", "body": PROMPT.format(f"ours-{harness}-{number}"), "commands": []}
    ticket = world.file(engine=harness, **told)
    presented = world.present(world.dispatch(ticket))
    seconds = {}
    for step in Step:
        began = time.perf_counter()
        assert run_step(world.factory, presented, step).cleared, step
        seconds[step] = time.perf_counter() - began
    assert world.factory.lookup.pull_request(ticket.id) is not None
    return seconds


def compare(world: World, harness: str, asked: argparse.Namespace) -> None:
    least: list[float] = []
    mine: list[dict[Step, float]] = []
    for number in range(asked.rounds + 1):  # the first of each is not counted
        least.append(bare(world, harness, asked.sandbox, number))
        mine.append(ours(world, harness, number))
    alone = statistics.median(least[1:])
    launch = statistics.median(one[Step.LAUNCH] for one in mine[1:])
    whole = statistics.median(sum(one.values()) for one in mine[1:])
    print(f"{harness}: bare {alone:.2f} s, launch step {launch:.2f} s, ratio {launch / alone:.2f}; ", end="")
    print(f"all eight steps {whole:.2f} s, {whole - alone:.2f} s more, ratio {whole / alone:.2f}")
    steps = {step: statistics.median(one[step] for one in mine[1:]) for step in Step}
    print("  " + ", ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items()))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--sandbox", default="bubblewrap")
    options.add_argument("--harness", nargs="+", default=["codex", "claude_code"])
    asked = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        model = stack.enter_context(scripted_model(SCRIPTS))
        told = variables(model) | {"FACTORY_HARNESSES__CLAUDE_CODE__MODEL": "scripted-1"}
        os.environ.update(told | {"FACTORY_SANDBOX": asked.sandbox})
        world = make_world(folder, files={"calc.py": WRONG, "test_calc.py": TEST})
        stack.enter_context(brokers(world.factory))
        print(f"medians of {asked.rounds} interleaved rounds, {asked.sandbox}; the scripted model answers at once")
        for harness in asked.harness:
            compare(world, harness, asked)


if __name__ == "__main__":
    main()
