"""Secrets by name: from the environment, else from files; and what a process without secrets is shown."""

import pytest

from resources.secrets import held, secret, without_secrets


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "GITHUB_TOKEN").write_text("from a file\n")
    (tmp_path / "WEBHOOK_SHOP").write_text("signs")
    (tmp_path / "EMPTY").write_text("\n")
    (tmp_path / "FOLDER").mkdir()
    monkeypatch.setenv("FACTORY_SECRETS_DIR", str(tmp_path))
    return tmp_path


def test_a_file_is_read_where_the_environment_says_nothing(folder, monkeypatch):
    assert secret("github-token") == "from a file"
    (folder / "GITHUB_TOKEN").write_text("renewed")
    assert secret("github-token") == "renewed"
    monkeypatch.setenv("FACTORY_SECRET_GITHUB_TOKEN", "from the environment")
    assert secret("github-token") == "from the environment"


@pytest.mark.parametrize("name", ["empty", "folder", "missing", "../GITHUB_TOKEN", ".", "", "x" * 300])
def test_what_is_no_secret_is_none(folder, name):
    assert secret(name) is None


def test_without_the_folder_there_is_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("FACTORY_SECRETS_DIR", str(tmp_path / "gone"))
    assert secret("github-token") is None
    assert without_secrets({"FACTORY_SECRETS_DIR": str(tmp_path / "gone"), "A": "1"}) == {"A": "1"}


def test_a_large_file_is_cut_and_strange_bytes_are_no_failure(folder):
    (folder / "LARGE").write_bytes(b"\xff" + b"x" * 1_000_000)
    assert len(secret("large") or "") == 64 * 1024


def test_a_process_that_may_hold_some_is_given_those_and_not_the_folder(folder):
    environment = {"FACTORY_SECRETS_DIR": str(folder), "FACTORY_SECRET_X": "x", "PATH": "/bin"}
    assert without_secrets(environment) == {"PATH": "/bin"}
    assert without_secrets(environment, but=("webhook",)) == {"PATH": "/bin", "FACTORY_SECRET_WEBHOOK_SHOP": "signs"}


def test_all_that_is_held_is_told_for_whoever_looks_for_leaks(folder, monkeypatch):
    monkeypatch.setenv("FACTORY_SECRET_OWN", "own")
    assert {"own", "from a file", "signs"} <= set(held())
