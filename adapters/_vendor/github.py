"""GitHub's client: one a repository, signed in for just that one, for everything of ours that speaks to GitHub."""

import logging
import re
import threading
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from github.Repository import Repository

from adapters._vendor.github_access import Access, AppAccess, CurrentToken, InstallationToken, SignedByApp
from adapters._vendor.github_limits import Manners
from adapters._vendor.github_requests import PoliteRequester
from domain.errors import RepositoryInvalid, SettingsInvalid

PUBLIC: Final = "https://api.github.com"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_FULL_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")

#: At DEBUG it writes answers whole, and an App's token is one.
logging.getLogger("github.Requester").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Addresses:
    api: str
    web: str  #: where people and git go

    @classmethod
    def of(cls, base_url: str = PUBLIC) -> "Addresses":
        """Return both addresses of a GitHub from its API's.

        Raises:
            SettingsInvalid: it is not https (http on loopback only), or carries a credential.
        """
        api = base_url.rstrip("/")
        parts = urlsplit(api)
        if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise SettingsInvalid("GitHub's base URL is no plain address, such as https://HOST/api/v3")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise SettingsInvalid(f"GitHub's base URL must be https, or http on loopback: {api}")
        if parts.path not in {"", "/api/v3"}:
            raise SettingsInvalid(f"GitHub's base URL ends with its host, or with /api/v3 on GitHub Enterprise: {api}")
        return cls(api, f"{parts.scheme}://{parts.netloc.removeprefix('api.')}")

    def full_name(self, source: str) -> str:
        """Return `OWNER/NAME` of a repository's address.

        Raises:
            RepositoryInvalid: it is not a repository of this GitHub; the message never shows a credential.
        """
        if "@" in source:
            raise RepositoryInvalid("the URL carries a credential, which would be stored and shown; give it without")
        place = source.rstrip("/").removesuffix(".git")
        name = place.removeprefix(f"{self.web}/")
        if name == place or not _FULL_NAME.fullmatch(name):
            raise RepositoryInvalid(
                f"{source[:200]!r} is not {self.web}/OWNER/NAME, on the GitHub of `github.base_url`"
            )
        return name

    def clone_url(self, full_name: str) -> str:
        return f"{self.web}/{full_name}.git"


class GitHub:
    """One GitHub and the factory's way in. Safe to share between threads."""

    def __init__(self, access: Access, *, base_url: str = PUBLIC, manners: Manners | None = None) -> None:
        self.addresses = Addresses.of(base_url)
        self.manners = manners or Manners()
        self._access = access
        self._lock = threading.Lock()
        self._auths: dict[str, CurrentToken] = {}
        self._requesters: dict[str, PoliteRequester] = {}
        self._login: str | None = None

    def repository(self, full_name: str) -> Repository:
        """Return PyGithub's object for a repository; nothing is asked of GitHub until something of it is."""
        return Repository(self.requester(full_name), {}, {"url": f"/repos/{full_name}"}, completed=False)

    def requester(self, full_name: str) -> PoliteRequester:
        auth = self._auth(full_name)
        with self._lock:
            if full_name not in self._requesters:
                self._requesters[full_name] = PoliteRequester(auth, self.addresses.api, self.manners)
            return self._requesters[full_name]

    def token(self, full_name: str) -> str:
        """Return a token that git may use on this repository now. Raises ForgeRefused when there is none."""
        return self._auth(full_name).token

    def login(self) -> str:
        """Return the name under which what we write appears."""
        if self._login is None:
            if isinstance(self._access, AppAccess):
                _, app = self._app(self._access).requestJsonAndCheck("GET", "/app")
                self._login = f"{app['slug']}[bot]"
            else:
                _, user = PoliteRequester(
                    CurrentToken(self._access.token), self.addresses.api, self.manners
                ).requestJsonAndCheck("GET", "/user")
                self._login = str(user["login"])
        return self._login

    def installed_permissions(self) -> dict[str, str] | None:
        """Return what an App's installation was granted; None for a token, which GitHub does not tell of."""
        if not isinstance(self._access, AppAccess):
            return None
        _, found = self._app(self._access).requestJsonAndCheck(
            "GET", f"/app/installations/{self._access.installation_id}"
        )
        return dict(found.get("permissions") or {})

    @property
    def is_app(self) -> bool:
        return isinstance(self._access, AppAccess)

    def _auth(self, full_name: str) -> CurrentToken:
        with self._lock:
            if full_name not in self._auths:
                self._auths[full_name] = self._new_auth(full_name)
            return self._auths[full_name]

    def _new_auth(self, full_name: str) -> CurrentToken:
        if not isinstance(self._access, AppAccess):
            return CurrentToken(self._access.token)
        return CurrentToken(InstallationToken(self._access, full_name, self._app(self._access), self.manners))

    def _app(self, access: AppAccess) -> PoliteRequester:
        return PoliteRequester(SignedByApp(access), self.addresses.api, self.manners)
