"""Which scanner programs are missing on this machine."""

from adapters.advisory import pip_audit
from adapters.scanner.catalogue import SCANNERS
from resources.governance.auditing import can_audit
from resources.settings import ScannerSettings, Settings

INSTALL = "deploy/install-scanners"


def missing_programs(settings: Settings) -> list[str]:
    """Return scanners that are switched on and whose installed program is not there; a path told for one is believed:
    it is the sandbox's."""
    wanted = {name: scanner.traits.program for name, scanner in SCANNERS.items()}
    if can_audit(settings):
        wanted[pip_audit.NAME] = pip_audit.NAME
    told = {name: settings.scanners.get(name) or ScannerSettings() for name in wanted}
    there = settings.scanner_programs / "bin"
    return [
        name
        for name, program in wanted.items()
        if told[name].enabled and told[name].executable is None and not (there / program).is_file()
    ]


def unknown_names(settings: Settings) -> list[str]:
    """Return names under `scanners` that are no scanner's."""
    return sorted(set(settings.scanners) - {*SCANNERS, pip_audit.NAME})
