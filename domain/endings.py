"""How a run can end without a change: stopped, rejected, died, or asking for a person."""

from domain.taxonomy import FactoryError, FailureClass


class Canceled(FactoryError):
    code = "run.canceled"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "canceled"
    remedy = "Put the ticket back with `factory dead-letter requeue TICKET --reason ...` if it is still wanted."


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


class InterruptRequested(FactoryError):
    """A person wants a harness at work paused; what it did is kept."""

    code = "run.interrupt_requested"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "canceled"
    remedy = "Let it go on with `factory continue RUN`, or end it with `factory reject RUN`."


class WorkerDied(FactoryError):
    code = "run.worker_died"
    failure_class = FailureClass.TRANSIENT
    cause = "crash"
    remedy = "Nothing to do: the attempt is repeated; look for out-of-memory kills if it repeats."


class HarnessCrashed(FactoryError):
    """It ended without a word of its own on how."""

    code = "harness.crashed"
    failure_class = FailureClass.TRANSIENT
    cause = "crash"
    remedy = "Nothing to do: the attempt is repeated; read the end of the transcript if it repeats."


class NeedsPerson(FactoryError):
    """The agent says that it cannot go on; its words are the message."""

    code = "run.needs_person"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "needs_person"
    remedy = "Answer in the ticket's text, then put it back: `factory dead-letter requeue TICKET --reason ...`."
