"""Issues and what people say in them."""

from typing import Any

from tests.support.github import events
from tests.support.github.access import has_role
from tests.support.github.answers import Answer, Page, Refused, created, invalid, missing, nothing
from tests.support.github.moves import close, reopen
from tests.support.github.routes.labels import set_labels
from tests.support.github.routes.repos import pusher
from tests.support.github.routing import Call, route
from tests.support.github.shapes import issues
from tests.support.github.shapes.people import user
from tests.support.github.state import Account, Comment, Issue
from tests.support.github.world import instant

R = "/repos/{owner}/{repo}"
BOTH = "issues:{0}|pull_requests:{0}"
BODY_LIMIT = 65536  # characters
TITLE_LIMIT = 256


def refuse_text(resource: str, title: Any, body: Any) -> None:
    """Raises: Refused with 422 for a title or body that GitHub does not take."""
    if title is not None and not str(title).strip():
        raise invalid(resource, "title", "missing_field")
    if title is not None and len(str(title)) > TITLE_LIMIT:
        raise invalid(resource, "title", "custom", f"title is too long (maximum is {TITLE_LIMIT} characters)")
    if body is not None and len(body) > BODY_LIMIT:
        raise invalid(resource, "body", "custom", f"body is too long (maximum is {BODY_LIMIT} characters)")


def assignable(call: Call, logins: list[str]) -> list[Account]:
    """Raises: Refused with 422 for somebody who cannot be assigned."""
    found = []
    for login in logins:
        account = call.world.accounts.get(login.lower())
        if not account or call.repository.roles.get(account.login, "none") == "none":
            raise Refused(
                422,
                "Validation Failed",
                [{"value": login, "resource": "Issue", "field": "assignees", "code": "invalid"}],
            )
        found.append(account)
    return found


@route("GET", R + "/issues", "issues:read")
def list_issues(call: Call) -> Page:
    found = [one for one in call.repository.issues.values() if _wanted(call, one)]
    key = {"updated": "updated_at", "comments": "number"}.get(call.query("sort"), "created_at")
    found.sort(key=lambda one: (getattr(one, key), one.number), reverse=call.query("direction", "desc") == "desc")
    return Page(found, lambda one: issues.issue(call.world, call.repository, one))


def _wanted(call: Call, one: Issue) -> bool:
    state, since = call.query("state", "open"), instant(call.query("since"))
    labels = {name.lower() for name in call.query("labels").split(",") if name}
    names = {each.name.lower() for each in one.labels}
    creator, assignee = call.query("creator").lower(), call.query("assignee").lower()
    logins = {each.login.lower() for each in one.assignees}
    assigned = {"": True, "none": not logins, "*": bool(logins)}.get(assignee, assignee in logins)
    return (
        state in (one.state, "all")
        and labels <= names
        and assigned
        and creator in ("", one.user.login.lower())
        and (not since or one.updated_at.replace(microsecond=0) >= since)
    )


@route("POST", R + "/issues", "issues:write", role="read")
def create_issue(call: Call) -> Answer:
    home, body = call.repository, call.body
    refuse_text("Issue", body["title"], body.get("body"))
    if not home.settings["has_issues"]:
        raise Refused(410, "Issues are disabled for this repo")
    assert call.actor.account
    app, now, number = call.actor.acting_app, call.now, call.world.next_number(home)
    one = Issue(call.world.id(), number, call.actor.account, app, str(body["title"]), body.get("body"), now, now)
    if pusher(call):
        one.assignees = assignable(call, [*(body.get("assignees") or []), *filter(None, [body.get("assignee")])])
        names = [each if isinstance(each, str) else each["name"] for each in body.get("labels") or []]
        one.labels = [call.world.label(home, name) for name in dict.fromkeys(names)]
    home.issues[one.number] = one
    events.issue(call.world, home, call.actor, one, "opened")
    for label in one.labels:
        events.issue(call.world, home, call.actor, one, "labeled", label=issues.label(call.world, home, label))
    for account in one.assignees:
        events.issue(call.world, home, call.actor, one, "assigned", assignee=user(call.world, account))
    return created(issues.full_issue(call.world, home, one))


@route("GET", R + "/issues/{issue_number}", BOTH.format("read"))
def get_issue(call: Call) -> Any:
    return issues.full_issue(call.world, call.repository, call.issue)


@route("PATCH", R + "/issues/{issue_number}", BOTH.format("write"), role="read")
def edit_issue(call: Call) -> Any:
    one, body, home = call.written_issue, call.body, call.repository
    refuse_text("Issue", body.get("title"), body.get("body"))
    if one.user is not call.actor.account and not (call.actor.acting_app or has_role(call.actor, home, "triage")):
        raise Refused(403, "Must have admin rights to Repository.")
    edit_words(call, one)
    if "labels" in body:
        set_labels(call, one, [each if isinstance(each, str) else each["name"] for each in body["labels"]])
    if "assignees" in body:
        assign(call, one, assignable(call, body["assignees"] or []))
    if body.get("state", one.state) != one.state:
        if body["state"] == "open":
            reopen(call.world, home, call.actor, one)
        else:
            close(call.world, home, call.actor, one, body.get("state_reason"))
    return issues.full_issue(call.world, home, one)


def edit_words(call: Call, one: Issue) -> None:
    """Take over a new title and body, and tell what they were."""
    changes = {}
    for name in ("title", "body"):
        told = call.body.get(name)
        if told is not None and str(told) != (getattr(one, name) or ""):
            changes[name] = {"from": getattr(one, name) or ""}
            setattr(one, name, str(told))
    if changes:
        call.world.touch(call.repository, one)
        events.issue(call.world, call.repository, call.actor, one, "edited", changes=changes)


def assign(call: Call, one: Issue, accounts: list[Account]) -> None:
    before, one.assignees = one.assignees, list(dict.fromkeys(accounts))
    if one.assignees != before:
        call.world.touch(call.repository, one)
    for account in [each for each in one.assignees if each not in before]:
        events.issue(call.world, call.repository, call.actor, one, "assigned", assignee=user(call.world, account))
    for account in [each for each in before if each not in one.assignees]:
        events.issue(call.world, call.repository, call.actor, one, "unassigned", assignee=user(call.world, account))


@route("POST", R + "/issues/{issue_number}/assignees", BOTH.format("write"), role="triage")
def add_assignees(call: Call) -> Answer:
    one = call.written_issue
    assign(call, one, [*one.assignees, *assignable(call, call.body.get("assignees", []))])
    return created(issues.full_issue(call.world, call.repository, one))


@route("DELETE", R + "/issues/{issue_number}/assignees", BOTH.format("write"), role="triage")
def remove_assignees(call: Call) -> Any:
    one, gone = call.written_issue, {login.lower() for login in call.body.get("assignees", [])}
    assign(call, one, [each for each in one.assignees if each.login.lower() not in gone])
    return issues.full_issue(call.world, call.repository, one)


def _comments(call: Call, found: list[Comment]) -> Page:
    since = instant(call.query("since"))
    kept = [one for one in found if not since or one.updated_at.replace(microsecond=0) >= since]
    return Page(kept, lambda one: issues.comment(call.world, call.repository, one))


@route("GET", R + "/issues/{issue_number}/comments", BOTH.format("read"))
def list_comments(call: Call) -> Page:
    number = call.issue.number
    return _comments(call, [one for one in call.repository.comments.values() if one.number == number])


@route("GET", R + "/issues/comments", BOTH.format("read"))
def list_all_comments(call: Call) -> Page:
    found = sorted(
        call.repository.comments.values(),
        key=lambda one: one.updated_at if call.query("sort") == "updated" else one.created_at,
        reverse=call.query("direction", "asc" if not call.query("sort") else "desc") == "desc",
    )
    return _comments(call, found)


def refuse_comment(body: str) -> None:
    if not body.strip():
        raise invalid("IssueComment", "body", "custom", "body can't be blank")
    if len(body) > BODY_LIMIT:
        raise invalid("IssueComment", "data", "unprocessable", f"Body is too long (maximum is {BODY_LIMIT} characters)")


@route("POST", R + "/issues/{issue_number}/comments", BOTH.format("write"), role="read")
def create_comment(call: Call) -> Answer:
    issue = call.written_issue
    refuse_comment(call.body["body"])
    assert call.actor.account
    now = call.now
    one = Comment(call.world.id(), issue.number, call.actor.account, call.actor.acting_app, call.body["body"], now, now)
    call.repository.comments[one.id] = one
    call.world.touch(call.repository, issue)
    events.comment(call.world, call.repository, call.actor, one, "created")
    return created(issues.comment(call.world, call.repository, one))


def _comment(call: Call) -> Comment:
    one = call.repository.comments.get(call.values["comment_id"])
    if not one:
        raise missing()
    return one


def _own_comment(call: Call) -> Comment:
    one = _comment(call)
    call.refuse_wrong_kind(call.repository.issues[one.number])
    if one.user is not call.actor.account and not (
        not call.actor.acting_app and has_role(call.actor, call.repository, "write")
    ):
        raise Refused(
            403,
            "Must have admin rights to Repository."
            if not call.actor.acting_app
            else "Resource not accessible by integration",
        )
    return one


@route("GET", R + "/issues/comments/{comment_id}", BOTH.format("read"))
def get_comment(call: Call) -> Any:
    return issues.comment(call.world, call.repository, _comment(call))


@route("PATCH", R + "/issues/comments/{comment_id}", BOTH.format("write"), role="read")
def edit_comment(call: Call) -> Any:
    one = _own_comment(call)
    refuse_comment(call.body["body"])
    before, one.body, one.updated_at = one.body, call.body["body"], call.now
    call.world.touch(call.repository, call.repository.issues[one.number])
    events.comment(call.world, call.repository, call.actor, one, "edited", changes={"body": {"from": before}})
    return issues.comment(call.world, call.repository, one)


@route("DELETE", R + "/issues/comments/{comment_id}", BOTH.format("write"), role="read")
def delete_comment(call: Call) -> Answer:
    one = _own_comment(call)
    events.comment(call.world, call.repository, call.actor, one, "deleted")
    del call.repository.comments[one.id]
    return nothing()
