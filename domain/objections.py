"""What a person asked for and cannot have."""

from domain.taxonomy import FactoryError, FailureClass


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


class ApprovalRefused(FactoryError):
    code = "approval.refused"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "A person (not the factory) decides once, on a run listed by `factory runs --state awaiting_approval`."


class AutonomyRefused(FactoryError):
    code = "autonomy.refused"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "See what is lacking with `factory stage report`; a tier rests on recent work, not on somebody's word."


class GatesFailed(FactoryError):
    code = "verify.failed"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "verify_failed"
    remedy = "Read the failed verdicts and their evidence in `factory ticket show TICKET`."
