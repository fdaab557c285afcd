"""Every program scanner by its name in settings, rules and reports."""

from collections.abc import Mapping
from typing import Final

from adapters.scanner.bandit import Bandit
from adapters.scanner.contract import Scanner
from adapters.scanner.detect_secrets_program import DetectSecretsProgram
from adapters.scanner.gitleaks import Gitleaks
from adapters.scanner.ruff import LINT, SECURITY
from adapters.scanner.semgrep import Semgrep

SCANNERS: Final[Mapping[str, Scanner]] = {
    scanner.traits.name: scanner
    for scanner in (LINT, SECURITY, Bandit(), Semgrep(), Gitleaks(), DetectSecretsProgram())
}
