"""What scanners wrote, kept for people to read: whole, but for what it quotes of the source and for secrets."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from adapters.artifacts.contract import ArtifactStore
from adapters.scanner.contract import Lines, Written
from adapters.scanner.quoting import masked, secret_values, without_source
from domain.execution import ArtifactRef
from domain.findings import Finding

LOG_BYTES: Final = 4_000_000  #: kept of each stream
BETWEEN: Final = "\n-- standard error --\n"
UNTOLD: Final = "its report is no JSON: what it said is left out, for it may quote secrets"

Found = tuple[str, Sequence[Finding]]  #: of one scanner, by its name


def logs_of(
    artifacts: ArtifactStore, place: str, written: Mapping[str, Written | None], found: Iterable[Found], lines: Lines
) -> dict[str, ArtifactRef]:
    """Store the log of each scanner that wrote something; a value that one of them takes for a secret is in none."""
    values = {value for name, findings in found for value in secret_values(name, findings, lines)}
    texts = {name: masked(log_text(one), values) for name, one in written.items() if one is not None}

    def put(name: str) -> ArtifactRef:
        content = texts[name].encode("utf-8", "replace")
        return artifacts.put(content, kind="log", name=f"{place}-{name}.log"[:200])

    with ThreadPoolExecutor(max(1, len(texts))) as pool:  # a durable write mostly waits
        return dict(zip(texts, pool.map(put, texts), strict=True))


def log_text(written: Written) -> str:
    report = (without_source(written.stdout) or UNTOLD) if written.stdout.strip() else ""
    return f"{report[:LOG_BYTES]}{BETWEEN}{written.stderr[:LOG_BYTES]}"
