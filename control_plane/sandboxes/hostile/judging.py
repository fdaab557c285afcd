"""Decide from what was seen whether a behaviour was contained. Whatever did not really run is not contained."""

from collections.abc import Iterator

from control_plane.sandboxes.hostile.shapes import Behaviour, How, Observed
from domain.egress import Attempt

ORDER_SECONDS = 5.0  #: from the order to no process left
TEARDOWN_SECONDS = 10.0
TIMED_SECONDS = 2.0 + 5.0  #: the wall clock of a timed one, and what its end may take
LINE_LIMIT = 1_000_000
FLOOD = 50_000  #: characters heard before the order
QUICK_SECONDS = 5.0
MEMORY_LIMIT = 64 * 1024**2  #: bytes of ours that refusing a huge result may take


def verdict(behaviour: Behaviour, seen: Observed) -> str | None:
    """Return why it was not contained, None when it was."""
    return next(_reasons(behaviour, seen), None)


def _reasons(behaviour: Behaviour, seen: Observed) -> Iterator[str]:
    """Yield them gravest first."""
    if seen.evidence is not None and seen.evidence.got:
        yield "gained: " + ", ".join(f"{what} ({how})" for what, how in seen.evidence.got.items())
    if seen.leaked or seen.outside.get("leaked"):
        yield "a planted secret came out"
    yield from (f"on the host: {what}" for what in seen.disturbed)
    yield from (f"left behind: {what}" for what in seen.left)
    yield from _not_tried(behaviour, seen)
    yield from _end(behaviour, seen)
    yield from _taken(seen)
    if behaviour.judge is not None:
        yield from filter(None, [behaviour.judge(seen)])


def _not_tried(behaviour: Behaviour, seen: Observed) -> Iterator[str]:
    if seen.failed:
        yield f"untried: {seen.failed}"
    if seen.outside.get("untried"):
        yield f"untried: {seen.outside['untried']}"
    if behaviour.how is How.ENDS and (seen.evidence is None or not seen.evidence.tried):
        yield f"untried: the program told nothing: {seen.said}"
    if behaviour.how is How.DIES and seen.evidence is None and (seen.ended is None or not _killed(seen)):
        yield f"untried: the program told nothing and was not killed: {seen.said}"
    if behaviour.how in {How.TIMED, How.CLOSED, How.INTERRUPTED} and not seen.up:
        yield f"untried: the program did not come up: {seen.said}"
    if behaviour.door and (seen.evidence is None or not seen.evidence.facts.get("door works")):
        yield "untried: the door lets nobody through, not even to the allowed name"


def _killed(seen: Observed) -> bool:
    return seen.ended is not None and (seen.ended.signal == 9 or seen.ended.out_of_memory)


def _end(behaviour: Behaviour, seen: Observed) -> Iterator[str]:
    ended = seen.ended
    if behaviour.how in {How.ENDS, How.DIES} and (ended is None or ended.timed_out):
        yield "hung: its end was not told in time"
    if behaviour.how is How.TIMED and not (ended and ended.timed_out and ended.seconds < TIMED_SECONDS):
        yield "its wall clock did not end it"
    if behaviour.how in {How.CLOSED, How.INTERRUPTED}:
        took = seen.order_seconds
        if took is None or took > ORDER_SECONDS:
            yield f"not dead {ORDER_SECONDS:.0f} seconds after the order"
    if seen.teardown_seconds > TEARDOWN_SECONDS:
        yield f"teardown took {seen.teardown_seconds:.1f} seconds"


def _taken(seen: Observed) -> Iterator[str]:
    if seen.outside.get("taken"):
        yield f"collected what it should refuse: {', '.join(seen.outside['taken'])}"
    if seen.outside.get("shown"):
        yield f"the next run saw it: {', '.join(seen.outside['shown'])}"
    if seen.outside.get("broken"):
        yield f"the sandbox does not answer any more: {seen.outside['broken']}"
    if seen.outside.get("seconds", 0.0) > QUICK_SECONDS:
        yield "collecting hung"
    if seen.outside.get("peak_bytes", 0) > MEMORY_LIMIT:
        yield "collecting read it all into memory"


# --- of single behaviours


def bounded_lines(seen: Observed) -> str | None:
    return f"a line of {seen.longest_line} characters was handed on" if seen.longest_line > LINE_LIMIT else None


def all_of_a_huge_line(seen: Observed) -> str | None:
    if seen.bytes_told < 20_000_000:
        return f"untried: only {seen.bytes_told} characters arrived"
    return bounded_lines(seen)


def flood_arrived(seen: Observed) -> str | None:
    return bounded_lines(seen) if seen.bytes_told > FLOOD else "untried: no flood arrived"


def whole_archive(seen: Observed) -> str | None:
    return None if seen.outside.get("fine") else "untried: the harmless member did not arrive"


def environment_seen(seen: Observed) -> str | None:
    assert seen.evidence is not None  # noqa: S101 - one without evidence is untried
    return None if seen.evidence.facts.get("seen") else "untried: the prepared environment was not there"


def refused_and_recorded(seen: Observed) -> str | None:
    """Each attempt that met the door must stand in its log, refused, with a reason."""
    assert seen.evidence is not None  # noqa: S101 - one without evidence is untried
    asked = [*seen.evidence.facts.get("asked", ()), *seen.evidence.facts.get("caught", ())]
    refused = [attempt for attempt in seen.attempts if _refused(attempt)]
    if len(refused) < len(asked):
        return f"{len(asked)} were refused and {len(refused)} recorded"
    missing = [name for name in seen.evidence.facts.get("answered", ()) if not _recorded(name, refused)]
    return f"not recorded: {', '.join(missing)}" if missing else None


def _refused(attempt: Attempt) -> bool:
    return not attempt.allowed and attempt.reason not in {"", "allowed"}


def _recorded(name: str, refused: list[Attempt]) -> bool:
    return any(attempt.host.rstrip(".").lower() == name.lower() for attempt in refused)


def upstream_heard_nothing(seen: Observed) -> str | None:
    return "the upstream heard what it should not" if seen.upstream else refused_and_recorded(seen)
