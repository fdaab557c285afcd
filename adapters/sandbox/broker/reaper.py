"""What nobody removes: run workers that have exited, and sandboxes whose owners are long gone."""

import asyncio
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from adapters.sandbox.broker.config import DEADLINE_LABEL, Role
from adapters.sandbox.broker.containers import Containers
from adapters.sandbox.broker.documents import Document
from adapters.sandbox.broker.engine import EngineAway
from adapters.sandbox.broker.shapes import label

OVERDUE_SECONDS: Final = 60.0
LOG_BYTES: Final = 1024 * 1024
LOG_LINES: Final = 2000
LOGS_KEPT: Final = 500
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reaper:
    containers: Containers

    async def run(self) -> None:
        """Sweep until cancelled; an engine that is away is asked again later."""
        while True:
            try:
                await self.sweep(time.time())
            except (EngineAway, OSError) as error:
                log.warning("the sweep waits", reason=str(error))
            await asyncio.sleep(self.containers.config.sweep_seconds)

    async def sweep(self, now: float) -> None:
        """Keep the last words of exited run workers and remove what is due at `now` (Unix seconds)."""
        for one in await self.containers.listed(Role.LAUNCHER):
            await self._rouse(one)
            if one["State"] in ("exited", "dead"):
                await self._bury(one["Id"], now)
            elif one["State"] == "created" and now > float(one["Created"]) + OVERDUE_SECONDS:
                await self.containers.remove(one["Id"])
        for one in await self.containers.listed(Role.SANDBOX):
            await self._rouse(one)
            if now > _deadline(one) + OVERDUE_SECONDS:  # in any state: what ends a command inside can be stopped
                log.info("removing an overdue sandbox", container=one["Id"])
                await self.containers.remove(one["Id"])

    async def _rouse(self, one: Document) -> None:
        """Have the engine look again at a container that it believes to run though its process is gone.

        It misses the end of what ends while its containerd is away. To a living one the signal would do no harm.
        """
        if one["State"] != "running":
            return
        status, found = await self.containers.engine.read("GET", f"/containers/{one['Id']}/json")
        pid = int(found["State"]["Pid"]) if status == 200 else 0
        if pid and not Path("/proc", str(pid)).exists():
            log.warning("the engine missed the end of a container", container=one["Id"])
            await self.containers.engine.read("POST", f"/containers/{one['Id']}/kill?signal=CONT")

    async def _bury(self, identity: str, now: float) -> None:
        status, found = await self.containers.engine.read("GET", f"/containers/{identity}/json")
        if status != 200 or found["State"]["Running"]:
            return
        file = self.containers.config.logs / f"{_log_name(found)}.log"
        if not file.exists():
            await self._keep_words(identity, file)
        if now > _instant(found["State"]["FinishedAt"]) + self.containers.config.grace_seconds:
            await self.containers.remove(identity)

    async def _keep_words(self, identity: str, file: Path) -> None:
        target = f"/containers/{identity}/logs?stdout=1&stderr=1&tail={LOG_LINES}"
        async with self.containers.engine.ask("GET", target) as reply:
            content = await reply.content(LOG_BYTES)
        await asyncio.to_thread(_write, file, b"".join(unframed(content)))


def _deadline(found: Document) -> float:
    told = label(found["Labels"], DEADLINE_LABEL)
    return float(told) if re.fullmatch(r"[0-9]{1,12}", told) else float(found["Created"])


def _log_name(found: Document) -> str:
    run = label(found["Config"]["Labels"], "dagster/run_id")
    return run if re.fullmatch(r"[A-Za-z0-9-]{1,64}", run) else found["Id"][:64]


def _instant(text: str) -> float:
    """Read an engine's time, which has nanoseconds."""
    return datetime.fromisoformat(re.sub(r"(\.[0-9]{1,6})[0-9]*", r"\1", text)).timestamp()


def unframed(content: bytes) -> Iterator[bytes]:
    """Yield the payloads of an engine's multiplexed stream; the last may be cut short."""
    position = 0
    while position + 8 <= len(content):
        length = int.from_bytes(content[position + 4 : position + 8])
        yield content[position + 8 : position + 8 + length]
        position += 8 + length


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(file)
    kept = sorted(file.parent.glob("*.log"), key=os.path.getmtime, reverse=True)
    for old in kept[LOGS_KEPT:]:
        old.unlink(missing_ok=True)
