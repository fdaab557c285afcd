"""A manifest → a ticket in the ledger, once per idempotency key, whoever brings it: a person, a tracker, a webhook."""

import hashlib
from collections.abc import Iterator

import structlog

from domain.engines import GATED
from domain.errors import FactoryError, InvalidInput, NotFound
from domain.repositories import Repository, RepositorySettings
from domain.tickets import Manifest, Ticket, TicketDraft
from policy.ceilings import over_ceilings
from policy.eligibility import engine_refusal
from policy.governance.preflight import may_touch_shared, preflight
from policy.risk import initial_risk
from policy.work_order import profile_of
from resources.harnesses import settings_of
from resources.policy_files import rules_file
from resources.wiring import Factory
from resources.workspaces import settings_at

log = structlog.get_logger()


def admit(factory: Factory, manifest: Manifest, *, actor: str) -> tuple[Ticket, bool]:
    """Resolve what the manifest leaves open and store it.

    Returns:
        The ticket and whether it is new.

    Raises:
        InvalidInput: something it names is not to be had here; `details["errors"]` has one entry a key.
        IdempotencyConflict, DependencyCycle: as BacklogInterface.create_ticket says.
    """
    against = list(objections(factory, manifest))
    if against:
        errors = [{"path": path, "message": message} for path, message in against]
        raise InvalidInput("; ".join(f"{path}: {message}" for path, message in against), errors=errors)
    harness = factory.harnesses.get(manifest.engine)
    draft = TicketDraft(
        manifest=manifest,
        actor=actor,
        lock=_lock(factory, manifest),
        risk=initial_risk(manifest, harness is not None and harness.trusted),
        idempotency_key=manifest.idempotency_key or content_key(manifest),
    )
    return factory.backlog.create_ticket(draft, now=factory.now())


def content_key(manifest: Manifest) -> str:
    """Return the default idempotency key: the same content for the same repository is the same ticket."""
    content = f"{manifest.repository}\n{manifest.model_dump_json()}"
    return f"content:{hashlib.sha256(content.encode()).hexdigest()}"


def objections(factory: Factory, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield (key, what is wrong) for what a manifest names that does not exist here or is over a ceiling of policy."""
    repository = _enrolled(factory, manifest.repository)
    if repository is None:
        name = manifest.repository
        yield "repository", f"no repository {name!r} is enrolled: `factory repo add {name} PATH`"
    elif manifest.allowed_scope:
        yield from _out_of_scope(factory, manifest, repository)
    yield from _refused(factory, manifest)
    for dependency in manifest.deps:
        try:
            factory.lookup.ticket(dependency)
        except NotFound:
            yield "deps", f"no ticket {dependency!r}"


def _out_of_scope(factory: Factory, manifest: Manifest, repository: Repository) -> Iterator[tuple[str, str]]:
    paths = factory.policy.governance.paths
    against = list(preflight(manifest, _in_force(factory, repository).scope, paths))
    if paths.scope == "enforce":
        yield from against
    for _, words in against:
        log.warning("scope_doubtful", repository=repository.name, title=manifest.title, reason=words)


def _enrolled(factory: Factory, name: str) -> Repository | None:
    try:
        found = factory.lookup.repository(name)
    except NotFound:
        return None
    return found if found.enabled else None


def _refused(factory: Factory, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield what of a ticket's wishes is not to be had here, before anything is routed."""
    policy = factory.policy
    enabled = frozenset(name for name in factory.harnesses if settings_of(factory.settings, name).enabled)
    against = engine_refusal(manifest.engine, frozenset(factory.harnesses) | GATED.keys(), enabled)
    if against is not None:
        yield "engine", against
    try:
        profile_of(manifest, policy.profiles)
    except InvalidInput as error:
        yield "profile", error.message
    for name, words in over_ceilings(manifest.budget, policy.limits.ceilings).items():
        where = rules_file("limits", factory.settings.policy_dir)
        yield f"budget.{name}", f"{words}, `ceilings.{name}` in {where}"


def _lock(factory: Factory, manifest: Manifest) -> str:
    """Return the ticket's own lock; work that may touch what others build on has the repository's, whatever it says."""
    if manifest.lock and not may_touch_shared(manifest, factory.policy.governance.paths):
        return manifest.lock
    repository = factory.lookup.repository(manifest.repository)
    return _in_force(factory, repository).lock or repository.name


def _in_force(factory: Factory, repository: Repository) -> RepositorySettings:
    """Return the settings on the base branch; a base that cannot be read now does not keep a ticket out."""
    try:
        base = factory.forges[repository.forge].fetch(repository, repository.settings.base)
        return settings_at(factory, repository, base)
    except FactoryError:
        return repository.settings
