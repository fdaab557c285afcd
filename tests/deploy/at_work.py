"""Tickets at work in a running stack, what must hold once they are at rest, and every trace that work could leave."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.repositories import git
from tests.support.stack import Stack

SECONDS = 12  #: what a ticket's command takes at least
BURIED = timedelta(seconds=120)  #: after its end a worker's container is gone; the broker waits half of it
LOST = {
    "run.worker_died",
    "lease.expired",
    "sandbox.failed",
    "ledger.unavailable",
}  #: how a run ends that lost its means


@dataclass(frozen=True)
class Seen:
    """Who works on a ticket, and what was kept of it so far, at a moment when its command ran in a sandbox."""

    worker: str
    sandbox: str
    run: str
    kept: frozenset[Path]


@dataclass
class Work:
    """One ticket, `document` as the factory last told it."""

    stack: Stack
    ticket: str
    seen: Seen | None = None
    document: dict[str, Any] = field(default_factory=dict)

    def ask(self) -> dict[str, Any]:
        self.document = self.stack.factory("ticket", "show", self.ticket)
        return self.document

    def is_at_hand(self) -> bool:
        """Look whether its command runs in a sandbox; if so, remember who runs it."""
        for one in self.stack.made("label=factory.role=sandbox", "status=running"):
            run = one["Config"]["Labels"]["factory.sandbox"].removesuffix("-work")
            if run.startswith(f"{self.ticket}-") and sleeps(one["Id"]):
                carrier = next(found for found in self.ask()["runs"] if found["id"] == run)["dagster_run_ids"][-1]
                (worker,) = self.stack.made(f"label=dagster/run_id={carrier}")
                self.seen = Seen(worker["Id"], one["Id"], run, frozenset(evidence(self.stack)))
        return self.seen is not None

    def is_at_rest(self) -> bool:
        return self.ask()["stage"] in ("testing", "dead_letter")

    def reasons(self) -> list[str | None]:
        """Return the code each attempt ended with, the first one first; None for the one that succeeded."""
        return [run["reason"] and str(run["reason"]).partition(":")[0] for run in self.document["runs"]]


def file(stack: Stack, *titles: str) -> list[Work]:
    """File tickets that can be worked on side by side."""
    return [Work(stack, stack.factory("ticket", "add", "-", told=_text(title))["id"]) for title in titles]


def _text(title: str) -> str:
    front = {
        "title": title, "repository": "calc", "lock": title, "retry": {"backoff": "1s", "max": 4},
        "commands": [f"sleep {SECONDS}; echo {title} > {title}.txt"],
    }  # fmt: skip
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in front.items()) + "---\n"


def at_hand(works: list[Work]) -> Iterator[Work]:
    """Yield each ticket as soon as its command runs in a sandbox."""
    waiting = list(works)
    while waiting:
        works[0].stack.until(partial(_any_at_hand, waiting), "work at hand")
        found = next(one for one in waiting if one.seen)
        waiting.remove(found)
        yield found


def _any_at_hand(works: list[Work]) -> bool:
    return any(one.is_at_hand() for one in works)


def sleeps(container: str) -> bool:
    told = subprocess.run(
        ["docker", "top", container, "-o", "pid,comm"], capture_output=True, text=True, check=False, timeout=60
    )
    return any(line.endswith(" sleep") for line in told.stdout.splitlines())


def evidence(stack: Stack) -> Iterator[Path]:
    """Yield what a run leaves for good: artifacts, logs of doors, last words of workers."""
    for folder in (stack.state / "artifacts", stack.state / "egress" / "log", stack.state / "logs" / "workers"):
        yield from (path for path in folder.rglob("*") if path.is_file())


def check_delivered(work: Work) -> None:
    """One run chain, one branch, one pull request, whatever was killed on the way, and nothing lost that was kept."""
    document = work.document
    runs = document["runs"]
    assert document["stage"] == "testing", work.stack.call("factory", "timeline", work.ticket)
    assert [run["fence"] for run in runs] == sorted({run["fence"] for run in runs})
    assert [run["state"] for run in runs if run["reason"] is None] == ["succeeded"]
    assert runs[-1]["state"] == "succeeded"
    pulls = pull_requests(work)
    assert [document["pull_request"]["number"]] == [pull["number"] for pull in pulls]
    remote = work.stack.state / "forge" / "calc.git"
    branches = trusting(remote, "branch", "--list", f"factory/{work.ticket}-*", "--format=%(refname:short)").split()
    assert branches == [document["pull_request"]["branch"]]
    assert trusting(remote, "rev-parse", branches[0]) == document["pull_request"]["head_sha"]
    check_kept(work)


def trusting(repository: Path, *words: str) -> str:
    """Run git in a repository of another user."""
    return git(repository, "-c", "safe.directory=*", *words)


def check_canceled(work: Work) -> None:
    document = work.document
    assert (document["stage"], work.reasons()) == ("dead_letter", ["run.canceled"])
    assert document["runs"][-1]["state"] == "canceled"
    assert pull_requests(work) == []
    check_kept(work)


def check_kept(work: Work) -> None:
    assert work.seen is not None
    lost = work.seen.kept - frozenset(evidence(work.stack))
    assert not lost
    names = [path.name for path in work.seen.kept]
    assert f"{work.seen.run}-work.jsonl" in names  # what the killed sandbox reached for
    assert any(path.parent.parent.name == "artifacts" for path in work.seen.kept)


def pull_requests(work: Work) -> list[dict[str, Any]]:
    pages = (work.stack.state / "forge" / "calc.pulls").glob("[0-9]*/pull_request.json")
    return [json.loads(page.read_text()) for page in pages if f'"{work.ticket}"' in page.read_text()]


def traces(works: list[Work]) -> list[str]:
    """Return everything on this machine that is left of work at rest; worker containers have their time to be buried."""
    stack = works[0].stack
    left = [f"container {one['Id'][:12]} {one['State']['Status']}" for one in stack.made() if not is_fresh(one)]
    left += [f"mount {place}" for place in stack.mounts()]
    loops = ["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"]
    told = subprocess.run(loops, capture_output=True, text=True, check=True, timeout=60).stdout
    left += [f"loop device {line}" for line in told.splitlines() if str(stack.data) in line]
    for place in ("sandboxes/docker", "sandboxes/docker-disks", "egress/doors", "egress/sockets"):
        left += [str(path) for path in (stack.state / place).glob("*")]
    ids = {name for work in works if work.seen for name in (work.seen.worker, work.seen.sandbox)}
    return left + [f"control group {path}" for path in Path("/sys/fs/cgroup").glob("*/docker/*") if path.name in ids]


def is_fresh(one: dict[str, Any]) -> bool:
    """Tell whether it is a worker that ended so short ago that its container may still be there."""
    ended = datetime.fromisoformat(one["State"]["FinishedAt"][:19]).replace(tzinfo=UTC)
    is_worker = one["Config"]["Labels"]["factory.role"] == "worker"
    return is_worker and one["State"]["Status"] == "exited" and datetime.now(UTC) - ended < BURIED


def check_nothing_left(works: list[Work]) -> None:
    """Nothing of any of them is on this machine a little later."""
    works[0].stack.until(lambda: not traces(works), "nothing is left")
