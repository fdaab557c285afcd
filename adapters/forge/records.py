"""What the local forge remembers: one directory a pull request, one mark a ticket, all behind one lock."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from adapters._vendor.files import locked, remove_unfinished, write_atomically
from domain.errors import ForgeFenced
from domain.execution import ArtifactRef
from domain.forge import PullRequest, PullRequestState
from domain.model import Name, Record, Value


class Evidence(Value):
    label: str
    artifact: ArtifactRef
    file: str  #: its copy's name in the pull request's `evidence` directory


class StoredPullRequest(PullRequest):
    """The record beside the page; `ticket_id` is the marker by which it is found."""

    draft: bool = False
    evidence: tuple[Evidence, ...] = ()
    reason: str | None = None  #: why it was merged or closed

    def public(self) -> PullRequest:
        return PullRequest.model_validate(self.model_dump())


class TicketMark(Record):
    """The newest fence that wrote for a ticket, and the ticket's branch."""

    ticket_id: Name
    fence: int = 0
    branch: str | None = None
    former: tuple[str, ...] = ()  #: branches that a new name replaced and that still are to be removed


class PullRecords:
    """The files of one repository's pull requests. Callers hold `locked()` around every read that a write follows."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def locked(self) -> AbstractContextManager[None]:
        return locked(self.directory / "lock")

    def folder(self, number: int) -> Path:
        return self.directory / str(number)

    def get(self, number: int) -> StoredPullRequest | None:
        path = self.folder(number) / "pull_request.json"
        return StoredPullRequest.model_validate_json(path.read_bytes()) if path.exists() else None

    def all(self) -> list[StoredPullRequest]:
        """Return every pull request, oldest first."""
        pulls = (self.get(number) for number in self._numbers())
        return [pull for pull in pulls if pull is not None][::-1]

    def newest_of(self, ticket_id: str) -> StoredPullRequest | None:
        pulls = (self.get(number) for number in self._numbers())
        return next((pull for pull in pulls if pull is not None and pull.ticket_id == ticket_id), None)

    def next_number(self) -> int:
        """One above the newest record: a directory that a killed writer left without a record is used again."""
        return 1 + next((number for number in self._numbers() if self.get(number) is not None), 0)

    def body(self, number: int) -> str:
        return (self.folder(number) / "body.md").read_text(encoding="utf-8")

    def save(self, pull: StoredPullRequest, body: str, page: str) -> None:
        """Write page and text, then the record: what has a record always has a page."""
        folder = self.folder(pull.number)
        write_atomically(folder / "body.md", body.encode())
        write_atomically(folder / "index.html", page.encode())
        write_atomically(folder / "pull_request.json", pull.model_dump_json(indent=2).encode())
        remove_unfinished(folder)
        remove_unfinished(folder / "evidence", keep=frozenset(item.file for item in pull.evidence))

    def mark_of(self, ticket_id: str, fence: int) -> TicketMark:
        """Return the ticket's mark, raised to this fence but not stored.

        Raises:
            ForgeFenced: a newer fence has written already.
        """
        path = self._mark_path(ticket_id)
        mark = TicketMark.model_validate_json(path.read_bytes()) if path.exists() else TicketMark(ticket_id=ticket_id)
        if fence < mark.fence:
            raise ForgeFenced(f"fence {fence} of ticket {ticket_id} is older than {mark.fence}, which has written here")
        return mark.model_copy(update={"fence": fence})

    def store_mark(self, mark: TicketMark) -> None:
        content = mark.model_dump_json().encode()
        path = self._mark_path(mark.ticket_id)
        if not path.exists() or path.read_bytes() != content:
            write_atomically(path, content)

    def owner_of(self, branch: str) -> str | None:
        """Return the ticket whose branch this is."""
        for path in self.directory.glob("tickets/*.json"):
            mark = TicketMark.model_validate_json(path.read_bytes())
            if branch == mark.branch:
                return mark.ticket_id
        return None

    def _mark_path(self, ticket_id: str) -> Path:
        return self.directory / "tickets" / f"{ticket_id}.json"

    def _numbers(self) -> Iterator[int]:
        names = (path.name for path in self.directory.iterdir()) if self.directory.is_dir() else ()
        return iter(sorted((int(name) for name in names if name.isdecimal()), reverse=True))


def is_open(pull: PullRequest) -> bool:
    return pull.state is PullRequestState.OPEN
