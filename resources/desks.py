"""The review desk of an enrolled repository: where governance reads pull requests and says what it found."""

from typing import cast

from adapters.forge.contract import ReviewDesk
from domain.errors import ForgeRefused
from domain.repositories import Repository
from resources.wiring import Factory


def has_desk(factory: Factory, repository: Repository) -> bool:
    return repository.enabled and hasattr(factory.forges.get(repository.forge), "open_pulls")


def review_desk(factory: Factory, repository: Repository) -> ReviewDesk:
    """Raises ForgeRefused: this factory has no forge of that name, or one without pull requests to review."""
    if not hasattr(factory.forges.get(repository.forge), "open_pulls"):
        raise ForgeRefused(f"forge {repository.forge!r} of {repository.name} has no review desk here")
    return cast(ReviewDesk, factory.forges[repository.forge])
