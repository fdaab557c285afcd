"""A factory, its egress broker and the scripted model, and runs of agent programs through all of them."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

import psutil
import pytest
import yaml

from adapters.sandbox.reaping import MARKER
from adapters.sandbox.rooted import RootedSandbox
from domain.egress import Purpose
from domain.errors import FactoryError
from domain.execution import ClaimRequest, SandboxRef, Usage
from domain.harness import Brief, Command, HarnessEvent, HarnessOutcome, Options
from domain.lifecycle import Component
from domain.sandbox import Exit, Mailbox, Output, OutputLine, SandboxSpec
from policy.limits import RunLimits
from resources.brokers import brokers
from resources.doors import Errand, opened
from resources.harnesses import options_for
from resources.model_apis import INSIDE, MODEL_APIS
from resources.sandboxes import provision, remove
from sensors.pulse import Pulse
from sensors.supervisor import RunSupervisor
from sensors.watching import Watch
from tests.conformance.cases import HARNESSES, MODEL, MODELS, SCRIPTS
from tests.support.factory import World, make_world
from tests.support.model import Model, Seen, scripted_model
from tests.support.repositories import TEST, git
from tests.support.services import eventually

KEY = "sk-canary-5d8e2a7c41f0"

CHAT = "chat"  #: the upstream with OpenAI's chat completions
KEYLESS = "keyless-"  #: before a harness's name: its API through an upstream whose key nobody gave
WRONG = "def double(x):\n    return x + x + x\n"
PATIENT = RunLimits(wall=240, inactivity=120)
NUMBERS = count(1)


def _settings(url: str) -> dict[str, object]:
    same = {"enabled": True, "base_url": url, "credential": "live-key"}
    told = {name: {**same, "model": MODELS.get(name, MODEL)} for name in HARNESSES}
    keyless = {
        f"{KEYLESS}{name}": {
            "url": url,
            "credential": "never-given",
            "harnesses": [name],
            **MODEL_APIS[name].model_dump(include={"header", "prefix"}),
        }
        for name in HARNESSES
    }
    chat = {
        "url": url,
        "credential": "live-key",
        "harnesses": ["openhands"],
        **MODEL_APIS["openhands"].model_dump(include={"header", "prefix", "paths"}),
    }
    return {"harnesses": told, "upstreams": {**keyless, CHAT: chat}, "interrupt_limit": 5}


@dataclass
class Told:
    """One run of a program, as its caller sees it."""

    outcome: HarnessOutcome
    events: list[HarnessEvent]
    lines: list[str]  #: all it printed
    error: FactoryError | None  #: a limit that was breached
    end: Exit | None
    requests: list[Seen]  #: of this run


#: looked at whenever the sandbox tells something, at least every second: the limits that hold from now on
Tighten = Callable[[list[HarnessEvent], list[Seen]], RunLimits]


@dataclass
class Work:
    """A sandbox with a clone of a repository whose test fails, and the conversation held in it."""

    bench: "Bench"
    sandbox: RootedSandbox
    ref: SandboxRef
    harness: str
    conversation: str
    options: Options
    pulse: Pulse
    printed: list[str] = field(default_factory=list)
    spaces: set[str] = field(default_factory=set)  #: PID namespaces of its processes; not all of these keep the marker

    def run(self, *, session: str | None = None, tighten: Tighten | None = None, **options: object) -> Told:
        """Let the program work as a run of the factory does, but Dagster's part, until it ends or a limit ends it."""
        harness = self.bench.factory.harnesses[self.harness]
        brief = Brief(
            ticket_id=self.pulse.lease.ticket_id,
            run_id=self.pulse.lease.run_id,
            title="mend double",
            prompt=f"Mend calc.py. script:{self.conversation}",
            session_id=session,
            options=self.options.model_copy(update=options),
        )
        command = harness.command(brief)
        mail = Mailbox() if command.converses else None
        watch = Watch(session=harness.open(brief), limits=PATIENT, pulse=self.pulse, mail=mail)
        told = Told(HarnessOutcome(ending="interrupted"), [], [], None, None, [])
        before = len(self.bench.model.requests)
        try:
            self._follow(watch, command, told, tighten)
        except FactoryError as error:
            told.error = error
        told.end = watch.end
        told.outcome = watch.session.finish(watch.end or Exit(code=None, seconds=0))
        told.requests = self.bench.model.requests[before:]
        self.printed += told.lines
        return told

    def _follow(self, watch: Watch, command: Command, told: Told, tighten: Tighten | None) -> None:
        errand = Errand(self.pulse.lease.run_id, Purpose.HARNESS, repository="calc", harness=self.harness)
        supervisor = RunSupervisor(self.bench.factory)
        with opened(self.bench.factory, self.ref, errand) as door:
            assert door is not None
            environment = {**command.environment, **door}
            outside = {"timeout": timedelta(seconds=watch.limits.wall + 60), "network": True}
            started = self.sandbox.execute(
                self.ref, command.model_copy(update={**outside, "environment": environment}), watch.mail
            )
            with closing(started) as outputs:  # type: ignore[type-var]
                heard = self._heard(outputs, watch, told, tighten)
                told.events.extend(supervisor.monitor_run(self.sandbox, self.ref, heard, watch))

    def _heard(self, outputs: Iterator[Output], watch: Watch, told: Told, tighten: Tighten | None) -> Iterator[Output]:
        for output in outputs:
            if isinstance(output, OutputLine):
                told.lines.append(output.text)
            if tighten is not None:
                watch.limits = tighten(told.events, self.seen())
            yield output

    def seen(self) -> list[Seen]:
        """Every request of this conversation so far."""
        return [one for one in self.bench.model.requests if one.conversation == self.conversation]

    def sent(self) -> Usage:
        return self.bench.model.sent(self.conversation)

    def sh(self, script: str) -> tuple[int | None, str]:
        """Run a shell command in the sandbox, without a door."""
        outputs = list(self.sandbox.execute(self.ref, Command(argv=("sh", "-c", script), timeout=timedelta(minutes=1))))
        said = "\n".join(output.text for output in outputs if isinstance(output, OutputLine))
        assert isinstance(outputs[-1], Exit)
        return outputs[-1].code, said

    def processes(self) -> list[psutil.Process]:
        """Return what of this sandbox runs on this machine."""
        everyone = [(process, space_of(process)) for process in psutil.process_iter()]
        own = [process for process, _ in everyone if self._owns(process)]
        self.spaces |= {space_of(process) for process in own} - {"", space_of(psutil.Process())}
        return [process for process, space in everyone if process in own or space in self.spaces]

    def check_dead(self) -> None:
        """Wait until the machine has done away with what was killed: nothing of this sandbox runs any more."""
        eventually(lambda: not self.processes(), "nothing of the sandbox runs")

    def _owns(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARKER) == self.sandbox.mark(self.ref)
        except psutil.Error:
            return False


def space_of(process: psutil.Process) -> str:
    try:
        return str(Path(f"/proc/{process.pid}/ns/pid").readlink())
    except OSError:
        return ""


@dataclass
class Bench:
    world: World
    model: Model

    @property
    def factory(self):
        return self.world.factory

    def works(self, backend: str) -> RootedSandbox:
        """Return a sandbox; skip the test where it does not work."""
        sandbox = self.factory.sandboxes[backend]
        assert isinstance(sandbox, RootedSandbox)
        if not (found := sandbox.available()).works:
            pytest.skip(f"{backend} does not work here: {found.detail}")
        return sandbox

    @contextmanager
    def work(self, harness: str, script: str, backend: str = "bubblewrap") -> Iterator[Work]:
        """Make a sandbox for one conversation. At the end nothing of it may be left, and nothing may know the key."""
        assert self.factory.settings.agents.is_dir(), "run deploy/install-agents"
        sandbox = self.works(backend)
        ticket = self.world.file(engine=harness, commands=[], lock=uuid.uuid4().hex)
        asked = ClaimRequest(ticket_id=ticket.id, owner="conformance", ttl_seconds=3600)
        lease = self.factory.backlog.claim_ticket(asked, component=Component.DISPATCH, now=self.factory.now())
        assert lease is not None
        remote = self.factory.lookup.repository("calc").remote
        spec = SandboxSpec(
            id=f"{lease.run_id}-work",
            run_id=lease.run_id,
            mirror=remote,
            commit=git(self.world.source, "rev-parse", "HEAD"),
        )
        ref = provision(self.factory, sandbox, spec)
        conversation = f"{script}#{harness}-{next(NUMBERS)}"
        options = options_for(self.factory.settings, harness)
        work = Work(self, sandbox, ref, harness, conversation, options, Pulse(self.factory, lease.ref))
        try:
            yield work
            assert work.sh(f'grep -rlsF {KEY[:12]} . "$HOME" /tmp; true') == (0, "")
        finally:
            remove(self.factory, ref)
        work.check_dead()
        assert ref.id not in [one.id for one in sandbox.leftovers()]
        assert not [line for line in work.printed if KEY in line]


def chat() -> str:
    """Return the address of chat completions."""
    return f"{INSIDE}/{CHAT}"


def keyless(harness: str) -> str:
    """Return the address of a harness's API for which there is no key."""
    return f"{INSIDE}/{KEYLESS}{harness}"


@contextmanager
def bench(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with scripted_model(SCRIPTS) as model:
        (folder / "home").mkdir(parents=True)
        (folder / "home" / "settings.yaml").write_text(yaml.safe_dump(_settings(model.url)))
        world = make_world(folder, files={"calc.py": WRONG, "test_calc.py": TEST})
        with monkeypatch.context() as told:
            told.setenv("FACTORY_SECRET_LIVE_KEY", KEY)
            serving = brokers(world.factory)
            serving.__enter__()
        try:
            yield Bench(world, model)
        finally:
            serving.__exit__(None, None, None)
