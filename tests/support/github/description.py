"""GitHub's own OpenAPI description as the judge of every request."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict, MultiDict
from werkzeug.wrappers import Request

from tests.support.needed import NotInstalled

FOLDER = Path(__file__).resolve().parents[3] / ".github-description"
HOST = "https://api.github.com"

#: Where the description, or what reads it, is stricter than GitHub. Recorded traffic of api.github.com has all of these.
KNOWN_GAPS = {
    "multi-segment": "a ref, path, branch or comparison with slashes is one parameter for GitHub, several for OpenAPI",
    "label array": "labels may be sent as a bare array; the description's oneOf reads it as two alternatives at once",
    "root": "GET /contents/ with an empty path",
    "graphql": "the two mutations of drafts; GraphQL is not in an OpenAPI description",
    "protection": "GitHub takes null for a switch of a branch's protection, and checks without the deprecated contexts",
    "old statuses": "GET /statuses/{ref}, which PyGithub asks, is served by GitHub and no longer described",
    "limit": "what is only too long or too many is answered by GitHub itself, with 422",
}
MULTI_SEGMENT = {"ref", "path", "branch", "basehead", "name"}
NULLABLE = {"required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions"}
LIMITS = {"maxItems", "maxLength"}


class DescriptionMissing(NotInstalled):
    """Run tests/support/github/install first; without the description nothing is proved."""


class InvalidRequest(Exception):
    """The request is none that GitHub describes."""


class TooMuch(Exception):
    """The request is well-formed and over a limit."""


def described(name: str) -> Any:
    """Return one of the installed JSON files.

    Raises:
        DescriptionMissing: it is not installed.
    """
    path = FOLDER / name
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise DescriptionMissing(f"{path.name} is not in {FOLDER.name}/: run tests/support/github/install") from error


@cache
def _description() -> OpenAPI:
    return OpenAPI.from_dict(described("api.github.com.json"), config=Config(spec_validator_cls=None))


_ONE_AT_A_TIME = Lock()


@dataclass
class Described:
    """A request as openapi-core reads it."""

    host_url: str
    path: str
    method: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None


def ready() -> None:
    """Load the description. Raises: DescriptionMissing."""
    _description()


def check(request: Request, template: str, values: dict[str, Any]) -> None:
    """Raises: InvalidRequest, TooMuch."""
    subject = Described(
        host_url=HOST,
        path=_path(template, values),
        method=request.method.lower(),
        parameters=RequestParameters(
            query=ImmutableMultiDict(request.args), header=Headers(request.headers), cookie=MultiDict()
        ),
        content_type="application/json",
        body=_body(request, template),
    )
    try:
        with _ONE_AT_A_TIME:
            _description().validate_request(subject)
    except OpenAPIError as error:
        faults = list(_faults(error))
        text = "; ".join(message for _, message in faults) or f"{error} ({error.__cause__ or type(error).__name__})"
        told = f"{request.method} {template}: {text[:2000]}"
        raise (TooMuch if faults and {kind for kind, _ in faults} <= LIMITS else InvalidRequest)(told) from error


def _path(template: str, values: dict[str, Any]) -> str:
    path = template
    for name, value in values.items():
        text = str(value).replace("/", "-") if name in MULTI_SEGMENT else str(value)
        path = path.replace(f"{{{name}}}", quote(text, safe=""))
    return path


def _body(request: Request, template: str) -> bytes | None:
    content = request.get_data() or None
    if content and template.endswith("/labels") and content.lstrip().startswith(b"["):
        return b'{"labels":' + content + b"}"
    if content and template.endswith("/protection"):
        return _protection(content)
    return content


def _protection(content: bytes) -> bytes:
    try:
        told = json.loads(content)
    except ValueError:
        return content
    if not isinstance(told, dict):
        return content
    told = {name: value for name, value in told.items() if value is not None or name in NULLABLE}
    if isinstance(told.get("required_status_checks"), dict) and "checks" in told["required_status_checks"]:
        told["required_status_checks"].setdefault("contexts", [])
    return json.dumps(told).encode()


def _faults(error: OpenAPIError) -> Iterator[tuple[str, str]]:
    for one in getattr(error.__cause__, "schema_errors", ()):
        where = ".".join(map(str, one.absolute_path))
        yield str(one.validator), f"{where or 'value'}: {one.message[:300]}"
