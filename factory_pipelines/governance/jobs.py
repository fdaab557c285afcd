"""The job that judges one head and says so."""

import dagster as dg

from factory_pipelines.governance.assets import ASSETS

governance_run = dg.define_asset_job(
    "governance_run",
    selection=dg.AssetSelection.assets(*ASSETS),
    description="Pull, gather, judge and tell one head of a pull request.",
    executor_def=dg.in_process_executor,
    tags={"dagster/max_retries": "0", "factory/governance": "head"},
)
