"""What a protected branch asks for, and whether a pull request can be merged."""

from tests.support.github.access import Actor, has_role
from tests.support.github.bare import NOTHING
from tests.support.github.state import ROLES, Issue, Repository, Review, Values

GOOD = {"success", "neutral", "skipped"}


def section(repository: Repository, branch: str, name: str) -> Values | None:
    return repository.protections.get(branch, {}).get(name) or None


def bypasses(repository: Repository, branch: str, actor: Actor) -> bool:
    """An administrator in person may, unless the rules hold for them too; an App never may."""
    rules = repository.protections.get(branch, {})
    return not rules.get("enforce_admins") and not actor.acting_app and has_role(actor, repository, "admin")


def closed_to_pushes(repository: Repository, branch: str, actor: Actor) -> bool:
    rules = repository.protections.get(branch)
    if not rules or bypasses(repository, branch, actor):
        return False
    return bool(
        rules.get("required_pull_request_reviews") or rules.get("required_status_checks") or _restricted(rules, actor)
    )


def _restricted(rules: Values, actor: Actor) -> bool:
    allowed = rules.get("restrictions")
    if allowed is None:
        return False
    name = actor.acting_app.slug if actor.acting_app else actor.name
    return name not in [*allowed.get("users", ()), *allowed.get("apps", ())]


def linear_only(repository: Repository, branch: str, actor: Actor) -> bool:
    rules = repository.protections.get(branch)
    return bool(rules) and not (rules or {}).get("allow_force_pushes")


def refusal(repository: Repository, ref: str, actor: Actor, old: str, new: str) -> str | None:
    """Return why GitHub would refuse this move of a ref; None when it would not."""
    branch = ref.removeprefix("refs/heads/")
    if not ref.startswith("refs/heads/") or branch not in repository.protections:
        return None
    if closed_to_pushes(repository, branch, actor):
        return "Changes must be made through a pull request."
    if new == NOTHING and not repository.protections[branch].get("allow_deletions"):
        return "Cannot delete this protected branch"
    forced = NOTHING not in (old, new) and not repository.git.contains(new, old)
    if forced and linear_only(repository, branch, actor):
        return "Cannot force-push to this branch"
    return None


def latest_reviews(one: Issue) -> dict[str, Review]:
    """Return each person's newest review that decides something."""
    assert one.pull
    deciding = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
    return {review.user.login: review for review in one.pull.reviews if review.state in deciding}


def _counting(home: Repository, one: Issue, state: str) -> int:
    def writes(login: str) -> bool:
        return login.endswith("[bot]") or ROLES.index(home.roles.get(login, "none")) >= ROLES.index("write")

    return sum(review.state == state and writes(login) for login, review in latest_reviews(one).items())


def check_state(home: Repository, sha: str, context: str, app_id: int | None = None) -> str:
    """Return success, failure, pending or missing of a status or check run of this name."""
    runs = [one for one in home.check_runs.values() if one.head_sha == sha and one.name == context]
    if app_id and app_id > 0:
        runs = [one for one in runs if one.suite.app.id == app_id]
    else:
        told = [one.state for one in home.statuses if one.sha == sha and one.context == context]
        if told and (not runs or told[-1] != "success"):
            return "failure" if told[-1] == "error" else told[-1]
    if not runs:
        return "missing"
    if runs[-1].status != "completed":
        return "pending"
    return "success" if runs[-1].conclusion in GOOD else "failure"


def unmet(home: Repository, one: Issue) -> list[str]:
    """Return what the base branch's protection still asks for, in GitHub's words."""
    assert one.pull
    found = []
    if wanted := section(home, one.pull.base_ref, "required_pull_request_reviews"):
        count = wanted.get("required_approving_review_count", 1)
        if _counting(home, one, "CHANGES_REQUESTED"):
            found.append("Changes have been requested.")
        if _counting(home, one, "APPROVED") < count:
            found.append(f"At least {count} approving review is required by reviewers with write access.")
    if checks := section(home, one.pull.base_ref, "required_status_checks"):
        pinned = {each["context"]: each.get("app_id") for each in checks.get("checks", ())}
        contexts = {**dict.fromkeys(checks.get("contexts", ())), **pinned}
        for context, app_id in contexts.items():
            state = check_state(home, one.pull.head_sha, context, app_id)
            if state != "success":
                word = {"failure": "failing", "missing": "expected"}.get(state, state)
                found.append(f'Required status check "{context}" is {word}.')
        if checks.get("strict") and not home.git.contains(one.pull.head_sha, one.pull.base_sha):
            found.append("The head branch is not up to date with the base branch.")
    return found


def merge_state(home: Repository, one: Issue) -> tuple[bool | None, str]:
    """Return (mergeable, mergeable_state)."""
    assert one.pull
    if one.state != "open":
        return None, "unknown"
    if home.git.merged_tree(one.pull.base_sha, one.pull.head_sha) is None:
        return False, "dirty"
    if one.pull.draft:
        return True, "draft"
    if unmet(home, one):
        return True, "blocked"
    states = {each.context: each.state for each in home.statuses if each.sha == one.pull.head_sha}
    found = [each for each in home.check_runs.values() if each.head_sha == one.pull.head_sha]
    runs = {(each.suite.id, each.name): each.conclusion or "pending" for each in found}
    bad = set(states.values()) - {"success"} or set(runs.values()) - GOOD
    return True, "unstable" if bad else "clean"
