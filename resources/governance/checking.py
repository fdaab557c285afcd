"""The repository's own checks on the head, and on the base when they are red."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

from domain.egress import Purpose
from domain.errors import FactoryError
from domain.governance import CheckResult, Origin
from domain.repositories import RepositorySettings
from domain.sandbox import Isolation, SandboxSpec
from policy.egress import allowed_hosts
from resources.checks import Bench, Check, Observer, run_checks
from resources.doors import Errand, opened
from resources.environments import Environment, prepare_environment
from resources.environments import Source as Ground
from resources.governance.auditing import can_audit
from resources.governance.masked_store import MaskedArtifacts
from resources.governance.source import Source
from resources.governance.subject import Subject
from resources.sandboxes import choose_sandbox, provision, remove
from resources.wiring import Factory
from resources.workspaces import baseline, settings_at


class Checked(NamedTuple):
    checks: tuple[CheckResult, ...] = ()
    baseline: tuple[CheckResult, ...] | None = None
    problem: str = ""  #: why there are none


def goes_out(factory: Factory, subject: Subject) -> bool:
    """Tell whether anything needs a door: an audit of packages, or checks to be set up or that policy grants one."""
    if _audits(factory, subject):
        return True
    if subject.rules and "tests" not in subject.rules:
        return False
    name = subject.repository.name
    granted = allowed_hosts(factory.policy.egress, purpose=Purpose.VERIFY, repository=name, harness=None, registries=())
    return bool(granted or settings_at(factory, subject.repository, subject.base_sha).setup)


def _audits(factory: Factory, subject: Subject) -> bool:
    """Tell whether packages may be audited where a sandbox needs a door for it."""
    if not can_audit(factory.settings) or (subject.rules and "vulnerabilities" not in subject.rules):
        return False
    return choose_sandbox(factory, trusted=True).isolation is not Isolation.NONE


def check_subject(factory: Factory, source: Source, settings: RepositorySettings, observe: Observer) -> Checked:
    """Run `verify` as the merge base sets it; what cannot be run leaves no checks, which no rule takes for a pass."""
    if not settings.verify:
        return Checked(problem="the repository has no verify command at the merge base")
    try:
        checks = _on_head(factory, source, settings, observe)
    except FactoryError as error:
        return Checked(problem=f"[{error.code}] {error.message}")
    return Checked(checks, _on_base(factory, source, settings, checks, observe))


def _on_head(
    factory: Factory, source: Source, settings: RepositorySettings, observe: Observer
) -> tuple[CheckResult, ...]:
    subject = source.subject
    sandbox = choose_sandbox(factory, trusted=subject.trusted, wanted=settings.sandbox)
    environment = _environment(factory, source, settings, observe)
    name = f"verify-{uuid4().hex[:16]}"
    spec = SandboxSpec(
        id=name,
        run_id=name,
        mirror=subject.repository.remote,
        commit=subject.head_sha,
        environment=environment.path,
        environment_is_venv=environment.is_venv,
    )
    ref = provision(factory, sandbox, spec)
    try:
        checks = [Check(command=command, origin=Origin.REPOSITORY) for command in settings.verify]
        with opened(factory, ref, Errand(name, Purpose.VERIFY, repository=subject.repository.name)) as door:
            bench = Bench(ref=ref, limit=factory.settings.verify_limit, door=door)
            return run_checks(sandbox, bench, checks, MaskedArtifacts(factory.artifacts), observe)
    finally:
        remove(factory, ref)


def _environment(factory: Factory, source: Source, settings: RepositorySettings, observe: Observer) -> Environment:
    """One that the change itself decides is the head's alone: nothing else ever finds it in the cache."""
    subject = source.subject
    touched = {path for one in source.files for path in (one.path, one.old_path)}
    ground = Ground(commit=subject.base_sha)
    if touched & set(settings.setup_files):
        ground = Ground(commit=subject.head_sha, patch_sha256=subject.head_sha, trusted=subject.trusted)
    return prepare_environment(factory, subject.repository, settings, ground, observe)


def _on_base(
    factory: Factory,
    source: Source,
    settings: RepositorySettings,
    checks: Sequence[CheckResult],
    observe: Observer,
) -> tuple[CheckResult, ...] | None:
    """Only a red check needs the base to be compared with."""
    if all(check.passed for check in checks):
        return None
    try:
        return baseline(factory, source.subject.repository, settings, source.subject.base_sha, observe)
    except FactoryError:
        return None
