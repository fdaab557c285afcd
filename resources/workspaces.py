"""A repository's settings at a commit, and its own checks on its own base."""

import hashlib
import json

import yaml
from pydantic import ValidationError

from domain.egress import Purpose
from domain.errors import RepositoryInvalid
from domain.governance import CheckResult, Origin
from domain.repositories import BaseReport, Repository, RepositoryFile, RepositorySettings, effective_settings
from domain.sandbox import Output, SandboxSpec
from resources.checks import Bench, Check, Observer, run_checks
from resources.doors import Errand, opened
from resources.environments import Source, prepare_environment
from resources.images import image_for
from resources.sandboxes import choose_sandbox, provision, remove
from resources.wiring import Factory

SETTINGS_FILE = ".factory.yaml"


def settings_at(factory: Factory, repository: Repository, commit: str) -> RepositorySettings:
    """Return the settings in force at a commit of the base branch: what was enrolled, refined by its `.factory.yaml`.

    Raises:
        RepositoryInvalid: the file there is wrong; every field is named.
    """
    text = factory.forges[repository.forge].read_file(repository, commit, SETTINGS_FILE, limit=100_000)
    if text is None:
        return repository.settings
    try:
        committed = RepositoryFile.model_validate(yaml.safe_load(text) or {})
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise RepositoryInvalid(f"{SETTINGS_FILE} at {commit[:12]}: {'; '.join(lines)}") from error
    except yaml.YAMLError as error:
        raise RepositoryInvalid(f"{SETTINGS_FILE} at {commit[:12]}: {error}") from error
    return effective_settings(repository.settings, committed)


def verify_digest(settings: RepositorySettings, image: str | None) -> str:
    """Name all that decides how a commit's own checks end: they are other ones in another image."""
    told = [settings.setup, settings.verify, *([image] if image else [])]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def baseline(
    factory: Factory, repository: Repository, settings: RepositorySettings, commit: str, observe: Observer
) -> tuple[CheckResult, ...]:
    """Return the repository's own checks on a base commit, run once and remembered."""
    image = image_for(factory, repository, commit)
    key = verify_digest(settings, image)
    known = factory.evidence.find_baseline(repository.name, commit, key)
    if known is not None:
        return known
    environment = prepare_environment(factory, repository, settings, Source(commit=commit), observe)
    sandbox = choose_sandbox(factory, trusted=True, wanted=settings.sandbox, image=image)
    name = f"base-{repository.name[:40]}-{commit[:12]}"
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
        checks = [Check(command=command, origin=Origin.REPOSITORY) for command in settings.verify]
        with opened(factory, ref, Errand(name, Purpose.VERIFY, repository=repository.name)) as door:
            bench = Bench(ref=ref, limit=factory.settings.verify_limit, door=door)
            results = run_checks(sandbox, bench, checks, factory.artifacts, observe)
    finally:
        remove(factory, ref)
    factory.evidence.save_baseline(repository.name, commit, key, results)
    return results


def check_base(factory: Factory, repository: Repository, commit: str, observe: Observer | None = None) -> BaseReport:
    """Run the repository's `verify` on its base and say whether it passes on its own.

    Raises:
        SetupFailed, SandboxFailed, RepositoryInvalid.
    """
    settings = settings_at(factory, repository, commit)
    results = baseline(factory, repository, settings, commit, observe or _ignore)
    red = [result for result in results if not result.passed]
    return BaseReport(
        base_sha=commit,
        base_red=bool(red),
        failing_tests=tuple(sorted({test for result in red for test in result.failed_tests or ()})),
        failing_commands=tuple(result.command for result in red),
    )


def _ignore(_output: Output) -> None: ...
