"""Webhooks of a repository and what was delivered to them."""

from typing import Any
from urllib.parse import urlsplit

from tests.support.github import events
from tests.support.github.answers import Answer, Page, Refused, created, missing, nothing
from tests.support.github.routing import Call, route
from tests.support.github.shapes.repositories import url
from tests.support.github.state import Hook
from tests.support.github.webhooks import Delivery
from tests.support.github.world import stamp

H = "/repos/{owner}/{repo}/hooks"
READ, WRITE = "repository_hooks:read", "repository_hooks:write"
HOOK_LIMIT = 20


def _shape(call: Call, one: Hook) -> dict[str, Any]:
    at = f"{url(call.world, call.repository)}/hooks/{one.id}"
    config = {"url": one.url, "content_type": one.content_type, "insecure_ssl": "0"}
    return {
        "type": "Repository",
        "id": one.id,
        "name": "web",
        "active": one.active,
        "events": list(one.events),
        "config": config | ({"secret": "********"} if one.secret else {}),
        "updated_at": stamp(one.updated_at),
        "created_at": stamp(one.created_at),
        "url": at,
        "test_url": f"{at}/test",
        "ping_url": f"{at}/pings",
        "deliveries_url": f"{at}/deliveries",
        "last_response": {"code": None, "status": "unused", "message": None},
    }


def _hook(call: Call) -> Hook:
    one = call.repository.hooks.get(call.values["hook_id"])
    if not one:
        raise missing()
    return one


@route("GET", H, READ, role="admin")
def list_hooks(call: Call) -> Page:
    return Page(list(call.repository.hooks.values()), lambda one: _shape(call, one))


@route("GET", H + "/{hook_id}", READ, role="admin")
def get_hook(call: Call) -> Any:
    return _shape(call, _hook(call))


@route("POST", H, WRITE, role="admin")
def create_hook(call: Call) -> Answer:
    home, body = call.repository, call.body or {}
    config = body.get("config") or {}
    if urlsplit(config.get("url", "")).scheme not in ("http", "https"):
        raise Refused(
            422,
            "Validation Failed",
            [{"resource": "Hook", "code": "custom", "field": "url", "message": "url must be an http or https address"}],
        )
    wanted = body.get("events") or ["push"]
    if any(one.url == config["url"] and sorted(one.events) == sorted(wanted) for one in home.hooks.values()):
        raise Refused(
            422,
            "Validation Failed",
            [{"resource": "Hook", "code": "custom", "message": "Hook already exists on this repository"}],
        )
    if len(home.hooks) >= HOOK_LIMIT:
        raise Refused(
            422,
            "Validation Failed",
            [{"resource": "Hook", "code": "custom", "message": 'The "push" event cannot have more than 20 hooks'}],
        )
    kind = config.get("content_type", "form")
    now = call.now
    one = Hook(call.world.id(), config["url"], config.get("secret"), kind, wanted, body.get("active", True), now, now)
    home.hooks[one.id] = one
    events.ping(call.world, home, call.actor, one, _shape(call, one))
    return created(_shape(call, one))


@route("PATCH", H + "/{hook_id}", WRITE, role="admin")
def edit_hook(call: Call) -> Any:
    one, body = _hook(call), call.body or {}
    config = body.get("config") or {}
    one.url, one.content_type = config.get("url", one.url), config.get("content_type", one.content_type)
    one.secret = config.get("secret", None if config else one.secret)
    told = set(body.get("events", one.events)) | set(body.get("add_events", ()))
    one.events = sorted(told - set(body.get("remove_events", ())))
    one.active, one.updated_at = body.get("active", one.active), call.now
    return _shape(call, one)


@route("DELETE", H + "/{hook_id}", WRITE, role="admin")
def delete_hook(call: Call) -> Answer:
    del call.repository.hooks[_hook(call).id]
    return nothing()


@route("POST", H + "/{hook_id}/pings", READ, role="admin")
def ping_hook(call: Call) -> Answer:
    one = _hook(call)
    events.ping(call.world, call.repository, call.actor, one, _shape(call, one))
    return nothing()


def _deliveries(call: Call) -> list[Delivery]:
    hook = _hook(call)
    return [one for one in call.world.webhooks.deliveries[::-1] if one.target.hook_id == hook.id]


def _told(call: Call, one: Delivery, *, whole: bool = False) -> dict[str, Any]:
    shape = {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": stamp(one.at),
        "redelivery": one.redelivery,
        "duration": 0.1,
        "status": "OK" if one.status and one.status < 300 else "failed to connect to host",
        "status_code": one.status or 0,
        "event": one.event,
        "action": one.action,
        "installation_id": None,
        "repository_id": call.repository.id,
        "throttled_at": None,
    }
    if not whole:
        return shape
    _, headers = one.letter()
    request = {"headers": headers, "payload": one.payload}
    return {**shape, "url": one.target.url, "request": request, "response": {"headers": {}, "payload": ""}}


@route("GET", H + "/{hook_id}/deliveries", READ, role="admin")
def list_deliveries(call: Call) -> Page:
    return Page(_deliveries(call), lambda one: _told(call, one))


@route("GET", H + "/{hook_id}/deliveries/{delivery_id}", READ, role="admin")
def get_delivery(call: Call) -> Any:
    return _told(call, _delivery(call), whole=True)


def _delivery(call: Call) -> Delivery:
    found = [one for one in _deliveries(call) if one.id == call.values["delivery_id"]]
    if not found:
        raise missing()
    return found[0]


@route("POST", H + "/{hook_id}/deliveries/{delivery_id}/attempts", WRITE, role="admin")
def redeliver(call: Call) -> Answer:
    call.world.webhooks.repeat(_delivery(call))
    return Answer(202, {})
