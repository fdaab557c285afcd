"""One thing that was reached for through a door: what it is, how much went through, how it ended."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from adapters.egress.refusing import Refused, advice
from domain.egress import Attempt, Door, Reach


@dataclass
class Account:
    """What one door has let out, over all its passages."""

    sent: int = 0


@dataclass
class Passage:
    door: Door
    account: Account
    idle_seconds: float
    timer: asyncio.Timeout
    reach: Reach = Reach.CONNECT
    host: str = ""
    port: int | None = None
    method: str | None = None
    path: str | None = None
    asked: bool = False  #: a request was read
    opened: bool = False  #: something was let through
    over: bool = False
    sent: int = 0
    received: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=monotonic)

    def upward(self, count: int) -> None:
        """Account for bytes about to leave.

        Raises:
            Refused: the door has let out all it may.
        """
        if self.account.sent + count > self.door.upload_limit:
            raise Refused("upload-limit")
        self.account.sent += count
        self.sent += count
        self.wait(self.idle_seconds)

    def downward(self, count: int) -> None:
        self.received += count
        self.wait(self.idle_seconds)

    def wait(self, seconds: float) -> None:
        """Give whatever comes next this long from now."""
        if not self.over:
            self.timer.reschedule(asyncio.get_running_loop().time() + seconds)

    def advice(self, reason: str) -> str:
        return advice(reason, self.host, self.port)

    def attempt(self, reason: str) -> Attempt:
        """Return its line of the log; it is over then."""
        self.over = True
        return Attempt(
            at=self.at,
            run_id=self.door.run_id,
            door=self.door.id,
            purpose=self.door.purpose,
            reach=self.reach,
            host=_plain(self.host)[:253],
            port=self.port,
            allowed=reason == "allowed",
            reason=reason,
            method=_plain(self.method)[:20] if self.method else None,
            path=_plain(self.path)[:500] if self.path else None,
            bytes_up=self.sent,
            bytes_down=self.received,
            seconds=round(monotonic() - self.started, 3),
        )


def _plain(text: str) -> str:
    """Return the text without anything a terminal could take for more than text."""
    return "".join(letter if " " < letter <= "~" else "?" for letter in text)
