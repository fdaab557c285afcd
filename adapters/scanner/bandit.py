"""Bandit: what is dangerous in Python as such. Its own comments and configuration files count for nothing here."""

from collections.abc import Sequence

from adapters.scanner.contract import Lines, Reading, ScannerTraits, Written
from adapters.scanner.reports import OUTPUT_LIMIT, Told, address, check_end, named, parsed, plain, unique, unquoted
from adapters.scanner.sightings import Sighting, findings
from domain.findings import Severity
from domain.harness import Command

QUOTING = frozenset({"B105", "B106", "B107"})  #: hard-coded passwords, whose message is the password
TOTALS = "_totals"
SEVERITIES = {"UNDEFINED": Severity.LOW, "LOW": Severity.LOW, "MEDIUM": Severity.MEDIUM, "HIGH": Severity.HIGH}
NOTHING = "/nonexistent"  #: its own list of folders to leave out is not ours


class Result(Told):
    filename: str
    line_number: int
    test_id: str
    issue_text: str
    issue_severity: str
    issue_confidence: str
    more_info: str | None = None


class Error(Told):
    filename: str
    reason: str


class Report(Told):
    errors: tuple[Error, ...]
    metrics: dict[str, dict[str, float]]
    results: tuple[Result, ...]


class Bandit:
    traits = ScannerTraits(
        name="bandit",
        program="bandit",
        suffixes=(".py",),
        canary="import pickle\n\n\ndef canary(data):\n    return pickle.loads(data)\n",
        canary_name="factory_canary_bandit.py",
    )

    def command(self, executable: str, files: Sequence[str], rules: str) -> Command:
        ours = ("--configfile", f"{rules}/bandit.yaml", "--ini", f"{rules}/bandit.ini", "--exclude", NOTHING)
        options = ("--ignore-nosec", "--quiet", "--format", "json", *ours)
        return Command(argv=(executable, *options, "--", *named(files)), output_limit=OUTPUT_LIMIT)

    def read(self, written: Written, lines: Lines) -> Reading:
        check_end(written, {0, 1})
        told = parsed(Report, written.stdout)
        broken = {plain(one.filename) for one in told.errors}
        counted = {plain(name) for name in told.metrics if name != TOTALS}
        return Reading(
            findings=findings(self.traits.name, map(_sighting, told.results), lines),
            files_read=unique(counted - broken),
        )


def _sighting(one: Result) -> Sighting:
    return Sighting(
        path=plain(one.filename),
        line=one.line_number,
        rule=one.test_id,
        text=unquoted(one.issue_text) if one.test_id in QUOTING else one.issue_text,
        severity=SEVERITIES.get(one.issue_severity, Severity.HIGH),
        hint=f"Its page says what to do instead; confidence is {one.issue_confidence.lower()}.",
        source=address(one.more_info),
    )
