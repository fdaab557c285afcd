"""What an enrolled repository on GitHub still needs, and its base branch protected."""

from adapters.forge.github.forge import GitHubForge
from adapters.forge.github.inspection import Wanted, inspect
from adapters.forge.github.labels import with_labels_made
from adapters.forge.github.needs import Need
from adapters.forge.github.protection import Protection, protect
from domain.errors import InvalidInput
from domain.repositories import Repository
from domain.tracking import FactoryLabel
from resources.secrets import variable
from resources.tracking import LOOKED_EVERY
from resources.webhooks import webhook_secret_name
from resources.wiring import Factory

HOOK = "/v1/webhooks/github"
WITHOUT_HOOK = f"the factory looks by itself every {LOOKED_EVERY} s; with that setting it hears at once"
LABELS = {
    FactoryLabel.RUN.value: "Wanted from the factory",
    FactoryLabel.WORKING.value: "The factory is at work",
    FactoryLabel.REVIEW.value: "A person's turn: to approve, or to review and merge",
    FactoryLabel.DONE.value: "Merged",
    FactoryLabel.NEEDS_HUMAN.value: "The factory makes no further attempt without a person",
}
Needs = list[Need]


def needs_of(factory: Factory, repository: Repository, *, fix: bool = False) -> Needs:
    """Return what is met and what lacks; with `fix`, make the labels that lack.

    Raises:
        InvalidInput: it is not on GitHub. ForgeRefused, ForgeUnavailable.
    """
    door = factory.settings.public_url
    hook = None if door is None else door.rstrip("/") + HOOK
    wanted = Wanted(
        repository.settings.base,
        hook=hook,
        without_hook=WITHOUT_HOOK,
        hook_secret=variable(webhook_secret_name(repository)),
        labels=tuple(LABELS),
        protection=_protection(repository),
    )
    site = _forge(factory, repository).site(repository)
    found = inspect(site, wanted)
    return with_labels_made(site, found, LABELS) if fix else found


def protected(factory: Factory, repository: Repository, *, apply: bool) -> Needs:
    """Raises as needs_of does."""
    site = _forge(factory, repository).site(repository)
    return protect(site, repository.settings.base, _protection(repository), apply=apply)


def _protection(repository: Repository) -> Protection:
    return Protection(checks=repository.settings.required_checks)


def _forge(factory: Factory, repository: Repository) -> GitHubForge:
    forge = factory.forges.get(repository.forge)
    if not isinstance(forge, GitHubForge):
        raise InvalidInput(f"{repository.name} is on the forge {repository.forge!r}: there is nothing to ask for there")
    return forge
