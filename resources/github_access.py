"""Settings and secrets → the one GitHub client of this process, and who it is there."""

from functools import lru_cache

from adapters._vendor.github import GitHub
from adapters._vendor.github_access import Access, AppAccess, TokenAccess
from adapters._vendor.github_failures import github_failures
from domain.errors import SettingsInvalid
from policy.inbox import Ourselves
from resources.secrets import secret
from resources.settings import GitHubSettings, Settings


def github_of(settings: Settings) -> GitHub:
    """Return the client, the same for the same settings: what it learnt of rate limits and tokens is kept.

    Raises:
        SettingsInvalid: half an App, or a wrong base URL.
    """
    return _client(settings.github.model_dump_json())


def ourselves_on(settings: Settings) -> Ourselves:
    """Return as whom the factory acts there. Raises ForgeUnavailable, ForgeRefused."""
    with github_failures():
        login = github_of(settings).login()
    apps = (settings.github.app_id, login.removesuffix("[bot]")) if settings.github.app_id else ()
    return Ourselves(logins=(login,), apps=tuple(filter(None, apps)))


@lru_cache(maxsize=8)
def _client(told: str) -> GitHub:
    settings = GitHubSettings.model_validate_json(told)
    return GitHub(_access(settings), base_url=settings.base_url)


def _access(told: GitHubSettings) -> Access:
    if (told.app_id is None) != (told.installation_id is None):
        raise SettingsInvalid("github: an App needs both app_id and installation_id")
    if told.app_id is not None and told.installation_id is not None:
        return AppAccess(told.app_id, told.installation_id, lambda: secret(told.private_key))
    return TokenAccess(lambda: secret(told.token))
