"""Labels of a repository and of an issue."""

from typing import Any

from tests.support.github import events
from tests.support.github.answers import Answer, Page, Refused, created, invalid, missing, nothing
from tests.support.github.routing import Call, route
from tests.support.github.shapes import issues
from tests.support.github.state import Issue, Label

R = "/repos/{owner}/{repo}"
EITHER = "issues:write|pull_requests:write"
NAME_LIMIT, DESCRIPTION_LIMIT = 50, 100


def _shape(call: Call, one: Label) -> dict[str, Any]:
    return issues.label(call.world, call.repository, one)


def _label(call: Call) -> Label:
    found = call.repository.labels.get(call.values["name"].lower())
    if not found:
        raise missing()
    return found


def refuse_label(name: str, color: str, description: str | None) -> None:
    if not name.strip() or len(name) > NAME_LIMIT or "," in name:
        raise invalid("Label", "name")
    if len(color) != 6 or not set(color.lower()) <= set("0123456789abcdef"):
        raise invalid("Label", "color")
    if description and len(description) > DESCRIPTION_LIMIT:
        raise invalid("Label", "description", "custom", "description is too long (maximum is 100 characters)")


@route("GET", R + "/labels", EITHER.replace("write", "read"))
def list_labels(call: Call) -> Page:
    return Page(
        sorted(call.repository.labels.values(), key=lambda one: one.name.lower()), lambda one: _shape(call, one)
    )


@route("GET", R + "/labels/{name}", EITHER.replace("write", "read"))
def get_label(call: Call) -> Any:
    return _shape(call, _label(call))


@route("POST", R + "/labels", EITHER, role="write")
def create_label(call: Call) -> Answer:
    name, color = call.body["name"], call.body.get("color") or "ededed"
    refuse_label(name, color, call.body.get("description"))
    if name.lower() in call.repository.labels:
        raise invalid("Label", "name", "already_exists")
    one = Label(call.world.id(), name, color, call.body.get("description"))
    call.repository.labels[name.lower()] = one
    return created(_shape(call, one))


@route("PATCH", R + "/labels/{name}", EITHER, role="write")
def edit_label(call: Call) -> Any:
    one, labels = _label(call), call.repository.labels
    name = call.body.get("new_name") or one.name
    color, description = call.body.get("color") or one.color, call.body.get("description", one.description)
    refuse_label(name, color, description)
    if name.lower() != one.name.lower() and name.lower() in labels:
        raise invalid("Label", "name", "already_exists")
    del labels[one.name.lower()]
    one.name, one.color, one.description = name, color, description
    labels[name.lower()] = one
    return _shape(call, one)


@route("DELETE", R + "/labels/{name}", EITHER, role="write")
def delete_label(call: Call) -> Answer:
    one = _label(call)
    del call.repository.labels[one.name.lower()]
    for issue in call.repository.issues.values():
        issue.labels = [each for each in issue.labels if each is not one]
    return nothing()


def set_labels(call: Call, issue: Issue, names: list[str]) -> None:
    """Bring an issue to these labels and tell of each that came or went."""
    home = call.repository
    for name in names:
        refuse_label(name, "ededed", None)
    before, issue.labels = issue.labels, list(dict.fromkeys(call.world.label(home, name) for name in names))
    for action, changed in (
        ("labeled", [one for one in issue.labels if one not in before]),
        ("unlabeled", [one for one in before if one not in issue.labels]),
    ):
        for one in changed:
            call.world.touch(home, issue)
            events.issue(call.world, home, call.actor, issue, action, label=_shape(call, one))


def _names(call: Call) -> list[str]:
    told = call.body.get("labels", []) if isinstance(call.body, dict) else call.body or []
    return [one if isinstance(one, str) else one["name"] for one in told]


def _of_issue(call: Call) -> Page:
    return Page(call.issue.labels, lambda one: _shape(call, one))


@route("GET", R + "/issues/{issue_number}/labels", EITHER.replace("write", "read"))
def labels_of_issue(call: Call) -> Page:
    return _of_issue(call)


@route("POST", R + "/issues/{issue_number}/labels", EITHER, role="triage")
def add_labels(call: Call) -> Page:
    set_labels(call, call.written_issue, [*(one.name for one in call.issue.labels), *_names(call)])
    return _of_issue(call)


@route("PUT", R + "/issues/{issue_number}/labels", EITHER, role="triage")
def replace_labels(call: Call) -> Page:
    set_labels(call, call.written_issue, _names(call))
    return _of_issue(call)


@route("DELETE", R + "/issues/{issue_number}/labels", EITHER, role="triage")
def clear_labels(call: Call) -> Answer:
    set_labels(call, call.written_issue, [])
    return nothing()


@route("DELETE", R + "/issues/{issue_number}/labels/{name}", EITHER, role="triage")
def remove_label(call: Call) -> Page:
    gone = call.values["name"].lower()
    if gone not in {one.name.lower() for one in call.issue.labels}:
        raise Refused(404, "Label does not exist")
    set_labels(call, call.written_issue, [one.name for one in call.issue.labels if one.name.lower() != gone])
    return _of_issue(call)
