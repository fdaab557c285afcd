"""Opening, bringing up to date and ending the pull requests of one repository."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from adapters._vendor.git import Git
from adapters.forge.edits import edits_of
from adapters.forge.evidence import copy_evidence
from adapters.forge.merging import merge, refuse_factory
from adapters.forge.page import read_diff, render_page
from adapters.forge.records import PullRecords, StoredPullRequest, is_open
from domain.errors import ForgeRefused
from domain.forge import PullRequest, PullRequestRequest, PullRequestState


class PullRequests:
    def __init__(self, git: Git, records: PullRecords, remote: Path) -> None:
        self._git = git
        self._records = records
        self._remote = str(remote)

    def open(self, request: PullRequestRequest, now: datetime) -> PullRequest:
        """Open the ticket's pull request or bring the open one up to date.

        One that has ended is answered as it is to the fence that opened it; a newer fence opens another.
        """
        with self._records.locked():
            mark = self._records.mark_of(request.ticket_id, request.fence)
            known = self._records.newest_of(request.ticket_id)
            if known is not None and not is_open(known) and request.fence <= known.fence:
                return _repeated(known, request)
            self._refuse_unpublished(request)
            self._records.store_mark(mark)
            open_one = known if known is not None and is_open(known) else None
            return self._write(self._drafted(request, open_one, now), request.body, open_one)

    def find(self, ticket_id: str) -> PullRequest | None:
        found = self._records.newest_of(ticket_id)
        return None if found is None else found.public()

    def merge(self, number: int, actor: str, reason: str, now: datetime) -> PullRequest:
        refuse_factory(actor)
        with self._records.locked():
            pull = self._existing(number)
            if pull.state is PullRequestState.MERGED:
                return pull.public()
            if not is_open(pull):
                raise ForgeRefused(f"pull request #{number} is closed and cannot be merged")
            commit, by = merge(self._git, pull, actor, now)
            edits = edits_of(self._git, pull.base_sha, pull.head_sha, commit)
            how = {"state": PullRequestState.MERGED, "merge_sha": commit, "merged_by": by, "edits": edits}
            return self._end(pull, how, reason, now)

    def close(self, number: int, reason: str, now: datetime) -> PullRequest:
        with self._records.locked():
            pull = self._existing(number)
            if pull.state is PullRequestState.CLOSED:
                return pull.public()
            if not is_open(pull):
                raise ForgeRefused(f"pull request #{number} is merged and cannot be closed")
            return self._end(pull, {"state": PullRequestState.CLOSED}, reason, now)

    def _existing(self, number: int) -> StoredPullRequest:
        pull = self._records.get(number)
        if pull is None:
            raise ForgeRefused(f"there is no pull request #{number}")
        return pull

    def _refuse_unpublished(self, request: PullRequestRequest) -> None:
        published = self._git.commit(f"refs/heads/{request.branch}")
        if not request.branch.startswith("factory/") or request.branch == request.base:
            raise ForgeRefused(f"{request.branch!r} is not a branch of the factory")
        if published != request.head_sha:
            raise ForgeRefused(f"branch {request.branch!r} is at {published}, not at {request.head_sha}")
        if self._git.commit(request.base_sha) is None or self._git.commit(f"refs/heads/{request.base}") is None:
            raise ForgeRefused(f"base {request.base!r} at {request.base_sha[:12]} is not in the forge")

    def _drafted(
        self, request: PullRequestRequest, open_one: StoredPullRequest | None, now: datetime
    ) -> StoredPullRequest:
        number = self._records.next_number() if open_one is None else open_one.number
        folder = self._records.folder(number)
        asked = request.model_dump(exclude={"body", "links"})
        return StoredPullRequest(
            **asked,
            number=number,
            url=(folder / "index.html").as_uri(),
            state=PullRequestState.OPEN,
            evidence=copy_evidence(request.links, folder / "evidence"),
            created_at=now if open_one is None else open_one.created_at,
            updated_at=now,
        )

    def _write(self, pull: StoredPullRequest, body: str, before: StoredPullRequest | None) -> PullRequest:
        """Write page and record; what says the same as before keeps its time."""
        if before is not None and self._records.body(pull.number) == body:
            same = pull.model_copy(update={"updated_at": before.updated_at})
            pull = same if same == before else pull
        diff = read_diff(self._git, pull.base_sha, pull.head_sha)
        self._records.save(pull, body, render_page(pull, body, diff, self._remote))
        return self._existing(pull.number).public()

    def _end(self, pull: StoredPullRequest, how: Mapping[str, object], reason: str, now: datetime) -> PullRequest:
        ended = pull.model_copy(update={**how, "reason": reason, "updated_at": now})
        return self._write(ended, self._records.body(pull.number), pull)


def _repeated(known: StoredPullRequest, request: PullRequestRequest) -> PullRequest:
    if known.head_sha != request.head_sha:
        raise ForgeRefused(
            f"pull request #{known.number} of ticket {known.ticket_id} is {known.state}; only a newer run opens another"
        )
    return known.public()
