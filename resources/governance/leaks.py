"""Secrets in what was written down of a change beside its files: commits, manifest, events, logs and artifacts."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from adapters._vendor.git import Git, GitError
from adapters.scanner.leaks import Sighted, secrets_of
from domain.alerts import Alert
from domain.errors import NotFound
from domain.execution import ArtifactRef
from domain.findings import Leak
from resources.governance.source import Source
from resources.secrets import held
from resources.wiring import Factory

EACH_BYTES: Final = 32_000_000  #: of one artifact
TOTAL_BYTES: Final = 128_000_000
EVENTS: Final = 10_000
SHORTEST: Final = 8  #: characters of a secret of ours that is looked for
MOST: Final = 200  #: leaks told
OURS: Final = "a secret of the factory"


class Unsearched(Exception):
    """Not everything could be looked through."""


class _Text(NamedTuple):
    place: str
    text: str


def leaks_of(factory: Factory, source: Source) -> tuple[Leak, ...]:
    """Return every place with a secret that the base does not have too, without its value.

    Raises:
        Unsearched: something is too large, or missing. GitError: git does not tell.
    """
    texts = [*_commits(source), *_of_run(factory, source)]
    own = [value for value in held() if len(value) >= SHORTEST]
    found = [(one.place, sighted) for one in texts for sighted in _sighted(one.text, own)]
    found += _removed_again(source, own)
    known = _known_before(source, {sighted.value for _, sighted in found})
    told = {Leak(place=place, line=one.line, kind=one.kind): None for place, one in found if one.value not in known}
    return tuple(told)[:MOST]


def alert_leaks(factory: Factory, source: Source, leaks: Iterable[Leak]) -> None:
    """Tell the operator: what leaked is worthless only when somebody revokes it."""
    places = sorted({one.place for one in leaks})
    subject = source.subject
    if not places or subject.number is None:
        return
    pull = f"{subject.repository.name}#{subject.number}"
    text = f"secrets in what was written down of {pull}: {', '.join(places[:5])}; revoke them"
    told = {"pull_request": pull, "head": subject.head_sha, "places": places[:50]}
    alert = Alert(kind="secret_leaked", text=text, at=factory.now(), ticket_id=subject.ticket_id, details=told)
    factory.notifier.alert(alert)


def _sighted(text: str, own: Iterable[str]) -> Iterator[Sighted]:
    yield from secrets_of(text)
    for value in own:
        place = text.find(value)
        if place >= 0:
            yield Sighted(text.count("\n", 0, place) + 1, OURS, value)


def _commits(source: Source) -> Iterator[_Text]:
    span = f"{source.subject.base_sha}..{source.subject.head_sha}"
    told = source.git.run("log", "-z", "--no-color", "--no-mailmap", "--format=%H%n%an%n%cn%n%B", span, "--")
    for one in told.decode("utf-8", "replace").split("\0"):
        sha, _, text = one.partition("\n")
        if sha:
            yield _Text(f"commit {sha[:12]}", text)


def _removed_again(source: Source, own: Iterable[str]) -> list[tuple[str, Sighted]]:
    """Return what one commit wrote and a later one took out: whoever fetches the branch has it.

    What the head still has is found in its files.
    """
    head = source.subject.head_sha
    found = [(one.place, sighted) for one in _written(source) for sighted in _sighted(one.text, own)]
    values = {sighted.value for _, sighted in found}
    there = _grep(source.git, values, head) if values else set()
    return [(place, sighted) for place, sighted in found if sighted.value not in there]


def _written(source: Source) -> Iterator[_Text]:
    """Yield the lines that each commit adds; what a lone one adds is in the head's own files."""
    span = f"{source.subject.base_sha}..{source.subject.head_sha}"
    shas = source.git.text("rev-list", span, "--").split()
    options = ("--cc", "--root", "--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--text")
    for sha in shas if len(shas) > 1 else ():
        told = source.git.run("show", "--format=", "--no-renames", *options, sha, "--")
        if len(told) > EACH_BYTES:
            raise Unsearched(f"commit {sha[:12]} is too large")
        lines = told.decode("utf-8", "replace").splitlines()
        added = [line.lstrip("+ ") for line in lines if line.lstrip().startswith("+")]
        yield _Text(f"commit {sha[:12]}, taken out again", "\n".join(added))


def _of_run(factory: Factory, source: Source) -> Iterator[_Text]:
    """Yield what our own record has of the run that made the head."""
    ticket_id, run_id = source.subject.ticket_id, source.subject.run_id
    if ticket_id is None or run_id is None:
        return
    ticket = factory.lookup.ticket(ticket_id)
    yield _Text(f"manifest of {ticket_id}", ticket.model_dump_json(indent=1))
    events = factory.lookup.timeline(ticket_id=ticket_id, limit=EVENTS)
    if len(events) >= EVENTS:
        raise Unsearched(f"{ticket_id} has {EVENTS} events or more")
    yield _Text(f"events of {ticket_id}", "\n".join(event.model_dump_json() for event in events))
    left = TOTAL_BYTES
    for artifact in factory.lookup.evidence(run_id)[0]:
        left -= artifact.ref.size
        if artifact.ref.size > EACH_BYTES or left < 0:
            raise Unsearched(f"{artifact.ref.name} of {run_id} is too large")
        yield _Text(f"{artifact.ref.kind} {artifact.ref.name} of {run_id}", _content(factory, artifact.ref))


def _content(factory: Factory, ref: ArtifactRef) -> str:
    try:
        return factory.artifacts.get(ref).decode("utf-8", "replace")
    except NotFound as error:
        raise Unsearched(f"{ref.name} is gone") from error


def _known_before(source: Source, values: set[str]) -> set[str]:
    """Return those values that some file of the base has: they are the repository's, and no news."""
    lines = {value for value in values if value and "\n" not in value}
    return _grep(source.git, lines, source.subject.base_sha) if lines else set()


def _grep(git: Git, values: set[str], commit: str) -> set[str]:
    """Ask git for whole values; they go over its input, where no list of processes shows them."""
    words = ("--no-color", "--only-matching", "-h", "--text", "--fixed-strings", "-f", "-", commit)
    try:
        told = git.run("grep", *words, stdin="\n".join(sorted(values)).encode("utf-8", "surrogateescape"))
    except GitError as error:
        if error.exit_code == 1:
            return set()
        raise
    return values & set(told.decode("utf-8", "replace").splitlines())
