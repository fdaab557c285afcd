"""A repository's prepared environment: made once by its `setup`, cached by what decides it, then read-only."""

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.sandbox.contract import Sandbox
from adapters.sandbox.workspace import image_of
from domain.egress import Purpose
from domain.errors import SetupFailed
from domain.harness import Command
from domain.model import Value
from domain.repositories import Repository, RepositorySettings
from domain.sandbox import Exit, Output, OutputLine, SandboxSpec
from resources.doors import Errand, opened
from resources.images import image_for, image_id
from resources.sandboxes import choose_sandbox, place_of, provision, remove
from resources.wiring import Factory

IS_VENV = 'test -f "$FACTORY_ENVIRONMENT/pyvenv.cfg"'
#: a venv that an earlier command made is the one later commands are in
IN_VENV = f'if {IS_VENV}; then export VIRTUAL_ENV="$FACTORY_ENVIRONMENT"; fi; exec sh -ec "$1"'
READY = ".ready"  #: beside the environment, where nothing that runs in it can write
Observer = Callable[[Output], None]


class Source(Value):
    """The tree an environment is made for: a commit, and a patch when it touches a deciding file."""

    commit: str
    patch_path: str | None = None
    patch_sha256: str | None = None
    trusted: bool = True  #: False when the patch is an agent's


class Environment(Value):
    digest: str
    path: str | None  #: None when the repository has no setup
    cached: bool
    is_venv: bool = False
    image: str | None = None  #: id of the image it was made in, which whatever uses it must be made of


def prepare_environment(
    factory: Factory, repository: Repository, settings: RepositorySettings, source: Source, observe: Observer
) -> Environment:
    """Return the environment for a tree, running `setup` when no cached one fits; as trusted as who made the tree.

    Raises:
        SetupFailed: a setup command failed; nothing half-made stays in the cache.
        ImageUnavailable: the repository's image is not here, or the sandbox is made of none.
    """
    named = image_for(factory, repository, source.commit)
    sandbox = choose_sandbox(factory, trusted=source.trusted, wanted=settings.sandbox, image=named)
    image = image_id(sandbox, named)
    digest = _digest(factory, repository, settings, source, place_of(factory, sandbox, image))
    if not settings.setup:
        return Environment(digest=digest, path=None, cached=True, image=image)
    home = factory.settings.environments_dir / digest[:32]
    ready = home.with_suffix(READY)
    with _locked(home.with_suffix(".lock")):
        if _kept(home) and (known := _read(ready)) is not None:
            return Environment(digest=digest, path=str(home), cached=True, is_venv=known["is_venv"], image=image)
        ready.unlink(missing_ok=True)
        is_venv = _run_setup(factory, sandbox, settings, _spec(repository, home, source, image), observe)
        ready.write_text(json.dumps({"setup": settings.setup, "commit": source.commit, "is_venv": is_venv}))
    return Environment(digest=digest, path=str(home), cached=False, is_venv=is_venv, image=image)


def _kept(home: Path) -> bool:
    """Tell whether it is there: as a folder, or as the image an isolating sandbox keeps."""
    return home.is_dir() or image_of(str(home)).is_file()


def _read(ready: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(ready.read_text()))
    except (OSError, ValueError):
        return None


def _digest(factory: Factory, repository: Repository, settings: RepositorySettings, source: Source, place: str) -> str:
    """Name an environment by all that decides it; `place` is whose programs and paths it is bound to."""
    forge = factory.forges[repository.forge]
    seen = hashlib.sha256(json.dumps([repository.name, settings.setup, place]).encode())
    for path in settings.setup_files:
        content = forge.read_file(repository, source.commit, path, limit=5_000_000)
        seen.update(f"\0{path}\0{content}".encode())
    seen.update((source.patch_sha256 or "").encode())
    return seen.hexdigest()


def _spec(repository: Repository, home: Path, source: Source, image: str | None) -> SandboxSpec:
    return SandboxSpec(
        id=f"setup-{home.name}",
        run_id=f"setup-{home.name}",
        mirror=repository.remote,
        commit=source.commit,
        patch=source.patch_path,
        environment=str(home),
        environment_writable=True,
        image=image,
    )


def _run_setup(
    factory: Factory, sandbox: Sandbox, settings: RepositorySettings, spec: SandboxSpec, observe: Observer
) -> bool:
    """Run every setup command; return whether they made a venv."""
    ref = provision(factory, sandbox, spec)
    try:
        with opened(factory, ref, Errand(spec.run_id, Purpose.SETUP)) as door:
            for command in settings.setup:
                told = Command(
                    argv=("sh", "-c", IN_VENV, "setup", command),
                    timeout=timedelta(seconds=factory.settings.setup_limit),
                    network=True,
                    environment=dict(door or {}),
                )
                _run_one(command, sandbox.execute(ref, told), observe)
        looked = list(sandbox.execute(ref, Command(argv=("sh", "-c", IS_VENV))))
        return isinstance(looked[-1], Exit) and looked[-1].code == 0
    finally:
        remove(factory, ref)


def _run_one(command: str, outputs: Iterator[Output], observe: Observer) -> None:
    last: list[str] = []
    for output in outputs:
        observe(output)
        match output:
            case OutputLine(text=text):
                last = [*last[-19:], text]
            case Exit(code=code) if code != 0:
                raise SetupFailed(f"`{command}` ended with {code}: {' | '.join(last)[-1500:]}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for another run that prepares the same environment; the lock dies with its process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
