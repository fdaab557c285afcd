"""What one door may take of the broker."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    connections: int = 64  #: at once; further ones wait to be accepted
    wait_seconds: float = 5  #: for a place, until the client is told that there is none
    head_seconds: float = 15  #: for a request's head, and for a tunnel's first message
    dial_seconds: float = 10  #: for a look-up, and for each address tried
    idle_seconds: float = 600  #: without a byte either way
    head_bytes: int = 32768  #: of a request or an answer; up to one read more may pass
    refused_log_bytes: int = 5 * 1024**2  #: of the log, for what was refused: a flood of it must not hide the rest
    log_bytes: int = 20 * 1024**2  #: of the log in all; what can no longer be recorded is no longer let through
