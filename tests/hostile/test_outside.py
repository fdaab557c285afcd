"""What is planted and watched outside: everything that changes is seen, and everything is taken away again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from control_plane.sandboxes.hostile import observing
from control_plane.sandboxes.hostile.driving import Heard
from control_plane.sandboxes.hostile.listening import Listener
from control_plane.sandboxes.hostile.observing import Watch, end, gone, left_of, processes_of
from control_plane.sandboxes.hostile.planting import PREFIX, Plants, planted
from domain.sandbox import OutputLine

SLEEPING = "import time\nprint(flush=True)\ntime.sleep(60)"


@pytest.fixture
def plants(tmp_path: Path) -> Iterator[Plants]:
    with planted(tmp_path) as plants:
        yield plants


def test_nothing_stays_of_what_was_planted(tmp_path: Path) -> None:
    with planted(tmp_path) as plants:
        files, folder, pid = plants.files, plants.folder, plants.process.pid
        assert all(path.read_text() == plants.secret for path in files)
        assert os.environ["HOSTILE_CANARY"] == plants.secret
        assert {tmp_path, Path.home(), folder} <= {path.parent for path in files}
    assert [path for path in (*files, folder) if path.exists()] == []
    assert not psutil.pid_exists(pid)
    assert "HOSTILE_CANARY" not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_a_program_is_never_told_the_secret(plants: Plants) -> None:
    assert plants.secret.startswith(PREFIX)
    assert plants.secret not in repr(plants.told())


def test_a_quiet_host_is_undisturbed(plants: Plants) -> None:
    watch = Watch(plants)
    assert watch.disturbed() == ()
    assert watch.disturbed() == ()


def reach(plants: Plants, kind: str) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("\0" + plants.abstract.name if kind == "abstract" else plants.unix.name)


HARMS = {
    "was changed": lambda plants: plants.files[0].write_text("changed"),
    "canary": lambda plants: plants.files[0].chmod(0o600),
    "hostile-canary": lambda plants: plants.files[0].unlink(),
    PREFIX: lambda plants: plants.files[0].with_name(plants.files[0].name + ".new").touch(),
    "tool was changed": lambda plants: (plants.environment / "tool").write_text("x"),
    ".img was changed": lambda plants: plants.environment.with_name(plants.environment.name + ".img").write_text("x"),
    "TCP listener": lambda plants: socket.create_connection(("127.0.0.1", plants.tcp[0].port)).close(),
    "abstract socket was reached": lambda plants: reach(plants, "abstract"),
    "a Unix socket was reached": lambda plants: reach(plants, "unix"),
    "fired appeared": lambda plants: (plants.fired / "fired").touch(),
    "process is dead": lambda plants: (plants.process.kill(), plants.process.wait(5)),
    "process is stopped": lambda plants: stopped(plants.process),
}


def stopped(process: psutil.Process) -> None:
    process.send_signal(signal.SIGSTOP)
    while process.status() != psutil.STATUS_STOPPED:
        pass


@pytest.mark.parametrize("words", HARMS)
def test_every_harm_is_seen(plants: Plants, words: str) -> None:
    plants.environment.mkdir()
    for path in (plants.environment / "tool", plants.environment.with_name(plants.environment.name + ".img")):
        path.write_text("tool")
    watch = Watch(plants)
    HARMS[words](plants)
    assert any(words in one for one in watch.disturbed())


def test_a_datagram_is_seen(plants: Plants) -> None:
    watch = Watch(plants)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", plants.udp[0].port))
    assert watch.disturbed() == ("a UDP listener on 127.0.0.1 was reached",)


def test_a_set_clock_and_a_changed_setting_are_seen(plants: Plants, tmp_path: Path, monkeypatch) -> None:
    setting = tmp_path / "core_pattern"
    setting.write_text("core")
    monkeypatch.setattr(observing, "SETTINGS", (setting,))
    watch, clock = Watch(plants), observing._clock()
    setting.write_text("|/tmp/x")
    monkeypatch.setattr(observing, "_clock", lambda: clock + 60)
    assert set(watch.disturbed()) == {f"{setting} was changed", "the clock was set"}


def test_harm_is_told_once_and_made_good(plants: Plants) -> None:
    watch = Watch(plants)
    plants.files[0].unlink()
    (plants.fired / "fired").touch()
    assert len(watch.disturbed()) == 2
    assert watch.disturbed() == ()
    assert plants.files[0].read_text() == plants.secret


def test_processes_are_found_by_their_words_and_ended() -> None:
    token = "hostile-token-of-a-test"
    with subprocess.Popen([sys.executable, "-c", SLEEPING, token], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert processes_of(token) == [process.pid]
        assert not gone(token, patience=0)
        assert left_of(token)[0] == f"process {process.pid}"
        end(token)
        assert gone(token, patience=5)
    assert left_of(token, lambda name: [f"container of {name}"]) == (f"container of {token}",)


def test_sockets_and_control_groups_are_found_by_name(tmp_path: Path, monkeypatch) -> None:
    token = "hostile-left-here"
    monkeypatch.setattr(observing, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(observing, "LEFT_PATIENCE", 0)
    (tmp_path / "pids" / f"{token}.x").mkdir(parents=True)
    with Listener.unix(str(tmp_path / f"{token}.sock")):
        found = left_of(token)
    assert [one.split()[0] for one in found] == ["socket", "control"]


@pytest.mark.parametrize(
    "line",
    [
        "HOSTILE {", 'HOSTILE {"tried": 1, "got": {}, "facts": {}}', 'HOSTILE {"tried": {}}', "HOSTILE {]",
        'HOSTILE {"tried": ' + "[" * 100_000,
    ],
)  # fmt: skip
def test_a_forged_line_is_no_evidence(line: str) -> None:
    heard = Heard("secret")
    heard.take(OutputLine(stream="stdout", text=line))
    assert heard.evidence is None


def test_what_is_heard_is_bounded_and_searched() -> None:
    heard = Heard("the secret")
    for _ in range(1000):
        heard.take(OutputLine(stream="stderr", text="x" * 10_000))
    assert len(heard.words) <= 500
    assert not heard.leaked
    heard.take(OutputLine(stream="stderr", text="..the secret.."))
    assert heard.leaked
