"""Plays a harness' command as a plain process: enough for harness tests, which must not depend on a sandbox."""

import os
import subprocess
import time
from pathlib import Path

from adapters.harness.contract import Harness
from domain.harness import Brief, HarnessEvent, HarnessOutcome
from domain.sandbox import Exit, OutputLine


def play(harness: Harness, brief: Brief, folder: Path) -> tuple[list[HarnessEvent], HarnessOutcome]:
    command = harness.command(brief)
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder)} | command.environment
    began = time.monotonic()
    ended = subprocess.run(
        command.argv,
        input=(command.stdin or "").encode(),
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    session = harness.open(brief)
    events: list[HarnessEvent] = []
    for stream, content in (("stderr", ended.stderr), ("stdout", ended.stdout)):
        for line in content.decode(errors="replace").splitlines():
            events += session.read(OutputLine(stream=stream, text=line))
    code = ended.returncode
    seconds = time.monotonic() - began
    return events, session.finish(
        Exit(code=code if code >= 0 else None, signal=-code if code < 0 else None, seconds=seconds)
    )
