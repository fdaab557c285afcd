"""The review desk of the local forge: what governance says of a pull request, as files beside its page."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from adapters._vendor.files import write_atomically
from adapters._vendor.git import Git
from adapters.forge.records import PullRecords, StoredPullRequest, is_open
from adapters.forge.replay import BOT_NAME
from domain.errors import ForgeRefused
from domain.forge import CheckTold, PullHead, Remark
from domain.model import Sha1, Value

OBJECTION: Final = "objection.md"
CHECKS: Final = "checks.json"
REMARKS: Final = "remarks.jsonl"  #: people append to it, one `domain.forge.Remark` a line
REMARKS_LIMIT: Final = 2_000_000  #: bytes read of it


class ToldChecks(Value):
    head_sha: Sha1
    checks: tuple[CheckTold, ...]


class Desk:
    """One repository's. See `contract.ReviewDesk`; callers turn its failures into ours."""

    def __init__(self, git: Git, records: PullRecords) -> None:
        self._git = git
        self._records = records

    def open_pulls(self) -> list[PullHead]:
        return [_head(pull) for pull in self._records.all() if is_open(pull)]

    def pull(self, number: int) -> PullHead | None:
        found = self._records.get(number)
        return None if found is None else _head(found)

    def obtain(self, pull: PullHead) -> str:
        if self._git.commit(pull.head_sha) is None:
            raise ForgeRefused(f"commit {pull.head_sha[:12]} of pull request #{pull.number} is not in the forge")
        return self._git.text("merge-base", f"refs/heads/{pull.base}", pull.head_sha)

    def report(self, number: int, marker: str, text: str) -> str:
        with self._records.locked():
            path = self._existing(number) / "comments" / f"{_file_name(marker)}.md"
            _keep(path, text)
            return path.as_uri()

    def tell_checks(self, head_sha: str, checks: Sequence[CheckTold]) -> None:
        with self._records.locked():
            for pull in self._records.all():
                if is_open(pull) and pull.head_sha == head_sha:
                    _tell(self._records.folder(pull.number) / CHECKS, head_sha, checks)

    def object_to(self, pull: PullHead, reason: str | None) -> None:
        with self._records.locked():
            now = self._records.get(pull.number)
            if now is None or now.head_sha != pull.head_sha:
                return
            path = self._records.folder(pull.number) / OBJECTION
            if reason is None:
                path.unlink(missing_ok=True)
            else:
                _keep(path, reason)

    def remarks(self, number: int) -> list[Remark]:
        path = self._existing(number) / REMARKS
        if not path.is_file():
            return []
        with path.open("rb") as file:
            lines = file.read(REMARKS_LIMIT).decode("utf-8", "replace").splitlines()
        return sorted((Remark.model_validate_json(line) for line in lines if line.strip()), key=lambda one: one.at)

    def _existing(self, number: int) -> Path:
        if self._records.get(number) is None:
            raise ForgeRefused(f"there is no pull request #{number}")
        return self._records.folder(number)


def _head(pull: StoredPullRequest) -> PullHead:
    same = {"repository", "number", "url", "title", "branch", "base", "head_sha", "state", "draft", "ticket_id"}
    ended = {"merged_by", "merge_sha"}
    return PullHead(author=BOT_NAME, **pull.model_dump(include=same | ended))


def _tell(path: Path, head_sha: str, checks: Sequence[CheckTold]) -> None:
    known = ToldChecks.model_validate_json(path.read_bytes()) if path.is_file() else None
    before = known.checks if known is not None and known.head_sha == head_sha else ()
    told = {check.name: check for check in (*before, *checks)}
    listed = TypeAdapter(tuple[CheckTold, ...]).dump_python(tuple(told.values()), mode="json")
    _keep(path, json.dumps({"head_sha": head_sha, "checks": listed}, indent=2) + "\n")


def _keep(path: Path, text: str) -> None:
    content = text.encode("utf-8", "replace")
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def _file_name(marker: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", marker).strip("-")[:60]
    return plain if plain == marker else f"{plain}-{hashlib.sha256(marker.encode()).hexdigest()[:12]}".lstrip("-")
