"""Whether governance finds its scanners here."""

from control_plane.health.machine import Check
from resources.governance.programs import INSTALL, missing_programs, unknown_names
from resources.settings import Settings


def scanners_check(settings: Settings) -> Check:
    """Nothing breaks without them: rules that need one are undetermined, which is safe and worth knowing."""
    missing, unknown = missing_programs(settings), unknown_names(settings)
    if unknown:
        detail = f"settings name what is no scanner: {', '.join(unknown)}"
        return Check(name="scanners", ok=False, detail=detail, remedy="Correct `scanners` in settings.yaml.")
    if missing:
        detail = f"missing in {settings.scanner_programs}: {', '.join(missing)}; their rules are undetermined"
        return Check(name="scanners", ok=True, detail=detail, remedy=f"Run `{INSTALL} {settings.scanner_programs}`.")
    return Check(name="scanners", ok=True, detail=f"all in {settings.scanner_programs}")
