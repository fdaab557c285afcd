"""What judging a change costs beyond its tools: three released projects, four changed files each.

The bundle is all that `factory governance run` does but the project's own tests, which cost what they cost: mirroring,
a sandbox, every scanner on the changed files, what the base had, the rules, the report. Its floor is what its tools
cost in the same run, as its report tells: the slowest of them, or all their processor time divided by the processors,
whichever is more. At most 1.25 times is the aim. In turn with it each tool runs alone and bare on the same files, for
comparison: a floor that whole tools on few processors do not reach in any order.
"""

import argparse
import gc
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from adapters.scanner.catalogue import SCANNERS
from adapters.scanner.contract import Scanner
from domain.findings import ScanState
from domain.governed import GovernanceReport
from domain.repositories import Repository, RepositorySettings
from policy.governance.model import RULES
from resources.governance.checkout import FORGE, mirror_checkout, with_checkout
from resources.governance.given import Given
from resources.governance.scanning import RULES as SCANNER_RULES
from resources.governance.subject import Subject
from resources.governance.verdict import govern
from resources.settings import load_settings
from resources.wiring import Factory, open_factory
from tests.e2e.released import Sdist
from tests.governance.corpus.grounds import Release
from tests.support.repositories import commit

AIM: Final = 1.25
CHANGED: Final = 4  #: files
ADDED: Final = "\n\ndef benchmarked(numbers):\n    return sum(numbers)\n"
RELEASES: Final = (
    Release("flask", Sdist("3.1.3", "0ef0e52b8a9cd932855379197dd8f94047b359ca0a78695144304cb45f87c9eb")),
    Release("httpx", Sdist("0.28.1", "75e98c5f16b0f35b567856f597f06ff2270a374470a5c2392242528e3e3e42fc")),
    Release("django", Sdist("6.1.3", "b5d2d9e35295065d13b1927b3f19a59bd119f737aa6299def14ccca1ae3c8c0d")),
)
JUDGED: Final = tuple(rule for rule in RULES if rule != "tests")


class Cost(NamedTuple):
    """Seconds."""

    wall: float
    cpu: float


@dataclass
class Measured:
    """What the rounds cost, by tool where it is a tool's."""

    bundles: list[float] = field(default_factory=list)
    bare: dict[str, list[Cost]] = field(default_factory=dict)
    inside: dict[str, list[Cost]] = field(default_factory=dict)

    def floor(self, told: Mapping[str, list[Cost]], cores: int) -> float:
        costs = [middle(one) for one in told.values()]
        return max(*(one.wall for one in costs), sum(one.cpu for one in costs) / cores)


def middle(costs: list[Cost]) -> Cost:
    return Cost(statistics.median(one.wall for one in costs), statistics.median(one.cpu for one in costs))


class Project:
    """A repository whose head changes a few modules of its base."""

    def __init__(self, release: Release, cache: Path, folder: Path) -> None:
        self.name = release.name
        self.source = release.make_repository(cache, folder / release.name)
        modules = sorted(self.source.glob(f"**/{release.name}/**/*.py"), key=lambda one: (one.stat().st_size, str(one)))
        chosen = [modules[len(modules) * number // (CHANGED + 1)] for number in range(1, CHANGED + 1)]
        self.changed = [str(one.relative_to(self.source)) for one in chosen]
        self.modules = len(modules)
        self._copies = folder / f"{release.name}-changed"
        self._copy("before")
        commit(self.source, {name: (self.source / name).read_text() + ADDED for name in self.changed}, "Add sums")
        self._copy(".")

    def _copy(self, folder: str) -> None:
        for name in self.changed:
            (self._copies / folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.source / name, self._copies / folder / name)

    def judge(self, factory: Factory) -> GovernanceReport:
        found = mirror_checkout(factory.settings, self.source, self.name, "release", "HEAD")
        repository = Repository(
            name=self.name,
            source=str(self.source),
            forge=FORGE,
            remote=str(found.remote),
            settings=RepositorySettings(),
            created_at=factory.now(),
            created_by="benchmark",
        )
        ends = {"base_sha": found.base_sha, "head_sha": found.head_sha}
        subject = Subject(repository=repository, rules=JUDGED, **ends)
        return govern(with_checkout(factory, found), subject, lambda _: None)

    def run_bare(self, scanner: Scanner, programs: Path) -> Cost:
        """Run one tool as its command says, where the changed files lie, before and after, and nothing else."""
        both = (*self.changed, *(f"before/{name}" for name in self.changed))
        files = tuple(name for name in both if name.endswith(scanner.traits.suffixes or ("",)))
        command = scanner.command(scanner.traits.program, files, str(SCANNER_RULES))
        path = f"{programs / 'bin'}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "FACTORY_OUT": str(self._copies.parent), **command.environment}
        began = time.perf_counter()
        with subprocess.Popen(
            list(command.argv),
            cwd=self._copies,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdin is not None
            with process.stdin as words:
                words.write((command.stdin or "").encode())
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in (0, 1), f"{scanner.traits.name} ended with {process.returncode}"
        return Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime)


def measure(factory: Factory, project: Project, rounds: int) -> Measured:
    """Measure bundle and bare tools in turn; once each unmeasured."""
    told, programs = Measured(), factory.settings.scanner_programs
    for number in range(rounds + 1):
        bare = {name: project.run_bare(scanner, programs) for name, scanner in SCANNERS.items()}
        began = time.perf_counter()
        report = project.judge(factory)
        spent = time.perf_counter() - began
        inside = told_by(factory, report)
        if number:
            told.bundles.append(spent)
            for name in SCANNERS:
                told.bare.setdefault(name, []).append(bare[name])
                told.inside.setdefault(name, []).append(inside[name])
    return told


def told_by(factory: Factory, report: GovernanceReport) -> dict[str, Cost]:
    """Return what each tool cost by the stored facts; one that did not work costs nothing and is an error here."""
    assert report.facts is not None
    facts = Given.model_validate_json(factory.artifacts.get(report.facts)).facts
    wrong = [f"{one.scanner} {one.state}: {one.reason}" for one in facts.scans if one.state is not ScanState.COMPLETED]
    assert not wrong, wrong
    costs: dict[str, Cost] = {}
    for one in (*facts.scans, *facts.base_scans):
        before = costs.get(one.scanner, Cost(0, 0))
        costs[one.scanner] = Cost(before.wall + one.seconds, before.cpu + (one.cpu_seconds or 0))
    return costs


def tell(project: Project, told: Measured, cores: int) -> float:
    """Print medians and return the ratio."""
    bundle, bare_floor = statistics.median(told.bundles), told.floor(told.bare, cores)
    print(f"{project.name}, {project.modules} modules, {len(project.changed)} changed:")
    for name in SCANNERS:
        bare, inside = middle(told.bare[name]), middle(told.inside[name])
        costs = [f"{one.wall:5.2f} s, CPU {one.cpu:5.2f} s" for one in (bare, inside)]
        print(f"  {name:<15} bare {costs[0]}; in the bundle {costs[1]}")
    floor = told.floor(told.inside, cores)
    print(f"  bundle {bundle:.2f} s, its tools in the same run {floor:.2f} s, ratio {bundle / floor:.2f}")
    print(f"  against each tool alone and bare: floor {bare_floor:.2f} s, ratio {bundle / bare_floor:.2f}")
    return bundle / floor


@contextmanager
def opened(folder: Path, sandbox: str) -> Iterator[Factory]:
    os.environ["FACTORY_SANDBOX"] = sandbox
    os.environ["FACTORY_HOME"] = str(folder / "home")
    factory = open_factory(load_settings(folder / "home"), migrate=True)
    gc.freeze()  # as the command does
    yield factory


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--sandbox", default="process", help="that the scanners run in")
    options.add_argument("--cache", type=Path, help="folder of sdists that were fetched before")
    options.add_argument("names", nargs="*", default=[one.name for one in RELEASES], help="projects")
    told = options.parse_args()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        factory = stack.enter_context(opened(folder, told.sandbox))
        print(f"medians of {told.rounds} rounds in turn, {cores} processors, sandbox {told.sandbox}")
        projects = [Project(one, told.cache or folder / "sdists", folder) for one in RELEASES if one.name in told.names]
        ratios = [tell(one, measure(factory, one, told.rounds), cores) for one in projects]
        print(f"aim for each: at most {AIM}: {'kept' if max(ratios) <= AIM else 'MISSED'}")


if __name__ == "__main__":
    main()
