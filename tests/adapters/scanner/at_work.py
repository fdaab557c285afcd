"""Program scanners at work in a real sandbox: lay files out, run one, read what it wrote."""

import base64
import io
import tarfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from adapters.sandbox.contract import Sandbox
from adapters.scanner.contract import Reading, Scanner, Written
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Exit, Output, OutputLine, SandboxSpec
from tests.support.needed import SCANNERS

ROOT = Path(__file__).parents[3]
INSTALLED = SCANNERS
RULES = ROOT / "policy" / "scanners"
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Bench:
    """A sandbox with our rules in it, and folders of files that are scanned."""

    sandbox: Sandbox
    ref: SandboxRef
    rules: str

    def lay_out(self, files: Mapping[str, bytes], folder: str = ".") -> None:
        script = 'mkdir -p "$1" && base64 -d | tar -x -C "$1"'
        command = Command(argv=("sh", "-c", script, "sh", folder), stdin=base64.b64encode(_packed(files)).decode())
        done = self.run(command)
        assert done.end.code == 0, done.stderr

    def clear(self) -> None:
        assert self.run(Command(argv=("sh", "-c", "rm -rf ./* ./.[!.]*"))).end.code == 0

    def run(self, command: Command) -> Written:
        limited = command.model_copy(update={"timeout": timedelta(seconds=SECONDS)})
        *outputs, end = self.sandbox.execute(self.ref, limited)
        assert isinstance(end, Exit)
        return Written(end, _joined(outputs, "stdout"), _joined(outputs, "stderr"))

    def scan(self, scanner: Scanner, files: Mapping[str, bytes], given: Sequence[str] | None = None) -> Reading:
        """Lay files out in the empty workspace, scan those given (else all), and read the report."""
        self.clear()
        self.lay_out(files)
        names = sorted(files) if given is None else given
        written = self.run(scanner.command(scanner.traits.program, names, self.rules))
        return scanner.read(written, lines_of(files))


def lines_of(files: Mapping[str, bytes]):
    def lines(path: str) -> Sequence[str]:
        return files.get(path, b"").decode("utf-8", "surrogateescape").splitlines()

    return lines


@contextmanager
def bench(sandbox: Sandbox, scanners: Path | None = INSTALLED) -> Iterator[Bench]:
    name = f"scan-{uuid.uuid4().hex[:12]}"
    told = None if scanners is None else str(scanners)
    ref = sandbox.provision(SandboxSpec(id=name, run_id=name, mirror=None, commit=None, scanners=told))
    try:
        plain = Bench(sandbox, ref, "")
        place = plain.run(Command(argv=("sh", "-c", 'echo "$TMPDIR/rules"'))).stdout.strip()
        plain.lay_out({str(one.relative_to(RULES)): one.read_bytes() for one in RULES.rglob("*.*")}, place)
        yield Bench(sandbox, ref, place)
    finally:
        sandbox.teardown(ref)


def _packed(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _joined(outputs: Sequence[Output], stream: str) -> str:
    """Return a stream as it was written; a long line comes in pieces."""
    lines = [one for one in outputs if isinstance(one, OutputLine) and one.stream == stream]
    return "".join(one.text + ("" if one.goes_on else "\n") for one in lines)
