"""The relay: a command started through it is the command itself, and no more than its door was added."""

import ast
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.egress import relay
from tests.adapters.egress.outside import HUNG

SOURCE = Path(relay.__file__)


def test_it_needs_nothing_but_the_standard_library_of_python_3_9():
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 9))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [one.name for one in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None) or ""]
        )
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names


def test_the_command_keeps_its_process_id_exit_code_and_output(inside):
    done = inside.run("echo out; echo err >&2; ps -o ppid= -p $$; exit 7")
    assert (done.returncode, done.stderr) == (7, "err\n")
    assert done.stdout.split() == ["out", "1"]  # a child of whoever started the relay: it took the relay's place


def test_signals_do_what_they_do_without_a_relay(inside):
    ours = int(Path("/proc/self/status").read_text().partition("SigIgn:")[2].split()[0], 16)
    pythons_own = sum(1 << number - 1 for number in (signal.SIGPIPE, signal.SIGXFSZ))
    done = inside.run("grep SigIgn /proc/self/status; yes | head -1; kill -TERM $$")
    assert done.stdout.split() == ["SigIgn:", f"{ours & ~pythons_own:016x}", "y"]
    assert done.returncode == 128 + 15


def test_the_command_sees_the_environment_it_was_given(inside):
    seen = dict(line.partition("=")[::2] for line in inside.run("env").stdout.splitlines())
    assert seen["https_proxy"] == "http://127.0.0.1:3128"
    assert seen["SSL_CERT_FILE"] == "/run/egress/ca.pem"
    assert {"LC_CTYPE", "LC_ALL", "PYTHONCOERCECLOCALE"}.isdisjoint(seen)


def test_the_relay_is_no_child_of_the_command_and_holds_none_of_its_files(inside):
    looked = inside.run(
        "p=$(pgrep -f '^[^ ]+ -I'); echo $(ps -o ppid=,pgid=,sid= -p $p) $$; "
        "readlink /proc/$p/fd/* | grep -v socket; tr '\\0' ' ' < /proc/$p/cmdline",
        before="exec 9</etc/hostname",
    ).stdout.splitlines()
    (parent, group, session, command), files, words = looked[0].split(), looked[1:-1], looked[-1]
    assert parent == "1"
    assert group == session != command
    assert files[:3] == ["/dev/null"] * 3
    assert not [name for name in files if "pipe" in name or "hostname" in name]
    assert words.split()[1:5] == [
        "-I",
        "/run/egress/relay.py",
        "--carry",
        "egress.sock",
    ]  # what a `pkill -f` could match


def test_output_ends_with_the_command_though_the_relay_goes_on(inside):
    relay_again = "/usr/bin/python3 /run/egress/relay.py /run/egress/egress.sock -- echo done"
    done = inside.run("pgrep -c -f '^[^ ]+ -I'", before=f'out=$({relay_again} 2>&1); echo "$out"')  # waits for its end
    assert done.stdout.split() == ["done", "1"]


def test_a_second_command_of_a_sandbox_uses_the_relay_that_is_there(inside):
    again = "/usr/bin/python3 /run/egress/relay.py /run/egress/egress.sock -- curl -s -o /dev/null -w '%{http_code} '"
    done = inside.run(f"{again} https://files.test/echo; ss -lntH | grep -c 127.0.0.1:3128")
    assert done.stdout.split() == ["200", "1"]


def test_without_the_right_to_low_ports_the_proxy_still_works(inside):
    script = "curl -s -o /dev/null -w '%{http_code} ' https://files.test/echo; ss -lntH | grep -c -E ':(53|80|443) '"
    dropped = "setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service /usr/bin/python3"
    assert inside.run(script, python=dropped).stdout.split() == ["200", "0"]


def test_another_user_may_use_the_door(inside):
    dropped = "setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3"
    done = inside.run("id -u; curl -s -o /dev/null -w %{http_code} https://files.test/echo", python=dropped)
    assert done.stdout.split() == ["65534", "200"], done.stderr


def test_without_a_broker_a_client_is_told_so(inside):
    unopened = replace(inside, door=inside.door.model_copy(update={"id": f"{inside.door.id}-unopened"}))
    inside.doors.prepare(unopened.door.id)
    answer = unopened.run("curl -s -i http://files.test/").stdout
    assert answer.startswith("HTTP/1.1 503 ")
    assert "x-egress-refused: broker-unavailable" in answer


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 125, "usage"),
        (["x.sock", "--"], 125, "usage"),
        (["x.sock", "nothing", "ls"], 125, "usage"),
    ],
)
def test_wrong_words_are_refused(words, code, said):
    done = subprocess.run(
        ["/usr/bin/python3", str(SOURCE), *words], capture_output=True, text=True, check=False, timeout=HUNG
    )
    assert done.returncode == code
    assert said in done.stderr


def test_a_missing_command_and_a_missing_folder_are_told(inside):
    missing = inside.run("/usr/bin/python3 /run/egress/relay.py /run/egress/egress.sock -- /no/such/command")
    assert (missing.returncode, missing.stderr) == (127, "/no/such/command: No such file or directory\n")
    forbidden = inside.run("/usr/bin/python3 /run/egress/relay.py /run/egress/egress.sock -- /etc")
    assert forbidden.returncode == 126
    words = [
        "unshare",
        "--net",
        "sh",
        "-c",
        f"ip link set lo up; /usr/bin/python3 {SOURCE} /no/where/egress.sock -- echo ran",
    ]
    nowhere = subprocess.run(words, capture_output=True, text=True, check=False, timeout=HUNG)
    assert nowhere.returncode == 125
    assert "ran" not in nowhere.stdout


def test_a_python_of_3_9_can_run_it(inside):
    old = next(iter(sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))), None)
    if old is None:
        assert ast.parse(SOURCE.read_text(), feature_version=(3, 9))
        return
    assert inside.run("curl -s -o /dev/null -w %{http_code} https://files.test/echo", python=str(old)).stdout == "200"
