import os
import subprocess
from pathlib import Path

import pytest

from adapters.harness.starting import with_files


def start(argv: tuple[str, ...], home: Path, said: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return subprocess.run(argv, env=environment, input=said, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("text", ["", "{}", 'it\'s "$HOME" `id` \\n %s\n\nend\n', "é\t🙂", "-n", "x" * 50_000])
def test_a_file_holds_what_was_told(tmp_path, text) -> None:
    ended = start(
        with_files({".some/where else/it's.json": text}, ("cat", f"{tmp_path}/.some/where else/it's.json")), tmp_path
    )
    assert (ended.returncode, ended.stdout) == (0, text)


def test_files_are_private_and_the_program_s_own_are_not(tmp_path) -> None:
    start(with_files({"a/b": "1", "c": "2"}, ("touch", f"{tmp_path}/own")), tmp_path)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b", "c")}
    assert modes == {"a": 0o700, "a/b": 0o600, "c": 0o600}
    assert (tmp_path / "own").stat().st_mode & 0o044


def test_the_program_gets_its_words_its_input_and_its_exit_code(tmp_path) -> None:
    ended = start(
        with_files({"a": "1"}, ("sh", "-c", 'cat; echo "$1"; exit 7', "sh", "two words; $HOME")), tmp_path, "said\n"
    )
    assert (ended.returncode, ended.stdout) == (7, "said\ntwo words; $HOME\n")


def test_a_missing_program_is_127(tmp_path) -> None:
    assert start(with_files({"a": "1"}, ("no-such-program",)), tmp_path).returncode == 127


def test_a_home_that_cannot_be_written_starts_nothing(tmp_path) -> None:
    (tmp_path / "home").write_text("a file")
    ended = start(with_files({"a": "1"}, ("echo", "started")), tmp_path / "home")
    assert ended.returncode != 0
    assert ended.stdout == ""
