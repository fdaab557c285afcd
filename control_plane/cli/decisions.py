"""What people decide: factory approve, reject, cancel, ship, pause, resume."""

from typing import Annotated

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson, Reason
from control_plane.cli.output import answer
from control_plane.cli.ticket_text import ticket_lines
from control_plane.runs.decisions import cancel as cancel_ticket
from control_plane.runs.decisions import decide
from control_plane.runs.decisions import ship as ship_ticket
from control_plane.runs.person import current_person
from control_plane.tickets.documents import ticket_document
from control_plane.tickets.identity import find_run, find_ticket
from resources.wiring import Factory

app = typer.Typer(rich_markup_mode=None)

RunId = Annotated[str, typer.Argument(metavar="RUN")]
TicketId = Annotated[str, typer.Argument(metavar="TICKET")]
Scope = Annotated[str | None, typer.Option("--repository", help="Only this repository (default: everything).")]


@app.command("approve")
def approve(run: RunId, *, reason: Reason, as_json: AsJson = False) -> None:
    """Approve a run that waits for a person; the factory goes on with its stored patch.

    Example: factory approve T-1-r1 --reason "read the diff, it is fine"
    """
    _decide(run, approved=True, reason=reason, as_json=as_json)


@app.command("reject")
def reject(run: RunId, *, reason: Reason, as_json: AsJson = False) -> None:
    """Reject a run that waits for a person; its ticket goes to the dead letters with the reason.

    Example: factory reject T-1-r1 --reason "renames a public function"
    """
    _decide(run, approved=False, reason=reason, as_json=as_json)


def _decide(run_id: str, *, approved: bool, reason: str, as_json: bool) -> None:
    factory = open_home()
    approval = decide(factory, find_run(factory, run_id), approved=approved, reason=reason)
    document = approval.model_dump(mode="json", exclude={"schema_version", "product_id"})
    answer(document, [f"{approval.run_id} {approval.state} by {approval.actor}"], as_json=as_json)


@app.command("cancel")
def cancel(ticket: TicketId, *, reason: Reason, as_json: AsJson = False) -> None:
    """Cancel a ticket: at once when nothing works on it, else a running harness is asked to stop.

    Example: factory cancel T-1 --reason "no longer wanted"
    """
    factory = open_home()
    found = cancel_ticket(factory, find_ticket(factory, ticket), reason=reason)
    _show(factory, found.id, as_json=as_json)


@app.command("ship")
def ship(
    ticket: TicketId,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Kept with the merge.")] = "reviewed and merged",
    as_json: AsJson = False,
) -> None:
    """Merge a ticket's pull request, as a person.

    Example: factory ship T-1
    """
    factory = open_home()
    found = ship_ticket(factory, find_ticket(factory, ticket), reason=reason)
    _show(factory, found.id, as_json=as_json)


def _show(factory: Factory, ticket_id: str, *, as_json: bool) -> None:
    document = ticket_document(factory, factory.lookup.ticket(ticket_id))
    answer(document, ticket_lines(document), as_json=as_json)


@app.command("pause")
def pause(*, reason: Reason, repository: Scope = None, as_json: AsJson = False) -> None:
    """Start nothing new; what runs, ends.

    Example: factory pause --reason "release day"
    """
    _set_paused(repository, paused=True, reason=reason, as_json=as_json)


@app.command("resume")
def resume(*, reason: Reason, repository: Scope = None, as_json: AsJson = False) -> None:
    """Start new work again.

    Example: factory resume --reason "released"
    """
    _set_paused(repository, paused=False, reason=reason, as_json=as_json)


def _set_paused(repository: str | None, *, paused: bool, reason: str, as_json: bool) -> None:
    factory = open_home()
    scope = factory.lookup.repository(repository).name if repository else "*"
    factory.operators.set_paused(scope, paused, actor=current_person(), reason=reason, now=factory.now())
    pauses = factory.oversight.pauses()
    lines = [f"paused: {'everything' if scope == '*' else scope} ({why})" for scope, why in pauses.items()]
    answer({"paused": pauses}, lines or ["nothing is paused"], as_json=as_json)
