"""What the conformance suite proves harmless is not harmless by itself: without our options it does silence these programs."""

from pathlib import Path

import pytest

from adapters.sandbox.process import ProcessSandbox
from domain.harness import Command
from tests.adapters.scanner.at_work import Bench
from tests.adapters.scanner.at_work import bench as made
from tests.adapters.scanner.conformance import content
from tests.adapters.scanner.samples import EXCUSES, HOSTILE, SAMPLES

CONFIGURED = {
    "ruff": ("ruff", "check", "--no-cache", "a.py"),
    "ruff-security": ("ruff", "check", "--no-cache", "--extend-select", "S", "a.py"),
    "bandit": ("bandit", "-q", "-ll", "-r", "."),
    "gitleaks": ("gitleaks", "dir", "--no-banner", "."),
    "semgrep": ("semgrep", "scan", "--experimental", "--quiet", "--error", "--metrics=off", "--disable-version-check",
                "--config", "{rules}/semgrep", "."),
}  # fmt: skip
COMMENTED = {
    "ruff": ("ruff", "check", "--isolated", "--no-cache", "a.py"),
    "ruff-security": ("ruff", "check", "--isolated", "--no-cache", "--select", "S", "a.py"),
    "bandit": ("bandit", "-q", "-ll", "a.py"),
    "gitleaks": ("gitleaks", "dir", "--no-banner", "a.py"),
    "semgrep": ("semgrep", "scan", "--experimental", "--quiet", "--error", "--metrics=off", "--disable-version-check",
                "--config", "{rules}/semgrep", "a.py"),
}  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path):
    with made(ProcessSandbox(tmp_path)) as found:
        yield found


def found_by(bench: Bench, argv: tuple[str, ...]) -> bool:
    told = tuple(word.format(rules=bench.rules) for word in argv)
    return bench.run(Command(argv=told, environment={"SEMGREP_ENABLE_VERSION_CHECK": "0"})).end.code == 1


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_configuration_of_the_tree_silences_the_plain_program(bench, name) -> None:
    sample = SAMPLES[name]
    bench.lay_out({sample.name: content(sample)})
    assert found_by(bench, CONFIGURED[name])
    bench.lay_out({file: text.encode() for file, text in HOSTILE.items() if not file.endswith(".py")})
    assert not found_by(bench, CONFIGURED[name])


@pytest.mark.parametrize("name", COMMENTED)
def test_a_comment_silences_the_plain_program(bench, name) -> None:
    sample = SAMPLES[name]
    bench.lay_out({sample.name: content(sample)})
    assert found_by(bench, COMMENTED[name])
    silent = []
    for excuse in EXCUSES:
        bench.lay_out({sample.name: content(sample, f"  {excuse}")})
        silent.append(not found_by(bench, COMMENTED[name]))
    assert any(silent)
