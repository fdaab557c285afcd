"""The tables of work. Illegal states cannot be stored: partial unique indexes, keys, checks; triggers: migrations/."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)

import adapters.ledger.schema_evidence
import adapters.ledger.schema_reviews  # noqa: F401 - tables of the same metadata
from adapters.ledger.columns import Moment, Serial, Words, among, count, need, one_of, only, table
from domain.lifecycle import FINAL_RUN_STATES, RunState, Stage
from domain.tickets import Risk, Tier

LIVE: Final = "released_at IS NULL"
READY: Final = "stage = 'queued' AND unmet_deps = 0"
OPEN: Final = among("state", [state for state in RunState if state not in FINAL_RUN_STATES])

counters = table("counters", Column("name", Text, primary_key=True), need("value", BigInteger))

repositories = table(
    "repositories",
    Column("name", Text, primary_key=True),
    need("source"),
    need("forge"),
    need("remote"),
    need("settings", JSON),
    need("enabled", Boolean),
    need("created_at", Moment),
    need("created_by"),
)

tickets = table(
    "tickets",
    Column("id", Text, primary_key=True),
    need("seq", BigInteger),
    need("stage", Text),
    need("manifest", JSON),
    need("manifest_sha256", Text),
    need("idempotency_key"),
    need("repository", Text),
    need("harness", Text),
    need("lock"),
    need("risk", Text),
    need("priority_rank", Integer),
    count("unmet_deps"),
    need("created_by"),
    need("created_at", Moment),
    need("updated_at", Moment),
    need("not_before", Moment),
    count("fence"),
    count("attempts"),
    count("attempts_base"),
    Column("reason", Words),
    Column("completed_at", Moment),
    one_of("stage", Stage),
    one_of("risk", Risk),
    CheckConstraint("unmet_deps >= 0", name="unmet_deps"),
    UniqueConstraint("product_id", "idempotency_key"),
    UniqueConstraint("seq"),
    only("ix_tickets_ready", "stage", "priority_rank", "seq", where=READY, unique=False),
    Index(None, "stage", "seq"),
    postgresql_with={"fillfactor": 70},
)

ticket_dependencies = table(
    "ticket_dependencies",
    Column("ticket_id", Text, ForeignKey("tickets.id"), primary_key=True),
    Column("depends_on", Text, ForeignKey("tickets.id"), primary_key=True),
    CheckConstraint("ticket_id <> depends_on", name="itself"),
    Index(None, "depends_on"),
)

runs = table(
    "runs",
    Column("id", Text, primary_key=True),
    need("ticket_id", Text, ForeignKey("tickets.id")),
    need("attempt", Integer),
    need("state", Text),
    need("fence", Integer),
    need("harness", Text),
    need("created_at", Moment),
    need("updated_at", Moment),
    Column("finished_at", Moment),
    Column("reason_code", Text),
    Column("reason", Words),
    Column("cancel_requested_by", Words),
    Column("cancel_reason", Words),
    Column("interrupt_requested_by", Words),
    Column("interrupt_reason", Words),
    Column("assignment", JSON(none_as_null=True)),
    Column("handover", JSON(none_as_null=True)),
    Column("harness_until", Moment),
    Column("parent_run_id", Text, ForeignKey("runs.id")),
    Column("adopted_step", Text),
    Column("environment", JSON(none_as_null=True)),
    Column("repository_commit", Text),
    Column("sandbox", JSON(none_as_null=True)),
    Column("patch", JSON(none_as_null=True)),
    Column("validation", JSON(none_as_null=True)),
    Column("outcome", JSON(none_as_null=True)),
    Column("risk", Text),
    Column("tier", Text),
    Column("human_edit_rate", Float),
    need("usage", JSON),
    need("finished_steps", JSON),
    one_of("state", RunState),
    one_of("risk", Risk),
    one_of("tier", Tier),
    UniqueConstraint("ticket_id", "attempt"),
    only("uq_runs_one_open", "ticket_id", where=OPEN),
    Index(None, "state", "created_at"),
    postgresql_with={"fillfactor": 70},
)

run_dagster_runs = table(
    "run_dagster_runs",
    Column("dagster_run_id", Text, primary_key=True),
    need("run_id", Text, ForeignKey("runs.id")),
    need("fence", Integer),
    need("bound_at", Moment),
    Index(None, "run_id"),
)

leases = table(
    "leases",
    Column("id", Serial, primary_key=True),
    need("ticket_id", Text, ForeignKey("tickets.id")),
    need("run_id", Text, ForeignKey("runs.id", deferrable=True, initially="DEFERRED")),
    need("fence", Integer),
    need("owner"),
    need("lock"),
    need("harness", Text),
    need("granted_at", Moment),
    Column("started_at", Moment),
    Column("dagster_run_id", Text),
    need("heartbeat_at", Moment),
    need("expires_at", Moment),
    count("renewals"),
    Column("released_at", Moment),
    Column("release_reason", Words),
    UniqueConstraint("ticket_id", "fence"),
    only("uq_leases_one_live_ticket", "ticket_id", where=LIVE),
    only("uq_leases_one_live_lock", "product_id", "lock", where=LIVE),
    Index(None, "run_id"),
    sqlite_autoincrement=True,
    postgresql_with={"fillfactor": 70},
)

run_events = table(
    "run_events",
    Column("seq", Serial, primary_key=True),
    need("name", Text),
    need("event_version", Integer),
    need("at", Moment),
    Column("ticket_id", Text, ForeignKey("tickets.id")),
    Column("run_id", Text, ForeignKey("runs.id")),
    need("actor"),
    need("component"),
    need("payload", JSON),
    Index(None, "ticket_id", "seq"),
    Index(None, "run_id", "seq"),
    sqlite_autoincrement=True,
)

pauses = table(
    "pauses", Column("scope", Text, primary_key=True), need("reason"), need("actor"), need("paused_at", Moment)
)

service_beats = table("service_beats", Column("component", Text, primary_key=True), need("at", Moment))
