"""Gitleaks: secrets of known shapes, on files laid out under names that none of its own exceptions fits."""

import re
from collections.abc import Sequence

from pydantic import Field, RootModel

from adapters.scanner.contract import Lines, Reading, ScannerTraits, Written
from adapters.scanner.reports import OUTPUT_LIMIT, Told, check_end, named, parsed, plain, unique
from adapters.scanner.sightings import Sighting, findings
from domain.findings import Severity
from domain.harness import Command

#: Its built-in list leaves out lock files, node_modules and more by name, and .gitleaksignore is read where it stands:
#: each file is read under a name that is none of these, and told back from it. What cannot be laid out is not read.
SCRIPT = """program=$(command -v "$1") || exit 127
shift
PATH=/usr/local/bin:/usr/bin:/bin
stage=$(mktemp -d) || exit 1
trap 'rm -rf "$stage"' EXIT
tar --create --null --verbatim-files-from --no-recursion --files-from=- --file=- \\
    | tar --extract --file=- --directory="$stage" --no-same-owner --transform='s|/|%/|g;s|[.]|.%|g;s|$|%|'
cd "$stage" || exit 1
"$program" "$@" .
"""
OPTIONS = (
    "dir", "--no-banner", "--no-color", "--log-level", "debug", "--redact", "--ignore-gitleaks-allow",
    "--exit-code", "0", "--report-format", "json", "--report-path", "-",
)  # fmt: skip
READ = "factory-read"  #: the rule of our configuration that every file which was read fits
GUESS = "generic-api-key"  #: the one rule that goes by how random a value looks
EMPTY = re.compile(r'^\S+ DBG skipping empty file path=(?:"(.*)"|(.*))$', re.MULTILINE)
HINT = "Revoke it, then take it out of the history; secrets come from the provider at run time."


class Leak(Told):
    rule: str = Field(alias="RuleID")
    description: str = Field(alias="Description")
    line: int = Field(alias="StartLine")
    file: str = Field(alias="File")


class Report(RootModel[tuple[Leak, ...]]):
    pass


class Gitleaks:
    traits = ScannerTraits(
        name="gitleaks",
        program="gitleaks",
        suffixes=(),
        canary='key = "' + "AKIA" + 'QYLPMN5HFIQR7XYA"\n',
        canary_name="factory_canary_gitleaks.txt",
    )

    def command(self, executable: str, files: Sequence[str], rules: str) -> Command:
        config = ("--config", f"{rules}/gitleaks.toml")
        names = "".join(f"{plain(name)}\0" for name in named(files))
        argv = ("/bin/sh", "-c", SCRIPT, "sh", executable, *OPTIONS, *config)
        return Command(argv=argv, stdin=names, output_limit=OUTPUT_LIMIT)

    def read(self, written: Written, lines: Lines) -> Reading:
        check_end(written, {0})
        told = parsed(Report, written.stdout).root
        empty = [quoted or bare for quoted, bare in EMPTY.findall(written.stderr)]
        read = [_given(one.file) for one in told if one.rule == READ] + [_given(name) for name in empty]
        seen = [_sighting(one) for one in told if one.rule != READ]
        return Reading(findings=findings(self.traits.name, seen, lines), files_read=unique(read))


def _given(staged: str) -> str:
    """Return a name as it was before it was laid out."""
    return re.sub(r"\.%|%/", lambda found: found.group().replace("%", ""), plain(staged).removesuffix("%"))


def _sighting(one: Leak) -> Sighting:
    severity = Severity.MEDIUM if one.rule == GUESS else Severity.HIGH
    return Sighting(_given(one.file), one.line, one.rule, one.description, severity, HINT)
