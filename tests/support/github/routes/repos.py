"""Repositories, branches, protection and who may do what."""

from typing import Any

from tests.support.github.access import Actor, has_role, require
from tests.support.github.answers import Answer, Page, Refused, invalid, missing, nothing
from tests.support.github.routing import Call, route
from tests.support.github.shapes import code, people, repositories
from tests.support.github.state import Account, Repository

R = "/repos/{owner}/{repo}"


@route("GET", R, "metadata:read")
def get_repository(call: Call) -> Any:
    return repositories.full_repository(call.world, call.repository, call.actor)


@route("PATCH", R, "administration:write", role="admin")
def edit_repository(call: Call) -> Any:
    home = call.repository
    home.settings |= {name: value for name, value in call.body.items() if name in home.settings}
    home.private = bool(call.body.get("private", home.private))
    home.description = call.body.get("description", home.description)
    branch = call.body.get("default_branch", home.default_branch)
    if not home.git.branch(branch):
        raise invalid("Repository", "default_branch", message=f"The branch {branch} was not found.")
    home.default_branch = branch
    home.git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    return repositories.full_repository(call.world, home, call.actor)


@route("GET", "/user/repos")
def own_repositories(call: Call) -> Page:
    if not call.actor.account:
        raise Refused(401, "Requires authentication")
    mine = [one for one in call.world.visible(call.actor) if one.role(call.actor.account) != "none"]
    return Page(mine, lambda one: repositories.repository(call.world, one, call.actor))


@route("GET", R + "/branches", "contents:read")
def list_branches(call: Call) -> Page:
    home = call.repository
    found = [(name.removeprefix("refs/heads/"), sha) for name, (_, sha) in home.git.refs("refs/heads/").items()]
    if wanted := call.query("protected"):
        found = [one for one in found if (one[0] in home.protections) == (wanted == "true")]
    return Page(found, lambda one: code.branch(call.world, home, *one))


@route("GET", R + "/branches/{branch}", "contents:read")
def get_branch(call: Call) -> Any:
    home, name = call.repository, call.values["branch"]
    sha = _tip(home, name)
    rules = home.protections.get(name, {})
    contexts = (rules.get("required_status_checks") or {}).get("contexts", [])
    level = "everyone" if rules.get("enforce_admins") else "non_admins" if rules else "off"
    return {
        **code.branch(call.world, home, name, sha),
        "commit": code.commit(call.world, home, sha),
        "_links": {
            "self": f"{repositories.url(call.world, home)}/branches/{name}",
            "html": repositories.html(call.world, home),
        },
        "protection": {
            "enabled": bool(rules),
            "required_status_checks": {"enforcement_level": level, "contexts": contexts, "checks": []},
        },
    }


def _tip(home: Repository, name: str) -> str:
    sha = home.git.branch(name)
    if not sha:
        raise Refused(404, "Branch not found")
    return sha


@route("GET", R + "/branches/{branch}/protection", "administration:read", role="admin")
def get_protection(call: Call) -> Any:
    _tip(call.repository, call.values["branch"])
    if call.values["branch"] not in call.repository.protections:
        raise Refused(404, "Branch not protected")
    return protection(call)


@route("PUT", R + "/branches/{branch}/protection", "administration:write", role="admin")
def set_protection(call: Call) -> Any:
    _tip(call.repository, call.values["branch"])
    rules = dict(call.body)
    if rules.get("required_status_checks"):
        checks = rules["required_status_checks"]
        told = checks.get("checks") or [{"context": each} for each in checks.get("contexts", ())]
        rules["required_status_checks"] = {
            "strict": checks["strict"],
            "checks": [{"context": each["context"], "app_id": each.get("app_id")} for each in told],
            "contexts": [each["context"] for each in told],
        }
    call.repository.protections[call.values["branch"]] = rules
    return protection(call)


@route("DELETE", R + "/branches/{branch}/protection", "administration:write", role="admin")
def remove_protection(call: Call) -> Answer:
    if not call.repository.protections.pop(call.values["branch"], None):
        raise Refused(404, "Branch not protected")
    return nothing()


def protection(call: Call) -> dict[str, Any]:
    name = call.values["branch"]
    rules = call.repository.protections[name]
    at = f"{repositories.url(call.world, call.repository)}/branches/{name}/protection"
    switches = ("required_linear_history", "allow_force_pushes", "allow_deletions", "block_creations",
                "required_conversation_resolution", "lock_branch", "allow_fork_syncing")  # fmt: skip
    shape: dict[str, Any] = {"url": at, **{each: {"enabled": bool(rules.get(each))} for each in switches}}
    shape["enforce_admins"] = {"url": f"{at}/enforce_admins", "enabled": bool(rules.get("enforce_admins"))}
    if checks := rules.get("required_status_checks"):
        here = f"{at}/required_status_checks"
        shape["required_status_checks"] = {"url": here, "contexts_url": f"{here}/contexts", **checks}
    if (reviews := rules.get("required_pull_request_reviews")) is not None:
        defaults = {"dismiss_stale_reviews": False, "require_code_owner_reviews": False,
                    "required_approving_review_count": 1, "require_last_push_approval": False}  # fmt: skip
        told = {each: reviews.get(each, usual) for each, usual in defaults.items()}
        shape["required_pull_request_reviews"] = {"url": f"{at}/required_pull_request_reviews", **told}
    if (who := rules.get("restrictions")) is not None:
        users = [people.user(call.world, call.world.who(each)) for each in who.get("users", ())]
        apps = [people.app(call.world, one) for one in call.world.apps.values() if one.slug in who.get("apps", ())]
        links = {f"{each}_url": f"{at}/restrictions/{each}" for each in ("users", "teams", "apps")}
        shape["restrictions"] = {"url": f"{at}/restrictions", **links, "users": users, "teams": [], "apps": apps}
    return shape


def _permission(role: str) -> str:
    return {"maintain": "write", "triage": "read"}.get(role, role)


@route("GET", R + "/collaborators", "metadata:read", role="write")
def list_collaborators(call: Call) -> Page:
    home = call.repository
    found = [call.world.who(login) for login, role in home.roles.items() if role != "none"]

    def shape(one: Account) -> dict[str, Any]:
        told = repositories.permissions(home, Actor(one))
        return {**people.user(call.world, one), "role_name": home.roles[one.login], "permissions": told}

    return Page(found, shape)


@route("GET", R + "/collaborators/{username}", "metadata:read", role="write")
def is_collaborator(call: Call) -> Answer:
    if call.repository.roles.get(call.world.who(call.values["username"]).login, "none") == "none":
        raise missing()
    return nothing()


@route("GET", R + "/collaborators/{username}/permission", "metadata:read", role="read")
def get_permission(call: Call) -> Any:
    account = call.world.who(call.values["username"])
    role = call.repository.role(account)
    shape = people.user(call.world, account)
    return {"permission": _permission(role), "role_name": role, "user": {**shape, "role_name": role}}


@route("GET", R + "/assignees/{assignee}", "issues:read")
def is_assignable(call: Call) -> Answer:
    if call.repository.roles.get(call.world.who(call.values["assignee"]).login, "none") == "none":
        raise missing()
    return nothing()


@route("POST", R + "/forks", "metadata:read")
def fork(call: Call) -> Answer:
    if not call.actor.account:
        raise Refused(401, "Requires authentication")
    require(call.actor, call.repository, "metadata:read")
    made = copy_repository(call, call.repository, call.actor.account.login)
    return Answer(202, repositories.full_repository(call.world, made, call.actor))


def copy_repository(call: Call, home: Repository, owner: str) -> Repository:
    full_name = f"{owner}/{home.name}"
    if found := call.world.repositories.get(full_name.lower()):
        return found
    made = call.world.add_repository(full_name, private=home.private, default=home.default_branch)
    made.git.run("fetch", "--quiet", str(home.git.folder), "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")
    made.parent = home
    made.roles[owner] = "admin"
    return made


def pusher(call: Call) -> bool:
    return bool(call.actor.acting_app) or has_role(call.actor, call.repository, "write")
