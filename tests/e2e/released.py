"""Released bug fixes as work for agents: the source of one release with the tests of the next, and the fix as edits."""

import difflib
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

from tests.support.model import Edit, Read, Script, Sh, Turn, Write
from tests.support.model.script import Call
from tests.support.repositories import commit, git

CONTEXT = 4  #: lines around a change, at least; more where the place is not told by them


@dataclass(frozen=True)
class Sdist:
    version: str
    sha256: str


@dataclass(frozen=True)
class Project:
    """Two releases of one package. `fixed` is what the second release's tests find wrong with the first."""

    name: str
    before: Sdist
    after: Sdist
    source: str  #: folder of the package in the sdist
    fixed: frozenset[str]  #: as a JUnit report names tests
    setup: tuple[str, ...] = ()  #: none: as `repo add` detects it


def _names(module: str, *tests: str) -> set[str]:
    return {f"tests.{module}::{test}" for test in tests}


CLICK = Project(
    name="click",
    before=Sdist("8.1.3", "7682dc8afb30297001674575ea00d1814d808d6a36af415a82bd481d37ba7b8e"),
    after=Sdist("8.1.4", "b97d0c74955da062a7d4ef92fadb583806a585b2ea81958a81bd72726cbb8e37"),
    source="src/click",
    fixed=frozenset(
        _names("test_arguments", "test_when_argument_decorator_is_used_multiple_times_cls_is_preserved")
        | _names("test_command_decorators", "test_custom_command_no_parens")
        | _names("test_commands", *(f"test_abort_exceptions_with_disabled_standalone_mode[{error}]" for error in ("EOFError", "KeyboardInterrupt")))
        | _names("test_defaults", "test_multiple_flag_default")
        | _names("test_formatting", "test_truncating_docstring_no_help")
        | _names("test_shell_completion", *(f"test_add_completion_class{how}" for how in ("", "_with_name", "_decorator")))
        | _names("test_types", "test_path_surrogates", "test_file_surrogates[type0]", "test_file_surrogates[type1]", "test_file_error_surrogates")
        | _names("test_utils", "test_echo_no_streams", "test_filename_formatting", "test_detect_program_name[example--example]")
    ),
)  # fmt: skip
TOMLKIT = Project(
    name="tomlkit",
    before=Sdist("0.12.1", "38e1ff8edb991273ec9f6181244a6a391ac30e9f5098e7535640ea6be97a7c86"),
    after=Sdist("0.12.2", "df32fab589a81f0d7dc525a4267b6d7a64ee99619cbd1eeb0fae32c1dd426977"),
    source="tomlkit",
    fixed=frozenset(_names("test_items", "test_integers_behave_like_ints")),
    setup=(
        'uv venv -q --allow-existing "$FACTORY_ENVIRONMENT"',
        'uv pip install -q --system-certs --python "$FACTORY_ENVIRONMENT/bin/python" pytest==7.4.0 pyyaml==6.0.3',
    ),
)
PROJECTS = (CLICK, TOMLKIT)


@dataclass(frozen=True)
class Release:
    """Both sdists of a project, unpacked below `folder`."""

    project: Project
    folder: Path

    def make_repository(self, folder: Path) -> Path:
        """Return a repository whose one commit is the first release with the second one's tests."""
        files = _files(self._tree(self.project.before), skip="tests") | {
            f"tests/{name}": content for name, content in _files(self._tree(self.project.after) / "tests").items()
        }
        folder.mkdir(parents=True)
        git(folder, "init", "-q", "-b", "main")
        commit(folder, files, f"{self.project.name} {self.project.before.version}, and what is expected of the next")
        return folder

    @cached_property
    def fix(self) -> dict[str, tuple[str, str]]:
        """What the second release says differently: path → text before (empty: a new file) and after."""
        old, new = (
            {name: text.decode() for name, text in _files(self._tree(one) / self.project.source).items()}
            for one in (self.project.before, self.project.after)
        )
        assert old.keys() <= new.keys(), "the fix removes files, which no script here can"
        return {
            f"{self.project.source}/{name}": (old.get(name, ""), text)
            for name, text in new.items()
            if old.get(name) != text
        }

    def script(self, name: str, key: str) -> Script:
        """Return the script that makes the fix, runs the tests and says so; `key` is the only one it accepts."""
        turns = _turns(self.fix)
        tests = sorted({f"{name.partition('::')[0].replace('.', '/')}.py" for name in self.project.fixed})
        look = Turn(say="I run the tests.", calls=(Sh(sh=f"python -m pytest -q {' '.join(tests)}"),))
        done = Turn(say="The tests pass.")
        return Script(name=name, key=key, turns=(*turns, look, done), aside="Files were corrected.")

    def _tree(self, sdist: Sdist) -> Path:
        return self.folder / f"{self.project.name}-{sdist.version}"


def fetch(project: Project, cache: Path) -> Release:
    """Return both releases, fetched once by pip from where it is set to and kept in `cache`; a wrong digest fails."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{project.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes fetch too
        for sdist in (project.before, project.after):
            _fetch(project.name, sdist, cache)
    return Release(project, cache)


def _fetch(name: str, sdist: Sdist, cache: Path) -> None:
    if (cache / f"{name}-{sdist.version}").is_dir():
        return
    pin = cache / f"{name}.txt"
    pin.write_text(f"{name}=={sdist.version} --hash=sha256:{sdist.sha256}\n")
    words = ["--require-hashes", "--no-deps", "--no-binary", name, "-r", str(pin), "-d", str(cache)]
    argv = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    half = cache / f"{name}-{sdist.version}.half"
    half.mkdir(exist_ok=True)
    subprocess.run(["tar", "-xzf", cache / f"{name}-{sdist.version}.tar.gz", "-C", half], check=True)
    (half / f"{name}-{sdist.version}").rename(cache / f"{name}-{sdist.version}")
    half.rmdir()


def _files(folder: Path, skip: str | None = None) -> dict[str, bytes]:
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {str(name): path.read_bytes() for name, path in found.items() if name.parts[0] != skip}


def _turns(fix: dict[str, tuple[str, str]]) -> Iterator[Turn]:
    """Look into each file, as programs want it, then make one edit of each file a turn: calls may run side by side."""
    old = {path: told for path, told in fix.items() if told[0]}
    yield Turn(say="I look at the files.", calls=tuple(Read(read=path, lines=20) for path in old))
    new = tuple(Write(write=path, content=told[1]) for path, told in fix.items() if path not in old)
    rounds = zip_longest(new, *(edits(path, *told) for path, told in old.items()))
    for calls in rounds:
        yield Turn(say="I correct them.", calls=tuple(call for call in calls if call is not None))


def edits(path: str, old: str, new: str) -> tuple[Call, ...]:
    """Return the edits that make `old` into `new`, one after the other; each one's place is told by its lines alone."""
    was, becomes = old.splitlines(keepends=True), new.splitlines(keepends=True)
    calls = []
    for first, last, lines in reversed(_hunks(was, becomes)):
        start, end = _room(was, first, last)
        text = "".join([*was[start:first], *lines, *was[last:end]])
        calls.append(Edit(edit=path, old="".join(was[start:end]), new=text))
        was[first:last] = lines
    assert was == becomes
    return tuple(calls)


def _hunks(was: list[str], becomes: list[str]) -> list[tuple[int, int, list[str]]]:
    """Return (first line, line after the last, what they become) for each change; near ones are one."""
    groups = difflib.SequenceMatcher(None, was, becomes, autojunk=False).get_grouped_opcodes(CONTEXT)
    return [(group[0][1], group[-1][2], becomes[group[0][3] : group[-1][4]]) for group in groups]


def _room(was: list[str], first: int, last: int) -> tuple[int, int]:
    """Widen a change until its lines are found once in the file."""
    text = "".join(was)
    while text.count("".join(was[first:last])) > 1:
        first, last = max(first - 1, 0), min(last + 1, len(was))
    return first, last
