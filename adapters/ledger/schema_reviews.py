"""The tables of what forges send and of what governance judges: one head a pull request."""

from typing import Final

from sqlalchemy import JSON, Column, Float, Index, Integer, Text, text

from adapters.ledger.columns import Moment, count, need, one_of, only, table
from domain.deliveries import DeliveryState
from domain.heads import HeadState

PULL: Final = ("repository", "number")

deliveries = table(
    "deliveries",
    Column("id", Text, primary_key=True),
    *(need(name, Text) for name in ("forge", "event", "repository")),
    need("action"),
    need("body", JSON),
    need("received_at", Moment),
    need("state", Text),
    need("outcome"),
    Column("settled_at", Moment),
    Column("retry_at", Moment),
    count("attempts"),
    one_of("state", DeliveryState),
    only("ix_deliveries_waiting", "received_at", "id", where="state = 'waiting'", unique=False),
    Index(None, "received_at", "id"),
    postgresql_with={"fillfactor": 70},
)

governance_reports = table(
    "governance_reports",
    Column("id", Text, primary_key=True),
    need("repository", Text),
    Column("number", Integer),
    *(need(name, Text) for name in ("base_sha", "head_sha", "policy_sha256", "verdict")),
    Column("facts", JSON(none_as_null=True)),
    need("verdicts", JSON),
    need("tools", JSON),
    need("seconds", Float),
    need("judged_at", Moment),
    Column("superseded_by", Text),
    need("advice"),
    only("uq_governance_reports_head", *PULL, "head_sha", "policy_sha256", where="number IS NOT NULL"),
    Index(None, *PULL, "judged_at"),
    Index(None, "judged_at"),
)

wanted_heads = table(
    "wanted_heads",
    Column("repository", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *(need(name, Text) for name in ("head_sha", "policy_sha256", "state")),
    *(count(name) for name in ("fence", "tries")),
    *(need(name, Moment) for name in ("wanted_at", "not_before")),
    Column("expires_at", Moment),
    need("holder", Text),
    Column("facts", JSON(none_as_null=True)),
    need("seconds", Float, server_default=text("0")),
    Column("report_id", Text),
    need("reason"),
    one_of("state", HeadState),
    only("ix_wanted_heads_at_work", "wanted_at", where="state IN ('wanted', 'asked')", unique=False),
    postgresql_with={"fillfactor": 70},
)
