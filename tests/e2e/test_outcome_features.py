"""From a ticket to a merge with the installed command: what the router learns of each run has no gap."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.installed import Installed, installed
from tests.support.repositories import MODULE, commit, git

pytestmark = [pytest.mark.e2e, pytest.mark.dagster]
FEATURES = (
    "engine", "profile", "repository", "task_class", "duration_seconds", "cost_usd", "verify_passed", "human_edit_rate"
)  # fmt: skip
#: a line rewritten and two more: four lines of difference
ADD = "sed -i 's/x \\* 2/2 * x/' calc.py; printf '\\n# either way\\n' >> calc.py"
PROPOSED = MODULE.replace("x * 2", "2 * x") + "\n# either way\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with installed(tmp_path_factory.mktemp("outcomes"), sandbox="process") as made:
        yield made


def proposed(home: Installed, title: str, command: str) -> dict[str, Any]:
    """Take a ticket to its pull request; return its document."""
    front = ("--profile", "developer", "--command", command, "--verify", "python3 -m unittest -q")
    ticket = home.json("ticket", "add", "--title", title, "--body", "b", *front)["id"]
    document = home.json("run", ticket, "--wait")
    assert document["stage"] == "testing", document
    return dict(document)


def outcome(home: Installed, ticket: str) -> dict[str, Any]:
    (found,) = [one for one in home.json("route", "outcomes")["outcomes"] if one["ticket"] == ticket]
    return dict(found)


def test_a_pull_request_with_a_persons_commit_and_one_without(home: Installed, tmp_path: Path) -> None:
    document = proposed(home, "Turn it round", ADD)
    before = outcome(home, document["id"])
    assert {name for name in FEATURES if before[name] is None} == {"human_edit_rate"}

    remote = home.json("repo", "show", "calc")["remote"]
    git(tmp_path, "clone", "-q", remote, "clone")
    clone, branch = tmp_path / "clone", document["pull_request"]["branch"]
    git(clone, "checkout", "-q", branch)
    assert (clone / "calc.py").read_text() == PROPOSED
    commit(clone, {"calc.py": PROPOSED.replace("# either way\n", "# either way is fine\n")}, "say more")
    git(clone, "push", "-q", "origin", branch)
    refused = home.json("ship", document["id"], code=1)  # nobody judged what is there now
    assert "merges it into 'main' with git" in refused["error"]["message"]
    git(clone, "checkout", "-q", "main")
    git(clone, "merge", "-q", "--no-ff", "-m", "merge", branch)
    git(clone, "push", "-q", "origin", "main")
    assert home.json("ship", document["id"])["stage"] == "shipped"

    found = outcome(home, document["id"])
    assert [name for name in FEATURES if found[name] is None] == []
    assert (found["engine"], found["profile"], found["repository"]) == ("command", "developer", "calc")
    assert (found["task_class"], found["verify_passed"], found["cost_usd"]) == ("developer", True, 0.0)
    assert found["duration_seconds"] > 0
    assert found["human_edit_rate"] == 2 / 4  # one of the four was rewritten: one line less, one more

    untouched = proposed(home, "Turn it back", "sed -i 's/2 \\* x/x * 2/' calc.py")
    assert home.json("ship", untouched["id"])["stage"] == "shipped"
    assert outcome(home, untouched["id"])["human_edit_rate"] == 0.0
    assert outcome(home, document["id"]) == found
