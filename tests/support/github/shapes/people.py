"""Accounts and Apps as GitHub shows them."""

from typing import Any
from urllib.parse import quote

from tests.support.github.state import Account, App, Installation, Repository
from tests.support.github.world import World, stamp

USER_LINKS = {
    "followers_url": "followers", "following_url": "following{/other_user}", "gists_url": "gists{/gist_id}",
    "starred_url": "starred{/owner}{/repo}", "subscriptions_url": "subscriptions", "organizations_url": "orgs",
    "repos_url": "repos", "events_url": "events{/privacy}", "received_events_url": "received_events",
}  # fmt: skip


def node(kind: str, number: int) -> str:
    return f"{kind}_{number:08d}"


def user(world: World, account: Account) -> dict[str, Any]:
    login = quote(account.login)
    url = f"{world.api}/users/{login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node("U", account.id),
        "avatar_url": f"{world.host}/avatars/u/{account.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{world.host}/{login}",
        **{name: f"{url}/{tail}" for name, tail in USER_LINKS.items()},
        "type": account.kind,
        "site_admin": False,
    }


def maybe_user(world: World, account: Account | None) -> dict[str, Any] | None:
    return user(world, account) if account else None


def full_user(world: World, account: Account) -> dict[str, Any]:
    return {
        **user(world, account),
        "name": account.name,
        "company": None, "blog": "", "location": None, "email": None, "hireable": None, "bio": None,
        "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": stamp(account.created_at),
        "updated_at": stamp(account.created_at),
    }  # fmt: skip


def app(world: World, one: App) -> dict[str, Any]:
    return {
        "id": one.id,
        "slug": one.slug,
        "node_id": node("A", one.id),
        "owner": user(world, one.owner),
        "name": one.slug,
        "description": None,
        "external_url": f"{world.host}/{one.slug}",
        "html_url": f"{world.host}/apps/{one.slug}",
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "permissions": dict(one.permissions),
        "events": list(one.events),
    }


def maybe_app(world: World, one: App | None) -> dict[str, Any] | None:
    return app(world, one) if one else None


def installation(world: World, one: Installation) -> dict[str, Any]:
    return {
        "id": one.id,
        "account": user(world, one.account),
        "repository_selection": "selected",
        "access_tokens_url": f"{world.api}/app/installations/{one.id}/access_tokens",
        "repositories_url": f"{world.api}/installation/repositories",
        "html_url": f"{world.host}/settings/installations/{one.id}",
        "app_id": one.app.id,
        "app_slug": one.app.slug,
        "target_id": one.account.id,
        "target_type": one.account.kind,
        "permissions": dict(one.permissions),
        "events": list(one.app.events),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "single_file_name": None,
        "suspended_at": None,
        "suspended_by": None,
    }


def association(repository: Repository, account: Account) -> str:
    if account.login == repository.owner.login:
        return "OWNER"
    if repository.roles.get(account.login, "none") == "none":
        return "NONE"
    return "MEMBER" if repository.owner.kind == "Organization" else "COLLABORATOR"
