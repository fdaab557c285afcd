"""The real effects: what counts is what the forge says now, in whatever order and however often deliveries come."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.ledger.migrate import upgrade
from domain.deliveries import DeliveryState
from domain.forge import Edits, PullRequestState
from domain.lifecycle import Stage
from policy.effects import CancelTicket, FileTicket, ObeyCommand
from resources.settings import load_settings
from resources.wiring import Factory, open_factory
from tests.adapters.ledger.book import SHA, pull_request_of
from tests.webhooks.pulls import ANN, Scene, copy_of, make_scene

OLD, NEW = "1" * 40, "2" * 40
OPEN, MERGED, CLOSED = PullRequestState.OPEN, PullRequestState.MERGED, PullRequestState.CLOSED


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Factory:
    return open_factory(load_settings(tmp_path_factory.mktemp("home")), migrate=True)


@pytest.fixture(scope="module")
def fresh(factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a maker of scenes, each on a ledger of its own."""
    folder = tmp_path_factory.mktemp("ledgers")
    template = folder / "template.sqlite"
    upgrade(f"sqlite:///{template}")
    numbers = itertools.count()
    made: list[Scene] = []

    def make() -> Scene:
        while made:
            made.pop().book.engine.dispose()
        made.append(make_scene(copy_of(template, folder / f"{next(numbers)}.sqlite"), factory))
        return made[0]

    yield make


@pytest.fixture
def scene(fresh: Any) -> Scene:
    return fresh()


def pull_event(scene: Scene, action: str, *, head: str = SHA, merged: bool = False, **more: Any) -> None:
    told = {"number": scene.number, "head": {"sha": head}, "merged": merged, **more}
    scene.take("pull_request", action=action, pull_request=told)


def test_a_head_is_judged_as_it_is_now(scene):
    scene.show(head_sha=NEW)
    pull_event(scene, "opened", head=OLD)
    assert scene.drain() == {DeliveryState.DONE: 1}
    assert scene.judged == {(scene.number, NEW)}


@pytest.mark.parametrize("state", [MERGED, CLOSED, None])
def test_what_is_not_open_is_not_judged(scene, state):
    if state is not None:
        scene.show(state=state)
    pull_event(scene, "synchronize")
    assert scene.drain() == {DeliveryState.DONE: 1}
    assert scene.judged == set()
    assert scene.book.inbox.find("d-1").outcome == f"#{scene.number} is not open"


def test_a_merge_by_a_person_ships_the_ticket(scene):
    scene.show(state=MERGED, merged_by="bob", merge_sha=NEW)
    scene.edits = Edits(differing=1, merged=4)
    pull_event(scene, "closed", merged=True)
    scene.drain()
    assert scene.book.ticket(scene.ticket).stage is Stage.SHIPPED
    assert {one.human_edit_rate for one in scene.book.oversight.outcomes()} == {0.25}
    pull = scene.book.lookup.pull_request(scene.ticket)
    assert (pull.state, pull.merged_by, pull.merge_sha) == (MERGED, "bob", NEW)


def test_a_closed_pull_request_cancels_its_ticket_but_not_what_came_after(scene):
    scene.show(state=CLOSED)
    pull_event(scene, "closed")
    scene.drain()
    assert scene.book.ticket(scene.ticket).stage is Stage.DEAD_LETTER
    scene.book.operators.requeue(scene.ticket, actor="ann", reason="again", now=scene.factory.now())
    scene.book.inbox.replay("d-1")
    assert scene.drain() == {DeliveryState.DONE: 1}
    assert scene.book.ticket(scene.ticket).stage is Stage.QUEUED


def test_an_end_that_the_forge_takes_back_is_none(scene):
    before = scene.outcome()
    scene.show(state=OPEN)
    pull_event(scene, "closed", merged=True)
    assert scene.drain() == {DeliveryState.DONE: 1}
    assert scene.outcome() == before


@pytest.mark.parametrize(
    "forged", [{"number": 99}, {"ticket_id": None}, {"ticket_id": "T-77"}, {"number": 99, "ticket_id": "T-1"}]
)
def test_a_forged_marker_ships_and_reworks_nothing(scene, forged):
    """Anybody may write our marker into a pull request of their own; only the one in our record is ours."""
    before = scene.outcome()
    pull = scene.show(state=MERGED, merged_by="mallory", **forged)
    scene.take("pull_request", action="closed", pull_request={"number": pull.number, "merged": True})
    scene.show(state=OPEN, **forged)
    scene.take("pull_request_review", action="submitted", pull_request={"number": pull.number},
               review={"id": 3, "state": "changes_requested", "user": ANN})  # fmt: skip
    assert scene.drain() == {DeliveryState.DONE: 2}
    assert scene.outcome() == before


def test_an_objection_to_our_pull_request_is_followed_up(scene):
    scene.show()
    scene.take("pull_request_review", action="submitted", pull_request={"number": scene.number},
               review={"id": 3, "state": "changes_requested", "user": ANN})  # fmt: skip
    scene.drain()
    assert scene.reworked == {(scene.number, "ann requested changes")}


def test_a_failed_check_or_status_finds_its_pull_request_by_head(scene):
    scene.show(head_sha=NEW)
    scene.take("check_run", action="completed", check_run={"name": "ci", "conclusion": "failure", "head_sha": NEW})
    scene.take("status", state="error", context="ci/x", sha=NEW)
    scene.take("status", state="error", context="ci/old", sha=OLD)
    numbered = {"name": "late", "conclusion": "failure", "head_sha": OLD, "pull_requests": [{"number": scene.number}]}
    scene.take("check_run", action="completed", check_run=numbered)
    assert scene.drain() == {DeliveryState.DONE: 4}
    reasons = {reason for _, reason in scene.reworked}
    assert reasons == {"the check ci ended in failure", "the status ci/x is error"}


def test_items_and_orders_are_handed_on(scene):
    marked = {"number": 5, "labels": [{"name": "agent:run"}]}
    scene.take("issues", action="labeled", label={"name": "agent:run"}, issue=marked)
    scene.take("issues", action="closed", issue=marked)
    comment = {"id": 9, "user": ANN, "body": "/factory retry"}
    scene.take("issue_comment", action="created", issue={"number": 5}, comment=comment)
    scene.drain()
    assert [type(one) for one in scene.reconciled] == [FileTicket, CancelTicket, ObeyCommand]


def test_a_merge_while_a_run_is_at_work_is_tried_again(scene):
    other = scene.book.file()
    lease = scene.book.collected(other)
    scene.book.evidence.save_pull_request(lease, pull_request_of(lease), now=scene.book.now)
    scene.show(number=int(other.id[2:]), ticket_id=other.id, state=MERGED, merged_by="bob", merge_sha=NEW)
    scene.take("pull_request", action="closed", pull_request={"number": int(other.id[2:]), "merged": True})
    assert scene.drain() == {DeliveryState.WAITING: 1}
    assert scene.book.inbox.find("d-1").outcome.startswith("lifecycle.illegal_transition")


LIFE = [
    ("opened", {"head": OLD}),
    ("synchronize", {"head": NEW}),
    ("synchronize", {"head": SHA}),
    ("ready_for_review", {"head": SHA}),
    ("closed", {"merged": True, "merged_by": {"login": "bob", "type": "User"}, "merge_commit_sha": NEW}),
    ("reopened", {"head": SHA}),
    ("review", {}),
    ("status", {}),
]


def live(scene: Scene, order: list[int], pauses: set[int]) -> tuple[Any, ...]:
    """Send these events in this order, draining in between where told, and once more all again."""
    for place, index in enumerate(order):
        action, more = LIFE[index]
        if action == "review":
            scene.take("pull_request_review", action="submitted", pull_request={"number": scene.number},
                       review={"id": 3, "state": "changes_requested", "user": ANN})  # fmt: skip
        elif action == "status":
            scene.take("status", state="failure", context="ci", sha=SHA)
        else:
            pull_event(scene, action, **more)
        if place in pauses:
            scene.drain()
    scene.drain()
    for delivery in scene.book.inbox.newest():
        assert delivery.state is DeliveryState.DONE, delivery
        scene.book.inbox.replay(delivery.id)
    scene.drain()
    return scene.outcome()


ORDERS = st.permutations(range(len(LIFE))).flatmap(
    lambda order: st.lists(st.sampled_from(range(len(LIFE))), max_size=3).map(lambda more: [*order, *more])
)


@pytest.mark.parametrize("shown", [{"state": MERGED, "merged_by": "bob", "merge_sha": NEW}, {"state": CLOSED}, {}])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=ORDERS, pauses=st.sets(st.integers(0, 10)))
def test_whatever_the_order_and_however_often_the_end_is_the_same(fresh, shown, order, pauses):
    expected = _expected(fresh, shown)
    scene = fresh()
    scene.show(**shown)
    assert live(scene, order, pauses) == expected


def _expected(fresh: Any, shown: dict[str, Any], known: dict[str, Any] = {}) -> tuple[Any, ...]:  # noqa: B006 - a memo
    key = repr(sorted(shown.items()))
    if key not in known:
        scene = fresh()
        scene.show(**shown)
        known[key] = live(scene, list(range(len(LIFE))), set())
    return known[key]


KILLED = """
import os, sys
from pathlib import Path
from domain.forge import PullRequestState
from resources.settings import load_settings
from resources.wiring import open_factory
from sensors.inbox_effects import ForgeEffects
from tests.adapters.ledger.book import open_book
from tests.webhooks.pulls import Scene
home, url, ticket, after = sys.argv[1:]
real = ForgeEffects.end_pull
def killed(*words):
    if after == "after":
        real(*words)
    os.kill(os.getpid(), 9)
ForgeEffects.end_pull = killed
from dataclasses import replace
book = open_book(url)
factory = open_factory(load_settings(Path(home)))
scene = Scene(replace(factory, inbox=book.inbox, lookup=book.lookup, operators=book.operators), book, ticket)
scene.show(state=PullRequestState.MERGED, merged_by="bob", merge_sha="2" * 40)
scene.drain()
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_drain_killed_before_it_settled_carries_on(scene, when):
    scene.show(state=MERGED, merged_by="bob", merge_sha=NEW)
    pull_event(scene, "closed", merged=True)
    url = scene.book.engine.url.render_as_string(hide_password=False)
    words = [sys.executable, "-c", KILLED, str(scene.factory.settings.home), url, scene.ticket, when]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        words, cwd=root, env=dict(os.environ), check=False, timeout=120, capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr
    assert scene.book.inbox.find("d-1").state is DeliveryState.WAITING
    assert scene.drain() == {DeliveryState.DONE: 1}
    assert scene.book.ticket(scene.ticket).stage is Stage.SHIPPED
    assert scene.book.events(scene.ticket).count("ticket_shipped") == 1
