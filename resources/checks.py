"""Run checks in a sandbox and turn what they leave behind into facts."""

import io
from collections.abc import Callable, Sequence, Set
from datetime import timedelta
from typing import Any, NamedTuple

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from adapters.artifacts.contract import ArtifactStore
from adapters.sandbox.contract import Sandbox
from domain.errors import PatchTooLarge
from domain.execution import SandboxRef
from domain.governance import CheckResult, Origin
from domain.harness import Command
from domain.model import Value
from domain.sandbox import Exit, Output, OutputLine

REPORT_LIMIT = 20_000_000  #: bytes of one test report
REPORT_DEPTH, CASE_DEPTH = 20, 3  #: elements within elements; where those of a test case's size end
REPORT_FAILURES = 10_000  #: names of failed tests; with more, the report says nothing
LOG_LIMIT = 4_000_000  #: bytes of one check's log
WITH_REPORT = """export PYTEST_ADDOPTS="${PYTEST_ADDOPTS-} '--junitxml=$FACTORY_OUT/$2'"; exec sh -c "$1" """
Observer = Callable[[Output], None]


class Check(Value):
    command: str
    origin: Origin
    red: frozenset[str] = frozenset()  #: names of tests known to fail on the base


class Bench(Value):
    """Where checks run, how long one may take in seconds, and what they are told of a door; None is no door."""

    ref: SandboxRef
    limit: float
    door: dict[str, str] | None = None


def run_checks(
    sandbox: Sandbox, bench: Bench, checks: Sequence[Check], artifacts: ArtifactStore, observe: Observer
) -> tuple[CheckResult, ...]:
    """Run every check, never stopping early, and keep each log as an artifact.

    Any pytest a check starts is asked through PYTEST_ADDOPTS for a JUnit report, which names the tests that failed.
    """
    return tuple(_run_check(sandbox, bench, check, number, artifacts, observe) for number, check in enumerate(checks))


def _run_check(
    sandbox: Sandbox, bench: Bench, check: Check, number: int, artifacts: ArtifactStore, observe: Observer
) -> CheckResult:
    report = f"junit-{number}.xml"
    command = Command(
        argv=("sh", "-c", WITH_REPORT, "check", check.command, report),
        environment={"PYTHONDONTWRITEBYTECODE": "1", **(bench.door or {})},
        network=bench.door is not None,
        timeout=timedelta(seconds=bench.limit),
        output_limit=LOG_LIMIT,
    )
    lines: list[str] = [f"$ {check.command}"]
    end = Exit(code=None, seconds=0)
    for output in sandbox.execute(bench.ref, command):
        observe(output)
        match output:
            case OutputLine(text=text):
                lines.append(text)
            case Exit():
                end = output
    log = artifacts.put("\n".join(lines).encode() + b"\n", kind="log", name=f"check-{number}.log")
    tests = read_report(_collect(sandbox, bench, report), check.red)
    return CheckResult(
        command=check.command,
        origin=check.origin,
        exit_code=end.code,
        reason=_reason(end, lines),
        seconds=round(end.seconds, 3),
        tests_run=tests.run if tests else None,
        failed_tests=tests.failed if tests else None,
        turned_green=tests.green if tests else (),
        log=log,
    )


def _collect(sandbox: Sandbox, bench: Bench, name: str) -> bytes | None:
    try:
        return sandbox.collect(bench.ref, name, limit=REPORT_LIMIT)
    except PatchTooLarge:
        return None


def _reason(end: Exit, lines: list[str]) -> str | None:
    if end.timed_out:
        return f"it ran into its limit after {end.seconds:.0f} s"
    if end.signal is not None:
        return f"killed by signal {end.signal}" + (", for want of memory" if end.out_of_memory else "")
    if end.code == 0:
        return None
    last = next((line for line in reversed(lines[1:]) if line.strip()), "")
    return f"exit code {end.code}" + (f": {last[:300]}" if last else "")


class Tests(NamedTuple):
    """What a test report says; the names are sorted."""

    run: int
    failed: tuple[str, ...]
    green: tuple[str, ...]  #: that were asked for by name and passed each time they ran


def read_report(content: bytes | None, red: Set[str] = frozenset()) -> Tests | None:
    """Return what a JUnit report says, of tests that pass only those in `red`; None when it is missing or hostile.

    It is read piece by piece: whatever a repository's tests write, little of it is ever in memory.
    """
    if not content:
        return None
    count, depth, failed, green = 0, 0, set[str](), set[str]()
    try:
        for event, element in ElementTree.iterparse(io.BytesIO(content), events=("start", "end")):
            depth += 1 if event == "start" else -1
            if depth > REPORT_DEPTH or len(failed) > REPORT_FAILURES:
                return None
            if event == "end" and element.tag == "testcase":
                count += 1
                failed |= _failed_name(element)
                green |= _passed_name(element) & red
            if event == "end" and depth <= CASE_DEPTH:
                element.clear()
    except (ElementTree.ParseError, DefusedXmlException, ValueError):
        return None
    return Tests(count, tuple(sorted(failed)), tuple(sorted(green - failed)))


def _failed_name(case: Any) -> set[str]:
    if case.find("failure") is None and case.find("error") is None:
        return set()
    return {_name(case)}


def _passed_name(case: Any) -> set[str]:
    return set() if any(case.find(tag) is not None for tag in ("failure", "error", "skipped")) else {_name(case)}


def _name(case: Any) -> str:
    return f"{case.get('classname', '')}::{case.get('name', '')}"[:500]
