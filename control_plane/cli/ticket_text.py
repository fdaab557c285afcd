"""The document of a ticket as lines for a person."""

from typing import Any

from control_plane.runs.wording import harmless


def ticket_lines(document: dict[str, Any]) -> list[str]:
    following = document["next"]
    deadline = f" by {following['deadline']}" if following["deadline"] else ""
    lines = [
        harmless(f"{document['id']} {document['title']}"),
        f"  stage: {document['stage']}",
        harmless(f"  next:  {following['actor']}: {following['action']}{deadline}"),
    ]
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
