"""TRACK-6: filed and marked → ticket → pull request → shipped → the item is done and names the commits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.lifecycle import Stage
from domain.tracking import FactoryLabel, ItemStatus
from tests.adapters.tracker.desks import NAME, GitHubPeople, People
from tests.support.github import github_stand_in
from tests.support.repositories import git
from tests.tracking.journey import Journey, local_people, make_journey


@pytest.fixture(params=["local", "github"])
def people(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[People]:
    if request.param == "local":
        yield local_people(tmp_path)
        return
    with github_stand_in(tmp_path / "github.com") as github:
        yield GitHubPeople(github)


@pytest.fixture
def journey(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch) -> Journey:
    return make_journey(tmp_path, people, monkeypatch, autonomy="autonomous")


def test_from_item_to_shipped_and_back(journey: Journey) -> None:
    number = journey.wanted(title="Tidy calc", text="Swap the factors.\n\n- [ ] Tests pass (`python3 -m unittest -q`)")
    bystander = journey.people.write("not for the factory")
    assert journey.sync().filed == ["T-1"]
    [ticket] = journey.tickets()
    assert (ticket.manifest.title, ticket.manifest.tracker_item) == ("Tidy calc", f"{NAME}#{number}")
    assert "In the queue" in journey.said(number)

    assert journey.work(ticket).stage is Stage.TESTING
    journey.sync()
    assert journey.item(number).status is ItemStatus.IN_PROGRESS
    pull = journey.factory.lookup.pull_request(ticket.id)
    assert pull is not None
    assert FactoryLabel.REVIEW in journey.item(number).labels
    assert pull.url in journey.said(number)

    repository = journey.factory.lookup.repository(NAME)
    forge = journey.factory.forges["local"]
    merged = forge.end_pull_request(repository, pull.number, merge=True, actor="ann", reason="fine")
    journey.factory.operators.ship(ticket.id, actor="ann", merge_sha=merged.merge_sha, now=journey.factory.now())
    assert journey.sync().told == ["T-1"]
    item = journey.item(number)
    assert item.status is ItemStatus.DONE
    assert FactoryLabel.DONE in item.labels
    assert FactoryLabel.RUN not in item.labels
    real = git(Path(repository.remote), "rev-parse", "HEAD").strip()
    assert real == merged.merge_sha
    for words in (real, pull.head_sha, pull.url, "Verified: ✅ pass"):
        assert words in journey.said(number)
    assert journey.sync().told == []
    assert journey.people.comments(bystander) == []


def test_building_is_in_progress_and_started(journey: Journey) -> None:
    number = journey.wanted()
    journey.sync()
    [ticket] = journey.tickets()
    lease = journey.world.dispatch(ticket)
    journey.factory.run_ledger.start_run(lease.ref, dagster_run_id="d", ttl_seconds=60, now=journey.factory.now())
    journey.sync()
    assert journey.item(number).status is ItemStatus.IN_PROGRESS
    assert "Started on factory" in journey.said(number)
    assert "codex" in journey.said(number)
