"""The night shift: a labelled issue becomes a pull request that governance objects to, is mended, merged by a person."""

import hashlib
import re
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from domain.deliveries import DeliveryState
from domain.governance import Verdict
from domain.lifecycle import RunState, Stage
from policy.governance.model import RULES
from tests.e2e.night import BOT, FULL_NAME, NAME, Night, a_night
from tests.support.model import Script, Sh, Turn, scripted_model

pytestmark = [pytest.mark.e2e, pytest.mark.bubblewrap]

FINE = (Verdict.PASS, Verdict.SKIP)
PLANTED = """
cat > listing.py <<'END'
import subprocess


def listing(folder: str) -> bytes:
    return subprocess.check_output("ls " + folder, shell=True)
END
"""
MENDED = """
cat > listing.py <<'END'
from pathlib import Path


def listing(folder: str) -> bytes:
    return "\\n".join(sorted(one.name for one in Path(folder).iterdir())).encode()
END
"""
SCRIPTS = (
    Script(name="begin", turns=(Turn(calls=(Sh(sh=PLANTED),)), Turn(say="There is a listing."))),
    Script(
        name="mend",
        heard="Governance rule sast: fail",
        turns=(Turn(calls=(Sh(sh=MENDED),)), Turn(say="No shell any more.")),
    ),
)


@pytest.fixture
def night(tmp_path) -> Iterator[Night]:
    with scripted_model(SCRIPTS) as model, a_night(tmp_path, model, "begin") as found:
        yield found


def test_from_a_label_to_a_merge(night: Night) -> None:
    issue = night.hub().create_issue("List a folder", "There should be a `listing`.", labels=["engine:codex"])
    issue.add_to_labels("agent:run")
    night.until(lambda: bool(night.world.factory.lookup.tickets()), "the issue is a ticket")
    night.until(night.pull_opened, "the pull request is open")
    pull = night.pull()
    first = pull.head.sha
    assert (pull.user.login, pull.base.ref) == (BOT, "main")
    night.until(lambda: night.told(pull.number, first) or night.pull().head.sha != first, "governance spoke")
    comment = objected(night, pull.number, first)

    night.until(lambda: night.pull().head.sha != first, "the follow-up pushed to the same branch")
    second = night.pull().head.sha
    night.until(lambda: night.told(pull.number, second), "governance spoke again")
    mended(night, pull.number, second, comment)

    night.pull().merge(merge_method="squash")
    night.until(lambda: night.ticket().stage is Stage.SHIPPED, "the ticket shipped")
    night.until(lambda: night.hub().get_issue(issue.number).state == "closed", "the issue is done")
    shipped(night, issue.number)


def objected(night: Night, number: int, head: str) -> int:
    """The report, a failing check of the rule and the objection stand on the first head; return the comment's id."""
    report = night.report_of(number, head)
    assert report is not None
    assert report.verdict is Verdict.FAIL
    failed = {one.rule for one in report.verdicts if one.mandatory and one.verdict not in FINE}
    assert failed == {"sast"}, [(one.rule, one.verdict, one.message) for one in report.verdicts]
    runs, statuses = night.check_runs(head), night.statuses(head)
    assert runs["governance/sast"] == "failure"
    assert statuses["governance/sast"] == "failure"
    assert {f"governance/{rule}" for rule in RULES} <= runs.keys() & statuses.keys()
    assert runs["factory/changes-requested"] == "failure", "nobody may review what they opened themselves"
    (comment,) = [one for one in night.said_by_us(number) if head in one.body]
    links = re.findall(r"\]\(<(http://127\.0\.0\.1[^>]+)>\)", comment.body)
    assert links
    for link in links:
        with urllib.request.urlopen(link, timeout=30) as answer:
            assert answer.status == 200
            assert hashlib.sha256(answer.read()).hexdigest() in urlsplit(link).path
    return comment.id


def mended(night: Night, number: int, head: str, comment: int) -> None:
    report = night.report_of(number, head)
    assert report is not None
    assert report.verdict is Verdict.PASS, [(one.rule, one.verdict, one.message) for one in report.verdicts]
    (still,) = [one for one in night.said_by_us(number) if one.id == comment]
    assert head in still.body
    assert len(night.said_by_us(number)) == 1
    assert set(night.statuses(head).values()) == {"success"}
    assert set(night.check_runs(head).values()) <= {"success", "neutral"}
    runs = night.world.factory.lookup.runs(ticket_id=night.ticket().id)
    assert [run.state for run in runs] == [RunState.SUCCEEDED, RunState.SUCCEEDED]
    assert {run.harness for run in runs} == {"codex"}
    assert [one.conversation for one in night.model.requests if one.turn == 0][-1] == "mend"
    weighed = night.world.factory.lookup.timeline(ticket_id=night.ticket().id, names=("merge_weighed",))
    assert [one.payload["eligible"] for one in weighed] == [False, True]
    assert not night.pull().merged, "only people merge"
    branches = [one.name for one in night.hub().get_branches() if one.name.startswith("factory/")]
    assert len(branches) == 1


def shipped(night: Night, issue: int) -> None:
    pull = night.pull()
    found = night.world.factory.lookup.pull_request(night.ticket().id)
    assert found is not None
    assert (found.merged_by, found.merge_sha) == ("ann", pull.merge_commit_sha)
    assert night.github.find(FULL_NAME).git.branch("main") == found.merge_sha
    (said,) = night.said_by_us(issue)
    assert str(found.merge_sha) in said.body
    assert {one.name for one in night.hub().get_issue(issue).labels} == {"engine:codex", "agent:done"}
    night.github.settle()
    night.until(night.settled, "every delivery was carried out")
    assert {one.status for one in night.github.webhooks.deliveries} == {202}
    assert {one.state for one in night.deliveries("issues")} >= {DeliveryState.DONE}
    assert {one.repository for one in night.world.factory.inbox.newest(limit=10_000)} == {NAME}
