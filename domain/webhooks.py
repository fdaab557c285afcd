"""What the factory reads of a webhook's payload: few fields, each bounded; one that is wrong counts as missing."""

from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from domain.errors import InvalidInput
from domain.model import Sha1

LARGEST: Final = 25 * 1024 * 1024  #: bytes of one payload; GitHub sends none that is larger
LONGEST_TEXT: Final = 65_536  #: characters of a comment, as GitHub has it
MOST_ITEMS: Final = 100


def _short(text: str) -> str:
    return text[:300]


def _cut(text: str) -> str:
    return text[:LONGEST_TEXT]


def _objects(value: Any) -> Any:
    return [one for one in value[:MOST_ITEMS] if isinstance(one, dict)] if isinstance(value, list) else ()


Short = Annotated[str, AfterValidator(_short)]
Long = Annotated[str, AfterValidator(_cut)]
Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?$")]
Number = Annotated[int, Field(gt=0, lt=2**53, strict=True)]
Flag = Annotated[bool, Field(strict=True)]


class Seen(BaseModel):
    """Part of a payload: strange fields are not looked at, and a wrong one is left at its default."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @field_validator("*", mode="wrap")
    @classmethod
    def _or_missing(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return handler(value)
        except ValidationError:
            return cls.model_fields[info.field_name or ""].get_default()


class Account(Seen):
    login: Login = ""
    type: Short = ""  #: User, Bot, Organization

    @property
    def is_person(self) -> bool:
        return bool(self.login) and self.type == "User"


class App(Seen):
    id: Number | None = None
    slug: Short = ""


class RepositorySeen(Seen):
    full_name: Short = ""  #: OWNER/NAME
    html_url: Short = ""


class Label(Seen):
    name: Short = ""


class Branch(Seen):
    ref: Short = ""
    sha: Sha1 | None = None


class Comment(Seen):
    id: Number | None = None
    body: Long = ""
    user: Account = Account()
    performed_via_github_app: App | None = None


class Review(Comment):
    state: Short = ""


class Issue(Seen):
    number: Number | None = None
    labels: Annotated[tuple[Label, ...], BeforeValidator(_objects)] = ()
    assignees: Annotated[tuple[Account, ...], BeforeValidator(_objects)] = ()
    pull_request: dict[str, Any] | None = None  #: there when the issue is a pull request
    performed_via_github_app: App | None = None


class Pull(Seen):
    number: Number | None = None
    merged: Flag = False
    merged_by: Account | None = None
    merge_commit_sha: Sha1 | None = None
    head: Branch = Branch()


class Check(Seen):
    """A check run, or a suite of them."""

    name: Short = ""
    conclusion: Short = ""
    head_sha: Sha1 | None = None
    app: App | None = None
    pull_requests: Annotated[tuple[Pull, ...], BeforeValidator(_objects)] = ()


class Changes(Seen):
    """What an edit changed."""

    base: dict[str, Any] | None = None


class Payload(Seen):
    action: Short = ""
    sender: Account = Account()
    repository: RepositorySeen | None = None
    issue: Issue | None = None
    label: Label | None = None
    assignee: Account | None = None
    comment: Comment | None = None
    pull_request: Pull | None = None
    review: Review | None = None
    check_run: Check | None = None
    check_suite: Check | None = None
    changes: Changes = Changes()
    state: Short = ""  #: of a commit status, with the two below
    context: Short = ""
    sha: Sha1 | None = None


def read_payload(body: bytes) -> Payload:
    """Read a payload.

    Raises:
        InvalidInput: larger than LARGEST, not JSON in UTF-8, nested deeper than 200, or no object.
    """
    if len(body) > LARGEST:
        raise InvalidInput(f"a payload has at most {LARGEST} bytes")
    try:
        return Payload.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInput(f"the payload is no JSON object: {error.errors()[0]['msg'][:200]}") from None
