"""The stand-in as a program, and the script that installs what judges it."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from github import Auth, Github

from tests.architecture.places import ROOT
from tests.support.github import description

INSTALL = ROOT / "tests/support/github/install"


def test_program_tells_its_address_and_a_token(tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "tests.support.github",
        "--folder",
        str(tmp_path / "there"),
        "--repository",
        "acme/tool",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout
            told = "".join(running.stdout.readline() for _ in range(3))
            url = re.search(r"base URL: (\S+)", told)
            token = re.search(r"token of ann: (\S+)", told)
            assert url
            assert token
            client = Github(base_url=url[1], auth=Auth.Token(token[1]), seconds_between_requests=None, retry=None)
            assert client.get_repo("acme/tool").get_contents("README.md").decoded_content == b"# acme/tool\n"
            client.close()
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    assert (tmp_path / "there/acme/tool.git/HEAD").is_file()


def test_installed_description_is_the_pinned_one():
    done = subprocess.run([INSTALL, "--fresh"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, "run tests/support/github/install"
    assert description.described("api.github.com.json")["info"]["license"]["name"] == "MIT"


@pytest.mark.parametrize("word", ["--force", "there"])
def test_install_explains_what_it_does_not_take(word: str):
    done = subprocess.run([INSTALL, word], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Usage" in done.stderr


def test_changed_pin_is_not_fresh(tmp_path: Path):
    here = tmp_path / "tests/support/github"
    here.mkdir(parents=True)
    for name in ("install", "package.json", "package-lock.json"):
        shutil.copy(INSTALL.parent / name, here)
    shutil.copytree(description.FOLDER, tmp_path / ".github-description", ignore=shutil.ignore_patterns("*.json"))
    assert subprocess.run([here / "install", "--fresh"], check=False).returncode == 0
    (here / "package-lock.json").write_text("{}")
    assert subprocess.run([here / "install", "--fresh"], check=False).returncode == 1


def test_lock_pins_with_hashes_and_names_no_address():
    text = (INSTALL.parent / "package-lock.json").read_text()
    assert "://" not in text
    assert text.count('"integrity": "sha512-') == text.count('"version"') == 2
