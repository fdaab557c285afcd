"""detect-secrets on files: secrets of fixed shapes, and names that promise one. It asks nobody whether one is valid."""

import re
from collections.abc import Sequence
from hashlib import sha1

from adapters.scanner.contract import Lines, Reading, ReportUnreadable, ScannerTraits, Written
from adapters.scanner.reports import OUTPUT_LIMIT, Told, check_end, named, parsed, plain, unique
from adapters.scanner.secrets import DETECTORS
from adapters.scanner.sightings import Sighting, findings
from domain.findings import Severity
from domain.harness import Command

KEYWORD = "KeywordDetector"  #: goes by a variable's name: people have to look
KEYWORD_TYPE = "Secret Keyword"  #: as its report calls what KEYWORD found
WEIGHTS = {KEYWORD_TYPE: Severity.LOW, "Basic Auth Credentials": Severity.MEDIUM}
#: those that go by how random a value looks, or what would be a secret in one product only
NOT_OURS = (
    "Base64HighEntropyString", "CloudantDetector", "HexHighEntropyString", "IbmCloudIamDetector", "IbmCosHmacDetector",
    "IPPublicDetector", "SoftlayerDetector",
)  # fmt: skip
#: what would leave lines or files out on the word of the change itself
EXCUSES = (
    "detect_secrets.filters.allowlist.is_line_allowlisted",
    "detect_secrets.filters.heuristic.is_lock_file",
    "detect_secrets.filters.heuristic.is_non_text_file",
    "detect_secrets.filters.heuristic.is_swagger_file",
)
NO_VALUE = re.compile(r"\b(?:null|None|nil|undefined|true|false|True|False)\b[\]}),;]*")
HEADER = re.compile(r"""["']([Xx]-[A-Za-z]+(?:-[A-Za-z]+)*|Authorization)["']""")
NO_TEXT = re.compile("[\udc80-\udcff]")  # what is no UTF-8, as it was read
CHECKED = re.compile(r"^\[scan\]\tINFO\tChecking file: (.*)$", re.MULTILINE)
HINT = "Revoke it, then take it out of the history; secrets come from the provider at run time."


class Named(Told):
    name: str


class Filter(Told):
    path: str


class Secret(Told):
    type: str
    line_number: int
    hashed_secret: str  #: SHA-1 of its text


class Report(Told):
    version: str
    plugins_used: tuple[Named, ...]
    filters_used: tuple[Filter, ...]
    results: dict[str, tuple[Secret, ...]]


class DetectSecretsProgram:
    traits = ScannerTraits(
        name="detect-secrets",
        program="detect-secrets",
        suffixes=(),
        canary="-----BEGIN " + "RSA PRIVATE KEY-----\n",
        canary_name="factory_canary_detect_secrets.txt",
    )

    def command(self, executable: str, files: Sequence[str], rules: str) -> Command:  # noqa: ARG002 - its own are used
        off = [word for name in NOT_OURS for word in ("--disable-plugin", name)]
        off += [word for path in EXCUSES for word in ("--disable-filter", path)]
        argv = (
            executable,
            "--verbose",
            "--cores",
            "2",
            "scan",
            "--all-files",
            "--no-verify",
            *off,
            "--",
            *named(files),
        )
        return Command(argv=argv, output_limit=OUTPUT_LIMIT)

    def read(self, written: Written, lines: Lines) -> Reading:
        check_end(written, {0})
        told = parsed(Report, written.stdout)
        _check_settings(told)
        # it passes over a file that is no UTF-8 without a word
        read = [path for path in map(plain, CHECKED.findall(written.stderr)) if _is_text(lines(path))]
        hits = [(path, one) for path, found in told.results.items() for one in found]
        seen = [_sighting(path, one) for path, one in hits if not _is_idle(one, lines(plain(path)))]
        return Reading(findings=findings(self.traits.name, seen, lines), files_read=unique(read), version=told.version)


def _check_settings(told: Report) -> None:
    missing = {*DETECTORS, KEYWORD} - {one.name for one in told.plugins_used}
    excuses = {one.path for one in told.filters_used} & set(EXCUSES)
    if missing or excuses:
        raise ReportUnreadable(f"it was not set as asked: without {sorted(missing)}, with {sorted(excuses)}")


def _is_text(of_file: Sequence[str]) -> bool:
    return not any(map(NO_TEXT.search, of_file))


def _is_idle(one: Secret, of_file: Sequence[str]) -> bool:
    """Tell whether a variable named like a secret holds no value at all, or the name of a header."""
    if one.type != KEYWORD_TYPE:
        return False
    line = of_file[one.line_number - 1] if 0 < one.line_number <= len(of_file) else ""
    return one.hashed_secret in map(_digest, (*NO_VALUE.findall(line), *HEADER.findall(line)))


def _digest(text: str) -> str:
    return sha1(text.encode(errors="replace"), usedforsecurity=False).hexdigest()


def _sighting(path: str, one: Secret) -> Sighting:
    severity = WEIGHTS.get(one.type, Severity.HIGH)
    return Sighting(plain(path), one.line_number, one.type.replace(" ", "-").lower(), one.type, severity, HINT)
