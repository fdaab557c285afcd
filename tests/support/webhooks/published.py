"""GitHub's published webhook examples, pinned in package-lock.json beside this file. Missing, they fail CI."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.needed import fresh

HERE = Path(__file__).parent
FOLDER = HERE.parents[2] / ".webhooks"
EXAMPLES = FOLDER / "node_modules" / "@octokit" / "webhooks-examples"
CLOUD = "api.github.com"
SERVERS = ("ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35")


class Example(NamedTuple):
    event: str
    payload: dict[str, Any]

    @property
    def body(self) -> bytes:
        return json.dumps(self.payload).encode()


def published(*places: str) -> list[Example]:
    """Return the examples of github.com, or of the GitHub Enterprise releases named.

    Raises:
        NotInstalled: they are not there as pinned.
    """
    fresh("tests/support/webhooks/install", FOLDER)
    told = [one for place in places or (CLOUD,) for one in json.loads((EXAMPLES / place / "index.json").read_text())]
    return [Example(one["name"], payload) for one in told for payload in one["examples"]]
