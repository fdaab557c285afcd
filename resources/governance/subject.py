"""What is judged: two commits of one repository, and whose change it is."""

from pydantic import NonNegativeInt

from domain.changes import Author
from domain.model import Name, Sha1, Value
from domain.repositories import Repository
from policy.actions import Grant


class Subject(Value):
    """The mirror of its repository (`remote`) holds both commits."""

    repository: Repository
    base_sha: Sha1  #: the merge base, whose policy judges
    head_sha: Sha1
    number: NonNegativeInt | None = None  #: of the pull request; None: a path on this machine
    author: Author = Author.UNKNOWN
    ticket_id: Name | None = None
    run_id: Name | None = None  #: that brought the head here, by our own record
    profile: Name | None = None  #: by whose rules the ticket was worked on
    allowed_scope: tuple[str, ...] = ()  #: of the ticket or its profile
    grants: tuple[Grant, ...] = ()  #: what people approved of the run that made this very head
    rules: tuple[str, ...] = ()  #: only these are judged; empty: all

    @property
    def ours(self) -> bool:
        return self.author is Author.FACTORY

    @property
    def trusted(self) -> bool:
        """Tell whether whoever asks answers for the code: a path of their own, no pull request."""
        return self.number is None
