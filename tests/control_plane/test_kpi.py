"""factory kpi: figures that can be checked by hand."""

import pytest

from control_plane.runs.kpi import is_breach
from domain.errors import FactoryError, MoneyExceeded, Stalled, TimedOut, WorkerDied, taxonomy
from domain.execution import RunFacts, Usage
from domain.failures import AttemptEnd
from domain.lifecycle import Component, RunState
from tests.support.factory import FIX

ESCAPES = ("rescanned", "escaped", "escaped_critical")
KEYS = {"breach_rate", "cost_per_shipped_usd", "runs", "breaches", "shipped", "cost_usd", *ESCAPES}


def spend(world, usd: float, error: FactoryError | None, state: RunState = RunState.FAILED) -> None:
    """One run that costs so much; without an error it goes on."""
    lease = world.dispatch(world.file(lock=f"lock-{usd}"))
    now = world.factory.now()
    world.factory.run_ledger.start_run(lease.ref, dagster_run_id=lease.run_id, ttl_seconds=60, now=now)
    world.factory.run_ledger.record_facts(lease.ref, RunFacts(usage=Usage(cost_usd=usd)), step=None, now=now)
    if error is not None:
        end = AttemptEnd(error=error, run_state=state, retry_at=None)
        world.factory.backlog.fail_ticket(lease.ref, end=end, component=Component.EXECUTION, now=now)


def test_rate_and_cost_equal_those_made_by_hand(cli, world):
    spend(world, 0.5, MoneyExceeded("limit"))
    spend(world, 0.25, TimedOut("wall clock"), RunState.TIMED_OUT)
    spend(world, 1.0, WorkerDied("killed"))
    for title in ("one", "two"):
        ticket = world.file(title=title, commands=[FIX] if title == "one" else ["echo two > two.txt"])
        assert world.run(ticket) is None
        assert cli("ship", ticket.id, "--reason", "fine").code == 0
    document = cli("kpi", "--json").document
    assert document == {
        "runs": 5, "breaches": 2, "breach_rate": 0.4, "shipped": 2, "cost_usd": 1.75, "cost_per_shipped_usd": 0.875,
        **dict.fromkeys(ESCAPES, 0),
    }  # fmt: skip
    table = {line.split()[0]: line.split()[1] for line in cli("kpi").out.splitlines()}
    assert table == {"KPI": "VALUE", "breach_rate": "0.4000", "cost_per_shipped_usd": "0.8750", "runs": "5",
                     "breaches": "2", "shipped": "2", "cost_usd": "1.7500", **dict.fromkeys(ESCAPES, "0")}  # fmt: skip
    everything_before = cli("kpi", "--since", "0.0001s", "--json").document
    assert (everything_before["runs"], everything_before["shipped"]) == (0, 0)


def test_a_rate_of_nothing_is_null(cli, world):
    assert cli("kpi", "--json").document == dict.fromkeys(KEYS, 0) | {"breach_rate": None, "cost_per_shipped_usd": None}
    spend(world, 0.5, Stalled("silent"), RunState.TIMED_OUT)
    document = cli("kpi", "--since", "1d", "--json").document
    assert (document["breach_rate"], document["cost_per_shipped_usd"]) == (1.0, None)
    assert "none yet" in cli("kpi").out


def test_a_run_at_work_costs_but_broke_nothing(cli, world):
    spend(world, 0.5, None)
    document = cli("kpi", "--json").document
    assert (document["runs"], document["breaches"], document["cost_usd"]) == (1, 0, 0.5)


@pytest.mark.parametrize("code", sorted(taxonomy()))
def test_every_code_is_a_breach_by_its_cause(code):
    assert is_breach(code) is (taxonomy()[code].cause in ("limit", "timeout"))
    assert not is_breach(code + ".of-a-later-release")


@pytest.mark.parametrize("since", ["yesterday", "-1d", "9" * 400, ""])
def test_wrong_spans_are_misuse(cli, world, since):
    said = cli("kpi", "--since", since, "--json")
    assert (said.code, said.error["code"]) == (2, "usage")
