"""Which tracker an enrolled repository has, and what is said on its pull requests."""

from collections.abc import Callable
from typing import Final, cast

from adapters._vendor.github import GitHub
from adapters.forge.contract import ReviewDesk
from adapters.tracker.contract import Tracker
from adapters.tracker.github.tracker import GitHubTracker
from adapters.tracker.local import LocalTracker
from domain.forge import Remark
from domain.repositories import Repository
from policy.commands import may_command
from resources.forges import has_github
from resources.github_access import github_of
from resources.settings import Settings
from resources.wiring import Factory

LOOKED_EVERY: Final = 30  #: seconds between two looks at every tracker
FOLDER = "tracker"  #: in FACTORY_HOME: the items of repositories on the local forge

Place = Callable[[str], tuple[GitHub, str]]  #: an enrolled repository's GitHub and its `OWNER/NAME` there


def open_trackers(settings: Settings, place: Place | None = None) -> dict[str, Tracker]:
    """Return the trackers by the forge whose repositories they belong to."""
    found: dict[str, Tracker] = {"local": LocalTracker(settings.home / FOLDER, may_command)}
    return found if place is None else {**found, "github": GitHubTracker(place, may_command)}


def trackers_of(factory: Factory) -> dict[str, Tracker]:
    """Return the trackers of a factory's forges."""
    return open_trackers(factory.settings, _place(factory) if has_github(factory.settings) else None)


def _place(factory: Factory) -> Place:
    github = github_of(factory.settings)

    def place(name: str) -> tuple[GitHub, str]:
        return github, github.addresses.full_name(factory.lookup.repository(name).source)

    return place


def has_items(settings: Settings, repository: Repository) -> bool:
    """Tell whether there is a tracker to look at: a repository on the local forge has one once its folder is made."""
    return repository.forge != "local" or (settings.home / FOLDER / repository.name).is_dir()


def remarks_on(factory: Factory, repository: Repository, number: int) -> list[Remark]:
    """Return what people said on a pull request; nothing where the forge keeps no such talk."""
    forge = factory.forges[repository.forge]
    return cast(ReviewDesk, forge).remarks(repository, number) if hasattr(forge, "remarks") else []
