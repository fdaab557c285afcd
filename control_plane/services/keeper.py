"""Keep a set of services running: start in order, restart what dies within bounds, stop whole trees."""

import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence

import psutil

from control_plane.services.plan import Service, environment_of
from control_plane.services.processes import ask_to_stop, descendants, kill, start
from control_plane.services.registry import Registry
from domain.errors import ServiceFailed
from resources.settings import Settings

RESTARTS = 5
RESTART_WINDOW = 300.0  #: seconds in which at most RESTARTS are tried
READY_LIMIT = 120.0  #: seconds a service may take to be ready
STOP_PATIENCE = 6.0  #: seconds a service gets to stop by itself
LAST_LINES = 15
Tell = Callable[[str], None]


class Keeper:
    """Owns the processes of one home. Use it from the main thread, and always end with stop().

    `clear` removes what run workers leave when they are killed; it may use the services that carry runs.
    """

    def __init__(
        self, settings: Settings, services: Sequence[Service], tell: Tell, clear: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._services = list(services)
        self._tell = tell
        self._clear = clear
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._restarts: deque[float] = deque(maxlen=RESTARTS)
        self._registry = Registry(settings.home)

    def start(self) -> None:
        """Start every service once the one before is ready: two that meet a fresh Dagster home would both make
        its tables, and spoil them.

        Raises:
            ServiceFailed: one died or was not ready in time; the end of its log is in the message.
        """
        self._registry.reap()
        for service in self._services:
            began = time.monotonic()
            self._launch(service)
            self._wait_ready(service)
            self._tell(f"{service.name} is ready ({time.monotonic() - began:.1f} s)")

    def check(self) -> None:
        """Restart what died.

        Raises:
            ServiceFailed: too often.
        """
        for service in self._services:
            process = self._running[service.name]
            if process.poll() is None:
                continue
            now = time.monotonic()
            if len(self._restarts) == RESTARTS and now - self._restarts[0] < RESTART_WINDOW:
                raise self._failed(service, f"died {RESTARTS + 1} times in {RESTART_WINDOW:.0f} s")
            self._restarts.append(now)
            self._tell(f"{service.name} died (exit {process.returncode}); starting it again")
            kill(descendants([process.pid]))
            self._launch(service)

    def idle(self) -> bool:
        """Tell whether no run worker is alive below the services."""
        pids = [process.pid for process in self._running.values()]
        return not [one for one in descendants(pids) if _is_worker(one)]

    def retire(self, name: str) -> None:
        """Stop one service for good and leave the others as they are."""
        self._services = [service for service in self._services if service.name != name]
        process = self._running.pop(name, None)
        if process is not None and (root := psutil_of(process)) is not None:
            below = descendants([process.pid])
            ask_to_stop(root)
            psutil.wait_procs([root], timeout=STOP_PATIENCE)
            kill([root, *below])

    def stop(self) -> None:
        """End run workers first (recovery takes their tickets up again), then the services; nothing is left."""
        roots = {name: psutil_of(process) for name, process in self._running.items()}
        pids = [process.pid for process in self._running.values()]
        below = descendants(pids)
        carriers = {service.name for service in self._services if service.carries_runs}
        for name in reversed(roots):
            if (root := roots[name]) is not None and name not in carriers:
                ask_to_stop(root)
        kill(below)
        self._clear()
        for root in roots.values():
            if root is not None:
                ask_to_stop(root)
        alive = [root for root in roots.values() if root is not None]
        psutil.wait_procs(alive, timeout=STOP_PATIENCE)
        kill([*descendants(pids), *alive])
        for process in self._running.values():
            process.poll()
        self._running.clear()
        self._registry.clear()

    def _launch(self, service: Service) -> None:
        service.prepare()
        process = start(
            service.argv,
            environment=environment_of(self._settings, secrets=service.holds_secrets, holds=service.holds),
            cwd=self._settings.dagster_dir,
            log=service.log,
        )
        self._running[service.name] = process
        self._registry.record([one.pid for one in self._running.values()])

    def _wait_ready(self, service: Service) -> None:
        deadline = time.monotonic() + READY_LIMIT
        while not service.ready():
            if self._running[service.name].poll() is not None:
                raise self._failed(service, "stopped while it started")
            if time.monotonic() > deadline:
                raise self._failed(service, f"was not ready in {READY_LIMIT:.0f} s")
            time.sleep(0.1)

    def _failed(self, service: Service, what: str) -> ServiceFailed:
        lines = service.log.read_text(errors="replace").splitlines()[-LAST_LINES:] if service.log.exists() else []
        text = "\n".join([f"the {service.name} {what}; {service.log} ends with:", *(f"  {line}" for line in lines)])
        return ServiceFailed(text, log=str(service.log), service=service.name)


def psutil_of(process: subprocess.Popen[bytes]) -> psutil.Process | None:
    try:
        return psutil.Process(process.pid) if process.poll() is None else None
    except psutil.Error:
        return None


def _is_worker(process: psutil.Process) -> bool:
    """Tell a run worker from the helper processes that Python's multiprocessing keeps."""
    try:
        command = " ".join(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in command
    except psutil.Error:
        return False
