"""`factory repo check` and `factory repo protect`: what GitHub still lacks, how to mend it, and what happens when it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.forge.github.inspection import EVENTS
from domain.tracking import FactoryLabel
from resources.hub_needs import LABELS
from resources.tracking import LOOKED_EVERY
from tests.control_plane.conftest import Cli
from tests.support.hub import SECRET, HubHouse, hub_house

DOOR = "https://factory.example.org"
HOOK = f"{DOOR}/v1/webhooks/github"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubHouse]:
    for name in ("BASE_URL", "APP_ID", "INSTALLATION_ID"):  # so that undoing a test's own change leaves nothing behind
        monkeypatch.setenv(f"FACTORY_GITHUB__{name}", "")
    monkeypatch.setenv("FACTORY_PUBLIC_URL", DOOR)
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    with hub_house(tmp_path, hooked=False) as found:
        yield found


def needs(cli: Cli, *words: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code, and each need's state and remedy."""
    said = cli("repo", *words, "calc", "--json")
    rows: list[dict[str, Any]] = said.document["needs"]
    return said.code, {one["what"]: (one["state"], one["remedy"]) for one in rows}


def missing(rows: dict[str, tuple[str, str]]) -> set[str]:
    return {what for what, (state, _remedy) in rows.items() if state == "missing"}


def mend(house: HubHouse, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    admin = house.hub("root")
    for label in FactoryLabel:
        admin.create_label(label.value, "ededed")
    admin.create_hook("web", {"url": HOOK, "content_type": "json", "secret": SECRET}, list(EVENTS), active=True)
    with monkeypatch.context() as patch:
        as_root(house, patch)
        assert needs(cli, "protect")[0] == 0


def as_root(house: HubHouse, patch: pytest.MonkeyPatch) -> None:
    """Sign in with an administrator's token in place of the App."""
    for name in ("APP_ID", "INSTALLATION_ID"):
        patch.delenv(f"FACTORY_GITHUB__{name}")
    patch.setenv("FACTORY_SECRET_GITHUB_TOKEN", house.github.token("root"))


def test_everything_that_lacks_is_named_with_its_remedy(cli: Cli, house: HubHouse) -> None:
    code, rows = needs(cli, "check")
    assert code == 1
    lacking = missing(rows)
    assert {f"label {label.value}" for label in FactoryLabel} <= lacking
    assert f"webhook to {HOOK}" in lacking
    assert {what for what in lacking if what.startswith("main: ")}
    assert all(remedy for state, remedy in rows.values() if state != "ok")
    assert "run `factory repo check calc --fix`" in rows["label agent:run"][1]
    assert "factory repo protect" in next(rows[what][1] for what in lacking if what.startswith("main: "))
    text = cli("repo", "check", "calc").out
    assert "MISSING  label agent:run: run `factory repo check calc --fix`" in text
    assert f"MISSING  webhook to {HOOK}: add it in the repository's settings" in text


def test_mended_nothing_lacks(cli: Cli, house: HubHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    mend(house, monkeypatch, cli)
    code, rows = needs(cli, "check")
    assert (code, missing(rows)) == (0, set())


@pytest.mark.parametrize("lacking", ["contents", "pull_requests", "issues", "statuses", "checks"])
def test_a_permission_the_app_lacks_is_named(
    cli: Cli, house: HubHouse, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    mend(house, monkeypatch, cli)
    (installation,) = house.github.world.installations.values()
    installation.permissions[lacking] = "read"
    code, rows = needs(cli, "check")
    (found,) = missing(rows)
    assert (code, found.startswith(f"permission {lacking}: write")) == (1, True)
    assert rows[found][1] == f"grant `{lacking}: write` to the App or token"


def test_what_may_not_be_looked_at_is_unknown_and_no_success(
    cli: Cli, house: HubHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend(house, monkeypatch, cli)
    (installation,) = house.github.world.installations.values()
    del installation.permissions["repository_hooks"]
    house.sign_in_anew()
    code, rows = needs(cli, "check")
    assert (code, missing(rows)) == (3, set())
    assert rows[f"webhook to {HOOK}"] == (
        "unknown",
        "grant `webhooks: read`, or look in the repository's settings",
    )


def test_protect_with_check_changes_nothing(cli: Cli, house: HubHouse) -> None:
    before = len(house.github.writes())
    code, rows = needs(cli, "protect", "--check")
    assert (code, bool(missing(rows))) == (1, True)
    assert all(one.template.endswith("access_tokens") for one in house.github.writes()[before:])


def test_protect_adds_what_lacks_and_keeps_what_people_set(
    cli: Cli, house: HubHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.hub("root").get_branch("main").edit_protection(required_approving_review_count=2, enforce_admins=True)
    as_root(house, monkeypatch)
    assert needs(cli, "protect")[0] == 0
    told = house.hub("root").get_branch("main").get_protection()
    assert told.required_pull_request_reviews.required_approving_review_count == 2
    assert told.enforce_admins
    before = len(house.github.writes())
    assert needs(cli, "protect")[0] == 0
    assert house.github.writes()[before:] == [], "a second time there is nothing to do"


def test_the_checks_of_this_repository_are_required_and_no_others(
    cli: Cli, house: HubHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_root(house, monkeypatch)
    source = house.repository.source
    assert cli("repo", "add", "calc", source, "--required-check", "build", "--no-check").code == 0
    assert needs(cli, "protect")[0] == 0
    told = house.hub("root").get_branch("main").get_protection()
    assert told.required_status_checks.contexts == ["build"]


def test_who_may_not_protect_is_told_what_to_grant(cli: Cli, house: HubHouse) -> None:
    said = cli("repo", "protect", "calc", "--json")
    assert (said.code, said.error["code"]) == (1, "forge.refused")
    assert "`administration: write`" in said.error["message"]


def test_fix_makes_the_labels_says_so_and_does_nothing_the_second_time(cli: Cli, house: HubHouse) -> None:
    said = cli("repo", "check", "calc", "--fix").out
    assert [f"made     label {label.value}" in said.splitlines() for label in FactoryLabel] == [True] * len(
        FactoryLabel
    )
    assert {one.name for one in house.hub().get_labels()} == {label.value for label in FactoryLabel}
    before = [one for one in house.github.writes() if one.template.endswith("/labels")]
    code, rows = needs(cli, "check", "--fix")
    assert code == 1, "what it cannot mend is missing still"
    assert {rows[f"label {label.value}"][0] for label in FactoryLabel} == {"ok"}
    assert [one for one in house.github.writes() if one.template.endswith("/labels")] == before


def test_every_label_has_its_description() -> None:
    assert set(LABELS) == {label.value for label in FactoryLabel}
    assert all(0 < len(text) <= 100 for text in LABELS.values()), "GitHub takes no more"


def test_without_a_public_address_it_is_said_that_the_factory_looks_by_itself(
    cli: Cli, house: HubHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend(house, monkeypatch, cli)
    monkeypatch.delenv("FACTORY_PUBLIC_URL")
    code, rows = needs(cli, "check")
    (told,) = (value for what, value in rows.items() if "webhook" in what)
    assert (code, told[0], f"looks by itself every {LOOKED_EVERY} s" in told[1]) == (0, "info", True)
    assert "note     no webhook is expected: `public_url` is not set: the factory" in cli("repo", "check", "calc").out


def test_a_wrong_installation_is_named(cli: Cli, house: HubHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORY_GITHUB__INSTALLATION_ID", "424242")
    code, rows = needs(cli, "check")
    state, remedy = rows["repository acme/calc"]
    assert (code, state, "installation 424242 does not exist for the App" in remedy) == (1, "missing", True)


def test_an_installation_without_the_repository_is_named(
    cli: Cli, house: HubHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installation,) = house.github.world.installations.values()
    installation.repositories.clear()
    house.sign_in_anew()
    code, rows = needs(cli, "check")
    state, remedy = rows["repository acme/calc"]
    assert (code, state, f"installation {installation.id} does not reach acme/calc" in remedy) == (1, "missing", True)


def test_a_credential_that_github_does_not_know(cli: Cli, house: HubHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    as_root(house, monkeypatch)
    monkeypatch.setenv("FACTORY_SECRET_GITHUB_TOKEN", "ghp_" + "x" * 36)
    said = cli("repo", "check", "calc", "--json")
    assert (said.code, said.error["code"]) == (1, "forge.refused")
    assert "ghp_" not in said.out + said.err


def test_a_github_that_does_not_answer(cli: Cli, house: HubHouse) -> None:
    house.github.fail(on="GET /repos/{owner}/{repo}", next=50, status=502)
    said = cli("repo", "check", "calc", "--json")
    assert (said.code, said.error["code"]) == (1, "forge.unavailable")


def test_a_repository_that_is_not_there_or_not_on_github(cli: Cli, world) -> None:
    for verb in ("check", "protect"):
        assert cli("repo", verb, "calc", "--json").error["code"] == "input.invalid"
        assert cli("repo", verb, "nope", "--json").error["code"] == "input.not_found"
