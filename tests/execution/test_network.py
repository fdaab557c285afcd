"""A restricted network is declared in the settings, checked when they load, and honoured only where it is declared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.egress.doors import DoorFolder
from adapters.egress.surroundings import PROXIES, TRUSTING
from control_plane.cli import app
from control_plane.health.network import network_checks
from domain.egress import Purpose
from domain.errors import EgressUnavailable, SettingsInvalid
from domain.execution import SandboxRef
from resources.doors import Errand, opened
from resources.network import declared, own_environment
from resources.outside import Outside
from resources.registries import ask_registries, known_registries
from resources.settings import Settings, load_settings
from resources.wiring import open_factory
from tests.adapters.egress.outside import make_certificates
from tests.support.origin import origin
from tests.support.proxy import proxy
from tests.support.services import free_port

PAGE = b'<a href="https://files.example.test/pip-1.whl">x</a>'
COMPANY = "http://proxy.company.test:3128"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


def load(home: Path, **network: object) -> Settings:
    home.mkdir(exist_ok=True, parents=True)
    (home / "settings.yaml").write_text(yaml.safe_dump({"network": network} if network else {}))
    return load_settings(home)


# --- what may be declared


def test_all_of_it_may_be_declared(tmp_path, certificates) -> None:
    bundle = str(certificates / "ca.pem")
    told = {"proxy": COMPANY, "credential": "login", "no_proxy": [".company.test", "10.0.0.0/8"], "ca_bundle": bundle}
    found = declared(load(tmp_path, **told).network)
    assert found.proxy is not None
    assert (found.proxy.host, found.proxy.port, found.proxy.credential) == ("proxy.company.test", 3128, "login")
    assert found.proxy.beside == (".company.test", "10.0.0.0/8")
    assert found.ca_bundle == bundle


def test_without_it_nothing_is_declared(tmp_path) -> None:
    assert load(tmp_path).network is None
    assert declared(None).model_dump(exclude_none=True) == {}
    assert own_environment(None) == {}


def test_it_may_come_from_the_environment(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FACTORY_NETWORK__PROXY", COMPANY)
    monkeypatch.setenv("FACTORY_NETWORK__NO_PROXY", '[".company.test"]')
    network = load(tmp_path).network
    assert network is not None
    assert (network.proxy, network.no_proxy) == (COMPANY, (".company.test",))


def files(folder: Path, certificates: Path) -> dict[str, Path]:
    """Return files that are no bundle, by what is wrong with them."""
    made = {name: folder / f"{name}.pem" for name in ("empty", "words", "binary", "torn", "huge", "key", "missing")}
    made["empty"].write_text("")
    made["words"].write_text("trust everybody\n")
    made["binary"].write_bytes(bytes(range(256)) * 100)
    whole = (certificates / "ca.pem").read_text()
    made["torn"].write_text(whole[: len(whole) // 2] + "\n-----END CERTIFICATE-----\n")
    made["huge"].write_bytes(b"#" * 6_000_000)
    made["key"] = certificates / "server.pem"
    made["folder"] = folder
    made["relative"] = Path("ca.pem")
    made["device"] = Path("/dev/zero")
    return made


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("empty", "holds no certificate"),
        ("words", "holds no certificate"),
        ("binary", "holds no certificate"),
        ("torn", "holds no certificate"),
        ("huge", "more than 5000000 bytes"),
        ("key", "holds a private key"),
        ("missing", "is no file"),
        ("folder", "is no file"),
        ("device", "is no file"),
        ("relative", "must be an absolute path"),
    ],
)
def test_a_bundle_that_nobody_could_trust_by_is_refused_when_settings_load(
    tmp_path, certificates, wrong, words
) -> None:
    path = files(tmp_path, certificates)[wrong]
    with pytest.raises(SettingsInvalid, match=words) as refused:
        load(tmp_path / "home", ca_bundle=str(path))
    assert "network.ca_bundle" in refused.value.message


def test_a_bundle_that_cannot_be_read_is_refused(tmp_path, certificates, monkeypatch) -> None:
    """Root may read everything: the refusal of the machine is played."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes((certificates / "ca.pem").read_bytes())
    real = Path.open

    def refused(path: Path, *words: Any, **told: Any) -> Any:
        if path == bundle:
            raise PermissionError(13, "Permission denied")
        return real(path, *words, **told)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(SettingsInvalid, match="cannot be read: Permission denied"):
        load(tmp_path / "home", ca_bundle=str(bundle))


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ({"proxy": "proxy:3128"}, "network.proxy"),
        ({"proxy": "socks5://proxy:1080"}, "network.proxy"),
        ({"proxy": 7}, "network.proxy"),
        ({"proxy": "http://x:1 y"}, "network.proxy"),
        ({"proxy": COMPANY, "no_proxy": "x"}, "network.no_proxy"),
        ({"proxy": COMPANY, "no_proxy": ["*"]}, "network.no_proxy.0"),
        ({"proxy": COMPANY, "no_proxy": ["a:1"]}, "network.no_proxy.0"),
        ({"proxy": COMPANY, "credential": "../x"}, "network.credential"),
        ({"proxy": COMPANY, "password": "x"}, "network.password"),
        ({"proxy": COMPANY, "ca_bundle": 7}, "network.ca_bundle"),
        ({"no_proxy": ["a"]}, "network"),
        ({"credential": "x"}, "network"),
        ({"proxy": None}, "network"),
    ],
)
def test_anything_else_is_refused_and_named(tmp_path, told, where) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        load(tmp_path, **told)
    assert where in refused.value.message


def test_a_password_in_the_address_is_refused_and_never_repeated(tmp_path) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        load(tmp_path, proxy="http://ann:canary@proxy:3128")
    assert "canary" not in str(refused.value) + str(refused.value.details)
    assert "`credential`" in refused.value.message


# --- what commands are told


def told_to(home: Path, backend: str, purpose: Purpose, **network: object) -> Mapping[str, str] | None:
    """Return what a command is told by a factory with, or without, a declared network."""
    factory = open_factory(load(home, **network), migrate=True)
    ref = SandboxRef(backend=backend, id="run-1-work")

    class Open:
        """The doors, with a broker that is not needed for what is told."""

        def open(self, *_: object) -> None: ...
        def close(self, *_: object) -> None: ...

    object.__setattr__(factory, "doors", Open())
    with opened(factory, ref, Errand("run-1", purpose)) as found:
        return found


@pytest.mark.parametrize("purpose", [Purpose.SETUP, Purpose.HARNESS])
@pytest.mark.parametrize("backend", ["bubblewrap", "docker"])
def test_an_isolated_command_is_told_of_the_declared_certificates_only_where_they_are_declared(
    tmp_path, certificates, backend, purpose
) -> None:
    bundle = str(certificates / "ca.pem")
    plain = told_to(tmp_path / "plain", backend, purpose)
    whole = told_to(tmp_path / "whole", backend, purpose, proxy=COMPANY, ca_bundle=bundle, no_proxy=["x.test"])
    assert plain is not None
    assert whole is not None
    differing = {
        name: (plain.get(name), whole.get(name)) for name in {*plain, *whole} if plain.get(name) != whole.get(name)
    }
    assert differing == dict.fromkeys(TRUSTING, ("/run/egress/ca.pem", "/run/egress/network-ca.pem"))
    assert {whole[name] for name in PROXIES} == {"http://127.0.0.1:3128"}, "the door, which is the only way"
    assert not any("company" in value for value in [*plain.values(), *whole.values()])
    assert told_to(tmp_path / "proxy", backend, purpose, proxy=COMPANY) == plain, "the proxy is the broker's matter"


def test_a_command_that_isolates_nothing_is_told_of_the_network_itself_only_where_it_is_declared(
    tmp_path, certificates
) -> None:
    bundle = str(certificates / "ca.pem")
    told: dict[str, object] = {"proxy": COMPANY, "credential": "login", "no_proxy": [".x.test"], "ca_bundle": bundle}
    for purpose in (Purpose.SETUP, Purpose.HARNESS):
        found = told_to(tmp_path / "whole", "process", purpose, **told)
        assert found is not None
        assert {found[name] for name in PROXIES} == {COMPANY}
        assert {found[name] for name in TRUSTING} == {bundle}
        assert found["no_proxy"] == "localhost,127.0.0.1,::1,.x.test"
    assert told_to(tmp_path / "whole", "process", Purpose.VERIFY, **told) is None
    assert told_to(tmp_path / "plain", "process", Purpose.SETUP) == {}
    assert told_to(tmp_path / "plain", "process", Purpose.HARNESS) is None


def test_a_door_holds_the_declared_certificates_and_says_when_they_are_gone(tmp_path, certificates) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes((certificates / "ca.pem").read_bytes())
    doors = DoorFolder(tmp_path / "root", bundle)
    folder = Path(doors.prepare("box"))
    assert sorted(path.name for path in folder.iterdir()) == ["network-ca.pem", "relay.py"]
    assert (folder / "network-ca.pem").read_bytes() == bundle.read_bytes()
    bundle.unlink()
    with pytest.raises(EgressUnavailable, match="declared certificates are gone"):
        doors.prepare("box")


# --- the questions that the broker itself asks outside


@pytest.fixture
def pip_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none.conf"))


LOGIN = "ann:pass/word@canary"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_index_is_asked_through_the_proxy_and_trusted_by_the_declared_certificates(
    monkeypatch, tmp_path, certificates, pip_alone, scheme
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates / "unknown.pem"))
    monkeypatch.setenv("PIP_INDEX_URL", f"{scheme}://files.test/simple")
    own = certificates / "server.pem" if scheme == "https" else None
    with (
        origin(PAGE, own) as port,
        proxy(tmp_path / "p", names={"files.test": ["127.0.0.1", port]}, users=LOGIN) as company,
    ):
        told = {
            "proxy": f"http://127.0.0.1:{company.port}",
            "credential": "login",
            "ca_bundle": str(certificates / "ca.pem"),
        }
        outside = Outside(load(tmp_path / "home", **told).network, {"login": LOGIN}.get)
        found = ask_registries((), outside)
        assert {"files.test:443" if own else "files.test:80", "files.example.test:443"} <= set(found.hosts)
        asked = "CONNECT files.test:443" if own else "GET http://files.test/simple/pip/"
        assert company.requests() == [asked]
        assert "canary" not in found.model_dump_json()


def test_an_index_beside_the_proxy_is_asked_without_it_whatever_the_machine_says(
    monkeypatch, tmp_path, pip_alone
) -> None:
    with origin(PAGE) as port, proxy(tmp_path / "p") as company:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{company.port}")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
        outside = Outside(load(tmp_path / "home", proxy=f"http://127.0.0.1:{company.port}").network)
        assert "files.example.test:443" in ask_registries((), outside).hosts
        assert company.asked() == []


def test_an_index_behind_a_proxy_that_is_away_is_still_named(monkeypatch, tmp_path, pip_alone) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://files.test/simple")
    outside = Outside(load(tmp_path, proxy=f"http://127.0.0.1:{free_port()}").network)
    assert "files.test:443" in ask_registries((), outside).hosts


def test_another_network_is_another_question(monkeypatch, tmp_path, pip_alone) -> None:
    with origin(PAGE) as port:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
        plain = known_registries(tmp_path / "kept", [])
        whole = known_registries(tmp_path / "kept", [], Outside(load(tmp_path / "home", proxy=COMPANY).network))
        assert plain.question != whole.question
        assert plain.hosts == whole.hosts


# --- doctor


def test_doctor_says_through_what_and_whether_it_answers(tmp_path, certificates, monkeypatch) -> None:
    assert network_checks(load(tmp_path)) == []
    with proxy(tmp_path / "p") as company:
        settings = load(tmp_path, proxy=f"http://127.0.0.1:{company.port}", ca_bundle=str(certificates / "ca.pem"))
        trusted, network = network_checks(settings)
        assert (network.name, network.ok) == ("network", True)
        assert network.detail == f"restricted through 127.0.0.1:{company.port}, which answers"
        assert "ca.pem" in trusted.detail
    *_, gone = network_checks(settings)
    assert not gone.ok
    assert "does not answer" in gone.detail
    monkeypatch.setenv("FACTORY_ENVIRONMENT", "production")
    *_, apart = network_checks(load(tmp_path, proxy=f"http://127.0.0.1:{company.port}"))
    assert apart.ok
    assert "egress-broker" in apart.detail


def test_the_secret_of_the_proxy_is_named_with_the_others(tmp_path, monkeypatch, capsys) -> None:
    load(tmp_path, proxy=COMPANY, credential="login")
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path))
    for told, here in ((None, "false"), (LOGIN, "true")):
        if told:
            monkeypatch.setenv("FACTORY_SECRET_LOGIN", told)
        assert app.run(["config", "show", "--json"]) == 0
        said = capsys.readouterr().out
        assert f'"login": {here}' in said
        assert "canary" not in said
