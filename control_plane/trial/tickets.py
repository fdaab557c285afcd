"""The three tickets of `factory try` and how each must end."""

from dataclasses import dataclass
from typing import Any, Final

from control_plane.tickets.ending import Ending


@dataclass(frozen=True)
class TrialTicket:
    must_end: Ending
    manifest: dict[str, Any]


def _edit(old: str, new: str, path: str) -> str:
    return f"sed -i.old 's/{old}/{new}/' {path} && rm {path}.old"


TICKETS: Final = (
    TrialTicket(
        must_end=Ending.PULL_REQUEST,
        manifest={
            "title": "Say hello with an f-string",
            "body": "The percent format is old-fashioned; the words must stay the same.",
            "commands": [_edit('"Hello, %s!" % name', 'f"Hello, {name}!"', "greeter/words.py")],
            "acceptance": [
                "The greeting stays the same",
                {"text": "No percent format is left", "check": "! grep -n '% name' greeter/words.py"},
            ],
            "lock": "try-good",
        },
    ),
    TrialTicket(
        must_end=Ending.FAILED,
        manifest={
            "title": "Greet less formally",
            "body": "This change breaks a test, so it must not become a pull request.",
            "commands": [_edit("Hello, ", "Hi ", "greeter/words.py")],
            "lock": "try-broken",
        },
    ),
    TrialTicket(
        must_end=Ending.WAITS_FOR_PERSON,
        manifest={
            "title": "Say in the README how to greet",
            "body": "Marked as high risk, so a person must approve it first.",
            "commands": ["printf '\\nTry `greet(\"Ada\")`.\\n' >> README.md"],
            "risk": "high",
            "lock": "try-risky",
        },
    ),
)
