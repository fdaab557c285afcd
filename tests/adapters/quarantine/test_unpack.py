"""A parcel of extra outputs: regular files within bounds come out, whatever else is in it is told and left."""

import io
import os
import tarfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import policy
from adapters.quarantine.contract import Unpacked
from adapters.quarantine.local import LocalQuarantine
from policy.results import ResultPolicy

TOLD = yaml.safe_load((Path(policy.__file__).parent / "rules/results.yaml").read_text())
TOLD["artifacts"] = {"max_files": 5, "max_file_bytes": 1000, "max_total_bytes": 3000}
POLICY = ResultPolicy.model_validate(TOLD)


def parcel(*members: tuple[str, bytes | None, dict[str, object]], form: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for name, content, told in members:
            info = tarfile.TarInfo(name)
            for key, value in told.items():
                setattr(info, key, value)
            info.size = len(content or b"")
            archive.addfile(info, io.BytesIO(content) if content is not None else None)
    return packed.getvalue()


def unpack(content: bytes) -> Unpacked:
    return LocalQuarantine(Path("/nonexistent"), POLICY).unpack(content)


def names(unpacked: Unpacked) -> list[str]:
    return [output.name for output in unpacked.outputs]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_regular_files_come_out_whole(form: int) -> None:
    found = unpack(
        parcel(("./coverage.xml", b"<x/>", {}), ("shots/a b.png", b"\x89PNG", {}), ("empty", b"", {}), form=form)
    )
    assert [(one.name, one.content) for one in found.outputs] == [
        ("coverage.xml", b"<x/>"),
        ("shots/a b.png", b"\x89PNG"),
        ("empty", b""),
    ]
    assert found.refused == ()


def test_an_empty_parcel_holds_nothing() -> None:
    assert unpack(parcel()) == Unpacked()


@pytest.mark.parametrize(
    "name",
    ["../escape", "/etc/passwd", "a/../../b", "..", ".git/config", "a/.GIT/x", "new\nline", "esc\x1b]52;c;x\x07", "\udcff", "C:\\x",
     "a\\..\\b", "rtl\u202e", "x" * 1200, "d/" * 60 + "f", ""],
)  # fmt: skip
def test_hostile_names_are_refused_and_told_harmlessly(name: str) -> None:
    found = unpack(parcel((name, b"x", {}), ("good", b"y", {})))
    assert names(found) == ["good"]
    assert len(found.refused) == 1
    assert found.refused[0].isprintable()


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, b"Z"],
)
def test_links_devices_and_folders_are_refused(kind: bytes) -> None:
    told = {"type": kind, "linkname": "/etc/passwd", "devmajor": 1, "devminor": 3}
    found = unpack(parcel(("l", None, told), ("l/below", b"x", {}), ("good", b"y", {})))
    assert names(found)[-1] == "good"
    assert not [one for one in found.outputs if one.name == "l"] or kind == b"Z"
    assert b"root:" not in b"".join(one.content for one in found.outputs)


def test_sizes_and_counts_are_bounded() -> None:
    found = unpack(parcel(("big", bytes(1001), {}), ("fits", bytes(1000), {})))
    assert (names(found), len(found.refused)) == (["fits"], 1)
    found = unpack(parcel(*((f"f{n}", bytes(900), {}) for n in range(5))))
    assert (len(found.outputs), "in all" in found.refused[0]) == (3, True)
    found = unpack(parcel(*((f"f{n}", b"x", {}) for n in range(1000))))
    assert len(found.outputs) == 5
    assert len(found.refused) <= 100


def test_the_second_of_one_name_is_refused() -> None:
    found = unpack(parcel(("a", b"1", {}), ("./a", b"2", {}), ("a", b"3", {})))
    assert [one.content for one in found.outputs] == [b"1"]
    assert len(found.refused) == 2


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_SPARSE, tarfile.CONTTYPE, b"Z"])
@pytest.mark.parametrize("size", [-1, -512, -(1 << 40), 1 << 40, (1 << 63) - 1])
def test_a_header_whose_size_lies_neither_loops_nor_grows(size: int, kind: bytes) -> None:
    """Also the size that makes an older tarfile go backwards for ever."""
    content = bytearray(parcel(("a", b"x", {}), ("b", b"y", {}), form=tarfile.GNU_FORMAT))
    content[156:157] = kind
    content[124:136] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)
    content[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(content[:512]))[0]
    assert sum(len(one.content) for one in unpack(bytes(content)).outputs) <= 3000


def test_a_sparse_file_is_refused() -> None:
    headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "s",
        "GNU.sparse.realsize": str(1 << 40),
    }
    found = unpack(parcel(("s", b"1\n0\n0\n" + bytes(506), {"pax_headers": headers})))
    assert found.outputs == ()
    assert found.refused


def test_a_chain_of_headers_does_not_exhaust_the_stack() -> None:
    one = tarfile.TarInfo("././@LongLink")
    one.type, one.size = tarfile.GNUTYPE_LONGNAME, 1
    found = unpack((one.tobuf(tarfile.GNU_FORMAT) + b"x" + bytes(511)) * 5000)
    assert found.outputs == ()
    assert found.refused


def test_every_truncation_ends() -> None:
    whole = parcel(("a", b"x" * 700, {}), ("b", b"y" * 300, {}))
    for end in range(0, len(whole), 97):
        assert len(unpack(whole[:end]).outputs) <= 2


@pytest.mark.parametrize(
    "content", [b"garbage", os.urandom(5000), b"\0" * 10_240, b"\x1f\x8b\x08" + bytes(600), b"BZh9" + bytes(600)]
)
def test_garbage_is_nothing(content: bytes) -> None:
    """Compressed archives are not opened: their bombs stay closed."""
    assert unpack(content).outputs == ()


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2047), st.integers(0, 255)), max_size=12))
def test_any_damage_ends_within_bounds(flips: list[tuple[int, int]]) -> None:
    content = bytearray(parcel(("a", b"x" * 100, {"pax_headers": {"comment": "y"}}), ("b", b"y" * 300, {})))
    for at, value in flips:
        content[at % len(content)] = value
    found = unpack(bytes(content))
    assert sum(len(one.content) for one in found.outputs) <= 3000
