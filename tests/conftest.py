"""The skip audit: every skipped family is named with its reason; CI accepts only those in allowed_skips.txt."""

import os
import resource
from collections import Counter
from collections.abc import Generator, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from xdist.scheduler import Scheduling

from tests.support.needed import NotInstalled
from tests.support.scheduling import EngineScheduling, on_engine

pytest.register_assert_rewrite("tests.support.live", "tests.support.repositories")
ALLOWED = Path(__file__).with_name("allowed_skips.txt")
DESCRIPTORS = 8192  #: commands run in this process leave their ledgers open until it ends
MARKED_FAMILIES = ("github", "openhands", "postgres", "docker", "bubblewrap", "dagster", "faults", "e2e")
SERIAL = {"dagster", "faults", "e2e"}


def pytest_configure() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, DESCRIPTORS), hard))


@pytest.fixture(autouse=True)
def _trusted_commands_in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quickest sandbox, for tests about something else; those about sandboxes name theirs."""
    monkeypatch.setenv("FACTORY_SANDBOX", "process")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling | None:
    return EngineScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    yield from _skipped_when_not_installed()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    yield from _skipped_when_not_installed()


def _skipped_when_not_installed() -> Generator[None]:
    try:
        yield
    except NotInstalled as error:
        pytest.skip(str(error))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and let no test that needs the Docker engine run beside one that kills it."""
    for item in items:
        if item.get_closest_marker("docker") and not on_engine(item.nodeid):
            raise pytest.UsageError(f"{item.nodeid} belongs in PLACES of tests/support/scheduling.py")
    items.sort(key=lambda item: (not on_engine(item.nodeid), not SERIAL & {mark.name for mark in item.iter_markers()}))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let each report carry its family: the first marked one, else the folder the test lies in."""
    marked = [name for name in MARKED_FAMILIES if item.get_closest_marker(name)]
    item.user_properties.append(("family", marked[0] if marked else _folder(item.nodeid)))


def _folder(nodeid: str) -> str:
    return nodeid.partition("::")[0].rpartition("/")[0]


def read_allowed(text: str) -> list[tuple[str, str]]:
    lines = [line.strip() for line in text.splitlines()]
    told = [line.partition(":") for line in lines if line and not line.startswith("#")]
    return [(family.strip(), pattern.strip()) for family, _, pattern in told]


def not_allowed(skips: Iterable[tuple[str, str]], allowed: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the (family, reason) pairs that no line of the list covers."""
    return sorted(
        {
            (family, reason)
            for family, reason in skips
            if not any(family == name and fnmatchcase(reason, pattern) for name, pattern in allowed)
        }
    )


def _reports(config: pytest.Config, outcome: str) -> list[tuple[str, str]]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    found = []
    for report in reporter.stats.get(outcome, []) if reporter else []:
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        family = dict(getattr(report, "user_properties", ())).get("family", _folder(report.nodeid))
        found.append((family, reason))
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    skips = _reports(session.config, "skipped")
    if os.environ.get("CI") == "true" and exitstatus == 0 and not_allowed(skips, read_allowed(ALLOWED.read_text())):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    ran = Counter(family for family, _ in _reports(config, "passed"))
    skips = Counter(_reports(config, "skipped"))
    refused = not_allowed(skips, read_allowed(ALLOWED.read_text()))
    if ran:
        terminalreporter.write_line("families run: " + ", ".join(f"{name} {ran[name]}" for name in sorted(ran)))
    for (family, reason), count in sorted(skips.items()):
        word = "NOT ALLOWED in CI" if (family, reason) in refused else "allowed"
        terminalreporter.write_line(f"skipped family {family}: {count} tests ({word}): {reason}")
