"""What a person names → the subject that is judged: any checkout, or a pull request of an enrolled repository."""

import re
from pathlib import Path
from typing import Final, NamedTuple, cast

from adapters.forge.contract import ReviewDesk
from control_plane.repositories.enrolment import detect
from control_plane.repositories.source import is_dirty
from domain.changes import Author
from domain.errors import InvalidInput, NotFound
from domain.repositories import Repository, RepositorySettings
from resources.governance.checkout import FORGE, Checkout, find_top, mirror_checkout, with_checkout
from resources.governance.pulls import subject_of_pull
from resources.governance.subject import Subject
from resources.wiring import Factory

PULL: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,99})#([1-9][0-9]{0,8})")
LONGEST_NAME: Final = 60


class Target(NamedTuple):
    factory: Factory  #: with a forge that has the subject's repository
    subject: Subject
    notes: tuple[str, ...] = ()


class PathChange(NamedTuple):
    """What is told of a change in a checkout; of a pull request the forge knows it."""

    base: str | None = None
    head: str = "HEAD"
    author: Author = Author.UNKNOWN


def resolve(factory: Factory, what: str, change: PathChange, rules: tuple[str, ...]) -> Target:
    """Return what is to be judged.

    Raises:
        NotFound: no such repository or pull request.
        InvalidInput, RepositoryInvalid: the path, a revision, or what lies between them is not fit.
    """
    pull = PULL.fullmatch(what)
    if pull and not Path(what).exists():
        return _pull_request(factory, pull[1], int(pull[2]), rules)
    if change.base is None:
        raise InvalidInput("name the base of a path: --base main")
    return _path(factory, Path(what).expanduser(), change, rules)


def _pull_request(factory: Factory, name: str, number: int, rules: tuple[str, ...]) -> Target:
    repository = factory.lookup.repository(name)
    desk = cast(ReviewDesk, factory.forges[repository.forge])
    pull = desk.pull(repository, number)
    if pull is None:
        raise NotFound(f"{name} has no pull request #{number}")
    return Target(factory, subject_of_pull(factory, repository, pull, desk.obtain(repository, pull), rules))


def _path(factory: Factory, path: Path, change: PathChange, rules: tuple[str, ...]) -> Target:
    top = find_top(path, factory.settings.governance_dir / ".git-home")
    known = next((one for one in factory.oversight.repositories() if one.source == str(top)), None)
    checkout = mirror_checkout(
        factory.settings, top, known.name if known else _name(top), change.base or "", change.head
    )
    able = with_checkout(factory, checkout)
    repository = _repository(able, checkout, known)
    notes = ["uncommitted changes are not judged: only commits are seen"] if is_dirty(str(top)) else []
    ends = {"base_sha": checkout.base_sha, "head_sha": checkout.head_sha}
    subject = Subject(repository=repository, author=change.author, rules=rules, **ends)
    return Target(able, subject, tuple(notes))


def _repository(factory: Factory, checkout: Checkout, known: Repository | None) -> Repository:
    """An enrolled one keeps its settings; else they are what its merge base shows, never what the change says."""
    here = {"remote": str(checkout.remote), "forge": FORGE}
    if known is not None:
        return known.model_copy(update=here)
    made_up = Repository(
        name=checkout.remote.stem,
        source=str(checkout.top),
        settings=RepositorySettings(),
        created_at=factory.now(),
        created_by="governance",
        **here,
    )
    found = detect(factory, made_up, checkout.base_sha)
    told = {"setup": found.setup, "setup_files": found.setup_files, "verify": found.verify}
    return made_up.model_copy(update={"settings": RepositorySettings(**told)})


def _name(top: Path) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", top.name).strip("-._")[:LONGEST_NAME]
    return plain or "checkout"
