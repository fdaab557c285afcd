"""What the stand-in remembers: people, repositories and everything said in them. Code lies in git, not here."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.support.github.bare import Bare

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
Values = dict[str, Any]


@dataclass(eq=False)
class Account:
    id: int
    login: str
    kind: str  #: User, Bot or Organization
    email: str
    created_at: datetime
    name: str | None = None


@dataclass(eq=False)
class App:
    id: int
    slug: str
    owner: Account
    bot: Account
    public_key: str
    private_key: str
    permissions: dict[str, str]
    events: tuple[str, ...]
    created_at: datetime
    webhook_url: str | None = None
    webhook_secret: str | None = None


@dataclass(eq=False)
class Installation:
    id: int
    app: App
    account: Account
    repositories: set[int]
    permissions: dict[str, str]
    created_at: datetime


@dataclass(eq=False)
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(eq=False)
class Comment:
    id: int
    number: int  #: of the issue
    user: Account
    app: App | None
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(eq=False)
class Review:
    id: int
    user: Account
    state: str  #: PENDING, COMMENTED, APPROVED, CHANGES_REQUESTED or DISMISSED
    body: str
    commit_id: str
    submitted_at: datetime | None


@dataclass(eq=False)
class ReviewComment:
    id: int
    review: Review
    user: Account
    body: str
    path: str
    commit_id: str
    original_commit_id: str
    line: int | None
    position: int | None
    side: str
    start_line: int | None
    diff_hunk: str
    created_at: datetime
    updated_at: datetime
    in_reply_to: int | None = None
    subject_type: str = "line"


@dataclass(eq=False)
class Pull:
    id: int
    base_ref: str
    base_sha: str
    head_repository: "Repository"
    head_ref: str
    head_sha: str
    draft: bool
    maintainer_can_modify: bool = False
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_sha: str | None = None
    reviewers: list[Account] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    comments: list[ReviewComment] = field(default_factory=list)


@dataclass(eq=False)
class Issue:
    id: int
    number: int
    user: Account
    app: App | None
    title: str
    body: str | None
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: Account | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[Account] = field(default_factory=list)
    pull: Pull | None = None


@dataclass(eq=False)
class CheckSuite:
    id: int
    app: App
    head_sha: str
    created_at: datetime
    updated_at: datetime


@dataclass(eq=False)
class CheckRun:
    id: int
    suite: CheckSuite
    name: str
    head_sha: str
    started_at: datetime
    status: str = "queued"
    conclusion: str | None = None
    external_id: str = ""
    details_url: str | None = None
    completed_at: datetime | None = None
    output: Values = field(default_factory=dict)
    annotations: list[Values] = field(default_factory=list)


@dataclass(eq=False)
class Status:
    id: int
    sha: str
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: Account
    created_at: datetime


@dataclass(eq=False)
class Hook:
    id: int
    url: str
    secret: str | None
    content_type: str
    events: list[str]
    active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(eq=False)
class Repository:
    id: int
    owner: Account
    name: str
    git: Bare
    private: bool
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime
    default_branch: str = "main"
    description: str | None = None
    parent: "Repository | None" = None
    settings: dict[str, bool] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)  #: by name in lower case
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    suites: list[CheckSuite] = field(default_factory=list)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    hooks: dict[int, Hook] = field(default_factory=dict)
    protections: dict[str, Values] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def pulls(self) -> list[Issue]:
        return [issue for issue in self.issues.values() if issue.pull]

    def role(self, account: Account | None) -> str:
        given = self.roles.get(account.login, "none") if account else "none"
        return "read" if given == "none" and not self.private else given
