"""Semgrep with rules of our own: what is dangerous in how Python and JavaScript use the world around them.

Its newer front end alone is started, as a program without Python: offline, and a twentieth of the time.
"""

from collections.abc import Sequence

from adapters.scanner.contract import Lines, Reading, ReportUnreadable, ScannerTraits, Written
from adapters.scanner.reports import OUTPUT_LIMIT, Told, check_end, named, parsed, plain, unique
from adapters.scanner.sightings import Sighting, findings
from domain.findings import Severity
from domain.harness import Command

QUIET = {"SEMGREP_ENABLE_VERSION_CHECK": "0", "SEMGREP_SEND_METRICS": "off", "SEMGREP_SETTINGS_FILE": "/dev/null"}
OPTIONS = (
    "scan", "--experimental", "--json", "--metrics=off", "--disable-version-check", "--disable-nosem",
    "--no-rewrite-rule-ids", "--no-git-ignore", "--x-ignore-semgrepignore-files", "--no-exclude-minified-files",
    "--max-target-bytes=50000000", "--timeout=30", "--timeout-threshold=0", "--oss-only",
    "--jobs=1",  # its threads stand in each other's way: two take seven times the processor time of one
)  # fmt: skip
SEVERITIES = {
    "CRITICAL": Severity.CRITICAL, "HIGH": Severity.HIGH, "ERROR": Severity.HIGH, "MEDIUM": Severity.MEDIUM,
    "WARNING": Severity.MEDIUM, "LOW": Severity.LOW, "INFO": Severity.LOW,
}  # fmt: skip
UNTOLD = "see the rule"


class Position(Told):
    line: int
    col: int


class Metadata(Told):
    hint: str = UNTOLD


class Extra(Told):
    message: str
    severity: str
    metadata: Metadata


class Match(Told):
    check_id: str
    path: str
    start: Position
    extra: Extra


class Error(Told):
    message: str
    path: str | None = None


class Paths(Told):
    scanned: tuple[str, ...]


class Skipped(Told):
    rule_id: str = ""


class Report(Told):
    version: str
    results: tuple[Match, ...]
    errors: tuple[Error, ...]
    paths: Paths
    skipped_rules: tuple[Skipped, ...]


class Semgrep:
    traits = ScannerTraits(
        name="semgrep",
        program="semgrep",
        suffixes=(".py", ".pyi", ".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx"),
        canary="import tempfile\n\n\ndef canary():\n    return tempfile.mktemp()\n",
        canary_name="factory_canary_semgrep.py",
    )

    def command(self, executable: str, files: Sequence[str], rules: str) -> Command:
        argv = (executable, *OPTIONS, "--config", f"{rules}/semgrep", "--", *named(files))
        return Command(argv=argv, environment=QUIET, output_limit=OUTPUT_LIMIT)

    def read(self, written: Written, lines: Lines) -> Reading:
        check_end(written, {0, 1})
        told = parsed(Report, written.stdout)
        if told.skipped_rules:
            raise ReportUnreadable(f"it left out {len(told.skipped_rules)} of our rules")
        placeless = [one for one in told.errors if one.path is None]
        if placeless:
            raise ReportUnreadable(f"it could not go on: {placeless[0].message.splitlines()[0][:200]}")
        broken = {plain(one.path) for one in told.errors if one.path is not None}
        return Reading(
            findings=findings(self.traits.name, map(_sighting, told.results), lines),
            files_read=unique({plain(path) for path in told.paths.scanned} - broken),
            version=told.version,
        )


def _sighting(one: Match) -> Sighting:
    return Sighting(
        path=plain(one.path),
        line=one.start.line,
        rule=one.check_id,
        text=one.extra.message,
        severity=SEVERITIES.get(one.extra.severity, Severity.HIGH),
        hint=one.extra.metadata.hint,
    )
