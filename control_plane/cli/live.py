"""An agent's steps on stdout, one line each; everything else through a Progress, on stderr."""

import json
import os
import sys
from datetime import datetime
from typing import TextIO

from control_plane.cli.progress import Progress
from control_plane.desk import Reads
from control_plane.runs.steps import STEP, Step, Steps, spent_words, step_line
from domain.execution import Event


class LiveView:
    """show() gets every event of a ticket, look() is called now and then, close() at the end."""

    def __init__(self, factory: Reads, progress: Progress, *, as_json: bool) -> None:
        self._factory = factory
        self._steps = Steps(factory)
        self._progress = progress
        self._as_json = as_json
        self._out: TextIO | None = progress.stdout
        self._newest: Step | None = None  #: that told what its run used, or how long it has left
        self._told_at: datetime | None = None

    def show(self, event: Event) -> None:
        if event.name != STEP:
            self._progress.show(event)
            return
        step = self._steps.document(event)
        if self._newest and self._newest["run_id"] != step["run_id"]:
            self.close()
        if step["usage"] or step["seconds_left"] is not None:
            before = self._newest or {}
            self._newest = {**step, "usage": step["usage"] or before.get("usage")}
        if self._as_json:
            self._write(json.dumps(step))
        elif step["kind"] != "usage":
            self._write(step_line(step))

    def look(self) -> None:
        """Bring the last line on a terminal up to date."""
        now = self._factory.now()
        if self._newest and (self._told_at is None or (now - self._told_at).total_seconds() >= 1):
            self._told_at = now
            self._progress.caption(f"{self._newest['run_id']} {spent_words(self._newest, now)}")

    def close(self) -> None:
        """Tell what the newest run used."""
        if self._newest and self._newest["usage"] and not self._as_json:
            words = spent_words({**self._newest, "seconds_left": None}, self._factory.now())
            self._write(f"{self._newest['run_id']} used {words}")
        self._newest = None

    def _write(self, line: str) -> None:
        if self._out is None:
            return
        if self._progress.draws and self._out.isatty():
            self._progress.tell(line)
            return
        try:
            self._out.write(f"{line}\n")
            self._out.flush()
        except BrokenPipeError:
            self._out = None  # nobody reads any more; the work goes on
            if sys.__stdout__ is not None:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
