"""The work behind `factory repo check` and `factory repo protect`."""

from typing import Any

from control_plane.cli.opening import open_home
from control_plane.runs.wording import harmless
from resources.hub_needs import Needs, needs_of, protected

SIGNS = {"ok": "ok     ", "missing": "MISSING", "unknown": "unknown", "made": "made   ", "info": "note   "}
Told = tuple[dict[str, Any], list[str], int]


def inspect_repository(name: str, *, fix: bool = False) -> Told:
    factory = open_home()
    return _told(name, needs_of(factory, factory.lookup.repository(name), fix=fix))


def protect_repository(name: str, *, apply: bool) -> Told:
    factory = open_home()
    return _told(name, protected(factory, factory.lookup.repository(name), apply=apply))


def _told(name: str, needs: Needs) -> Told:
    states = [state for _what, state, _remedy in needs]
    code = 1 if "missing" in states else 3 if "unknown" in states else 0
    rows = [{"what": what, "state": state, "remedy": remedy} for what, state, remedy in needs]
    lines = [f"{SIGNS[row['state']]}  {harmless(row['what'])}{_remedy(row['remedy'])}" for row in rows]
    return {"repository": name, "needs": rows}, lines, code


def _remedy(text: str) -> str:
    return f": {harmless(text)}" if text else ""
