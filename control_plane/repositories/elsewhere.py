"""An address that plain git does not reach although it may be a GitHub's: what to set."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from domain.errors import ForgeUnavailable, InvalidInput, RepositoryInvalid
from resources.settings import GitHubSettings, Settings
from resources.webhooks import address_of

PUBLIC: Final = "github.com"
WAYS_IN: Final = "set FACTORY_SECRET_GITHUB_TOKEN, or `github.app_id` and `github.installation_id`"


@contextmanager
def explained(settings: Settings, source: str, *, chosen: bool) -> Iterator[None]:
    """Say why a web address that plain git could not read was not taken for one of our GitHub.

    Args:
        chosen: A forge was chosen on purpose, or by the address: its own words are enough.

    Raises:
        InvalidInput: in place of the failure of plain git, with its words.
    """
    try:
        yield
    except (ForgeUnavailable, RepositoryInvalid) as error:
        found = address_of(source) if source.lower().startswith(("http://", "https://")) else None
        was_read = isinstance(error, RepositoryInvalid) and "unreadable" not in error.details
        if chosen or found is None or was_read:
            raise
        raise InvalidInput(f"{error.message}; {_why(settings.github, found[0])}", source=source) from error


def host_of(github: GitHubSettings) -> str:
    """Return the host that people and git use, in lower case."""
    return urlsplit(github.base_url).netloc.removeprefix("api.").lower()


def _why(github: GitHubSettings, host: str) -> str:
    ours = host_of(github)
    if host == ours:
        return f"it was asked as plain git, since the factory has no way in to {ours}: {WAYS_IN}"
    base_url = f"https://api.{PUBLIC}" if host == PUBLIC else f"https://{host}/api/v3"
    return (
        f"it was asked as plain git, since it is not on {ours}, the GitHub of `github.base_url`: "
        f"if {host} is a GitHub, set `github.base_url` to {base_url}, and sign in there"
    )
