"""The control plane's side of doors: names, files and logs, whatever lies there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.egress import certificates, relay
from adapters.egress.certificates import bundle
from adapters.egress.contract import Doors
from adapters.egress.doors import DoorFolder
from adapters.egress.surroundings import proxy_environment
from domain.egress import Attempt, Purpose, Reach
from domain.errors import EgressUnavailable

ODD = ["", ".", "..", "../x", "a/b", "/etc", "a\0b", "a\nb", "-x", "x" * 101, "ü"]


@pytest.fixture
def doors(tmp_path, outside, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(outside.folder / "ca.pem"))
    return DoorFolder(tmp_path / "egress")


def attempt(**changes):
    words = {"at": datetime.now(UTC), "run_id": "r", "door": "a", "purpose": Purpose.HARNESS, "reach": Reach.HTTP}
    return Attempt.model_validate(
        {**words, "host": "x.test", "allowed": False, "reason": "name-not-allowed", **changes}
    )


def test_it_keeps_the_contract(doors):
    kept: Doors = doors
    assert kept.alive() is False
    assert kept.logs() == {}


@pytest.mark.parametrize("name", ODD)
def test_a_name_that_could_be_a_path_is_refused_by_every_method(doors, name):
    for method in (doors.prepare, doors.close, doors.remove, doors.attempts):
        with pytest.raises(EgressUnavailable, match="is no name of a door"):
            method(name)


def test_a_prepared_folder_holds_the_relay_and_the_certificates(doors, outside):
    folder = Path(doors.prepare("a"))
    assert (folder / "relay.py").read_bytes() == Path(relay.__file__).read_bytes()
    assert (folder / "ca.pem").read_text() == (outside.folder / "ca.pem").read_text()
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "relay.py").stat().st_mode & 0o777 == 0o644
    assert doors.prepare("a") == str(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["ca.pem", "relay.py"]


def test_what_only_the_factory_may_see_is_not_open_to_others(doors, tmp_path):
    doors.prepare("a")
    for name in ("", "doors", "log", "sockets"):
        assert (tmp_path / "egress" / name).stat().st_mode & 0o077 == 0


def test_removing_is_harmless_twice_and_leaves_the_log(doors, tmp_path):
    folder = Path(doors.prepare("a"))
    log = tmp_path / "egress" / "log" / "a.jsonl"
    log.write_text(attempt().model_dump_json() + "\n")
    doors.remove("a")
    doors.remove("a")
    doors.close("a")
    assert not folder.exists()
    assert len(doors.attempts("a")) == 1


def test_attempts_are_read_past_whatever_else_lies_in_a_log(doors, tmp_path):
    doors.prepare("a")
    good = attempt().model_dump_json()
    lines = [good, "", "{", "null", '{"at":1}', "\x00\x01", "[" * 5000, good.replace("r", "R")[:20], good]
    (tmp_path / "egress" / "log" / "a.jsonl").write_text("\n".join(lines) + "\n" + good[:30])
    assert doors.attempts("a") == [attempt(at=doors.attempts("a")[0].at)] * 2


def test_logs_tell_when_they_were_last_written(doors, tmp_path):
    doors.prepare("a")
    for name in ("b", "a"):
        (tmp_path / "egress" / "log" / f"{name}.jsonl").touch()
    assert list(doors.logs()) == ["a", "b"]
    assert all(datetime.now(UTC) - when < timedelta(minutes=5) for when in doors.logs().values())


def test_a_machine_without_certificates_says_so(doors, monkeypatch, tmp_path):
    monkeypatch.setattr(certificates, "_candidates", lambda: iter([tmp_path / "missing.pem", tmp_path]))
    with pytest.raises(EgressUnavailable, match="no CA certificates"):
        doors.prepare("a")


def test_certificates_named_by_the_environment_come_first_if_they_exist(monkeypatch, tmp_path):
    (tmp_path / "own.pem").write_text("x")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    assert bundle() == tmp_path / "own.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    assert bundle().is_file()
    monkeypatch.delenv("SSL_CERT_FILE")
    assert bundle().is_file()


def test_the_environment_names_the_proxy_and_the_certificates_in_every_way_programs_ask():
    told = proxy_environment()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        assert told[name] == "http://127.0.0.1:3128"
    assert told["NO_PROXY"] == told["no_proxy"] == "localhost,127.0.0.1,::1"
    for name in (
        "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS",
        "NPM_CONFIG_CAFILE", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO",
    ):  # fmt: skip
        assert told[name] == "/run/egress/ca.pem"


def test_a_folder_that_cannot_be_written_is_an_error_not_a_door(doors, tmp_path):
    (tmp_path / "egress").write_text("a file where the folder should be")
    with pytest.raises(OSError):
        doors.prepare("a")
    assert (tmp_path / "egress").is_file()
