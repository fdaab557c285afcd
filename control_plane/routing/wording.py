"""The router's answer as lines for a person."""

from collections.abc import Iterable

from control_plane.runs.wording import harmless
from domain.routing import Route, Scored, Term


def route_lines(route: Route) -> list[str]:
    """Return the choice, each candidate with every term of its score, and who was refused and why."""
    able = [*([route.chosen] if route.chosen else []), *route.alternatives]
    chosen = route.chosen.candidate if route.chosen else None
    lines = [harmless(f"{route.ticket_id} -> {chosen or 'nobody'}: {route.reason}")]
    if route.chosen is None and route.waits:
        lines.append("  it waits: that may pass by itself")
    for one in able:
        lines += ["", *_scored(one, is_chosen=one.candidate == chosen)]
    return [*lines, *_refused(route)]


def _scored(one: Scored, *, is_chosen: bool) -> Iterable[str]:
    yield harmless(f"{one.candidate}  {one.total:.3f}" + ("  (chosen)" if is_chosen else ""))
    if one.matched:
        yield harmless(f"  meets {', '.join(one.matched)}")
    yield from (_term(term) for term in one.terms)


def _term(term: Term) -> str:
    sum_ = f"{term.points:+8.3f} = {term.value:.3f} x {term.weight:g}"
    return harmless(f"  {term.name:16}{sum_:24}{term.why}")


def _refused(route: Route) -> list[str]:
    lines = [harmless(f"  {one.candidate:16}{one.code}: {one.reason}") for one in route.refused]
    return ["", "refused:", *lines] if lines else []
