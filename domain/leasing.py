"""Why a ticket is not, or no more, in one run's hands."""

from domain.taxonomy import FactoryError, FailureClass


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
