"""Which version of a harness's program a run works with, and which one this release was made for."""

import json
import re
from typing import Final

from domain.errors import HarnessCrashed, ProgramMissing
from domain.execution import SandboxRef
from resources.harness_probing import program_version
from resources.harnesses import remembered
from resources.settings import SOURCE, Settings
from resources.wiring import Factory

PINS: Final = SOURCE / "deploy" / "agents" / "package.json"
LOCK: Final = SOURCE / "deploy" / "agents" / "openhands.lock"


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
    """Return the version of a package that deploy/agents pins; None when it pins none."""
    kind, _, name = (package or "").partition(":")
    if kind == "pypi":
        return _locked(name)
    for file in (settings.agents / "package.json", PINS) if kind == "npm" else ():
        try:
            version = json.loads(file.read_text())["dependencies"].get(name)
        except (OSError, ValueError, KeyError, AttributeError):
            continue
        if version:
            return str(version)
    return None


def _locked(name: str) -> str | None:
    try:
        found = re.search(rf"^{re.escape(name)}==(\S+)", LOCK.read_text(), re.MULTILINE)
    except OSError:
        return None
    return found[1] if found else None
