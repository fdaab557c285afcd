"""A webhook, received: who signed it, whose it is, and one row for it, whatever is sent again."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

from adapters.artifacts.contract import ArtifactStore
from control_plane.webhooks.refusals import NO_SECRET, NO_SIGNATURE, WRONG_SIGNATURE, Refusals
from control_plane.webhooks.signing import named_in, signers
from domain.deliveries import Delivery
from domain.errors import InvalidInput
from domain.repositories import Repository
from domain.webhooks import Payload, read_payload
from resources.artifacts import open_artifacts
from resources.ledger import Ledger, open_ledger
from resources.settings import Settings
from resources.webhooks import FORGE, address_of, webhook_secret

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 10  #: of a form
EVENT: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DELIVERY: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Receipt(NamedTuple):
    status: int
    document: dict[str, Any]


UNSIGNED: Final = Receipt(401, {"error": "the signature is missing or wrong"})
ELSEWHERE: Final = Receipt(404, {"error": "no enrolled repository sends this"})


@dataclass(frozen=True)
class Letter:
    """One request, read whole."""

    event: str
    delivery: str
    signature: str
    kind: str  #: its content type, without parameters
    body: bytes

    def objection(self) -> str | None:
        """Return what is wrong with its headers."""
        if not EVENT.fullmatch(self.event):
            return "X-GitHub-Event is missing, given twice or strange"
        if not _DELIVERY.fullmatch(self.delivery):
            return "X-GitHub-Delivery is missing, given twice or no UUID"
        if self.kind not in (JSON, FORM):
            return f"the content type is neither {JSON} nor {FORM}"
        return None

    def payload(self) -> bytes:
        """Raises InvalidInput."""
        return self.body if self.kind == JSON else _of_form(self.body)


class Receiver:
    """Stores deliveries. The ledger is opened at the first request that finds it."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._settings = settings
        self._artifacts: ArtifactStore = open_artifacts(settings)
        self._opened: Ledger | None = None
        self._now = now
        self._refusals = Refusals(now)

    def take(self, letter: Letter) -> Receipt:
        """Check the signature before anything is parsed, then store.

        Raises:
            LedgerUnavailable, LedgerOutdated, StorageFull.
        """
        ours = [one for one in self._ledger().oversight.repositories() if one.enabled and one.forge == FORGE]
        secrets = {one.name: found for one in ours if (found := webhook_secret(one)) is not None}
        named = {address[1]: one.name for one in ours if (address := address_of(one.source)) is not None}
        signed_by = signers(letter.body, letter.signature, secrets, named)
        if not signed_by:
            return self._refused(*(name for name in named_in(letter.body, named) if name not in secrets))
        try:
            content = letter.payload()
            payload = read_payload(content)
        except InvalidInput as error:
            return Receipt(400, {"error": error.message})
        name = _addressee(payload, ours) if payload.repository else min(signed_by)
        if name is None:
            return ELSEWHERE
        if name not in signed_by:
            return self._refused(*(() if name in secrets else (name,)))
        return self._store(letter, content, payload, name)

    def unsigned(self) -> Receipt:
        """Return the answer to who signs nothing."""
        self._refusals.tell(NO_SIGNATURE)
        return UNSIGNED

    def _refused(self, *lacking: str) -> Receipt:
        """The sender hears the same whatever the reason; the log knows it. `lacking`: repositories without a secret."""
        self._refusals.tell(NO_SECRET if lacking else WRONG_SIGNATURE, *sorted(lacking))
        return UNSIGNED

    def _store(self, letter: Letter, content: bytes, payload: Payload, name: str) -> Receipt:
        """The body first: a row without one would be a delivery that nobody can decide on."""
        delivery = Delivery(
            id=letter.delivery,
            forge=FORGE,
            event=letter.event,
            action=payload.action,
            repository=name,
            body=self._artifacts.put(content, kind="webhook", name=f"webhook-{letter.event}.json"),
            received_at=self._now(),
        )
        is_new = self._ledger().inbox.take(delivery)
        told = {"delivery": delivery.id, "repository": name, "stored": is_new}
        return Receipt(202 if is_new else 200, {**told, "pong": True} if letter.event == "ping" else told)

    def _ledger(self) -> Ledger:
        if self._opened is None:
            self._opened = open_ledger(self._settings.ledger_url)
        return self._opened


def _addressee(payload: Payload, ours: list[Repository]) -> str | None:
    """Return the enrolled repository a payload is of, by host and full name."""
    if payload.repository is None:
        return None
    address = address_of(payload.repository.html_url)
    if address is None or address[1] != payload.repository.full_name.lower():
        return None
    return next((one.name for one in ours if address_of(one.source) == address), None)


def _of_form(body: bytes) -> bytes:
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=MOST_FIELDS, strict_parsing=True, errors="strict")
    except (UnicodeError, ValueError):
        raise InvalidInput("the form cannot be read") from None
    if len(fields.get("payload", ())) != 1:
        raise InvalidInput("the form has not one `payload`")
    return fields["payload"][0].encode("utf-8")
