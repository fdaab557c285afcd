import pytest

from adapters.scanner.catalogue import SCANNERS
from adapters.scanner.pins import LOCKS, pinned
from tests.adapters.scanner.at_work import ROOT

OURS = "\n".join((ROOT / "deploy" / "scanners" / name).read_text() for name in LOCKS)


@pytest.mark.parametrize("program", sorted({one.traits.program for one in SCANNERS.values()}))
def test_the_locks_name_one_version_of_each_program(program) -> None:
    assert (pinned(OURS, program) or "?")[0].isdigit()


def test_what_no_lock_names_has_no_version() -> None:
    assert pinned("ruff==1.2.3 \\\n  --hash=x\nx[extra]==4\n", "ruff") == "1.2.3"
    assert pinned("x[extra]==4\n", "x") == "4"
    assert pinned("ruff>=1\n", "ruff") is None
    assert pinned("", "ruff") is None
