"""Enrolling repositories through the command line."""

import subprocess

import pytest

from control_plane.repositories.elsewhere import explained, host_of
from domain.errors import ForgeUnavailable, InvalidInput
from resources.settings import GitHubSettings, load_settings
from tests.support.repositories import make_repository


def test_what_is_chosen_is_shown_and_the_base_is_checked(cli, world, tmp_path):
    files = {"Makefile": "test:\n\tpython3 -c 'print(1)'\n", "a.txt": "a\n"}
    source = make_repository(tmp_path / "made", files)
    said = cli("repo", "add", "made", source, "--json")
    assert said.code == 0
    assert said.document["settings"]["verify"] == ["make test"]
    assert said.document["base_red"] is False
    assert "Makefile has a target `test`" in said.err
    shown = cli("repo", "show", "made", "--json").document
    listing = subprocess.run(["git", "--git-dir", shown["remote"], "log", "--oneline"], capture_output=True, check=True)
    assert listing.stdout
    assert {one["name"] for one in cli("repo", "list", "--json").document["repositories"]} == {"calc", "made"}


def test_a_red_base_is_told_with_what_fails(cli, world, tmp_path):
    source = make_repository(tmp_path / "red", {"Makefile": "test:\n\tfalse\n"})
    said = cli("repo", "add", "red", source, "--json")
    assert said.code == 0
    assert said.document["base_red"] is True
    assert said.document["failing_commands"] == ["make test"]
    assert "RED by itself" in cli("repo", "add", "red", source).out


def test_flags_win_over_detection_and_a_second_add_changes_settings(cli, world, tmp_path):
    source = make_repository(tmp_path / "made", {"Makefile": "test:\n\ttrue\n"})
    told = ["--verify", "true", "--lock", "l", "--scope", "src/*", "--autonomy", "constrained", "--require", "owner"]
    document = cli("repo", "add", "made", source, *told, "--no-check", "--json").document
    settings = document["settings"]
    assert (settings["verify"], settings["lock"], settings["scope"]) == (["true"], "l", ["src/*"])
    assert (settings["autonomy"], settings["require"]) == ("constrained", ["owner"])
    assert document["base_red"] is None
    again = cli("repo", "add", "made", source, "--no-check", "--json").document
    assert again["settings"]["verify"] == ["make test"]


def test_the_committed_file_refines_settings_and_a_wrong_one_is_refused(cli, world, tmp_path):
    files = {".factory.yaml": "verify: 'true'\nautonomy: autonomous\n", "a.txt": "a\n"}
    document = cli("repo", "add", "r", make_repository(tmp_path / "r", files), "--json").document
    assert document["settings"]["verify"] == ["true"]
    assert document["settings"]["autonomy"] == "supervised"
    wrong = make_repository(tmp_path / "w", {".factory.yaml": "verfy: x\n"})
    assert cli("repo", "add", "w", wrong, "--json").error["code"] == "repository.invalid"


def test_who_tells_how_it_is_tested_is_not_asked_for_it(cli, world, tmp_path):
    source = make_repository(tmp_path / "plain", {"a.txt": "a\n"})
    assert "give --verify" in cli("repo", "add", "plain", source, "--no-check").err
    assert "give --verify" not in cli("repo", "add", "plain", source, "--verify", "true", "--no-check").err


def test_a_dirty_source_is_taken_with_a_note(cli, world, tmp_path):
    source = make_repository(tmp_path / "d", {"Makefile": "test:\n\ttrue\n"})
    (source / "Makefile").write_text("changed")
    said = cli("repo", "add", "d", source, "--no-check", "--json")
    assert any("only commits are seen" in note for note in said.document["notes"])
    assert "only commits are seen" in said.err


def test_without_verify_a_note_says_what_follows(cli, world, tmp_path):
    said = cli("repo", "add", "n", make_repository(tmp_path / "n", {"a.txt": "a\n"}), "--json")
    assert said.document["base_red"] is None
    assert any("waits in review" in note for note in said.document["notes"])


@pytest.mark.parametrize("kind", ["not git", "empty", "no such base"])
def test_what_cannot_be_enrolled_is_refused_with_the_remedy(cli, world, tmp_path, kind):
    folder = tmp_path / "x"
    words = []
    if kind == "not git":
        folder.mkdir()
    if kind == "empty":
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
    if kind == "no such base":
        make_repository(folder, {"a.txt": "a\n"})
        words = ["--base", "nope"]
    said = cli("repo", "add", "x", folder, *words, "--json")
    assert (said.code, said.error["code"]) == (1, "repository.invalid")
    assert "--base" in said.error["remedy"]
    assert "x" not in {one["name"] for one in cli("repo", "list", "--json").document["repositories"]}


def test_the_lock_of_a_ticket_defaults_to_the_repositorys(cli, world, tmp_path):
    files = {".factory.yaml": "lock: shared\n", "a.txt": "a\n"}
    cli("repo", "add", "r", make_repository(tmp_path / "r", files), "--no-check")
    ids = [
        cli("ticket", "add", "--title", "t", "--repository", name, "--command", "x", "--json").document["id"]
        for name in ("r", "calc")
    ]
    assert [world.factory.lookup.ticket(one).lock for one in ids] == ["shared", "calc"]


def test_a_ticket_of_no_certain_repository_is_refused(cli, world, tmp_path):
    cli("repo", "add", "r", make_repository(tmp_path / "r", {"a.txt": "a\n"}), "--no-check")
    said = cli("ticket", "add", "--title", "t", "--command", "x", "--json")
    assert said.error["message"].startswith("--repository is needed; enrolled are calc, r")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_web_address_that_plain_git_cannot_read_says_how_a_github_is_named(cli, world, scheme):
    error = cli("repo", "add", "shop", f"{scheme}://127.0.0.1:1/acme/shop", "--json").error
    assert error["code"] == "input.invalid"
    assert "not on github.com, the GitHub of `github.base_url`" in error["message"]
    assert "set `github.base_url` to https://127.0.0.1:1/api/v3" in error["message"]
    assert "Nothing to do" not in error["remedy"]


def test_one_of_our_github_without_a_way_in_says_what_to_set(cli, world, monkeypatch):
    monkeypatch.setenv("FACTORY_GITHUB__BASE_URL", "http://127.0.0.1:1")
    error = cli("repo", "add", "shop", "http://127.0.0.1:1/acme/shop", "--json").error
    assert (error["code"], "FACTORY_SECRET_GITHUB_TOKEN" in error["message"]) == ("input.invalid", True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["http://127.0.0.1:1/acme/shop", "--forge", "local"], "forge.unavailable"),
        (["http://127.0.0.1:1/alone"], "forge.unavailable"),
        (["http://ann:secret@127.0.0.1:1/acme/shop"], "repository.invalid"),
        (["http://[x/acme/shop"], "forge.unavailable"),
    ],
)
def test_what_is_no_such_address_keeps_its_own_words(cli, world, words, code):
    said = cli("repo", "add", "shop", *words, "--json")
    assert (said.error["code"], "base_url" in said.out, "secret" in said.out) == (code, False, False)


def test_an_address_of_github_itself_is_told_its_own_base_url(tmp_path):
    settings = load_settings(tmp_path).model_copy(
        update={"github": GitHubSettings(base_url="https://ghe.example.org/api/v3")}
    )
    failure = ForgeUnavailable("it did not answer")
    said = pytest.raises(InvalidInput, match=r"set `github.base_url` to https://api\.github\.com")
    with said, explained(settings, "https://github.com/acme/shop", chosen=False):
        raise failure
    assert host_of(settings.github) == "ghe.example.org"
