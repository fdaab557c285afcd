"""Ruff, twice: as a linter with rules that hold in any repository, and for its security rules, beside bandit's."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import RootModel

from adapters.scanner.contract import Lines, Reading, ReportUnreadable, ScannerTraits, Written
from adapters.scanner.reports import OUTPUT_LIMIT, Told, address, check_end, named, parsed, unique, unquoted
from adapters.scanner.sightings import Sighting, findings
from domain.findings import Severity
from domain.harness import Command

#: tells where it is, because ruff tells whole paths only
SCRIPT = 'echo "at $(pwd -P)" >&2; exec "$@"'
NEWEST = "py315"  #: the grammar that takes all: a repository's own Python is a matter of its tests
CHECKED = re.compile(r"^\[[^]]*\]\[[^]]*\]\[ruff::diagnostics\]\[DEBUG\] Checking: (.*)$", re.MULTILINE)
UNREAD = frozenset({"invalid-syntax", "E902"})  #: what keeps a file from being looked at
NAMES = frozenset({"S105", "S106", "S107"})  #: these quote a name, not a value


class Place(Told):
    row: int
    column: int


class Fix(Told):
    message: str | None = None


class Diagnostic(Told):
    code: str | None
    filename: str
    location: Place
    message: str
    name: str = ""
    url: str | None = None
    fix: Fix | None = None


class Report(RootModel[tuple[Diagnostic, ...]]):
    pass


@dataclass(slots=True)
class Ruff:
    """One selection of its rules, with what each prefix of a rule weighs; the longest prefix counts."""

    traits: ScannerTraits
    select: str
    ignore: str
    weights: Mapping[str, Severity]

    def command(self, executable: str, files: Sequence[str], rules: str) -> Command:  # noqa: ARG002 - its own are used
        options = (
            "check", "--isolated", "--ignore-noqa", "--no-cache", "--no-respect-gitignore", "--no-force-exclude",
            "--verbose", "--output-format", "json", "--target-version", NEWEST, "--select", self.select,
            *(("--ignore", self.ignore) if self.ignore else ()), "--",
        )  # fmt: skip
        argv = ("/bin/sh", "-c", SCRIPT, "sh", executable, *options, *named(files))
        return Command(argv=argv, output_limit=OUTPUT_LIMIT)

    def read(self, written: Written, lines: Lines) -> Reading:
        check_end(written, {0, 1})
        folder = _folder(written.stderr)
        told = parsed(Report, written.stdout).root
        broken = {_inside(folder, one.filename) for one in told if one.code is None or one.code in UNREAD}
        checked = {_inside(folder, path) for path in CHECKED.findall(written.stderr)}
        return Reading(
            findings=findings(self.traits.name, self._sightings(told, folder), lines),
            files_read=unique(checked - broken),
        )

    def _sightings(self, told: Sequence[Diagnostic], folder: str) -> Iterator[Sighting]:
        for one in told:
            rule = one.code or "invalid-syntax"
            path = _inside(folder, one.filename)
            if rule == "E902":
                continue
            yield Sighting(
                path=path,
                line=one.location.row,
                rule=rule,
                text=one.message if rule in NAMES else unquoted(one.message),
                severity=self._weight(rule, path, one.message),
                hint=unquoted((one.fix and one.fix.message) or f"It is about {one.name.replace('-', ' ')}."),
                source=address(one.url),
            )

    def _weight(self, rule: str, path: str, message: str) -> Severity:
        if "seems safe" in message or (rule == "F401" and path.endswith("__init__.py")):
            return Severity.LOW
        fitting = [prefix for prefix in self.weights if rule.startswith(prefix)]
        return self.weights[max(fitting, key=len)] if fitting else Severity.HIGH


def _folder(stderr: str) -> str:
    first = stderr.partition("\n")[0]
    if not first.startswith("at /"):
        raise ReportUnreadable("it does not tell where it ran")
    return first.removeprefix("at ").rstrip("/")


def _inside(folder: str, path: str) -> str:
    return path.removeprefix(f"{folder}/")


LINT = Ruff(
    traits=ScannerTraits(
        name="ruff",
        program="ruff",
        suffixes=(".py", ".pyi"),
        canary="def canary():\n    return undefined_canary_name\n",
        canary_name="factory_canary_lint.py",
    ),
    select="E711,E713,E714,E721,E722,E9,F,PLE,PLW0127,PLW0129,PLW0245,PLW0711,PLW1501,B002,B004,B005,B006,B012,B015,B016,B018,B020,B021,B022,"
    "B023,B025,B029,B030,B031,B032,B033,B035,B039",
    ignore="F403,F405",
    weights={
        "E7": Severity.MEDIUM,
        "F": Severity.MEDIUM,
        "B": Severity.MEDIUM,
        "B018": Severity.LOW,
        "PLW": Severity.MEDIUM,
    }
    | dict.fromkeys(("E9", "F5", "F63", "F7", "F82", "PLE", "invalid-syntax"), Severity.HIGH),
)
SECURITY = Ruff(
    traits=ScannerTraits(
        name="ruff-security",
        program="ruff",
        suffixes=(".py",),
        canary="import subprocess\n\n\ndef canary(word):\n    subprocess.run(word, shell=True)\n",
        canary_name="factory_canary_security.py",
    ),
    select="S",
    ignore="S101,S202,S321,S404,S603,S607",  # bandit and our own rules look at these more closely
    weights={"S": Severity.MEDIUM, "invalid-syntax": Severity.HIGH}
    | dict.fromkeys(("S105", "S106", "S107", "S110", "S112", "S113", "S311", "S4", "S504", "S606"), Severity.LOW)
    | dict.fromkeys(
        ("S103", "S201", "S312", "S324", "S501", "S502", "S505", "S506", "S507", "S602", "S605", "S609",
         "S701"), Severity.HIGH),
)  # fmt: skip
