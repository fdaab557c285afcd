"""What can go wrong where untrusted commands run, are bounded, and hand over what they made."""

from domain.taxonomy import FactoryError, FailureClass


class IsolationRequired(FactoryError):
    code = "sandbox.isolation_required"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "sandbox"
    remedy = "Install Docker or bubblewrap; `factory doctor` says which works here and the command that fixes another."


class SandboxFailed(FactoryError):
    code = "sandbox.failed"
    failure_class = FailureClass.TRANSIENT
    cause = "sandbox"
    remedy = "Run `factory doctor`; the sandbox could not be made or used on this machine."


class ImageUnavailable(FactoryError):
    """The image that policy names for a repository is not here, or no sandbox here is made of images."""

    code = "sandbox.image_unavailable"
    failure_class = FailureClass.TRANSIENT
    cause = "sandbox"
    remedy = "Run `factory doctor`: it names each missing image with the command that gets it. The ticket waits."


class SetupFailed(FactoryError):
    code = "environment.setup_failed"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "setup_failed"
    remedy = "Run the repository's `setup` commands by hand in a fresh clone and correct them."


class EgressUnavailable(FactoryError):
    """The egress broker does not answer, so a sandbox would have no door."""

    code = "egress.unavailable"
    failure_class = FailureClass.TRANSIENT
    cause = "sandbox"
    remedy = "Start `factory up` (it keeps the broker running) and read logs/egress.log in FACTORY_HOME."


class MemoryExceeded(FactoryError):
    code = "run.memory_exceeded"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "limit"
    remedy = "Raise `memory_limit` in settings.yaml, or make the work smaller."


class CpuExceeded(FactoryError):
    code = "run.cpu_exceeded"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "limit"
    remedy = "Raise `cpu_limit` in settings.yaml, or make the work smaller."


class ToolCallsExceeded(FactoryError):
    code = "run.tool_calls_exceeded"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "limit"
    remedy = "Raise `tool_call_limit` in settings.yaml, or make the work smaller."


class TokensExceeded(FactoryError):
    code = "run.tokens_exceeded"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "limit"
    remedy = "Raise `token_limit` in settings.yaml or the ticket's budget, or make the work smaller."


class MoneyExceeded(FactoryError):
    code = "run.money_exceeded"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "limit"
    remedy = "Raise `usd_limit` in settings.yaml or the ticket's budget, or make the work smaller."


class ResultRefused(FactoryError):
    """What a sandbox handed over is not a change that may be looked at further; details name the entries."""

    code = "result.refused"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "patch_rejected"
    remedy = "Read the named entries; what may leave a sandbox is set in policy/rules/results.yaml."


class PatchEmpty(FactoryError):
    code = "patch.empty"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "patch_empty"
    remedy = "The work changed no file: drop the ticket, or correct its commands or text."


class PatchTooLarge(FactoryError):
    code = "patch.too_large"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "patch_rejected"
    remedy = "Split the work, or keep generated files out of the change."


class PatchDoesNotApply(FactoryError):
    code = "patch.does_not_apply"
    failure_class = FailureClass.TRANSIENT
    cause = "patch_rejected"
    remedy = "The base changed under the patch: the work is repeated on the new base; requeue it if attempts are spent."


class PatchUnreadable(FactoryError):
    code = "patch.unreadable"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "patch_rejected"
    remedy = "The workspace no longer is a git repository that can be read; correct what the commands do to it."


class TreeMismatch(FactoryError):
    code = "patch.tree_mismatch"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "patch_rejected"
    remedy = "The tree tested is not the tree to be pushed; report it with the patch artifact."
