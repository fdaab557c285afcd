"""Every scanner on the changed files of one commit, at once in one sandbox; each proves that it is alive."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import policy
from adapters.scanner.catalogue import SCANNERS
from adapters.scanner.contract import Scanner
from domain.governance import FileChange
from resources.governance.bench import Bench, Job
from resources.governance.planting import free_folder, given_to
from resources.governance.scan_reports import Asked, Ran
from resources.settings import ScannerSettings
from resources.wiring import Factory

RULES: Final = Path(policy.__file__).parent / "scanners"


class Files(NamedTuple):
    """What is scanned, by the name it lies under."""

    changed: Sequence[FileChange]
    content: Mapping[str, bytes]
    before: Mapping[str, bytes] = {}  #: what the base has under these names, scanned by the same processes


class Round(NamedTuple):
    """One commit's scans."""

    place: str  #: names their folder and their logs: letters, digits and hyphens
    names: Sequence[str]  #: of scanners
    seconds: float  #: that all may take together


#: what takes longest begins first, so that nothing ends long after the rest
SLOWEST: Final = ("gitleaks", "detect-secrets", "semgrep", "bandit")


def wanted(factory: Factory, names: Sequence[str]) -> list[str]:
    """Return those of the scanners that are programs of ours and switched on, in the order they should start."""
    return [
        name
        for name in dict.fromkeys((*SLOWEST, *SCANNERS))
        if name in SCANNERS and name in names and settings_of(factory, name).enabled
    ]


def settings_of(factory: Factory, name: str) -> ScannerSettings:
    return factory.settings.scanners.get(name) or ScannerSettings()


def scan_files(factory: Factory, bench: Bench, files: Files, told: Round) -> Ran:
    """Return what every scanner wrote.

    Raises:
        SandboxFailed: nothing could be started.
    """
    names = [*files.content, *files.before]
    canaries, old = free_folder("factory-canary", names), free_folder("factory-base", names)
    asked = [_asked(factory, SCANNERS[name], files, (canaries, old)) for name in told.names]
    planted = {one.canary: one.scanner.traits.canary.encode() for one in asked}
    work = dict(files.content) | {f"{old}/{name}": text for name, text in files.before.items()} | planted
    laid = {f"work/{name}": content for name, content in work.items()} | _rules()
    jobs = [_job(factory, one, bench.rules, told.seconds) for one in asked]
    at_once = (
        max(1, int(factory.settings.cpus)) + 1
    )  # one more than processors: some wait for files, and none ends alone
    written, late = bench.run(told.place, laid, jobs, parallel=at_once, seconds=told.seconds)
    return Ran(told.place, asked, written, work, late)


def _asked(factory: Factory, scanner: Scanner, files: Files, folders: tuple[str, str]) -> Asked:
    canaries, old = folders
    return Asked(
        scanner=scanner,
        executable=settings_of(factory, scanner.traits.name).executable or scanner.traits.program,
        files=given_to(scanner.traits, files.changed, files.content),
        before=given_to(scanner.traits, files.changed, files.before),
        old=old,
        canary=f"{canaries}/{scanner.traits.canary_name}",
    )


def _job(factory: Factory, one: Asked, rules: str, seconds: float) -> Job:
    name = one.scanner.traits.name
    old = (f"{one.old}/{path}" for path in one.before)
    command = one.scanner.command(one.executable, (*one.files, *old, one.canary), rules)
    limit = min(seconds, settings_of(factory, name).timeout)
    return Job(name=name, command=command, seconds=limit, report=one.scanner.traits.report)


@cache
def _rules() -> dict[str, bytes]:
    files = sorted(one for one in RULES.rglob("*.*") if one.is_file())
    return {f"rules/{one.relative_to(RULES)}": one.read_bytes() for one in files}
