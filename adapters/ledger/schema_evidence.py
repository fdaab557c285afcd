"""The tables of what runs leave behind: artifacts, reports, approvals, pull requests."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, Text, UniqueConstraint

from adapters.ledger.columns import Moment, Serial, Words, need, one_of, only, table
from domain.forge import PullRequestState
from domain.governance import ApprovalState

artifacts = table(
    "artifacts",
    Column("id", Serial, primary_key=True),
    need("run_id", Text, ForeignKey("runs.id")),
    need("sha256", Text),
    need("kind", Text),
    need("size", BigInteger),
    need("name"),
    need("created_at", Moment),
    UniqueConstraint("run_id", "sha256", "kind"),
)

policy_reports = table(
    "policy_reports",
    Column("id", Serial, primary_key=True),
    need("run_id", Text, ForeignKey("runs.id")),
    need("base_sha", Text),
    need("tree_sha", Text),
    Column("head_sha", Text),
    need("verdict", Text),
    need("verdicts", JSON),
    need("judged_at", Moment),
    UniqueConstraint("run_id", "tree_sha"),
)

approvals = table(
    "approvals",
    Column("id", Serial, primary_key=True),
    need("run_id", Text, ForeignKey("runs.id")),
    need("ticket_id", Text, ForeignKey("tickets.id")),
    need("rule"),
    need("request_reason"),
    need("requested_at", Moment),
    need("deadline", Moment),
    need("state", Text),
    Column("actor", Words),
    Column("reason", Words),
    Column("decided_at", Moment),
    one_of("state", ApprovalState),
    only("uq_approvals_one_pending", "run_id", where="state = 'pending'"),
    Index(None, "run_id"),
    sqlite_autoincrement=True,
)

pull_requests = table(
    "pull_requests",
    Column("id", Serial, primary_key=True),
    need("ticket_id", Text, ForeignKey("tickets.id")),
    need("run_id", Text, ForeignKey("runs.id")),
    need("fence", Integer),
    need("repository", Text),
    need("number", Integer),
    need("url"),
    need("title"),
    need("branch"),
    need("base"),
    need("base_sha", Text),
    need("head_sha", Text),
    need("state", Text),
    need("reviewers", JSON),
    need("created_at", Moment),
    need("updated_at", Moment),
    Column("merged_by", Words),
    Column("merge_sha", Text),
    one_of("state", PullRequestState),
    UniqueConstraint("repository", "number"),
    only("uq_pull_requests_one_open", "ticket_id", where="state = 'open'"),
)

baselines = table(
    "baselines",
    Column("repository", Text, primary_key=True),
    Column("base_sha", Text, primary_key=True),
    Column("verify_sha256", Text, primary_key=True),
    need("checks", JSON),
)
