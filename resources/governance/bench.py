"""Where scanners work: files laid out byte by byte in a sandbox, and many programs started by one command.

One command, because a sandbox ends whatever runs in it when a command of it ends.
"""

import base64
import io
import shlex
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

from adapters.sandbox.contract import Sandbox
from adapters.scanner.contract import Written
from domain.errors import PatchTooLarge, SandboxFailed
from domain.execution import SandboxRef
from domain.harness import Command
from domain.model import Value
from domain.sandbox import Exit, OutputLine, SandboxSpec
from resources.checks import Observer
from resources.governance.accounts import Streams, read_account
from resources.sandboxes import choose_sandbox, provision, remove
from resources.wiring import Factory

GRACE_SECONDS: Final = 10.0  #: that the command which starts the programs has beyond their time
#: $1 folder, $2 programs at once
DRIVER: Final = """set -e
place=$TMPDIR/$1
mkdir "$place" "$place/work"
base64 -d | tar -x -f - -C "$place" --no-same-owner
cd "$place/work"
printf '%s\\0' "$place"/jobs/*.run | xargs -0 -n 1 -P "$2" /bin/sh
"""
RUN: Final = """{exports}
read -r begin rest < /proc/uptime
timeout --signal=KILL {seconds:.2f} {argv} < "$TMPDIR/{place}/jobs/{name}.in" > {out}.stdout 2> {out}.stderr
code=$?
read -r end rest < /proc/uptime
{{ echo "$code $begin $end"; times; }} > {out}.end
exit 0
"""


class Job(Value):
    """One program to start where the files lie."""

    name: str  #: letters, digits and hyphens; they start in the order they are given
    command: Command
    seconds: float  #: after which it is killed
    report: str | None = None  #: file it writes into FACTORY_OUT


@dataclass(frozen=True)
class Bench:
    sandbox: Sandbox
    ref: SandboxRef
    token: str  #: nobody can guess it: it stands in commands for where the files of their run lie
    begun: Callable[[], None]  #: called when programs are about to start
    observe: Observer

    @property
    def rules(self) -> str:
        """Return what stands in a command for the folder of the rules."""
        return f"{self.token}/rules"

    def run(
        self, place: str, files: Mapping[str, bytes], jobs: Sequence[Job], *, parallel: int, seconds: float
    ) -> tuple[dict[str, Written | None], bool]:
        """Lay files out below `place`, start every job in its `work`, and return what each wrote.

        Returns:
            By job: what it wrote, None when nobody knows how it ended; and whether all ran out of `seconds`.

        Raises:
            SandboxFailed: the files could not be laid out.
        """
        told = [text for number, job in enumerate(jobs) for text in self._scripts(place, number, job)]
        scripts = dict(told)
        command = Command(
            argv=("sh", "-c", DRIVER, "scan", place, str(parallel)),
            stdin=base64.b64encode(_packed({**files, **scripts})).decode(),
            timeout=timedelta(seconds=seconds + GRACE_SECONDS),
        )
        self.begun()
        end, words = self._said(command)
        if end.code != 0 and not end.timed_out:
            raise SandboxFailed(f"the files could not be laid out, or nothing could be started: {words[-500:]}")
        return {job.name: self._written(place, job) for job in jobs}, end.timed_out

    def _said(self, command: Command) -> tuple[Exit, str]:
        words: list[str] = []
        end = Exit(code=None, seconds=0)
        for output in self.sandbox.execute(self.ref, command):
            self.observe(output)
            match output:
                case OutputLine(text=text):
                    words = [*words[-20:], text[:1000]]
                case Exit():
                    end = output
        return end, "\n".join(words)

    def _scripts(self, place: str, number: int, job: Job) -> Iterator[tuple[str, bytes]]:
        """Yield the script that runs a job, and its input, by the names they lie under."""
        exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in job.command.environment.items())
        argv = shlex.join(job.command.argv).replace(self.token, f'"$TMPDIR/{place}"')
        out = f'"$FACTORY_OUT/{place}-{job.name}"'
        run = RUN.format(exports=exports, seconds=job.seconds, argv=argv, place=place, name=job.name, out=out)
        yield f"jobs/{number:03}-{job.name}.run", run.encode()
        yield f"jobs/{job.name}.in", (job.command.stdin or "").encode()

    def _written(self, place: str, job: Job) -> Written | None:
        out = f"{place}-{job.name}"
        stdout, stderr = (self._collect(f"{out}.{name}", job.command.output_limit) for name in ("stdout", "stderr"))
        account = self._collect(f"{out}.end", 10_000)
        end = read_account(account, job.seconds, Streams(stdout, stderr))
        if end is None:
            return None
        report = None if job.report is None else self._collect(job.report, job.command.output_limit)
        return Written(end, _text(stdout), _text(stderr), report)

    def _collect(self, name: str, limit: int) -> bytes | None:
        try:
            return self.sandbox.collect(self.ref, name, limit=limit)
        except PatchTooLarge:
            return None


@contextmanager
def opened_bench(
    factory: Factory, begun: Callable[[], None] = lambda: None, observe: Observer = lambda _: None
) -> Iterator[Bench]:
    """Make a sandbox with the scanner programs in it, and remove it at the end.

    Raises:
        SandboxFailed, IsolationRequired, StorageFull: as the sandbox says.
    """
    sandbox = choose_sandbox(factory, trusted=True)
    name, programs = f"scan-{uuid4().hex[:16]}", factory.settings.scanner_programs
    told = str(programs) if programs.is_dir() else None
    ref = provision(factory, sandbox, SandboxSpec(id=name, run_id=name, mirror=None, commit=None, scanners=told))
    try:
        yield Bench(sandbox, ref, f"place-{uuid4().hex}", begun, observe)
    finally:
        remove(factory, ref)


def _packed(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")
