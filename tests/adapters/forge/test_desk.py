"""The local forge's review desk: conformance, and files that are damaged or too long."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.forge.local import LocalForge
from domain.errors import ForgeRefused
from domain.forge import Remark
from tests.adapters.forge.desk_conformance import DeskConformance
from tests.adapters.forge.workshop import NOON


class LocalSight:
    def __init__(self, pulls: Path) -> None:
        self._pulls = pulls
        self._said = 0

    def comments(self, number):
        return [path.read_text() for path in (self._pulls / str(number)).glob("comments/*")]

    def checks(self, head_sha):
        told = [json.loads(path.read_text()) for path in self._pulls.glob("*/checks.json")]
        return {
            one["name"]: one["conclusion"] for each in told if each["head_sha"] == head_sha for one in each["checks"]
        }

    def objection(self, number):
        path = self._pulls / str(number) / "objection.md"
        return path.read_text() if path.exists() else None

    def says(self, number, author, text):
        self._said += 1
        remark = Remark(
            id=f"r-{self._said}", kind="comment", author=author, text=text, at=NOON + timedelta(minutes=self._said)
        )
        with (self._pulls / str(number) / "remarks.jsonl").open("a") as file:
            file.write(remark.model_dump_json() + "\n")

    def writes(self):
        return sorted(
            (str(path), path.stat().st_ino, path.stat().st_mtime_ns)
            for path in self._pulls.rglob("*")
            if path.name != "lock"
        )


class TestLocalDesk(DeskConformance):
    @pytest.fixture
    def forge(self, tmp_path: Path) -> LocalForge:
        return LocalForge(tmp_path / "forge")

    @pytest.fixture
    def seen(self, tmp_path: Path) -> LocalSight:
        return LocalSight(tmp_path / "forge/demo.pulls")

    @pytest.mark.parametrize("damage", ["nonsense", "{}", '{"head_sha": 1}', '"'])
    def test_damaged_files_are_refused_and_not_overwritten(self, forge, repository, opened, tmp_path, damage):
        folder = tmp_path / f"forge/demo.pulls/{opened.number}"
        (folder / "checks.json").write_text(damage)
        (folder / "remarks.jsonl").write_text(damage)
        with pytest.raises(ForgeRefused):
            forge.tell_checks(repository, opened.head_sha, [])
        with pytest.raises(ForgeRefused):
            forge.remarks(repository, opened.number)
        assert (folder / "checks.json").read_text() == damage

    def test_no_comment_leaves_its_folder(self, forge, repository, opened, tmp_path):
        before = {path for path in tmp_path.rglob("*") if "comments" not in path.parts}
        for marker in ("../../x", "/etc/passwd", "", ".", "..", "a\0b", "x" * 5000):
            address = forge.report(repository, opened.number, marker=marker, text=marker)
            assert "/comments/" in address
        assert {path for path in tmp_path.rglob("*") if "comments" not in path.parts} == before
