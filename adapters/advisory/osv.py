"""A server that speaks OSV's API."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import quote

from adapters._vendor.fetching import Fetcher, Offline
from adapters.advisory.contract import Subject, Told
from adapters.advisory.record import NAMES, RecordUnreadable, advisory, identity
from adapters.advisory.times import newest_time
from domain.changes import Advisory, Ecosystem

BATCH: Final = 500  #: subjects of one request; the API takes 1,000
MAX_PAGES: Final = 50
MAX_IDS: Final = 5_000
WORKERS: Final = 4
#: vulnerable beyond doubt: a source that does not know these knows nothing
CANARIES: Final[Mapping[Ecosystem, Subject]] = {
    Ecosystem.PYPI: Subject(Ecosystem.PYPI, "jinja2", "2.10"),
    Ecosystem.NPM: Subject(Ecosystem.NPM, "lodash", "4.17.15"),
}


class OsvServer:
    """Asks about everything and a canary of each ecosystem in one go. `fetcher` is at the address before `/v1`."""

    def __init__(self, fetcher: Fetcher, canaries: Mapping[Ecosystem, Subject] = CANARIES) -> None:
        self._fetcher = fetcher
        self._canaries = canaries

    def advisories(self, subjects: Sequence[Subject]) -> Told:
        canaries = [self._canaries[one] for one in sorted({subject.ecosystem for subject in subjects})]
        try:
            ids = self._ids([*canaries, *subjects])
            dead = {one.ecosystem for one, found in zip(canaries, ids, strict=False) if not found}
            wanted = sorted({one for found in ids[len(canaries) :] for one in found})
            records = self._records(wanted)
            told = [self._told(one, found, records) for one, found in zip(subjects, ids[len(canaries) :], strict=True)]
        except (Offline, RecordUnreadable) as error:
            return Told((None,) * len(subjects), self._fetcher.shown, reason=str(error)[:300])
        reason = "; ".join(f"it knows nothing of {NAMES[one]}, not even a known hole" for one in sorted(dead))
        found = tuple(None if one.ecosystem in dead else each for one, each in zip(subjects, told, strict=True))
        return Told(found, self._fetcher.shown, newest_time(one.get("modified") for one in records.values()), reason)

    def _told(
        self, subject: Subject, ids: Iterable[str], records: Mapping[str, dict[str, Any]]
    ) -> tuple[Advisory, ...]:
        live = (records[one] for one in sorted(ids) if not records[one].get("withdrawn"))
        return tuple(
            advisory(one, subject.ecosystem, subject.name, f"{self._fetcher.shown}/v1/vulns/{identity(one)}")
            for one in live
        )

    def _ids(self, subjects: Sequence[Subject]) -> list[set[str]]:
        found: list[set[str]] = [set() for _ in subjects]
        waiting = [(place, "") for place in range(len(subjects))]
        for _ in range(MAX_PAGES):
            if not waiting:
                return found
            later: list[tuple[int, str]] = []
            for start in range(0, len(waiting), BATCH):
                later += self._batch(subjects, waiting[start : start + BATCH], found)
            waiting = later
        raise Offline(f"it had more than {MAX_PAGES} pages")

    def _batch(
        self, subjects: Sequence[Subject], asked: Sequence[tuple[int, str]], found: list[set[str]]
    ) -> Iterator[tuple[int, str]]:
        queries = [_query(subjects[place], token) for place, token in asked]
        results = _object(self._fetcher.post("/v1/querybatch", {"queries": queries}).body).get("results")
        if not isinstance(results, list) or len(results) != len(queries):
            raise Offline("it did not answer each question")
        for (place, _), result in zip(asked, results, strict=True):
            if not isinstance(result, dict) or not isinstance(result.get("vulns", []), list):
                raise Offline("it answered with something else than vulnerabilities")
            found[place] |= {identity(one) for one in result.get("vulns", [])}
            if token := result.get("next_page_token"):
                yield place, str(token)

    def _records(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        if len(ids) > MAX_IDS:
            raise Offline(f"it named more than {MAX_IDS} advisories")
        with ThreadPoolExecutor(WORKERS) as pool:
            return dict(zip(ids, pool.map(self._record, ids), strict=True))

    def _record(self, told: str) -> dict[str, Any]:
        answer = self._fetcher.get(f"/v1/vulns/{quote(told, safe='')}")
        record = _object(answer.body)
        if answer.status != 200 or identity(record) != told:
            raise Offline("it does not know an advisory that it named")
        return record


def _query(subject: Subject, token: str) -> dict[str, Any]:
    query = {"package": {"ecosystem": NAMES[subject.ecosystem], "name": subject.name}, "version": subject.version}
    return query | ({"page_token": token} if token else {})


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Offline("it answered with something else than JSON") from error
    if not isinstance(told, dict):
        raise Offline("it answered with something else than an object")
    return told
