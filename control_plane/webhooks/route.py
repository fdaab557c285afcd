"""POST /v1/webhooks/github: read within bounds, hand on, answer as soon as it is stored."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from anyio import fail_after
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.webhooks.lingering import Lingering
from control_plane.webhooks.receiving import Letter, Receipt, Receiver
from domain.errors import FactoryError
from domain.webhooks import LARGEST
from resources.settings import Settings

PATH: Final = "/v1/webhooks/github"
PATIENCE: Final = 30.0  #: seconds a sender may take
MOST_HELD: Final = 4 * LARGEST  #: bytes of all requests at once: anybody may send
NOT_STORED: Final = {"cache-control": "no-store"}
LATER: Final = {"retry-after": "60"}


class TooLarge(Exception):
    pass


class TooBusy(Exception):
    pass


class Webhooks:
    def __init__(self, receiver: Receiver, *, patience: float = PATIENCE, most_held: int = MOST_HELD) -> None:
        self._receiver = receiver
        self._patience = patience
        self._most_held = most_held
        self._held = 0

    async def answer(self, request: Request) -> Response:
        letter = _headers(request)
        objection = letter.objection()
        if objection is not None:
            return self._said_early(Receipt(400, {"error": objection}))
        if not letter.signature:
            return self._said_early(self._receiver.unsigned())
        try:
            async with self._body(request) as body:
                return await run_in_threadpool(self._take, letter, body)
        except TooLarge:
            return self._said_early(Receipt(413, {"error": f"a payload has at most {LARGEST} bytes"}))
        except TooBusy:
            return self._said_early(Receipt(503, {"error": "too much at once"}), LATER)
        except TimeoutError:
            return _said(Receipt(408, {"error": "the body did not arrive in time"}))
        except ClientDisconnect:
            return _said(Receipt(400, {"error": "the body did not arrive whole"}))

    def _said_early(self, receipt: Receipt, headers: dict[str, Any] | None = None) -> Response:
        """Answer before the body was read to its end."""
        told = {**NOT_STORED, **(headers or {})}
        return Lingering(json.dumps(receipt.document), receipt.status, told, patience=self._patience)

    def _take(self, letter: Letter, body: bytes) -> Response:
        try:
            return _said(self._receiver.take(Letter(**{**vars(letter), "body": body})))
        except FactoryError as error:  # a message may name the database
            return _said(Receipt(503, {"error": {"code": error.code, "remedy": error.remedy}}), LATER)

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[bytes]:
        """Read the body while it fits.

        Raises:
            TooLarge, TooBusy, TimeoutError, ClientDisconnect.
        """
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > LARGEST:
            raise TooLarge
        chunks: list[bytes] = []
        size = 0
        try:
            with fail_after(self._patience):
                async for chunk in request.stream():
                    size += len(chunk)
                    self._held += len(chunk)
                    if size > LARGEST:
                        raise TooLarge
                    if self._held > self._most_held:
                        raise TooBusy
                    chunks.append(chunk)
            yield b"".join(chunks)
        finally:
            self._held -= size


def _headers(request: Request) -> Letter:
    def only(name: str) -> str:
        """Return a header's one value; one that is given twice says nothing."""
        found = request.headers.getlist(name)
        return found[0].strip() if len(found) == 1 else ""

    return Letter(
        event=only("x-github-event"),
        delivery=only("x-github-delivery").lower(),
        signature=only("x-hub-signature-256"),
        kind=only("content-type").partition(";")[0].strip().lower(),
        body=b"",
    )


def _said(receipt: Receipt, headers: dict[str, Any] | None = None) -> Response:
    document = json.dumps(receipt.document)
    return Response(document, receipt.status, {**NOT_STORED, **(headers or {})}, media_type="application/json")


def webhooks_route(settings: Settings) -> Route:
    return Route(PATH, Webhooks(Receiver(settings)).answer, methods=["POST"])
