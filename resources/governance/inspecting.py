"""Scans of a subject: its head, and of the base what something was found in."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final, NamedTuple

from domain.errors import FactoryError
from domain.findings import Scan
from domain.governance import FileChange
from policy.governance.model import GovernancePolicy
from resources.checks import Observer
from resources.governance.bench import Bench, opened_bench
from resources.governance.legible import legible
from resources.governance.planting import EACH_BYTES, TOTAL_BYTES, to_scan
from resources.governance.scan_reports import Sides, crashed, read_scans
from resources.governance.scanning import Files, Round, scan_files, wanted
from resources.governance.source import Source
from resources.governance.trees import Tree
from resources.wiring import Factory

TOGETHER_BYTES: Final = 1_000_000  #: of old contents that are scanned beside the new: quicker than starting again


class Scans(NamedTuple):
    head: tuple[Scan, ...] = ()
    base: tuple[Scan, ...] = ()


class _Before(NamedTuple):
    """The changed files that the base has too."""

    files: Sequence[FileChange]
    content: dict[str, bytes]  #: by the new name

    def among(self, paths: set[str]) -> "_Before":
        kept = [one for one in self.files if one.path in paths]
        return _Before(kept, {one.path: self.content[one.path] for one in kept if one.path in self.content})


def scanners_of(policy: GovernancePolicy, rules: Sequence[str]) -> list[str]:
    """Return the scanners that these rules read, all rules when none is named."""
    asked = [rule for name, rule in policy.rules.items() if rule.enabled and (not rules or name in rules)]
    return list(dict.fromkeys(scanner for rule in asked for scanner in rule.scanners))


class Hooks(NamedTuple):
    read: Callable[[], None]  #: returns when the source is read: the sandbox is made while git is still asked
    begun: Callable[[], None]  #: called when the scanners start
    observe: Observer


def scan_subject(factory: Factory, source: Source, policy: GovernancePolicy, hooks: Hooks) -> Scans:
    """Return the scans of head and base; what could not happen at all says so in each of them."""
    names = wanted(factory, scanners_of(policy, source.subject.rules))
    if not names:
        return Scans()
    try:
        with ThreadPoolExecutor(1) as aside, ExitStack() as leaving:
            bench = leaving.enter_context(opened_bench(factory, hooks.begun, hooks.observe))
            hooks.read()
            told = Round("head", names, policy.budget)
            return _scan(factory, bench, source, told, lambda: aside.submit(leaving.pop_all().close))
    except FactoryError as error:
        return Scans(crashed(names, [one.path for one in to_scan(source.files)], f"[{error.code}] {error.message}"))


def _scan(factory: Factory, bench: Bench, source: Source, told: Round, leave: Callable[[], Future[None]]) -> Scans:
    changed = to_scan(source.files)
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(_before, source, changed)
        content = _texts(source.after, [one.path for one in changed])
        before = reading.result()
    together = sum(map(len, before.content.values())) <= TOGETHER_BYTES
    ran = scan_files(factory, bench, Files(changed, content, before.content if together else {}), told)
    left = leave() if together else None
    sides = read_scans(factory, ran)
    suspects = before.among({finding.path for scan in sides.head for finding in scan.findings})
    if left is None:
        return Scans(sides.head, _scan_base(factory, bench, sides.head, suspects, told))
    left.result()
    return Scans(sides.head, _suspected(sides, suspects))


def _suspected(sides: Sides, suspects: _Before) -> tuple[Scan, ...]:
    """Return what was seen on the base of files that something was found in, by the scanners that found it."""
    wanted_names = _finders(sides.head, suspects)
    kept = []
    for scan in sides.before:
        if scan.scanner in wanted_names:
            there = [path for path in scan.files_given if path in suspects.content]
            found = tuple(one for one in scan.findings if one.path in suspects.content)
            kept.append(scan.model_copy(update={"files_given": tuple(there), "findings": found}))
    return _with_unread(kept, suspects)


def _scan_base(
    factory: Factory, bench: Bench, head: Sequence[Scan], suspects: _Before, told: Round
) -> tuple[Scan, ...]:
    """Scan, under their new names, the old contents of files that something was found in."""
    names = _finders(head, suspects)
    given = [one.path for one in suspects.files]
    left = told.seconds - max((scan.seconds for scan in head), default=0.0)
    if not names or left <= 0:
        return crashed(names, given, "the time for all scanners was over")
    there = [one for one in suspects.files if one.path in suspects.content]
    try:
        ran = scan_files(factory, bench, Files(there, suspects.content), Round("base", names, left))
    except FactoryError as error:
        return crashed(names, given, f"[{error.code}] {error.message}")
    return _with_unread(read_scans(factory, ran).head, suspects)


def _before(source: Source, changed: Iterable[FileChange]) -> _Before:
    files = [one for one in changed if one.status != "A"]
    old = {one.old_path or one.path: one.path for one in files}
    return _Before(files, {old[name]: text for name, text in _texts(source.before, old).items()})


def _texts(tree: Tree, names: Iterable[str]) -> dict[str, bytes]:
    found = tree.read(names, each=EACH_BYTES, total=TOTAL_BYTES)
    return {name: legible(content) for name, content in found.items()}


def _finders(head: Sequence[Scan], suspects: _Before) -> list[str]:
    paths = {one.path for one in suspects.files}
    return [scan.scanner for scan in head if any(one.path in paths for one in scan.findings)]


def _with_unread(scans: Iterable[Scan], suspects: _Before) -> tuple[Scan, ...]:
    """A file that could not be read on the base leaves open what is new in it."""
    unread = tuple(one.path for one in suspects.files if one.path not in suspects.content)
    return tuple(scan.model_copy(update={"files_given": (*scan.files_given, *unread)}) for scan in scans)
