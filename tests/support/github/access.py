"""Who asks, and what they may do: persons by role, fine-grained tokens and Apps by permission."""

import secrets
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt

from tests.support.github.answers import Refused, missing
from tests.support.github.state import ROLES, Account, App, Installation, Repository

LEVELS = ("none", "read", "write", "admin")
JWT_SECONDS = 600
INSTALLATION_TOKEN = timedelta(hours=1)


@dataclass(eq=False)
class Token:
    secret: str
    account: Account | None
    grants: dict[int, dict[str, str]] | None = None  #: repository id -> permissions; None: all that the person may
    expires_at: datetime | None = None
    installation: Installation | None = None


@dataclass
class Actor:
    """Who makes a request; nobody when it carries no token."""

    account: Account | None = None
    token: Token | None = None
    app: App | None = None  #: an App as itself, by JWT
    quota: str = "anonymous"  #: whose rate limit it uses

    @property
    def name(self) -> str:
        return self.app.slug if self.app else self.account.login if self.account else "nobody"

    @property
    def acting_app(self) -> App | None:
        return self.token.installation.app if self.token and self.token.installation else None

    @property
    def kind(self) -> str:
        return "integration" if self.acting_app or self.app else "personal access token"


@dataclass
class Tokens:
    known: dict[str, Token] = field(default_factory=dict)

    def add(self, token: Token) -> Token:
        self.known[token.secret] = token
        return token

    def person(self, account: Account) -> Token:
        return self.add(Token(f"stand-in-person-{secrets.token_hex(16)}", account))

    def fine_grained(self, account: Account, grants: dict[int, dict[str, str]], expires_at: datetime | None) -> Token:
        return self.add(Token(f"stand-in-fine-{secrets.token_hex(16)}", account, grants, expires_at))

    def installation(self, one: Installation, grants: dict[int, dict[str, str]], now: datetime) -> Token:
        secret = f"stand-in-app-{secrets.token_hex(16)}"
        return self.add(Token(secret, one.app.bot, grants, now + INSTALLATION_TOKEN, one))

    def revoke(self, secret: str) -> None:
        self.known.pop(secret, None)

    def actor(self, header: str | None, apps: dict[int, App], now: datetime) -> Actor:
        """Raises: Refused with 401 for a token that is wrong, expired or revoked."""
        if not header:
            return Actor()
        secret = _secret(header)
        if secret.count(".") == 2:
            app = _app_of(secret, apps, now)
            return Actor(app=app, quota=f"app:{app.id}")
        token = self.known.get(secret)
        if not token or (token.expires_at and token.expires_at <= now):
            raise Refused(401, "Bad credentials")
        quota = f"installation:{token.installation.id}" if token.installation else f"user:{_id(token)}"
        return Actor(token.account, token, quota=quota)


def _id(token: Token) -> int:
    return token.account.id if token.account else 0


def _secret(header: str) -> str:
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "token" | "bearer":
            return value.strip()
        case "basic":
            try:
                return b64decode(value, validate=True).decode().partition(":")[2]
            except ValueError:
                raise Refused(401, "Bad credentials") from None
    raise Refused(401, "Bad credentials")


def _app_of(encoded: str, apps: dict[int, App], now: datetime) -> App:
    try:
        claims: dict[str, Any] = jwt.decode(encoded, options={"verify_signature": False})
        app = apps[int(claims["iss"])]
        issued, ends = int(claims["iat"]), int(claims["exp"])
    except (jwt.PyJWTError, KeyError, ValueError, TypeError):
        raise Refused(401, "A JSON web token could not be decoded") from None
    try:
        jwt.decode(encoded, app.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
    except jwt.PyJWTError:
        raise Refused(401, "A JSON web token could not be decoded") from None
    present = now.timestamp()
    if ends <= present:
        raise Refused(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time")
    if ends > present + JWT_SECONDS + 5:
        raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
    if issued > present + 5:
        raise Refused(401, "'Issued at' claim ('iat') must be an Integer representing a time in the past")
    return app


def _granted(actor: Actor, repository: Repository, permission: str) -> str:
    grants = actor.token.grants if actor.token else {}
    return "admin" if grants is None else (grants or {}).get(repository.id, {}).get(permission, "none")


def sees(actor: Actor, repository: Repository) -> bool:
    if not repository.private:
        return True
    if actor.token is None:
        return False
    listed = actor.token.grants is None or repository.id in actor.token.grants
    return listed and (bool(actor.acting_app) or repository.role(actor.account) != "none")


def may(actor: Actor, repository: Repository, permission: str, level: str, role: str | None = None) -> bool:
    """`role` is what a person needs when it is not the one that usually goes with the level."""
    if level == "read" and not repository.private:
        return True
    if actor.token is None:
        return False
    if actor.token.grants is not None:
        given = "read" if permission == "metadata" else _granted(actor, repository, permission)
        listed = repository.id in actor.token.grants
        if not listed or LEVELS.index(given) < LEVELS.index(level):
            return False
    return bool(actor.acting_app) or has_role(actor, repository, role or level)


def has_role(actor: Actor, repository: Repository, role: str) -> bool:
    return ROLES.index(repository.role(actor.account)) >= ROLES.index(role)


def require(actor: Actor, repository: Repository, needs: str, role: str | None = None) -> None:
    """`needs` is `permission:level`, alternatives parted by `|`.

    Raises: Refused with 404 for a repository that is not seen, 401 for nobody, 403 for a permission that is missing.
    """
    if not sees(actor, repository):
        raise missing()
    wanted = [part.split(":") for part in needs.split("|")]
    if any(may(actor, repository, permission, level, role) for permission, level in wanted):
        return
    if actor.token is None:
        raise Refused(401, "Requires authentication")
    accepted = "; ".join(f"{permission}={level}" for permission, level in wanted)
    if actor.token.grants is not None and not _enough_grants(actor, repository, wanted):
        raise Refused(403, f"Resource not accessible by {actor.kind}", X_Accepted_GitHub_Permissions=accepted)
    raise Refused(403, _role_words(role or wanted[0][1]))


def _enough_grants(actor: Actor, repository: Repository, wanted: list[list[str]]) -> bool:
    return any(LEVELS.index(_granted(actor, repository, name)) >= LEVELS.index(level) for name, level in wanted)


def _role_words(role: str) -> str:
    return "Must have admin rights to Repository." if role == "admin" else "Must have push access to Repository"
