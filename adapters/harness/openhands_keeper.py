"""What keeps OpenHands inside the sandbox: gives it its settings and its task, and tells what it does not tell itself.

Its text is run there by whatever Python the sandbox has, so nothing but the standard library is of use to it. Each line
it writes to standard output is JSON: an event of OpenHands as it came, or a line of its own, whose kind begins with
`factory.`.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

CALLS = "{calls}"  #: in the settings: the folder where each answer of the model is written down
SKILLS = "cache/skills/public-skills/.git"  #: where this is, it takes what is there and does not clone it from GitHub
LOOKS = 0.3  #: seconds between two looks for answers
LONGEST = 64_000_000  #: bytes of one file that is read


class Keeper:
    def __init__(self, home: Path) -> None:
        self.own = home / ".openhands"
        self.conversations = self.own / "conversations"
        self.calls = self.own / "calls"
        self.known: set[str] = set()
        self.session = ""
        self.lock = threading.Lock()

    def keep(self, settings: str, session: str, argv: list[str]) -> int:
        """Run the program to its end; return its exit code, as a shell tells it."""
        for folder in (self.conversations, self.calls, self.own / SKILLS):
            folder.mkdir(parents=True, exist_ok=True)
        self.known, self.session = {one.name for one in self.conversations.iterdir()}, session.replace("-", "")
        if session and not (self.conversations / self.session / "base_state.json").is_file():
            self.tell(kind="factory.end", status="unknown_session")
            return 1
        if session:
            self.tell(kind="factory.session", session=self.session)
        task = self.own / "task.md"
        task.write_text(sys.stdin.read())
        (self.own / "agent_settings.json").write_text(settings.replace(CALLS, str(self.calls)))
        code = self.run([*argv, "--file", str(task)])
        with suppress(OSError):
            self.look()
        self.tell(kind="factory.end", status=self.status(), code=code)
        return code

    def run(self, argv: list[str]) -> int:
        told = {"OPENHANDS_PERSISTENCE_DIR": str(self.own), "OPENHANDS_CONVERSATIONS_DIR": str(self.conversations)}
        environment = {**os.environ, **told, "OPENHANDS_WORK_DIR": str(Path.cwd())}
        try:
            program = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        except OSError as error:
            sys.stderr.write(f"{error}\n")
            return 127
        reader = threading.Thread(target=self.pass_on, args=(program.stdout,), daemon=True)
        reader.start()
        while program.poll() is None:
            with suppress(OSError):  # its tools may have taken the folders away
                self.look()
            reader.join(LOOKS)
            if not reader.is_alive():
                program.wait()
        reader.join(5)  # what it started may hold the pipe open
        return program.returncode if program.returncode >= 0 else 128 - program.returncode

    def pass_on(self, lines: IO[bytes] | None) -> None:
        for line in lines or ():
            stream = sys.stdout if line.startswith(b"{") else sys.stderr
            with self.lock:
                stream.buffer.write(line)
                stream.flush()

    def look(self) -> None:
        """Tell the name of a new session, and what each answer of the model took."""
        new = sorted(one.name for one in self.conversations.iterdir() if one.name not in self.known)
        if not self.session and new:
            self.session = new[0]
            self.tell(kind="factory.session", session=self.session)
        for file in sorted(self.calls.iterdir()):
            self.count(file)

    def count(self, file: Path) -> None:
        if (told := _read(file)) is None:
            return  # it is being written
        file.unlink()
        answer = told.get("response")
        if isinstance(answer, dict):
            self.tell(kind="factory.usage", model=answer.get("model"), usage=answer.get("usage"))

    def status(self) -> Any:
        return (_read(self.conversations / self.session / "base_state.json") or {}).get("execution_status")

    def tell(self, **told: object) -> None:
        with self.lock:
            sys.stdout.write(f"{json.dumps(told)}\n")
            sys.stdout.flush()


def _read(file: Path) -> dict[str, Any] | None:
    """Return what a file holds; None when that is not to be read: tools may write there too."""
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > LONGEST:
            return None
        told = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


if __name__ == "__main__":
    os.umask(0o077)
    signal.signal(signal.SIGINT, lambda *_: None)  # the program gets it too, and ends by it
    sys.exit(Keeper(Path(os.environ["HOME"])).keep(sys.argv[1], sys.argv[2], sys.argv[3:]))
