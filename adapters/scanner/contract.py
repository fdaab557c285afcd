"""Programs and libraries that look at a change and say what they saw.

A program scanner does no IO, as a harness does none: it says which command to run on which files and reads what that
wrote. Whoever runs it plants its canary beside the files, and takes the canary's finding away again.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from domain.findings import Finding
from domain.governance import SecretFinding
from domain.harness import Command
from domain.model import Value
from domain.sandbox import Exit


class SecretScanner(Protocol):
    def scan(self, patch: bytes) -> tuple[SecretFinding, ...] | None:
        """Return possible secrets in the added lines of a patch; None when the scan could not be made."""


#: the lines of a file that was scanned, decoded as UTF-8 with surrogateescape; () for one that was not given
Lines = Callable[[str], Sequence[str]]


class ScannerTraits(NamedTuple):
    name: str  #: as in settings, rules and reports
    program: str  #: its executable's name in the scanners' environment
    suffixes: tuple[str, ...]  #: of files it reads; empty: every text file
    canary: str  #: content of a file in which it must find something
    canary_name: str  #: the file's name, with a suffix it reads
    report: str | None = None  #: file it writes into FACTORY_OUT; None: it answers on standard output


class Written(NamedTuple):
    """What running a scanner's command came to; a line that was handed out in pieces is whole again."""

    end: Exit
    stdout: str
    stderr: str
    report: bytes | None = None  #: the file its traits name


class Reading(Value):
    """What a scanner's own report says. Findings' paths are as the scanner was given them."""

    findings: tuple[Finding, ...]
    files_read: tuple[str, ...]
    version: str = ""


class ReportUnreadable(ValueError):
    """The report is missing, cut short or not of the expected shape: the scan did not happen."""


class Scanner(Protocol):
    """Guarantees, proved by tests/adapters/scanner/conformance.py: nothing in the tree that is scanned (configuration
    files, ignore files, suppressing comments) changes what is looked for; the same files give the same findings in
    the same order; no network is needed.
    """

    traits: ScannerTraits

    def command(self, executable: str, files: Sequence[str], rules: str) -> Command:
        """Return the command for these files, relative to the workspace; `rules` is the folder of our own rules.

        Files whose names have control characters are left out, so that they count as unread. A missing program ends
        it with 127.
        """

    def read(self, written: Written, lines: Lines) -> Reading:
        """Read what it wrote; `lines` gives a finding its fingerprint. What could not be parsed is not read.

        No text of a finding repeats a value of the source, which may be a secret. What the program itself wrote does.

        Raises:
            ReportUnreadable: with the reason.
        """
