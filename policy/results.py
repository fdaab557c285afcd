"""What may leave a sandbox: every entry of a change is looked at before anything else reads it."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, PositiveInt, model_validator

from domain.model import Name, Value

FILE_MODES: Final = frozenset({"100644", "100755"})
LINK: Final = "120000"
SUBMODULE: Final = "160000"
ABSENT: Final = "000000"
_LONGEST_TARGET: Final = 4096
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  #: control, format, not UTF-8, line ends
_IGNORED_BY_HFS: Final = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DRIVE: Final = re.compile(r"[A-Za-z]:")


def _many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_many)]


class PathRule(Value):
    """Files refused unless the repository allows the rule by name."""

    rule: Name
    paths: Patterns
    reason: str


class Allowance(Value):
    """What one repository permits: names of rules under `refuse`."""

    allow: Annotated[tuple[Name, ...], BeforeValidator(_many)] = ()


class ArtifactBounds(Value):
    """Limits of the extra outputs of one run, in files and bytes."""

    max_files: PositiveInt
    max_file_bytes: PositiveInt
    max_total_bytes: PositiveInt


class ResultPolicy(Value):
    """`results.yaml`: bounds of a change in entries and unpacked bytes, and files refused by name."""

    max_objects: PositiveInt
    max_entries: PositiveInt
    max_entry_bytes: PositiveInt
    max_total_bytes: PositiveInt
    max_path_bytes: PositiveInt
    max_depth: PositiveInt
    refuse: tuple[PathRule, ...]
    point_out: Patterns = ()
    repositories: dict[Name, Allowance] = {}
    artifacts: ArtifactBounds

    @model_validator(mode="after")
    def _allows_only_known_rules(self) -> Self:
        known = {rule.rule for rule in self.refuse}
        for name, allowance in self.repositories.items():
            unknown = sorted(set(allowance.allow) - known)
            if unknown:
                raise ValueError(f"repositories.{name}.allow names no rule of `refuse`: {', '.join(unknown)}")
        return self

    def within(self, repository: str) -> "ResultPolicy":
        """Return what holds for one repository: the rules it allows are gone."""
        allowed = self.repositories.get(repository, Allowance()).allow
        return self.model_copy(update={"refuse": tuple(one for one in self.refuse if one.rule not in allowed)})


@dataclass(frozen=True, slots=True)
class Entry:
    """One changed path as git tells it; bytes that are no UTF-8 are surrogates in `path` and `target`."""

    path: str
    old_mode: str
    new_mode: str  #: ABSENT for a deletion
    size: int = 0  #: bytes of the new content
    target: str | None = None  #: of a symbolic link
    blob: str = ""  #: git's id of the new content

    @property
    def stays(self) -> bool:
        return self.new_mode != ABSENT


def refusals(entries: Sequence[Entry], policy: ResultPolicy, tree: Collection[str] = ()) -> tuple[str, ...]:
    """Return why a change is refused, one line an entry; none means it may be looked at.

    Args:
        entries: Every changed path.
        policy: What holds for the repository (`ResultPolicy.within`).
        tree: Every path of the resulting tree, to find names that differ only by case.
    """
    found = [f"{shown(entry.path)}: {reason}" for entry in entries for reason in _entry_refusals(entry, policy)]
    if len(entries) > policy.max_entries:
        found.append(f"{len(entries)} entries, more than {policy.max_entries}")
    total = sum(entry.size for entry in entries)
    if total > policy.max_total_bytes:
        found.append(f"{total} bytes in all, more than {policy.max_total_bytes}")
    added = [entry.path for entry in entries if entry.stays and entry.old_mode == ABSENT]
    return (*found, *_collisions(added, tree or [entry.path for entry in entries if entry.stays]))


def pointed_out(paths: Sequence[str], policy: ResultPolicy) -> tuple[str, ...]:
    """Return the changed paths that are allowed but must not be overlooked."""
    return tuple(path for path in paths if _matches(path, policy.point_out))


def name_refusal(path: str, policy: ResultPolicy) -> str | None:
    """Return why no file of this name may cross at all; None when it may."""
    if not path or path.startswith("/") or _DRIVE.match(path):
        return "an absolute or empty name"
    if any(unicodedata.category(character) in _UNSEEN for character in path):
        return "control, invisible or non-UTF-8 characters in the name"
    parts = re.split(r"[/\\]", path)
    if any(part in {"", ".", ".."} for part in parts):
        return "a name with empty, `.` or `..` parts"
    if any(is_git_folder(part) for part in parts):
        return "a name that is or passes for .git"
    if len(path.encode()) > policy.max_path_bytes:
        return f"a name longer than {policy.max_path_bytes} bytes"
    if len(parts) - 1 > policy.max_depth:
        return f"more than {policy.max_depth} folders deep"
    return None


def is_git_folder(part: str) -> bool:
    """Return whether a name is `.git` to git itself, to HFS+ (ignored characters) or to NTFS (streams, ends, 8.3)."""
    plain = _IGNORED_BY_HFS.sub("", part).casefold().split(":", 1)[0].rstrip(" .")
    return plain in {".git", "git~1"}


def shown(path: str) -> str:
    """Return a hostile name as one printable word."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    plain = (c if unicodedata.category(c) not in _UNSEEN else c.encode("unicode_escape").decode() for c in text[:300])
    return "".join(plain) + ("…" if len(text) > 300 else "")


def _entry_refusals(entry: Entry, policy: ResultPolicy) -> Iterator[str]:
    if not entry.stays and entry.old_mode in {*FILE_MODES, LINK}:
        yield from _rule_refusals(entry.path, policy)  # an odd name may always be removed
        return
    name = name_refusal(entry.path, policy)
    if name is not None:
        yield name
    if SUBMODULE in {entry.old_mode, entry.new_mode}:
        yield "a submodule"
    elif entry.new_mode == LINK:
        yield from _link_refusals(entry)
    elif entry.new_mode not in FILE_MODES:
        yield f"mode {entry.new_mode}"
    if entry.size > policy.max_entry_bytes:
        yield f"{entry.size} bytes, more than {policy.max_entry_bytes}"
    yield from _rule_refusals(entry.path, policy)


def _rule_refusals(path: str, policy: ResultPolicy) -> Iterator[str]:
    for rule in policy.refuse:
        if _matches(path, rule.paths):
            yield f"{rule.rule}: {rule.reason}"


def _link_refusals(entry: Entry) -> Iterator[str]:
    """Only leading `..` may be in a target: behind a name they could climb out through another link."""
    target = entry.target or ""
    parts = re.split(r"[/\\]", target)
    ups = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    if not target or len(target) > _LONGEST_TARGET or any(unicodedata.category(c) in _UNSEEN for c in target):
        yield "a symbolic link to an empty, overlong or unprintable target"
    elif parts[0] == "" or _DRIVE.match(target):
        yield f"a symbolic link to the absolute {shown(target)}"
    elif ups > entry.path.count("/") or ".." in parts[ups:]:
        yield f"a symbolic link out of the tree, to {shown(target)}"
    elif any(is_git_folder(part) for part in parts):
        yield f"a symbolic link into .git, to {shown(target)}"


def _collisions(added: Sequence[str], tree: Collection[str]) -> Iterator[str]:
    """Yield added paths that a file system without case, or with Unicode forms, takes for another one."""
    folds = {_fold(prefix) for path in added for prefix in _prefixes(path)}
    spelled: dict[str, set[str]] = {fold: set() for fold in folds}
    for path in tree:
        for prefix in _prefixes(path):
            if (fold := _fold(prefix)) in spelled:
                spelled[fold].add(prefix)
    for path in added:
        others = next((found for prefix in _prefixes(path) if len(found := spelled[_fold(prefix)]) > 1), None)
        if others:
            yield f"{shown(path)}: differs only by case or Unicode form: {', '.join(map(shown, sorted(others)[:3]))}"


def _prefixes(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)
    yield path


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(_fold(path), _fold(pattern)) for pattern in patterns)
