"""Which version of a harness's program a run works with, and which one this release was made for."""

import json
from typing import Final

from domain.errors import HarnessCrashed, ProgramMissing
from domain.execution import SandboxRef
from resources.harness_probing import program_version
from resources.harnesses import remembered
from resources.settings import SOURCE, Settings
from resources.wiring import Factory

PINS: Final = SOURCE / "deploy" / "agents" / "package.json"


def version_in(factory: Factory, ref: SandboxRef, name: str, place: str) -> str | None:
    """Return the version a sandbox has, as last seen in the same place (sandbox and image) or as the program says
    there; None when it does not say.
    """
    known = remembered(factory, name)
    if known is not None and known.version and known.place == place:
        return known.version
    try:
        return program_version(factory, name, ref)
    except (ProgramMissing, HarnessCrashed):
        return None


def pinned_version(settings: Settings, package: str | None) -> str | None:
    """Return the version of an npm package that deploy/agents pins; None when it pins none."""
    kind, _, name = (package or "").partition(":")
    if kind != "npm":
        return None
    for file in (settings.agents / "package.json", PINS):
        try:
            version = json.loads(file.read_text())["dependencies"].get(name)
        except (OSError, ValueError, KeyError, AttributeError):
            continue
        if version:
            return str(version)
    return None
