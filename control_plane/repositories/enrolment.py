"""A path or URL → an enrolled repository: what was told, what was detected, and whether its base passes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from adapters.forge.contract import Forge
from control_plane.repositories.detection import Detection, detect_make, detect_node
from control_plane.repositories.elsewhere import WAYS_IN, explained, host_of
from control_plane.repositories.python_project import detect_python
from control_plane.repositories.source import is_dirty, tree_at, whole_source
from domain.errors import AutonomyRefused, InvalidInput, NotFound
from domain.repositories import BaseReport, Repository, RepositorySettings
from domain.sandbox import Output
from domain.tickets import Tier
from resources.forges import GITHUB, LOCAL
from resources.stages import refuse_another, refuse_language
from resources.webhooks import address_of
from resources.wiring import Factory
from resources.workspaces import SETTINGS_FILE, check_base, settings_at

DETECTORS = (detect_python, detect_node, detect_make)


@dataclass(frozen=True)
class EnrolRequest:
    """What a person told; fields that are None are detected."""

    name: str
    source: str
    told: dict[str, Any]
    actor: str
    forge: str | None = None  #: none: GitHub for an address of the GitHub we are signed in to, else the local one


@dataclass(frozen=True)
class Enrolment:
    repository: Repository
    settings: RepositorySettings  #: in force on the base, `.factory.yaml` included
    commit: str
    detection: Detection
    notes: tuple[str, ...]


def enrol(factory: Factory, request: EnrolRequest) -> Enrolment:
    """Fetch the repository into the forge, detect what was not told, and store it.

    Raises:
        RepositoryInvalid: not git, empty, no such base branch, or a wrong `.factory.yaml`.
        InvalidInput: a wrong name or setting, or the name belongs to another source.
    """
    source = whole_source(request.source)
    known = _known(factory, request.name, source)
    refuse_another(factory, request.name)
    wanted = _repository(factory, _kept(request, known), source)
    forge = forge_named(factory, wanted.forge)
    with explained(factory.settings, source, chosen=request.forge is not None or wanted.forge == GITHUB):
        remote, base = forge.enrol(request.name, source, request.told.get("base"))
    told = wanted.settings.model_copy(update={"base": base})
    repository = wanted.model_copy(update={"remote": remote, "settings": told})
    commit = forge.fetch(repository, base)
    refuse_language(factory, repository, commit)
    detection = detect(factory, repository, commit)
    repository = repository.model_copy(update={"settings": _fill(told, detection)})
    settings = settings_at(factory, repository, commit)
    factory.operators.save_repository(repository, actor=request.actor, now=factory.now())
    return Enrolment(repository, settings, commit, detection, tuple(_notes(source, settings, repository)))


def detect(factory: Factory, repository: Repository, commit: str) -> Detection:
    """Return what the first detector that recognises the tree chose."""
    tree = tree_at(factory, repository, commit)
    return next((found for detector in DETECTORS if (found := detector(tree))), Detection())


def check(factory: Factory, enrolment: Enrolment, observe: Callable[[Output], None]) -> BaseReport | None:
    """Run the repository's own checks on its base; None when it has none."""
    if not enrolment.settings.verify:
        return None
    return check_base(factory, enrolment.repository, enrolment.commit, observe)


def _known(factory: Factory, name: str, source: str) -> Repository | None:
    try:
        known = factory.lookup.repository(name)
    except NotFound:
        return None
    if known.source != source:
        raise InvalidInput(f"{name} is already enrolled from {known.source}: choose another name", name=name)
    return known


def _kept(request: EnrolRequest, known: Repository | None) -> EnrolRequest:
    """Return the request with the tier that an enrolled repository has, unless it is to be lowered.

    Raises:
        AutonomyRefused: it would be raised, which takes evidence.
    """
    if known is None:
        return request
    now, wanted = known.settings.autonomy, request.told.get("autonomy") or known.settings.autonomy
    if wanted in list(Tier) and Tier(wanted).rank > now.rank:
        way = f"factory stage promote {known.name} --to {wanted} --reason ..."
        raise AutonomyRefused(f"{known.name} is {now}: a higher tier takes evidence, `{way}`", tier=now.value)
    return replace(request, told={**request.told, "autonomy": wanted})


def _repository(factory: Factory, request: EnrolRequest, source: str) -> Repository:
    """Return the repository as told, its remote not yet known; everything that is wrong is named."""
    try:
        return Repository(
            name=request.name,
            source=source,
            forge=request.forge or forge_for(factory, source),
            remote="",
            settings=RepositorySettings.model_validate({key: value for key, value in request.told.items() if value}),
            created_at=factory.now(),
            created_by=request.actor,
        )
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise InvalidInput("; ".join(lines), errors=lines) from error


def forge_named(factory: Factory, name: str) -> Forge:
    """Raises InvalidInput: this factory has no such forge."""
    if name in factory.forges:
        return factory.forges[name]
    way = WAYS_IN if name == GITHUB else ""
    known = f"known are {', '.join(sorted(factory.forges))}"
    raise InvalidInput(f"there is no forge {name!r} here: {way or known}", forge=name)


def forge_for(factory: Factory, source: str) -> str:
    """Return the forge whose repository an address is."""
    found = address_of(source) if "://" in source else None
    is_there = found is not None and found[0] == host_of(factory.settings.github)
    return GITHUB if GITHUB in factory.forges and is_there else LOCAL


def _fill(settings: RepositorySettings, detection: Detection) -> RepositorySettings:
    found: dict[str, Any] = {}
    if not settings.setup:
        found |= {"setup": detection.setup, "setup_files": detection.setup_files}
    if not settings.verify:
        found["verify"] = detection.verify
    return settings.model_copy(update=found)


def _notes(source: str, settings: RepositorySettings, repository: Repository) -> list[str]:
    notes = []
    if is_dirty(source):
        notes.append("the source has uncommitted changes: only commits are seen")
    if settings != repository.settings:
        notes.append(f"{SETTINGS_FILE} on {settings.base} refines these settings")
    if not settings.verify:
        notes.append("no verify command: each change waits in review for a person (give --verify)")
    return notes
