"""What Dagster loads, and the ticket run as a real Dagster run in this process."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
import yaml

from domain.execution import ClaimRequest, Step
from domain.lifecycle import Component, RunState
from domain.lifecycle import Stage as TicketStage
from factory_pipelines.definitions import define
from factory_pipelines.execution.stages import table
from factory_pipelines.governance.stages.runner import Stage
from policy.gates import RULES
from policy.governance.model import RULES as GOVERNANCE_RULES
from resources.dagster_storage import postgres_url_for_dagster
from resources.settings import Settings
from tests.pipelines import reconstructable
from tests.support.factory import BREAK, World, make_world
from tests.support.repositories import git

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.dagster

LINEAGE = {
    "finding": set(),
    "ticket": {"finding"},
    "workspace": {"ticket"},
    "session": {"workspace"},
    "patch": {"session"},
    "validation": {"patch"},
    "policy_report": {"validation"},
    "clearance": {"policy_report"},
    "pull_request": {"clearance"},
    "outcome": {"pull_request"},
    "pull_head": set(),
    "change_facts": {"pull_head"},
    "governance_report": {"change_facts"},
    "governance_told": {"governance_report"},
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    with dg.instance_for_test(temp_dir=str(tmp_path / "dagster")) as made:
        yield made


def job(world: World, name: str = "ticket_run") -> dg.JobDefinition:
    return define(world.factory).resolve_job_def(name)


def execute(world: World, instance: dg.DagsterInstance, ticket_id: str, **tags: str) -> dg.ExecuteInProcessResult:
    instance.add_dynamic_partitions("tickets", [ticket_id])
    return job(world).execute_in_process(
        instance=instance,
        partition_key=ticket_id,
        raise_on_error=False,
        tags={k.replace("_", "/"): v for k, v in tags.items()},
    )


def test_lineage_steps_and_sensors() -> None:
    defs = define(object())  # type: ignore[arg-type]
    graph = defs.resolve_asset_graph()
    assert {
        key.to_user_string(): {d.to_user_string() for d in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    } == LINEAGE
    steps = [node.name for node in defs.resolve_job_def("ticket_run").nodes_in_topological_order]
    assert steps == [step.value for step in Step]
    continuation = [node.name for node in defs.resolve_job_def("ticket_continuation").nodes_in_topological_order]
    assert continuation == ["validate", "judge", "submit", "finalize"]
    checks = {(check.asset_key.to_user_string(), check.name) for check in graph.asset_check_keys}
    judged = {("governance_report", rule) for rule in GOVERNANCE_RULES}
    assert checks == {("policy_report", rule) for rule in RULES} | judged
    assert [node.name for node in defs.resolve_job_def("governance_run").nodes_in_topological_order] == list(Stage)
    repository = defs.get_repository_def()
    assert {(s.name, s.minimum_interval_seconds, s.default_status.value) for s in repository.sensor_defs} == {
        ("ready_tickets", 5, "RUNNING"),
        ("approvals_decided", 5, "RUNNING"),
        ("stale_runs", 10, "RUNNING"),
        ("dagster_failed", 5, "RUNNING"),
        ("dagster_canceled", 5, "RUNNING"),
        ("webhook_deliveries", 5, "RUNNING"),
        ("autonomy_ladder", 300, "RUNNING"),
        ("missed_words", 60, "RUNNING"),
        ("tracker_items", 30, "RUNNING"),
        ("open_heads", 5, "RUNNING"),
        ("pull_request_rework", 15, "RUNNING"),
    }


def test_merged_changes_are_judged_again_every_night() -> None:
    (schedule,) = define(object()).get_repository_def().schedule_defs  # type: ignore[arg-type]
    assert (schedule.job_name, schedule.cron_schedule, schedule.default_status.value) == (
        "governance_rescan",
        "23 2 * * *",
        "RUNNING",
    )


def test_the_instance_file_loads_with_the_limits_and_without_retries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("FACTORY_DATABASE_URL", raising=False)
    (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())
    with dg.DagsterInstance.get() as instance:
        config = instance.get_concurrency_config().run_queue_config
        assert config is not None
        limits = {limit["key"]: limit["limit"] for limit in config.tag_concurrency_limits}
        once = {"dagster/partition": 1, "factory/ticket": 1, "factory/lock": 1}
        assert limits == {**once, "factory/harness": 3, "factory/governance": 2}
        assert not instance.run_retries_enabled
        assert instance.run_monitoring_max_resume_run_attempts == 0
        assert type(instance.run_storage).__name__ == "SqliteRunStorage"
        settings = yaml.safe_load((ROOT / "dagster.yaml").read_text())["run_monitoring"]
        ttl = make_ttl()
        assert settings["poll_interval_seconds"] < ttl
        assert settings["start_timeout_seconds"] < ttl
        assert settings["cancel_timeout_seconds"] < ttl


def make_ttl() -> float:
    return float(Settings.model_fields["lease_ttl"].default)


def test_a_ticket_run_by_hand_takes_its_own_lease_and_links_both_ways(
    world: World, instance: dg.DagsterInstance
) -> None:
    ticket = world.file()
    result = execute(world, instance, ticket.id)
    assert result.success
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    assert run.dagster_run_ids == (result.run_id,)
    assert instance.get_run_by_id(result.run_id).tags["factory/run"] == run.id
    shown = {
        m.asset_key.to_user_string(): m.metadata
        for e in result.get_asset_materialization_events()
        for m in [e.materialization]
    }
    assert shown["pull_request"]["url"].value.startswith("file://")
    assert shown["ticket"]["ticket"].value == ticket.id


def test_a_leased_ticket_run_in_process_gets_the_typed_conflict(world: World, instance: dg.DagsterInstance) -> None:
    ticket = world.file()
    held = world.factory.backlog.claim_ticket(
        ClaimRequest(ticket_id=ticket.id, owner="other", ttl_seconds=60),
        component=Component.DISPATCH,
        now=world.factory.now(),
    )
    assert held is not None
    result = execute(world, instance, ticket.id)
    assert not result.success
    failure = result.failure_data_for_node("claim")
    assert failure is not None
    assert "[lease.conflict]" in str(failure.user_failure_data.description)
    assert "sandbox_provisioned" not in world.names(ticket)
    assert world.factory.oversight.live_leases()[0].fence == held.fence


def test_a_pause_after_dispatch_ends_the_run_quietly_with_the_ticket_queued(
    world: World, instance: dg.DagsterInstance
) -> None:
    ticket = world.file()
    lease = world.dispatch(ticket)
    world.factory.operators.set_paused("*", True, actor="ann", reason="hold", now=world.factory.now())
    result = execute(world, instance, ticket.id, factory_run=lease.run_id, factory_fence=str(lease.fence))
    assert result.success
    assert world.ticket(ticket).stage is TicketStage.QUEUED
    assert "sandbox_provisioned" not in world.names(ticket)


def reexecute(world: World, instance: dg.DagsterInstance, run_id: str) -> dg.JobExecutionResult:
    reconstructable.WORLDS["current"] = world
    options = dg.ReexecutionOptions.from_failure(run_id, instance)
    tags = dict(instance.get_run_by_id(run_id).tags)
    return dg.execute_job(
        dg.reconstructable(reconstructable.ticket_run),
        instance=instance,
        tags=tags,
        reexecution_options=options,
        raise_on_error=False,
    )


@pytest.mark.parametrize("step", [Step.LAUNCH, Step.COLLECT, Step.VALIDATE, Step.SUBMIT])
def test_reexecution_from_failure_skips_finished_steps_and_opens_a_new_run(
    world: World, instance: dg.DagsterInstance, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = world.file(retry={"max": 0})
    original = table.STAGES[step]

    def broken(context):
        raise RuntimeError("boom")

    monkeypatch.setitem(table.STAGES, step, broken)  # type: ignore[arg-type]
    reconstructable.WORLDS["current"] = world
    instance.add_dynamic_partitions("tickets", [ticket.id])
    first = dg.execute_job(
        dg.reconstructable(reconstructable.ticket_run),
        instance=instance,
        tags={"dagster/partition": ticket.id},
        raise_on_error=False,
    )
    assert not first.success
    assert world.ticket(ticket).stage is TicketStage.DEAD_LETTER
    monkeypatch.setitem(table.STAGES, step, original)  # type: ignore[arg-type]
    second = reexecute(world, instance, first.run_id)
    assert second.success
    ran = [event.step_key for event in second.all_events if event.event_type_value == "STEP_SUCCESS"]
    assert ran[0] == step.value
    assert ran == [one.value for one in list(Step)[list(Step).index(step) :]]
    runs = world.factory.lookup.runs(ticket_id=ticket.id)
    assert [run.state for run in runs] == [RunState.FAILED, RunState.SUCCEEDED]
    assert runs[1].parent_run_id == runs[0].id
    assert runs[1].fence > runs[0].fence
    assert world.ticket(ticket).stage is TicketStage.TESTING
    remote = Path(world.factory.lookup.repository("calc").remote)
    assert git(remote, "branch", "--list", "factory/*").count("factory/") == 1


def test_a_failed_gate_shows_its_verdicts_as_checks(world: World, instance: dg.DagsterInstance) -> None:
    ticket = world.file(commands=[BREAK])
    result = execute(world, instance, ticket.id)
    assert not result.success
    failure = result.failure_data_for_node("judge")
    assert failure is not None
    assert "[verify.failed]" in str(failure.user_failure_data.description)


def test_storage_is_chosen_by_the_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.environ.get("FACTORY_DATABASE_URL") is None
    url = postgres_url_for_dagster("postgresql+psycopg://u:p@h/db?host=/tmp")
    assert url == "postgresql+psycopg2://u:p@h/db?host=/tmp&options=-csearch_path%3Ddagster"


def test_assets_ask_for_contracts_only(world: World) -> None:
    other = replace(world.factory, forges={})
    assert define(other).resolve_job_def("ticket_run") is not None
