"""A key is found however it is coded and wherever a stream was cut, and nothing else is touched."""

import base64
import html
import itertools
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.egress.scrubbing import NOTHING, Scrubber, scrubbed, spellings

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60)
BYTES = st.binary(max_size=200)
KEY = "sk-live/Zq8+canary==0123456789"


def percent(key):
    return "".join(f"%{ord(letter):02X}" for letter in key)


CODES = {
    "plain": (str, 12),
    "percent": (percent, 12),
    "percent twice": (lambda key: quote(percent(key)), 24),
    "quoted twice": (lambda key: quote(quote(key, safe="")), 12),
    "json": (lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key), 24),
    "code": (lambda key: "".join(f"\\x{ord(letter):02x}" for letter in key), 12),
    "html": (lambda key: "".join(f"&#{ord(letter)};" for letter in key), 24),
    "html hex": (lambda key: "".join(f"&#x{ord(letter):X};" for letter in key), 24),
    "utf-16-le": (lambda key: key.encode("utf-16-le"), 12),
    "utf-16-be": (lambda key: key.encode("utf-16-be"), 12),
    "hex": (lambda key: key.encode().hex(), 12),
    "spaced hex": (lambda key: key.encode().hex(" "), 12),
    "colon hex": (lambda key: key.encode().hex(":").upper(), 12),
    "base64": (lambda key: base64.b64encode(key.encode()), 12),
}


def coded(name, key=KEY):
    spelled = CODES[name][0](key)
    return spelled if isinstance(spelled, bytes) else spelled.encode()


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
    assert fed(chunks, NOTHING) == b"".join(chunks)


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


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("part", [slice(None), slice(1, None), slice(None, -1), slice(7, 20), slice(-13, None)])
def test_a_part_of_a_key_is_starred_in_every_spelling(name, part):
    told = coded(name)[part] if name == "base64" else coded(name, KEY[part])  # which is another text when cut before
    assert scrubbed(b"<" + told + b">", spellings(KEY)) == b"<" + b"*" * len(told) + b">"


@pytest.mark.parametrize("name", CODES)
def test_an_echo_cut_anywhere_tells_less_than_a_run(name):
    whole, run = coded(name), CODES[name][1]
    for size in range(run, len(whole)):
        out = scrubbed(b"echo: " + whole[:size], spellings(KEY))
        assert len(out) == size + 6
        assert out == b"echo: " + b"*" * size
    for size in range(8, min(run, len(whole))):  # where an answer ends, less is enough
        assert scrubbed(b"echo: " + whole[:size], spellings(KEY)) == b"echo: " + b"*" * size


@settings(deadline=None)
@given(st.integers(0, 18), st.integers(12, 30), BYTES, BYTES, st.lists(st.integers(0, 10_000), max_size=12))
def test_no_run_of_twelve_comes_back_wherever_it_stands_and_was_cut(start, size, before, after, places):
    run = KEY[start : start + size].encode()
    out = fed(cut(before + run + after, places), spellings(KEY))
    found = {KEY[at : at + 12].lower().encode() for at in range(len(KEY) - 11)}
    assert not [window for window in found if window in out.lower()]
    assert len(out) == len(before + run + after)


@pytest.mark.parametrize(("size", "run"), [(8, 6), (9, 7), (12, 9), (15, 12), (16, 12), (200, 12)])
def test_three_quarters_of_a_short_key_are_a_run(size, run):
    key = "".join(chr(33 + (7 * number) % 90) for number in range(size))
    out = scrubbed(f"<<{key[1 : 1 + run]}>>".encode(), spellings(key))
    assert out == b"<<" + b"*" * run + b">>"
    assert b"*" not in scrubbed(f"<<{key[1:run]}>>".encode(), spellings(key))


def test_runs_too_short_to_tell_a_key_are_left_alone():
    text = b"sk-live/ is how our keys begin, %73%6b%2d, \\u0073\\u006b, 736b2d, &#115;&#107;\n"
    assert scrubbed(text, spellings(KEY)) == text


def test_an_answer_that_ends_in_a_part_of_a_key_ends_in_stars():
    scrubber = Scrubber(spellings(KEY))
    assert scrubber.feed(b"token sk-live/Z") == b"token "
    assert scrubber.flush() == b"*********"


def test_text_without_the_key_is_never_held_back_for_long():
    scrubber = Scrubber(spellings(KEY))
    for size in range(1, 60):
        assert len(scrubber.feed(KEY[-1:].encode() * size)) >= size - 30
        scrubber.feed(b"\n")
