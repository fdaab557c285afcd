"""A ticket's commands in a restricted network: real sandboxes, both brokers, and a proxy that is the only way out."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.egress.surroundings import TRUSTING
from tests.adapters.egress.outside import make_certificates
from tests.support.backends import BACKENDS, serving
from tests.support.factory import World, make_world
from tests.support.origin import origin
from tests.support.proxy import Running, proxy
from tests.support.repositories import git

LOGIN = "ann:word-canary-7f3b1c9d2e"
COMMANDS = [
    "env | sort > env.txt; sha256sum /run/egress/*.pem > trusted.txt",
    "curl -sS -m 20 https://files.test/a > got.txt 2>&1 || true; curl -sS -m 20 http://files.test/b >> got.txt 2>&1 || true",
    "for url in http://169.254.169.254/latest http://evil.test/ http://127.0.0.1:$PORT/; do "
    "curl -s -m 20 --noproxy '' -o /dev/null -w '%{http_code}\\n' $url; done > refused.txt || true",
]
OF_THE_RUN = ("FACTORY_SANDBOX=", "PWD=", "OLDPWD=", "_=", "SHLVL=", "HOSTNAME=")


PAGE = b"reached\n"  #: on loopback, which no sandbox's door opens to


def found(folder: Path, backend: str, port: int, network: dict[str, Any]) -> tuple[World, dict[str, str]]:
    """Run a ticket in a factory with this network; return what its commands wrote."""
    home = folder / "home"
    home.mkdir(parents=True)
    (home / "egress.yaml").write_text(yaml.safe_dump({"repositories": {"calc": ["files.test"]}}))
    told = {"policy_dir": str(home), **({"network": network} if network else {})}
    (home / "settings.yaml").write_text(yaml.safe_dump(told))
    world = make_world(folder, verify=["test -s env.txt"])
    with serving(home, backend):
        ticket = world.file(commands=[f"PORT={port}; {command}" for command in COMMANDS])
        assert world.run(ticket) is None
    pull = world.factory.lookup.pull_request(ticket.id)
    assert pull is not None
    remote = Path(world.factory.lookup.repository("calc").remote)
    names = ("env.txt", "trusted.txt", "got.txt", "refused.txt")
    return world, {name: git(remote, "show", f"{pull.head_sha}:{name}") for name in names}


def variables(text: str) -> dict[str, str]:
    lines = [line.partition("=") for line in text.splitlines() if not line.startswith(OF_THE_RUN)]
    return {name: value for name, _, value in lines}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_reaches_what_it_may_through_the_declared_proxy_and_is_told_of_it_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    make_certificates(tmp_path)
    monkeypatch.setenv("FACTORY_SANDBOX", backend)
    monkeypatch.setenv("FACTORY_SECRET_LOGIN", LOGIN)
    with origin(PAGE, tmp_path / "server.pem") as tls, origin(PAGE, None) as plain:
        names = {"files.test:443": ["127.0.0.1", tls], "files.test:80": ["127.0.0.1", plain]}
        with proxy(tmp_path / "company", names=names, users=LOGIN) as company:
            told = {
                "proxy": f"http://127.0.0.1:{company.port}",
                "credential": "login",
                "ca_bundle": str(tmp_path / "ca.pem"),
            }
            whole, seen = found(tmp_path / "whole", backend, plain, told)
            check_declared(whole, seen, company, tmp_path / "ca.pem")
            before = len(company.asked())
            _, other = found(tmp_path / "plain", backend, plain, {})
            assert len(company.asked()) == before, "nobody declared it there"
    assert "reached" not in other["got.txt"]
    mine, theirs = variables(seen["env.txt"]), variables(other["env.txt"])
    differing = {
        name: (mine.get(name), theirs.get(name)) for name in {*mine, *theirs} if mine.get(name) != theirs.get(name)
    }
    assert differing == dict.fromkeys(TRUSTING, ("/run/egress/network-ca.pem", "/run/egress/ca.pem"))


def check_declared(world: World, seen: dict[str, str], company: Running, bundle: Path) -> None:
    assert seen["got.txt"].split() == ["reached", "reached"]
    asked = [one for one in company.requests() if "files.test" in one]  # the broker itself asks where packages lie
    assert asked == ["CONNECT files.test:443", "GET http://files.test/b"]
    assert seen["refused.txt"].split() == ["403", "403", "403"]
    assert seen["trusted.txt"].split() == [
        hashlib.sha256(bundle.read_bytes()).hexdigest(),
        "/run/egress/network-ca.pem",
    ]
    assert str(company.port) not in seen["env.txt"]
    files = [path for path in world.factory.settings.home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in files if b"word-canary" in path.read_bytes()] == []
    attempts = [one for name in world.factory.doors.logs() for one in world.factory.doors.attempts(name)]
    refused = {(one.host, one.reason) for one in attempts if not one.allowed}
    assert {("169.254.169.254", "address"), ("evil.test", "name-not-allowed"), ("127.0.0.1", "address")} <= refused
    assert {one.host for one in attempts if one.allowed} == {"files.test"}
