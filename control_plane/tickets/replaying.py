"""A dead letter is worked on again by a Dagster backfill of its partition, as the Dagster pages launch one."""

import re
import subprocess
import sys
from typing import Final

from control_plane.desk import Desk
from control_plane.services.beat import is_alive
from control_plane.services.plan import LOCATION, environment_of
from control_plane.tickets.dead_letters import audit, check_reason, require_dead
from domain.errors import ServiceFailed
from domain.tickets import Ticket
from resources.settings import Settings

REPLAYED: Final = "dead_letter_replayed"
JOB: Final = "ticket_run"
PATIENCE: Final = 300  #: seconds for Dagster to load the location and launch


def replay(desk: Desk, ticket: Ticket, *, reason: str) -> str:
    """Launch a backfill of the ticket's partition and return its id; its run claims the ticket, retries counted anew.

    Raises:
        InvalidInput, NotReady: as close does. ServiceFailed: no services run, or Dagster launched nothing.
    """
    check_reason(reason)
    require_dead(ticket)
    if not is_alive(desk):
        raise ServiceFailed(f"no services run that could replay {ticket.id}: start `factory up`, or requeue it")
    backfill = _launch(desk.settings, ticket.id)
    audit(desk, ticket, REPLAYED, {"reason": reason, "backfill_id": backfill})
    return backfill


def _launch(settings: Settings, partition: str) -> str:
    """Dagster's own command does it: this process answers without Dagster."""
    workspace = settings.workspace or settings.dagster_dir / "workspace.yaml"
    words = ["job", "backfill", "-w", str(workspace), "-l", LOCATION, "-j", JOB, "--partitions", partition]
    argv = [sys.executable, "-m", "dagster", *words, "--noprompt"]
    try:
        done = subprocess.run(
            argv, env=environment_of(settings), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ServiceFailed(f"Dagster did not launch a backfill of {partition} in {PATIENCE} s") from error
    launched = re.search(r"Launched backfill job `(\w+)`", done.stdout)
    if done.returncode != 0 or launched is None:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise ServiceFailed(f"Dagster launched no backfill of {partition}: {' '.join(last)[:500]}")
    return launched[1]
