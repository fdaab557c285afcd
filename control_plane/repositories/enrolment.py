"""A path or URL → an enrolled repository: what was told, what was detected, and whether its base passes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from control_plane.repositories.detection import Detection, detect_make, detect_node
from control_plane.repositories.python_project import detect_python
from control_plane.repositories.source import is_dirty, tree_at, whole_source
from domain.errors import InvalidInput, NotFound
from domain.repositories import BaseReport, Repository, RepositorySettings
from domain.sandbox import Output
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
    _check_free(factory, request.name, source)
    wanted = _repository(factory, request, source)
    forge = factory.forges[wanted.forge]
    remote, base = forge.enrol(request.name, source, request.told.get("base"))
    told = wanted.settings.model_copy(update={"base": base})
    repository = wanted.model_copy(update={"remote": remote, "settings": told})
    commit = forge.fetch(repository, base)
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


def _check_free(factory: Factory, name: str, source: str) -> None:
    try:
        known = factory.lookup.repository(name)
    except NotFound:
        return
    if known.source != source:
        raise InvalidInput(f"{name} is already enrolled from {known.source}: choose another name", name=name)


def _repository(factory: Factory, request: EnrolRequest, source: str) -> Repository:
    """Return the repository as told, its remote not yet known; everything that is wrong is named."""
    try:
        return Repository(
            name=request.name,
            source=source,
            remote="",
            settings=RepositorySettings.model_validate({key: value for key, value in request.told.items() if value}),
            created_at=factory.now(),
            created_by=request.actor,
        )
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise InvalidInput("; ".join(lines), errors=lines) from error


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
