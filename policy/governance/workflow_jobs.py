"""What the jobs of a GitHub workflow run on, and whose words they take for a script."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

OWN: Final = "self-hosted"
#: what whoever opens a pull request or an issue writes, and GitHub puts into a script as it is
STRANGERS: Final = re.compile(
    r"\$\{\{[^}]*?\b(github\.(?:head_ref|event\.[\w.*-]*\b(?:title|body|message|label|ref|name|email|page_name)))\b[^}]*\}\}"
)

Job = Mapping[str, Any]


def opened(before: Job | None, after: Job) -> Iterator[str]:
    """Yield what of the repository's own machines or scripts a job opens that it did not before."""
    had = set() if before is None else {*_machines(before), *_strangers(before)}
    yield from sorted({*_machines(after), *_strangers(after)} - had)


def _machines(job: Job) -> Iterator[str]:
    if OWN in _labels(job.get("runs-on")):
        yield f"runs-on: {OWN}"


def _labels(told: Any) -> list[str]:
    match told:
        case str():
            return [told.strip().lower()]
        case list():
            return [str(one).strip().lower() for one in told]
        case {"labels": labels}:
            return _labels(labels)
        case _:
            return []


def _strangers(job: Job) -> Iterator[str]:
    steps = job.get("steps")
    scripts = [step.get("run") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    for script in scripts:
        yield from (f"run: {name} in a script" for name in STRANGERS.findall(str(script)))
