"""What is a proxy's address, and what is reached beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.network import beside_entry, goes_beside, proxy_at


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("http://proxy.example.org:3128", ("proxy.example.org", 3128, False)),
        ("https://proxy.example.org:443/", ("proxy.example.org", 443, True)),
        ("http://10.1.2.3:8080", ("10.1.2.3", 8080, False)),
        ("http://[fd00::1]:8080", ("fd00::1", 8080, False)),
        ("HTTP://Proxy:3128", ("proxy", 3128, False)),
    ],
)
def test_a_proxy_is_a_place(address: str, found: tuple[str, int, bool]) -> None:
    proxy = proxy_at(address)
    assert (proxy.host, proxy.port, proxy.tls) == found


@pytest.mark.parametrize(
    "address",
    [
        "", "proxy", "proxy:3128", "http://proxy", "http://:3128", "http://proxy:0", "http://proxy:99999", "http://proxy:x", "socks5://proxy:1080",
        "ftp://proxy:21", "http://proxy:3128/path", "http://proxy:3128?x", "http://proxy:3128#x", "http://pro xy:3128", "http://proxy:3128\n",
        "http://proxy:3128\r\nx: y", "http://ü:3128", "http://-x:3128", "http://[::1:3128", "http://a..b:1", "http://" + "a" * 300 + ":1", "//proxy:1",
        "http://proxy:3128, http://other:3128", "http://%70:1",
    ],
)  # fmt: skip
def test_anything_else_is_none_and_says_what_to_write(address: str) -> None:
    with pytest.raises(ValueError, match="is no proxy"):
        proxy_at(address)


@pytest.mark.parametrize(
    "address", ["http://ann:canary@proxy:3128", "http://canary@proxy:3128", "canary@", "http://a:b@c@d:1"]
)
def test_a_password_is_refused_and_never_repeated(address: str) -> None:
    with pytest.raises(ValueError, match="`credential`") as refused:
        proxy_at(address)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "entry", ["example.org", ".example.org", "host", "10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1", "a_b.example.org"]
)
def test_an_entry_is_a_host_or_a_network(entry: str) -> None:
    assert beside_entry(entry) == entry


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.example.org",
        "example.org:443",
        "http://example.org",
        "Example.org",
        "..",
        ".",
        "a b",
        "10.0.0.0/99",
        "10.1.2.3.4",
        "1.2",
        "2130706433",
        "a,b",
        "x\n",
        "ü",
    ],
)
def test_an_entry_that_is_neither_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="write a host"):
        beside_entry(entry)


BESIDE = ("example.org", ".corp.test", "10.0.0.0/8", "fd00::/8", "192.0.2.7")


@pytest.mark.parametrize(
    ("host", "beside"),
    [
        ("example.org", True), ("EXAMPLE.ORG.", True), ("a.example.org", True), ("badexample.org", False), ("example.org.evil.test", False),
        ("corp.test", True), ("x.corp.test", True), ("10.9.9.9", True), ("11.0.0.1", False), ("192.0.2.7", True), ("192.0.2.8", False),
        ("[fd00::7]", True), ("fd00::7", True), ("[2001:db8::1]", False), ("files.test", False), ("10.0.0.0.evil.test", False),
        ("localhost", True), ("x.localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("[::1]", True), ("localhost.evil.test", False), ("", False),
    ],
)  # fmt: skip
def test_what_is_beside_the_proxy(host: str, beside: bool) -> None:
    assert goes_beside(host, BESIDE) is beside


def test_this_machine_is_always_beside_it_and_nothing_else_is() -> None:
    assert goes_beside("localhost", ())
    assert not goes_beside("10.1.2.3", ())
    assert not goes_beside("example.org", ())


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_it(host: str, entry: str) -> None:
    goes_beside(host, BESIDE)
    try:
        beside_entry(entry)
    except ValueError:
        return
    goes_beside(host, (entry,))
