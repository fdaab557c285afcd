"""factory cost: whichever way runs are grouped, the sums are the same."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.runs.costs import By, summed, total
from domain.execution import RunFacts, Usage
from domain.lifecycle import RunState
from domain.outcomes import RunOutcome

ROW = {"key", "input_tokens", "cached_input_tokens", "output_tokens", "cost_usd", "runs"}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
names = st.sampled_from(["a", "b", "c"])
counts = st.integers(0, 10**12)
usages = st.builds(
    Usage, input_tokens=counts, cached_input_tokens=counts, output_tokens=counts, cost_usd=st.floats(0, 10**6)
)


@st.composite
def outcomes(draw: st.DrawFn) -> list[RunOutcome]:
    return [
        RunOutcome(
            run_id=f"T-{number}-r1", ticket_id=draw(names), repository=draw(names), harness=draw(names), attempt=1,
            state=RunState.SUCCEEDED, started_at=NOON + timedelta(hours=draw(st.integers(0, 100))), usage=draw(usages),
        )
        for number in range(draw(st.integers(0, 12)))
    ]  # fmt: skip


@given(outcomes())
def test_every_grouping_sums_to_the_same_and_loses_no_run(found):
    sums = {by: total(summed(found, by)) for by in By}
    assert len(set(sums.values())) == 1
    assert sums[By.RUN].runs == len(found)
    assert sums[By.DAY].input_tokens == sum(one.usage.input_tokens for one in found)
    spent = sum(one.usage.cost_usd for one in found)
    assert sums[By.DAY].document()["cost_usd"] == pytest.approx(spent, abs=1e-5)


def outcome(at: datetime, **usage: float) -> RunOutcome:
    return RunOutcome(
        run_id="T-1-r1", ticket_id="T-1", repository="calc", harness="codex", attempt=1,
        state=RunState.FAILED, started_at=at, usage=Usage(**usage),
    )  # fmt: skip


def test_a_day_is_that_of_utc():
    late = datetime.fromisoformat("2026-03-01T23:30:00-05:00")
    assert [row.key for row in summed([outcome(late)], By.DAY)] == ["2026-03-02"]


@pytest.mark.parametrize("usd", [float("inf"), float("nan"), 1e308])
def test_what_is_no_amount_of_money_counts_nothing(usd):
    assert summed([outcome(NOON, cost_usd=usd)], By.RUN)[0].document()["cost_usd"] == 0


def spend(world, usage: Usage, **front):
    ticket = world.file(**front)
    lease = world.dispatch(ticket)
    now = world.factory.now()
    world.factory.run_ledger.start_run(lease.ref, dagster_run_id=lease.run_id, ttl_seconds=60, now=now)
    world.factory.run_ledger.record_facts(lease.ref, RunFacts(usage=usage), step=None, now=now)
    return ticket


def test_rows_have_the_promised_keys_and_the_table_a_total_and_budgets(cli, world):
    first = spend(world, Usage(input_tokens=1200, cached_input_tokens=30, output_tokens=7, cost_usd=0.25), lock="a")
    other = spend(world, Usage(input_tokens=1, cost_usd=0.5), lock="b", budget={"usd": 2})
    rows = cli("cost", "--by", "ticket", "--json").document["rows"]
    assert all(set(row) == ROW for row in rows)
    assert [(row["key"], row["cost_usd"]) for row in rows] == [(first.id, 0.25), (other.id, 0.5)]
    assert rows[0]["input_tokens"] == 1200
    table = [line.split() for line in cli("cost", "--by", "ticket").out.splitlines()]
    assert table[2] == [other.id, "1", "0", "0", "0.5000", "1", "2.00"]
    assert table[3] == ["total", "1,201", "30", "7", "0.7500", "2"]
    assert [row["key"] for row in cli("cost", "--by", "harness", "--json").document["rows"]] == ["command"]
    assert [row["runs"] for row in cli("cost", "--by", "repository", "--json").document["rows"]] == [2]


def test_only_what_began_since_then_counts(cli, world):
    spend(world, Usage(input_tokens=5))
    assert len(cli("cost", "--since", "1d", "--json").document["rows"]) == 1
    assert len(cli("cost", "--since", "1000000d", "--json").document["rows"]) == 1
    assert cli("cost", "--since", "0.0001s", "--json").document["rows"] == []
    assert cli("cost", "--since", "0.0001s").out == "nothing here\n"


@pytest.mark.parametrize(
    "words", [["--by", "mood"], ["--since", "yesterday"], ["--since", "-1d"], ["--since", "9" * 400]]
)
def test_wrong_options_are_misuse(cli, world, words):
    said = cli("cost", *words, "--json")
    assert (said.code, said.error["code"]) == (2, "usage")
