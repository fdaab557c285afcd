"""A command as the one program of a container, its streams on one attached socket."""

import contextlib
import socket
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from adapters.sandbox.engine import Engine
from adapters.sandbox.execution import signalled
from domain.errors import SandboxFailed

HEADER_BYTES = 8  #: stream, three zeros, length of what follows
STREAMS = {1: "stdout", 2: "stderr"}
OUTLET = "attached"


class Attached:
    """Runs from the moment it is made. The container is removed with it."""

    def __init__(self, engine: Engine, container: str, *, stdin: bool) -> None:
        self._engine, self.container = engine, container
        self._holder: Any = engine.attach(container, stdin=stdin)
        self._socket: socket.socket = self._holder._sock
        self._socket.settimeout(0)
        self._stdin = stdin
        self._pending = bytearray()
        self._at_end = self._closed = False
        self._killer: threading.Thread | None = None
        self.out_of_memory = False

    def outlets(self) -> Mapping[str, int]:
        return {OUTLET: self._socket.fileno()}

    def split(self, outlet: str, chunk: bytes) -> Iterable[tuple[str, bytes]]:  # noqa: ARG002 - there is one
        """Take the frames apart; a part of a frame waits for the rest."""
        self._at_end = self._at_end or not chunk
        self._pending += chunk
        found = []
        while len(self._pending) >= HEADER_BYTES:
            end = HEADER_BYTES + int.from_bytes(self._pending[4:HEADER_BYTES], "big")
            if len(self._pending) < end:
                break
            found.append((STREAMS.get(self._pending[0], "stdout"), bytes(self._pending[HEADER_BYTES:end])))
            del self._pending[:end]
        return found

    def inlet(self) -> int | None:
        return self._socket.fileno() if self._stdin else None

    def close_inlet(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def poll(self) -> int | None:
        """Its streams end with it, so the engine is asked only then."""
        if not self._at_end:
            return None
        state = self._engine.state(self.container)
        if state["Running"]:
            return None
        self.out_of_memory = bool(state["OOMKilled"])
        if state.get("Error"):
            raise SandboxFailed(f"the container did not run: {state['Error'][:500]}")
        return signalled(int(state["ExitCode"]))

    def kill(self) -> None:
        """Docker waits until the streams are drained before it answers, so whoever reads them must not wait for it."""
        if self._killer is None:
            self._killer = threading.Thread(target=self._order_kill, daemon=True)
            self._killer.start()

    def _order_kill(self) -> None:
        with contextlib.suppress(SandboxFailed):
            self._engine.kill(self.container)

    def close(self) -> None:
        """Let the streams go first: an engine that cannot write them on does not end the container."""
        if self._closed:
            return
        self._closed = True
        self._holder.close()
        self._socket.close()
        with contextlib.suppress(SandboxFailed):  # teardown removes what could not be removed now
            self._engine.remove(self.container)
