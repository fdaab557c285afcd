import hashlib
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from adapters.artifacts.local import LocalArtifactStore
from domain.errors import NotFound, StorageFull

FULL_BY_LIMIT = """
import resource, signal, sys
from pathlib import Path
from adapters.artifacts.local import LocalArtifactStore
from domain.errors import StorageFull
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    LocalArtifactStore(Path(sys.argv[1])).put(b"x" * 5000, kind="log", name="n")
except StorageFull:
    sys.exit(7)
"""


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(tmp_path / "artifacts")


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("kind", "ending"),
    [("patch", ".patch"), ("log", ".log"), ("json", ".json"), ("report", ".json"), ("facts", ".json"),
     ("events", ".jsonl"), ("transcript", ".jsonl"), ("anything", ".bin")],
)  # fmt: skip
def test_what_is_put_is_got_and_lies_where_a_reader_looks(store, kind, ending) -> None:
    ref = store.put(b"caf\xc3\xa9", kind=kind, name="a name")
    assert (ref.sha256, ref.size, ref.name) == (hashlib.sha256(b"caf\xc3\xa9").hexdigest(), 5, "a name")
    assert store.get(ref) == b"caf\xc3\xa9"
    path = Path(store.path(ref))
    assert (path.parent.name, path.name) == (ref.sha256[:2], ref.sha256 + ending)
    assert path.read_bytes() == b"caf\xc3\xa9"


def test_empty_and_large_contents(store) -> None:
    for content in (b"", os.urandom(5_000_000)):
        assert store.get(store.put(content, kind="log", name="n")) == content


def test_repeating_it_changes_nothing(store, tmp_path) -> None:
    ref = store.put(b"x", kind="log", name="n")
    before = Path(store.path(ref)).stat()
    assert store.put(b"x", kind="log", name="n") == ref
    after = Path(store.path(ref)).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("harm", ["missing", "corrupt", "truncated", "folder"])
def test_what_no_longer_fits_its_digest_is_not_found(store, harm) -> None:
    ref = store.put(b"content", kind="log", name="n")
    path = Path(store.path(ref))
    path.unlink()
    if harm == "folder":
        path.mkdir()
    elif harm != "missing":
        path.write_bytes(b"contest" if harm == "corrupt" else b"con")
    with pytest.raises(NotFound):
        store.get(ref)


def test_putting_again_heals_a_corrupt_file(store) -> None:
    ref = store.put(b"content", kind="log", name="n")
    Path(store.path(ref)).write_bytes(b"harmed")
    assert store.get(store.put(b"content", kind="log", name="n")) == b"content"


def test_many_may_put_the_same_at_once(store, tmp_path) -> None:
    content, wrong = os.urandom(300_000), []

    def put() -> None:
        for _ in range(10):
            if store.get(store.put(content, kind="patch", name="n")) != content:
                wrong.append(1)

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(files(tmp_path)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_leaves_nothing_and_what_was_there(tmp_path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
    try:
        store = LocalArtifactStore(small / "artifacts")
        kept = store.put(b"kept", kind="log", name="n")
        with pytest.raises(StorageFull):
            store.put(os.urandom(200_000), kind="patch", name="big")
        assert files(small) == [Path(store.path(kept))]
        assert store.get(kept) == b"kept"
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_full_disk_by_limit_leaves_nothing(tmp_path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", FULL_BY_LIMIT, tmp_path / "artifacts"], cwd=Path(__file__).parents[3], check=False
    )
    assert child.returncode == 7
    assert files(tmp_path) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000
