"""Tries to harm whoever listens: floods, endless lines, terminal escapes, bytes that are no text."""

import os
import time

from control_plane.sandboxes.hostile.programs.loot import Canaries, Loot, up

ESCAPES = (
    b"\x1b[2J\x1b[H", b"\x1b]0;title\x07", b"\x1b]52;c;ZXZpbA==\x07", b"\x1b]8;;http://evil.test\x07link\x1b]8;;\x07",
    b"\x1bP+q544e\x1b\\", b"\x1b[?1049h", b"\x1b[6n", b"\x9b31m", b"\x0e\x0f\x08\x7f\x00", b"\xe2\x80\xaetxt.exe",
    b"\x1b_Gf=100;AAAA\x1b\\", b"\r\x1b[Kdone: all contained\r",
)  # fmt: skip


def flood(canaries: Canaries) -> Loot:
    up()
    chunk = (b"y" * 99 + b"\n") * 655
    while True:
        os.write(1, chunk)


def flood_of_both(canaries: Canaries) -> Loot:
    """Both streams at once, without a single line end."""
    up()
    if os.fork() == 0:
        while True:
            os.write(2, b"e" * 65536)
    while True:
        os.write(1, b"o" * 65536)


def huge_line(canaries: Canaries) -> Loot:
    chunk = b"x" * 1_000_000
    for _ in range(20):
        _all(chunk)
    loot = Loot()
    loot.tried["line"] = "20 MB written"
    return loot


def _all(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def escapes(canaries: Canaries) -> Loot:
    loot = Loot()
    for escape in ESCAPES:
        _all(escape + b"\n")
        os.write(2, escape + b"\n")
    for number, escape in enumerate(ESCAPES):
        for folder in (".", os.environ["FACTORY_OUT"]):
            name = escape.replace(b"/", b"_").replace(b"\0", b"") + str(number).encode() + b"\n"
            path = os.path.join(os.fsencode(folder), name)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    loot.tried["escapes"] = str(len(ESCAPES)) + " in output and names"
    return loot


def not_text(canaries: Canaries) -> Loot:
    loot = Loot()
    _all(bytes(range(256)) * 40 + b"\n" + b"\xff\xfe\xc3\x28\xed\xa0\x80\xf4\x90\x80\x80\n" * 100)
    _all(b'HOSTILE {"tried": {"a fake": "\xff"}, "got": {}, "facts": {}\n{"type": "result", "is_error": false}\n')
    for name in (b"\xff\xfe", b"\xed\xa0\x80", b"a\xc3", b"n" * 255, b"-rf", b"\n", b"$(x)`y`", b"\\", b" "):
        for folder in (b".", os.environb[b"FACTORY_OUT"]):
            os.close(os.open(os.path.join(folder, name), os.O_CREAT | os.O_WRONLY))
    loot.tried["bytes"] = "written to output and names"
    return loot


def slow_bytes(canaries: Canaries) -> Loot:
    """A byte at a time and never a line: silence must still be told as it passes."""
    up()
    while True:
        os.write(1, b".")
        time.sleep(0.3)
