"""With the network cut and no agent at hand, a pull request still ends with a stored verdict by deterministic rules."""

import json
from pathlib import Path

import pytest

from domain.governance import Verdict
from tests.governing.house import house

DEAD = "http://127.0.0.1:9"
NEW = "printf 'meadow==2.0\\n' > requirements.txt"
pytestmark = pytest.mark.dagster


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, DEAD)
    monkeypatch.setenv("PIP_INDEX_URL", f"{DEAD}/simple")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", DEAD)
    monkeypatch.setenv("FACTORY_ADVISORIES", DEAD)
    off = {name: {"enabled": False} for name in ("codex", "claude_code", "gemini_cli", "openhands")}
    monkeypatch.setenv("FACTORY_HARNESSES", json.dumps(off))


@pytest.mark.usefixtures("cut")
def test_the_verdict_is_stored_and_says_what_could_not_be_asked(tmp_path: Path) -> None:
    with house(tmp_path, autonomy="autonomous") as opened:
        ticket = opened.world.file(commands=[NEW])
        assert opened.world.run(ticket) is None
        run = opened.world.factory.lookup.runs(ticket_id=ticket.id)[0]
        now = opened.world.factory.now()
        operators = opened.world.factory.operators
        if run.state.value == "awaiting_approval":
            operators.decide_approval(run.id, approved=True, actor="ann", reason="fine", now=now)
            opened.world.steps(opened.world.present(opened.world.dispatch(ticket)))
        opened.judge()
        (report,) = opened.world.factory.governance.reports(limit=5)
        told = {one.rule: one.verdict for one in report.verdicts}
    assert {told[rule] for rule in ("scope", "size", "provenance", "workflows")} <= {Verdict.PASS, Verdict.SKIP}
    assert told["secrets"] is Verdict.PASS
    assert told["dependencies"] is told["licenses"] is told["vulnerabilities"] is Verdict.UNDETERMINED
    assert report.verdict is Verdict.UNDETERMINED
    assert report.advice == ""
