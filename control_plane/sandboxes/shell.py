"""Open the sandbox an agent would get for a repository, to see what it sees."""

import os
from typing import cast

from adapters.sandbox.contract import Interactive
from control_plane.runs.person import current_person
from domain.egress import Purpose
from domain.errors import SandboxFailed
from domain.harness import Command
from domain.sandbox import Isolation, Output, SandboxSpec
from resources.doors import Errand, opened
from resources.environments import Source, prepare_environment
from resources.images import image_for
from resources.sandboxes import choose_sandbox, provision, remove
from resources.wiring import Factory
from resources.workspaces import settings_at

STDIN = 0


def open_shell(factory: Factory, repository_name: str, argv: tuple[str, ...], *, harness: str | None) -> int:
    """Run a program on a terminal in a fresh sandbox at the base commit; return its exit code, negative for a signal.

    The sandbox is gone afterwards, and its door's log stays.

    Raises:
        NotFound: no such repository. IsolationRequired: nothing here isolates. SetupFailed, SandboxFailed.
    """
    repository = factory.lookup.repository(repository_name)
    commit = factory.forges[repository.forge].fetch(repository, repository.settings.base)
    settings = settings_at(factory, repository, commit)
    image = image_for(factory, repository, commit)
    sandbox = choose_sandbox(factory, trusted=False, wanted=settings.sandbox, image=image)
    if sandbox.isolation is Isolation.NONE:
        raise SandboxFailed(f"sandbox {sandbox.name!r} isolates nothing: there is nothing to look into")
    environment = prepare_environment(factory, repository, settings, Source(commit=commit), _unseen)
    name = f"shell-{os.getpid()}-{os.urandom(3).hex()}"
    spec = SandboxSpec(
        id=name,
        run_id=name,
        mirror=repository.remote,
        commit=commit,
        environment=environment.path,
        environment_is_venv=environment.is_venv,
        image=environment.image,
    )
    ref = provision(factory, sandbox, spec)
    try:
        errand = Errand(name, Purpose.HARNESS, repository=repository.name, harness=harness)
        with opened(factory, ref, errand) as door:
            told = {"USER": current_person(), "TERM": os.environ.get("TERM", "dumb"), **(door or {})}
            command = Command(argv=argv, environment=told, network=door is not None)
            return cast(Interactive, sandbox).interact(ref, command, STDIN)
    finally:
        remove(factory, ref)


def _unseen(_output: Output) -> None: ...
