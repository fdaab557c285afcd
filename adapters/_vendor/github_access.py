"""How the factory signs in to GitHub: a fine-grained token, or an App's token narrowed to one repository."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from github.Auth import AppAuth, Auth
from github.GithubException import GithubException

from adapters._vendor.github_limits import Manners, ensured
from adapters._vendor.github_requests import PoliteRequester
from domain.errors import ForgeRefused

Secret = Callable[[], str | None]

#: What the factory needs on a repository, and no more; whatever of it the installation has is asked for.
PERMISSIONS: Final[Mapping[str, str]] = {
    "contents": "write", "pull_requests": "write", "issues": "write", "checks": "write", "statuses": "write",
    "metadata": "read", "administration": "read", "repository_hooks": "read",
}  # fmt: skip
RENEWED_BEFORE_END: Final = timedelta(minutes=5)
_NOT_INSTALLED: Final = {
    404: "does not exist for the App {app}: `github.installation_id` is the number in the address of its page "
    "(GitHub: Settings, Applications, Configure)",
    422: "does not reach {repository}: add the repository to it (GitHub: Settings, Applications, Configure)",
}
_CREDENTIAL: Final = re.compile(r"[\x21-\x7e]{1,4000}")


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """A fine-grained personal access token; read anew for every request, so that a changed one is used at once."""

    token: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppAccess:
    app_id: str
    installation_id: int
    private_key: Secret = field(repr=False)  #: PEM
    permissions: Mapping[str, str] = field(default_factory=lambda: dict(PERMISSIONS))


Access = TokenAccess | AppAccess


class CurrentToken(Auth):
    """Whatever the callable gives now; what cannot be sent as a header is never put into one, nor into a message."""

    def __init__(self, current: Secret) -> None:
        self._current = current

    @property
    def token_type(self) -> str:
        return "Bearer"

    @property
    def token(self) -> str:
        found = (self._current() or "").strip()
        if not _CREDENTIAL.fullmatch(found):
            kind = "has characters that no credential has" if found else "is not set"
            raise ForgeRefused(
                f"the GitHub credential {kind}: "
                "set FACTORY_SECRET_GITHUB_TOKEN, or the secret that `github.token` names"
            )
        return found

    @property
    def _masked_token(self) -> str:
        return "(credential removed)"


class SignedByApp(AppAuth):
    """The App's own short-lived signature."""

    def __init__(self, access: AppAccess) -> None:
        super().__init__(access.app_id, sign_func=self._signed)
        self._access = access

    def _signed(self, payload: dict[str, Any]) -> str:
        key = (self._access.private_key() or "").strip()
        if not key:
            raise ForgeRefused(
                "the GitHub App's private key is not set: "
                "set FACTORY_SECRET_GITHUB_APP_KEY, or the secret that `github.private_key` names"
            )
        try:
            return jwt.encode(payload, key + "\n", algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError):
            raise ForgeRefused(
                "the GitHub App's private key is no RSA key in PEM form: download a new one from the App's page"
            ) from None  # the cause may quote the key


class InstallationToken:
    """One repository's token, renewed before it ends."""

    def __init__(self, access: AppAccess, repository: str, app: PoliteRequester, manners: Manners) -> None:
        self._access = access
        self._repository = repository
        self._app = app
        self._manners = manners
        self._lock = threading.Lock()
        self._token: str | None = None
        self._ends = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> str | None:
        with self._lock:
            if self._token is None or datetime.now(UTC) > self._ends - RENEWED_BEFORE_END:
                self._renew()
            return self._token

    def _renew(self) -> None:
        self._token = None
        place = f"/app/installations/{self._access.installation_id}"
        with self._installed():
            _, installation = self._app.requestJsonAndCheck("GET", place)
        asked = {
            "repositories": [self._repository.partition("/")[2]],
            "permissions": granted(self._access.permissions, installation.get("permissions") or {}),
        }

        def minted() -> dict[str, Any]:
            _, answer = self._app.requestJsonAndCheck("POST", f"{place}/access_tokens", input=asked)
            return dict(answer)

        with self._installed():
            answer = ensured(lambda: None, minted, self._manners)
        self._token = str(answer["token"])
        self._ends = datetime.fromisoformat(str(answer["expires_at"]).replace("Z", "+00:00"))

    @contextmanager
    def _installed(self) -> Iterator[None]:
        """Raises ForgeRefused, with `installation` in its details: there is no such one, or it lacks the repository."""
        number = self._access.installation_id
        try:
            yield
        except GithubException as error:
            if error.status not in _NOT_INSTALLED:
                raise
            why = _NOT_INSTALLED[error.status].format(app=self._access.app_id, repository=self._repository)
            raise ForgeRefused(f"the GitHub App's installation {number} {why}", installation=number) from error


def granted(wanted: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return what is both wanted and given, at the lower of the two levels."""
    levels = ("read", "write", "admin")
    return {
        name: min(level, given[name], key=levels.index) for name, level in wanted.items() if given.get(name) in levels
    }
