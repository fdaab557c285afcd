"""Why a model's API, or the account there, refused an agent program."""

from domain.taxonomy import FactoryError, FailureClass


class SignInFailed(FactoryError):
    """The model's API knows no such key, or the account may not use it."""

    code = "harness.sign_in"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_unavailable"
    remedy = "Set the secret that `harnesses.<name>.credential` names to a key that works."


class RateLimited(FactoryError):
    code = "harness.rate_limited"
    failure_class = FailureClass.TRANSIENT
    cause = "harness_unavailable"
    remedy = "Nothing to do: another harness takes over, or the ticket waits until the limit is reset."


class QuotaExceeded(FactoryError):
    code = "harness.quota"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_unavailable"
    remedy = "Raise the account's quota or wait for its reset; another enabled harness takes over meanwhile."


class ModelOverloaded(FactoryError):
    """The model's API answered with a server error, or said that it has too much to do."""

    code = "harness.overloaded"
    failure_class = FailureClass.TRANSIENT
    cause = "harness_unavailable"
    remedy = "Nothing to do: it is tried again, or another harness takes over."


class ModelUnreachable(FactoryError):
    code = "harness.unreachable"
    failure_class = FailureClass.TRANSIENT
    cause = "harness_unavailable"
    remedy = "Check `harnesses.<name>.base_url` and `factory egress log RUN` for what was refused."


class ModelUnknown(FactoryError):
    code = "harness.model_unknown"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_unavailable"
    remedy = "Name a model that the account may use in `harnesses.<name>.model`."


class ContextOverflow(FactoryError):
    code = "harness.context_overflow"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_failed"
    remedy = "Make the ticket smaller, or route it to a model with a larger context."


class RequestRefused(FactoryError):
    """The model's API does not accept what the program asks."""

    code = "harness.request_refused"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "harness_failed"
    remedy = "Read the transcript: the request is wrong for this model or API; the program's version may not fit."


class StreamBroken(FactoryError):
    """The model's answer was cut, malformed or empty."""

    code = "harness.stream_broken"
    failure_class = FailureClass.TRANSIENT
    cause = "harness_unavailable"
    remedy = "Nothing to do: it is tried again; look at the network between the broker and the model if it repeats."
