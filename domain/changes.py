"""What a change is, before anyone judges it: its commits, dependencies, workflows and scans, all at exact commits.

What could not be gathered is None, never empty.
"""

from enum import StrEnum

from domain.execution import ArtifactRef
from domain.findings import Leak, Scan
from domain.governance import CheckResult, FileChange
from domain.model import Instant, Name, Sha1, Value


class CommitFact(Value):
    sha: Sha1
    author: str  #: e-mail address
    committer: str  #: e-mail address
    subject: str
    ticket_id: str | None = None  #: of its trailer
    run_id: str | None = None  #: of its trailer


class Author(StrEnum):
    """Whose work a change is. What nobody knows is held to what agents are held to."""

    FACTORY = "factory"
    PERSON = "person"
    UNKNOWN = "unknown"


class Ecosystem(StrEnum):
    PYPI = "pypi"
    NPM = "npm"


class Dependency(Value):
    """One package one manifest or lock file asks for, as the change introduces it."""

    ecosystem: Ecosystem
    name: str  #: normalised as its registry does
    specifier: str = ""  #: as written
    version: str | None = None  #: None: not one exact version
    previous: str | None = None  #: version or specifier on the base; None: new
    path: str
    line: int | None = None
    is_lock: bool = False
    hashed: bool = False
    origin: str = "registry"  #: registry, url, vcs or path


class Known(StrEnum):
    """What a registry said of a name or version."""

    FOUND = "found"
    ABSENT = "absent"
    OFFLINE = "offline"


class Advisory(Value):
    id: str
    aliases: tuple[str, ...] = ()
    severity: str = ""  #: low, medium, high, critical; empty: the record names none
    fixed: tuple[str, ...] = ()
    summary: str = ""
    url: str | None = None


class Package(Value):
    """What its registry and the advisory source say of one package at one version."""

    ecosystem: Ecosystem
    name: str
    version: str | None = None
    known: Known
    version_known: Known = Known.OFFLINE
    yanked: str | None = None  #: the reason, or `yanked`
    deprecated: str | None = None
    published_at: Instant | None = None  #: of the version; None: the registry does not tell
    first_published_at: Instant | None = None
    newest: str | None = None
    license: str | None = None  #: SPDX expression; None: unknown
    lookalike: str | None = None  #: the popular name it can be taken for
    advisories: tuple[Advisory, ...] | None = None  #: None: the source could not be asked
    url: str | None = None


class WorkflowChange(Value):
    path: str
    raised: tuple[str, ...] = ()  #: permissions it has and its base had not, `contents: write`
    broadened: tuple[str, ...] = ()  #: triggers it has and its base had not
    unreadable: bool = False


class Approved(Value):
    """A person's recorded yes to one action of the very change that is judged; of another head it says nothing."""

    action: Name
    actor: str
    at: Instant
    paths: tuple[str, ...]  #: of the change that the action is about


class AdvisorySource(Value):
    """Where known vulnerabilities were asked."""

    place: str  #: without credentials
    as_of: Instant | None = None  #: the newest change it knows of, as far as it was read
    is_whole: bool = False  #: all it knows was read: an old `as_of` means an old source
    reason: str = ""  #: why anything is not known


class ChangeFacts(Value):
    """Everything rules may look at, of the head commit against its merge base."""

    repository: Name
    base_sha: Sha1  #: the merge base
    head_sha: Sha1
    files: tuple[FileChange, ...]
    lines_added: int
    lines_removed: int
    commits: tuple[CommitFact, ...] = ()
    author: Author = Author.PERSON
    ticket_id: str | None = None
    profile: str | None = None  #: by whose rules the ticket was worked on
    repository_scope: tuple[str, ...] = ()  #: path patterns the factory may touch at all; empty means all
    allowed_scope: tuple[str, ...] = ()  #: of the ticket or its profile; a path has to lie in both
    scope_report: ArtifactRef | None = None  #: every path of the change, as in scope or out of it
    approved: tuple[Approved, ...] = ()
    scans: tuple[Scan, ...] = ()  #: of the head
    base_scans: tuple[Scan, ...] = ()  #: of the same files on the base, where they exist
    leaks: tuple[Leak, ...] | None = None  #: secrets beside the files: in commits, manifest, events, logs, artifacts
    dependencies: tuple[Dependency, ...] | None = None
    unreadable_manifests: tuple[str, ...] = ()
    packages: tuple[Package, ...] | None = None
    advisories: AdvisorySource | None = None  #: None: nothing had to be asked
    workflows: tuple[WorkflowChange, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    checks_problem: str = ""  #: why there are none
    baseline: tuple[CheckResult, ...] | None = None
    sbom: ArtifactRef | None = None
    now: Instant

    @property
    def ours(self) -> bool:
        return self.author is Author.FACTORY
