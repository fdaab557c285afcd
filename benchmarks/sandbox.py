"""One cycle of each sandbox (make, run, collect, remove), and the same with a clone of a large repository.

The Docker sandbox against bare `docker create`, `start`, `exec`, `rm` with the same flags, in turn and in one run;
at most 1.3 times is the aim. The bubblewrap sandbox against a bare `bwrap` with the same walls.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from adapters.sandbox.bubblewrap import BubblewrapSandbox
from adapters.sandbox.contract import Sandbox
from adapters.sandbox.disk import make_disk, remove_disk
from adapters.sandbox.rooted import RootedSandbox
from domain.harness import Command
from domain.sandbox import Exit, SandboxSpec
from tests.support.containers import IMAGE, BrokeredDocker, broker
from tests.support.repositories import ENV

AIM = 1.3
WORK = 'echo done > "$FACTORY_OUT/result"'
REPOSITORY_MB = 60
LIMITS = {"memory_bytes": 1024**3, "processes": 256, "cpus": 1.0, "disk_bytes": 512 * 1024**2, "disk_files": 50_000}


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def cycle(sandbox: Sandbox, mirror: tuple[str, str] | None = None) -> None:
    """What the factory does: make a sandbox, run one command, collect one file, remove it."""
    name = f"bench-{os.urandom(4).hex()}"
    told = {"id": name, "run_id": name, "mirror": None, "commit": None, **LIMITS}
    if mirror is not None:
        told |= {"mirror": mirror[0], "commit": mirror[1]}
    ref = sandbox.provision(SandboxSpec.model_validate(told))
    try:
        ended = list(sandbox.execute(ref, Command(argv=("sh", "-c", WORK))))[-1]
        assert isinstance(ended, Exit), ended
        assert ended.code == 0, ended
        assert sandbox.collect(ref, "result", limit=100) == b"done\n"
    finally:
        sandbox.teardown(ref)


class BareDocker:
    """The engine's own client, with the flags of our containers, on a folder of this machine."""

    def __init__(self, folder: Path, sandbox: BrokeredDocker) -> None:
        self._disk, self._flags = folder / "bare", same_flags(sandbox)

    def cycle(self, mirror: tuple[str, str] | None = None) -> None:
        subprocess.run(["rm", "-rf", str(self._disk)], check=True)
        for name in ("work", "home", "out", "tmp"):
            (self._disk / name).mkdir(parents=True)
            os.chown(self._disk / name, 10001, 10001)
        binds = ["-v", f"{self._disk}:/sandbox"] + (["-v", f"{mirror[0]}:/run/mirror.git:ro"] if mirror else [])
        told = ["-e", "FACTORY_OUT=/sandbox/out", "-e", "HOME=/sandbox/home", "-w", "/sandbox/work"]
        container = docker("create", *self._flags, *binds, *told, IMAGE, "sleep", "infinity")
        docker("start", container)
        if mirror is not None:
            clone = "git config --global safe.directory '*'; git init -q . && git fetch -q --no-tags /run/mirror.git"
            docker(
                "exec", container, "sh", "-c", f"{clone} 'refs/heads/*:refs/mirror/*' && git checkout -q {mirror[1]}"
            )
        docker("exec", container, "sh", "-c", WORK)
        assert (self._disk / "out" / "result").read_text() == "done\n"
        docker("rm", "-f", container)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def same_flags(sandbox: BrokeredDocker) -> list[str]:
    """Read the flags off a container of ours, so that both sides have the same."""
    ref = sandbox.provision(
        SandboxSpec.model_validate({"id": "bench-flags", "run_id": "b", "mirror": None, "commit": None, **LIMITS})
    )
    running = sandbox.begin(ref, Command(argv=("sleep", "30")))
    host = json.loads(docker("inspect", running.container))[0]["HostConfig"]
    running.close()
    sandbox.teardown(ref)
    profile = next(one for one in host["SecurityOpt"] if one.startswith("seccomp="))
    file = Path(tempfile.gettempdir()) / "factory-bench-seccomp.json"
    file.write_text(profile.removeprefix("seccomp="))
    limits = [word for one in host["Ulimits"] for word in ("--ulimit", f"{one['Name']}={one['Soft']}:{one['Hard']}")]
    return [
        "--init", "--user", "10001:10001", "--read-only", "--network", "none", "--dns", "127.0.0.1", "--ipc", "private",
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt", f"seccomp={file}",
        "--pids-limit", str(host["PidsLimit"]),
        "--memory", str(host["Memory"]), "--memory-swap", str(host["MemorySwap"]),
        "--cpus", str(host["NanoCpus"] / 1e9), *limits, "--log-driver", "none",
        "--tmpfs", "/tmp:" + host["Tmpfs"]["/tmp"],
    ]  # fmt: skip


def bare_bwrap(folder: Path) -> None:
    """A disk, a bwrap with the same walls as another user, and a look at the result."""
    disk = make_disk(folder, size=LIMITS["disk_bytes"], files=LIMITS["disk_files"], owner=10001)
    walls = [
        "--unshare-all",
        "--unshare-user",
        "--disable-userns",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
    ]
    system = ["--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"]
    system += ["--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    own = ["--bind", str(disk), "/sandbox", "--chdir", "/sandbox/work", "--setenv", "FACTORY_OUT", "/sandbox/out"]
    user = ["setpriv", "--reuid", "10001", "--regid", "10001", "--clear-groups", "--no-new-privs"]
    subprocess.run([*user, "bwrap", *walls, *system, *own, "sh", "-c", WORK], check=True, capture_output=True)
    assert (disk / "out" / "result").read_text() == "done\n"
    remove_disk(folder)


def large_repository(folder: Path) -> tuple[str, str]:
    """Make a bare repository whose pack is about 60 MB, and return it with its commit."""
    tree = folder / "large"
    tree.mkdir()
    for number in range(REPOSITORY_MB):
        (tree / f"part{number}.bin").write_bytes(os.urandom(1024**2))
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "large"]):
        subprocess.run(["git", *words], cwd=tree, check=True, env=ENV)
    mirror = folder / "large.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(tree), str(mirror)], check=True, env=ENV)
    subprocess.run(["chmod", "-R", "a+rX", str(mirror)], check=True)
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=mirror, env=ENV, text=True).strip()
    return str(mirror), commit


def compare(what: str, rounds: int, ours: Callable[[], object], bare: Callable[[], object]) -> float:
    """Run both in turn, print medians and their ratio."""
    mine: list[float] = []
    least: list[float] = []
    ours(), bare()  # once each unmeasured
    for _ in range(rounds):
        least.append(timed(bare))
        mine.append(timed(ours))
    ratio = statistics.median(mine) / statistics.median(least)
    print(f"{what}: ours {statistics.median(mine):.0f} ms, bare {statistics.median(least):.0f} ms, ratio {ratio:.2f}")
    return ratio


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=11)
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        large = large_repository(folder)
        wrapped: RootedSandbox = BubblewrapSandbox(folder / "sandboxes")
        bare_folder = folder / "bare-bwrap"
        bare_folder.mkdir()
        print(f"medians of {told.rounds} interleaved rounds")
        compare("bubblewrap cycle", told.rounds, lambda: cycle(wrapped), lambda: bare_bwrap(bare_folder))
        print(f"bubblewrap cycle with a clone of {REPOSITORY_MB} MB: {timed(lambda: cycle(wrapped, large)):.0f} ms")
        stack.enter_context(broker(folder))
        docked = BrokeredDocker(folder / "sandboxes")
        bare = BareDocker(folder, docked)
        ratio = compare("docker cycle", told.rounds, lambda: cycle(docked), bare.cycle)
        clone = f"docker cycle with a clone of {REPOSITORY_MB} MB"
        compare(clone, max(3, told.rounds // 3), lambda: cycle(docked, large), lambda: bare.cycle(large))
        print(f"aim for the docker cycle: at most {AIM}: {'kept' if ratio <= AIM else 'MISSED'}")


if __name__ == "__main__":
    main()
