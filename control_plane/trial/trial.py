"""`factory try`: the whole way of three tickets in a state directory of its own."""

import os
from pathlib import Path
from typing import Any

from control_plane.repositories.enrolment import EnrolRequest, check, enrol
from control_plane.runs.following import Show, follow
from control_plane.runs.operating import Tell, put_away
from control_plane.runs.person import current_person
from control_plane.services.session import ServiceSession
from control_plane.tickets.documents import ticket_document
from control_plane.tickets.ending import Ending
from control_plane.tickets.intake import add_ticket, told_ticket
from control_plane.trial.sample import NAME, VERIFY, make_sample
from control_plane.trial.tickets import TICKETS
from resources.settings import find_home, load_settings, prepare_home
from resources.wiring import Factory, open_factory


def new_home() -> Path:
    """Make a fresh state directory `tries/N` below FACTORY_HOME, and make it this process's home.

    Settings of the outer home, in its file or the environment, do not reach it: embedded defaults only.
    """
    outer = load_settings(find_home())
    prepare_home(outer)
    tries = outer.home / "tries"
    tries.mkdir(exist_ok=True)
    number = 1 + max((int(one.name) for one in tries.iterdir() if one.name.isdecimal()), default=0)
    home = tries / str(number)
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("FACTORY_") or name == "AGENT_QUEUE_MAX"]:
        del os.environ[name]
    os.environ["FACTORY_HOME"] = str(home)
    return home


def run_trial(home: Path, show: Show, tell: Tell) -> dict[str, Any]:
    """Enrol the sample, file the tickets, follow them to their ends; `ok` when all ended as they should."""
    factory = open_factory(load_settings(home), migrate=True)
    with ServiceSession(factory, tell, "factory try") as session:
        ids = _file_tickets(factory, tell)
        session.ensure()
        endings = follow(factory, ids, show, session.ensure)
        put_away(session, tell)
    told = [_document(factory, ticket_id, endings[ticket_id]) for ticket_id in ids]
    first, *others = told
    ok = all(endings[ticket_id] is ticket.must_end for ticket_id, ticket in zip(ids, TICKETS, strict=True))
    return {**first, "others": others, "ok": ok, "home": str(home)}


def _file_tickets(factory: Factory, tell: Tell) -> list[str]:
    person = current_person()
    source = make_sample(factory.settings.home / "sample")
    tell(f"made a sample repository in {source}")
    request = EnrolRequest(name=NAME, source=str(source), told={"verify": [VERIFY]}, actor=person)
    enrolment = enrol(factory, request)
    report = check(factory, enrolment, lambda _: None)
    tell(f"enrolled {NAME}: its base {'is red' if report and report.base_red else 'passes its own checks'}")
    ids = []
    for ticket in TICKETS:
        stored, _ = add_ticket(factory, told_ticket({**ticket.manifest, "repository": NAME}), actor=person)
        tell(f"filed {stored.id}: {stored.manifest.title}")
        ids.append(stored.id)
    return ids


def _document(factory: Factory, ticket_id: str, ending: Ending) -> dict[str, Any]:
    told = ticket_document(factory, factory.lookup.ticket(ticket_id))
    run = told["runs"][-1]["id"] if told["runs"] else None
    found = told["pull_request"]
    report = told["policy_report"]
    artifacts = factory.lookup.evidence(run)[0] if run else []
    return {
        "ticket": told["id"],
        "title": told["title"],
        "run": run,
        "stage": told["stage"],
        "ending": ending.name.lower(),
        "reason": told["runs"][-1]["reason"] if told["runs"] else None,
        "pull_request": {key: found[key] for key in ("url", "branch", "head_sha")} if found else None,
        "policy_report": {"verdict": report["verdict"]} if report else None,
        "artifacts": [
            {"kind": one.ref.kind, "sha256": one.ref.sha256, "path": factory.artifacts.path(one.ref)}
            for one in artifacts
        ],
    }


def trial_lines(document: dict[str, Any]) -> list[str]:
    """Say how the trial ended and where to look."""
    lines = [""]
    for one in (document, *document["others"]):
        lines.append(
            f"{one['ticket']}  {one['stage']:12} {one['title']}" + (f" ({one['reason']})" if one["reason"] else "")
        )
    home = f"FACTORY_HOME={document['home']}"
    found = document["pull_request"]
    waiting = document["others"][-1]
    return [
        *lines,
        "",
        "All three ended as they should." if document["ok"] else "NOT all ended as they should.",
        f"  pull request:  {found['url'] if found else 'none'}",
        f"  its timeline:  {home} factory timeline {document['ticket']}",
        f"  approve one:   {home} factory approve {waiting['run']} --reason ...",
        f"  Dagster UI:    {home} factory up",
    ]
