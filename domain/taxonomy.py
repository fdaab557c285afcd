"""The root of the error tree: what every failure says of itself."""

from enum import StrEnum
from typing import Any, ClassVar


class FailureClass(StrEnum):
    TRANSIENT = "transient"  #: the same work may succeed later
    NON_RETRIABLE = "non_retriable"  #: the same work will fail again
    UNKNOWN = "unknown"  #: nobody knows; retried within the same bounds as transient


class FactoryError(Exception):
    """Base of all expected failures; anything else is a bug.

    `cause` is the word a ticket's `retry.on` list uses for this kind of failure.
    """

    code: ClassVar[str] = "factory.unexpected"
    failure_class: ClassVar[FailureClass] = FailureClass.UNKNOWN
    cause: ClassVar[str] = "error"
    remedy: ClassVar[str] = "Read the run's timeline and log; report it if the factory itself is at fault."

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return f"[{self.code}] {self.message} -> {self.remedy}"


def taxonomy() -> dict[str, type[FactoryError]]:
    """Return every failure code with its error class; complete once domain.errors is imported."""
    found: dict[str, type[FactoryError]] = {FactoryError.code: FactoryError}
    for error in FactoryError.__subclasses__():
        found[error.code] = error
    return found
