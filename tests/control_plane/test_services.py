"""Services as real child processes: started, restarted within bounds, stopped as whole trees, reaped after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from control_plane.services import keeper as keeping
from control_plane.services.home_lock import HomeLock
from control_plane.services.keeper import Keeper
from control_plane.services.plan import (
    Service,
    accepts,
    code_server,
    daemon,
    environment_of,
    front_door,
    prepare_dagster_home,
    socket_path,
)
from control_plane.services.processes import descendants, find, start
from control_plane.services.registry import Registry
from control_plane.services.up import choose_port
from domain.errors import ServiceFailed
from resources.settings import Settings, load_settings, prepare_home

#: a service with a grandchild in a session of its own, as run workers and harnesses are
TREE = (
    "import os, subprocess, sys, time, pathlib\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session={new})\n"
    "pathlib.Path(sys.argv[1]).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
    "time.sleep(600)\n"
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("FACTORY_HOME", raising=False)
    found = load_settings(tmp_path / "home")
    prepare_home(found)
    found.dagster_dir.mkdir()
    return found


def service(tmp_path: Path, code: str, name: str = "toy") -> Service:
    pids = tmp_path / f"{name}.pids"
    return Service(
        name=name,
        argv=(sys.executable, "-c", code, str(pids)),
        log=tmp_path / f"{name}.log",
        ready=pids.exists,
        prepare=lambda: pids.unlink(missing_ok=True),
    )


def pids_of(tmp_path: Path, name: str = "toy") -> list[int]:
    return [int(word) for word in (tmp_path / f"{name}.pids").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(condition, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("new_session", [True, False])
def test_stop_leaves_nothing_of_a_tree(settings, tmp_path, new_session):
    keeper = Keeper(settings, [service(tmp_path, TREE.format(new=new_session))], lambda _: None)
    keeper.start()
    pids = pids_of(tmp_path)
    assert all(alive(pid) for pid in pids)
    assert not keeper.idle()
    keeper.stop()
    assert not any(alive(pid) for pid in pids)
    assert not (settings.home / "services.pids").exists()


def test_a_service_that_dies_is_started_again_and_leaves_no_orphan(settings, tmp_path):
    told: list[str] = []
    keeper = Keeper(settings, [service(tmp_path, TREE.format(new=False))], told.append)
    keeper.start()
    first, orphan = pids_of(tmp_path)
    os.kill(first, signal.SIGKILL)
    try:
        assert eventually(
            lambda: (keeper.check(), (tmp_path / "toy.pids").exists() and pids_of(tmp_path)[0] != first)[1]
        )
        assert not alive(orphan)
        assert "toy died (exit -9); starting it again" in told
    finally:
        keeper.stop()


def test_a_service_that_keeps_dying_ends_it_with_the_end_of_its_log(settings, tmp_path):
    code = "import pathlib, sys\npathlib.Path(sys.argv[1]).touch()\nprint('no luck')\nsys.exit(7)"
    keeper = Keeper(settings, [service(tmp_path, code)], lambda _: None)
    try:
        with pytest.raises(ServiceFailed) as caught:
            keeper.start()
            eventually(keeper.check)
        assert "no luck" in caught.value.message
        assert caught.value.details["service"] == "toy"
    finally:
        keeper.stop()


def test_a_service_that_is_never_ready_is_told(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "READY_LIMIT", 0.3)
    keeper = Keeper(settings, [service(tmp_path, "import time; time.sleep(60)")], lambda _: None)
    try:
        with pytest.raises(ServiceFailed, match="was not ready"):
            keeper.start()
    finally:
        keeper.stop()


def test_retiring_one_service_leaves_the_other(settings, tmp_path):
    both = [service(tmp_path, TREE.format(new=False), name) for name in ("one", "two")]
    keeper = Keeper(settings, both, lambda _: None)
    keeper.start()
    try:
        keeper.retire("two")
        keeper.check()
        assert not any(alive(pid) for pid in pids_of(tmp_path, "two"))
        assert all(alive(pid) for pid in pids_of(tmp_path, "one"))
    finally:
        keeper.stop()


OWNER = """
import sys, time
from pathlib import Path
from control_plane.services.processes import start
from control_plane.services.registry import Registry
folder = Path(sys.argv[1])
process = start([sys.executable, "-c", sys.argv[2], str(folder / "toy.pids")], environment={}, cwd=folder, log=folder / "log")
Registry(folder).record([process.pid])
time.sleep(600)
"""


def test_a_killed_owner_takes_its_children_along_and_the_next_one_reaps_the_rest(tmp_path):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path), TREE.format(new=False)])
    assert eventually(lambda: (tmp_path / "toy.pids").exists() and len(pids_of(tmp_path)) == 2)
    child, grandchild = pids_of(tmp_path)
    owner.kill()
    owner.wait()
    if sys.platform == "linux":
        assert eventually(lambda: not alive(child))
    assert alive(grandchild)
    Registry(tmp_path).reap()
    assert not alive(child)
    assert not alive(grandchild)
    assert Registry(tmp_path).reap() == []


def test_a_reused_id_is_never_taken_for_a_service(tmp_path):
    (tmp_path / "services.pids").write_text(json.dumps([{"pid": os.getpid(), "created": 1.0}]))
    assert find(os.getpid(), 1.0) is None
    assert find(os.getpid(), psutil.Process().create_time()) is not None


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"pid": "x"}]'])
def test_a_spoiled_pid_file_reaps_nothing(tmp_path, content):
    (tmp_path / "services.pids").write_text(content)
    assert Registry(tmp_path).reap() == []


def test_children_start_with_default_signals_even_below_one_that_ignores_them(tmp_path):
    code = "import signal, sys; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start([sys.executable, "-c", code], environment={}, cwd=tmp_path, log=tmp_path / "log")
        assert process.wait(10) == 0
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "log").read_text().strip() == "True"


def test_descendants_leave_the_roots_out():
    assert os.getpid() not in {process.pid for process in descendants([os.getpid()])}


def test_a_home_has_one_owner_who_is_named(tmp_path):
    mine, other = HomeLock(tmp_path), HomeLock(tmp_path)
    mine.require("factory up")
    assert not other.take("factory run T-1")
    with pytest.raises(ServiceFailed, match=rf"`factory up` \(process {os.getpid()}\) already runs"):
        other.require("factory up")
    mine.release()
    other.require("factory run T-1")
    other.release()


def test_the_environment_names_the_homes_and_turns_bytecode_on(settings, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPATH", "/evil")
    told = environment_of(settings)
    assert told["FACTORY_HOME"] == str(settings.home)
    assert told["DAGSTER_HOME"] == str(settings.dagster_dir)
    assert told["DAGSTER_DISABLE_TELEMETRY"] == "1"
    assert {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"} & set(told) == set()


def test_the_dagster_home_gets_its_configuration_and_workspace(settings, tmp_path):
    workspace = prepare_dagster_home(settings)
    assert "run_coordinator" in (settings.dagster_dir / "dagster.yaml").read_text()
    assert str(socket_path(settings)) in workspace.read_text()
    own = settings.model_copy(update={"workspace": tmp_path / "mine.yaml"})
    assert prepare_dagster_home(own) == tmp_path / "mine.yaml"


def test_the_socket_is_short_and_private(settings):
    path = socket_path(settings)
    assert len(str(path)) < 100
    assert path.parent.stat().st_mode & 0o077 == 0
    path.parent.chmod(0o755)
    with pytest.raises(ServiceFailed, match="not a private folder"):
        socket_path(settings)
    path.parent.chmod(0o700)
    assert not accepts(str(path))
    assert str(path) in code_server(settings).argv


def test_a_taken_port_is_refused_and_a_missing_one_chosen():
    import socket  # noqa: PLC0415

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServiceFailed, match="--port"):
            choose_port(taken.getsockname()[1])
    assert choose_port(None) > 0


def test_each_service_gets_its_own_secrets_and_no_others(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code server signs in to the forge, the web process checks webhooks, the daemon needs nothing."""
    for name in ("GITHUB_TOKEN", "GITHUB_APP_KEY", "WEBHOOK_CALC", "MODEL_KEY"):
        monkeypatch.setenv(f"FACTORY_SECRET_{name}", "x")
    workspace = settings.home / "workspace.yaml"
    services = [code_server(settings), front_door(settings, workspace, 1), daemon(settings, workspace, lambda: True)]
    held = [environment_of(settings, secrets=one.holds_secrets, holds=one.holds) for one in services]
    names = [{key.removeprefix("FACTORY_SECRET_") for key in one if key.startswith("FACTORY_SECRET_")} for one in held]
    assert names == [{"GITHUB_TOKEN", "GITHUB_APP_KEY"}, {"WEBHOOK_CALC"}, set()]
