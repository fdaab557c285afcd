"""The error tree: what broke, whether trying again can help, what to do.

Each leaf is one row of the failure taxonomy; its code has a heading in docs/reference/errors.md (tested).
"""

from domain.confinement import (
    CpuExceeded,
    EgressUnavailable,
    IsolationRequired,
    MemoryExceeded,
    PatchDoesNotApply,
    PatchEmpty,
    PatchTooLarge,
    PatchUnreadable,
    ResultRefused,
    SandboxFailed,
    SetupFailed,
    ToolCallsExceeded,
    TreeMismatch,
)
from domain.taxonomy import FactoryError, FailureClass, taxonomy

__all__ = [  # and every class below
    "CpuExceeded",
    "EgressUnavailable",
    "FactoryError",
    "FailureClass",
    "IsolationRequired",
    "MemoryExceeded",
    "PatchDoesNotApply",
    "PatchEmpty",
    "PatchTooLarge",
    "PatchUnreadable",
    "ResultRefused",
    "SandboxFailed",
    "SetupFailed",
    "ToolCallsExceeded",
    "TreeMismatch",
    "taxonomy",
]


class InvalidInput(FactoryError):
    """Something a person wrote does not fit its schema; `details["errors"]` has one entry a field."""

    code = "input.invalid"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Correct the named fields and try again; nothing was stored."


class NotFound(FactoryError):
    code = "input.not_found"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "List what exists (`factory ticket list`, `factory runs`, `factory repo list`) and use one of those names."


class IdempotencyConflict(FactoryError):
    code = "ticket.idempotency_conflict"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Use another idempotency-key, or send the same content as before."


class DependencyCycle(FactoryError):
    code = "ticket.dependency_cycle"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Remove one of the named dependencies."


class IllegalTransition(FactoryError):
    code = "lifecycle.illegal_transition"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "See what comes next with `factory ticket show`; the move asked for does not exist from there."


class NotPermitted(FactoryError):
    code = "lifecycle.not_permitted"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Ask the component or person that owns this move; docs/reference/lifecycles.md lists the owners."


class LeaseConflict(FactoryError):
    """Another run holds the ticket. `details` has ticket, holder, fence and expires_at."""

    code = "lease.conflict"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "conflict"
    remedy = "Let the holder finish, or cancel it with `factory cancel TICKET --reason ...`."


class LeaseLost(FactoryError):
    code = "lease.lost"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "conflict"
    remedy = "Nothing to do: the lease ended or was revoked, and the work done under it is discarded."


class LeaseExpired(FactoryError):
    """The holder stopped sending heartbeats; found by recovery, not by the holder."""

    code = "lease.expired"
    failure_class = FailureClass.TRANSIENT
    cause = "crash"
    remedy = "Nothing to do: the ticket goes on; look for a crash or a full machine if it repeats."


class NotReady(FactoryError):
    """The ticket is not in a stage that can be leased, or waits for something; details say which."""

    code = "ticket.not_ready"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "conflict"
    remedy = "See what it waits for with `factory ticket readiness TICKET`."


class CapacityRefused(FactoryError):
    """No room under the lock, the harness limit or the overall limit; the ticket stays queued."""

    code = "dispatch.no_capacity"
    failure_class = FailureClass.TRANSIENT
    cause = "conflict"
    remedy = "Nothing to do: the ticket stays queued and is served when there is room."


class Paused(FactoryError):
    code = "dispatch.paused"
    failure_class = FailureClass.TRANSIENT
    cause = "conflict"
    remedy = "Start dispatch again with `factory resume --reason ...`; the ticket stays queued."


class Canceled(FactoryError):
    code = "run.canceled"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "canceled"
    remedy = "Put the ticket back with `factory dead-letter requeue TICKET --reason ...` if it is still wanted."


class ApprovalRefused(FactoryError):
    code = "approval.refused"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "A person (not the factory) decides once, on a run listed by `factory runs --state awaiting_approval`."


class Rejected(FactoryError):
    code = "approval.rejected"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "rejected"
    remedy = "Change the ticket as the reason says and requeue it, or leave it."


class TimedOut(FactoryError):
    code = "run.timed_out"
    failure_class = FailureClass.TRANSIENT
    cause = "timeout"
    remedy = "Raise `timeout` in the ticket or make the work smaller."


class Stalled(FactoryError):
    code = "run.stalled"
    failure_class = FailureClass.TRANSIENT
    cause = "timeout"
    remedy = "Look at the last events for what it waited on; raise the inactivity limit if silence is normal for it."


class Interrupted(FactoryError):
    """The run process was told to stop, e.g. from the Dagster UI."""

    code = "run.interrupted"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "canceled"
    remedy = "Requeue the ticket when it should go on."


class WorkerDied(FactoryError):
    code = "run.worker_died"
    failure_class = FailureClass.TRANSIENT
    cause = "crash"
    remedy = "Nothing to do: the attempt is repeated; look for out-of-memory kills if it repeats."


class HarnessFailed(FactoryError):
    """The harness ran and said, by its own outcome, that it did not succeed."""

    code = "harness.failed"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_failed"
    remedy = "Read the transcript named in the run; correct the ticket's commands or its text."


class HarnessUnavailable(FactoryError):
    code = "harness.unavailable"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_unavailable"
    remedy = "Install or enable the harness, or name another `engine` in the ticket."


class GatesFailed(FactoryError):
    code = "verify.failed"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "verify_failed"
    remedy = "Read the failed verdicts and their evidence in `factory ticket show TICKET`."


class RepositoryInvalid(FactoryError):
    code = "repository.invalid"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "repository"
    remedy = "Give a git repository with a commit and an existing base branch (`git init`, `git commit`, `--base`)."


class RepositoryDiverged(FactoryError):
    code = "repository.diverged"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "repository"
    remedy = "Merge the factory's base branch into yours: `git pull <remote from factory repo show>`, then requeue."


class ForgeUnavailable(FactoryError):
    code = "forge.unavailable"
    failure_class = FailureClass.TRANSIENT
    cause = "forge"
    remedy = "Nothing to do at first: it is tried again; check the forge and the network if it repeats."


class ForgeRefused(FactoryError):
    code = "forge.refused"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "forge"
    remedy = "Read the reason; the forge will answer the same to the same request."


class ForgeFenced(FactoryError):
    code = "forge.fenced"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "conflict"
    remedy = "Nothing to do: a newer run owns this ticket's branch and pull request."


class StorageFull(FactoryError):
    code = "storage.full"
    failure_class = FailureClass.TRANSIENT
    cause = "storage"
    remedy = "Free disk space where FACTORY_HOME lies; the attempt is repeated."


class LedgerUnavailable(FactoryError):
    code = "ledger.unavailable"
    failure_class = FailureClass.TRANSIENT
    cause = "ledger"
    remedy = "Check that the database in FACTORY_DATABASE_URL answers; work goes on when it does."


class LedgerOutdated(FactoryError):
    code = "ledger.outdated"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Run `factory db migrate`."


class PolicyInvalid(FactoryError):
    code = "policy.invalid"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Correct the named policy field; nothing falls back to a permissive default."


class SettingsInvalid(FactoryError):
    code = "settings.invalid"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Correct the named setting; `factory config show` prints what is in force."


class ServiceFailed(FactoryError):
    code = "service.failed"
    failure_class = FailureClass.TRANSIENT
    remedy = "Read the named log file; `factory doctor` checks what the services need."
