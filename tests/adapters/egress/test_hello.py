"""The server's name in a TLS hello, as real clients send it, whole and in pieces."""

import asyncio
import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.egress.relay import server_name


def hello(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError


def read(data, *, early=b"", pieces=10**9):
    """Return what is found in data that comes in pieces; afterwards the client says no more."""

    async def all_of_it():
        reader = asyncio.StreamReader()
        task = asyncio.ensure_future(server_name(reader, early))
        for at in range(0, len(data), pieces):
            reader.feed_data(data[at : at + pieces])
            await asyncio.sleep(0)
        reader.feed_eof()
        return await asyncio.wait_for(task, 30)

    return asyncio.run(all_of_it())


@pytest.mark.parametrize("pieces", [1, 5, 100, 10**6])
@pytest.mark.parametrize("early", [0, 1, 2, 50])
def test_a_name_is_found_however_the_hello_was_cut_and_nothing_of_it_is_lost(pieces, early):
    said = hello("files.example.org")
    seen, names = read(said[early:], early=said[:early], pieces=pieces)
    assert names == ["files.example.org"]
    assert said.startswith(seen)
    assert len(seen) == len(said)


def test_bytes_that_repeat_are_not_lost():
    assert read(b"\x16\x16\x16\x03", pieces=1)[0] in {b"\x16\x16\x16\x03"[:size] for size in range(1, 5)}


def test_what_follows_a_hello_is_kept():
    said = hello("a.test") + b"early data"
    assert read(said) == (said, ["a.test"])


def test_a_hello_without_a_name_is_told_from_no_hello():
    assert read(hello(None))[1] == [""]
    assert read(hello("127.0.0.1"))[1] == [""]
    for said in (
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-x\r\n",
        hello("a.test")[:40],
        b"\x16\x03\x01" + b"\xff" * 80_000,
    ):
        assert read(said)[1] == []


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # a name that is no text; the broker hushes it
@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 300))
def test_a_hello_that_was_tampered_with_never_breaks_the_reader(noise, place):
    said = hello("files.example.org")
    torn = said[:place] + noise + said[place + len(noise) :]
    seen, names = read(torn)
    assert torn.startswith(seen)
    assert len(names) <= 1
