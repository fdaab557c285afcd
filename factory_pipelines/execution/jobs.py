"""The two jobs that carry a run: the whole of it, and what follows an approval."""

import dagster as dg

from factory_pipelines.execution.assets import (
    outcome,
    patch,
    policy_report,
    pull_request,
    session,
    ticket,
    validation,
    workspace,
)

AFTER_APPROVAL = (validation, policy_report, pull_request, outcome)

ticket_run = dg.define_asset_job(
    "ticket_run",
    selection=dg.AssetSelection.assets(ticket, workspace, session, patch, *AFTER_APPROVAL),
    description="claim, provision, launch, collect, validate, judge, submit, finalize for one ticket.",
    executor_def=dg.in_process_executor,
    tags={"dagster/max_retries": "0"},
)

ticket_continuation = dg.define_asset_job(
    "ticket_continuation",
    selection=dg.AssetSelection.assets(*AFTER_APPROVAL),
    description="What follows an approval, under the same ledger run: validate again, judge, submit, finalize.",
    executor_def=dg.in_process_executor,
    tags={"dagster/max_retries": "0"},
)
