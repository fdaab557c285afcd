"""What a handler may answer: a value, a page of values, or a refusal in GitHub's words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


@dataclass
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """A list that the server cuts into pages; only the page asked for is rendered."""

    items: Sequence[Any]
    render: Callable[[Any], Any]
    wrap: str | None = None  #: {"total_count": ..., wrap: [...]}
    extra: dict[str, Any] = field(default_factory=dict)  #: beside the list


class Refused(Exception):
    """The request ends here with this status."""

    def __init__(self, status: int, message: str, errors: Sequence[Any] = (), **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, list(errors)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def body(self) -> dict[str, Any]:
        told: dict[str, Any] = {"message": self.message, "documentation_url": DOCUMENTATION, "status": str(self.status)}
        return {**told, "errors": self.errors} if self.errors else told


def created(body: Any) -> Answer:
    return Answer(201, body)


def nothing() -> Answer:
    return Answer(204)


def missing() -> Refused:
    return Refused(404, "Not Found")


def invalid(resource: str, field_name: str | None, code: str = "invalid", message: str | None = None) -> Refused:
    told = {"resource": resource, "field": field_name, "code": code, "message": message}
    return Refused(422, "Validation Failed", [{name: value for name, value in told.items() if value is not None}])


def unprocessable(message: str) -> Refused:
    return Refused(422, message)
