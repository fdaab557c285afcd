"""A key is found however it is coded and wherever a stream was cut, and nothing else is touched."""

import base64
import html
import itertools
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.egress.scrubbing import Scrubber, scrubbed, spellings

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60)
BYTES = st.binary(max_size=200)


def fed(chunks, needles):
    scrubber = Scrubber(needles)
    return b"".join(scrubber.feed(chunk) for chunk in chunks) + scrubber.flush()


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@settings(deadline=None)
@given(KEYS, BYTES, BYTES, st.lists(st.integers(0, 10_000), max_size=12))
def test_a_key_in_a_stream_is_starred_wherever_it_was_cut(key, before, after, places):
    data = before + key.encode() + after
    out = fed(cut(data, places), spellings(key))
    assert len(out) == len(data)
    assert key.encode().lower() not in out.lower()


@settings(deadline=None)
@given(KEYS, BYTES, st.lists(st.integers(0, 10_000), max_size=12))
def test_where_a_stream_is_cut_makes_no_difference(key, data, places):
    data = data + key.encode()[:-1] + data + key.encode()
    assert fed(cut(data, places), spellings(key)) == scrubbed(data, spellings(key))


@settings(deadline=None)
@given(st.lists(BYTES, max_size=5))
def test_a_stream_without_the_key_passes_as_it_is(chunks):
    assert fed(chunks, spellings("a-key-that-is-not-there")) == b"".join(chunks)
    assert fed(chunks, frozenset()) == b"".join(chunks)


@settings(deadline=None)
@given(
    KEYS, st.binary(max_size=7), st.binary(max_size=7), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode])
)
def test_no_part_of_a_key_can_be_read_from_base64_around_it(key, before, after, encode):
    out = scrubbed(encode(before + key.encode() + after), spellings(key))
    whole = out.replace(b"*", b"A") + b"=" * (-len(out) % 4)
    read = base64.urlsafe_b64decode(whole) if encode is base64.urlsafe_b64encode else base64.b64decode(whole)
    assert key.encode()[2:-2] not in read
    assert out.count(b"*") >= (len(key) * 8 - 10) // 6


@pytest.mark.parametrize(
    "code",
    [
        str.upper, quote, quote_plus, lambda key: quote(key, safe=""), lambda key: quote(key, safe="").lower(),
        html.escape, json.dumps, lambda key: json.dumps(key).replace("/", "\\/"), lambda key: key.encode().hex(),
        lambda key: key.encode().hex().upper(), lambda key: f"Basic {base64.b64encode(f'user:{key}'.encode()).decode()}",
    ],
)  # fmt: skip
def test_spellings(code):
    key = 'sk/live+"Zq8&<canary>=='
    out = scrubbed(f"<<{code(key)}>>".encode(), spellings(key))
    assert out.startswith(b"<<")
    assert out.endswith(b">>")
    assert b"canary" not in out.lower()
    assert b"live" not in out.lower()


def test_overlapping_keys_are_both_starred():
    assert scrubbed(b"abababababab!", spellings("abababab")) == b"************!"


def test_text_flows_at_once_unless_a_key_may_have_begun():
    scrubber = Scrubber(spellings("canary-0123456789"))
    assert scrubber.feed(b"data: hello\n\n") == b"data: hello\n\n"
    assert scrubber.feed(b"data: can") == b"data: "
    assert scrubber.feed(b"ned\n\n") == b"canned\n\n"
    assert scrubber.feed(b"can") == b""
    assert scrubber.flush() == b"can"
