"""A Dagster code location with one job that does nothing: the floor of dispatch."""

import dagster as dg


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def empty() -> None:
    nothing()


defs = dg.Definitions(jobs=[empty], executor=dg.in_process_executor)
