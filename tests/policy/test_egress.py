"""The egress policy: what is allowed and what is not, as tables that fail when a rule is loosened."""

import ipaddress
import posixpath
import socket
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

import policy
from domain.egress import Door, Host, Purpose, Upstream
from policy import egress
from policy.egress import (
    EgressPolicy,
    address_refusal,
    allowed_hosts,
    canonical,
    is_address,
    is_public,
    name_refusal,
    path_refusal,
    refusal,
)

SHIPPED = yaml.safe_load((Path(policy.__file__).parent / "rules" / "egress.yaml").read_text())
EXAMPLE = {
    "everywhere": ["docs.example.org"],
    "repositories": {"calc": ["*.calc.example.org"]},
    "harnesses": {"agent": ["agent.example.org:8443"]},
    "setup": ["objects.example.org"],
    "verify": {"calc": ["api.example.org"]},
}
REGISTRIES = ("registry.example.org:8080",)
WHO = ("calc", "agent")

# purpose, (repository, harness), host, port, why refused (None: allowed)
EXPECTED = [
    (Purpose.HARNESS, WHO, "docs.example.org", 443, None),
    (Purpose.HARNESS, WHO, "docs.example.org", 80, None),
    (Purpose.HARNESS, WHO, "DOCS.Example.org.", 443, None),
    (Purpose.HARNESS, WHO, "docs.example.org", 22, "port-not-allowed"),
    (Purpose.HARNESS, WHO, "docs.example.org", 8443, "port-not-allowed"),
    (Purpose.HARNESS, WHO, "example.org", 443, "name-not-allowed"),
    (Purpose.HARNESS, WHO, "docs.example.org.evil.test", 443, "name-not-allowed"),
    (Purpose.HARNESS, WHO, "evildocs.example.org", 443, "name-not-allowed"),
    (Purpose.HARNESS, WHO, "x.docs.example.org", 443, "name-not-allowed"),
    (Purpose.HARNESS, WHO, "a.calc.example.org", 443, None),
    (Purpose.HARNESS, WHO, "a.b.calc.example.org", 443, None),
    (Purpose.HARNESS, WHO, "calc.example.org", 443, "name-not-allowed"),
    (Purpose.HARNESS, WHO, "xcalc.example.org", 443, "name-not-allowed"),
    (Purpose.HARNESS, WHO, "agent.example.org", 8443, None),
    (Purpose.HARNESS, WHO, "agent.example.org", 443, "port-not-allowed"),
    (Purpose.HARNESS, ("other", "agent"), "a.calc.example.org", 443, "name-not-allowed"),
    (Purpose.HARNESS, ("calc", "other"), "agent.example.org", 8443, "name-not-allowed"),
    (Purpose.HARNESS, (None, None), "agent.example.org", 8443, "name-not-allowed"),
    (Purpose.HARNESS, WHO, "registry.example.org", 8080, "name-not-allowed"),
    (Purpose.HARNESS, WHO, "objects.example.org", 443, "name-not-allowed"),
    (Purpose.HARNESS, WHO, "api.example.org", 443, "name-not-allowed"),
    (Purpose.SHELL, WHO, "docs.example.org", 443, None),
    (Purpose.SHELL, WHO, "registry.example.org", 8080, "name-not-allowed"),
    (Purpose.SETUP, WHO, "registry.example.org", 8080, None),
    (Purpose.SETUP, WHO, "registry.example.org", 443, "port-not-allowed"),
    (Purpose.SETUP, WHO, "objects.example.org", 443, None),
    (Purpose.SETUP, WHO, "docs.example.org", 443, "name-not-allowed"),
    (Purpose.SETUP, WHO, "a.calc.example.org", 443, "name-not-allowed"),
    (Purpose.VERIFY, WHO, "api.example.org", 443, None),
    (Purpose.VERIFY, WHO, "docs.example.org", 443, "name-not-allowed"),
    (Purpose.VERIFY, WHO, "registry.example.org", 8080, "name-not-allowed"),
    (Purpose.VERIFY, ("other", "agent"), "api.example.org", 443, "name-not-allowed"),
    (Purpose.VERIFY, (None, None), "api.example.org", 443, "name-not-allowed"),
    *[
        (Purpose.HARNESS, WHO, host, 443, "address")
        for host in (
            "127.0.0.1", "169.254.169.254", "2852039166", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.1", "0",
            "1.2.3.4.", "0xA9FEA9FE", "[::1]", "::1", "[::ffff:127.0.0.1]", "fe80::1%eth0", "1.2.3.0x", "docs.example.1",
        )
    ],
    *[
        (Purpose.HARNESS, WHO, host, 443, "malformed-name")
        for host in (
            "", ".", "docs..example.org", "docs.example.org..", ".docs.example.org", "docs.example.org\0", "docs.example.org\n",
            " docs.example.org", "docs.example.org/x", "u@docs.example.org", "*.calc.example.org", "döcs.example.org",
            "docs.example.org\u3002", "\uff11\uff12\uff17.0.0.1x", "-docs.example.org", "docs-.example.org", "a" * 64 + ".calc.example.org",
            ".".join(["a" * 60] * 5) + ".calc.example.org", "docs%2eexample.org", "docs.example.org#",
        )
    ],
]  # fmt: skip

SHIPPED_DENIES = [
    (purpose, host, port)
    for purpose in Purpose
    for host, port in [("example.org", 443), ("a.com", 80), ("pypi.test", 443), ("localhost", 80), ("10.0.0.1", 443)]
]


def opened(rules, purpose, who=WHO, registries=REGISTRIES):
    model = EgressPolicy.model_validate(rules)
    hosts = allowed_hosts(model, purpose=purpose, repository=who[0], harness=who[1], registries=registries)
    return Door(id="d", run_id="r", purpose=purpose, allow=hosts)


def wrong(rules):
    """Return every expected case that these rules, as they are decided now, do not keep."""
    return [
        (purpose, who, host, port, why, found)
        for purpose, who, host, port, why in EXPECTED
        if (found := refusal(opened(rules, purpose, who), host, port)) != why
    ]


def test_what_is_expected_is_what_is_decided():
    assert wrong(EXAMPLE) == []


def test_as_shipped_nothing_is_allowed():
    for purpose, host, port in SHIPPED_DENIES:
        assert refusal(opened(SHIPPED, purpose, registries=()), host, port) is not None
    for purpose in Purpose:
        assert opened(SHIPPED, purpose, registries=()).allow == ()
    assert set(SHIPPED) == set(EgressPolicy.model_fields)


@pytest.mark.parametrize(
    "loosened",
    [
        {"everywhere": ["docs.example.org", "*.example.org"]},
        {"everywhere": ["docs.example.org", "registry.example.org:8080"]},
        {"everywhere": ["*.docs.example.org", "docs.example.org"]},
        {"repositories": {"calc": ["*.calc.example.org", "calc.example.org"]}},
        {"repositories": {"calc": ["*.calc.example.org"], "other": ["*.calc.example.org"]}},
        {"harnesses": {"agent": ["agent.example.org:8443", "agent.example.org"]}},
        {"setup": ["objects.example.org", "docs.example.org"]},
        {"verify": {"calc": ["api.example.org"], "other": ["api.example.org"]}},
        {"everywhere": []},
        {"verify": {}},
    ],
)
def test_the_table_notices_a_policy_that_is_loosened_or_lost(loosened):
    assert wrong({**EXAMPLE, **loosened})


@pytest.mark.parametrize(
    ("name", "loose"),
    [
        ("_opens", lambda entry, name, port: True),
        ("_opens", lambda entry, name, port: name.endswith(entry.partition(":")[0].removeprefix("*."))),
        ("is_address", lambda host: False),
        ("name_refusal", lambda door, host: None),
        ("canonical", lambda host: host),
    ],
)
def test_the_table_notices_a_rule_that_is_loosened(monkeypatch, name, loose):
    monkeypatch.setattr(egress, name, loose)
    assert wrong(EXAMPLE)


@pytest.mark.parametrize(
    "everything", ["*", "*.*", "*.com", "**", "", ".", "*.", "0.0.0.0/0", "0.0.0.0", "::/0", "[::]", "*:443"]
)
def test_there_is_no_way_to_write_allow_all(everything):
    with pytest.raises(ValidationError):
        EgressPolicy(everywhere=(everything,))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("127.0.0.1", "is an address"),
        ("10.0.0.1:8080", "is an address"),
        ("2130706433", "is an address"),
        ("0x7f.1", "is an address"),
        ("::1", "is an address"),
        ("[::1]:443", "is an address"),
        ("Docs.example.org", "lower case"),
        ("döcs.example.org", "xn--"),
        ("*.org", "top-level domain"),
        ("a.*.org", "is no host"),
        ("docs.example.org:", "is no host"),
        ("docs.example.org:0", "is no host"),
        ("docs.example.org:70000", "is no host"),
        ("docs.example.org:http", "is no host"),
        ("https://docs.example.org", "is no host"),
        ("docs.example.org/path", "is no host"),
        ("docs.example.org.", "is no host"),
        ("docs example.org", "is no host"),
        ("docs.example.org\n", "is no host"),
    ],
)
def test_a_wrong_entry_is_refused_with_what_to_write(entry, told):
    for rules in ({"everywhere": [entry]}, {"verify": {"calc": [entry]}}, {"setup": [entry]}):
        with pytest.raises(ValidationError, match=told):
            EgressPolicy.model_validate(rules)


@pytest.mark.parametrize(
    "rules",
    [
        {"everywhere": "docs.example.org"},
        {"evrywhere": []},
        {"verify": ["a.b"]},
        {"setup": None},
        [],
        {"everywhere": [1]},
    ],
)
def test_a_policy_of_another_shape_is_refused(rules):
    with pytest.raises(ValidationError):
        EgressPolicy.model_validate(rules)


@settings(deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"(\*\.)?[a-z0-9.:*-]{0,20}", fullmatch=True))
def test_whatever_a_policy_takes_a_door_can_hold(entry):
    try:
        rules = EgressPolicy(everywhere=(entry,))
    except ValidationError:
        return
    assert TypeAdapter(Host).validate_python(rules.everywhere[0]) == entry
    assert entry.isascii()
    assert not is_address(entry.partition(":")[0])


ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=4).map(lambda ip: str(int(ip))),
    st.ip_addresses(v=4).map(lambda ip: hex(int(ip))),
    st.ip_addresses(v=4).map(lambda ip: f"0{int(ip):o}"),
    st.ip_addresses(v=4).map(
        lambda ip: ".".join(f"{'0x' if part % 2 else '0'}{part:{'X' if part % 2 else 'o'}}" for part in ip.packed)
    ),
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=6).map(lambda ip: f"[{ip.exploded}]"),
)


@settings(deadline=None)
@given(ADDRESSES, st.sampled_from(["", "."]))
def test_no_spelling_of_an_address_passes(address, dot):
    assert refusal(opened(EXAMPLE, Purpose.HARNESS), address + dot, 443) == "address"


@settings(deadline=None)
@given(st.text(alphabet="0123456789abcdefxX.", min_size=1, max_size=20))
def test_whatever_the_system_takes_for_an_address_is_refused(text):
    try:
        socket.inet_aton(text)
    except OSError:
        return
    assert refusal(opened(EXAMPLE, Purpose.HARNESS), text, 443) == "address"


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(-1, 70000))
def test_whatever_passes_is_on_the_list(host, port):
    door = opened(EXAMPLE, Purpose.HARNESS)
    if refusal(door, host, port) is None:
        assert (canonical(host), port) in {
            ("docs.example.org", 443),
            ("docs.example.org", 80),
            ("agent.example.org", 8443),
        }


def test_an_exempt_address_passes_on_its_port_alone_if_it_is_on_the_list():
    door = Door(id="d", run_id="r", purpose=Purpose.SETUP, allow=("127.0.0.1:8080",), exempt=("127.0.0.1:8080",))
    assert refusal(door, "127.0.0.1", 8080) is None
    assert refusal(door, "127.0.0.1", 80) == "address"
    assert refusal(door, "127.1", 8080) == "address"
    assert refusal(door.model_copy(update={"allow": ()}), "127.0.0.1", 8080) == "name-not-allowed"
    assert refusal(door.model_copy(update={"exempt": ()}), "127.0.0.1", 8080) == "address"


PRIVATE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1", "192.0.0.192",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16", "::", "::1", "fe80::1",
    "fe80::1%lo", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
    "2002:7f00:1::", "64:ff9b::a00:1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "", "localhost", "1", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("ip", PRIVATE)
def test_an_allowed_name_at_a_private_address_is_refused_unless_exempt(ip):
    door = Door(id="d", run_id="r", purpose=Purpose.SETUP, allow=("mirror.test",), exempt=("mirror.test:443",))
    assert address_refusal(door, "mirror.test", 80, ip) == "private-address"
    assert address_refusal(door, "other.test", 443, ip) == "private-address"
    assert address_refusal(door, "Mirror.test.", 443, ip) is None


@pytest.mark.parametrize("ip", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_a_public_address_is_dialled(ip):
    assert address_refusal(Door(id="d", run_id="r", purpose=Purpose.SETUP), "mirror.test", 443, ip) is None


@settings(deadline=None)
@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(ip):
    if ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        carries = isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped
        assert carries or not is_public(str(ip))


def test_a_name_alone_is_judged_without_its_port():
    door = opened(EXAMPLE, Purpose.HARNESS)
    assert name_refusal(door, "agent.example.org") is None
    assert name_refusal(door, "c2VjcmV0.evil.test") == "name-not-allowed"
    assert name_refusal(door, "x\x00.evil.test") == "malformed-name"


@pytest.mark.parametrize(
    ("paths", "path", "why"),
    [
        (("/",), "/", None),
        (("/",), "/any/thing", None),
        (("/v1/messages",), "/v1/messages", None),
        (("/v1/messages",), "/v1/messages/count", None),
        (("/v1/messages",), "/v1/messages/", None),
        (("/v1/messages",), "/v1/messagesx", "path-not-allowed"),
        (("/v1/",), "/v1/messages", None),
        (("/v1/",), "/v1", "path-not-allowed"),
        (("/v1", "/v2"), "/v2/models/x:generate", None),
        (("/v1",), "/v2", "path-not-allowed"),
        ((), "/", "path-not-allowed"),
        (("/",), "", "path-malformed"),
        (("/",), "v1", "path-malformed"),
        (("/",), "/v1/../v2", "path-malformed"),
        (("/",), "/v1/%2E./v2", "path-malformed"),
        (("/",), "/v1/..;x=1/v2", "path-malformed"),
        (("/",), "//v2", "path-malformed"),
        (("/",), "/v1\\..\\v2", "path-malformed"),
        (("/",), "/v1/...", "path-malformed"),
        (("/",), "/v1/a%20b", None),
        (("/",), "/v1/a..b/.well-known/x:y@z,~", None),
        (("/",), "/v1/f%C3%BCr/", None),
        (("/",), "/v1/a;b=1/c", None),
        *[
            (("/",), path, "path-malformed")
            for path in (
                "/v1/..%3b/v2",
                "/v1/..;/v2",
                "/v1/..%3bx=1/v2",
                "/v1/%2e%2e%3b/v2",
                "/v1/.%2e/v2",
                "/v1/..",
                "/v1/..x/v2",
                "/v1/%c0%ae%c0%ae/v2",
                "/v1/%c0%af..",
                "/v1/%e0%80%ae/v2",
                "/v1/%f0%80%80%ae",
                "/v1/%ed%a0%80",
                "/v1/%ff",
                "/v1\\v2",
                "/v1/%5c..%5cv2",
                "/v1/%5C",
                "//v1",
                "/v1//v2",
                "/v1/;/v2",
                "/v1/;x=1/v2",
                "/v1/ /v2",
                "/v1/%20/v2",
                "/v1/%00",
                "/v1/%0d%0ax",
                "/v1/%1b",
                "/v1/%7f",
                "/v1/%c2%85",
                "/v1/\x00",
                "/v1/..%20/v2",
                "/v1/%20../v2",
                "/v1/%2%65%2%65/v2",
                "/v1/%252e%252e/v2",
                "/v1/%u002e%u002e/v2",
                "/v1/%",
                "/v1/%2",
                "/v1/%zz",
                "/v1/%2f..",
                "/v1/%ef%bc%8e%ef%bc%8e/v2",
                "/v1/%e2%80%a5/v2",
                "/v1/x%ef%bc%8f..%ef%bc%8fv2",
                "/v1/%ef%bc%bc..",
            )
        ],
    ],
)
def test_paths_of_an_upstream(paths, path, why):
    assert path_refusal(Upstream(name="m", url="https://m.test", paths=paths), path) == why


@settings(deadline=None)
@given(st.text("/.;%25eEcC3bBfFaA\\ x", max_size=30).map("/v1/{}".format))
def test_no_reader_takes_a_path_that_passes_out_of_its_prefix(path):
    if path_refusal(Upstream(name="m", url="https://m.test", paths=("/v1/",)), path) is None:
        for read in (path, unquote(path), unquote(unquote(path))):
            plain = "/".join(part.partition(";")[0].strip() for part in read.replace("\\", "/").split("/"))
            assert posixpath.normpath(plain).startswith("/v1")
            assert "//" not in plain.rstrip("/")
