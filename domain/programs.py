"""What an agent program itself does not do."""

from domain.taxonomy import FactoryError, FailureClass


class HarnessUnavailable(FactoryError):
    code = "harness.unavailable"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_unavailable"
    remedy = "Install or enable the harness, or name another `engine` in the ticket."


class ProgramMissing(FactoryError):
    code = "harness.program_missing"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_unavailable"
    remedy = "Install the program, or name it in `harnesses.<name>.executable`."


class HarnessFailed(FactoryError):
    """The harness ran and said, by its own outcome, that it did not succeed."""

    code = "harness.failed"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_failed"
    remedy = "Read the transcript named in the run; correct the ticket's commands or its text."


class SessionUnknown(FactoryError):
    code = "harness.session_unknown"
    failure_class = FailureClass.TRANSIENT
    cause = "harness_failed"
    remedy = "Nothing to do: the next attempt starts a session of its own."
