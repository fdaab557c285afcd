"""A manifest → a ticket in the ledger, once per idempotency key."""

import hashlib
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from control_plane.tickets.ticket_file import TicketFile, refuse
from control_plane.tickets.wording import explain
from control_plane.tickets.yaml_lines import Located, Problem
from domain.engines import GATED
from domain.errors import FactoryError, InvalidInput, NotFound
from domain.repositories import Repository
from domain.tickets import Manifest, Ticket, TicketDraft
from policy.ceilings import over_ceilings
from policy.eligibility import engine_refusal
from policy.risk import initial_risk
from policy.work_order import profile_of
from resources.harnesses import settings_of
from resources.policy_files import rules_file
from resources.wiring import Factory
from resources.workspaces import settings_at


def add_ticket(factory: Factory, ticket_file: TicketFile, *, actor: str) -> tuple[Ticket, bool]:
    """Resolve what the manifest leaves open and store it.

    Returns:
        The ticket and whether it is new.

    Raises:
        InvalidInput: repository, engine, profile or a dependency does not exist here, or its budget is over a ceiling
            of policy; each with its line.
        IdempotencyConflict, DependencyCycle: as BacklogInterface.create_ticket says.
    """
    manifest = ticket_file.manifest
    repository = _find_repository(factory, manifest.repository)
    problems = list(_unresolved(factory, ticket_file, repository))
    if problems or repository is None:
        raise refuse(ticket_file.name, problems)
    harness = factory.harnesses.get(manifest.engine)
    draft = TicketDraft(
        manifest=manifest,
        actor=actor,
        lock=manifest.lock or _repository_lock(factory, repository),
        risk=initial_risk(manifest, harness is not None and harness.trusted),
        idempotency_key=manifest.idempotency_key or content_key(manifest),
    )
    return factory.backlog.create_ticket(draft, now=factory.now())


def content_key(manifest: Manifest) -> str:
    """Return the default idempotency key: the same content for the same repository is the same ticket."""
    content = f"{manifest.repository}\n{manifest.model_dump_json()}"
    return f"content:{hashlib.sha256(content.encode()).hexdigest()}"


def told_ticket(told: dict[str, Any]) -> TicketFile:
    """Return a ticket given by options; raises InvalidInput as a file does."""
    given = {key: value for key, value in told.items() if value is not None}
    try:
        return TicketFile(manifest=Manifest.model_validate(given))
    except ValidationError as error:
        raise refuse("--title", explain(error, Located(value=given))) from error


def only_repository(factory: Factory) -> str:
    """Return the one enrolled repository; with none or several a name must be given."""
    names = [one.name for one in factory.oversight.repositories() if one.enabled]
    if len(names) == 1:
        return names[0]
    known = f"enrolled are {', '.join(names)}" if names else "none is enrolled yet: `factory repo add NAME PATH`"
    raise InvalidInput(f"--repository is needed; {known}")


def _repository_lock(factory: Factory, repository: Repository) -> str:
    """Return the lock in force on the base branch; a base that cannot be read now does not keep a ticket out."""
    try:
        base = factory.forges[repository.forge].fetch(repository, repository.settings.base)
        settings = settings_at(factory, repository, base)
    except FactoryError:
        settings = repository.settings
    return settings.lock or repository.name


def _find_repository(factory: Factory, name: str) -> Repository | None:
    try:
        found = factory.lookup.repository(name)
    except NotFound:
        return None
    return found if found.enabled else None


def _refused(factory: Factory, ticket_file: TicketFile) -> Iterable[Problem]:
    """Yield what of a ticket's wishes is not to be had here, before anything is routed."""
    manifest, policy = ticket_file.manifest, factory.policy
    enabled = frozenset(name for name in factory.harnesses if settings_of(factory.settings, name).enabled)
    against = engine_refusal(manifest.engine, frozenset(factory.harnesses) | GATED.keys(), enabled)
    if against is not None:
        yield ticket_file.problem("engine", against)
    try:
        profile_of(manifest, policy.profiles)
    except InvalidInput as error:
        yield ticket_file.problem("profile", error.message)
    for name, words in over_ceilings(manifest.budget, policy.limits.ceilings).items():
        where = rules_file("limits", factory.settings.policy_dir)
        yield ticket_file.problem(f"budget.{name}", f"{words}, `ceilings.{name}` in {where}")


def _unresolved(factory: Factory, ticket_file: TicketFile, repository: Repository | None) -> Iterable[Problem]:
    manifest = ticket_file.manifest
    if repository is None:
        message = f"no repository {manifest.repository!r} is enrolled: `factory repo add {manifest.repository} PATH`"
        yield ticket_file.problem("repository", message)
    yield from _refused(factory, ticket_file)
    for dependency in manifest.deps:
        try:
            factory.lookup.ticket(dependency)
        except NotFound:
            yield ticket_file.problem("deps", f"no ticket {dependency!r}")
