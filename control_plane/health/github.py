"""Can the factory sign in to GitHub, and can it believe what GitHub sends? Nothing is asked of GitHub."""

from collections.abc import Sequence
from typing import Final

from control_plane.health.machine import Check
from domain.repositories import Repository
from resources.forges import GITHUB, has_github
from resources.secrets import secret, variable
from resources.settings import GitHubSettings, Settings
from resources.webhooks import without_secret

SIGN_IN: Final = "github sign-in"
WEBHOOKS: Final = "github webhooks"
ELSEWHERE: Final = "only the services that need it are given it (deploy/README.md)"


def github_checks(settings: Settings, repositories: Sequence[Repository]) -> list[Check]:
    """Report on the credential and the secrets of webhooks; nothing where nobody speaks of GitHub."""
    there = [one for one in repositories if one.enabled and one.forge == GITHUB]
    if not there and not has_github(settings):
        return []
    return [_sign_in(settings, there), *([_webhooks(settings, there)] if there and settings.public_url else [])]


def _sign_in(settings: Settings, there: Sequence[Repository]) -> Check:
    told = settings.github
    if told.app_id is not None or told.installation_id is not None:
        return _app(settings, told)
    token = variable(told.token)
    if secret(told.token) is not None:
        return Check(name=SIGN_IN, ok=True, detail=f"with the token {token} on {told.base_url}")
    names = ", ".join(one.name for one in there)
    remedy = f"Set {token}, or `github.app_id`, `github.installation_id` and {variable(told.private_key)}."
    return _lacks(settings, SIGN_IN, f"there is no credential, and {names} on GitHub", remedy)


def _app(settings: Settings, told: GitHubSettings) -> Check:
    half = "app_id" if told.app_id is None else "installation_id" if told.installation_id is None else None
    if half is not None:
        detail = f"an App needs both app_id and installation_id, and `github.{half}` is not set"
        return Check(name=SIGN_IN, ok=False, detail=detail, remedy=f"Set `github.{half}`.")
    who, key = f"App {told.app_id}, installation {told.installation_id}", variable(told.private_key)
    if secret(told.private_key) is None:
        remedy = f"Set {key} to the App's private key in PEM form."
        return _lacks(settings, SIGN_IN, f"{who}: its private key is not set", remedy)
    return Check(name=SIGN_IN, ok=True, detail=f"as {who} on {told.base_url}")


def _webhooks(settings: Settings, there: Sequence[Repository]) -> Check:
    lacking = without_secret(there)
    if not lacking:
        return Check(name=WEBHOOKS, ok=True, detail=f"a secret is known for every repository ({len(there)})")
    detail = f"no secret is known for {', '.join(lacking)}: each delivery gets 401"
    return _lacks(settings, WEBHOOKS, detail, f"Set {', '.join(lacking.values())}.")


def _lacks(settings: Settings, name: str, detail: str, remedy: str) -> Check:
    """In production others may hold the secret that this process lacks, so that its absence here proves nothing."""
    if settings.environment == "production":
        return Check(name=name, ok=True, detail=f"{detail}; so it looks from here, {ELSEWHERE}")
    return Check(name=name, ok=False, detail=detail, remedy=remedy)
