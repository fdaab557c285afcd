"""What a repository on GitHub lacks for the factory, and branch protection as code (SEC-16)."""

from pathlib import Path

import pytest
from github.GithubException import RateLimitExceededException

from adapters._vendor.github import GitHub
from adapters._vendor.github_access import AppAccess, TokenAccess
from adapters.forge.github.forge import GitHubForge
from adapters.forge.github.inspection import EVENTS, Wanted, inspect
from adapters.forge.github.labels import labels, with_labels_made
from adapters.forge.github.permissions import needing
from adapters.forge.github.protection import Protection, compared, protect, protected
from domain.errors import ForgeRefused, ForgeUnavailable
from tests.adapters.forge.github.hub import BOT, FULL_NAME, QUICK, make_forge, signed_in_with_token

HOOK = "https://factory.example/v1/webhooks/github"
WANTED = Wanted("main", HOOK, "FACTORY_SECRET_WEBHOOK_DEMO", ("agent:run",))


@pytest.fixture
def enrolled(tmp_path: Path, github, workshop):
    def enrol(sign_in):
        forge = make_forge(tmp_path / "forge", github, sign_in)
        repository = workshop.repository(forge.enrol("demo", workshop.address, None)[0])
        return forge.site(repository)

    return enrol


def _as_admin(github):
    github.grant(FULL_NAME, "root", "admin")
    return GitHub(TokenAccess(lambda: github.token("root")), base_url=github.base_url, manners=QUICK)


def _app_with(**permissions):
    def sign_in(github):
        installation = github.install(github.app("narrow", {"metadata": "read", **permissions}), FULL_NAME)
        app = installation.app
        return GitHub(
            AppAccess(str(app.id), installation.id, lambda: app.private_key, permissions),
            base_url=github.base_url,
            manners=QUICK,
        )

    return sign_in


def _states(found):
    return {need.what: need.state for need in found}


def test_a_bare_repository_lacks_everything_and_every_lack_has_a_remedy(enrolled, github):
    found = inspect(enrolled(_as_admin), WANTED)
    states = _states(found)
    assert states["signed in as root"] == states["issues are switched on"] == "ok"
    assert states["label agent:run"] == states[f"webhook to {HOOK}"] == "missing"
    assert {state for what, state in states.items() if what.startswith("main: ")} == {"missing"}
    assert all(need.remedy for need in found if need.state != "ok")
    (hook,) = (need for need in found if need.what.startswith("webhook to"))
    assert "the secret FACTORY_SECRET_WEBHOOK_DEMO" in hook.remedy


def test_what_was_mended_is_met(enrolled, github):
    site = enrolled(_as_admin)
    admin = github.as_person("root").get_repo(FULL_NAME)
    admin.create_label("Agent:Run", "ededed")
    admin.create_hook("web", {"url": HOOK, "content_type": "json", "secret": "x"}, list(EVENTS), active=True)
    protect(site, "main", Protection(), apply=True)
    states = _states(inspect(site, WANTED))
    unmet = {what.partition(":")[0]: state for what, state in states.items() if state != "ok"}
    assert unmet == {"permission issues": "unknown"}


def test_a_hook_that_lacks_events_secret_or_life_is_told(enrolled, github):
    site = enrolled(_as_admin)
    hook = (
        github.as_person("root")
        .get_repo(FULL_NAME)
        .create_hook("web", {"url": HOOK, "content_type": "json"}, ["issues"], active=False)
    )
    states = _states(inspect(site, WANTED))
    assert [
        states[what] for what in ("webhook is active", "webhook has a secret", "webhook sends every event needed")
    ] == ["missing"] * 3
    assert hook.active is False


@pytest.mark.parametrize(
    ("lacking", "issues"),
    [({"contents"}, "unknown"), ({"pull_requests"}, "unknown"), ({"statuses"}, "unknown"), ({"issues"}, "unknown"), ({"issues", "pull_requests"}, "missing")],
)  # fmt: skip
def test_a_missing_permission_of_a_token_is_found_without_any_effect(enrolled, github, lacking, issues):
    """Where pull requests may be written GitHub lets labels be written too: that of issues alone stays unknown."""
    given = dict.fromkeys(("contents", "pull_requests", "issues", "statuses"), "write") | dict.fromkeys(lacking, "read")

    def sign_in(github):
        token = github.fine_grained_token(BOT, {FULL_NAME: given})
        return GitHub(TokenAccess(lambda: token), base_url=github.base_url, manners=QUICK)

    states = _states(inspect(enrolled(sign_in), Wanted("main")))
    found = {what.split(":")[0].split()[1]: state for what, state in states.items() if what.startswith("permission")}
    expected = {name: "missing" if name in lacking else "ok" for name in given} | {"issues": issues}
    assert found == expected
    home = github.find(FULL_NAME)
    assert not home.issues and not home.statuses and not home.comments and not home.labels
    assert set(home.git.refs("refs/heads/")) == {"refs/heads/main"}


def test_what_an_app_was_granted_is_what_its_installation_says(enrolled, github):
    states = _states(inspect(enrolled(_app_with(contents="write", checks="write", pull_requests="read")), WANTED))
    assert [state for what, state in states.items() if what.startswith("permission")] == [
        "ok",
        "missing",
        "missing",
        "missing",
        "ok",
    ]


def test_what_may_not_be_looked_at_is_unknown_never_met(enrolled, github):
    states = _states(inspect(enrolled(signed_in_with_token), WANTED))
    assert states["protection of main"] == "unknown"
    assert states[f"webhook to {HOOK}"] == "unknown"


def test_an_archived_repository_is_said_and_a_bad_credential_refused(enrolled, github, tmp_path):
    site = enrolled(_as_admin)
    github.find(FULL_NAME).settings["archived"] = True
    assert _states(inspect(site, WANTED))[f"repository {FULL_NAME} can be written"] == "missing"
    bad = GitHub(TokenAccess(lambda: "stand-in-nonsense"), base_url=github.base_url, manners=QUICK)
    with pytest.raises(ForgeRefused, match="renew the token"):
        inspect(GitHubForge(tmp_path / "forge", bad)._site("demo", f"{github.host}/{FULL_NAME}"), WANTED)


def test_labels_that_lack_are_made_once_and_people_s_stay(enrolled, github):
    site, wanted = enrolled(_as_admin), {"agent:run": "Wanted from the factory", "agent:done": "Merged"}
    github.as_person("root").get_repo(FULL_NAME).create_label("Agent:Done", "ededed", "ours")
    told = with_labels_made(site, labels(site, list(wanted)), wanted)
    assert [(one.what, one.state) for one in told] == [("label agent:run", "made"), ("label agent:done", "ok")]
    shown = {one.name: one.description for one in site.hub.get_labels()}
    assert shown == {"agent:run": "Wanted from the factory", "Agent:Done": "ours"}
    before = len(github.writes())
    assert [one.state for one in with_labels_made(site, labels(site, list(wanted)), wanted)] == ["ok", "ok"]
    assert len(github.writes()) == before


def test_a_label_that_somebody_made_meanwhile_is_there(enrolled, github):
    site = enrolled(_as_admin)
    found = labels(site, ["agent:run"])
    github.as_person("root").get_repo(FULL_NAME).create_label("agent:run", "ededed", "ours")
    assert [one.state for one in with_labels_made(site, found, {"agent:run": "x"})] == ["made"]
    assert [one.description for one in site.hub.get_labels()] == ["ours"]


def test_who_may_not_make_labels_is_told_what_to_grant(enrolled, github):
    site = enrolled(_app_with(contents="write", issues="read"))
    with pytest.raises(ForgeRefused, match="`issues: write`"):
        with_labels_made(site, labels(site, ["agent:run"]), {"agent:run": "x"})
    assert not github.find(FULL_NAME).labels


def test_without_an_address_no_webhook_is_expected_and_that_is_said(enrolled, github):
    found = inspect(enrolled(_as_admin), Wanted("main", without_hook="it looks by itself"))
    assert [tuple(one) for one in found if "webhook" in one.what] == [
        ("no webhook is expected: `public_url` is not set", "info", "it looks by itself")
    ]


def test_protecting_is_checked_applied_and_repeated(enrolled, github):
    site = enrolled(_as_admin)
    wanted = Protection()
    assert {need.state for need in protect(site, "main", wanted, apply=False)} == {"missing"}
    assert github.find(FULL_NAME).protections == {}
    for _ in range(2):
        assert {need.state for need in protect(site, "main", wanted, apply=True)} == {"ok"}
    shown = github.as_person("root").get_repo(FULL_NAME).get_branch("main").get_protection()
    assert sorted(shown.required_status_checks.contexts) == ["docs-check", "lint", "test"]
    assert shown.required_pull_request_reviews.required_approving_review_count == 1
    assert shown.raw_data["required_conversation_resolution"] == {"enabled": True}
    assert shown.allow_force_pushes is False


def test_who_may_not_protect_is_told(enrolled, github):
    site = enrolled(signed_in_with_token)
    with pytest.raises(ForgeRefused, match=r"Must have admin rights.*`administration: write`"):
        protect(site, "main", Protection(), apply=True)
    with pytest.raises(ForgeRefused, match="`administration: read`"):
        protect(site, "main", Protection(), apply=False)


def test_what_may_pass_is_no_lacking_permission(enrolled, github):
    site = enrolled(_as_admin)
    github.fail(on="PUT /repos/{owner}/{repo}/branches/{branch}/protection", next=50, status=502)
    with pytest.raises(ForgeUnavailable):
        protect(site, "main", Protection(), apply=True)
    with pytest.raises(RateLimitExceededException), needing("administration: write"):
        raise RateLimitExceededException(403, {"message": "API rate limit exceeded"}, {"retry-after": "9"})


STRICT = {
    "required_status_checks": {"strict": True, "contexts": ["old", "lint"], "checks": [{"context": "old", "app_id": 7}, {"context": "lint", "app_id": None}]},
    "enforce_admins": {"enabled": True},
    "required_pull_request_reviews": {"required_approving_review_count": 3, "require_code_owner_reviews": True, "dismissal_restrictions": {"users": [{"login": "ann"}], "teams": [], "apps": []}},
    "restrictions": {"users": [{"login": "ann"}], "teams": [{"slug": "core"}], "apps": []},
    "required_linear_history": {"enabled": True},
    "allow_force_pushes": {"enabled": True},
    "lock_branch": {"enabled": False},
}  # fmt: skip


def test_what_people_set_beyond_it_stays():
    body = protected(STRICT, Protection(checks=("lint", "governance"), apps={"governance": 42}))
    assert body["required_status_checks"] == {
        "strict": True,
        "checks": [{"context": "old", "app_id": 7}, {"context": "lint"}, {"context": "governance", "app_id": 42}],
    }
    assert body["enforce_admins"] is body["required_linear_history"] is body["required_conversation_resolution"] is True
    assert body["required_pull_request_reviews"] == {
        "required_approving_review_count": 3,
        "require_code_owner_reviews": True,
        "dismissal_restrictions": {"users": ["ann"], "teams": [], "apps": []},
    }
    assert body["restrictions"] == {"users": ["ann"], "teams": ["core"], "apps": []}
    assert body["allow_force_pushes"] is body["allow_deletions"] is False
    assert "lock_branch" not in body


def test_a_check_that_anybody_may_set_is_not_the_pinned_one():
    states = {
        need.what: need.state
        for need in compared(STRICT, Protection(checks=("old", "lint"), apps={"old": 7, "lint": 42}), "main")
    }
    assert (states["main: check 'old' is required"], states["main: check 'lint' is required"]) == ("ok", "missing")


def test_an_unprotected_branch_meets_nothing():
    assert {need.state for need in compared(None, Protection(), "main")} == {"missing"}
