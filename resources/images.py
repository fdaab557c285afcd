"""Which image the catalogue names for a repository, by the languages its base commit shows."""

from collections.abc import Iterator

from adapters.sandbox.contract import Imaged, Sandbox
from domain.errors import ForgeRefused
from domain.repositories import Repository
from policy.images import TELLING, Language, select_image
from resources.wiring import Factory

LIMIT = 1_000_000  #: bytes of a file that tells of a language; a larger one tells of it too


def image_for(factory: Factory, repository: Repository, commit: str) -> str | None:
    """Return the image that policy names for a repository at a commit; None when it names none.

    Raises:
        ForgeUnavailable: the commit cannot be read now.
    """
    policy = factory.policy.images
    asked = () if repository.name in policy.repositories else tuple(policy.languages)
    return select_image(policy, repository.name, list(_spoken(factory, repository, commit, asked)))


def language_of(factory: Factory, repository: Repository, commit: str) -> Language | None:
    """Return the first language that a commit shows; None when it shows none.

    Raises:
        ForgeUnavailable: the commit cannot be read now.
    """
    return next(_spoken(factory, repository, commit, tuple(TELLING)), None)


def _spoken(
    factory: Factory, repository: Repository, commit: str, languages: tuple[Language, ...]
) -> Iterator[Language]:
    for language in languages:
        if any(_is_there(factory, repository, commit, name) for name in TELLING[language]):
            yield language


def _is_there(factory: Factory, repository: Repository, commit: str, name: str) -> bool:
    try:
        return factory.forges[repository.forge].read_file(repository, commit, name, limit=LIMIT) is not None
    except ForgeRefused:
        return True  # too large, or no text


def image_id(sandbox: Sandbox, image: str | None) -> str | None:
    """Return the id of the image a sandbox is made of; None for one that is made of none.

    Raises:
        ImageUnavailable: it is not on this machine.
    """
    return sandbox.image(image) if isinstance(sandbox, Imaged) else None
