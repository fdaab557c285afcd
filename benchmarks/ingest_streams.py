"""Streams of harness events, followed by the launch step's own code, a process each."""

import resource
import statistics
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from adapters.ledger.engine import make_engine, opened
from adapters.ledger.schema import run_events
from benchmarks.together import together
from domain.execution import ClaimRequest, Lease, Step
from domain.harness import Brief, Command
from domain.lifecycle import Component
from domain.sandbox import SandboxSpec
from factory_pipelines.execution.stages.context import Presented
from factory_pipelines.execution.stages.following import EVENT_LIMIT, Following
from factory_pipelines.execution.stages.presence import present_lease
from policy.limits import RunLimits
from resources.sandboxes import provision, remove
from resources.settings import load_settings
from resources.wiring import open_factory
from sensors.watching import Watch
from tests.support.factory import World

LOOK = 0.05  #: seconds between two looks of whoever reads along
#: A stand-in for an agent: so many messages, at a rate or as fast as they are read, each with the time it was printed.
AGENT = """
import json, sys, time
count, rate, began = int(sys.argv[1]), float(sys.argv[2]), time.time()
for number in range(count):
    if rate and (ahead := began + number / rate - time.time()) > 0:
        time.sleep(ahead)
    said = [{"type": "text", "text": f"{time.time():.6f} " + "x" * 200}]
    told = {"id": f"m{number // 10}", "role": "assistant", "model": "scripted-1", "content": said}
    print(json.dumps({"type": "assistant", "message": told, "session_id": "s"}), flush=True)
"""


@dataclass(frozen=True)
class Followed:
    """What became of the streams; times in seconds, memory in bytes."""

    events: int
    seconds: float  #: from the first event printed to the last written
    printed: float  #: events a second that the agents got rid of, all together
    behind: float  #: from a stream's last event printed to its last written, most of any
    age: float  #: of the newest event that whoever reads along sees of a stream, median
    oldest: float
    memory: int  #: most of any process
    grown: int  #: by following, most of any process

    @property
    def rate(self) -> float:
        return self.events / self.seconds


@dataclass
class Reader(threading.Thread):
    """Reads along, as `factory run --follow` does, and notes how old the newest event of each stream is."""

    url: str
    runs: list[str]
    ages: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._engine = make_engine(self.url)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        last: dict[str, str] = {}
        while not self.ended.wait(LOOK):
            for run_id in self.runs:
                text = self._newest(run_id)
                if text is not None and last.get(run_id) != text:
                    self.ages.append(time.time() - float(text.split()[0]))
                    last[run_id] = text

    def _newest(self, run_id: str) -> str | None:
        newest = select(run_events.c.name, run_events.c.payload).where(run_events.c.run_id == run_id)
        with opened(self._engine) as conn:
            row = conn.execute(newest.order_by(run_events.c.seq.desc()).limit(1)).one()
        return row.payload["text"] if row.name == "harness_event" else None


def follow_streams(world: World, streams: int, events: int, rate: float, sandbox: str) -> Followed:
    """Follow so many streams at once; `rate` is of each, 0 for as fast as it goes."""
    leases = [_lease(world) for _ in range(streams)]
    home, wanted = world.factory.settings.home, (events, rate, sandbox)
    reader = Reader(world.factory.settings.ledger_url, [lease.run_id for lease in leases])
    reader.start()
    ends = together(_work, [(home, lease, *wanted) for lease in leases])
    reader.ended.set()
    reader.join()
    for lease in leases:
        _check(world, lease, min(events, EVENT_LIMIT))
        world.factory.operators.request_cancel(
            lease.ticket_id, actor="bench", reason="it is over", now=world.factory.now()
        )
    first = min(one["first"] for one in ends)
    return Followed(
        events=streams * events,
        seconds=max(one["written"] for one in ends) - first,
        printed=sum(events / (one["last"] - one["first"]) for one in ends),
        behind=max(one["written"] - one["last"] for one in ends),
        age=statistics.median(reader.ages),
        oldest=max(reader.ages),
        memory=max(one["memory"] for one in ends),
        grown=max(one["grown"] for one in ends),
    )


def _lease(world: World) -> Lease:
    ticket = world.file(engine="claude_code", commands=[], lock=uuid.uuid4().hex)
    request = ClaimRequest(ticket_id=ticket.id, owner="bench", ttl_seconds=3600)
    lease = world.factory.backlog.claim_ticket(request, component=Component.DISPATCH, now=world.factory.now())
    assert lease is not None
    return lease


def _work(gate: Any, told: Any, home: Path, lease: Lease, events: int, rate: float, sandbox: str) -> None:
    """Follow one stream in a process of its own."""
    factory = open_factory(load_settings(home))
    presented = Presented(lease.ticket_id, uuid.uuid4().hex, run_id=lease.run_id, fence=lease.fence)
    context = present_lease(factory, presented, Step.CLAIM)
    brief = Brief(ticket_id=lease.ticket_id, run_id=lease.run_id, title="bench", prompt="print")
    session = factory.harnesses["claude_code"].open(brief)
    watch = Watch(session=session, limits=RunLimits(wall=3600, inactivity=600), pulse=context.pulse)
    following = Following(context, watch, before=context.run.usage)
    spec = SandboxSpec(id=f"{lease.run_id}-work", run_id=lease.run_id, mirror=None, commit=None)
    ref = provision(factory, factory.sandboxes[sandbox], spec)
    command = Command(
        argv=("python3", "-c", AGENT, str(events), str(rate)), timeout=timedelta(hours=1), output_limit=10**9
    )
    try:
        gate.wait()
        before = _peak()
        following.follow(ref, command)
        written = time.time()
        assert len(following.lines) == events, f"heard {len(following.lines)} events of {events}"
        first, last = (_stamp(following.lines[place]) for place in (0, -1))
        told.put({"first": first, "last": last, "written": written, "memory": _peak(), "grown": _peak() - before})
    finally:
        remove(factory, ref)


def _stamp(line: str) -> float:
    """Return when the event of a transcript's line was printed."""
    return float(line.split('"text":"', 1)[1].split(" ", 1)[0])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _check(world: World, lease: Lease, wanted: int) -> None:
    timeline = world.factory.lookup.timeline(ticket_id=lease.ticket_id)
    there = [float(event.payload["text"].split()[0]) for event in timeline if event.name == "harness_event"]
    assert len(there) == wanted, f"{len(there)} of {wanted} events are in the ledger"
    assert there == sorted(there), "events are out of order"
