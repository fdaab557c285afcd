"""A repository's prepared environment: made once by its `setup`, cached by what decides it, then read-only."""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from domain.errors import SetupFailed
from domain.harness import Command
from domain.model import Value
from domain.repositories import Repository, RepositorySettings
from domain.sandbox import Exit, Output, OutputLine, SandboxSpec
from resources.sandboxes import choose_sandbox
from resources.wiring import Factory

READY = ".ready"
Observer = Callable[[Output], None]


class Source(Value):
    """The tree an environment is made for: a commit, and a patch when it touches a deciding file."""

    commit: str
    patch_path: str | None = None
    patch_sha256: str | None = None


class Environment(Value):
    digest: str
    path: str | None  #: None when the repository has no setup
    cached: bool


def prepare_environment(
    factory: Factory, repository: Repository, settings: RepositorySettings, source: Source, observe: Observer
) -> Environment:
    """Return the environment for a tree, running `setup` when no cached one fits.

    Raises:
        SetupFailed: a setup command failed; nothing half-made stays in the cache.
    """
    digest = _digest(factory, repository, settings, source)
    if not settings.setup:
        return Environment(digest=digest, path=None, cached=True)
    home = factory.settings.environments_dir / digest[:32]
    with _locked(home.with_suffix(".lock")):
        if (home / READY).exists():
            return Environment(digest=digest, path=str(home), cached=True)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        try:
            _run_setup(factory, settings, _spec(repository, home, source), observe)
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
        (home / READY).write_text(json.dumps({"setup": settings.setup, "commit": source.commit}))
    return Environment(digest=digest, path=str(home), cached=False)


def _digest(factory: Factory, repository: Repository, settings: RepositorySettings, source: Source) -> str:
    forge = factory.forges[repository.forge]
    seen = hashlib.sha256(json.dumps([repository.name, settings.setup]).encode())
    for path in settings.setup_files:
        content = forge.read_file(repository, source.commit, path, limit=5_000_000)
        seen.update(f"\0{path}\0{content}".encode())
    seen.update((source.patch_sha256 or "").encode())
    return seen.hexdigest()


def _spec(repository: Repository, home: Path, source: Source) -> SandboxSpec:
    return SandboxSpec(
        id=f"setup-{home.name}",
        run_id=f"setup-{home.name}",
        mirror=repository.remote,
        commit=source.commit,
        patch=source.patch_path,
        environment=str(home),
        environment_writable=True,
    )


def _run_setup(factory: Factory, settings: RepositorySettings, spec: SandboxSpec, observe: Observer) -> None:
    # setup commands are the operator's or the base branch's, never a patch's: the trusted choice applies
    sandbox = choose_sandbox(factory, trusted=True, wanted=settings.sandbox)
    ref = sandbox.provision(spec)
    try:
        for command in settings.setup:
            last: list[str] = []
            limit = timedelta(seconds=factory.settings.setup_limit)
            for output in sandbox.execute(ref, Command(argv=("sh", "-ec", command), timeout=limit, network=True)):
                observe(output)
                match output:
                    case OutputLine(text=text):
                        last = [*last[-19:], text]
                    case Exit(code=code) if code != 0:
                        raise SetupFailed(f"`{command}` ended with {code}: {' | '.join(last)[-1500:]}")
    finally:
        sandbox.teardown(ref)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for another run that prepares the same environment; the lock dies with its process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
