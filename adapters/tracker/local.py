"""Items as files in a folder, for work without a forge: `FOLDER/REPOSITORY/NUMBER/item.md`, comments beside it."""

import fcntl
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from adapters.tracker.local_files import instant_of, numbered, read_parts, write_parts
from domain.errors import ForgeRefused
from domain.tracking import FactoryLabel, Item, ItemComment, ItemStatus, Standing

MYSELF: Final = "agent"
ITEM: Final = "item.md"
PEOPLE: Final = "people.yaml"  #: `ann: write`, one line a person


class LocalTracker:
    def __init__(
        self, folder: Path, may_ask: Callable[[str], bool], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._folder = folder
        self._may_ask = may_ask
        self._now = now

    def myself(self, repository: str) -> str:  # noqa: ARG002 - one name for all
        return MYSELF

    def item(self, repository: str, number: int) -> Item | None:
        place = self._place(repository, number)
        if not (place / ITEM).is_file():
            return None
        keys, text = read_parts(place / ITEM)
        told = {"author": "somebody", **{key: value for key, value in keys.items() if key in Item.model_fields}}
        fixed = {"repository": repository, "number": number, "text": text, "comments": tuple(_comments(place))}
        fixed |= {"url": place.absolute().as_uri(), "updated_at": instant_of(keys.get("updated_at"), place / ITEM)}
        try:
            return Item.model_validate({"title": "", "status": "open", **told, **fixed})
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise ForgeRefused(f"{place / ITEM} is no item: {wrong[:500]}") from error

    def wanted(self, repository: str) -> list[Item]:
        """Files that are no items are passed over here: one of them must not hide the others."""
        found = []
        for number, _ in numbered(self._folder / repository):
            try:
                item = self.item(repository, number)
            except ForgeRefused:
                continue
            if item is not None and not item.status.is_over and self._is_wanted(item):
                found.append(item)
        return found

    def standing(self, repository: str, login: str) -> Standing:
        path = self._folder / repository / PEOPLE
        if not path.is_file():
            return Standing.NONE
        try:
            people = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            raise ForgeRefused(f"{path} cannot be read: {type(error).__name__}") from error
        told = people.get(login) if isinstance(people, dict) else None
        return Standing(told) if told in list(Standing) else Standing.NONE

    def say(self, repository: str, number: int, *, marker: str, text: str) -> str:
        with self._changing(repository, number) as place:
            ours = [path for path in _comment_files(place) if _is_ours(path, marker)]
            newest = max((found for found, _ in numbered(place / "comments")), default=0)
            kept = ours[0] if ours else place / "comments" / f"{newest + 1}.md"
            keys = read_parts(kept)[0] if ours else {"author": MYSELF, "marker": marker, "at": self._now().isoformat()}
            write_parts(kept, keys, text)
            for spare in ours[1:]:
                spare.unlink()
            return kept.absolute().as_uri()

    def move(
        self, repository: str, number: int, status: ItemStatus, *, labels: Collection[FactoryLabel] | None = None
    ) -> None:
        with self._changing(repository, number) as place:
            item = self.item(repository, number)
            if item is None:
                raise ForgeRefused(f"there is no item {repository}#{number}")
            keys, text = read_parts(place / ITEM)
            changed: dict[str, Any] = dict(keys)
            if not item.status.is_over:
                changed["status"] = status.value
            if labels is not None:
                theirs = [label for label in item.labels if label not in list(FactoryLabel)]
                changed["labels"] = [*theirs, *sorted(label.value for label in labels)]
            if changed != keys:
                write_parts(place / ITEM, changed, text)

    def _is_wanted(self, item: Item) -> bool:
        if FactoryLabel.RUN in item.labels or MYSELF in item.assignees:
            return True
        return any(self._may_ask(comment.text) for comment in item.comments)

    def _place(self, repository: str, number: int) -> Path:
        return self._folder / repository / str(number)

    @contextmanager
    def _changing(self, repository: str, number: int) -> Iterator[Path]:
        place = self._place(repository, number)
        if not (place / ITEM).is_file():
            raise ForgeRefused(f"there is no item {repository}#{number}")
        with (self._folder / repository / ".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield place


def _comment_files(place: Path) -> list[Path]:
    return [path for _, path in numbered(place / "comments")]


def _is_ours(path: Path, marker: str) -> bool:
    keys, _ = read_parts(path)
    return keys.get("author") == MYSELF and keys.get("marker") == marker


def _comments(place: Path) -> Iterator[ItemComment]:
    for number, path in numbered(place / "comments"):
        keys, text = read_parts(path)
        author = str(keys.get("author") or "somebody")
        yield ItemComment(id=number, author=author, text=text, at=instant_of(keys.get("at"), path))
