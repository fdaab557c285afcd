"""What scanners wrote → scans: what they found less their canary, what they read, or why they say nothing."""

import shlex
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from adapters.scanner.contract import Lines, Reading, ReportUnreadable, Scanner, Written
from adapters.scanner.pins import LOCKS, pinned
from adapters.scanner.sightings import moved
from domain.execution import ArtifactRef
from domain.findings import Scan, ScanState
from domain.sandbox import Exit
from resources.governance.scan_logs import logs_of
from resources.wiring import Factory

SHOWN_RULES: Final = "policy/scanners"  #: where a checkout of the factory has our rules
KEPT: Final = 64  #: files whose lines are kept at hand
MISSING: Final = frozenset({126, 127})  #: exit codes of a program that is not there, or is none
INSTALL: Final = "its program {!r} is not there: deploy/install-scanners, or scanners.{}.executable"


class Asked(NamedTuple):
    """What one scanner was asked to do."""

    scanner: Scanner
    executable: str
    files: tuple[str, ...]
    before: tuple[str, ...]  #: names of files whose old content lies in the folder `old`
    old: str
    canary: str  #: name of the file with its planted defect

    @property
    def name(self) -> str:
        return self.scanner.traits.name


class Ran(NamedTuple):
    """What became of a round."""

    place: str
    asked: Sequence[Asked]
    written: Mapping[str, Written | None]
    work: Mapping[str, bytes]  #: all files that lay there
    late: bool  #: everything was stopped for want of time


class Sides(NamedTuple):
    head: tuple[Scan, ...]
    before: tuple[Scan, ...]  #: of the same files' old contents, by the same processes: they cost nothing of their own


class _Answer(NamedTuple):
    state: ScanState
    reason: str = ""
    reading: Reading = Reading(findings=(), files_read=())


class _Told(NamedTuple):
    asked: Asked
    answer: _Answer
    written: Written | None
    log: ArtifactRef | None
    pinned: str


def read_scans(factory: Factory, ran: Ran) -> Sides:
    """Return one scan a scanner and side, whatever became of it."""
    lines = _lines(ran.work)
    answers = [_answer(one, ran.written[one.name], lines, late=ran.late) for one in ran.asked]
    found = [(one.name, answer.reading.findings) for one, answer in zip(ran.asked, answers, strict=True)]
    logs = logs_of(factory.artifacts, ran.place, ran.written, found, lines)
    told = [
        _Told(one, answer, ran.written[one.name], logs.get(one.name), _pinned(factory, one))
        for one, answer in zip(ran.asked, answers, strict=True)
    ]
    return Sides(tuple(map(_head, told)), tuple(_before(one, lines) for one in told))


def crashed(names: Sequence[str], files: Sequence[str], reason: str) -> tuple[Scan, ...]:
    """Return scans that did not happen at all."""
    return tuple(
        Scan(scanner=name, state=ScanState.CRASHED, reason=reason[:500], files_given=tuple(files)) for name in names
    )


def _head(told: _Told) -> Scan:
    asked, reading = told.asked, told.answer.reading
    end = told.written.end if told.written else Exit(code=None, seconds=0)
    not_theirs = (asked.canary, f"{asked.old}/")
    return _scan(told, asked.files).model_copy(
        update={
            "files_read": tuple(path for path in reading.files_read if not path.startswith(not_theirs)),
            "findings": tuple(one for one in reading.findings if not one.path.startswith(not_theirs)),
            "seconds": end.seconds,
            "cpu_seconds": end.cpu_seconds,
        }
    )


def _before(told: _Told, lines: Lines) -> Scan:
    folder, reading = f"{told.asked.old}/", told.answer.reading
    old = [found for found in reading.findings if found.path.startswith(folder)]
    read = tuple(path.removeprefix(folder) for path in reading.files_read if path.startswith(folder))
    found = moved(old, folder, lines)
    return _scan(told, told.asked.before).model_copy(update={"files_read": read, "findings": found})


def _scan(told: _Told, files: tuple[str, ...]) -> Scan:
    asked = told.asked
    return Scan(
        scanner=asked.name,
        version=told.answer.reading.version or told.pinned,
        state=told.answer.state,
        reason=told.answer.reason,
        files_given=files,
        alive=any(found.path == asked.canary for found in told.answer.reading.findings),
        command=shlex.join(asked.scanner.command(asked.executable, files, SHOWN_RULES).argv),
        exit_code=told.written.end.code if told.written else None,
        log=told.log,
    )


def _answer(asked: Asked, written: Written | None, lines: Lines, *, late: bool) -> _Answer:
    if written is None:
        return _Answer(*(_LATE if late else (ScanState.CRASHED, "nobody knows how it ended")))
    if written.end.timed_out:
        return _Answer(ScanState.TIMED_OUT, f"stopped after {written.end.seconds:.0f} s")
    if written.end.code in MISSING:
        return _Answer(ScanState.MISSING, INSTALL.format(asked.executable, asked.name))
    try:
        return _Answer(ScanState.COMPLETED, "", asked.scanner.read(written, lines))
    except ReportUnreadable as error:
        return _Answer(ScanState.CRASHED, str(error)[:500] or "its report is unreadable")


_LATE: Final = (ScanState.TIMED_OUT, "the time for all scanners was over")


def _lines(work: Mapping[str, bytes]) -> Lines:
    @lru_cache(KEPT)  # a file is asked for once a finding
    def lines(path: str) -> Sequence[str]:
        return work.get(path, b"").decode("utf-8", "surrogateescape").splitlines()

    return lines


def _pinned(factory: Factory, asked: Asked) -> str:
    if asked.executable != asked.scanner.traits.program:
        return ""
    folder = factory.settings.scanner_programs
    texts = [file.read_text(errors="replace") for name in LOCKS if (file := folder / name).is_file()]
    return pinned("\n".join(texts), asked.scanner.traits.program) or ""
