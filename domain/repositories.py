"""An enrolled repository: where it comes from and the settings in force for it."""

from typing import Annotated

from pydantic import Field

from domain.handwriting import Commands, Handwritten
from domain.model import Instant, Name, Record, Value
from domain.tickets import Tier


class RepositorySettings(Handwritten):
    """What `factory repo add` chose or was told. `.factory.yaml` on the base branch may refine it."""

    base: Annotated[str, Field(max_length=200)] = "main"
    setup: Commands = ()
    setup_files: Commands = ()  #: the files whose digest decides the cached environment
    verify: Commands = ()
    lock: str | None = None
    scope: Commands = ()  #: path patterns a change may touch; empty means all
    autonomy: Tier = Tier.SUPERVISED
    sandbox: str = "auto"
    require: Commands = ()  #: ticket keys this repository demands (owner, milestone, acceptance)
    required_checks: Commands = ("test", "lint", "docs-check")  #: that must pass before anybody merges into its base
    webhook_secret: Annotated[str, Field(pattern=r"^webhook[A-Za-z0-9_-]{0,93}$")] | None = None
    #: name of the secret that signs its webhooks; none: `webhook-` and the repository's name


class RepositoryFile(Handwritten):
    """`.factory.yaml` as committed on the base branch; None leaves what was enrolled."""

    base: str | None = None
    setup: Commands | None = None
    setup_files: Commands | None = None
    verify: Commands | None = None
    lock: str | None = None
    scope: Commands | None = None
    autonomy: Tier | None = None
    require: Commands | None = None


class Repository(Record):
    name: Name
    source: str  #: path or URL it is fetched from
    forge: Name = "local"
    remote: str  #: the forge's own git repository, which anyone may clone
    settings: RepositorySettings
    created_at: Instant
    created_by: str
    enabled: bool = True


class BaseReport(Value):
    """The repository's own checks on its own base commit."""

    base_sha: str
    base_red: bool
    failing_tests: tuple[str, ...] = ()
    failing_commands: tuple[str, ...] = ()


def effective_settings(enrolled: RepositorySettings, committed: RepositoryFile | None) -> RepositorySettings:
    """Lay the committed file over what was enrolled; autonomy is only ever lowered by it."""
    if committed is None:
        return enrolled
    told = {key: value for key, value in committed.model_dump(by_alias=False).items() if value is not None}
    if committed.autonomy is not None:
        told["autonomy"] = min(enrolled.autonomy, committed.autonomy, key=lambda tier: tier.rank)
    return enrolled.model_copy(update=told)
