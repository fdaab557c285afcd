"""The log of a door is bounded, keeps whole lines, and knows what was let out before."""

from datetime import UTC, datetime

import pytest

from adapters.egress.journal import Journal, read
from adapters.egress.limits import Limits
from domain.egress import Attempt, Purpose, Reach

SMALL = Limits(refused_log_bytes=2000, log_bytes=4000)


def attempt(number, *, allowed=False, sent=0):
    reason = "allowed" if allowed else "name-not-allowed"
    words = {"at": datetime.now(UTC), "run_id": "r", "door": "a", "purpose": Purpose.HARNESS, "reach": Reach.HTTP}
    return Attempt.model_validate(
        {**words, "host": f"x{number}.test", "allowed": allowed, "reason": reason, "bytes_up": sent}
    )


def test_refused_attempts_leave_room_for_those_let_through(tmp_path):
    journal = Journal(tmp_path / "log", SMALL)
    for number in range(100):
        journal.write(attempt(number))
    assert not journal.full
    assert (tmp_path / "log").stat().st_size < 2400
    journal.write(attempt(1, allowed=True))
    lines = list(read(tmp_path / "log"))
    assert [one.allowed for one in lines[-2:]] == [False, True]
    assert [one.reason for one in lines].count("log-full") == 1
    journal.close()


def test_a_full_log_says_so_once_and_stays_bounded(tmp_path):
    journal = Journal(tmp_path / "log", SMALL)
    for number in range(100):
        journal.write(attempt(number, allowed=True))
    assert journal.full
    assert (tmp_path / "log").stat().st_size < 4400
    assert [one.reason for one in read(tmp_path / "log")][-1] == "log-full"
    journal.close()
    again = Journal(tmp_path / "log", SMALL)
    assert again.full
    again.close()


def test_a_log_that_was_there_counts(tmp_path):
    first = Journal(tmp_path / "log", SMALL)
    first.write(attempt(1, allowed=True, sent=70))
    first.write(attempt(2, sent=7))
    first.close()
    with (tmp_path / "log").open("ab") as file:
        file.write(b'null\n{"bytes_up": "x"}\n[1]\n{"torn')
    again = Journal(tmp_path / "log", SMALL)
    assert again.sent == 77
    again.write(attempt(3))
    again.close()
    assert [one.host for one in read(tmp_path / "log")] == ["x1.test", "x2.test", "x3.test"]


def test_a_log_that_cannot_be_written_is_full(tmp_path):
    journal = Journal(tmp_path / "log", SMALL)
    journal.close()
    journal.write(attempt(1))
    assert journal.full


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        Journal(tmp_path / "log", SMALL)
    assert not (tmp_path / "elsewhere").exists()


def test_no_log_is_an_empty_one(tmp_path):
    assert list(read(tmp_path / "none")) == []
