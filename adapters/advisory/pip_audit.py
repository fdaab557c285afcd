"""pip-audit as a second opinion on Python packages: the command to run, and what its report proves.

It does no IO. Whoever runs it writes `pins(...)` to PINS in an empty workspace. Its exit code alone proves nothing:
with a package it skipped, or none at all, it says that no vulnerability is known.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from packaging.utils import canonicalize_name

from domain.changes import Dependency, Ecosystem
from domain.findings import Finding, ScanState, Severity
from domain.findings import Scan as ScanResult
from domain.harness import Command
from domain.sandbox import Exit

NAME: Final = "pip-audit"
PINS: Final = "pins.txt"
CANARY: Final = ("jinja2", "2.10")  #: vulnerable beyond doubt
_OFFLINE: Final = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ServiceError", "HTTPError")


def pins(dependencies: Sequence[Dependency]) -> str:
    """Return a requirements file of everything it can be asked about, the canary first."""
    return "".join(f"{name}=={version}\n" for name, version in dict.fromkeys([CANARY, *_subjects(dependencies)]))


def command(executable: str, osv_url: str, timeout: timedelta = timedelta(minutes=5)) -> Command:
    """Return the command; `osv_url` is the server's address before `/v1`, as the sandbox reaches it."""
    source = ("-s", "osv", "--osv-url", f"{osv_url.rstrip('/')}/v1/query")
    flags = ("--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off")
    return Command(argv=(executable, "--requirement", PINS, *flags, *source), timeout=timeout, network=True)


def read(end: Exit, stdout: str, stderr: str, dependencies: Sequence[Dependency], command_line: str = "") -> ScanResult:
    """Read its report. A manifest was read when every package pinned in it was audited."""
    given = tuple(sorted({one.path for one in dependencies if one.ecosystem is Ecosystem.PYPI}))
    told = _report(stdout)
    state, reason = _state(end, told, stderr)
    audited = {} if told is None else told
    read_paths = tuple(path for path in given if _all_audited(path, dependencies, audited))
    complete = state is ScanState.COMPLETED
    return ScanResult(
        scanner=NAME,
        state=state,
        reason=reason,
        files_given=given,
        files_read=read_paths if complete else (),
        alive=complete and bool(audited.get(CANARY)),
        findings=tuple(_findings(dependencies, audited)) if complete else (),
        command=command_line,
        exit_code=end.code,
        seconds=end.seconds,
        cpu_seconds=end.cpu_seconds,
    )


def _subjects(dependencies: Sequence[Dependency]) -> Iterator[tuple[str, str]]:
    for one in dependencies:
        if one.ecosystem is Ecosystem.PYPI and one.version is not None and one.origin == "registry":
            yield one.name, one.version


def _report(stdout: str) -> dict[tuple[str, str], list[dict[str, Any]]] | None:
    """Return what each audited package has; None when there is no report, and nothing for a package it skipped."""
    try:
        rows = json.loads(stdout)["dependencies"]
        kept = [row for row in rows if not row.get("skip_reason")]
        found = {(str(canonicalize_name(row["name"])), str(row["version"])): list(row["vulns"]) for row in kept}
        ids = [vuln["id"] for vulns in found.values() for vuln in vulns]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if all(isinstance(one, str) for one in ids) else None


def _state(end: Exit, told: dict[Any, Any] | None, stderr: str) -> tuple[ScanState, str]:
    if end.timed_out:
        return ScanState.TIMED_OUT, f"stopped after {end.seconds:.0f} s"
    if end.code == 127:
        return ScanState.MISSING, "the program is not there"
    if end.code not in (0, 1) or told is None or end.truncated:
        last = next((line for line in reversed(stderr.splitlines()) if line.strip()), "no words")
        offline = any(word in stderr[-4000:] for word in _OFFLINE)
        return ScanState.OFFLINE if offline else ScanState.CRASHED, f"exit {end.code}: {last.strip()[:200]}"
    if not told:
        return ScanState.CRASHED, "it audited no package"
    return ScanState.COMPLETED, ""


def _all_audited(path: str, dependencies: Sequence[Dependency], audited: dict[tuple[str, str], Any]) -> bool:
    own = [one for one in dependencies if one.path == path and one.ecosystem is Ecosystem.PYPI]
    return bool(own) and all(
        one.origin == "registry" and one.version and (one.name, one.version) in audited for one in own
    )


def _findings(
    dependencies: Sequence[Dependency], audited: dict[tuple[str, str], list[dict[str, Any]]]
) -> Iterator[Finding]:
    for one in dependencies:
        for vuln in audited.get((one.name, one.version or ""), ()):
            fixes = [str(fix) for fix in vuln.get("fix_versions") or ()]
            yield Finding(
                scanner=NAME,
                rule=vuln["id"][:100],
                severity=Severity.HIGH,  # it tells none
                path=one.path,
                line=one.line,
                text=" ".join(str(vuln.get("description") or vuln["id"]).split())[:300],
                hint=f"use {' or '.join(fixes[:3])}" if fixes else "no version fixes it yet: use another package",
                package=one.name,
                version=one.version,
                source=f"osv:{vuln['id']}"[:200],
                fingerprint=hashlib.sha256(f"{vuln['id']}\n{one.name}\n{one.version}\n{one.path}".encode()).hexdigest(),
            )
