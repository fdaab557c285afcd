"""`auto` takes the strongest sandbox that works; an agent gets one that isolates or none; what nobody owns is swept."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.errors import IsolationRequired, SandboxFailed
from domain.execution import SandboxRef
from domain.sandbox import Availability, Isolation, SandboxSpec
from resources import sandboxes
from resources.sandboxes import choose_sandbox
from resources.unowned import hold, let_go, making, nobody_makes
from resources.wiring import Factory
from sensors.supervisor import RunSupervisor
from tests.support.factory import make_world


class Sandbox:
    """A stand-in that only says whether it works."""

    def __init__(self, name: str, *, works: bool) -> None:
        self.name, self._works = name, works
        self.isolation = Isolation.NONE if name == "process" else Isolation.CONTAINER
        self.asked = 0

    def available(self) -> Availability:
        self.asked += 1
        return Availability(works=self._works, detail=f"{self.name} detail", remedy=f"install {self.name}")


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Factory:
    monkeypatch.setenv("FACTORY_SANDBOX", "auto")
    monkeypatch.setattr(sandboxes, "_known", {})
    return make_world(tmp_path).factory


def having(factory: Factory, **works: bool) -> Factory:
    found: dict[str, Any] = {name: Sandbox(name, works=one) for name, one in works.items()}
    return replace(factory, sandboxes=found | {"process": Sandbox("process", works=True)})


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    ("works", "chosen"),
    [({"docker": True, "bubblewrap": True}, "docker"), ({"docker": False, "bubblewrap": True}, "bubblewrap")],
)
def test_the_strongest_that_works_is_taken(factory, works, chosen, trusted) -> None:
    assert choose_sandbox(having(factory, **works), trusted=trusted).name == chosen


def test_without_isolation_trusted_commands_run_and_agents_do_not(factory) -> None:
    here = having(factory, docker=False, bubblewrap=False)
    assert choose_sandbox(here, trusted=True).name == "process"
    with pytest.raises(IsolationRequired) as refused:
        choose_sandbox(here, trusted=False)
    for words in ("docker detail", "install docker", "bubblewrap detail", "install bubblewrap"):
        assert words in refused.value.message


def test_what_a_repository_wants_wins_but_never_against_isolation(factory) -> None:
    here = having(factory, docker=True, bubblewrap=True)
    assert choose_sandbox(here, trusted=False, wanted="bubblewrap").name == "bubblewrap"
    with pytest.raises(IsolationRequired):
        choose_sandbox(here, trusted=False, wanted="process")
    with pytest.raises(SandboxFailed, match="no sandbox 'podman'"):
        choose_sandbox(here, trusted=True, wanted="podman")


def test_a_finding_is_not_looked_for_again_at_once(factory) -> None:
    here = having(factory, docker=True)
    for _ in range(3):
        choose_sandbox(here, trusted=False)
    assert here.sandboxes["docker"].asked == 1


# --- sandboxes without a run

HOLDER = """
import sys
from pathlib import Path
from resources.settings import load_settings
from resources.unowned import hold
hold(load_settings(Path(sys.argv[1])), "shell-1")
print("held", flush=True)
sys.stdin.read()
"""


def test_nobody_makes_while_one_is_held(factory) -> None:
    settings = factory.settings
    hold(settings, "shell-1")
    with nobody_makes(settings) as alone:
        assert not alone
    let_go("shell-1")
    let_go("shell-1")
    with nobody_makes(settings) as alone:
        assert alone
    with making(settings), nobody_makes(settings) as alone:
        assert not alone


def test_a_killed_process_holds_nothing(factory) -> None:
    argv = [sys.executable, "-c", HOLDER, str(factory.settings.home)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as holder:
        assert holder.stdout is not None
        assert b"held" in holder.stdout.readline()
        with nobody_makes(factory.settings) as alone:
            assert not alone
        holder.kill()
    with nobody_makes(factory.settings) as alone:
        assert alone


def test_a_dead_process_sandboxes_are_swept_and_living_ones_are_not(tmp_path, monkeypatch) -> None:
    world = make_world(tmp_path)
    process = world.factory.sandboxes["process"]
    spec = {"id": "shell-1", "run_id": "shell-1", "mirror": None, "commit": None}
    process.provision(SandboxSpec.model_validate(spec))
    with making(world.factory.settings):
        RunSupervisor(world.factory).recover_stale_runs()
        assert [ref.id for ref in process.leftovers()] == ["shell-1"]
    RunSupervisor(world.factory).recover_stale_runs()
    assert process.leftovers() == []


def test_a_sandbox_that_cannot_be_removed_does_not_stop_recovery(tmp_path, monkeypatch) -> None:
    world = make_world(tmp_path)
    ticket = world.file(commands=["true"])
    lease = world.dispatch(ticket)

    class Stuck(Sandbox):
        def leftovers(self) -> list[SandboxRef]:
            return [SandboxRef(backend="stuck", id=f"{lease.run_id}-work")]

        def teardown(self, ref: SandboxRef) -> None:
            raise SandboxFailed("the broker is away")

    stuck: Any = Stuck("stuck", works=True)
    world.factory = replace(world.factory, sandboxes={**world.factory.sandboxes, "stuck": stuck})
    world.clock.move(10_000)
    found = RunSupervisor(world.factory).recover_stale_runs()
    assert found.runs == (lease.run_id,)
    assert found.sandboxes == ()
