"""What people write → a ticket in the ledger; what is wrong is told with its line."""

from typing import Any

from pydantic import ValidationError

from control_plane.tickets.ticket_file import TicketFile, refuse
from control_plane.tickets.wording import explain
from domain.errors import InvalidInput
from domain.tickets import Manifest, Ticket
from resources.intake import admit, objections
from resources.wiring import Factory
from resources.yaml_documents import Located


def add_ticket(factory: Factory, ticket_file: TicketFile, *, actor: str) -> tuple[Ticket, bool]:
    """Resolve what the manifest leaves open and store it.

    Returns:
        The ticket and whether it is new.

    Raises:
        InvalidInput: repository, engine, profile or a dependency does not exist here, or its budget is over a ceiling
            of policy; each with its line.
        IdempotencyConflict, DependencyCycle: as BacklogInterface.create_ticket says.
    """
    problems = [ticket_file.problem(key, message) for key, message in objections(factory, ticket_file.manifest)]
    if problems:
        raise refuse(ticket_file.name, problems)
    return admit(factory, ticket_file.manifest, actor=actor)


def told_ticket(told: dict[str, Any]) -> TicketFile:
    """Return a ticket given by options; raises InvalidInput as a file does."""
    given = {key: value for key, value in told.items() if value is not None}
    try:
        return TicketFile(manifest=Manifest.model_validate(given))
    except ValidationError as error:
        raise refuse("--title", explain(error, Located(value=given))) from error


def only_repository(factory: Factory) -> str:
    """Return the one enrolled repository; with none or several a name must be given."""
    names = [one.name for one in factory.oversight.repositories() if one.enabled]
    if len(names) == 1:
        return names[0]
    known = f"enrolled are {', '.join(names)}" if names else "none is enrolled yet: `factory repo add NAME PATH`"
    raise InvalidInput(f"--repository is needed; {known}")
