"""The work behind `factory ticket add` and `factory ticket done-check`, which need the whole factory."""

import sys
from pathlib import Path
from typing import Any

from control_plane.cli.opening import open_home
from control_plane.runs.person import current_person
from control_plane.tickets.done_check import done_check
from control_plane.tickets.identity import find_ticket
from control_plane.tickets.intake import add_ticket, only_repository, told_ticket
from control_plane.tickets.ticket_file import MAX_BYTES, TicketFile, parse_ticket, read_ticket_file
from domain.tickets import Ticket


def file_ticket(file: Path | None, told: dict[str, Any]) -> tuple[Ticket, bool]:
    """Store the ticket of a file, or of what options told; return it and whether it is new."""
    factory = open_home()
    if file is None:
        found = told_ticket({**told, "repository": told["repository"] or only_repository(factory)})
    else:
        found = _read(file)
    return add_ticket(factory, found, actor=current_person())


def check_done(ticket_id: str) -> dict[str, Any]:
    factory = open_home()
    return done_check(factory, find_ticket(factory, ticket_id))


def _read(file: Path) -> TicketFile:
    if str(file) == "-":
        return parse_ticket(sys.stdin.buffer.read(MAX_BYTES + 1), "stdin")
    return read_ticket_file(file)
