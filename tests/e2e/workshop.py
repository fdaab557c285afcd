"""A factory whose agents are the real programs and whose model is a script; everything else is real."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from control_plane.repositories.enrolment import EnrolRequest, check, enrol
from domain.execution import Run, Usage
from domain.forge import PullRequest
from domain.governance import Validation
from domain.repositories import BaseReport
from domain.tickets import Ticket
from resources.settings import load_settings
from resources.wiring import open_factory
from tests.e2e.released import Project, Release
from tests.support.backends import serving
from tests.support.factory import World
from tests.support.model import Model
from tests.support.repositories import git

AGENTS = ("codex", "claude_code", "gemini_cli")
FLAGGED = "openhands"  #: there only where a test asks for it
#: left to themselves, Codex runs its tools from JavaScript, and Gemini CLI asks a second model which one to ask
MODELS = {"codex": "scripted-1", "gemini_cli": "gemini-2.5-pro", FLAGGED: "anthropic/scripted-1"}
KEY = "sk-nobodys-key"  #: only the broker is told; the scripts accept no other


def variables(served: Model, agents: tuple[str, ...] = AGENTS) -> dict[str, str]:
    """Return the environment in which every agent's API is the scripted model."""
    told = {"FACTORY_SECRET_MODEL_KEY": KEY}
    told |= {f"FACTORY_HARNESSES__{name.upper()}__MODEL": model for name, model in MODELS.items()}
    for name in agents:
        told |= {f"FACTORY_HARNESSES__{name.upper()}__{key}": value for key, value in
                 {"BASE_URL": served.url, "CREDENTIAL": "model-key", "ENABLED": "true"}.items()}  # fmt: skip
    return told


@dataclass
class Workshop:
    """One factory, its repositories enrolled as `factory repo add` does, their bases checked."""

    world: World
    model: Model
    releases: dict[str, Release]
    bases: dict[str, BaseReport]

    def file(self, project: Project, engine: str, script: str, **front: object) -> Ticket:
        """File a ticket whose conversation is `SCRIPT#ENGINE`."""
        told = {"title": f"Fix {project.name}", "body": f"Do what script:{script}#{engine} says.", **front}
        return self.world.file(repository=project.name, engine=engine, commands=[], lock=engine, **told)

    def work(self, ticket: Ticket) -> Run:
        """Let the ticket have one attempt; return its run."""
        self.world.run(ticket)
        return self.run(ticket)

    def run(self, ticket: Ticket) -> Run:
        runs = self.world.factory.lookup.runs(ticket_id=ticket.id)
        assert len(runs) == 1
        return runs[0]

    def pull_request(self, ticket: Ticket) -> PullRequest | None:
        return self.world.factory.lookup.pull_request(ticket.id)

    def branches(self, ticket: Ticket) -> list[str]:
        remote = Path(self.world.factory.lookup.repository(ticket.manifest.repository).remote)
        return git(remote, "branch", "--list", f"factory/{ticket.id}-*").split()

    def differences(self, pull: PullRequest, wanted: dict[str, str]) -> list[str]:
        """Return the lines in which a pull request differs from the files it should leave changed."""
        found = changed(Path(self.world.factory.lookup.repository(pull.repository).remote), pull)
        names = sorted(found.keys() | wanted.keys())
        both = ((name, wanted.get(name, "").splitlines(), found.get(name, "").splitlines()) for name in names)
        return [line for name, one, other in both for line in difflib.unified_diff(one, other, name, name, lineterm="")]

    def said(self, run: Run) -> str:
        """Return what a run's gates and its program's last lines say, for a failed test's message."""
        artifacts, report = self.world.factory.lookup.evidence(run.id)
        raw = [self.world.factory.artifacts.get(one.ref).decode()[-4000:] for one in artifacts if one.ref.kind == "raw"]
        return "\n".join([*map(str, report.verdicts if report else ()), *raw])

    def facts(self, run: Run) -> Validation:
        assert run.validation is not None
        return Validation.model_validate_json(self.world.factory.artifacts.get(run.validation))

    def page(self, pull: PullRequest) -> str:
        remote = Path(self.world.factory.lookup.repository(pull.repository).remote)
        (text,) = (remote.parent / f"{pull.repository}.pulls" / str(pull.number)).glob("*.md")
        return text.read_text()


def changed(remote: Path, pull: PullRequest) -> dict[str, str]:
    """Return path → text of every file that a pull request changes."""
    names = git(remote, "diff", "--name-only", f"{pull.head_sha}^", pull.head_sha or "").splitlines()
    return {name: git(remote, "show", f"{pull.head_sha}:{name}") for name in names}


def tokens(usage: Usage) -> tuple[int, int, int]:
    return usage.input_tokens, usage.cached_input_tokens, usage.output_tokens


@contextmanager
def workshop(
    folder: Path, model: Model, releases: list[Release], backend: str, agents: tuple[str, ...] = AGENTS
) -> Iterator[Workshop]:
    """Serve a factory whose agents ask the scripted model; what is left of it afterwards is an error."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**variables(model, agents), "FACTORY_SANDBOX": backend}.items():
            patch.setenv(name, value)
        with serving(folder / "home", backend):
            factory = open_factory(load_settings(folder / "home"), migrate=True)
            shop = Workshop(World(factory, folder), model, {one.project.name: one for one in releases}, {})
            for release in releases:
                shop.bases[release.project.name] = _enrol(shop, release, folder)
            yield shop
            assert leftovers(shop.world) == []


def _enrol(shop: Workshop, release: Release, folder: Path) -> BaseReport:
    source = release.make_repository(folder / release.project.name)
    told = {"setup": release.project.setup}
    request = EnrolRequest(name=release.project.name, source=str(source), told=told, actor="ann")
    report = check(shop.world.factory, enrol(shop.world.factory, request), lambda _output: None)
    assert report is not None
    return report


def leftovers(world: World) -> list[str]:
    """Return the sandboxes, doors, mounts and processes of a home that are still there."""
    factory, home = world.factory, str(world.factory.settings.home)
    found = [f"sandbox {ref.id}" for sandbox in factory.sandboxes.values() for ref in sandbox.leftovers()]
    found += [f"door {path.name}" for path in (factory.settings.egress_dir / "doors").glob("*.json")]
    for table in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            found += [
                f"mount of {table.parent.name}: {line}" for line in table.read_text().splitlines() if home in line
            ]
        except OSError:
            continue  # it ended
    return found
