"""GitHub Apps: the App by JWT, its installations, and tokens narrowed to repositories and permissions."""

from typing import Any

from tests.support.github.access import LEVELS
from tests.support.github.answers import Answer, Page, Refused, created, missing, nothing, unprocessable
from tests.support.github.routing import Call, route
from tests.support.github.shapes import people, repositories
from tests.support.github.state import App, Installation, Repository
from tests.support.github.world import stamp


def _app(call: Call) -> App:
    if not call.actor.app:
        raise Refused(401, "A JSON web token could not be decoded")
    return call.actor.app


@route("GET", "/app", resource="")
def get_app(call: Call) -> Any:
    app = _app(call)
    count = sum(one.app is app for one in call.world.installations.values())
    return {**people.app(call.world, app), "installations_count": count}


@route("GET", "/app/installations")
def list_installations(call: Call) -> Page:
    app = _app(call)
    found = [one for one in call.world.installations.values() if one.app is app]
    return Page(found, lambda one: people.installation(call.world, one))


def _installation(call: Call) -> Installation:
    app, found = _app(call), call.world.installations.get(call.values["installation_id"])
    if not found or found.app is not app:
        raise missing()
    return found


@route("GET", "/app/installations/{installation_id}")
def get_installation(call: Call) -> Any:
    return people.installation(call.world, _installation(call))


@route("GET", "/repos/{owner}/{repo}/installation")
def installation_on(call: Call) -> Any:
    found = call.world.installation_on(_app(call), call.repository)
    if not found:
        raise missing()
    return people.installation(call.world, found)


@route("POST", "/app/installations/{installation_id}/access_tokens")
def create_token(call: Call) -> Answer:
    one, body = _installation(call), call.body or {}
    chosen = _repositories(call, one, body)
    permissions = _permissions(one, body.get("permissions") or {})
    grants = {repository.id: permissions for repository in chosen}
    token = call.world.tokens.installation(one, grants, call.now)
    shape: dict[str, Any] = {
        "token": token.secret,
        "expires_at": stamp(token.expires_at),
        "permissions": permissions,
        "repository_selection": "selected",
    }
    if "repositories" in body or "repository_ids" in body:
        shape["repositories"] = [repositories.repository(call.world, each) for each in chosen]
    return created(shape)


def _repositories(call: Call, one: Installation, body: dict[str, Any]) -> list[Repository]:
    installed = [each for each in call.world.repositories.values() if each.id in one.repositories]
    names, ids = body.get("repositories"), body.get("repository_ids")
    if names is None and ids is None:
        return installed
    chosen = [each for each in installed if each.name in (names or ()) or each.id in (ids or ())]
    if len(chosen) != len({*(names or ()), *(ids or ())}):
        raise unprocessable(
            "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return chosen


def _permissions(one: Installation, asked: dict[str, str]) -> dict[str, str]:
    for name, level in asked.items():
        if LEVELS.index(level) > LEVELS.index(one.permissions.get(name, "none")):
            raise unprocessable("The permissions requested are not granted to this installation.")
    return {"metadata": "read", **(asked or one.permissions)}


@route("GET", "/installation/repositories")
def installed_repositories(call: Call) -> Page:
    token = call.actor.token
    if not token or not token.installation:
        raise Refused(
            403,
            "You must authenticate with an installation access token in order to list repositories for an installation.",
        )
    found = [one for one in call.world.repositories.values() if one.id in (token.grants or {})]
    return Page(
        found,
        lambda one: repositories.repository(call.world, one, call.actor),
        wrap="repositories",
        extra={"repository_selection": "selected"},
    )


@route("DELETE", "/installation/token")
def revoke_token(call: Call) -> Answer:
    token = call.actor.token
    if not token or not token.installation:
        raise Refused(403, "Resource not accessible by personal access token")
    call.world.tokens.revoke(token.secret)
    return nothing()
