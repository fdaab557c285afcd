"""Extra outputs a ticket asks for (coverage, screenshots, reports, logs): packed inside, judged outside, stored."""

import json
from collections.abc import Sequence
from datetime import timedelta
from fnmatch import fnmatchcase

from domain.errors import PatchTooLarge, PatchUnreadable
from domain.execution import SandboxRef
from domain.model import Value
from factory_pipelines.execution.stages.context import RunContext
from factory_pipelines.execution.stages.workspace_git import Bench, Observe, run_script
from policy.results import ArtifactBounds

PARCEL_FILE = "outputs.tar"
KIND = "output"
TIME_LIMIT = timedelta(minutes=2)
NAME_LIMIT = 200  #: characters of an artifact's name
_HEADERS = 4096  #: bytes of archive a file may need beside its content
#: $1 blocks of 512 bytes the archive may have, $2 bytes one file may have, $3 files; then the names, as patterns
PACK = f"""set -e
chmod u+rwx "$FACTORY_OUT"
rm -rf -- "$FACTORY_OUT/{PARCEL_FILE}"
blocks=$1 bytes=$2 count=$3
shift 3
ulimit -f "$blocks"
for wanted in "$@"; do
 find . -path ./.git -prune -o -type f -size "-${{bytes}}c" \\( -path "./$wanted" -o -path "./$wanted/*" \\) -print0
done | sort -z -u | head -z -n "$count" |
 tar --create --file="$FACTORY_OUT/{PARCEL_FILE}" --null --files-from=- --no-recursion --hard-dereference || :
"""


class Gathered(Value):
    """What became of the outputs asked for."""

    kept: dict[str, str] = {}  #: name → SHA-256
    missing: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def metadata(self) -> dict[str, str]:
        told = {"outputs": ", ".join(self.kept), "outputs_missing": ", ".join(self.missing)}
        return {key: text[:2000] for key, text in told.items() if text}


def wanted_outputs(context: RunContext) -> tuple[str, ...]:
    """Return the ticket's patterns that no stored output answers yet."""
    asked = context.ticket.manifest.artifacts
    if not asked:
        return ()
    artifacts, _report = context.factory.lookup.evidence(context.run.id)
    stored = [artifact.ref.name for artifact in artifacts if artifact.ref.kind == KIND]
    return _unanswered(asked, stored)


def gather(context: RunContext, ref: SandboxRef, asked: Sequence[str], observe: Observe) -> Gathered:
    """Store what a workspace holds of the outputs asked for; what is missing or refused is told, never fatal."""
    if not asked:
        return Gathered()
    bounds = context.factory.policy.results.artifacts
    try:
        parcel = _pack(context, ref, (_patterns(asked), bounds), observe)
    except (PatchUnreadable, PatchTooLarge) as error:
        return _told(context, Gathered(missing=tuple(asked), refused=(error.message,)))
    unpacked = context.factory.quarantine.unpack(parcel)
    kept = {
        output.name: context.keep(output.content, kind=KIND, name=output.name[-NAME_LIMIT:]).sha256
        for output in unpacked.outputs
        if _answers(output.name, _patterns(asked))
    }
    return _told(context, Gathered(kept=kept, missing=_unanswered(asked, list(kept)), refused=unpacked.refused))


def _told(context: RunContext, gathered: Gathered) -> Gathered:
    """Keep the account of it as an artifact too."""
    context.keep(json.dumps(gathered.model_dump(), indent=1).encode(), kind="json", name="outputs.json")
    return gathered


def _pack(
    context: RunContext, ref: SandboxRef, wanted: tuple[Sequence[str], ArtifactBounds], observe: Observe
) -> bytes:
    patterns, bounds = wanted
    size = bounds.max_total_bytes + bounds.max_files * _HEADERS
    limits = (size // 512, bounds.max_file_bytes + 1, bounds.max_files)
    sandbox = context.factory.sandboxes[ref.backend]
    run_script(sandbox, Bench(ref=ref, limit=TIME_LIMIT), PACK, [*map(str, limits), *patterns], observe)
    return sandbox.collect(ref, PARCEL_FILE, limit=2 * size) or b""  # a shell may count its blocks by 1024 bytes


def _patterns(asked: Sequence[str]) -> list[str]:
    """Return the patterns that can name something in a workspace."""
    plain = [one.strip().removeprefix("./").rstrip("/") for one in asked]
    return [one for one in plain if one and "\0" not in one and not {"", ".", ".."} & set(one.split("/"))]


def _answers(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, one) or fnmatchcase(name, f"{one}/*") for one in patterns)


def _unanswered(asked: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in asked if not any(_answers(name, _patterns([one])) for name in names))
