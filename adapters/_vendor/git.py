"""The git program on bare repositories of ours, under no configuration but the one written here."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

OUTPUT_LIMIT: Final = 64 * 1024 * 1024  #: bytes; more is an error
WORDS_LIMIT: Final = 4096  #: bytes kept of what git said last
STALE_LOCK_SECONDS: Final = 60.0  #: git holds a reference lock for milliseconds

CONFIGURATION: Final = """\
[safe]
\tdirectory = *
[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tfsync = committed
[protocol "ext"]
\tallow = never
[gc]
\tauto = 0
[maintenance]
\tauto = false
[fetch]
\trecurseSubmodules = false
[submodule]
\trecurse = false
"""
#: Said on the command line too, where no repository's own file can override them.
OVERRIDES: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "credential.helper=",
)
PASSED_ON: Final = (
    "PATH", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "TMPDIR",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip


class GitError(Exception):
    """git ended with an error, ran out of time or said more than was allowed; `words` is the end of its stderr."""

    def __init__(self, verb: str, words: str, exit_code: int | None, output: bytes = b"") -> None:
        super().__init__(f"git {verb}: {words or 'no words'} (exit {exit_code})")
        self.words = words
        self.exit_code = exit_code
        self.output = output  #: the beginning of its stdout

    @property
    def refused(self) -> bool:
        """git itself said no, as opposed to being killed for time or size."""
        return self.exit_code is not None and self.exit_code > 0


@dataclass(frozen=True, slots=True)
class Git:
    """`home` is a directory of ours for git's configuration; without `repository` only remote reading makes sense."""

    home: Path
    repository: Path | None = None
    timeout: float = 300.0  #: seconds for one command
    settings: tuple[str, ...] = ()  #: `key=value` after ours, on the command line: never a secret
    surroundings: Mapping[str, str] = field(default_factory=dict, repr=False)  #: environment of every command

    def run(
        self,
        *arguments: str,
        stdin: bytes | Path = b"",
        environment: Mapping[str, str] | None = None,
        limit: int = OUTPUT_LIMIT,
    ) -> bytes:
        """Return stdout; a reference lock left by a killed git is removed once it is certainly nobody's.

        Raises:
            GitError: any other end than exit code 0.
        """
        try:
            output, truncated = self._execute(arguments, stdin, environment, limit)
        except GitError as error:
            if not self._removed_stale_locks(error):
                raise
            output, truncated = self._execute(arguments, stdin, environment, limit)
        if truncated:
            raise GitError(arguments[0], f"more than {limit} bytes of output", None)
        return output

    def text(self, *arguments: str, stdin: bytes | Path = b"", environment: Mapping[str, str] | None = None) -> str:
        return self.run(*arguments, stdin=stdin, environment=environment).decode("utf-8", "replace").strip()

    def head(self, *arguments: str, limit: int) -> tuple[bytes, bool]:
        """Return the first `limit` bytes of stdout and whether there was more."""
        return self._execute(arguments, b"", None, limit)

    def holds(self, *arguments: str) -> bool:
        """Return git's answer to a yes-or-no question: exit code 0 or 1."""
        try:
            self.run(*arguments)
        except GitError as error:
            if error.exit_code != 1:
                raise
            return False
        return True

    def commit(self, reference: str) -> str | None:
        """Return the commit a full reference or commit id stands for; None when there is none."""
        try:
            return self.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
        except GitError as error:
            if not error.refused:
                raise
            return None

    def _execute(
        self, arguments: tuple[str, ...], stdin: bytes | Path, environment: Mapping[str, str] | None, limit: int
    ) -> tuple[bytes, bool]:
        where = [] if self.repository is None else [f"--git-dir={self.repository}"]
        settings = [word for setting in (*OVERRIDES, *self.settings) for word in ("-c", setting)]
        argv = ["git", *where, *settings, *arguments]
        with _opened(stdin) as source:
            ours = _environment(self.home, ceiling=self.home.parent) | dict(self.surroundings) | dict(environment or {})
            return _collect(_Command(argv, arguments[0], ours, self.home), source, limit, self.timeout)

    def _removed_stale_locks(self, error: GitError) -> bool:
        if self.repository is None or ".lock': File exists" not in error.words:
            return False
        removed = False
        for lock in (*self.repository.glob("*.lock"), *self.repository.glob("refs/**/*.lock")):
            with suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime > STALE_LOCK_SECONDS:
                    lock.unlink()
                    removed = True
        return removed


def repository_of(source: Path, home: Path) -> Path | None:
    """Return what to fetch from for a path in a repository: its top directory, or the bare repository; None outside."""
    for question in ("--show-toplevel", "--absolute-git-dir"):
        command = _Command(["git", "rev-parse", question], "rev-parse", _environment(home, ceiling=None), source)
        with suppress(GitError), _opened(b"") as nothing:
            answer, _ = _collect(command, nothing, OUTPUT_LIMIT, 30.0)
            return Path(os.fsdecode(answer.removesuffix(b"\n")))
    return None


@dataclass(frozen=True, slots=True)
class _Command:
    argv: list[str]
    verb: str
    environment: Mapping[str, str]
    directory: Path


def _environment(home: Path, ceiling: Path | None) -> dict[str, str]:
    """Nothing but what is named here reaches git; below `ceiling` it finds no repository by itself."""
    _write_configuration(home)
    inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    fixed = {
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / "config"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "GIT_TERMINAL_PROMPT": "0",
    }
    return inherited | fixed | ({} if ceiling is None else {"GIT_CEILING_DIRECTORIES": str(ceiling)})


def _write_configuration(home: Path) -> None:
    path = home / "config"
    if path.exists():
        return
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=home, delete=False) as file:
        file.write(CONFIGURATION)
    Path(file.name).replace(path)


def _opened(stdin: bytes | Path) -> IO[bytes]:
    if isinstance(stdin, Path):
        return stdin.open("rb")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(stdin)
    file.seek(0)
    return file


def _collect(command: _Command, stdin: IO[bytes], limit: int, timeout: float) -> tuple[bytes, bool]:
    """Run in a process group of its own, killed when time or output runs over; return (stdout, was there more)."""
    late, words = threading.Event(), bytearray()
    with subprocess.Popen(
        command.argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=command.environment, cwd=command.directory, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout and process.stderr  # noqa: S101
        listener = threading.Thread(target=_listen, args=(process.stderr, words), daemon=True)
        alarm = threading.Timer(timeout, _stop, args=(process, late))
        alarm.start()
        listener.start()
        try:
            output = process.stdout.read(limit + 1)
            if len(output) > limit:
                _kill(process)
            listener.join()
            exit_code = process.wait()
        finally:
            alarm.cancel()
    if late.is_set():
        raise GitError(command.verb, f"no end after {timeout:g} s", None)
    if len(output) > limit:
        return output[:limit], True
    if exit_code != 0:
        raise GitError(command.verb, words.decode("utf-8", "replace").strip(), exit_code, output[:WORDS_LIMIT])
    return output, False


def _listen(stream: IO[bytes], words: bytearray) -> None:
    while chunk := os.read(stream.fileno(), 65536):
        words += chunk
        del words[:-WORDS_LIMIT]


def _stop(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
