"""Check runs and suites, which only Apps may write, and statuses."""

from typing import Any

from tests.support.github import events
from tests.support.github.answers import Answer, Page, Refused, created, invalid, missing, unprocessable
from tests.support.github.routing import Call, route
from tests.support.github.shapes import checks
from tests.support.github.shapes.repositories import repository, url
from tests.support.github.state import App, CheckRun, CheckSuite, Repository, Status, Values
from tests.support.github.world import instant

R = "/repos/{owner}/{repo}"
TEXT_LIMIT, DESCRIPTION_LIMIT, STATUSES_LIMIT = 65535, 140, 1000
BY_APP = "You must authenticate via a GitHub App."


def _app(call: Call) -> App:
    if not call.actor.acting_app:
        raise Refused(403, BY_APP)
    return call.actor.acting_app


def _suite(call: Call, home: Repository, app: App, sha: str) -> CheckSuite:
    for one in home.suites:
        if one.app is app and one.head_sha == sha:
            return one
    made = CheckSuite(call.world.id(), app, sha, call.now, call.now)
    home.suites.append(made)
    return made


def _shape(call: Call, one: CheckRun) -> dict[str, Any]:
    return checks.check_run(call.world, call.repository, one)


@route("POST", R + "/check-runs", "checks:write")
def create_check_run(call: Call) -> Answer:
    home, body, app = call.repository, call.body, _app(call)
    if not home.git.has(body["head_sha"], "commit"):
        raise Refused(422, f"No commit found for SHA: {body['head_sha']}")
    suite = _suite(call, home, app, body["head_sha"])
    one = CheckRun(call.world.id(), suite, body["name"], body["head_sha"], instant(body.get("started_at")) or call.now)
    _take(call, one, body)
    home.check_runs[one.id] = one
    _tell(call, one, "created")
    return created(_shape(call, one))


def _take(call: Call, one: CheckRun, body: Values) -> None:
    """Raises: Refused with 422 before anything is taken over."""
    output = body.get("output") or {}
    if any(len(output.get(name) or "") > TEXT_LIMIT for name in ("summary", "text")):
        raise unprocessable(f"Invalid request.\n\nOnly {TEXT_LIMIT} characters are allowed")
    if body.get("status") == "completed" and not (body.get("conclusion") or one.conclusion):
        raise unprocessable('Invalid request.\n\n"conclusion" wasn\'t supplied.')
    for note in output.get("annotations", []):
        if note["start_line"] > note["end_line"]:
            raise invalid("CheckAnnotation", "end_line")
    one.name = body.get("name", one.name)
    one.external_id, one.details_url = (
        body.get("external_id", one.external_id),
        body.get("details_url", one.details_url),
    )
    one.status, one.conclusion = body.get("status", one.status), body.get("conclusion", one.conclusion)
    if "conclusion" in body:
        one.status = "completed"
    elif one.status != "completed":
        one.conclusion = one.completed_at = None
    if one.status == "completed":
        one.completed_at = instant(body.get("completed_at")) or one.completed_at or call.now
    one.output |= {name: output[name] for name in ("title", "summary", "text") if name in output}
    one.annotations += output.get("annotations", [])
    one.suite.updated_at = call.now


def _tell(call: Call, one: CheckRun, action: str) -> None:
    events.check_run(call.world, call.repository, call.actor, one, action)
    if one.status == "completed":
        events.check_run(call.world, call.repository, call.actor, one, "completed")


def _run(call: Call) -> CheckRun:
    one = call.repository.check_runs.get(call.values["check_run_id"])
    if not one:
        raise missing()
    return one


@route("GET", R + "/check-runs/{check_run_id}", "checks:read")
def get_check_run(call: Call) -> Any:
    return _shape(call, _run(call))


@route("PATCH", R + "/check-runs/{check_run_id}", "checks:write")
def update_check_run(call: Call) -> Any:
    one = _run(call)
    if one.suite.app is not _app(call):
        raise Refused(
            403,
            "Invalid app_id `"
            + str(_app(call).id)
            + "` - check run can only be modified by the GitHub App that created it.",
        )
    finished = one.status == "completed"
    _take(call, one, call.body)
    if one.status == "completed" and not finished:
        events.check_run(call.world, call.repository, call.actor, one, "completed")
    return _shape(call, one)


@route("GET", R + "/check-runs/{check_run_id}/annotations", "checks:read")
def list_annotations(call: Call) -> Page:
    one = _run(call)
    blob = f"{call.world.host}/{call.repository.full_name}/blob/{one.head_sha}"
    empty = dict.fromkeys(("start_column", "end_column", "title", "raw_details"))
    return Page(one.annotations, lambda note: {**empty, **note, "blob_href": f"{blob}/{note['path']}"})


def _sha(call: Call) -> str:
    sha = call.repository.git.commit(call.values["ref"])
    if not sha:
        raise Refused(422, f"No commit found for SHA: {call.values['ref']}")
    return sha


def _filtered(call: Call, found: list[CheckRun]) -> Page:
    name, status, app_id = call.query("check_name"), call.query("status"), call.query("app_id")
    kept = [
        one
        for one in found
        if name in ("", one.name) and status in ("", one.status) and app_id in ("", str(one.suite.app.id))
    ]
    if call.query("filter", "latest") == "latest":
        kept = list({(one.suite.id, one.name): one for one in kept}.values())
    return Page(kept[::-1], lambda one: _shape(call, one), wrap="check_runs")


@route("GET", R + "/commits/{ref}/check-runs", "checks:read")
def list_check_runs(call: Call) -> Page:
    sha = _sha(call)
    return _filtered(call, [one for one in call.repository.check_runs.values() if one.head_sha == sha])


@route("GET", R + "/check-suites/{check_suite_id}/check-runs", "checks:read")
def runs_of_suite(call: Call) -> Page:
    suite = _find_suite(call)
    return _filtered(call, [one for one in call.repository.check_runs.values() if one.suite is suite])


@route("GET", R + "/commits/{ref}/check-suites", "checks:read")
def list_suites(call: Call) -> Page:
    sha, app_id = _sha(call), call.query("app_id")
    found = [one for one in call.repository.suites if one.head_sha == sha and app_id in ("", str(one.app.id))]
    return Page(found, lambda one: checks.full_suite(call.world, call.repository, one), wrap="check_suites")


@route("GET", R + "/check-suites/{check_suite_id}", "checks:read")
def get_suite(call: Call) -> Any:
    return checks.full_suite(call.world, call.repository, _find_suite(call))


def _find_suite(call: Call) -> CheckSuite:
    for one in call.repository.suites:
        if one.id == call.values["check_suite_id"]:
            return one
    raise missing()


@route("POST", R + "/check-suites", "checks:write")
def create_suite(call: Call) -> Answer:
    home, sha, app = call.repository, call.body["head_sha"], _app(call)
    if not home.git.has(sha, "commit"):
        raise Refused(422, f"No commit found for SHA: {sha}")
    return created(checks.full_suite(call.world, home, _suite(call, home, app, sha)))


@route("POST", R + "/statuses/{sha}", "statuses:write")
def create_status(call: Call) -> Answer:
    home, sha, body = call.repository, call.values["sha"], call.body
    if not home.git.has(sha, "commit"):
        raise Refused(422, f"No commit found for SHA: {sha}")
    if len(body.get("description") or "") > DESCRIPTION_LIMIT:
        raise invalid(
            "Status", "description", "custom", f"description is too long (maximum is {DESCRIPTION_LIMIT} characters)"
        )
    context = body.get("context") or "default"
    if sum(one.sha == sha and one.context == context for one in home.statuses) >= STATUSES_LIMIT:
        raise Refused(422, "Validation Failed", ["This SHA and context has reached the maximum number of statuses."])
    assert call.actor.account
    number, who = call.world.id(), call.actor.account
    one = Status(number, sha, context, body["state"], body.get("description"), body.get("target_url"), who, call.now)
    home.statuses.append(one)
    events.status(call.world, home, call.actor, one)
    return created(checks.status(call.world, home, one))


@route("GET", R + "/statuses/{ref}", "statuses:read", described=False)
@route("GET", R + "/commits/{ref}/statuses", "statuses:read")
def list_statuses(call: Call) -> Page:
    sha = _sha(call)
    found = [one for one in call.repository.statuses if one.sha == sha][::-1]
    return Page(found, lambda one: checks.status(call.world, call.repository, one))


@route("GET", R + "/commits/{ref}/status", "statuses:read")
def combined_status(call: Call) -> Page:
    sha, home = _sha(call), call.repository
    latest = {one.context: one for one in home.statuses if one.sha == sha}
    states = {one.state for one in latest.values()}
    state = (
        "failure" if states & {"failure", "error"} else "pending" if "pending" in states or not states else "success"
    )
    at = url(call.world, home)
    extra = {
        "state": state,
        "sha": sha,
        "repository": repository(call.world, home),
        "commit_url": f"{at}/commits/{sha}",
        "url": f"{at}/commits/{sha}/status",
    }
    return Page(list(latest.values()), lambda one: checks.status(call.world, home, one), wrap="statuses", extra=extra)
