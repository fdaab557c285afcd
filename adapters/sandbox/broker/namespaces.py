"""Looking into a running container from outside: its network namespace and its cgroup."""

import asyncio
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from adapters.sandbox.broker.wire import Refusal

CATCH_SECONDS: Final = 20.0
PORT: Final = 3129  #: where the relay inside takes connections that went to a bare address
#: Every address is our own, so that the relay inside can take, and have recorded, what no name was asked for.
CATCHING: Final = f"""set -e
ip link set lo up
ip route replace local 0.0.0.0/0 dev lo
for protocol in tcp udp; do
  iptables -w -t nat -C OUTPUT -p $protocol ! -d 127.0.0.0/8 -j REDIRECT --to-ports {PORT} 2>/dev/null ||
    iptables -w -t nat -A OUTPUT -p $protocol ! -d 127.0.0.0/8 -j REDIRECT --to-ports {PORT}
done
[ -e /proc/sys/net/ipv6 ] || exit 0
echo 0 > /proc/sys/net/ipv6/conf/lo/disable_ipv6
ip -6 route replace local ::/0 dev lo
for protocol in tcp udp; do
  ip6tables -w -t nat -C OUTPUT -p $protocol ! -d ::1/128 -j REDIRECT --to-ports {PORT} 2>/dev/null ||
    ip6tables -w -t nat -A OUTPUT -p $protocol ! -d ::1/128 -j REDIRECT --to-ports {PORT}
done
"""
CGROUPS: Final = Path("/sys/fs/cgroup")


@contextmanager
def own_network(pid: int) -> Iterator[int]:
    """Yield an open network namespace of a process.

    Raises:
        Refusal: 409, the process has gone or has this machine's own network.
    """
    try:
        namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Refusal(409, "the container does not run") from error
    try:
        if os.fstat(namespace).st_ino in set(_our_networks()):
            raise Refusal(409, "the container has no network of its own")
        yield namespace
    finally:
        os.close(namespace)


def _our_networks() -> Iterator[int]:
    for whose in ("self", "1"):
        with suppress(PermissionError):  # some machines hide their first process even from root
            yield Path(f"/proc/{whose}/ns/net").stat().st_ino


async def catch(namespace: int) -> tuple[bool, str]:
    """Redirect what is sent to any address in an open network namespace to the relay inside.

    Returns whether it worked, and the last words when it did not. Repeating it is harmless.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            "nsenter", f"--net=/proc/self/fd/{namespace}", "--", "sh", "-c", CATCHING,
            pass_fds=(namespace,), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, words = await asyncio.wait_for(process.communicate(), CATCH_SECONDS)
    except (OSError, TimeoutError) as error:
        return False, str(error)
    return process.returncode == 0, words.decode(errors="replace").strip()[-300:]


def usage(pid: int, container: str) -> dict[str, float | int | bool | None]:
    """Return what a container's cgroup says; None for what cannot be told.

    A process that has just died is back in the first group of all, whose numbers are the machine's.
    """
    listed = _cgroups(Path(f"/proc/{pid}/cgroup"))
    places = {name: path for name, path in listed.items() if container in path}
    if set(places) == {""}:
        return _unified(CGROUPS / places[""])
    return _split(places)


def _cgroups(listing: Path) -> dict[str, str]:
    """Return the cgroup path of each controller; of the unified hierarchy under an empty name."""
    try:
        lines = listing.read_text().splitlines()
    except OSError:
        return {}
    parts = [line.split(":", 2) for line in lines]
    return {name: path.lstrip("/") for _, names, path in parts for name in names.split(",")}


def _unified(place: Path) -> dict[str, float | int | bool | None]:
    microseconds = _number(place / "cpu.stat", r"usage_usec (\d+)")
    killed = _number(place / "memory.events", r"oom_kill (\d+)")
    return {
        "cpu_seconds": None if microseconds is None else microseconds / 1e6,
        "memory_bytes": _number(place / "memory.current"),
        "out_of_memory": None if killed is None else killed > 0,
    }


def _split(places: Mapping[str, str]) -> dict[str, float | int | bool | None]:
    memory = CGROUPS / "memory" / places.get("memory", "none")
    nanoseconds = _number(CGROUPS / "cpuacct" / places.get("cpuacct", "none") / "cpuacct.usage")
    killed = _number(memory / "memory.oom_control", r"oom_kill (\d+)")
    return {
        "cpu_seconds": None if nanoseconds is None else nanoseconds / 1e9,
        "memory_bytes": _number(memory / "memory.usage_in_bytes"),
        "out_of_memory": None if killed is None else killed > 0,
    }


def _number(file: Path, pattern: str = r"(\d+)") -> int | None:
    try:
        found = re.search(pattern, file.read_text())
    except OSError:
        return None
    return int(found[1]) if found else None
