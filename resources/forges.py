"""Settings → the forges a repository can be on, by name."""

from typing import Final

from adapters.forge.contract import Forge
from adapters.forge.local import LocalForge
from resources.secrets import secret
from resources.settings import Settings

LOCAL: Final = "local"
GITHUB: Final = "github"


def open_forges(settings: Settings) -> dict[str, Forge]:
    """Return the local forge, and GitHub where the factory was given a way in.

    Raises:
        SettingsInvalid: GitHub's settings are wrong.
    """
    local: dict[str, Forge] = {LOCAL: LocalForge(settings.forge_dir)}
    return {**local, GITHUB: _github(settings)} if has_github(settings) else local


def has_github(settings: Settings) -> bool:
    told = settings.github
    return told.app_id is not None or told.installation_id is not None or secret(told.token) is not None


def _github(settings: Settings) -> Forge:
    from adapters.forge.github.forge import GitHubForge  # noqa: PLC0415 - 0.2 s that only its users pay
    from resources.artifact_links import public_links  # noqa: PLC0415
    from resources.github_access import github_of  # noqa: PLC0415

    links = public_links(settings)
    return GitHubForge(settings.home / "github", github_of(settings), evidence=lambda link: links(link.artifact))
