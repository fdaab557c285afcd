"""The document of a ticket as lines for a person."""

from typing import Any, Final

from control_plane.runs.wording import harmless

LIST_TITLES: Final = ("id", "stage", "repository", "priority", "title", "waits for")
LONGEST_WAIT: Final = 80  #: characters in a list; `factory ticket show` has all


def ticket_lines(document: dict[str, Any]) -> list[str]:
    following = document["next"]
    deadline = f" by {following['deadline']}" if following["deadline"] else ""
    lines = [
        harmless(f"{document['id']} {document['title']}"),
        f"  stage: {document['stage']}",
        harmless(f"  next:  {following['actor']}: {following['action']}{deadline}"),
    ]
    if document["waiting_for"] is not None:
        lines.append(f"  waits: {document['waiting_for']['text']}")
    for run in document["runs"]:
        lines.append(
            harmless(f"  run:   {run['id']} {run['state']}" + (f" ({run['reason']})" if run["reason"] else ""))
        )
    return [*lines, *_report(document["policy_report"]), *_pull_request(document["pull_request"])]


def _report(report: dict[str, Any] | None) -> list[str]:
    if report is None:
        return []
    verdicts = [harmless(f"    {one['verdict']:13}{one['rule']}: {one['message']}") for one in report["verdicts"]]
    return [f"  gates: {report['verdict']}", *verdicts]


def _pull_request(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    return [f"  pull request #{found['number']}: {found['url']}", f"    {found['branch']} at {found['head_sha'][:12]}"]


def list_row(line: dict[str, Any]) -> list[str]:
    """Return the cells of one ticket in a list."""
    waits = line["waiting_for"]["text"] if line["waiting_for"] else ""
    short = waits if len(waits) <= LONGEST_WAIT else waits[: LONGEST_WAIT - 1] + "…"
    return [line["id"], line["stage"], line["repository"], line["priority"], harmless(line["title"]), short]
